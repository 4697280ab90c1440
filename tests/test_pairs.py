"""The .ipynb of each notebook is its .py, executed on the profile whose result it tells."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from ecglib import files
from ecglib.notebooks import INTERPRETATION, headers, settled
from ecglib.parameters import Parameters

SOURCES = sorted(files.notebooks().glob("[0-9]*.py"))


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str, list[str]]]:
    return [(cell.cell_type, cell.source.strip(), list(cell.metadata.get("tags", []))) for cell in notebook.cells]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_pair_is_fresh(source: Path):
    pair = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert cells(pair) == cells(jupytext.read(source)), f"{source.name} changed: run 'make notebooks'"
    code = [cell for cell in pair.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "not executed from top to bottom"
    assert any(cell.outputs for cell in code)
    assert [output for cell in code for output in cell.outputs if output.output_type == "error"] == []
    # no time, path or random name, which would differ from one execution to the next
    assert nbformat.writes(settled(nbformat.read(source.with_suffix(".ipynb"), as_version=4))) == nbformat.writes(pair)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_notebook_is_thin_and_tells_its_story(source: Path):
    notebook = jupytext.read(source)
    tagged = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert not re.search(r"^\s*(def|class) ", code, re.MULTILINE)
    # an example of an override in a comment is a real parameter
    example = tagged[0].split("such as {")[1].split(":")[0].strip('"')
    assert example in Parameters.model_fields
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "**Question.**" in prose and "**Method" in prose
    assert "**What it shows.**" in prose or "**What follows.**" in prose
    assert re.search(r"\]\(\d\d_\w+\.ipynb\)\s*$", prose), "ends with a link to the next notebook"


@pytest.mark.parametrize("header", headers(), ids=lambda header: header.name)
def test_what_is_told_of_one_profile_is_marked(header):
    """A number in prose is of the notebook's own profile, so that other profiles leave the text out."""
    notebook = jupytext.read(files.notebooks() / f"{header.name}.py")
    assert header.profile != "demo"
    for cell in notebook.cells:
        if "<!--n " in cell.source:
            assert INTERPRETATION in cell.metadata.get("tags", []), cell.source[:60]


def test_nothing_is_left_out_of_the_comparison():
    """nbval compares every output: none is of a clock or a machine of its own."""
    for source in SOURCES:
        assert not any("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in jupytext.read(source).cells)
