"""Progress of a training: a bar where somebody watches, one line an epoch where it is a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from ecglib.training.checkpoints import Epoch


@contextmanager
def epoch_progress(title: str, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Give a function that is to be called with each finished epoch.

    A bar is shown in a terminal and in JupyterLab; under papermill, in nbval and in a file the same
    text is printed line by line.
    """
    # Jupyter Server sets this for the kernels of its own sessions; papermill's and nbval's have none
    in_jupyter = "JPY_SESSION_NAME" in os.environ
    if not (in_jupyter or sys.stderr.isatty()):
        yield lambda epoch: print(f"{title}: epoch {epoch.epoch}/{epochs}, {_figures(epoch)}", flush=True)
        return
    # a notebook shows standard error on red
    stream = sys.stdout if in_jupyter else sys.stderr
    with tqdm(total=epochs, desc=title, unit="epoch", file=stream) as bar:

        def show(epoch: Epoch) -> None:
            bar.set_postfix_str(_figures(epoch), refresh=False)
            bar.update()

        yield show


def _figures(epoch: Epoch) -> str:
    return (
        f"loss {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}, "
        f"accuracy {epoch.train_accuracy:.4f}, validation {epoch.validation_accuracy:.4f}, {epoch.seconds:.1f} s"
    )
