"""What the 2D branch is shown of a beat: every rule by which pictures are made, by name.

- The report (section III.C.3) plots each spectrogram with matplotlib and feeds the plot's pixels to the 2D CNN. Here
  the same steps are tensor operations: decibels, colour map, resize; no frame, no border.
- The original's released code casts the complex transform to real numbers, which keeps its real part alone, and takes
  for the hop what the paper calls the overlap, 4 samples. It is reproduced as it is.
- The design `best` takes the logarithm of the transform's magnitude.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ecglib.names import Picture

# Raised whenever the same beat gives another picture than before, under the rules "colour" and "bordered".
SPECTROGRAM_VERSION = 1
SEGMENT = 32
OVERLAP = 4
# The rate that the papers state, for beats of 120 Hz too: it only shifts the levels above FLOOR by 0.18 dB.
RATE_HZ = 125.0
# keeps the logarithm of an empty (zero-padded) segment finite: -100 dB
FLOOR = 1e-10
PICTURE_SIZE = 128
# pixels around the axes of a plot with matplotlib's default margins, enlarged to a picture: left, right, top, bottom
_BORDER = (16, 13, 15, 14)
_BLOCK = 4096
# the original's: samples from a segment to the next, and standard deviations above the mean at which levels are cut
HOP = 4
HIGHEST = 9.0
# of the log magnitude: samples of the window, and where it levels off for a signal in [0, 1]
_WINDOW = 24
_FLOOR = 1e-2


def decibels(signal: Tensor) -> Tensor:
    """Power spectral density in dB, as ``10 * log10(scipy.signal.spectrogram(...) + 1e-10)``.

    Blackman window of 32 samples, 4 of overlap, each segment's mean removed, one-sided.

    Parameters
    ----------
    signal : Tensor, shape (B, 187)

    Returns
    -------
    Tensor of float64, shape (B, 17, 6)
        Frequency bins from 0 Hz up, by segment.
    """
    # in double precision: bins 60 dB below their segment's strongest would lose digits in single
    segments = signal.double().unfold(-1, SEGMENT, SEGMENT - OVERLAP)  # (B, 6, 32)
    segments = segments - segments.mean(dim=-1, keepdim=True)
    window = torch.blackman_window(SEGMENT, dtype=torch.float64, device=signal.device)
    power = torch.fft.rfft(segments * window).abs().square() / (RATE_HZ * window.square().sum())  # (B, 6, 17)
    # one-sided: all bins but 0 Hz and half the rate stand for two
    power[..., 1:-1] *= 2
    return 10 * torch.log10(power + FLOOR).transpose(-1, -2)


def colour_cells(signal: Tensor) -> Tensor:
    """One colour for each frequency bin and segment: the picture before it is enlarged.

    Each beat's dB values are scaled to [0, 1] by their own minimum and maximum, as matplotlib's
    colour-mesh does by default, and coloured with its default map, viridis.

    Parameters
    ----------
    signal : Tensor, shape (B, 187)

    Returns
    -------
    Tensor of float32, shape (B, 3, 17, 6)
        Red, green, blue in [0, 1]; the highest frequency in the first row, as in a plot.
    """
    blocks = [_colour_block(block) for block in signal.split(_BLOCK)]
    return torch.cat(blocks) if blocks else signal.new_zeros(0, 3, SEGMENT // 2 + 1, 6)


def _colour_block(signal: Tensor) -> Tensor:
    level = decibels(signal).flip(1)  # (B, 17, 6)
    low, high = level.amin(dim=(1, 2), keepdim=True), level.amax(dim=(1, 2), keepdim=True)
    # a beat that is flat all along has one level; it gets the map's first colour
    level = (level - low) / (high - low).clamp_min(torch.finfo(level.dtype).tiny)
    colours = colour_map(signal.device)  # (256, 3)
    index = (level * len(colours)).long().clamp_max(len(colours) - 1)
    return colours[index].permute(0, 3, 1, 2).contiguous()


def enlarge(cells: Tensor, size: int = PICTURE_SIZE) -> Tensor:
    """Resize (B, 3, 17, 6) bilinearly to pictures (B, 3, size, size).

    The same numbers as ``torch.nn.functional.interpolate`` gives, as two matrix products, which are three
    times as fast; in memory the colours come last, because that is how the 2D convolutions run fastest.
    """
    count, colours, height, width = cells.shape
    rows, columns = _resizing(height, width, colours, size, cells.device)
    tall = rows @ cells.permute(0, 2, 3, 1).reshape(count, height, width * colours)  # (B, 128, 6 * 3)
    picture = (tall @ columns).view(count, size, size, colours)
    return picture.permute(0, 3, 1, 2)


def enlarge_with_border(cells: Tensor) -> Tensor:
    """Pictures (B, 3, 128, 128) that are white on 40 % of their area, as the report's program saves its plots.

    The white is what matplotlib leaves around the axes by default; there are no ticks and no labels.
    """
    left, right, top, bottom = _BORDER
    picture = cells.new_ones(len(cells), PICTURE_SIZE, PICTURE_SIZE, cells.shape[1]).permute(0, 3, 1, 2)
    size = PICTURE_SIZE - left - right
    picture[:, :, top : PICTURE_SIZE - bottom, left : PICTURE_SIZE - right] = enlarge(cells, size)
    return picture


def real_part_levels(signal: Tensor, whole: bool = False) -> Tensor:
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
    window = _blackman(signal.device)
    segments = signal.double().unfold(-1, SEGMENT, HOP) * window  # (B, 39, 32)
    transform = torch.fft.fft(segments)
    amplitude = torch.fft.fftshift(transform.abs() if whole else transform.real, dim=-1).transpose(1, 2)  # (B, 32, 39)
    level = 20 * torch.log10(amplitude.square())
    finite = torch.where(level == -torch.inf, 0.0, level)
    low = finite.mean(dim=(1, 2), keepdim=True)
    high = low + HIGHEST * finite.std(dim=(1, 2), correction=0, keepdim=True)
    return level.clamp(low, high).float().unsqueeze(1)


def log_magnitude(signal: Tensor) -> Tensor:
    """Logarithm of the short-time Fourier transform's magnitude, in one channel, about 0 on average.

    Hann window of 24 samples, 4 from each to the next, 17 frequencies from 0 Hz up; zeros before and after the beat.

    Parameters
    ----------
    signal : Tensor, shape (B, 187)

    Returns
    -------
    Tensor of float32, shape (B, 1, 17, 47)
        ``1 + log(magnitude + 0.01) / 2``.
    """
    window = torch.hann_window(_WINDOW, device=signal.device)
    transform = torch.stft(signal, SEGMENT, HOP, _WINDOW, window, pad_mode="constant", return_complex=True)
    return 1 + torch.log(transform.abs() + _FLOOR).unsqueeze(1) / 2


def frequencies(rate_hz: float) -> np.ndarray:
    """The frequency of each bin in Hz for beats of `rate_hz` samples a second; shape (17,)."""
    return np.fft.rfftfreq(SEGMENT, 1 / rate_hz)


def segment_times(rate_hz: float) -> np.ndarray:
    """The middle of each segment in seconds from the R peak; shape (6,)."""
    return (np.arange(6) * (SEGMENT - OVERLAP) + SEGMENT / 2) / rate_hz


@cache
def _resizing(height: int, width: int, colours: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two matrices: (size, height) for columns of pixels, (width * colours, size * colours) for rows of them."""

    def linear(length: int) -> Tensor:
        unit = torch.eye(length).unsqueeze(0)
        return F.interpolate(unit, size=size, mode="linear", align_corners=False)[0].T.contiguous()

    # kept on the device: training asks for them in every step
    return linear(height).to(device), torch.kron(linear(width), torch.eye(colours)).T.contiguous().to(device)


