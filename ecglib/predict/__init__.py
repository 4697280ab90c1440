"""The pretrained models on an ECG of one's own. Research software, not a medical device.

``ecglib.predict(signal, rate)`` classifies the beats of one lead: this module can be called, so that the name of the
room is the name of what it does. ``ecglib.load_pretrained(name)`` gives a model alone.
"""

from __future__ import annotations

import sys
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ecglib.predict.in_context import InContext
    from ecglib.predict.prediction import Prediction
    from ecglib.predict.pretrained import Pretrained

NOTICE = "Research software, not a medical device."
# made for people whom no model has seen, and the best on them of those that are here (figures/predict)
DEFAULT_MODEL = "context"


def predict(
    signal: np.ndarray | str | Path,
    rate: float | None = None,
    *,
    lead: str | None = None,
    model: str | Pretrained | InContext = DEFAULT_MODEL,
    per_mv: float | None = None,
    progress: bool = False,
    decline: float = 0.0,
) -> Prediction:
    """Find the beats of one lead and classify each of them. Research software, not a medical device.

    Parameters
    ----------
    signal : ndarray, shape (T,), or path
        One lead in any unit, NaN where a sample is missing; or the file of a record, see `ecglib.predict.readers`.
    rate : float, optional
        Samples a second; of a file only where it does not say so itself.
    lead : str, optional
        Of a file: the lead's name, in any case, or its number, from 1.
    model : str or Pretrained
        A name of `pretrained_names`, as "best" or "best:cnn2d", or what `load_pretrained` gave.
    per_mv : float, optional
        Of an array: units of `signal` a millivolt; figures are then drawn to scale.
    progress : bool
        Whether a bar is shown on standard error, where that is a terminal.
    decline : float
        Of the default model: how many of its least sure beats are called "not sure", as a share of the beats of
        the patients that it was trained on; of another recording more or fewer are. 0: none.

    Returns
    -------
    Prediction

    Raises
    ------
    EcglibError
        The signal, its rate or the file cannot be used, has fewer than three beats, the model is unknown, or there is
        nothing that it can decline.

    Examples
    --------
    >>> ecglib.predict(signal, 360).table  # doctest: +SKIP
    """
    from ecglib.predict.in_context import declined_below
    from ecglib.predict.lead import array_lead
    from ecglib.predict.prediction import predict_lead
    from ecglib.predict.readers import open_lead

    opened = open_lead(Path(signal), lead, rate) if isinstance(signal, str | Path) else array_lead(signal, rate, per_mv)
    loaded = load_pretrained(model) if isinstance(model, str) else model
    return predict_lead(opened, loaded, progress, declined_below(loaded, decline))


def load_pretrained(name: str = DEFAULT_MODEL) -> Pretrained | InContext:
    """A trained model of this repository, ready to classify beats; see `ecglib.predict.pretrained.load_pretrained`."""
    from ecglib.predict import pretrained

    return pretrained.load_pretrained(name)


def pretrained_names() -> list[str]:
    """The names that `load_pretrained` knows, sorted."""
    from ecglib.predict import pretrained

    return pretrained.pretrained_names()


class _Callable(ModuleType):
    """A module that can be called, like the function of its name."""

    __call__ = staticmethod(predict)


sys.modules[__name__].__class__ = _Callable
__signature__ = signature(predict)
