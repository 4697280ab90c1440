"""Beats of an ECG at any rate, cut as those that a model was trained on.

A signal at another rate is resampled first, by SciPy's `resample_poly` with a rational approximation of the two rates'
ratio. Its low-pass (linear phase, Kaiser window with beta 5, half amplitude at half of the lower rate) keeps what the
lower rate cannot hold from folding back. What the recipe itself leaves out, it leaves out without a filter, as it did
in training: the beats of MIT-BIH are every third sample at 360 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.signal import resample_poly

from ecglib.data.cut import LENGTH_IN_RR, SEARCH, WINDOW, cut_beats
from ecglib.data.mitbih import DECIMATION, annotated_beats
from ecglib.names import Dataset

# R peaks are looked for at the rate of MIT-BIH, whatever the record's
PEAK_RATE_HZ = 360.0
# 511.422 Hz to 360 is 459 / 652, right to 0.3 samples in ten minutes
_LARGEST_DENOMINATOR = 1000


@dataclass(frozen=True)
class Recipe:
    """How a data set's beats were cut.

    Attributes
    ----------
    rate_hz : float
        Of the records.
    step : int
        Every `step`-th sample is kept, without a filter.
    windowed : bool
        Whether a beat's length is 1.2 times the median RR interval of its 10 s (`ecglib.data.cut`), or follows from
        its own two RR intervals (`ecglib.data.mitbih`).
    """

    rate_hz: float
    step: int
    windowed: bool


RECIPES: dict[Dataset, Recipe] = {
    "mitbih": Recipe(PEAK_RATE_HZ, DECIMATION, windowed=False),
    "ptb": Recipe(1000.0, 8, windowed=True),
    # 500 Hz over four, with a filter: the same as resampling any rate to 125
    "ptbxl": Recipe(125.0, 1, windowed=True),
}


def ratio_of_rates(rate_hz: float, target_hz: float) -> Fraction:
    """`target_hz` over `rate_hz`, as a fraction of small numbers."""
    return Fraction(target_hz / rate_hz).limit_denominator(_LARGEST_DENOMINATOR)


def at_rate(signal: np.ndarray, rate_hz: float, target_hz: float) -> np.ndarray:
    """A signal resampled, see above; itself where it has that rate. (T,) to (about T target / rate,)."""
    ratio = ratio_of_rates(rate_hz, target_hz)
    if ratio == 1:
        return signal
    return resample_poly(signal, ratio.numerator, ratio.denominator, padtype="edge")


def beats_of(signal: np.ndarray, rate_hz: float, peaks: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Cut the beats that start at given R peaks.

    Parameters
    ----------
    signal : ndarray of float, shape (T,)
        A usable stretch of one lead, no sample missing.
    rate_hz : float
    peaks : ndarray of int, shape (P,)
        Ascending, in samples at 360 Hz.
    dataset : {"mitbih", "ptb", "ptbxl"}
        Whose recipe is followed.

    Returns
    -------
    which : ndarray of int, shape (B,)
        Positions in `peaks` of those that start a beat. The last one does not, as no RR interval follows it.
    beats : ndarray of float32, shape (B, 187)

    Raises
    ------
    UnusableRecord
        A beat is flat.
    """
    recipe = RECIPES[dataset]
    record = at_rate(signal, rate_hz, recipe.rate_hz)
    if recipe.windowed:
        return _windowed_beats(record[:: recipe.step], peaks, recipe.rate_hz / recipe.step)
    which, length = annotated_beats(peaks, np.zeros(len(peaks), dtype=np.int64), len(record))
    return which, cut_beats(record, peaks[which], length, recipe.step)


def _windowed_beats(lead: np.ndarray, peaks: np.ndarray, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Beats by windows of 10 s, as `ecglib.data.cut.window_beats` with other R peaks."""
    found = np.rint(peaks * (rate_hz / PEAK_RATE_HZ)).astype(np.int64)
    which, beats = [np.empty(0, np.int64)], [np.empty((0, 187), np.float32)]
    for start in range(0, len(lead), WINDOW):
        window = lead[start : start + WINDOW]
        inside = np.flatnonzero((found >= start) & (found < start + len(window)))
        # the recipe starts a beat at the highest sample within 80 ms
        first = np.maximum(0, found[inside] - start - SEARCH)
        places = np.array([f + window[f : f + 2 * SEARCH + 1].argmax() for f in first], dtype=np.int64)
        places, order = np.unique(places, return_index=True)
        if len(places) < 2:
            continue
        length = int(LENGTH_IN_RR * np.median(np.diff(places)))
        fits = places + length <= len(window)
        beats.append(cut_beats(window, places[fits], np.full(fits.sum(), length)))
        which.append(inside[order[fits]])
    return np.concatenate(which), np.concatenate(beats)
