"""The notebooks: what each says of its place in the report, and one run of it by papermill."""

# one line has to come before the imports
# ruff: noqa: E402

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

# nbformat's validator would build a grammar of addresses, 0.9 s of each run, to check a format that no notebook has
sys.modules.setdefault("rfc3987_syntax", None)

import jupytext
import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from ecglib import files
from ecglib.names import FIGURE_NUMBERS, EcglibError
from ecglib.parameters import Parameters, load_parameters, parse_setting

_HEADER_KEYS = {"after", "makes", "curves", "unless", "beside", "also", "alone", "tells"}
# a cell of this tag tells of the notebook's own profile, and is left out where another one is shown
INTERPRETATION = "interpretation"


@dataclass(frozen=True)
class Header:
    """What a notebook says of itself under ``ecglib`` in its jupytext header.

    Attributes
    ----------
    name : str
        Of its file, without the ending.
    after : tuple of str
        Notebooks that must have run before, those of them that are in the same report.
    makes : tuple of str
        Its tables ("table3", "table_verdict") and figures ("fig02_class_distribution", "fig00_beats").
    tells : tuple of str
        The same of its cells tagged "interpretation", which are there on its own profile alone.
    curves : tuple of str
        Models whose learning curves it draws; their figures have the papers' numbers.
    unless : dict of str to list
        By parameter, the values that leave it out of a report.
    beside : str or None
        The parameter that names other profiles whose runs it shows.
    profile, dataset : str
        Whose result it tells: the values of its cell tagged "parameters".
    also : tuple of str
        Profiles that the page shows it for too, each with its first data set.
    alone : bool
        Whether it tells of one thing whatever the profile is, so that no profile's own report has it.
    """

    name: str
    after: tuple[str, ...]
    makes: tuple[str, ...]
    tells: tuple[str, ...]
    curves: tuple[str, ...]
    unless: dict[str, list[Any]]
    beside: str | None
    profile: str
    dataset: str
    also: tuple[str, ...]
    alone: bool

    def is_in(self, parameters: Parameters) -> bool:
        """Whether the report of these parameters has this notebook."""
        values = parameters.model_dump(mode="json")
        return not self.alone and not any(values[key] in left_out for key, left_out in self.unless.items())

    def outputs(self, label: str, dataset: str) -> list[Path]:
        """The figures and tables that it leaves for one data set."""
        names = [f"fig{FIGURE_NUMBERS[model, dataset]:02d}_{model}_learning_curves" for model in self.curves]
        made = []
        for name in (*self.makes, *(self.tells if label == self.profile else ()), *names):
            start, _, rest = name.partition("_")
            kinds = ("csv", "md") if start.startswith("table") else ("png", "svg")
            # "table3" is table3_mitbih, "table_verdict" table_verdict_mitbih, "fig02_x" fig02_mitbih_x
            stem = f"{name}_{dataset}" if start.startswith("table") else f"{start}_{dataset}_{rest}"
            made += [files.figures(label) / f"{stem}.{kind}" for kind in kinds]
        return made

    def shown(self, parameters: Parameters, dataset: str) -> list[Path]:
        """The runs of other profiles that there are: a new one changes the notebook's result."""
        profiles = getattr(parameters, self.beside) if self.beside else ()
        folders = [files.runs(other) / dataset for other in profiles if other != parameters.label]
        return sorted(run for folder in folders for run in folder.glob("**/run.json"))


@cache
def headers() -> tuple[Header, ...]:
    """The headers of all notebooks, in their order.

    Raises
    ------
    EcglibError
        A header has a key that none has, or names a notebook that is not there.
    """
    found = []
    for source in sorted(files.notebooks().glob("[0-9][0-9]_*.py")):
        notebook = jupytext.read(source)
        told = notebook.metadata.get("ecglib", {})
        if unknown := told.keys() - _HEADER_KEYS:
            known = ", ".join(sorted(_HEADER_KEYS))
            raise EcglibError(f"{source}: header: unknown key {min(unknown)!r}; choose from {known}")
        lists = {key: tuple(told.get(key, ())) for key in ("after", "makes", "tells", "curves", "also")}
        defaults = _defaults(notebook, source)
        shown = {"profile": defaults["profile"], "dataset": defaults["dataset"]}
        single = {"unless": told.get("unless", {}), "beside": told.get("beside"), "alone": told.get("alone", False)}
        found.append(Header(source.stem, **lists, **shown, **single))
    names = {header.name for header in found}
    for header in found:
        if missing := set(header.after) - names:
            raise EcglibError(f"{header.name}.py: header: after names {min(missing)!r}, which is no notebook")
    return tuple(found)


