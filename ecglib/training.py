"""One training loop for every model: seeds in, history out, resumable at each epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from ecglib.checkpoints import Epoch, Progress, State, load_checkpoint, save_checkpoint
from ecglib.evaluation import HEADLINE_METRICS, confusion_matrix, headline
from ecglib.memory import keep_freed_memory
from ecglib.optimizers import Optimizer, make_optimizer, set_learning_rate
from ecglib.stacking import Stack
from ecglib.steps import Examples, RecordedStep, Step, batch_sums

# Raised whenever the same parameters and data are trained differently than before, so that runs are not mixed;
# tests/test_training.py watches it. Random numbers alone do not count: like rounding, they differ between
# releases of PyTorch too, and a run with others is a run of the same training.
TRAINING_VERSION = 1
# beats a block without gradients; blocks that fit into a processor's cache are up to four times as fast
_BLOCK = {"cpu": 32, "cuda": 2048}


class TrainingConfig(BaseModel):
    """How one model is trained (report, Table II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    epochs: int = Field(ge=1)
    batch_size: int = Field(16, ge=1)
    optimizer: Optimizer = Field(discriminator="kind")
    seed: int = Field(0, ge=0)
    # which epoch's weights are kept; None: the one with the highest validation accuracy
    selection: Literal["last"] | None = None
    # epochs without a better validation accuracy after which training ends
    patience: int | None = Field(None, ge=1)
    # how strongly each training example is mixed with another, see `ecglib.steps.Step`
    mixup: float = Field(0.0, ge=0, exclude_if=lambda value: not value)


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
    *,
    test: Examples | None = None,
    reported_epochs: int = 10,
) -> Trained:
    """Train `model` in place and leave it with the weights of its best epoch, in evaluation mode.

    Best is the highest validation accuracy, the earliest of equals; or the last, where `config` says so.
    All randomness of an epoch (order, dropout) follows from the seed and the epoch's number, so a run
    that was stopped and resumed gives the very same weights as one that was not.

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
    test : Examples, optional
        What the model is tested on after each of the last epochs, for the test metrics of `Epoch`. That
        changes nothing in the training, and takes no part in an epoch's seconds.
    reported_epochs : int
        How many of all `config.epochs` the last ones are; where there are fewer, each is tested. The
        original paper reports mean and deviation of 10.
    """
    together = train_together(
        [model],
        training,
        validation,
        config,
        class_weights,
        checkpoint,
        on_epoch,
        test=test,
        reported_epochs=reported_epochs,
    )
    return together[0]


def train_together(
    models: Sequence[nn.Module],
    training: Examples,
    validation: Examples,
    config: TrainingConfig,
    class_weights: np.ndarray,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    *,
    test: Examples | None = None,
    reported_epochs: int = 10,
) -> list[Trained]:
    """`train` for several models of one kind in the same steps: repetitions under other seeds.

    The r-th model has the seed ``config.seed + r``, which decides the order of its beats. Without
    dropout each becomes what `train` would have made of it, up to rounding; with it, what `train`
    could have made of it, since the models draw their random numbers in turn.

    Parameters
    ----------
    models : sequence of Module
        Alike but for their initial weights.
    training, validation, config, class_weights, checkpoint, test, reported_epochs
        As for `train`.
    on_epoch : callable, optional
        Called with the first model's epochs.

    Returns
    -------
    list of Trained
        One a model. A model that early stopping has ended keeps its weights while the others go on.
    """
    keep_freed_memory()
    device = training.label.device
    for model in models:
        model.to(device)
    weights = torch.as_tensor(class_weights, dtype=torch.float32, device=device)
    stack = Stack(models)
    total_steps = config.epochs * math.ceil(len(training) / config.batch_size)
    optimizer, learning_rate = make_optimizer(stack.parameters(), config.optimizer, total_steps)
    state = State(0, [Progress() for _ in models], stack.state())
    if checkpoint is not None and checkpoint.is_file():
        state = load_checkpoint(checkpoint, stack, optimizer)
        for epoch in state.progress[0].history if on_epoch else []:
            on_epoch(epoch)
    step = Step(stack, training, optimizer, weights, config.mixup)
    take_step = RecordedStep(step) if device.type == "cuda" else step

    while running := [one for one in state.progress if not one.is_over(config.epochs, config.patience)]:
        started, cpu_started = time.perf_counter(), time.process_time()
        number = len(running[0].history) + 1
        step.begin_epoch()
        with seeded(config.seed, number):
            order = _orders(len(training), config.seed, number, len(models), device)
            for rows in order.split(config.batch_size, dim=1):
                state.step += 1
                set_learning_rate(optimizer, learning_rate(state.step))
                take_step(rows)
        losses, accuracies = _means(step.sums, len(training))
        validation_losses, validation_accuracies = _evaluate(stack, validation, weights)

        weights_now = stack.state()
        seconds = (time.perf_counter() - started) / len(models)
        cpu_seconds = (time.process_time() - cpu_started) / len(models)
        is_tested = test is not None and number > config.epochs - reported_epochs
        tested = _test(stack, test) if is_tested else [{}] * len(models)
        for index, one in enumerate(state.progress):
            if one not in running:
                continue
            if config.selection == "last" or one.is_best(validation_accuracies[index]):
                one.best_epoch = number
                for name, tensor in weights_now.items():
                    state.best_weights[name][index] = tensor[index]
            one.history.append(
                Epoch(
                    epoch=number,
                    learning_rate=learning_rate(state.step),
                    train_loss=losses[index],
                    train_accuracy=accuracies[index],
                    validation_loss=validation_losses[index],
                    validation_accuracy=validation_accuracies[index],
                    seconds=seconds,
                    cpu_seconds=cpu_seconds,
                    **tested[index],
                )
            )
        if checkpoint is not None:
            save_checkpoint(checkpoint, stack, optimizer, state)
        if on_epoch and state.progress[0] in running:
            on_epoch(state.progress[0].history[-1])

    for index, model in enumerate(models):
        model.load_state_dict({name: tensor[index] for name, tensor in state.best_weights.items()})
        model.eval()
    return [Trained(one.history, one.best_epoch) for one in state.progress]


