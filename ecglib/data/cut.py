"""From one lead of a record to beats: can it be used, where are its R peaks, cut and scale. Every beat is cut here.

PTB and PTB-XL come without annotated beats. Kachuee et al. (2018, doi 10.1109/ICHI.2018.00092, section III.A) cut a
record into windows, find the R peaks of each, and take from every R peak on int(1.2 T) samples, T being the median RR
interval of the window.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ecglib.data.table import BEAT_LENGTH
from ecglib.names import Detector, EcglibError

# no beat, let alone two R peaks, fits into less
SHORTEST_S = 1.0
# an amplifier at its limit holds one value; no heart does for so long
CLIPPED_S = 0.1
RATE_HZ = 125.0
# 10 s, as Kachuee et al. write. Their threshold gives the genuine rows in windows of 5 s only (see `ecglib.data.ptb`)
WINDOW = 1250
THRESHOLD_WINDOW = 625
LENGTH_IN_RR = 1.2
THRESHOLD = 0.9
# a detector works on a filtered signal; the R peak is the highest sample this near (80 ms)
SEARCH = 10
# a function and what to call it with -> its results, in that order
Over = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


class UnusableRecord(Exception):
    """Why a record gives no beats; the message completes "skipped: ..."."""


@dataclass(frozen=True)
class Lead:
    """One lead of a record.

    Attributes
    ----------
    signal : ndarray of float64, shape (T,)
        In ADC units, at the record's own rate.
    comments : list of str
        The header's comment lines.
    """

    signal: np.ndarray
    comments: list[str]


def read_lead(stem: Path, name: str, rate_hz: float) -> Lead:
    """Read the lead called `name` (in any case) of the record at `stem`, a path without its ending.

    Raises
    ------
    UnusableRecord
        The header or the signal file is missing or damaged, the lead is not in it, the sampling rate
        is not `rate_hz`, the samples are not those of the header's first value and checksum, or the
        signal is one of those that `check_signal` refuses.
    """
    import wfdb

    for ending in (".hea", ".dat"):
        if not stem.with_name(stem.name + ending).is_file():
            raise UnusableRecord(f"no {ending} file")
    try:
        header = wfdb.rdheader(str(stem))
        leads = [str(lead).lower() for lead in header.sig_name or []]
        if name.lower() not in leads:
            raise UnusableRecord(f"no lead {name} among {', '.join(leads) or 'none'}")
        if header.fs != rate_hz:
            raise UnusableRecord(f"{header.fs:g} samples a second instead of {rate_hz:g}")
        record = wfdb.rdrecord(str(stem), channels=[leads.index(name.lower())], physical=False)
        samples = record.d_signal[:, 0].astype(np.int64)
        _check_sums(samples, record.init_value[0], record.checksum[0])
        signal = samples.astype(np.float64)
        # the one value of a format that stands for a missing sample becomes NaN in physical units only
        signal[np.isnan(record.dac()[:, 0])] = np.nan
    except UnusableRecord:
        raise
    except Exception as error:  # wfdb raises whatever its parser stumbles over
        # without the folder, which is no part of what is wrong
        reason = (str(error) or type(error).__name__).splitlines()[0].replace(f"{stem.parent}/", "")
        raise UnusableRecord(f"damaged ({reason})") from None
    check_signal(signal, rate_hz)
    return Lead(signal, list(header.comments or []))


def _check_sums(samples: np.ndarray, first: int | None, checksum: int | None) -> None:
    """Compare samples with what the header says of them.

    The checksum is the sum of all samples, in 16 bits (WFDB Applications Guide, header(5)). Both stand before a lead's
    name, so that no header that names its leads can do without.
    """
    if first is None or checksum is None:
        raise UnusableRecord("damaged (its header has no first value or no checksum)")
    if samples[0] != first:
        raise UnusableRecord(f"damaged (its first sample is {samples[0]}, {first} by its header)")
    if (samples.sum() - checksum) % 2**16:
        raise UnusableRecord("damaged (its samples have another checksum than in its header)")


def check_signal(signal: np.ndarray, rate_hz: float) -> None:
    """Refuse what no beats should be cut from.

    Parameters
    ----------
    signal : ndarray of float, shape (T,)
        At the rate it was recorded with, in any unit, NaN where a sample is missing.
    rate_hz : float

    Raises
    ------
    UnusableRecord
        The signal is shorter than a second, samples are missing, all are equal, or the highest or
        lowest value is held for 0.1 s or more.
    """
    if len(signal) < SHORTEST_S * rate_hz:
        raise UnusableRecord(f"{len(signal) / rate_hz:.2f} s long, too short for one beat")
    missing = int(np.count_nonzero(~np.isfinite(signal)))
    if missing:
        raise UnusableRecord(f"{missing} missing samples")
    low, high = signal.min(), signal.max()
    if low == high:
        raise UnusableRecord("flat")
    held_s = max(_longest_run(signal == limit) for limit in (low, high)) / rate_hz
    if held_s >= CLIPPED_S:
        raise UnusableRecord(f"clipped, an extreme is held for {held_s:.2f} s")


def _longest_run(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def window_length(detector: Detector) -> int:
    """Samples of the windows that go with a detector: 10 s, or 5 s for "threshold"."""
    return THRESHOLD_WINDOW if detector == "threshold" else WINDOW


def r_peaks(window: np.ndarray, detector: Detector = "neurokit") -> np.ndarray:
    """R peaks of one lead, ascending; ndarray of int.

    Parameters
    ----------
    window : ndarray of float, shape (T,)
        125 samples a second.
    detector : {"neurokit", "threshold"}
        NeuroKit's (Makowski et al. 2021, doi 10.3758/s13428-020-01516-y), each detection moved to the
        highest sample within 80 ms; or the rule that Kachuee et al. describe: the window scaled to
        [0, 1], every local maximum above 0.9.

    Raises
    ------
    EcglibError
        The detector is unknown.
    """
    if detector not in get_args(Detector):
        raise EcglibError(f"detector: {detector!r} is none of {', '.join(get_args(Detector))}")
    if detector == "threshold":
        inner = window[1:-1]
        # not divided by the range, which is 0 where the lead is flat
        high = inner - window.min() > THRESHOLD * np.ptp(window)
        return 1 + np.flatnonzero((inner > window[:-2]) & (inner >= window[2:]) & high)
    import neurokit2

    cleaned = neurokit2.ecg_clean(window, sampling_rate=RATE_HZ, method="neurokit")
    with warnings.catch_warnings():
        # its mean length of no QRS complexes at all, where one begins and none ends
        warnings.filterwarnings("ignore", "Mean of empty slice|invalid value encountered", RuntimeWarning)
        _, found = neurokit2.ecg_peaks(cleaned, sampling_rate=RATE_HZ, method="neurokit")
    # its filter moves a peak by a sample now and then
    starts = [max(0, int(peak) - SEARCH) for peak in found["ECG_R_Peaks"]]
    return np.unique([start + window[start : start + 2 * SEARCH + 1].argmax() for start in starts]).astype(np.int64)


def cut_beats(signal: np.ndarray, start: np.ndarray, length: np.ndarray, step: int = 1) -> np.ndarray:
    """Beats of one lead, each scaled to [0, 1] by its own crop and padded with zeros.

    The range is that of the whole crop, also where it is longer than the samples that are kept.

    Parameters
    ----------
    signal : ndarray, shape (T,)
        No sample missing.
    start, length : ndarray of int, shape (B,)
        Where each beat begins and how long it is, in samples of `signal`.
    step : int
        Every `step`-th sample is taken, without a filter.

    Returns
    -------
    ndarray of float32, shape (B, 187)

    Raises
    ------
    UnusableRecord
        A beat is flat.
    """
    rows = np.zeros((len(start), BEAT_LENGTH), dtype=np.float32)
    for row, first, span in zip(rows, start, length, strict=True):
        crop = signal[first : first + span : step].astype(np.float64)
        low, high = crop.min(), crop.max()
        if low == high:
            raise UnusableRecord("a beat of it is flat")
        kept = crop[:BEAT_LENGTH]
        row[: len(kept)] = (kept - low) / (high - low)
    return rows


def window_beats(window: np.ndarray, detector: Detector = "neurokit") -> tuple[np.ndarray, np.ndarray]:
    """Cut and scale the beats of one window.

    Parameters
    ----------
    window : ndarray of float, shape (T,)
        125 samples a second, no sample missing.
    detector : {"neurokit", "threshold"}
        See `r_peaks`.

    Returns
    -------
    signal : ndarray of float32, shape (B, 187)
    position : ndarray of int, shape (B,)
        The R peak that each beat starts at.

    Raises
    ------
    UnusableRecord
        The window is flat, has fewer than two R peaks, so that there is no RR interval, or no crop fits
        into it.
    """
    if np.ptp(window) == 0:
        raise UnusableRecord("flat")
    peaks = r_peaks(window, detector)
    if len(peaks) < 2:
        raise UnusableRecord(f"{len(peaks)} R peak{'s' if len(peaks) != 1 else ''} found, two are needed")
    length = int(LENGTH_IN_RR * np.median(np.diff(peaks)))
    peaks = peaks[peaks + length <= len(window)]
    if len(peaks) == 0:
        raise UnusableRecord(f"too short for one beat of {length / RATE_HZ:.2f} s")
    return cut_beats(window, peaks, np.full(len(peaks), length)), peaks


@dataclass(frozen=True)
class RecordBeats:
    """The beats of one record.

    Attributes
    ----------
    signal : ndarray of float32, shape (B, 187)
    position : ndarray of int, shape (B,)
        The R peak that each beat starts at, in samples of the 125 Hz lead.
    skipped : dict of int to str
        Window (0, 1, ...) to the reason why it gave no beats.
    """

    signal: np.ndarray
    position: np.ndarray
    skipped: dict[int, str]


def record_beats(lead: np.ndarray, detector: Detector = "neurokit") -> RecordBeats:
    """The beats of all windows of a lead (`window_length`); what is left over at its end is not used.

    Parameters
    ----------
    lead : ndarray of float, shape (T,)
        125 samples a second, no sample missing. Shorter than a window it is one.
    detector : {"neurokit", "threshold"}
        See `r_peaks`.

    Raises
    ------
    UnusableRecord
        No window gives a beat; the reason is that of the first.
    """
    found, skipped = [], {}
    length = window_length(detector)
    for number in range(max(1, len(lead) // length)):
        start = number * length
        try:
            signal, position = window_beats(lead[start : start + length], detector)
        except UnusableRecord as reason:
            skipped[number] = str(reason)
        else:
            found.append((signal, start + position))
    if not found:
        raise UnusableRecord(skipped[0])
    return RecordBeats(*(np.concatenate(parts) for parts in zip(*found, strict=True)), skipped)


def require_some(count: int, skipped: dict[str, str], folder: Path) -> None:
    """Refuse to go on with no record at all.

    Raises
    ------
    EcglibError
        `count` is 0.
    """
    if count == 0:
        first = next((f", the first ({record}) because: {reason}" for record, reason in skipped.items()), "")
        raise EcglibError(f"{folder}: no usable record, {len(skipped)} skipped{first}")
