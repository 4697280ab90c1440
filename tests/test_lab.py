"""JupyterLab as users get it: in a real browser, on copies, with nothing asked of the network."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest

from ecglib import files
from ecglib.report.lab import INDEX, prepare_lab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# the clocks of busy machines
PATIENCE_MS = 240_000
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """Notebooks of its own; parameters, figures and finished runs of this checkout."""
    shutil.copytree(files.home() / "notebooks", tmp_path / "notebooks")
    for name in ("params", "figures", "runs"):
        (tmp_path / name).symlink_to(files.home() / name)
    shutil.copy(files.home() / "pyproject.toml", tmp_path)
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    monkeypatch.delenv("ECGLIB_OUTPUT", raising=False)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def cells(path: Path) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]


def test_a_changed_copy_is_never_replaced(checkout):
    lab = checkout / "lab"
    assert prepare_lab(lab) == []
    first = contents(lab)
    assert f"{INDEX}.ipynb" in first and "06_experiment_1.ipynb" in first and "06_experiment_1.py" in first
    (lab / "06_experiment_1.py").write_text("# mine\n")
    (lab / "07_experiment_2.py").unlink()
    assert prepare_lab(lab) == ["06_experiment_1"]
    assert (lab / "06_experiment_1.py").read_text() == "# mine\n"
    assert contents(lab) == first | {"06_experiment_1.py": b"# mine\n"}


def test_a_copy_is_its_source(checkout):
    prepare_lab(checkout / "lab")
    for source in (checkout / "notebooks").glob("[0-9]*.py"):
        # the header may be written in another order
        assert cells(checkout / "lab" / source.name) == cells(source)
        pair = json.loads(source.with_suffix(".ipynb").read_text())
        copy = json.loads((checkout / "lab" / f"{source.stem}.ipynb").read_text())
        assert [cell.get("outputs") for cell in copy["cells"]] == [cell.get("outputs") for cell in pair["cells"]]


@pytest.fixture
def address(checkout) -> Iterator[str]:
    """JupyterLab on a free port, with no settings of this machine's user."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {f"JUPYTER_{kind}_DIR": str(checkout / ".user" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=token"]
    # its own way to reach the page's objects from outside
    options += ["--LabApp.expose_app_in_browser=True"]
    program = "import sys; from ecglib.report.lab import start_lab; start_lab(sys.argv[1:])"
    with (checkout / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", program, *options],
            env=os.environ | private | {"IPYTHONDIR": str(checkout / ".user" / "ipython")},
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"{url}api/status?token=token"):
                        break
                except OSError:
                    assert server.poll() is None, (checkout / "server.log").read_text()
                    time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(60)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: no chromium on the path")
def test_a_visitor_runs_a_notebook_and_opens_a_source(address, checkout):
    from playwright.sync_api import Request, sync_playwright

    before = contents(checkout / "notebooks")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.set_default_timeout(PATIENCE_MS)
        outside: list[str] = []

        def note(request: Request) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                outside.append(request.url)

        page.on("request", note)
        page.goto(f"{address}?token=token")
        page.locator(".jp-RenderedMarkdown a", has_text="06, experiment 1").first.click()
        page.wait_for_function("jupyterapp.shell.currentWidget?.context?.path == 'lab/06_experiment_1.ipynb'")
        assert page.locator(".jp-Dialog").count() == 0
        page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status == 'idle'")
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            """() => {
                const widget = jupyterapp.shell.currentWidget;
                const code = [...widget.content.model.cells].filter(cell => cell.type == 'code');
                const kernel = widget.sessionContext.session?.kernel;
                return code.every(cell => cell.executionCount) && kernel?.status == 'idle';
            }"""
        )
        # late fusion's MCC, in Table IV
        assert page.locator(f"{SHOWN} .jp-OutputArea-output td", has_text="87.29").count() > 0
        assert page.locator(f"{SHOWN} [data-mime-type*='error']").count() == 0
        page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
        page.evaluate("path => jupyterapp.commands.execute('docmanager:open', {path})", "lab/02_cnn_transformer.py")
        page.wait_for_function("jupyterapp.shell.currentWidget?.context?.path == 'lab/02_cnn_transformer.py'")
        page.locator(f"{SHOWN} .jp-RenderedMarkdown h1", has_text="1D CNN-Transformer").first.wait_for()
        browser.close()
    assert outside == []
    assert contents(checkout / "notebooks") == before