@contextmanager
def seeded(seed: int, epoch: int) -> Iterator[None]:
    """PyTorch's random numbers of one epoch; those of epoch 0 make the initial weights.

    The generator's state from before comes back afterwards.
    """
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1))
        yield


def evaluate_loss(model: nn.Module, examples: Examples, weights: Tensor) -> tuple[float, float]:
    """Class-weighted cross entropy and accuracy of `model` in evaluation mode."""
    losses, accuracies = _evaluate(Stack([model]), examples, weights)
    return losses[0], accuracies[0]


@torch.inference_mode()
def predict(model: nn.Module, examples: Examples) -> tuple[Tensor, Tensor]:
    """Scores (N, K) and features (N, D) of all examples, the model in evaluation mode."""
    model.eval()
    scores = features = torch.empty(0)
    for rows in _blocks(examples):
        some_scores, some_features = model(*examples.batch(rows))
        if rows.start == 0:
            # all of it at once: a list of blocks, joined at the end, would take twice the memory
            scores = some_scores.new_empty(len(examples), *some_scores.shape[1:])
            features = some_features.new_empty(len(examples), *some_features.shape[1:])
        scores[rows], features[rows] = some_scores, some_features
    return scores, features


@torch.inference_mode()
def _evaluate(stack: Stack, examples: Examples, weights: Tensor) -> tuple[list[float], list[float]]:
    """Losses and accuracies of all models of `stack`, each on all examples."""
    stack.train(False)
    sums = torch.zeros(3, len(stack), device=weights.device)
    for rows in _blocks(examples):
        inputs, label = examples.batch(rows), examples.label[rows]
        scores = stack(*(tensor.expand(len(stack), *tensor.shape) for tensor in inputs))
        sums += batch_sums(scores, label.expand(len(stack), -1), weights)
    return _means(sums, len(examples))


@torch.inference_mode()
def _test(stack: Stack, examples: Examples) -> list[dict[str, float]]:
    """The test metrics of `Epoch` for each model of `stack`."""
    stack.train(False)
    blocks = []
    for rows in _blocks(examples):
        scores = stack(*(tensor.expand(len(stack), *tensor.shape) for tensor in examples.batch(rows)))  # (R, B, K)
        blocks.append(scores.argmax(dim=-1))
    predicted, label = torch.cat(blocks, dim=1).numpy(force=True), examples.label.numpy(force=True)
    values = headline(np.stack([confusion_matrix(label, one, scores.shape[-1]) for one in predicted]))
    return [{f"test_{name}": float(values[name][index]) for name in HEADLINE_METRICS} for index in range(len(stack))]


def _orders(count: int, seed: int, epoch: int, models: int, device: torch.device) -> Tensor:
    """Each model's order of `count` beats in one epoch, shape (models, count).

    The first comes from the generator as it stands, the others from those of their own seeds.
    """
    orders = [torch.randperm(count, device=device)]
    for other in range(seed + 1, seed + models):
        with seeded(other, epoch):
            orders.append(torch.randperm(count, device=device))
    return torch.stack(orders)


def _blocks(examples: Examples) -> Iterator[slice]:
    size = _BLOCK[examples.label.device.type]
    for start in range(0, len(examples), size):
        yield slice(start, start + size)


def _means(sums: Tensor, count: int) -> tuple[list[float], list[float]]:
    loss, weight, correct = sums.double()
    return (loss / weight).tolist(), (correct / count).tolist()
