"""Beats as they might have been recorded too: small changes that leave the class what it is."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Raised whenever the same random numbers change a beat in another way than before.
AUGMENTATION_VERSION = 1
# shares and amplitudes, where a beat's own range is 1; chosen on validation beats
STRETCH = 0.04
GAIN = 0.05
NOISE = 0.02
DRIFT = 0.04
DRIFT_CYCLES = 2.0


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
