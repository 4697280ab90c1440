"""The page: one HTML file with everything in it, made from executed notebooks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path, PurePosixPath

from bs4 import BeautifulSoup
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from ecglib.files import replacing
from ecglib.predict import NOTICE
from ecglib.report import cells, prose
from ecglib.report.checks import EcglibError, content_of
from ecglib.report.material import VERDICTS, Executed, Front
from ecglib.report.places import Names, Section

# names that the template gives
_OWN_NAMES = ("top", "content", "contents", "contents-list", "contents-button", "theme-button", "code-button")
_FRONT_NAMES = ("verdicts", "introduction")


def write_page(
    notebooks: Iterable[Executed],
    out: Path,
    front: Front,
    *,
    panels: Mapping[str, str] | None = None,
) -> Path:
    """Write executed notebooks as one HTML file that fetches nothing.

    The same notebooks give the same bytes. What is there already is replaced only by a complete page.

    Parameters
    ----------
    notebooks : iterable of Executed
        The sections, in this order.
    out : Path
        The file to write; its folder is made where it is missing.
    front : Front
        Title, verdicts and introduction.
    panels : mapping, optional
        HTML to insert as it is, by anchor: of a section, heading, figure or table, below which it then stands, or
        "verdicts" or "introduction". Any other anchor makes a section of its own before the notebooks, which the
        contents list by the text of its first ``<h2>``. It may bring styles and scripts of its own.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    EcglibError
        If a notebook cannot be read, a link of the front leads nowhere, or a panel names a place twice or would
        fetch something.
    OSError
        If the file cannot be written.
    """
    names = Names((*_OWN_NAMES, *_FRONT_NAMES))
    sections = [cells.section(notebook, names) for notebook in notebooks]
    _link_notebooks(sections)
    panels = {anchor: Markup(panel) for anchor, panel in (panels or {}).items()}
    extra = {anchor: _panel_title(panel) for anchor, panel in panels.items() if anchor not in names}
    for anchor in extra:
        names.add(anchor)
    _check_verdicts(front, names)

    page = _template().render(
        front=front,
        introduction=_introduction(front, names),
        counts={verdict: sum(row.verdict == verdict for row in front.verdicts) for verdict in VERDICTS},
        parts=_parts(sections),
        several_parts=len({one.part for one in sections}) > 1,
        panels=panels,
        extra=extra,
        disclaimer=NOTICE,
        style=Markup(_file("style.css")),
        script=Markup(_file("script.js")),
    )
    _check_page(page)
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out


def _file(name: str) -> str:
    return resources.files("ecglib.report").joinpath(name).read_text(encoding="utf-8")


def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["made"] = lambda value: f"{value:,.1f}" if isinstance(value, float) else str(value)
    return environment.from_string(_file("template.html.j2"))


def _parts(sections: Sequence[Section]) -> list[tuple[str, list[Section]]]:
    """The sections by part, for the contents; a part that comes twice is listed twice."""
    parts: list[tuple[str, list[Section]]] = []
    for section in sections:
        if not parts or parts[-1][0] != section.part:
            parts.append((section.part, []))
        parts[-1][1].append(section)
    return parts


def _link_notebooks(sections: Sequence[Section]) -> None:
    """Point links to other notebooks at their sections: in the same profile, or else in the first that has it."""
    for section in sections:
        near = sorted(sections, key=lambda other: other.profile != section.profile)

        def place_of(address: str, near: Sequence[Section] = near) -> str | None:
            wanted = PurePosixPath(address.partition("#")[0]).stem
            for other in near:
                # 06_experiment_1.py is 06_experiment_1_mitbih.ipynb once it has been run
                stem = PurePosixPath(other.notebook).stem
                if wanted and (stem == wanted or stem.startswith(f"{wanted}_")):
                    return other.anchor
            return None

        for block in (block for passage in section.passages for block in passage.blocks):
            if block.kind in ("prose", "table") and "<a " in block.body:
                soup = BeautifulSoup(block.body, "html.parser")
                prose.resolve_links(soup, place_of)
                block.body = prose.html_of(*soup.children)


def _introduction(front: Front, names: Names) -> Markup:
    soup = prose.markdown(front.introduction)
    prose.lower_headings(soup, highest=3, previous=2)

    def place_of(address: str) -> str | None:
        if not address.startswith("#"):
            return None
        _check_anchor(address[1:], "the introduction", names)
        return address[1:]

    prose.resolve_links(soup, place_of)
    return prose.html_of(*soup.children)


def _panel_title(panel: str) -> str:
    heading = BeautifulSoup(panel, "html.parser").find("h2")
    return heading.get_text(" ", strip=True) if heading else ""


def _check_verdicts(front: Front, names: Names) -> None:
    for row in front.verdicts:
        if row.verdict not in VERDICTS:
            raise EcglibError(f"verdict of {row.item!r}: {row.verdict!r} is none of {', '.join(VERDICTS)}")
        if row.anchor is not None:
            _check_anchor(row.anchor, f"the verdict of {row.item!r}", names)


def _check_anchor(anchor: str, where: str, names: Names) -> None:
    if anchor not in names:
        close = difflib.get_close_matches(anchor, list(names), n=3, cutoff=0.4)
        hint = f"; near it are {', '.join(close)}" if close else ""
        raise EcglibError(f"{where} links to #{anchor}, which is not on the page{hint}")


def _check_page(page: str) -> None:
    """Panels are inserted as they are, so that the whole page is looked at."""
    content = content_of(page)
    if content.resources:
        raise EcglibError(f"the page would fetch {content.resources[0]}; put into the panel what it needs")
    twice = [name for name, count in content.names.items() if count > 1]
    if twice:
        raise EcglibError(f"two places of the page are called {twice[0]!r}; give those of the panel other names")
