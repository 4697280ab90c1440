"""A training's state after an epoch as one file, from which it goes on with the very same numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ecglib.files import replacing
from ecglib.stacking import Stack


@dataclass(frozen=True)
class Epoch:
    """One line of the learning curves; losses are class-weighted means, accuracies fractions.

    The training figures are running values over the epoch's batches (dropout on), as in the report.
    Of models that are trained together, each has its share of the epoch's `seconds` (wall clock) and `cpu_seconds`. The metrics on the
    test beats are those of the last epochs, where that was asked for; nothing is chosen by them.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    # of the process, all threads together; None in histories from before it was counted
    cpu_seconds: float | None = None
    test_mcc: float | None = None
    test_f1_macro: float | None = None
    test_f1_weighted: float | None = None
    test_accuracy: float | None = None

    def row(self) -> dict[str, float]:
        """All values that there are, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class Progress:
    """How far one model's training has come."""

    history: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0

    def is_best(self, accuracy: float) -> bool:
        """Whether `accuracy` on the validation beats is above that of all epochs so far."""
        return not self.history or accuracy > self.history[self.best_epoch - 1].validation_accuracy

    def is_over(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are done, or `patience` of them brought nothing better."""
        done = len(self.history)
        return done >= epochs or (patience is not None and done - self.best_epoch >= patience)


@dataclass
class State:
    """Everything that the next epoch depends on, beside the models and the optimiser.

    Attributes
    ----------
    step : int
        Optimiser steps so far.
    progress : list of Progress
        One a model.
    best_weights : dict of str to Tensor, shapes (R, ...)
        Of each model's best epoch.
    """

    step: int
    progress: list[Progress]
    best_weights: dict[str, Tensor]


def save_checkpoint(path: Path, stack: Stack, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write everything to `path` (NumPy's .npz); the checkpoint before is replaced only on success."""
    tensors = {f"model/{name}": tensor for name, tensor in stack.state().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in state.best_weights.items()}
    for index, entries in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in entries.items()}
    progress = [
        {"best_epoch": one.best_epoch, "history": [epoch.row() for epoch in one.history]} for one in state.progress
    ]
    text = json.dumps({"step": state.step, "progress": progress})
    arrays = {name: tensor.numpy(force=True) for name, tensor in tensors.items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, state=np.array(text), **arrays)


def load_checkpoint(path: Path, stack: Stack, optimizer: torch.optim.Optimizer) -> State:
    """Put models and optimiser into the state that `save_checkpoint` found them in; the rest is returned."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    with np.load(path) as file:
        saved = json.loads(str(file["state"]))
        for key in file.files:
            if key != "state":
                part, name = key.split("/", 1)
                parts[part][name] = torch.from_numpy(file[key])
    stack.load(parts["model"])
    parameters = stack.parameters()
    entries: dict[int, dict[str, Tensor]] = {}
    for key, tensor in parts["optimizer"].items():
        index, name = key.split("/")
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            # in the parameter's memory layout (channels last, say): the fused optimiser reads both in memory order
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        entries.setdefault(int(index), {})[name] = tensor
    # the groups hold no more than the configuration, and the rate, which each step sets
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    device = parameters[0].device
    return State(
        step=saved["step"],
        progress=[
            Progress([Epoch(**epoch) for epoch in one["history"]], one["best_epoch"]) for one in saved["progress"]
        ],
        best_weights={name: tensor.to(device) for name, tensor in parts["best"].items()},
    )
