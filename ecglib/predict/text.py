"""Tables of text: one value a line or several, with or without a header, and what the Apple Watch exports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.names import EcglibError
from ecglib.predict.lead import OpenLead, checked_rate, choose_lead, units_per_mv
from ecglib.predict.text_head import EMPTY, Table, cells, find_table, number

_ROWS_AT_ONCE = 2**18
# how far a column of times may be from even steps: rounding, and a clock that jitters
_JUMP_S = 0.05
# seconds, ms, µs, ns
_TIME_UNITS = (1.0, 1e3, 1e6, 1e9)
# wider than the rates that are usable, so that these are refused with their value; a factor of 500 tells units apart
_LIKELY_RATES = (50.0, 25_000.0)


def open_text(path: Path, lead: str | None = None, rate_hz: float | None = None) -> OpenLead:
    """Read one column of a table; its values are kept in a temporary file, not in memory.

    The rate is the one that is given, else that of the lines before the table ("Sample Rate,512 hertz"), else it
    follows from a column of times.

    Parameters
    ----------
    path : Path
    lead : str, optional
        The column's name, or its number among those that are no times, from 1.
    rate_hz : float, optional

    Raises
    ------
    EcglibError
        This is no text or no table, a cell is no number, the column is not clear, or the rate is missing or absurd.
    """
    table = find_table(path)
    time = table.time_column()
    filled = [column for column in range(len(table.names)) if column != time and not table.is_blank(column)]
    candidates = [column for column in filled if not table.is_index(column)] or filled
    chosen = candidates[choose_lead([table.names[column] for column in candidates], lead, path)]
    rate_hz = table.rate_hz if rate_hz is None else rate_hz
    if rate_hz is not None:
        checked_rate(rate_hz, path)
        time = None
    elif time is None:
        raise EcglibError(f"{path}: its rate is unknown; give the samples a second with --rate")
    columns = [chosen] if time is None else [chosen, time]
    values, *times = _read_columns(path, table, columns)
    if rate_hz is None:
        rate_hz = checked_rate(_rate_of_times(path, times[0], _resolution(table.start_of(time))), path)
    return OpenLead(
        name=table.names[chosen],
        rate_hz=rate_hz,
        length=len(values),
        per_mv=units_per_mv(table.units[chosen]),
        read=lambda start, stop: np.array(values[start:stop]),
    )


def _read_columns(path: Path, table: Table, columns: list[int]) -> list[np.ndarray]:
    """Whole columns, each in a file without a name that vanishes with its array."""
    files = [tempfile.TemporaryFile() for _ in columns]  # noqa: SIM115
    for block in _blocks(path, table, columns):
        for file, column in zip(files, columns, strict=True):
            values = block[column]
            if not pd.api.types.is_numeric_dtype(values):
                values = values.map(lambda cell: number(str(cell)))
            numbers = values.to_numpy(np.float64)
            np.where(np.isfinite(numbers), numbers, np.nan).tofile(file)
    arrays = []
    for file in files:
        file.flush()
        arrays.append(np.memmap(file, np.float64, "r"))
    return arrays


def _blocks(path: Path, table: Table, columns: list[int]) -> Iterator[pd.DataFrame]:
    clocks = {column for column in columns if any(":" in row[column] for row in table.rows if len(row) > column)}
    # the other columns are read too: with `usecols`, pandas would not mind a row that is longer than the first
    types = {column: str for column in range(len(table.names))} | {
        column: np.float64 for column in set(columns) - clocks
    }
    options = {
        "sep": r"\s+" if table.separator is None else table.separator,
        "header": None,
        "dtype": types,
        "decimal": table.decimal,
        "na_values": sorted(EMPTY - {""}),
        "skipinitialspace": True,
        "chunksize": _ROWS_AT_ONCE,
    }
    try:
        with path.open(encoding=table.encoding) as file:
            # not by pandas, which minds quotes in the lines that it skips
            for _ in islice(file, table.first):
                pass
            with pd.read_csv(file, **options) as reader:
                yield from reader
    except (ValueError, OverflowError):  # also what pandas' parser and an undecodable text raise
        raise _first_wrong(path, table, columns) from None


def _first_wrong(path: Path, table: Table, columns: list[int]) -> EcglibError:
    """Name the first row that is not as the others, or the first cell that is no number; what it holds is not told."""
    with path.open(encoding=table.encoding, errors="replace") as file:
        for row_number, line in enumerate(file, start=1):
            if row_number <= table.first or not line.strip():
                continue
            row = cells(line, table.separator)
            if len(row) != len(table.names):
                return EcglibError(f"{path}: row {row_number} has {len(row)} columns instead of {len(table.names)}")
            for column in columns:
                cell = row[column].lower()
                if cell not in EMPTY and (np.isnan(number(cell)) or (":" in cell and column == columns[0])):
                    return EcglibError(f"{path}: row {row_number}, column {column + 1} is no number; correct it")
    return EcglibError(f"{path}: cannot be read as a table of numbers")


def _rate_of_times(path: Path, times: np.ndarray, resolution: float) -> float:
    """Samples a second from a column of times, in whichever unit gives a rate that an ECG can have."""
    count = len(times)
    span = float(times[-1] - times[0]) if count > 1 else np.nan
    if not span > 0:
        raise EcglibError(f"{path}: its times do not go up; give the samples a second with --rate")
    likely = (unit for unit in _TIME_UNITS if _LIKELY_RATES[0] <= (count - 1) / span * unit <= _LIKELY_RATES[1])
    unit = next(likely, None)
    if unit is None:
        raise EcglibError(f"{path}: its times are not those of an ECG; give the samples a second with --rate")
    rate_hz = (count - 1) / span * unit
    # times that are rounded, as to ms, give a rate that is a little off
    if abs(rate_hz - round(rate_hz)) <= 2 * rate_hz * resolution / span:
        rate_hz = float(round(rate_hz))
    for start in range(0, count, _ROWS_AT_ONCE):
        part = (times[start : start + _ROWS_AT_ONCE] - times[0]) / unit
        off = np.flatnonzero(~(np.abs(part - np.arange(start, start + len(part)) / rate_hz) <= _JUMP_S))
        if len(off):
            raise EcglibError(
                f"{path}: its times jump or are missing near value {start + off[0] + 1}; cut the file there, "
                "or give the samples a second with --rate"
            )
    return rate_hz


def _resolution(values: np.ndarray) -> float:
    """The last digit that numbers are written with."""
    return next((10.0**-digits for digits in range(10) if np.allclose(values, np.round(values, digits), 0, 1e-12)), 0.0)
