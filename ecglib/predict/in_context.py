"""The design `context` on a lead of one's own: each beat beside its neighbours, by the mean of its networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecglib.data.context import RATE_HZ, context_inputs
from ecglib.designs.context import CLASSES, least_sure, probabilities, trained_networks
from ecglib.names import EcglibError
from ecglib.predict.beats import at_rate
from ecglib.predict.lead import OpenLead

if TYPE_CHECKING:
    from ecglib.predict.pretrained import Pretrained

_BLOCK_S = 600


class InContext:
    """The trained networks of `context`; they know no F and no Q.

    Attributes
    ----------
    name, title : str
    dataset : str
    class_names : tuple of str, length K
    """

    name, dataset, class_names = "context", "mitbih", CLASSES
    title = "context (a beat beside its neighbours), trained on DS1 of mitbih, 3 classes"

    def __init__(self):
        self._networks = trained_networks()

    def of_lead(self, lead: OpenLead, peaks: np.ndarray, rr_s: np.ndarray) -> np.ndarray:
        """Probabilities of every R peak's beat.

        Parameters
        ----------
        lead : OpenLead
        peaks : ndarray of int, shape (P,)
            In the record's own samples; at least two.
        rr_s : ndarray of float, shape (P,)
            Seconds since the R peak before, NaN where a stretch begins.

        Returns
        -------
        ndarray of float32, shape (P, K)
        """
        inputs = context_inputs(_at_120_hz(lead), peaks / lead.rate_hz * RATE_HZ, rr_s)
        return np.mean([probabilities(network, inputs) for network in self._networks], axis=0)


def declined_below(model: Pretrained | InContext, share: float) -> float:
    """The probability below which a beat is called "not sure", for a share of DS1's beats; see `least_sure`.

    Raises
    ------
    EcglibError
        There is no such share, or the model is another one, whose answers for new people were not kept.
    """
    if share and not isinstance(model, InContext):
        raise EcglibError(f"decline: {model.name} has no threshold of its own; only {InContext.name} has one")
    return least_sure(share)


def _at_120_hz(lead: OpenLead) -> np.ndarray:
    """The whole lead, resampled ten minutes at a time; what is missing is drawn as a line. A day takes 41 MB."""
    blocks = []
    for begin_s in range(0, int(np.ceil(lead.seconds)), _BLOCK_S):
        start, stop = (round(second * lead.rate_hz) for second in (begin_s, begin_s + _BLOCK_S))
        signal = lead.read(start, min(stop, lead.length))
        known = np.isfinite(signal)
        if not known.all():
            places = np.arange(len(signal))
            signal = np.interp(places, places[known], signal[known]) if known.any() else np.zeros(len(signal))
        block = at_rate(signal, lead.rate_hz, RATE_HZ)[: int(_BLOCK_S * RATE_HZ)].astype(np.float32)
        full = stop <= lead.length
        blocks.append(np.pad(block, (0, int(_BLOCK_S * RATE_HZ) - len(block)), mode="edge") if full else block)
    return np.concatenate(blocks)