@dataclass(frozen=True)
class Node:
    """One notebook under one profile, on one data set.

    Attributes
    ----------
    header : Header
    parameters : Parameters
    dataset : str
    after : tuple of Path
        Executed notebooks that must be there before.
    settings : tuple of str
        What `parameters` change of their profile, as "key=value".
    """

    header: Header
    parameters: Parameters
    dataset: str
    after: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def executed(self) -> Path:
        """Where the executed copy lies."""
        return files.runs(self.parameters.label) / "notebooks" / f"{self.header.name}_{self.dataset}.ipynb"

    @property
    def name(self) -> str:
        """Of the rule that runs it."""
        label = re.sub(r"\W", "_", self.parameters.label) if self.settings else self.parameters.profile
        return f"{self.header.name[3:]}_{label}_{self.dataset}"


def nodes(profile: str | None = None, sweep: dict[str, list[Any]] | None = None) -> list[Node]:
    """The notebooks of a report, in their order.

    Parameters
    ----------
    profile : str, optional
        All notebooks that this profile has, on each of its data sets. By default the report as it is told: each
        notebook under the profile that it tells of, and under those that it names besides.
    sweep : dict of str to list, optional
        Values by parameter; the profile's notebooks are there once for each combination of them.
    """
    found = []
    for header in headers():
        if profile is not None:
            for values in itertools.product(*(sweep or {}).values()):
                settings = tuple(f"{key}={value}" for key, value in zip(sweep or {}, values, strict=True))
                chosen = load_parameters(profile, **dict(map(parse_setting, settings)))
                if header.is_in(chosen):
                    found += [Node(header, chosen, dataset, settings=settings) for dataset in chosen.datasets]
        else:
            of_header = [(load_parameters(header.profile), header.dataset)]
            of_header += [(also, also.datasets[0]) for also in map(load_parameters, header.also)]
            found += [Node(header, parameters, dataset) for parameters, dataset in of_header]
    place = {(node.header.name, node.parameters.label, node.dataset): node.executed for node in found}
    return [
        replace(
            node,
            after=tuple(
                place[key]
                for earlier in node.header.after
                if (key := (earlier, node.parameters.label, node.dataset)) in place
            ),
        )
        for node in found
    ]


def keep_pairs() -> list[Path]:
    """Copy each notebook as it was executed last, on its own profile, beside its source; those that changed."""
    changed = []
    for node in nodes():
        if node.parameters.profile != node.header.profile:
            continue
        pair, executed = files.notebooks() / f"{node.header.name}.ipynb", node.executed.read_text(encoding="utf-8")
        if not pair.is_file() or pair.read_text(encoding="utf-8") != executed:
            with files.replacing(pair) as temporary:
                temporary.write_text(executed, encoding="utf-8")
            changed.append(pair)
    return changed


