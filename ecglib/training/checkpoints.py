"""A training's state after an epoch as one file, from which it goes on with the very same numbers; their digest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ecglib.files import read_sealed, write_sealed


@dataclass(frozen=True)
class Epoch:
    """One line of the learning curves; losses are class-weighted means, accuracies fractions.

    The training figures are running values over the epoch's batches (dropout on), as in the report. `seconds` are of
    the wall clock, `cpu_seconds` of the process, all its threads together. The metrics on the test beats are those of
    the last epochs, where that was asked for; nothing is chosen by them.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    # None in histories from before it was counted
    cpu_seconds: float | None = None
    test_mcc: float | None = None
    test_f1_macro: float | None = None
    test_f1_weighted: float | None = None
    test_accuracy: float | None = None

    def row(self) -> dict[str, float]:
        """All values that there are, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class State:
    """Everything that the next epoch depends on, beside the model and the optimiser.

    Attributes
    ----------
    best_weights : dict of str to Tensor
        Of the best epoch.
    step : int
        Optimiser steps so far.
    best_epoch : int
        Counted from 1; 0 before the first.
    history : list of Epoch
    """

    best_weights: dict[str, Tensor]
    step: int = 0
    best_epoch: int = 0
    history: list[Epoch] = field(default_factory=list)

    def is_best(self, accuracy: float) -> bool:
        """Whether `accuracy` on the validation beats is above that of all epochs so far."""
        return not self.history or accuracy > self.history[self.best_epoch - 1].validation_accuracy

    def is_over(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are done, or `patience` of them brought nothing better."""
        done = len(self.history)
        return done >= epochs or (patience is not None and done - self.best_epoch >= patience)


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write everything to `path`; the checkpoint before is replaced only on success."""
    saved = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "best_weights": state.best_weights,
        "step": state.step,
        "best_epoch": state.best_epoch,
        "history": [epoch.row() for epoch in state.history],
    }
    content = io.BytesIO()
    torch.save(saved, content)
    write_sealed(path, content.getvalue())


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> State | None:
    """Put model and optimiser into the state that `save_checkpoint` found them in; the rest is returned.

    None, and nothing is changed, where there is no checkpoint or it is damaged, which is told in a line. What was begun
    on a GPU goes on without one, and the other way round; then with other random numbers and other rounding.
    """
    content = read_sealed(path)
    if content is None:
        return None
    device = next(model.parameters()).device
    saved = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    model.load_state_dict(saved["model"])
    # a GPU's optimiser and a processor's differ in these two; the rate is set before each step anyway
    own = [{key: group[key] for key in ("lr", "capturable") if key in group} for group in optimizer.param_groups]
    optimizer.load_state_dict(saved["optimizer"])
    for group, its in zip(optimizer.param_groups, own, strict=True):
        group.update(its)
    return State(saved["best_weights"], saved["step"], saved["best_epoch"], [Epoch(**row) for row in saved["history"]])


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names and values."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().numpy())
    return digest.hexdigest()
