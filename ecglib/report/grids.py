"""Tables of notebooks, from pandas and from Markdown, brought to one form."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from bs4.element import Tag
from markupsafe import Markup

_NUMBER = re.compile(r"[<>≥≤~]?\s*[+\-−±]?\s*\d[\d,. ]*(e[+\-]?\d+)?\s*%?\s*([±\[(–].*)?")
# a cell as short as an interval, or the name of a model, is kept in one line
_SHORT, _SHORT_HEADER = 32, 12
_NO_NUMBER = frozenset({"", "-", "–", "—", "nan", "NaN", "None", "not printed", "not run"})


def arrange(table: Tag) -> Markup:
    """A cleaned table whose headers say what they head, with numbers set to the right.

    The first column names its rows. Where it says the same in several rows, as in tables of several metrics for each
    model, a line is drawn between one group of rows and the next.
    """
    _one_row_of_headers(table)
    rows = table.find_all("tr")
    head = table.find("thead")
    body = [row for row in rows if head is None or row.find_parent("thead") is None]
    if head is not None:
        for cell in head.find_all(["th", "td"]):
            cell.name = "th"
            cell["scope"] = "col"
            if len(cell.get_text(strip=True)) <= _SHORT_HEADER:
                _add_class(cell, "short")
    for row in body:
        first = _cells(row)[:1]
        if first and first[0].get_text(strip=True):
            first[0].name = "th"
            first[0]["scope"] = "row"
    for cell in (cell for row in body for cell in _cells(row) if len(cell.get_text(strip=True)) <= _SHORT):
        _add_class(cell, "short")
    if not table.find(attrs={"colspan": True}) and not table.find(attrs={"rowspan": True}):
        _mark_numbers(rows, body)
        _mark_groups(body)
    return Markup(table.decode_contents(formatter="minimal").strip())


def column_titles(table: Tag) -> list[str]:
    """What the columns are called, without those that have no title."""
    head = table.find("thead")
    return [] if head is None else [text for cell in head.find_all("th") if (text := cell.get_text(" ", strip=True))]


def tables_in(soup: BeautifulSoup) -> list[Tag]:
    """The tables that are not inside another table."""
    return [table for table in soup.find_all("table") if table.find_parent("table") is None]


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["th", "td"], recursive=False)


def _add_class(cell: Tag, name: str) -> None:
    cell["class"] = [*cell.get("class", []), name]


def _one_row_of_headers(table: Tag) -> None:
    """Join the two rows of headers that pandas writes where the index has a name."""
    head = table.find("thead")
    rows = head.find_all("tr", recursive=False) if head else []
    if len(rows) != 2 or len(_cells(rows[0])) != len(_cells(rows[1])):
        return
    pairs = list(zip(_cells(rows[0]), _cells(rows[1]), strict=True))
    if all(not upper.get_text(strip=True) or not lower.get_text(strip=True) for upper, lower in pairs):
        for upper, lower in pairs:
            if not upper.get_text(strip=True):
                upper.string = lower.get_text(strip=True)
        rows[1].decompose()


def _mark_numbers(rows: list[Tag], body: list[Tag]) -> None:
    """Set columns to the right that hold nothing but numbers, the first one aside: it names the rows."""
    width = max((len(_cells(row)) for row in body), default=0)
    for column in range(1, width):
        texts = {cells[column].get_text(strip=True) for row in body if len(cells := _cells(row)) > column}
        if not texts <= _NO_NUMBER and all(text in _NO_NUMBER or _NUMBER.fullmatch(text) for text in texts):
            for row in rows:
                if len(cells := _cells(row)) > column:
                    _add_class(cells[column], "number")
                    if cells[column].name == "td" and cells[column].get_text(strip=True) in _NO_NUMBER:
                        _add_class(cells[column], "none")


def _mark_groups(body: list[Tag]) -> None:
    names = [cells[0].get_text(strip=True) if (cells := _cells(row)) else "" for row in body]
    if len(set(names)) < len(names):
        for row, name, before in zip(body[1:], names[1:], names, strict=False):
            if name != before:
                row["class"] = "group"
