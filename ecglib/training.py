"""One training loop for every model: seeds in, history out, resumable at each epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ecglib.files import replacing
from ecglib.optimizers import Adamax, Noam, make_optimizer

# Raised whenever the same parameters and data give other weights than before; tests/test_training.py watches it.
TRAINING_VERSION = 1
PREDICTION_BATCH = 256


class TrainingConfig(BaseModel):
    """How one model is trained (report, Table II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    epochs: int = Field(ge=1)
    batch_size: int = Field(16, ge=1)
    optimizer: Noam | Adamax = Field(discriminator="kind")
    seed: int = Field(0, ge=0)
    # epochs without a better validation accuracy after which training ends
    patience: int | None = Field(None, ge=1)


@dataclass(frozen=True)
class Examples:
    """What a model is trained or tested on, on one device.

    Attributes
    ----------
    inputs : tuple of Tensor
        One tensor an argument of the model's ``forward``, each with N rows.
    label : Tensor of int64, shape (N,)
    prepare : callable
        Applied to each batch of `inputs` before the model sees it; it gives the model's arguments.
        What is cheap to compute and large to keep (pictures) is made here.
    """

    inputs: tuple[Tensor, ...]
    label: Tensor
    prepare: Callable[..., tuple[Tensor, ...]] = lambda *inputs: inputs

    def __len__(self) -> int:
        return len(self.label)

    def batch(self, rows: Tensor | slice) -> tuple[Tensor, ...]:
        """The model's arguments for the given rows."""
        return self.prepare(*(tensor[rows] for tensor in self.inputs))


@dataclass(frozen=True)
class Epoch:
    """One line of the learning curves; losses are class-weighted means, accuracies fractions.

    The training figures are running values over the epoch's batches (dropout on), as in the report.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass
class _State:
    """Everything that the next epoch depends on."""

    history: list[Epoch] = field(default_factory=list)
    step: int = 0
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """The outcome of `train`.

    Attributes
    ----------
    history : list of Epoch
    best_epoch : int
        Counted from 1; the model holds the weights of this epoch.
    """

    history: list[Epoch]
    best_epoch: int


def train(
    model: nn.Module,
    training: Examples,
    validation: Examples,
    config: TrainingConfig,
    class_weights: np.ndarray,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Train `model` in place and leave it with the weights of its best epoch, in evaluation mode.

    Best is the highest validation accuracy, the earliest of equals. All randomness of an epoch
    (order, dropout) follows from the seed and the epoch's number, so a run that was stopped and
    resumed gives the very same weights as one that was not.

    Parameters
    ----------
    model : Module
        ``forward(*inputs)`` gives (scores (B, K), features (B, D)); all its parameters are trained.
    training, validation : Examples
    config : TrainingConfig
    class_weights : ndarray of float, shape (K,)
        For the cross entropy, in training and validation.
    checkpoint : Path, optional
        Written after each epoch; if the file is there, training goes on from it. The caller answers
        for it that the file belongs to these very arguments.
    on_epoch : callable, optional
        Called with each finished `Epoch`, those of a checkpoint included.
    """
    device = training.label.device
    model.to(device)
    weights = torch.as_tensor(class_weights, dtype=torch.float32, device=device)
    optimizer, learning_rate = make_optimizer(model, config.optimizer)
    state = _State()
    if checkpoint is not None and checkpoint.is_file():
        state = _load_checkpoint(checkpoint, model, optimizer)
        for epoch in state.history if on_epoch else []:
            on_epoch(epoch)

    for number in range(len(state.history) + 1, config.epochs + 1):
        if config.patience is not None and number - 1 - state.best_epoch >= config.patience:
            break
        started = time.perf_counter()
        with seeded(config.seed, number):
            order = torch.randperm(len(training), device=device)
            model.train()
            sums = torch.zeros(3, device=device)  # weighted loss, weight, correct
            for rows in order.split(config.batch_size):
                state.step += 1
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate(state.step)
                label = training.label[rows]
                scores, _ = model(*training.batch(rows))
                loss = F.cross_entropy(scores, label, weights)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                sums += _batch_sums(loss.detach(), scores.detach(), label, weights)
        train_loss, train_accuracy = _means(sums, len(training))
        validation_loss, validation_accuracy = evaluate_loss(model, validation, weights)

        if not state.history or validation_accuracy > state.history[state.best_epoch - 1].validation_accuracy:
            state.best_epoch = number
            state.best_weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        state.history.append(
            Epoch(
                epoch=number,
                learning_rate=learning_rate(state.step),
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                seconds=time.perf_counter() - started,
            )
        )
        if checkpoint is not None:
            _save_checkpoint(checkpoint, model, optimizer, state)
        if on_epoch:
            on_epoch(state.history[-1])

    model.load_state_dict(state.best_weights)
    model.eval()
    return Trained(state.history, state.best_epoch)


@contextmanager
def seeded(seed: int, epoch: int) -> Iterator[None]:
    """PyTorch's random numbers of one epoch; those of epoch 0 make the initial weights.

    The generator's state from before comes back afterwards.
    """
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1))
        yield


