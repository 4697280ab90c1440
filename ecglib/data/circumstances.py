"""Under which circumstances a beat of MIT-BIH was recorded: rhythm, how early it came, whether its P wave can be seen.

Only to tell errors apart afterwards; no model is shown any of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import butter, find_peaks, peak_prominences, resample_poly, sosfiltfilt

from ecglib.data.context import MEANS, RATE_HZ, lead_number, mean_of_earlier
from ecglib.data.mitbih import LABEL_OF_SYMBOL
from ecglib.data.table import Beats

HIDDEN, SEEN, NOT_SEEN = "in the T wave before", "seen", "not seen"
_BAND_HZ = (0.5, 20.0)
# where a P wave is looked for, and the QRS complex that it is measured by, in seconds from the R peak
_P_S, _QRS_S = (-0.25, -0.06), (-0.06, 0.1)
# the least P wave; 89 % of normal beats in sinus rhythm have that much, and 18 % of those in atrial fibrillation
_LEAST = 0.05
# a beat that comes sooner has its P wave in the T wave before it
_SOON_S = 0.6


def p_deflection(signal: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """The most prominent deflection where a P wave belongs, either way up, as a share of the QRS complex's height.

    Parameters
    ----------
    signal : ndarray of float, shape (T,)
        120 samples a second, in any unit.
    peaks : ndarray of int, shape (P,)
        R peaks.

    Returns
    -------
    ndarray of float, shape (P,)
        0 where the lead only rises or falls there.
    """
    band = sosfiltfilt(butter(2, _BAND_HZ, "bandpass", fs=RATE_HZ, output="sos"), signal)
    p, qrs = (_stretches(band, peaks, *(round(second * RATE_HZ) for second in reach)) for reach in (_P_S, _QRS_S))
    found = np.zeros(len(peaks))
    for number, stretch in enumerate(p):
        for one in (stretch, -stretch):
            found[number] = max(found[number], peak_prominences(one, find_peaks(one)[0])[0].max(initial=0))
    return found / (np.ptp(qrs, axis=1) + 1e-9)


def _stretches(signal: np.ndarray, peaks: np.ndarray, start: int, stop: int) -> np.ndarray:
    return signal[np.clip(peaks[:, None] + np.arange(start, stop + 1), 0, len(signal) - 1)]


def record_circumstances(stem: Path, sample: np.ndarray) -> pd.DataFrame:
    """The circumstances of a record's annotated beats at `sample`.

    Returns
    -------
    DataFrame
        One row a beat; columns rhythm (code of the annotation, as "AFIB"), symbol (its annotation), early (its RR
        interval over the mean of the ten before; 1 for a record's first beat) and p_wave ("in the T wave before"
        where the RR interval is below 0.6 s, else "seen" or "not seen").
    """
    import wfdb

    annotation = wfdb.rdann(str(stem), "atr")
    notes = [(place, note.strip("\x00")) for place, note in zip(annotation.sample, annotation.aux_note, strict=True)]
    starts, codes = zip(*[(place, note[1:]) for place, note in notes if note.startswith("(")], strict=True)
    beat = np.array([symbol in LABEL_OF_SYMBOL for symbol in annotation.symbol])
    peaks, symbols = annotation.sample[beat], np.array(annotation.symbol)[beat]
    record = wfdb.rdrecord(str(stem), channels=[lead_number(stem)])
    rr = pd.Series(np.diff(peaks, prepend=np.nan) / record.fs).bfill().to_numpy()
    rows = np.searchsorted(peaks, sample)
    step = round(record.fs / RATE_HZ)
    signal = resample_poly(record.p_signal[:, 0], 1, step, padtype="edge")
    seen = p_deflection(signal, np.rint(sample / step).astype(np.int64)) >= _LEAST
    columns = {"rhythm": np.array(codes)[np.searchsorted(starts, sample, side="right") - 1], "symbol": symbols[rows]}
    columns |= {"early": (rr / mean_of_earlier(rr, MEANS[0]))[rows].astype(np.float16)}
    return pd.DataFrame(columns | {"p_wave": np.where(rr[rows] < _SOON_S, HIDDEN, np.where(seen, SEEN, NOT_SEEN))})


def circumstances(beats: Beats, folder: Path) -> pd.DataFrame:
    """`record_circumstances` of the beats of a table, in its order, from the raw records in `folder`."""
    names, index = np.unique(beats.record, return_inverse=True)
    parts = [
        record_circumstances(folder / str(name), beats.sample[index == number]).set_index(
            np.flatnonzero(index == number)
        )
        for number, name in enumerate(names)
    ]
    return pd.concat(parts).sort_index().astype(dict.fromkeys(("rhythm", "symbol", "p_wave"), "category"))
