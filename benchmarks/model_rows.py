"""What is measured of the models: pictures, epochs, fusion, a training step, inference."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Subset
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import baseline
from benchmarks.measure import Row, Sizes, Target, interleaved, resample, seconds_of
from ecglib.data.splits import class_weights
from ecglib.data.table import Beats
from ecglib.designs import DESIGNS
from ecglib.models.fusion import Hybrid
from ecglib.models.pictures import colour_cells, enlarge
from ecglib.names import ModelName
from ecglib.training.checkpoints import Epoch
from ecglib.training.examples import Examples, beat_examples
from ecglib.training.loop import predict, train
from ecglib.training.optimizers import Adamax, Noam, TrainingConfig

VALIDATION_SHARE = 0.2
FUSION_OPTIMIZER = Adamax(rate=3e-4, weight_decay=0.01)


def pictures(beats: Beats, sizes: Sizes) -> list[Row]:
    """Beats to pictures, ours in the batches that training makes them in."""
    signal, _ = resample(beats, sizes.pictures)
    few, batches = signal[: sizes.baseline_pictures], torch.from_numpy(signal).split(baseline.BATCH_SIZE)
    one_by_one, batched = interleaved(
        lambda: seconds_of(lambda: [baseline.picture(beat) for beat in few]),
        # each batch is dropped before the next, as in training
        lambda: seconds_of(lambda: [enlarge(colour_cells(batch)).shape for batch in batches]),
        sizes.repetitions,
    )
    one_by_one, batched = one_by_one / len(few), batched / len(signal)
    what = f"spectrogram picture (ours of {len(signal)} by {baseline.BATCH_SIZE}, baseline of {len(few)})"
    ratio = one_by_one / batched
    return [Row(what, one_by_one, batched, "s/picture", ratio, Target(200), sizes.repetitions)]


def cnn2d(beats: Beats, sizes: Sizes) -> list[Row]:
    """One epoch of the 2D CNN with its validation, from the beats on."""
    signal, label = resample(beats, sizes.cnn2d_beats)
    weights = class_weights(beats.label, len(beats.metadata.class_names))

    def drawn_one_by_one(dataset: baseline.BeatDataset) -> None:
        model = DESIGNS["report"].new_model("cnn2d", len(weights), seed=0)
        baseline.train(model, *_loaders(dataset), Adamax(), weights, epochs=1)

    with tempfile.TemporaryDirectory() as folder:
        path = baseline.write_parquet(signal, label, Path(folder) / "beats.parquet")
        dataset = baseline.BeatDataset(path, "picture")
        plain_s, ours_s = interleaved(
            lambda: seconds_of(lambda: drawn_one_by_one(dataset)),
            lambda: seconds_of(lambda: train_epoch("cnn2d", signal, label, weights)),
            sizes.slow_repetitions,
        )
    plain_s, ours_s = plain_s / len(signal), ours_s / len(signal)
    what = f"2D CNN, one epoch with pictures and validation ({len(signal)} beats each)"
    return [Row(what, plain_s, ours_s, "s/beat", plain_s / ours_s, Target(8), sizes.slow_repetitions)]


def fusion(beats: Beats, sizes: Sizes) -> list[Row]:
    """Late fusion: all its epochs with the cache of branch outputs, and one more epoch on that cache."""
    classes = len(beats.metadata.class_names)
    weights = class_weights(beats.label, classes)
    signal, label = (torch.from_numpy(array) for array in resample(beats, sizes.fusion_beats))
    few = sizes.baseline_fusion_beats
    plain_epochs, our_epochs = [], []

    def branches_in_every_epoch(dataset: baseline.BeatDataset) -> None:
        model = new_hybrid(classes)
        _, seconds = baseline.train(model, *_loaders(dataset), FUSION_OPTIMIZER, weights, sizes.fusion_epochs)
        plain_epochs.extend(seconds[1:])

    def branches_once() -> None:
        hybrid = new_hybrid(classes)
        cells = colour_cells(signal)
        outputs = branch_scores(hybrid, Examples((signal,), label), Examples((cells,), label, _enlarged))
        config = TrainingConfig(epochs=sizes.fusion_epochs, optimizer=FUSION_OPTIMIZER)
        history = train(hybrid.fusion, *_divide(outputs), config, weights).history
        our_epochs.extend(epoch.seconds for epoch in history[1:])

    with tempfile.TemporaryDirectory() as folder:
        path = baseline.write_parquet(signal[:few].numpy(), label[:few].numpy(), Path(folder) / "beats.parquet")
        dataset = baseline.BeatDataset(path, "both")
        plain_s, ours_s = interleaved(
            lambda: seconds_of(lambda: branches_in_every_epoch(dataset)),
            lambda: seconds_of(branches_once),
            sizes.slow_repetitions,
        )
    plain_s, ours_s = plain_s / few, ours_s / len(signal)
    plain_epoch_s = float(np.median(plain_epochs)) / few
    our_epoch_s = float(np.median(our_epochs)) / len(signal)
    extent = f"(ours on {len(signal)} beats, baseline on {few})"
    return [
        Row(
            f"late fusion, {sizes.fusion_epochs} epochs with the branches' outputs {extent}",
            plain_s,
            ours_s,
            "s/beat",
            plain_s / ours_s,
            Target(9),
            sizes.slow_repetitions,
        ),
        Row(
            f"late fusion, one more epoch on the kept outputs {extent}",
            plain_epoch_s,
            our_epoch_s,
            "s/beat",
            plain_epoch_s / our_epoch_s,
            Target(500),
            len(our_epochs),
        ),
    ]


def training_step(beats: Beats, sizes: Sizes) -> list[Row]:
    """A step of the 1D model against the time of its arithmetic at the rate of a plain matrix product."""
    weights = class_weights(beats.label, len(beats.metadata.class_names))
    square = torch.rand(sizes.matrix, sizes.matrix)
    rows = []
    for batch_size, steps in ((16, sizes.steps), (64, sizes.steps_of_64)):
        signal, label = resample(beats, batch_size * steps)
        operations = step_operations(signal[:batch_size], label[:batch_size], len(weights))

        floor_s, step_s = interleaved(
            partial(_floor_seconds, operations, square, sizes.matrix_products),
            partial(_step_seconds, signal, label, weights, batch_size),
            sizes.repetitions,
        )
        rows.append(
            Row(
                f"1D training step of {batch_size} beats ({operations / 1e9:.2f} GFLOP) "
                f"against float32 products of {sizes.matrix} x {sizes.matrix}",
                floor_s,
                step_s,
                "s/step",
                step_s / floor_s,
                Target(1.5, at_most=True),
                sizes.repetitions,
            )
        )
    return rows


def inference(beats: Beats, sizes: Sizes) -> list[Row]:
    """Beats a second of the 1D model, classified and trained on."""
    weights = class_weights(beats.label, len(beats.metadata.class_names))
    signal, label = resample(beats, sizes.inference_beats)
    examples = Examples((torch.from_numpy(signal),), torch.from_numpy(label))
    model = DESIGNS["report"].new_model("cnn_transformer", len(weights), seed=0)
    some = slice(16 * sizes.steps)
    trained, classified = interleaved(
        lambda: 16 / _step_seconds(signal[some], label[some], weights, 16),
        lambda: len(signal) / seconds_of(lambda: predict(model, examples)),
        sizes.repetitions,
    )
    what = "1D inference (ours) against 1D training at batch 16 (baseline)"
    return [Row(what, trained, classified, "beats/s", classified / trained, Target(3), sizes.repetitions)]


def branch_examples(name: ModelName, signal: np.ndarray, label: np.ndarray) -> Examples:
    """What a branch is trained on, as an `ecglib.experiment.Experiment` makes it.

    Parameters
    ----------
    name : {"cnn_transformer", "cnn2d"}
    signal : ndarray of float32, shape (N, 187)
    label : ndarray of int64, shape (N,)
    """
    return beat_examples(name, torch.from_numpy(signal), torch.from_numpy(label), "colour")


def rows_of(examples: Examples, rows: slice) -> Examples:
    """A view of some of the examples."""
    return replace(examples, inputs=tuple(tensor[rows] for tensor in examples.inputs), label=examples.label[rows])


def train_epoch(
    name: ModelName,
    signal: np.ndarray,
    label: np.ndarray,
    weights: np.ndarray,
    batch_size: int = 16,
    validation: int | None = None,
) -> Epoch:
    """One epoch of a branch from the beats on, as an `ecglib.experiment.Experiment` trains it.

    Parameters
    ----------
    name : {"cnn_transformer", "cnn2d"}
    signal : ndarray of float32, shape (N, 187)
    label : ndarray of int64, shape (N,)
    weights : ndarray, shape (K,)
    batch_size : int
    validation : int, optional
        So many of the beats, which are trained on too, are validated on; without it, a fifth of the
        beats is kept apart for that.
    """
    examples = branch_examples(name, signal, label)
    parts = _divide(examples) if validation is None else (examples, rows_of(examples, slice(validation)))
    optimizer = Adamax() if name == "cnn2d" else Noam()
    config = TrainingConfig(epochs=1, batch_size=batch_size, optimizer=optimizer)
    return train(DESIGNS["report"].new_model(name, len(weights), seed=0), *parts, config, weights).history[0]


def new_hybrid(classes: int) -> Hybrid:
    """Two untrained branches and a late fusion."""
    return Hybrid(
        *(DESIGNS["report"].new_model(name, classes, seed=0) for name in ("cnn_transformer", "cnn2d", "late"))
    )


def branch_scores(hybrid: Hybrid, signal: Examples, picture: Examples) -> Examples:
    """What a late fusion is trained on: the scores of both branches, each evaluated once."""
    scores_1d, _ = predict(hybrid.cnn_transformer, signal)
    scores_2d, _ = predict(hybrid.cnn2d, picture)
    return Examples((scores_1d, scores_2d), signal.label)


def step_operations(signal: np.ndarray, label: np.ndarray, classes: int) -> int:
    """Floating-point operations of one forward and backward pass of the 1D model, counted by PyTorch."""
    model = DESIGNS["report"].new_model("cnn_transformer", classes, seed=0).train()
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(torch.from_numpy(signal))[0], torch.from_numpy(label)).backward()
    return counter.get_total_flops()


def _step_seconds(signal: np.ndarray, label: np.ndarray, weights: np.ndarray, batch_size: int) -> float:
    """Seconds of one training step of the 1D model, over an epoch."""
    # validation is on one beat: nothing beside the steps
    epoch = train_epoch("cnn_transformer", signal, label, weights, batch_size, validation=1)
    return epoch.seconds / math.ceil(len(label) / batch_size)


def _floor_seconds(operations: int, square: Tensor, products: int) -> float:
    """Seconds that `operations` take at the rate of products of two square matrices, (n, n) each."""
    seconds = seconds_of(lambda: [torch.mm(square, square) for _ in range(products)])
    return operations * seconds / (products * 2 * len(square) ** 3)


def _enlarged(cells: Tensor) -> tuple[Tensor]:
    return (enlarge(cells),)


def _training_count(count: int) -> int:
    return count - math.ceil(VALIDATION_SHARE * count)


def _divide(examples: Examples) -> tuple[Examples, Examples]:
    """Four fifths to train on, the rest to validate on; the rows are in random order already."""
    middle = _training_count(len(examples))
    return rows_of(examples, slice(middle)), rows_of(examples, slice(middle, None))


def _loaders(dataset: baseline.BeatDataset) -> tuple[torch.utils.data.DataLoader, torch.utils.data.DataLoader]:
    """As `_divide`, for the baseline."""
    middle = _training_count(len(dataset))
    validation = Subset(dataset, range(middle, len(dataset)))
    return baseline.loader(Subset(dataset, range(middle))), baseline.loader(validation, range(len(validation)))
