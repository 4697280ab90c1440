"""``python -m benchmarks.gpu BEATS.npz OUT``: train the 1D model on a graphics processor, and time it.

BEATS.npz is what ``ecglib data export`` writes. Of Python's packages the machine needs torch, NumPy,
SciPy, scikit-learn and pydantic. First single steps are timed, as they are and recorded; then the model is
trained, once alone and once for all repetitions together. A training that runs out of time goes on
when the same command is given again. Without a graphics processor all of it runs on the CPU, slowly.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import matthews_corrcoef
from torch import nn

from ecglib import spectrogram
from ecglib.checkpoints import Epoch
from ecglib.data.compact import read_compact
from ecglib.data.splits import arrange, class_weights, default_split, split_beats
from ecglib.errors import EcglibError
from ecglib.files import replacing
from ecglib.models import Cnn2d, Cnn2dConfig, CnnTransformer, CnnTransformerConfig
from ecglib.optimizers import Adamax, Noam, make_optimizer, set_learning_rate
from ecglib.stacking import Stack
from ecglib.steps import Examples, RecordedStep, Step
from ecglib.training import TrainingConfig, predict, seeded, train_together

BATCH_SIZE = 16


class OutOfTimeError(Exception):
    """The time given is over; the checkpoint of the last epoch stands."""


class Beats:
    """A compact beat table's parts, resident on the device."""

    def __init__(self, path: Path, device: torch.device):
        table = read_compact(path)
        kind = default_split(table.metadata.dataset)
        beats = arrange(table, kind)
        split = split_beats(beats, "all", 0.2, 0, kind)
        self.classes = len(beats.metadata.class_names)
        self.weights = class_weights(beats.label[split.train], self.classes)
        signal, label = torch.from_numpy(beats.signal).to(device), torch.from_numpy(beats.label).to(device)
        rows = [torch.from_numpy(part).to(device) for part in (split.train, split.validation, split.test)]
        self.signals = [Examples((signal[part],), label[part]) for part in rows]
        cells = spectrogram.colour_cells(signal[rows[0]])
        self.pictures = Examples((cells,), label[rows[0]], lambda cells: (spectrogram.enlarge(cells),))


def new_models(kind: type[nn.Module], classes: int, count: int, device: torch.device) -> list[nn.Module]:
    """Untrained models under the seeds 0, 1, ..."""
    models = []
    for seed in range(count):
        with seeded(seed, 0):
            config = (Cnn2dConfig if kind is Cnn2d else CnnTransformerConfig)(classes=classes)
            models.append(kind(config).to(device))
    return models


def seconds_per_step(
    models: list[nn.Module], training: Examples, weights: np.ndarray, config: Noam | Adamax, recorded: bool, steps: int
) -> float:
    """Seconds of one training step of all `models`, after a few that are not counted."""
    device = training.label.device
    stack = Stack(models)
    optimizer, rate = make_optimizer(stack.parameters(), config, steps)
    step = Step(stack, training, optimizer, torch.as_tensor(weights, dtype=torch.float32, device=device))
    take_step = RecordedStep(step) if recorded else step
    step.begin_epoch()
    rows = torch.randint(len(training), (len(models), BATCH_SIZE), device=device)
    started = 0.0
    for number in range(-6, steps):
        if number == 0:
            _wait(device)
            started = time.perf_counter()
        set_learning_rate(optimizer, rate(number + 7))
        take_step(rows)
    _wait(device)
    return (time.perf_counter() - started) / steps


def train_and_save(beats: Beats, count: int, epochs: int, deadline: float, out: Path) -> dict[str, float]:
    """Train `count` models together, and leave histories, weights and test scores under `out`."""
    device = beats.signals[0].label.device
    models = new_models(CnnTransformer, beats.classes, count, device)
    checkpoint = out / f"checkpoint-{count}.npz"

    def on_epoch(epoch: Epoch) -> None:
        print(f"{count} together: epoch {epoch.epoch}/{epochs}, {epoch.seconds * count:.2f} s", flush=True)
        if time.perf_counter() > deadline and epoch.epoch < epochs:
            raise OutOfTimeError

    config = TrainingConfig(epochs=epochs, batch_size=BATCH_SIZE, optimizer=Noam())
    trained = train_together(models, *beats.signals[:2], config, beats.weights, checkpoint, on_epoch)
    label = beats.signals[2].label.cpu().numpy()
    correlations = []
    for seed, (model, outcome) in enumerate(zip(models, trained, strict=True)):
        scores = predict(model, beats.signals[2])[0].cpu().numpy()
        correlations.append(float(matthews_corrcoef(label, scores.argmax(axis=1))))
        weights = {name: tensor.numpy(force=True) for name, tensor in model.state_dict().items()}
        name = f"cnn_transformer-{count}-{seed}"
        (out / f"{name}.json").write_text(
            json.dumps({"best_epoch": outcome.best_epoch, "history": [epoch.row() for epoch in outcome.history]})
        )
        with replacing(out / f"{name}.npz") as path, path.open("wb") as file:
            np.savez(file, scores=scores, **weights)
    seconds = sum(epoch.seconds for outcome in trained for epoch in outcome.history)
    return {"together": count, "epochs": epochs, "training_s": seconds, "mcc_mean": float(np.mean(correlations))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time everything; the exit status is 3 where a training must go on in another call."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("beats", type=Path, help="compact beat table (.npz)")
    parser.add_argument("out", type=Path, help="folder for results and checkpoints")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--steps", type=int, default=300, help="timed for each way to take them")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which no further epoch is begun")
    options = parser.parse_args(arguments)
    deadline = time.perf_counter() + 60 * options.minutes
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU: CPU"
    summary: dict[str, object] = {"device": name, "torch": torch.__version__, "steps": [], "trainings": []}
    try:
        beats = Beats(options.beats, device)
    except EcglibError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    for kind, training, optimizer in (
        (CnnTransformer, beats.signals[0], Noam()),
        (Cnn2d, beats.pictures, Adamax()),
    ):
        for count in (1, options.repetitions):
            for recorded in (False, True) if device.type == "cuda" else (False,):
                models = new_models(kind, beats.classes, count, device)
                seconds = seconds_per_step(models, training, beats.weights, optimizer, recorded, options.steps)
                way = "recorded" if recorded else "as it is"
                print(f"{kind.__name__}, {count} together, {way}: {1e3 * seconds:.3f} ms a step", flush=True)
                summary["steps"].append([kind.__name__, count, way, seconds])
    finished = True
    for count in (1, options.repetitions):
        try:
            summary["trainings"].append(train_and_save(beats, count, options.epochs, deadline, options.out))
        except OutOfTimeError:
            finished = False
    text = json.dumps(summary, indent=1)
    (options.out / "summary.json").write_text(text + "\n")
    print(text)
    return 0 if finished else 3


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
