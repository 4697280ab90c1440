"""Which stretches of a lead are good enough to look for beats in, and what is wrong with the others.

A lead is judged in windows of 10 s. Noise is told by three figures of the window's 5 to 30 Hz:

- its kurtosis, high where QRS complexes stand out (Li et al. 2008, doi 10.1088/0967-3334/29/1/002);
- the median of its absolute value over the 98th percentile, low for the same reason;
- how alike the detected complexes are: the median of each one's correlation with the one that is most like it. That
  one is high also where beats of two kinds alternate, other than a correlation with a template (Orphanidou et al. 2015,
  doi 10.1109/JBHI.2014.2338351), and where beats follow so fast that they no longer stand out.

The limits were set on the training records of de Chazal et al. (2004). There they exclude 5 of 3,780 windows, all of
the ventricular flutter of record 207. Of the MIT-BIH Noise Stress Test Database they exclude 99 % of the muscle noise
and of the baseline wander, but 20 % of what moving electrodes leave, whose deflections look like beats; of a record
with as much muscle noise as signal 71 %, of one with as much of moving electrodes 17 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecglib.data.cut import CLIPPED_S
from ecglib.predict.rpeaks import detections, qrs_band

WINDOW_S = 10.0
# no living heart leaves every sample equal for so long
FLAT_S = 1.0
_LEAST_KURTOSIS = 3.0
_MOST_BETWEEN = 0.15
# of complexes that do not stand out, and of those that do
_LEAST_ALIKE = (0.9, 0.75)
_COMPLEX_S = 0.15
_LEAST_SIZE = 0.25
# fewer complexes are no crowd to be alike in
_FEWEST = 4


@dataclass(frozen=True)
class Excluded:
    """A stretch that is not classified.

    Attributes
    ----------
    start_s, end_s : float
    reason : str
        "samples missing", "flat", "clipped" or "too noisy".
    """

    start_s: float
    end_s: float
    reason: str


def window_edges(length: int, rate_hz: float) -> np.ndarray:
    """Where the windows of a lead begin, and its end; what is left over is half a window or joins the last one."""
    size = round(WINDOW_S * rate_hz)
    edges = np.arange(0, length + 1, size)
    rest = length - edges[-1]
    if rest >= size / 2 or len(edges) == 1:
        return np.append(edges, length)
    return np.append(edges[:-1], length)


def problem(window: np.ndarray, rate_hz: float) -> str | None:
    """What is wrong with a window, or None.

    Parameters
    ----------
    window : ndarray of float, shape (T,)
        Three seconds or more in any unit, NaN where a sample is missing.
    rate_hz : float
    """
    if not np.isfinite(window).all():
        return "samples missing"
    low, high = window.min(), window.max()
    if low == high or _longest_run(np.diff(window) == 0) + 1 >= FLAT_S * rate_hz:
        return "flat"
    middle = np.median(window)
    # an isoelectric line that is the lowest value all along is none of an amplifier's limits
    limits = [limit for limit in (low, high) if abs(limit - middle) >= (high - low) / 3]
    if max((_longest_run(window == limit) for limit in limits), default=0) >= CLIPPED_S * rate_hz:
        return "clipped"
    return "too noisy" if _is_noise(window, rate_hz) else None


def _is_noise(window: np.ndarray, rate_hz: float) -> bool:
    band = qrs_band(window, rate_hz)
    half, high = np.percentile(np.abs(band), [50, 98])
    centred = band - band.mean()
    kurtosis = (centred**4).mean() / (centred**2).mean() ** 2 - 3
    stands_out = kurtosis >= _LEAST_KURTOSIS and half <= _MOST_BETWEEN * high
    reach = round(_COMPLEX_S * rate_hz)
    found = detections(window, band, rate_hz)
    found = found[(found >= reach) & (found < len(band) - reach)]
    if len(found) < _FEWEST:
        return not stands_out
    complexes = band[found[:, None] + np.arange(-reach, reach + 1)]  # (B, samples)
    complexes = complexes - complexes.mean(axis=1, keepdims=True)
    size = np.linalg.norm(complexes, axis=1)
    # in a pause the detector finds little waves, which are like nothing
    large = size >= _LEAST_SIZE * np.percentile(size, 90)
    if large.sum() < _FEWEST:
        return not stands_out
    complexes = complexes[large] / size[large, None]
    likeness = complexes @ complexes.T  # (B, B)
    np.fill_diagonal(likeness, -1)
    return bool(np.median(likeness.max(axis=1)) < _LEAST_ALIKE[bool(stands_out)])


def _longest_run(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def joined(excluded: list[Excluded]) -> tuple[Excluded, ...]:
    """Neighbours of one reason as one stretch."""
    result: list[Excluded] = []
    for one in excluded:
        if result and result[-1].reason == one.reason and abs(result[-1].end_s - one.start_s) < 1e-6:
            result[-1] = Excluded(result[-1].start_s, one.end_s, one.reason)
        else:
            result.append(one)
    return tuple(result)
