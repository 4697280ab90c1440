"""Numbers in prose: each stands between two marks that say where it comes from, and is filled in from there.

In Markdown a mark is a comment, which nobody sees::

    MCC of <!--n reduced/table4_mitbih model=late reported_by=ours : mcc percent-->87.29<!--/n-->

The first word is a table of ``figures/`` without its ending; then columns and the values that choose its rows; after
the colon a column, or one of mean, min, max, sum and count of it, and a format (see `FORMATS`). A difference is written
``A - B`` with one such look-up on either side; a ratio ``A / B``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

from ecglib import files
from ecglib.names import EcglibError

MARK = re.compile(r"<!--n (.+?)-->(.*?)<!--/n-->", re.DOTALL)
# a comment at the start of a line is a block of its own (CommonMark 0.31, section 4.6)
_FIRST = re.compile(r"(# |\s)*<!--n ")
FORMATS: dict[str, Callable[[float], str]] = {
    "percent": lambda value: f"{100 * value:.2f}",
    "percent1": lambda value: f"{100 * value:.1f}",
    "percent0": lambda value: f"{100 * value:.0f}",
    "points": lambda value: f"{100 * value:+.2f}",
    "points1": lambda value: f"{100 * value:+.1f}",
    "whole": lambda value: f"{value:,.0f}",
    "decimal1": lambda value: f"{value:.1f}",
    "decimal2": lambda value: f"{value:.2f}",
    "minutes": lambda value: f"{value / 60:.0f}",
    "hours1": lambda value: f"{value / 3600:.1f}",
    "text": str,
}
_AGGREGATES = ("mean", "min", "max", "sum", "count")
_COLUMN = re.compile(r"(?:(?P<aggregate>\w+)\()?(?P<column>[\w ]+?)\)?")


@cache
def _table(path: Path, modified: int) -> pd.DataFrame:
    return pd.read_csv(path, float_precision="round_trip")


def look_up(text: str) -> float | str:
    """The value of one look-up, such as "reduced/table4_mitbih model=late reported_by=ours : mcc".

    Raises
    ------
    EcglibError
        There is no such table or column, or not exactly one row where no aggregate is asked for.
    """
    where, colon, what = (part.strip() for part in text.partition(":"))
    name, *conditions = where.split()
    path = files.home() / "figures" / f"{name}.csv"
    if not colon or not path.is_file():
        raise EcglibError(f"number {text!r}: expected 'TABLE COLUMN=VALUE ... : COLUMN' and a table {path}")
    rows = _table(path, path.stat().st_mtime_ns)
    for condition in conditions:
        parsed = re.fullmatch(r"(\w+)(!=|=)(.*)", condition)
        if parsed is None:
            raise EcglibError(f"number {text!r}: {condition!r} is no COLUMN=VALUE")
        column, operator, value = parsed.groups()
        if column not in rows:
            raise EcglibError(f"number {text!r}: {path} has no column {column!r}")
        # a value with spaces is written with "~" in their place
        same = rows[column].astype(str) == value.replace("~", " ")
        rows = rows[same if operator == "=" else ~same]
    found = _COLUMN.fullmatch(what)
    if found is None or found["aggregate"] not in (None, *_AGGREGATES):
        raise EcglibError(f"number {text!r}: {what!r} is no column, nor {', '.join(_AGGREGATES)} of one in parentheses")
    aggregate, column = found["aggregate"], found["column"]
    if column not in rows:
        raise EcglibError(f"number {text!r}: {path} has no column {column!r}")
    if aggregate == "count":
        return float(len(rows))
    if aggregate:
        return float(getattr(rows[column], aggregate)())
    if len(rows) != 1:
        raise EcglibError(f"number {text!r}: {len(rows)} rows of {path} fit, expected one")
    value = rows[column].iloc[0]
    return value if isinstance(value, str) else float(value)


def number(text: str) -> str:
    """What a mark stands for: look-ups, their difference or ratio, and the format at the end."""
    body, _, style = text.strip().rpartition(" ")
    if style not in FORMATS:
        raise EcglibError(f"number {text!r}: ends with no format; choose from {', '.join(FORMATS)}")
    for operator in (" - ", " / "):
        if operator in body:
            first, second = (look_up(part) for part in body.split(operator))
            return FORMATS[style](first - second if operator == " - " else first / second)
    return FORMATS[style](look_up(body))


def fill(text: str, where: str) -> tuple[str, list[str]]:
    """A text with all its numbers as the tables have them, and what was another one before.

    Raises
    ------
    EcglibError
        A mark cannot be looked up, or begins a line; the message names `where`.
    """
    changed = []
    for number_of_line, line in enumerate(text.splitlines(), start=1):
        if _FIRST.match(line):
            raise EcglibError(
                f"{where}, line {number_of_line}: begins with a mark, which ends a paragraph in Markdown; "
                "put a word before it"
            )

    def replaced(mark: re.Match[str]) -> str:
        try:
            value = number(mark[1])
        except EcglibError as error:
            raise EcglibError(f"{where}: {error}") from None
        if value != mark[2]:
            changed.append(f"{mark[2]!r} is {value!r} by {mark[1]!r}")
        return f"<!--n {mark[1]}-->{value}<!--/n-->"

    return MARK.sub(replaced, text), changed


def texts_with_numbers() -> list[Path]:
    """README, pages of ``docs`` and notebook sources, which may have numbers in their prose."""
    home = files.home()
    return [
        path
        for path in (home / "README.md", *sorted((home / "docs").glob("*.md")), *sorted(files.notebooks().glob("*.py")))
        if path.is_file()
    ]


def refresh_numbers(write: bool = True) -> list[str]:
    """Fill in the numbers of all texts; what was another one before, "FILE: ..."."""
    changed = []
    for path in texts_with_numbers():
        old = path.read_text(encoding="utf-8")
        text, found = fill(old, path.name)
        changed += [f"{path.name}: {what}" for what in found]
        if write and text != old:
            with files.replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
    return changed
