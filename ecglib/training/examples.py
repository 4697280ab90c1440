"""Beats as a model is shown them: the raw beat, its picture, or what the branches made of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ecglib.models.pictures import PICTURES
from ecglib.names import FUSIONS, ModelName, Picture

# Raised whenever the same random numbers change a beat in another way than before.
AUGMENTATION_VERSION = 1
# shares and amplitudes, where a beat's own range is 1; chosen on validation beats
STRETCH = 0.04
GAIN = 0.05
NOISE = 0.02
DRIFT = 0.04
DRIFT_CYCLES = 2.0


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


def beat_examples(
    name: ModelName, signal: Tensor, label: Tensor, picture: Picture, augmented: bool = False
) -> Examples:
    """Beats as a branch sees them, or both branches at once.

    Parameters
    ----------
    name : str
        Of a branch, or of a fusion: a `Hybrid` sees beat and picture.
    signal : Tensor, shape (N, 187)
    label : Tensor of int64, shape (N,)
    picture : str
        What the 2D branch sees, see `ecglib.models.pictures`.
    augmented : bool
        Whether the beats are changed a little each time a batch is made, see `augment`.
    """
    rule = PICTURES[picture]
    if name == "cnn_transformer":
        return Examples((signal,), label, lambda signal: (augment(signal) if augmented else signal,))
    if augmented:

        def prepare(signal: Tensor) -> tuple[Tensor, ...]:
            # what is kept of a beat beforehand is not what its variation needs
            signal = augment(signal)
            picture = rule.draw(rule.keep(signal))
            return (signal, picture) if name in FUSIONS else (picture,)

        return Examples((signal,), label, prepare)
    kept = rule.keep(signal)
    if name in FUSIONS:
        return Examples((signal, kept), label, lambda signal, kept: (signal, rule.draw(kept)))
    return Examples((kept,), label, lambda kept: (rule.draw(kept),))


def augment(signal: Tensor) -> Tensor:
    """Each beat a little longer or shorter, weaker or stronger, noisier, on a baseline that drifts.

    Time is stretched by up to 4 %, the amplitude by up to 5 %; white noise has a standard deviation of up to
    0.02, the drift is part of a sine of up to 0.04. The zeros after the beat's end stay zeros.

    Parameters
    ----------
    signal : Tensor, shape (B, 187)
        Randomness comes from PyTorch's generator.
    """
    count, length = signal.shape
    device = signal.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, device=device)

    time = torch.arange(length, device=device) * uniform(1 - STRETCH, 1 + STRETCH)  # (B, 187), in samples
    left = time.floor().long().clamp_max(length - 2)
    share = time - left
    stretched = signal.gather(1, left) * (1 - share) + signal.gather(1, left + 1) * share
    stretched = torch.where(time > length - 1, 0.0, stretched)
    # up to the last sample that is not zero
    inside = stretched.ne(0).flip(1).cummax(dim=1).values.flip(1)
    noise = uniform(0, NOISE) * torch.randn(count, length, device=device)
    phase = uniform(0, 1) + uniform(0, DRIFT_CYCLES) * torch.arange(length, device=device) / length
    drift = uniform(0, DRIFT) * torch.sin(2 * math.pi * phase)
    return stretched * uniform(1 - GAIN, 1 + GAIN) + inside * (noise + drift)
