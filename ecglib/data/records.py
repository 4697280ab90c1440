"""One lead of a WFDB record, or the reason why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecglib.errors import EcglibError

# no beat, let alone two R peaks, fits into less
SHORTEST_S = 1.0
# an amplifier at its limit holds one value; no heart does for so long
CLIPPED_S = 0.1


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
        is not `rate_hz`, or the signal is one of those that `check_signal` refuses.
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
        signal = record.d_signal[:, 0].astype(np.float64)
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
