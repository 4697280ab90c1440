"""An executed notebook made a section of the page: its text, what it printed, its figures and tables, its code."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping

import nbformat
from bs4 import BeautifulSoup
from bs4.element import Tag
from markupsafe import Markup
from nbformat import NotebookNode

from ecglib.report import grids, prose, vector
from ecglib.report.checks import EcglibError
from ecglib.report.material import Executed, Exhibit, content_key
from ecglib.report.places import Block, Names, Passage, Section

# "How many beats each class has (Fig. 2)": the number is in the caption already
_NUMBER_IN_HEADING = re.compile(r"\s*\((?:Fig|Figure|Table)s?\b[^)]*\)\s*$")
_SHOWN_COLUMNS = 5
_WIDEST_PICTURE = 760


def section(notebook: Executed, names: Names) -> Section:
    """Read an executed notebook.

    Raises
    ------
    EcglibError
        If it cannot be read, or an output of it cannot.
    """
    writer = _Writer(notebook, notebook.profile, names)
    for cell in _read(notebook).cells:
        if cell.cell_type == "markdown":
            writer.add_text(cell.source)
        elif cell.cell_type == "code":
            writer.add_cell(cell)
    return writer.finished()


def _read(notebook: Executed) -> NotebookNode:
    try:
        return nbformat.read(notebook.path, as_version=4)
    except OSError as error:
        raise EcglibError(f"{notebook.path}: {error.strerror}; execute the notebook first") from error
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise EcglibError(f"{notebook.path} is no notebook that can be read; execute it again") from error


class _Writer:
    """Turns the cells of one notebook into blocks, one after the other."""

    def __init__(self, notebook: Executed, profile: str, names: Names) -> None:
        self.notebook, self.profile, self.names = notebook, profile, names
        stem = notebook.path.stem
        self.section = Section(
            anchor=names.anchor(profile, stem),
            title="",
            part=notebook.part or profile,
            profile=profile,
            notebook=notebook.path.name,
        )
        self.level = 2
        self.unshown_code: list[str] = []

    @property
    def passage(self) -> Passage:
        return self.section.passages[-1]

    def finished(self) -> Section:
        self._show_code()
        self.section.title = self.section.title or self.notebook.path.stem.replace("_", " ")
        return self.section

    def add_text(self, source: str) -> None:
        soup = prose.markdown(source)
        self._take_title(soup)
        prose.lower_headings(soup, highest=3, previous=self.level)
        pending: list[object] = []
        for element in list(soup.children):
            level = prose.level(element)
            self.level = level or self.level
            if level == 3:
                self._add_prose(pending)
                self._show_code()
                title = element.get_text(" ", strip=True)
                self.section.passages.append(Passage(self.names.anchor(self.section.anchor, title), title))
                pending = []
            else:
                pending.append(element)
        self._add_prose(pending)

    def add_cell(self, cell: NotebookNode) -> None:
        # imports and parameters join the cell that shows something, so that the text is not full of folds
        if cell.source.strip():
            self.unshown_code.append(cell.source.strip())
        if not cell.outputs:
            return
        before = len(self.passage.blocks)
        for output in cell.outputs:
            self._add_output(output)
        blocks = self.passage.blocks[before:]
        # the source goes below what it made, at best with the other fold of a figure or table
        last = next((block for block in reversed(blocks) if block.kind in ("figure", "table")), None)
        if last is None:
            self._show_code()
        else:
            last.code, self.unshown_code = self._code(), []

    def _code(self) -> Markup:
        return prose.code("\n\n".join(self.unshown_code))

    def _show_code(self) -> None:
        """Add the source of cells that show nothing, where nothing that they lead to is in the same passage."""
        if self.unshown_code:
            self.passage.blocks.append(Block("code", code=self._code()))
            self.unshown_code = []

    def _take_title(self, soup: BeautifulSoup) -> None:
        heading = soup.find("h1")
        if heading is not None and not self.section.title:
            self.section.title = heading.get_text(" ", strip=True)
            heading.decompose()

    def _add_prose(self, elements: list[object]) -> None:
        body = prose.html_of(*elements)
        if body:
            self.passage.blocks.append(Block("prose", body))

    def _add_output(self, output: NotebookNode) -> None:
        if output.output_type == "stream":
            if output.text.strip():
                kind = "message" if output.name == "stderr" else "printed"
                self.passage.blocks.append(Block(kind, prose.printed(output.text)))
        elif output.output_type == "error":
            self.passage.blocks.append(Block("error", prose.printed("\n".join(output.traceback))))
        else:
            self._add_data(output.data, output.metadata)

    def _add_data(self, data: Mapping[str, str], metadata: Mapping[str, object]) -> None:
        """Show the best of the forms in which an output is given."""
        if "image/svg+xml" in data:
            exhibit = self._exhibit(data["image/svg+xml"])
            self._add_figure(exhibit, svg=data["image/svg+xml"])
        elif "image/png" in data:
            picture = self._picture(data["image/png"])
            exhibit = self._exhibit(picture)
            width = metadata.get("image/png", {}).get("width")
            self._add_figure(exhibit, svg=exhibit.svg if exhibit else "", picture=picture, width=width)
        elif "text/markdown" in data:
            self._add_rich(prose.markdown(data["text/markdown"]), self._exhibit(data["text/markdown"]))
        elif "text/html" in data:
            self._add_rich(prose.clean(data["text/html"]), self._exhibit(data["text/html"]))
        elif "text/plain" in data:
            self.passage.blocks.append(Block("printed", prose.printed(data["text/plain"])))

    def _exhibit(self, content: bytes | str) -> Exhibit | None:
        return self.notebook.exhibits.get(content_key(content))

    def _picture(self, encoded: str) -> bytes:
        try:
            picture = base64.b64decode(encoded)
        except binascii.Error:
            picture = b""
        if not picture.startswith(b"\x89PNG") or len(picture) < 24:
            raise EcglibError(f"{self.notebook.path}: a picture in it is broken; execute it again")
        return picture

    def _add_figure(self, exhibit: Exhibit | None, *, svg: str, picture: bytes = b"", width: int | None = None) -> None:
        block = self._shown("figure", exhibit, (vector.title(svg) if svg else "") or self._heading())
        alternative = (exhibit.alternative if exhibit else "") or block.caption
        if svg:
            block.body = vector.inline(svg, block.anchor, alternative)
        else:
            pixels, height = struct.unpack(">II", picture[16:24])
            width = width or min(pixels, _WIDEST_PICTURE)
            block.body = Markup('<img src="data:image/png;base64,{}" width="{}" height="{}" alt="{}">').format(
                base64.b64encode(picture).decode(), width, round(height * width / max(pixels, 1)), alternative
            )
        self.passage.blocks.append(block)

    def _add_rich(self, soup: BeautifulSoup, exhibit: Exhibit | None) -> None:
        """Show Markdown or HTML: its tables one by one, and the text around them."""
        prose.lower_headings(soup, highest=4, previous=max(self.level, 3))
        for table in grids.tables_in(soup):
            body = grids.arrange(table)
            columns = ", ".join(grids.column_titles(table)[:_SHOWN_COLUMNS])
            caption = self._heading() if exhibit or not columns else f"{self._heading()}: {columns}"
            block = self._shown("table", exhibit, caption)
            block.body = body
            outermost = next((parent for parent in table.parents if parent.parent is soup), table)
            self._add_prose([element for element in _taken_before(outermost) if isinstance(element, Tag)])
            outermost.extract()
            self.passage.blocks.append(block)
        self._add_prose(list(soup.children))

    def _shown(self, kind: str, exhibit: Exhibit | None, caption: str) -> Block:
        name = exhibit.name if exhibit else f"{self.notebook.path.stem} {kind}"
        return Block(
            kind,
            anchor=self.names.anchor(self.profile, name),
            label=(exhibit.label if exhibit else "") or self.names.label(kind),
            caption=(exhibit.caption if exhibit else "") or caption,
            made={"notebook": self.notebook.path.name}
            | dict(self.notebook.made)
            | dict(exhibit.made if exhibit else {}),
        )

    def _heading(self) -> str:
        """What the text above is called, without a number."""
        return _NUMBER_IN_HEADING.sub("", self.passage.title or self.section.title) or self.notebook.path.stem


def _taken_before(element: Tag) -> list[object]:
    """Take out what stands before an element."""
    before = list(element.previous_siblings)[::-1]
    return [other.extract() for other in before]
