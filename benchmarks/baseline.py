"""The report's pipeline written out plainly, as its sections III.C.1 to III.C.5 describe it.

A beat is drawn with matplotlib each time that it is loaded, the loop asks for loss and accuracy after
every batch, and a fusion runs its frozen branches in every epoch. The models are those of ``ecglib``:
only what is around them differs. Where the text leaves something open, the quicker way is taken:
figures past pyplot, their pixels past any file, branches in evaluation mode, which keep no values for a
backward pass. The loader loads in the training's own process, as PyTorch's does where nothing else is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.signal import spectrogram
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ecglib.data.table import BEAT_LENGTH
from ecglib.training.optimizers import Adamax, Noam

BATCH_SIZE = 16
PICTURE_SIZE = 128
Content = Literal["signal", "picture", "both"]


def _power(signal: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies (17,), times (6,) and power spectral density (17, 6) of one beat."""
    # in double precision, or SciPy would compute in the signal's single one
    return spectrogram(signal.astype(np.float64), fs=125, window="blackman", nperseg=32, noverlap=4, nfft=32)


def decibels(signal: np.ndarray) -> np.ndarray:
    """The spectrogram of one beat (187,) in dB; shape (17, 6)."""
    return 10 * np.log10(_power(signal)[2] + 1e-10)


def picture(signal: np.ndarray) -> Tensor:
    """The plotted spectrogram of one beat as the plot's pixels.

    The frame of the axes is off; their margins stay, which makes 40 % of the picture white.

    Parameters
    ----------
    signal : ndarray of float32, shape (187,)

    Returns
    -------
    Tensor of float32, shape (3, 128, 128)
        Red, green, blue in [0, 1].
    """
    frequency, segment_time, power = _power(signal)
    figure = Figure()
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.pcolormesh(segment_time, frequency, 10 * np.log10(power + 1e-10))
    axes.axis("off")
    canvas.draw()
    plot = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    small = plot.resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).permute(2, 0, 1).contiguous()


def write_parquet(signal: np.ndarray, label: np.ndarray, path: Path) -> Path:
    """Beats (N, 187) as the Parquet file that the data set below reads: a column a sample, then the label."""
    columns = [str(number) for number in range(BEAT_LENGTH)]
    pd.DataFrame(signal, columns=columns).assign(label=label.astype(np.float32)).to_parquet(path)
    return path


class BeatDataset(Dataset):
    """Beats of a Parquet file, one by one.

    Parameters
    ----------
    path : Path
        As `write_parquet` writes it.
    content : {"signal", "picture", "both"}
        What an item holds before its label.
    """

    def __init__(self, path: Path, content: Content):
        self.frame = pd.read_parquet(path)
        self.content = content

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        row = self.frame.iloc[int(index)].to_numpy()
        signal, label = row[:-1], torch.tensor(int(row[-1]))
        inputs = []
        if self.content in ("signal", "both"):
            inputs.append(torch.from_numpy(signal.copy()))
        if self.content in ("picture", "both"):
            inputs.append(picture(signal))
        return *inputs, label


def loader(dataset: Dataset, order: Iterable[int] | None = None) -> DataLoader:
    """Batches of 16, shuffled anew in each epoch, or in the given order."""
    # a generator of its own: the loader would draw from the one that dropout draws from
    generator = torch.Generator().manual_seed(0)
    return DataLoader(dataset, BATCH_SIZE, shuffle=order is None, sampler=order, generator=generator)


def make_optimizer(model: nn.Module, config: Noam | Adamax) -> torch.optim.Optimizer:
    """PyTorch's plain Adam or Adamax over what is not frozen."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if isinstance(config, Noam):
        return torch.optim.Adam(parameters, lr=0.0, betas=config.betas, weight_decay=config.weight_decay, fused=False)
    return torch.optim.Adamax(parameters, lr=config.rate, weight_decay=config.weight_decay)


def train(
    model: nn.Module,
    training: DataLoader,
    validation: DataLoader,
    config: Noam | Adamax,
    class_weights: np.ndarray,
    epochs: int,
) -> tuple[list[float], list[float]]:
    """Train `model` in place, with a validation after each epoch.

    Returns
    -------
    losses : list of float
        One a training batch.
    seconds : list of float
        One an epoch, its validation included.
    """
    weights = torch.as_tensor(class_weights, dtype=torch.float32)
    optimizer = make_optimizer(model, config)
    losses, seconds = [], []
    for _ in range(epochs):
        started = time.perf_counter()
        losses += train_epoch(model, training, optimizer, config.learning_rate, weights, len(losses))
        validate(model, validation, weights)
        seconds.append(time.perf_counter() - started)
    return losses, seconds


def train_epoch(
    model: nn.Module,
    batches: DataLoader,
    optimizer: torch.optim.Optimizer,
    learning_rate: Callable[[int], float],
    weights: Tensor,
    steps_before: int = 0,
) -> list[float]:
    """One pass over `batches`; the loss of each."""
    model.train()
    losses, accuracies = [], []
    for step, (*inputs, label) in enumerate(batches, steps_before + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.zero_grad()
        scores, _ = model(*inputs)
        loss = F.cross_entropy(scores, label, weights)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        accuracies.append((scores.argmax(dim=1) == label).float().mean().item())
    return losses


@torch.no_grad()
def validate(model: nn.Module, batches: DataLoader, weights: Tensor) -> tuple[float, float]:
    """Mean loss and mean accuracy over batches, in evaluation mode."""
    model.eval()
    losses, accuracies = [], []
    for *inputs, label in batches:
        scores, _ = model(*inputs)
        losses.append(F.cross_entropy(scores, label, weights).item())
        accuracies.append((scores.argmax(dim=1) == label).float().mean().item())
    return float(np.mean(losses)), float(np.mean(accuracies))


@torch.no_grad()
def predict(model: nn.Module, batches: DataLoader) -> Tensor:
    """Scores (N, K) of all beats, batch by batch, in evaluation mode."""
    model.eval()
    return torch.cat([model(*inputs)[0] for *inputs, _ in batches])
