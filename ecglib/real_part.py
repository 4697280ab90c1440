"""The original authors' spectrogram: the real part of a short-time Fourier transform, in one channel.

Their released code casts the complex transform to real numbers, which keeps its real part alone, and
takes for the hop what the paper calls the overlap, 4 samples. It is reproduced as it is.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

SEGMENT = 32
HOP = 4
# standard deviations above the mean at which levels are cut
HIGHEST = 9.0


def pictures(signal: Tensor, whole: bool = False) -> Tensor:
    """Levels in dB, clipped to each beat's own range.

    Symmetric Blackman window of 32 samples, two-sided, 0 Hz in the middle row, segments at 0, 4, ...,
    152; ``20 log10(re ** 2)``, cut below at the beat's mean level and above at the mean plus nine
    standard deviations. A level of minus infinity counts as 0 in both.

    Parameters
    ----------
    signal : Tensor, shape (B, 187)
    whole : bool
        Take the absolute value of the transform instead of its real part.

    Returns
    -------
    Tensor of float32, shape (B, 1, 32, 39)
        Frequency bins from the lowest up, by segment.
    """
    window = _window().to(signal.device)
    segments = signal.double().unfold(-1, SEGMENT, HOP) * window  # (B, 39, 32)
    transform = torch.fft.fft(segments)
    amplitude = torch.fft.fftshift(transform.abs() if whole else transform.real, dim=-1).transpose(1, 2)  # (B, 32, 39)
    level = 20 * torch.log10(amplitude.square())
    finite = torch.where(level == -torch.inf, 0.0, level)
    low = finite.mean(dim=(1, 2), keepdim=True)
    high = low + HIGHEST * finite.std(dim=(1, 2), correction=0, keepdim=True)
    return level.clamp(low, high).float().unsqueeze(1)


@cache
def _window() -> Tensor:
    # SciPy's, whose ends are not quite 0, as PyTorch's are: where a beat ends on one, its level is -680 dB
    from scipy.signal import get_window

    return torch.from_numpy(get_window("blackman", SEGMENT, fftbins=False))