@cache
def colour_map(device: torch.device) -> Tensor:
    """Viridis (S. van der Walt and N. Smith, CC0), (256, 3); from a file, so that training needs no Matplotlib."""
    with files("ecglib.models").joinpath("viridis.npy").open("rb") as file:
        return torch.from_numpy(np.load(file)).to(device)


@cache
def _blackman(device: torch.device) -> Tensor:
    # imported where it is used: it takes half a second
    from scipy.signal import get_window

    # SciPy's, whose ends are not quite 0, as PyTorch's are: where a beat ends on one, its level is -680 dB
    return torch.from_numpy(get_window("blackman", SEGMENT, fftbins=False)).to(device)


@dataclass(frozen=True)
class PictureRule:
    """One way to make pictures of beats.

    Attributes
    ----------
    title : str
    keep : callable
        What is kept of all beats, (N, 187) to a tensor of N rows: what is slow to compute, and small.
    draw : callable
        Any of these rows to pictures, (B, colours, height, width): what is quick to compute, and large.
    """

    title: str
    keep: Callable[[Tensor], Tensor]
    draw: Callable[[Tensor], Tensor]


def _as_it_is(signal: Tensor) -> Tensor:
    return signal


PICTURES: dict[Picture, PictureRule] = {
    "colour": PictureRule("report: colours", colour_cells, enlarge),
    "bordered": PictureRule("its program: border", colour_cells, enlarge_with_border),
    "real_part": PictureRule("original: real part", _as_it_is, real_part_levels),
    "magnitude": PictureRule("whole transform", _as_it_is, partial(real_part_levels, whole=True)),
    "log_magnitude": PictureRule("best: log magnitude", _as_it_is, log_magnitude),
}
