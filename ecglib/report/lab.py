"""JupyterLab on the checkout, in which exploring changes nothing that git tracks.

``lab/`` holds copies of the notebooks, an index of what there is, and figures and tables that the copies make;
``lab/.jupyter`` holds settings for this checkout alone. The folder ignores itself in git.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import jupytext
import nbformat
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupytext.config import load_jupytext_configuration_file

from ecglib import files
from ecglib.notebooks import settled

INDEX = "00_start_here"
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# defaults, so that what users set for themselves still counts
_SETTINGS = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}}}
# it asks whether to fetch news from the network, and looks for updates there
_PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
# JupyterLab's own setting can only make notebooks of all .py files, those of the package too; this makes them of those
# that are named as the notebooks are. It is the form in which JupyterLab loads an extension that is built already.
_EXTENSION = "ecglib-lab"
_PACKAGE = {
    "name": _EXTENSION,
    "version": "1.0.0",
    "jupyterlab": {"extension": True, "_build": {"load": "static/entry.js", "extension": "./extension"}},
}
_SCRIPT = """\
const plugin = {
  id: "ecglib-lab:text-notebooks",
  autoStart: true,
  activate: app => {
    const type = {
      name: "numbered-text-notebook",
      displayName: "Text notebook",
      contentType: "notebook",
      fileFormat: "text",
      mimeTypes: ["text/x-python"],
      icon: app.docRegistry.getFileType("python").icon,
      pattern: "^[0-9][0-9]_.*[.]py$"
    };
    app.docRegistry.addFileType(type, ["Jupytext Notebook"]);
  }
};
window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["ecglib-lab"] = {init: () => {}, get: async () => () => plugin};
"""


def start_lab(arguments: Sequence[str] = ()) -> NoReturn:
    """Make what is missing in ``lab/``, and become JupyterLab, which opens on the index.

    Parameters
    ----------
    arguments : sequence of str
        For JupyterLab, such as "--no-browser"; they count over those that are given here.
    """
    folder = files.home().resolve() / "lab"
    if kept := prepare_lab(folder):
        # at once, for what is still to be printed is lost when the process becomes another one
        print(f"lab: kept as you changed them: {', '.join(kept)}; to get one afresh, delete its files", flush=True)
    command = lab_command(folder, arguments)
    # kernels and extensions are looked for there first; what else is installed is still found
    places = [str(folder / ".jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    # not a child, so that Ctrl+C and signals reach it as if it had been called
    os.execve(command[0], command, os.environ | {"JUPYTER_PATH": os.pathsep.join(places)})


def lab_command(folder: Path, arguments: Sequence[str] = ()) -> list[str]:
    """The command that opens a prepared folder in JupyterLab, with the checkout as the root of its files."""
    private = folder / ".jupyter"
    return [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.parent}",
        f"--LabApp.default_url=/lab/tree/{folder.name}/{INDEX}.ipynb",
        f"--LabApp.app_settings_dir={private / 'settings'}",
        # which tabs are open is remembered by checkout, not for all that a user does in JupyterLab
        f"--LabApp.workspaces_dir={private / 'workspaces'}",
        # the other manager asks the network what there is
        "--LabApp.extension_manager=readonly",
        f"--ContentsManager.checkpoints_class={__name__}.Checkpoints",
        f"--FileCheckpoints.root_dir={private / 'checkpoints'}",
        f"--ContentsManager.pre_save_hook={__name__}.without_language",
        *arguments,
    ]


def prepare_lab(folder: Path) -> list[str]:
    """Copy the notebooks that are missing or as they were copied, and write the settings.

    Parameters
    ----------
    folder : Path
        ``lab/`` in the checkout.

    Returns
    -------
    list of str
        Notebooks that were changed since they were copied; these are left as they are.
    """
    private = folder / ".jupyter"
    _write(folder / ".gitignore", "*\n")
    _write_json(private / "settings" / "overrides.json", _SETTINGS)
    _write_json(private / "settings" / "page_config.json", _PAGE)
    _write_json(private / "labextensions" / _EXTENSION / "package.json", _PACKAGE)
    _write(private / "labextensions" / _EXTENSION / "static" / "entry.js", _SCRIPT)
    _write_json(private / "kernels" / "python3" / "kernel.json", _kernel(folder))

    record = private / "copied.json"
    copied = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    changed = []
    for name, texts in {INDEX: {f"{INDEX}.ipynb": _index()}, **_notebooks()}.items():
        there = {file: _digest(text) for file in texts if (text := _read(folder / file)) is not None}
        if any(copied.get(file) != digest for file, digest in there.items()):
            changed.append(name)
            if not (folder / f"{name}.ipynb").exists():
                # links lead to it; the cells are those of the changed .py
                _write(folder / f"{name}.ipynb", _as_json(jupytext.read(folder / f"{name}.py")))
            continue
        for file, text in texts.items():
            _write(folder / file, text)
            copied[file] = _digest(text)
    _write_json(record, copied)
    return changed


class Checkpoints(AsyncFileCheckpoints):
    """What a file was when it was last opened or saved, for the menu's "Revert": in folders of their own.

    Jupyter's own lie beside each file, so that a look at a module would leave a second one in the package.
    """

    def checkpoint_path(self, checkpoint_id: str, path: str) -> str:
        """Where a file's checkpoint lies; its folder is made first, else it would be one that all users share."""
        Path(self.root_dir, path.strip("/")).parent.mkdir(parents=True, exist_ok=True)
        return super().checkpoint_path(checkpoint_id, path)


