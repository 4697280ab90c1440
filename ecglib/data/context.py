"""What a beat is beside its neighbours: how early it comes, and how unlike the person's own usual beats it is.

Nothing here needs a label, and all of it but the RR interval that follows is known when the beat is over (of a record's
first beats, the person's usual beat is that of the first ten). Inputs are free of the signal's unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import resample_poly

from ecglib import files
from ecglib.data.mitbih import LABEL_OF_SYMBOL
from ecglib.data.splits import DE_CHAZAL_TEST, DE_CHAZAL_TRAIN, PACED
from ecglib.data.table import Beats, read_beats

Side = Literal["train", "test", "known", "ecgbench"]
RATE_HZ = 120.0
# by how many intervals before it the length of an interval is measured (10: the last seconds, 400: the last minutes)
MEANS = (10, 80, 400)
# the person's usual beat is the median of so many earlier ones; a record's first have the median of the first ten
_USUAL, _FIRST = 40, 10
# a beat that comes earlier than this is no usual one; logarithm of its interval over the mean of the ten before
_EARLY = -0.1
_BLOCK = 256
_BEFORE, _AFTER = 34, 48
# in samples from the R peak: QRS complex, what is before it (with the P wave), what is after it (with the T wave)
_PARTS = ((-12, 15), (-30, -9), (18, 48))
_SHAPE = 33
# columns of each group; the networks of `ecglib.designs.context` name what they use
GROUPS = {"window": _SHAPE, "difference": _SHAPE, "ratios": 3 * len(MEANS), "irregularity": 1}
GROUPS |= {"likeness": 3 * len(_PARTS), "relative_likeness": 3 * len(_PARTS)}
# with what is to come: the two intervals after the following one, over each mean, and the likeness of the next beat
COMING = {"coming": 2 * len(MEANS) + 6 * len(_PARTS)}


def context_inputs(
    signal: np.ndarray, peaks: np.ndarray, rr_s: np.ndarray | None = None, future: bool = False
) -> dict[str, np.ndarray]:
    """The inputs of every beat of one lead.

    Parameters
    ----------
    signal : ndarray of float, shape (T,)
        120 samples a second, in any unit.
    peaks : ndarray of float, shape (P,)
        R peaks in samples of `signal`, ascending, at least two.
    rr_s : ndarray of float, shape (P,), optional
        Seconds since the R peak before, NaN where that is not known: the last known one, or the next, then stands
        for it. By default from `peaks`.
    future : bool
        Whether what is to come is known: means are of intervals to both sides and of the whole record, the usual beat
        is the median of all of them, and there is a group ``coming`` (`COMING`).

    Returns
    -------
    dict of str to ndarray of float32, shape (P, columns)
        By `GROUPS`: ``window``, the derivative 0.275 s to either side of the R peak over its own standard deviation;
        ``difference``, the derivative less that of the person's usual beat, over the deviation of the latter;
        ``ratios``, logarithms of the interval before, the one after and the one before that, over means of earlier
        ones; ``irregularity``, of the last ten intervals; ``likeness``, correlation with the usual beat, logarithm
        of relative size and of relative distance, of QRS, P and T; ``relative_likeness``, the same less its usual
        value. The last beat's following interval is taken to be like its own.
    """
    rr = np.diff(peaks / RATE_HZ, prepend=np.nan) if rr_s is None else rr_s.astype(np.float64)
    rr = pd.Series(rr).ffill().bfill().to_numpy()
    ratios, irregularity = _rhythm(rr, future)
    padded = np.pad(signal, _AFTER, mode="edge")
    places = np.rint(peaks).astype(np.int64).clip(0, len(signal) - 1) + _AFTER - _BEFORE
    beats = padded[places[:, None] + np.arange(_BEFORE + _AFTER)].astype(np.float32)
    usual = ratios[:, 0] > _EARLY
    median = _median_of_all if future else _median_of_earlier
    template = median(beats, usual)
    slope, template_slope = (_slope(one) for one in (beats, template))
    likeness = _likeness(beats, template)
    groups = {
        "window": slope / (slope.std(axis=1, keepdims=True) + 1e-9),
        "difference": (slope - template_slope) / (template_slope.std(axis=1, keepdims=True) + 1e-9),
        "ratios": ratios.clip(-2, 2),
        "irregularity": irregularity,
        "likeness": likeness,
        "relative_likeness": likeness - median(likeness, usual),
    }
    if future:
        next_one = np.append(np.arange(1, len(rr)), len(rr) - 1)
        later = [_ratios(np.append(rr[ahead:], rr[[-1] * min(ahead, len(rr))]), rr, future) for ahead in (2, 3)]
        groups["coming"] = np.hstack([*later, likeness[next_one], groups["relative_likeness"][next_one]])
    pairs = {name: _halved(groups[name]) for name in ("window", "difference")}
    return {name: pairs.get(name, group).clip(-8, 8).astype(np.float32) for name, group in groups.items()}


def _rhythm(rr: np.ndarray, future: bool) -> tuple[np.ndarray, np.ndarray]:
    following, before = np.append(rr[1:], rr[-1]), np.append(rr[0], rr[:-1])
    ratios = [_ratios(one, rr, future) for one in (rr, following, before)]
    change = np.abs(np.diff(np.log(rr), prepend=np.log(rr[0])))
    mean = _mean_around if future else mean_of_earlier
    # by mean, then by interval
    return np.stack(ratios, axis=2).reshape(len(rr), -1), np.log(0.01 + mean(change, MEANS[0]))[:, None]


def _ratios(one: np.ndarray, rr: np.ndarray, future: bool) -> np.ndarray:
    """Logarithms of intervals over means, ndarray of shape (P, means)."""
    if not future:
        return np.stack([np.log(one / mean_of_earlier(rr, count)) for count in MEANS], axis=1)
    return np.stack([np.log(one / _mean_around(rr, count)) for count in (*MEANS[:-1], len(rr))], axis=1)


def _mean_around(values: np.ndarray, count: int) -> np.ndarray:
    """The mean of up to `count` values to either side of each one, and itself."""
    sums, here = np.append(0, np.cumsum(values)), np.arange(len(values))
    first, last = np.maximum(0, here - count), np.minimum(len(values), here + count + 1)
    return (sums[last] - sums[first]) / (last - first)


def mean_of_earlier(values: np.ndarray, count: int) -> np.ndarray:
    """The mean of up to `count` values before each one; of the first, itself."""
    sums, here = np.append(0, np.cumsum(values)), np.arange(len(values))
    first = np.maximum(0, here - count)
    return np.where(here > 0, (sums[here] - sums[first]) / np.maximum(here - first, 1), values)


def _median_of_earlier(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The median, column by column, of the last chosen rows before each row; (P, C) to (P, C)."""
    rows = values[chosen]
    head = np.repeat(np.median(rows[:_FIRST], axis=0)[None], _USUAL, axis=0)
    windows = sliding_window_view(np.concatenate([head, rows]), _USUAL, axis=0)
    # in blocks, since a day's beats with forty earlier ones each do not fit into memory
    blocks = [np.median(windows[start : start + _BLOCK], axis=-1) for start in range(0, len(windows), _BLOCK)]
    return np.concatenate(blocks)[np.cumsum(chosen) - chosen]


