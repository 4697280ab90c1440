"""What the page is made from: executed notebooks, the figures and tables that they show, and what stands in front."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

VERDICTS = ("same", "differs", "not run")
_FILE_NAME = re.compile(r"(?P<kind>fig|table)(?P<number>\d+)?_")


@dataclass(frozen=True)
class Exhibit:
    """A figure or a table, known by the name of its file.

    Attributes
    ----------
    name : str
        Without its suffix, such as ``fig04_mitbih_cnn_transformer_learning_curves``; the page's anchor is made of it.
    label : str
        The number in the paper, such as "Figure 4"; empty for one that the paper does not have ("Figure S1" then).
    caption : str
        Where it is empty, a figure's own title is taken, or the heading above.
    alternative : str
        What the figure shows, for those who do not see it; where it is empty, the caption.
    svg : str
        The same figure as SVG, shown instead of the notebook's PNG.
    made : mapping
        How it was made, where that differs from the rest of its notebook.
    """

    name: str
    label: str = ""
    caption: str = ""
    alternative: str = ""
    svg: str = ""
    made: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Executed:
    """A notebook that has been run, which becomes a section of the page.

    Attributes
    ----------
    path : Path
        The ``.ipynb`` with its outputs.
    made : mapping
        How it was made: profile, commit, data digest, hardware, seconds; shown below its figures and tables, in this
        order. The notebook's name is put in front.
    exhibits : mapping
        What its outputs are, by the `content_key` of what the notebook shows (see `exhibits_of`).
    profile : str
        Where it is empty, the notebook's own parameter of that name.
    part : str
        What the contents call the notebooks of one profile; where it is empty, the profile.
    """

    path: Path
    made: Mapping[str, object] = field(default_factory=dict)
    exhibits: Mapping[str, Exhibit] = field(default_factory=dict)
    profile: str = ""
    part: str = ""


@dataclass(frozen=True)
class Verdict:
    """A row of the table in front: something the paper says, and what became of it here.

    Attributes
    ----------
    item, ours : str
        What the paper says, and our own number or finding.
    verdict : {"same", "differs", "not run"}
    sentence : str
        Why, in one sentence.
    anchor : str, optional
        Where on the page it can be looked up.
    """

    item: str
    ours: str
    verdict: str
    sentence: str
    anchor: str | None = None


@dataclass(frozen=True)
class Front:
    """What stands before the notebooks.

    Attributes
    ----------
    title, subtitle : str
    verdicts : sequence of Verdict
    introduction : str
        Markdown; ``[text](#anchor)`` leads to a place on the page.
    made : mapping
        What the whole page was made from, for its foot.
    """

    title: str
    verdicts: Sequence[Verdict] = ()
    introduction: str = ""
    subtitle: str = ""
    made: Mapping[str, object] = field(default_factory=dict)


def content_key(content: bytes | str) -> str:
    """The name under which a notebook's output is looked up: a digest of the PNG's bytes or of the Markdown."""
    data = content.strip().encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def exhibits_of(
    folder: Path,
    *,
    captions: Mapping[str, str] | None = None,
    alternatives: Mapping[str, str] | None = None,
    made: Mapping[str, Mapping[str, object]] | None = None,
) -> dict[str, Exhibit]:
    """The figures and tables of a folder, by the content that a notebook shows of them.

    A notebook shows the very bytes that it saves, so an output is recognised without its name, and an SVG is only
    ever taken for the PNG that was drawn with it.

    Parameters
    ----------
    folder : Path
        Of ``figNN_<dataset>_<what>`` (.png and .svg) and ``tableN_<dataset>`` (.md) or ``table_<word>_<dataset>``.
        One that is missing has none.
    captions, alternatives, made : mapping, optional
        By the file's name without suffix.

    Returns
    -------
    dict
        For `Executed.exhibits`.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.png")) + sorted(Path(folder).glob("*.md")):
        is_figure = path.suffix == ".png"
        svg = path.with_suffix(".svg")
        exhibit = Exhibit(
            name=path.stem,
            label=_label(path.stem),
            caption=(captions or {}).get(path.stem, ""),
            alternative=(alternatives or {}).get(path.stem, ""),
            svg=svg.read_text(encoding="utf-8") if is_figure and svg.exists() else "",
            made=(made or {}).get(path.stem, {}),
        )
        found[content_key(path.read_bytes() if is_figure else path.read_text(encoding="utf-8"))] = exhibit
    return found


def _label(stem: str) -> str:
    """ "Figure 4" from ``fig04_...``, "Table IV" from ``table4_...``; empty where the paper has no such number."""
    match = _FILE_NAME.match(stem)
    number = int(match["number"] or 0) if match else 0
    if number == 0:
        return ""
    return f"Figure {number}" if match["kind"] == "fig" else f"Table {_roman(number)}"


def _roman(number: int) -> str:
    numeral = ""
    for value, letters in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while number >= value:
            numeral, number = numeral + letters, number - value
    return numeral