def without_language(model: dict[str, Any], path: str, **rest: Any) -> None:
    """Leave out what JupyterLab writes into each notebook that it opens, and saves without being asked.

    Called by Jupyter's server before it saves a file.
    """
    if model["type"] == "notebook" and re.match(r"(lab|notebooks)/[0-9][0-9]_", path.strip("/")):
        model["content"]["metadata"].pop("language_info", None)


def _kernel(folder: Path) -> dict[str, Any]:
    """This Python as a kernel, whose results stay in `folder` where nothing else is asked for."""
    environment = {"ECGLIB_HOME": str(folder.parent)}
    for name in ("ECGLIB_DATA", "ECGLIB_OUTPUT"):
        if value := os.environ.get(name):
            # a kernel runs in its notebook's folder, from which a relative path would lead elsewhere
            environment[name] = str(Path(value).resolve())
    if "ECGLIB_OUTPUT" not in environment:
        # trained models are the checkout's, which are many hours of work; figures and tables are the copies' own
        runs = folder / "runs"
        if not runs.is_symlink() and not runs.exists():
            (folder.parent / "runs").mkdir(exist_ok=True)
            runs.symlink_to(Path("..", "runs"), target_is_directory=True)
        environment["ECGLIB_OUTPUT"] = str(folder)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return {"argv": command, "display_name": _KERNEL["display_name"], "language": "python", "env": environment}


def _index() -> str:
    """The index as a notebook, which has no .py beside it."""
    text = (files.notebooks() / "index.md").read_text(encoding="utf-8")
    notebook = settled(jupytext.reads(text, fmt="md"))
    notebook.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "jupytext": {"formats": "ipynb"}})
    return _as_json(notebook)


def _notebooks() -> dict[str, dict[str, str]]:
    """The text of each notebook's two files, by its name, as JupyterLab saves them: a mere save is no change."""
    config = load_jupytext_configuration_file(str(files.home() / "pyproject.toml"))
    found = {}
    for source in sorted(files.notebooks().glob("[0-9][0-9]_*.py")):
        notebook = settled(jupytext.read(source, config=config))
        script = jupytext.writes(notebook, fmt="py:percent", config=config)
        if (pair := _read(source.with_suffix(".ipynb"))) is not None:
            executed = nbformat.reads(pair, as_version=4)
            # outputs of other cells than these would only mislead
            if _inputs(executed) == _inputs(notebook):
                notebook.cells = executed.cells
        found[source.stem] = {f"{source.stem}.ipynb": _as_json(notebook), source.name: script}
    return found


def _inputs(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


def _as_json(notebook: nbformat.NotebookNode) -> str:
    return jupytext.writes(notebook, fmt="ipynb").rstrip("\n") + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _write(path: Path, text: str) -> None:
    # a file that is open in JupyterLab must not look changed when it is not
    if _read(path) != text:
        with files.replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    _write(path, f"{json.dumps(content, indent=1)}\n")
