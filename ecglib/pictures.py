"""What the 2D branch is shown of a beat: the rules by which pictures are made, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ecglib import real_part, spectrogram
from ecglib.names import Design, Picture

OWN_PICTURE: dict[Design, Picture] = {"report": "colour", "original": "real_part", "best": "log_magnitude"}
PICTURE_TITLES: dict[Picture, str] = {
    "colour": "report: colours",
    "bordered": "its program: border",
    "real_part": "original: real part",
    "magnitude": "whole transform",
    "log_magnitude": "best: log magnitude",
}
# of the log magnitude: samples, and where it levels off for a signal in [0, 1]
_SEGMENT, _WINDOW, _HOP = 32, 24, 4
_FLOOR = 1e-2


def kept_and_prepare(picture: Picture, signal: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What is kept of all beats, and how a batch of it becomes pictures.

    Parameters
    ----------
    picture : {"colour", "bordered", "real_part", "magnitude", "log_magnitude"}
        The report's picture as its text has it; with the white border that its program leaves around the plot;
        the original's levels, of the real part of the transform alone; those of the whole transform; and
        `log_magnitude`.
    signal : Tensor, shape (N, 187)

    Returns
    -------
    Tensor with N rows, and a function of any of these rows
    """
    match picture:
        case "colour":
            return spectrogram.colour_cells(signal), spectrogram.enlarge
        case "bordered":
            return spectrogram.colour_cells(signal), spectrogram.enlarge_with_border
        case "real_part":
            return signal, real_part.pictures
        case "magnitude":
            return signal, partial(real_part.pictures, whole=True)
        case "log_magnitude":
            return signal, log_magnitude


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
    transform = torch.stft(signal, _SEGMENT, _HOP, _WINDOW, window, pad_mode="constant", return_complex=True)
    return 1 + torch.log(transform.abs() + _FLOOR).unsqueeze(1) / 2
