"""The .ipynb of each notebook is its .py, executed on the demo profile."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from ecglib import files
from ecglib.parameters import Parameters

SOURCES = sorted(files.notebooks().glob("*.py"))


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str, list[str]]]:
    return [(cell.cell_type, cell.source.strip(), cell.metadata.get("tags", [])) for cell in notebook.cells]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_pair_is_fresh(source: Path):
    pair = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert cells(pair) == cells(jupytext.read(source)), f"{source.name} changed: run 'make notebooks'"
    code = [cell for cell in pair.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "not executed from top to bottom"
    assert any(cell.outputs for cell in code)
    errors = [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert errors == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_notebook_is_thin_and_declares_its_parameters(source: Path):
    notebook = jupytext.read(source)
    tagged = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    defaults: dict[str, object] = {}
    exec(tagged[0], defaults)
    assert (defaults["profile"], defaults["dataset"], defaults["overrides"]) == ("demo", "mitbih", {})
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert not re.search(r"^\s*(def|class) ", code, re.MULTILINE)
    # an example of an override in a comment is a real parameter
    example = tagged[0].split("such as {")[1].split(":")[0].strip('"')
    assert example in Parameters.model_fields