@torch.inference_mode()
def evaluate_loss(model: nn.Module, examples: Examples, weights: Tensor) -> tuple[float, float]:
    """Class-weighted cross entropy and accuracy of `model` in evaluation mode."""
    model.eval()
    sums = torch.zeros(3, device=weights.device)
    for rows in _blocks(len(examples)):
        label = examples.label[rows]
        scores, _ = model(*examples.batch(rows))
        sums += _batch_sums(F.cross_entropy(scores, label, weights), scores, label, weights)
    return _means(sums, len(examples))


@torch.inference_mode()
def predict(model: nn.Module, examples: Examples) -> tuple[Tensor, Tensor]:
    """Scores (N, K) and features (N, D) of all examples, the model in evaluation mode."""
    model.eval()
    outputs = [model(*examples.batch(rows)) for rows in _blocks(len(examples))]
    scores, features = zip(*outputs, strict=True)
    return torch.cat(scores), torch.cat(features)


def _blocks(count: int) -> Iterator[slice]:
    for start in range(0, count, PREDICTION_BATCH):
        yield slice(start, start + PREDICTION_BATCH)


def _batch_sums(loss: Tensor, scores: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    # cross_entropy divides by the batch's weights; undone here, so that batches add up to the mean over all beats
    weight = weights[label].sum()
    correct = (scores.argmax(dim=1) == label).sum()
    return torch.stack([loss * weight, weight, correct])


def _means(sums: Tensor, count: int) -> tuple[float, float]:
    loss, weight, correct = sums.tolist()
    return loss / weight, correct / count


def _save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: _State) -> None:
    tensors = {f"model/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in state.best_weights.items()}
    for index, entries in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in entries.items()}
    progress = {
        "step": state.step,
        "best_epoch": state.best_epoch,
        "history": [vars(epoch) for epoch in state.history],
    }
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(contiguous, temporary, {"state": json.dumps(progress)})


def _load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> _State:
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    with safe_open(path, framework="pt") as file:
        progress = json.loads(file.metadata()["state"])
        for key in file.keys():
            part, name = key.split("/", 1)
            parts[part][name] = file.get_tensor(key)
    model.load_state_dict(parts["model"])
    parameters = list(model.parameters())
    entries: dict[int, dict[str, Tensor]] = {}
    for key, tensor in parts["optimizer"].items():
        index, name = key.split("/")
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            # in the parameter's memory layout (channels last, say): the fused optimiser reads both in memory order
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        entries.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    device = parameters[0].device
    return _State(
        history=[Epoch(**epoch) for epoch in progress["history"]],
        step=progress["step"],
        best_epoch=progress["best_epoch"],
        best_weights={name: tensor.to(device) for name, tensor in parts["best"].items()},
    )
