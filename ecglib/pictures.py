"""What the 2D branch is shown of a beat: the rules by which pictures are made, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from ecglib import real_part, spectrogram
from ecglib.names import Design, Picture

OWN_PICTURE: dict[Design, Picture] = {"report": "colour", "original": "real_part"}


def kept_and_prepare(picture: Picture, signal: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What is kept of all beats, and how a batch of it becomes pictures.

    Parameters
    ----------
    picture : {"colour", "bordered", "real_part", "magnitude"}
        The report's picture as its text has it; with the white border that its program leaves around the plot;
        the original's levels, of the real part of the transform alone; and those of the whole transform.
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