def _defaults(notebook: nbformat.NotebookNode, source: Path) -> dict[str, Any]:
    """The values of the cell tagged "parameters"."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            assigned = [node for node in ast.parse(cell.source).body if isinstance(node, ast.AnnAssign)]
            return {node.target.id: ast.literal_eval(node.value) for node in assigned}
    raise EcglibError(f"{source}: no cell is tagged 'parameters'; tag the one that sets profile and dataset")


def notebook_path(name: str) -> Path:
    """The source of a notebook from its number, its name, or its file.

    Raises
    ------
    EcglibError
        No notebook, or more than one, is called so, or the file is of another folder.
    """
    known = sorted(files.notebooks().glob("[0-9][0-9]_*.py"))
    given = Path(name)
    if given.name != name and given.resolve().parent != files.notebooks().resolve():
        raise EcglibError(f"notebook {name!r}: not in {files.notebooks()}; set ECGLIB_HOME to its checkout")
    wanted = given.name.removesuffix(".ipynb").removesuffix(".py")
    matches = [path for path in known if path.stem == wanted] or [p for p in known if p.stem.startswith(wanted)]
    if not wanted or len(matches) != 1:
        raise EcglibError(f"notebook {name!r}: not found; notebooks/ has {', '.join(path.stem for path in known)}")
    return matches[0]


def run_notebook(name: str, parameters: Parameters, dataset: str, overrides: dict[str, Any]) -> Path:
    """Execute one notebook for one data set and keep the executed copy under ``runs/``.

    Parameters
    ----------
    name : str
        As for `notebook_path`.
    parameters : Parameters
        The profile with `overrides` in it.
    dataset : str
        One of the profile's data sets.
    overrides : dict
        What differs from the profile's file.

    Returns
    -------
    Path
        The executed notebook.

    Raises
    ------
    EcglibError
        A cell failed: the message names notebook, cell and error, and the notebook as far as it came
        is kept beside the last successful one, with ``.failed`` in its name.
    """
    source = notebook_path(name)
    if dataset not in parameters.datasets:
        known = ", ".join(parameters.datasets)
        raise EcglibError(f"dataset: profile {parameters.profile!r} has no {dataset!r}; choose from {known}")
    executed = files.runs(parameters.label) / "notebooks" / f"{source.stem}_{dataset}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    running, failed = executed.with_suffix(".running.ipynb"), executed.with_suffix(".failed.ipynb")
    with tempfile.TemporaryDirectory() as scratch:
        # from the .py, because that is what people edit; its .ipynb may be older
        unexecuted = Path(scratch) / f"{source.stem}.ipynb"
        notebook = jupytext.read(source)
        defaults = _defaults(notebook, source)
        injected = {"profile": parameters.profile, "dataset": dataset, "overrides": overrides}
        if injected == defaults:
            # as anybody gets it who opens the notebook and runs it
            injected = {}
        else:
            notebook.cells = [cell for cell in notebook.cells if INTERPRETATION not in cell.metadata.get("tags", ())]
        nbformat.write(notebook, unexecuted)
        try:
            papermill.execute_notebook(
                unexecuted,
                running,
                parameters=injected,
                progress_bar=False,
                # what cells print, each epoch of a training above all, is seen while it happens
                stdout_file=sys.stdout,
                config=_kernel_settings(Path(scratch)),
            )
        except PapermillExecutionError as error:
            os.replace(running, failed)
            raise EcglibError(
                f"{source.name} ({dataset}), cell {error.cell_index + 1}: {error.ename}: {_first_line(error.evalue)}; "
                f"see {failed}"
            ) from None
        content = nbformat.read(running, as_version=4)
        running.unlink()
    told = {"seconds": round(content.metadata.papermill["duration"], 1)}
    with files.replacing(executed) as temporary:
        nbformat.write(settled(content), temporary)
    with files.replacing(executed.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(told) + "\n", encoding="utf-8")
    failed.unlink(missing_ok=True)
    return executed


def settled(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook whose file is the same whenever and wherever its cells gave the same.

    Times, paths, random cell ids, widgets and the interpreter's version are left out.
    """
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:03d}"
        cell.metadata = nbformat.NotebookNode(tags=cell.metadata["tags"]) if cell.metadata.get("tags") else {}
        for output in cell.get("outputs", ()):
            # a widget has a random name, and without its kernel it shows nothing; its words stay
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("language_info", None)
    return notebook


def _kernel_settings(scratch: Path) -> Config:
    # sockets that only this user can reach, where the system has them; ipykernel warns of the others
    settings = {"transport": "ipc", "ip": str(scratch / "kernel")} if os.name == "posix" else {}
    # at the end the kernel is stopped, not asked to go, which takes a second: what it wrote is on the disk by then
    return Config({"KernelManager": settings, "NotebookClient": {"shutdown_kernel": "immediate"}})


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no message"
