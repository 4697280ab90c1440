"""From ten seconds of one lead to beats: the recipe of PTB and PTB-XL, which come without annotated beats.

Kachuee et al. (2018, doi 10.1109/ICHI.2018.00092, section III.A) cut a record into windows, find the R
peaks of each, and take from every R peak on int(1.2 T) samples, T being the median RR interval of the
window. Each crop is scaled to [0, 1] and padded with zeros to 187 samples.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ecglib.data.records import UnusableRecord
from ecglib.data.table import BEAT_LENGTH
from ecglib.errors import EcglibError

Detector = Literal["neurokit", "threshold"]
RATE_HZ = 125.0
# 10 s, as Kachuee et al. write. Their threshold gives the genuine rows in windows of 5 s only (see `ecglib.data.ptb`)
WINDOW = 1250
THRESHOLD_WINDOW = 625
LENGTH_IN_RR = 1.2
THRESHOLD = 0.9
# a detector works on a filtered signal; the R peak is the highest sample this near (80 ms)
SEARCH = 10


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


def crop_beats(window: np.ndarray, detector: Detector = "neurokit") -> tuple[np.ndarray, np.ndarray]:
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
    crops = np.stack([window[peak : peak + length] for peak in peaks]).astype(np.float64)
    low, high = crops.min(axis=1, keepdims=True), crops.max(axis=1, keepdims=True)
    if (low == high).any():
        raise UnusableRecord("a beat of it is flat")
    # the range is that of the whole crop, also where it is longer than what is kept
    kept = ((crops - low) / (high - low))[:, :BEAT_LENGTH]
    signal = np.zeros((len(peaks), BEAT_LENGTH), dtype=np.float32)
    signal[:, : kept.shape[1]] = kept
    return signal, peaks


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
            signal, position = crop_beats(lead[start : start + length], detector)
        except UnusableRecord as reason:
            skipped[number] = str(reason)
        else:
            found.append((signal, start + position))
    if not found:
        raise UnusableRecord(skipped[0])
    return RecordBeats(*(np.concatenate(parts) for parts in zip(*found, strict=True)), skipped)