def _median_of_all(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The median, column by column, of all chosen rows, for each row; (P, C) to (P, C)."""
    return np.broadcast_to(np.median(values[chosen], axis=0), values.shape)


def _slope(beats: np.ndarray) -> np.ndarray:
    return np.gradient(beats, axis=1)[:, _BEFORE - _SHAPE : _BEFORE + _SHAPE]


def _halved(rows: np.ndarray) -> np.ndarray:
    """Means of neighbouring samples, (P, 66) to (P, 33)."""
    return rows.clip(-8, 8).reshape(len(rows), -1, 2).mean(axis=2)


def _likeness(beats: np.ndarray, template: np.ndarray) -> np.ndarray:
    columns, floor = [], None
    for start, stop in _PARTS:
        part, usual = (one[:, _BEFORE + start : _BEFORE + stop] for one in (beats, template))
        part, usual = (one - one.mean(axis=1, keepdims=True) for one in (part, usual))
        size, usual_size, distance = (np.linalg.norm(one, axis=1) for one in (part, usual, part - usual))
        # where a part is flat, its noise is not compared with noise, but with the QRS complex
        floor = 0.002 * usual_size + 1e-9 if floor is None else floor
        size, usual_size = size + floor, usual_size + floor
        correlation = (part * usual).sum(axis=1) / (size * usual_size)
        columns += [correlation, np.log(size / usual_size), np.log(distance / usual_size + 0.05)]
    return np.stack(columns, axis=1)


def unpaced_beats() -> Beats:
    """The beats, without signals, of the 44 records that are not paced, class Q left out; `split` is that of Kaggle."""
    beats = read_beats(files.outline("mitbih", "physionet"))
    record = beats.record.astype(np.int64)
    return beats.take(~np.isin(record, PACED) & (beats.label != beats.metadata.class_names.index("Q")))


def rows_of(side: Side, beats: Beats) -> np.ndarray:
    """Which of the unpaced beats are of a side; ndarray of bool, shape (N,).

    Parameters
    ----------
    side : {"train", "test", "known", "ecgbench"}
        DS1; DS2; beats of DS2's patients in Kaggle's test file; all.
    beats : Beats
        `unpaced_beats`.
    """
    record = beats.record.astype(np.int64)
    if side == "ecgbench":
        return np.ones(len(beats), dtype=bool)
    of_patients = np.isin(record, DE_CHAZAL_TRAIN if side == "train" else DE_CHAZAL_TEST)
    return of_patients & (beats.split == "test") if side == "known" else of_patients


def beats_of(side: Side) -> Beats:
    """The beats of a side, without signals."""
    beats = unpaced_beats()
    return beats.take(rows_of(side, beats))


def lead_number(stem: Path) -> int:
    """Which signal of a MIT-BIH record models are shown: MLII, even as the second one (record 114), else the first."""
    import wfdb

    names = wfdb.rdheader(str(stem)).sig_name
    return names.index("MLII") if "MLII" in names else 0


def record_inputs(stem: Path, future: bool = False) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The annotated R peaks of a MIT-BIH record, in its own samples, and their inputs.

    The lead is that of `lead_number`.
    """
    import wfdb

    record = wfdb.rdrecord(str(stem), channels=[lead_number(stem)])
    annotation = wfdb.rdann(str(stem), "atr")
    peaks = annotation.sample[[symbol in LABEL_OF_SYMBOL for symbol in annotation.symbol]]
    step = round(record.fs / RATE_HZ)
    signal = resample_poly(record.p_signal[:, 0], 1, step, padtype="edge")
    return peaks, context_inputs(signal, peaks / step, future=future)


def table_inputs(beats: Beats, folder: Path, future: bool = False) -> dict[str, np.ndarray]:
    """`context_inputs` of the beats of a table, in its order, from the raw records of MIT-BIH in `folder`."""
    columns = GROUPS | (COMING if future else {})
    found = {name: np.empty((len(beats), count), np.float32) for name, count in columns.items()}
    for record in np.unique(beats.record):
        rows = np.flatnonzero(beats.record == record)
        peaks, inputs = record_inputs(folder / str(record), future)
        places = np.searchsorted(peaks, beats.sample[rows])
        for name, group in inputs.items():
            found[name][rows] = group[places]
    return found
