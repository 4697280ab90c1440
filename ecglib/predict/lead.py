"""One lead of a record, read piece by piece, so that a day's recording needs no more memory than a minute's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from ecglib.names import EcglibError

# below, a QRS complex has too few samples to tell its shape; above, it is a number in another unit
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 100.0, 20_000.0
# the detector of R peaks learns from the first two seconds
SHORTEST_S = 3.0
# the lead that most of the training beats are of, then the one of the same direction
_PREFERRED = ("mlii", "ii")
_PREFIX = re.compile(r"^(ecg|ekg|lead|ableitung)[\s_:.-]+", re.IGNORECASE)
_LEAD_NAME = re.compile(r"ml?i{1,3}|i{1,3}|av[rlf]|v[1-9]r?|mcl?\d|d[1-3]|(ecg|ekg|lead|ableitung).*")
_PER_MV = {"mv": 1.0, "uv": 1000.0, "µv": 1000.0, "μv": 1000.0, "v": 0.001, "nv": 1e6}
# of a list in a message
_MOST_NAMES = 20


@dataclass(frozen=True)
class OpenLead:
    """One lead of a record that is open.

    Attributes
    ----------
    name : str
        What the record calls it; "" where it does not say.
    rate_hz : float
    length : int
        Samples.
    per_mv : float or None
        Units of the signal a millivolt; None where that is unknown.
    read : callable
        ``read(start, stop)`` gives these samples, float64 of shape (stop - start,), NaN where one is missing.
    """

    name: str
    rate_hz: float
    length: int
    per_mv: float | None
    read: Callable[[int, int], np.ndarray]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.length / self.rate_hz


def array_lead(signal: np.ndarray, rate_hz: float | None, per_mv: float | None = None, name: str = "") -> OpenLead:
    """A lead that is in memory.

    Parameters
    ----------
    signal : array_like of numbers, shape (T,)
    rate_hz : float
    per_mv : float, optional
    name : str

    Raises
    ------
    EcglibError
        `signal` is no row of numbers, or the rate is missing or absurd.
    """
    try:
        values = np.asarray(signal, dtype=np.float64)
    except (TypeError, ValueError):
        raise EcglibError("signal: not all of it are numbers") from None
    if values.ndim != 1:
        raise EcglibError(f"signal: has shape {values.shape}; give one lead, of shape (samples,)")
    if rate_hz is None:
        raise EcglibError("rate: missing; give the samples a second")
    return OpenLead(name, checked_rate(rate_hz, "rate"), len(values), per_mv, lambda start, stop: values[start:stop])


def clock(seconds: float) -> str:
    """A time in a record: "3:05" or "1:03:05"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def checked_rate(rate_hz: float, where: str | Path) -> float:
    """`rate_hz`, if an ECG can have it.

    Raises
    ------
    EcglibError
        It is no number from 100 to 20,000.
    """
    if not isinstance(rate_hz, Real) or not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        shown = f"{rate_hz:g}" if isinstance(rate_hz, Real) else type(rate_hz).__name__
        raise EcglibError(
            f"{where}: {shown} samples a second; from {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:,.0f} can be used"
        )
    return float(rate_hz)


def units_per_mv(unit: str | None) -> float | None:
    """How many of `unit` ("mV", "µV", ...) a millivolt is; None for what is no voltage."""
    return _PER_MV.get((unit or "").strip().lower())


def is_lead_name(name: str) -> bool:
    """Whether `name` is one that leads have."""
    return _LEAD_NAME.fullmatch(_plain(name)) is not None or _PREFIX.match(name.strip()) is not None


def choose_lead(names: Sequence[str], wanted: str | None, where: str | Path) -> int:
    """Which of a record's leads is read.

    Parameters
    ----------
    names : sequence of str
        Signals of the record, leads and maybe others.
    wanted : str or None
        A name in any case, with or without "lead" or "ECG" before it, or a number from 1. None stands for lead MLII
        or II, else the first that is called as a lead is, else the only signal.

    Raises
    ------
    EcglibError
        There is no such lead, or nothing says which it is; the message lists them.
    """
    plain = [_plain(name) for name in names]
    shown = ", ".join(name or f"number {number}" for number, name in enumerate(names[:_MOST_NAMES], start=1))
    shown += f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    if wanted is not None:
        exact = [number for number, name in enumerate(names) if name.strip().lower() == wanted.strip().lower()]
        found = exact or [number for number, name in enumerate(plain) if name == _plain(wanted)]
        if found:
            return found[0]
        if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
            return int(wanted) - 1
        raise EcglibError(f"{where}: no lead {wanted!r}; there is {shown or 'none'}")
    for preferred in _PREFERRED:
        if preferred in plain:
            return plain.index(preferred)
    leads = [number for number, name in enumerate(names) if is_lead_name(name)]
    if not leads and len(names) != 1:
        raise EcglibError(f"{where}: which one is the ECG? choose with --lead: {shown or 'there is no signal'}")
    return leads[0] if leads else 0


def bare_name(name: str) -> str:
    """The name without "lead" or "ECG" before it."""
    return _PREFIX.sub("", name.strip()).strip()


def _plain(name: str) -> str:
    return bare_name(name).lower()
