"""Where a text file's table of numbers begins, and what the lines before it say of rate, unit and columns.

Nothing else of these lines is kept: the export of a watch starts with its owner's name and date of birth. For the same
reason a header counts only if it names something that an ECG has.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecglib.names import EcglibError
from ecglib.predict.lead import is_lead_name, units_per_mv

# where the table must have begun
HEAD_BYTES = 2**16
# what stands for a missing sample
EMPTY = {"", "nan", "na", "n/a", "null", "none", "-"}
_SEPARATORS = ("\t", ";", ",", None)  # None: blanks
_NUMBER = r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?|[+-]?inf"
_CLOCK = re.compile(r"\[?(?:(\d+):)?(\d+):(\d\d(?:[.,]\d+)?)\]?")
_CELL = re.compile(f"{_NUMBER}|{_CLOCK.pattern}", re.I)
_HERTZ = re.compile(r"(\d[\d.,]*)\s*(?:hz|hertz)\b", re.I)
_RATE = re.compile(
    r"\b(?:sampl\w*|abtast\w*|mess)[\s_-]*(?:rate|freq\w*)\W*(\d[\d.,]*)|\bfs\s*[=:,;]\s*(\d[\d.,]*)", re.I
)
_TIME = re.compile(r"(elapsed\s*)?(time|zeit|timestamp|seconds|sec|t|s|ms)([\s_(\[].*)?", re.I)
_INDEX = re.compile(r"(sample|index|nr|no|n|#|row)s?\W*(#|number|index|no)?", re.I)
_VOLTAGE = re.compile(r"[\s_(\[]([mun\u00b5\u03bc]?v)[)\]]?", re.I)
_OTHER_UNIT = re.compile(r"s|ms|us|sec|seconds|h+:mm:ss.*|sample\s*#?|#|adu", re.I)
_LEAD_OF_WATCH = re.compile(r"[,;]\s*((?:lead|ableitung)\s+\w{1,4})\s*$", re.I)


@dataclass(frozen=True)
class Table:
    """Where a file's numbers are.

    Attributes
    ----------
    encoding : str
    first : int
        Lines before the numbers.
    separator : str or None
        None: blanks.
    decimal : str
    rows : list of list of str
        The cells of its first lines.
    names : list of str
        One a column; "" where it has none.
    units : list of str or None
        One a column; None where it is no voltage.
    rate_hz : float or None
        What the lines before say.
    """

    encoding: str
    first: int
    separator: str | None
    decimal: str
    rows: list[list[str]]
    names: list[str]
    units: list[str | None]
    rate_hz: float | None

    def start_of(self, column: int) -> np.ndarray:
        """The first values of a column, as many as were looked at; NaN for what is none."""
        return np.array([number(row[column]) if len(row) > column else np.nan for row in self.rows])

    def is_blank(self, column: int) -> bool:
        """Whether nothing stands in a column, as behind a separator at the end of each line."""
        return all(len(row) <= column or row[column].lower() in EMPTY for row in self.rows)

    def is_index(self, column: int) -> bool:
        """Whether a column counts its lines, which says nothing of time."""
        values = self.start_of(column)
        counts = len(values) > 2 and bool((np.diff(values) == 1).all() and (values % 1 == 0).all())
        return counts and (not self.names[column] or _INDEX.fullmatch(self.names[column]) is not None)

    def time_column(self) -> int | None:
        """The column that is called time, or the first of several without names, if it goes up evenly."""
        for column, name in enumerate(self.names):
            named = _TIME.fullmatch(name) is not None and not is_lead_name(name)
            if not named and (name or column > 0 or len(self.names) == 1):
                continue
            steps = np.diff(self.start_of(column))
            rises = len(steps) > 1 and bool((steps >= 0).all()) and steps.sum() > 0 and not self.is_index(column)
            # a signal may rise by chance for a few samples, but not as evenly as time, which may be rounded to ms
            if rises and (named or np.ptp(steps) <= 0.5 * steps.mean() + 0.0011):
                return column
        return None


def find_table(path: Path) -> Table:
    """Look at a file's first 64 KiB.

    Raises
    ------
    EcglibError
        They are no text, or no table of numbers begins in them.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES + 1)
    encoding = _encoding(path, head)
    lines = head[:HEAD_BYTES].decode(encoding, errors="ignore").splitlines()
    if len(head) > HEAD_BYTES:
        # the last line may be cut
        lines = lines[:-1]
    before: list[str] = []
    separator: str | None = ""
    for line in lines:
        present = [one for one in _SEPARATORS if one is None or one in line]
        separator = next((one for one in present if _is_numeric(cells(line, one))), "")
        if separator != "":
            break
        before.append(line)
    if separator == "":
        raise EcglibError(f"{path}: no table of numbers begins in its first {HEAD_BYTES // 1024} KiB")
    rows = [line for line in lines[len(before) :] if line.strip()]
    if _HERTZ.search("\n".join(before)) and all(line.count(",") <= 1 and ";" not in line for line in rows):
        # a watch writes one value a line, in some languages with a decimal comma
        separator = ";"
    split = [cells(line, separator) for line in rows]
    decimal = "," if separator != "," and any("," in cell for row in split for cell in row) else "."
    names, units = _names_and_units(before, separator, len(split[0]))
    return Table(encoding, len(before), separator, decimal, split, names, units, _stated_rate(before))


def cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without quotes and blanks around them."""
    return [cell.strip().strip("'\"").strip() for cell in line.split(separator)]


def number(cell: str) -> float:
    """The value of a cell, seconds for a time of day (1:02:03.5); NaN for what is neither."""
    if clock := _CLOCK.fullmatch(cell):
        hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in clock.groups())
        return 3600 * hours + 60 * minutes + seconds
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return np.nan


def _encoding(path: Path, head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head:
        raise EcglibError(f"{path}: no text; WFDB records, EDF, CSV and text are read")
    try:
        # not to its end, where a character may be cut
        codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _is_numeric(row: list[str]) -> bool:
    values = [cell for cell in row if cell.lower() not in EMPTY]
    return bool(values) and all(_CELL.fullmatch(cell) for cell in values)


def _stated_rate(before: list[str]) -> float | None:
    """The first rate in the lines before the table; 511.422 and 511,422 are the same."""
    for line in before:
        found = _HERTZ.search(line) or _RATE.search(line)
        if found:
            text = next(group for group in found.groups() if group).rstrip(".,")
            for candidate in (text.replace(",", "."), text.replace(",", "")):
                # 1,000 is no rate of 1
                if candidate.count(".") <= 1 and float(candidate) >= 10:
                    return float(candidate)
    return None


def _names_and_units(before: list[str], separator: str | None, columns: int) -> tuple[list[str], list[str | None]]:
    """What the line above the numbers calls the columns; a line of units may be between."""
    names, units = [""] * columns, [None] * columns
    filled = [line for line in before if line.strip() and not line.startswith("#")]
    above = [row for row in (cells(line, separator) for line in reversed(filled[-2:])) if len(row) == columns]
    if above and all(not cell or units_per_mv(cell) or _OTHER_UNIT.fullmatch(cell) for cell in above[0]):
        units, above = [cell if units_per_mv(cell) else None for cell in above[0]], above[1:]
    if above and any(_is_name(cell) for cell in above[0]):
        names = above[0]
    units = [unit or _voltage(name) for unit, name in zip(units, names, strict=True)]
    if columns == 1 and not names[0]:
        # as a watch has them, each in a line of its own: "Lead,Lead I" and "Unit,µV"
        for line in filled:
            row = cells(line, "," if "," in line else ";")
            if found := _LEAD_OF_WATCH.search(line):
                names = [found[1]]
            if len(row) == 2 and units_per_mv(row[1]):
                units = [row[1]]
    return names, units


def _is_name(cell: str) -> bool:
    """Whether this is what a column of an ECG may be called, and not, say, a person."""
    fits = is_lead_name(cell) or _TIME.fullmatch(cell) or _INDEX.fullmatch(cell) or _voltage(cell)
    return bool(cell) and bool(fits)


def _voltage(name: str) -> str | None:
    """The unit at the end of a column's name, as in "ecg_mV" and "II (µV)"."""
    found = _VOLTAGE.search(name)
    return found[1] if found and found.end() == len(name) else None
