"""One training loop for every model: seeds in, history out, resumable at each epoch."""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ecglib.metrics import confusion_matrix, headline
from ecglib.names import HEADLINE_METRICS
from ecglib.training.checkpoints import Epoch, State, load_checkpoint, save_checkpoint
from ecglib.training.examples import Examples
from ecglib.training.optimizers import TrainingConfig, make_optimizer, set_learning_rate
from ecglib.training.steps import CapturedStep, Step, batch_sums

# Raised whenever the same parameters and data are trained differently than before, so that runs are not mixed;
# tests/training/test_loop.py watches it. Random numbers alone do not count: like rounding, they differ between
# releases of PyTorch too, and a run with others is a run of the same training.
TRAINING_VERSION = 1
# beats a block without gradients; blocks that fit into a processor's cache are up to four times as fast, and a GPU with
# little memory is to hold what the layers make of so many pictures
BLOCK = {"cpu": 32, "cuda": 512}
# parameters of mallopt(3), from glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE = 2**31 - 1


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
        Written after each epoch; if the file is there and whole, training goes on from it. The caller
        answers for it that the file belongs to these very arguments.
    on_epoch : callable, optional
        Called with each finished `Epoch`, those of a checkpoint included.
    test : Examples, optional
        What the model is tested on after each of the last epochs, for the test metrics of `Epoch`. That
        changes nothing in the training, and takes no part in an epoch's seconds.
    reported_epochs : int
        How many of all `config.epochs` the last ones are; where there are fewer, each is tested. The
        original paper reports mean and deviation of 10.
    """
    keep_freed_memory()
    device = training.label.device
    model.to(device)
    weights = torch.as_tensor(class_weights, dtype=torch.float32, device=device)
    total_steps = config.epochs * math.ceil(len(training) / config.batch_size)
    optimizer, learning_rate = make_optimizer(list(model.parameters()), config.optimizer, total_steps)
    state = None if checkpoint is None else load_checkpoint(checkpoint, model, optimizer)
    state = state or State(_copy_of_weights(model))
    for epoch in state.history if on_epoch else []:
        on_epoch(epoch)
    kind = CapturedStep if device.type == "cuda" else Step
    step = kind(model, training, optimizer, weights, config.mixup)

    while not state.is_over(config.epochs, config.patience):
        started, cpu_started = time.perf_counter(), time.process_time()
        number = len(state.history) + 1
        step.begin_epoch()
        with seeded(config.seed, number):
            for rows in torch.randperm(len(training), device=device).split(config.batch_size):
                state.step += 1
                set_learning_rate(optimizer, learning_rate(state.step))
                step(rows)
        loss, accuracy = _means(step.sums, len(training))
        validation_loss, validation_accuracy = evaluate_loss(model, validation, weights)
        if config.selection == "last" or state.is_best(validation_accuracy):
            state.best_epoch, state.best_weights = number, _copy_of_weights(model)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        is_tested = test is not None and number > config.epochs - reported_epochs
        state.history.append(
            Epoch(
                epoch=number,
                learning_rate=learning_rate(state.step),
                train_loss=loss,
                train_accuracy=accuracy,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                seconds=seconds,
                cpu_seconds=cpu_seconds,
                **(_test(model, test) if is_tested else {}),
            )
        )
        if checkpoint is not None:
            save_checkpoint(checkpoint, model, optimizer, state)
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
    for rows in _blocks(examples):
        sums += batch_sums(model(*examples.batch(rows))[0], examples.label[rows], weights)
    return _means(sums, len(examples))


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


def _test(model: nn.Module, examples: Examples) -> dict[str, float]:
    """The test metrics of `Epoch`."""
    scores = predict(model, examples)[0].numpy(force=True)
    values = headline(confusion_matrix(examples.label.numpy(force=True), scores.argmax(axis=1), scores.shape[1]))
    return {f"test_{name}": float(values[name]) for name in HEADLINE_METRICS}


def _copy_of_weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _blocks(examples: Examples) -> Iterator[slice]:
    size = BLOCK[examples.label.device.type]
    for start in range(0, len(examples), size):
        yield slice(start, start + size)


def _means(sums: Tensor, count: int) -> tuple[float, float]:
    loss, weight, correct = sums.double().tolist()
    return loss / weight, correct / count


@cache
def keep_freed_memory() -> None:
    """Let the process keep what it frees, where its C library is glibc; elsewhere nothing changes.

    glibc gives large blocks back to the operating system as soon as they are free, and each step of a
    training takes the same ones again, page by page: a fifth of the time of the 2D CNN.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _LARGE)
        mallopt(_MMAP_THRESHOLD, _LARGE)
