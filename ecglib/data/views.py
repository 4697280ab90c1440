"""Rows of which something is hidden, so that what a model needs of a row can be told.

A row starts at an R peak, holds the beat and the R peak after it, and ends in zeros: its length tells the RR interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecglib.names import RowView


@dataclass(frozen=True)
class View:
    """A title that says what of a row is left, and the rule: rows (N, 187) to rows (N, 187)."""

    title: str
    of: Callable[[np.ndarray], np.ndarray]


def lengths(signal: np.ndarray) -> np.ndarray:
    """Samples of each row up to the last one that is not zero, at least 1; (N, L) to (N,)."""
    used = signal[:, ::-1] != 0
    return np.where(used.any(axis=1), signal.shape[1] - used.argmax(axis=1), 1)


def _stretched(signal: np.ndarray) -> np.ndarray:
    # each row stretched to all of its width, so that none ends earlier than another
    width = signal.shape[1]
    place, sample = np.linspace(0, 1, width), np.arange(width)
    return np.stack(
        [np.interp(place * (end - 1), sample, row) for end, row in zip(lengths(signal), signal, strict=True)]
    )


def _next_beat_cut(signal: np.ndarray) -> np.ndarray:
    # a row is about 1.2 RR intervals long: two thirds of it end at 0.8 of one, before the next beat's P wave
    kept = np.arange(signal.shape[1]) < (2 * lengths(signal) / 3)[:, None]
    return np.where(kept, signal, 0)


def _shuffled(signal: np.ndarray) -> np.ndarray:
    # the same rows are shuffled in the same way each time
    return np.random.default_rng(0).permuted(signal, axis=1)


def _ranked(signal: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    end = lengths(signal)[:, None]
    inside = np.arange(signal.shape[1]) < end
    # the zeros behind the beat have the lowest ranks of all, and are taken off again
    rank = rankdata(np.where(inside, signal, -1), axis=1) - (signal.shape[1] - end)
    return np.where(inside, rank / end, 0)


ROW_VIEWS: dict[RowView, View] = {
    "whole": View("the whole row", lambda signal: signal),
    # nor is there any zero padding
    "stretched": View("without its length (stretched)", _stretched),
    "next_beat_cut": View("without the next beat (last third zero)", _next_beat_cut),
    "ordered": View("its samples in order of size", lambda signal: np.sort(signal, axis=1)),
    "shuffled": View("its samples in random order", _shuffled),
    # which sample is higher than which is left, by how much is not
    "ranked": View("without its levels (ranks)", _ranked),
}


def show(view: RowView, signal: np.ndarray) -> np.ndarray:
    """Rows as a view shows them to a network, float32 of shape (N, 187)."""
    return ROW_VIEWS[view].of(signal).astype(np.float32, copy=False)
