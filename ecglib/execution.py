"""Headless execution of the notebooks with papermill."""

# one line has to come before the imports
# ruff: noqa: E402

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

# nbformat's validator would build a grammar of addresses, 0.9 s of each run, to check a format that no notebook has
sys.modules.setdefault("rfc3987_syntax", None)

import jupytext
import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from ecglib import paths
from ecglib.errors import EcglibError
from ecglib.parameters import Parameters


def notebook_path(name: str) -> Path:
    """The source of a notebook from its number, its name, or its file.

    Raises
    ------
    EcglibError
        No notebook, or more than one, is called so.
    """
    known = sorted(paths.notebooks().glob("[0-9][0-9]_*.py"))
    wanted = Path(name).name.removesuffix(".ipynb").removesuffix(".py")
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
    folder = paths.runs(parameters.label) / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / f"{source.stem}_{dataset}.ipynb"
    failed = executed.with_suffix(".failed.ipynb")
    injected = {"profile": parameters.profile, "dataset": dataset, "overrides": overrides}
    with tempfile.TemporaryDirectory() as scratch:
        # from the .py, because that is what people edit; its .ipynb may be older
        unexecuted = Path(scratch) / f"{source.stem}.ipynb"
        nbformat.write(jupytext.read(source), unexecuted)
        try:
            papermill.execute_notebook(
                unexecuted,
                failed,
                parameters=injected,
                progress_bar=False,
                # what cells print, each epoch of a training above all, is seen while it happens
                stdout_file=sys.stdout,
                config=_kernel_settings(Path(scratch)),
            )
        except PapermillExecutionError as error:
            raise EcglibError(
                f"{source.name} ({dataset}), cell {error.cell_index + 1}: {error.ename}: {_first_line(error.evalue)}; "
                f"see {failed}"
            ) from None
    _forget_paths(failed, source, executed)
    os.replace(failed, executed)
    return executed


def _forget_paths(notebook: Path, source: Path, executed: Path) -> None:
    """Leave only names where papermill noted this machine's paths, so that the file can be shared."""
    content = nbformat.read(notebook, as_version=4)
    content.metadata.papermill.update(input_path=source.name, output_path=executed.name)
    nbformat.write(content, notebook)


def _kernel_settings(scratch: Path) -> Config:
    # sockets that only this user can reach, where the system has them; ipykernel warns of the others
    settings = {"transport": "ipc", "ip": str(scratch / "kernel")} if os.name == "posix" else {}
    # at the end the kernel is stopped, not asked to go, which takes a second: what it wrote is on the disk by then
    return Config({"KernelManager": settings, "NotebookClient": {"shutdown_kernel": "immediate"}})


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no message"
