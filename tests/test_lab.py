"""JupyterLab as its users get it: on copies, in a real browser, with nothing asked of the network."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import jupytext
import nbformat
import pytest

from ecglib import files
from ecglib.cli import main
from ecglib.report import lab, pdf

if TYPE_CHECKING:
    from playwright.sync_api import Page

BROWSER = next(filter(None, map(shutil.which, pdf.BROWSERS)), None)
# a busy machine is no failure; where all is well, nothing waits as long
PATIENCE_S = 100
needs_browser = pytest.mark.skipif(BROWSER is None, reason=f"needs one of {', '.join(pdf.BROWSERS)}")
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# the page's own word for what is open, and for its state
OPEN = "path => jupyterapp.shell.currentWidget?.context?.path === path"
IDLE = "() => jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === 'idle'"
RUN = f"""() => ({IDLE})() && [...jupyterapp.shell.currentWidget.content.model.cells].every(
    cell => cell.type !== 'code' || cell.executionCount)"""
SAVED = "() => !jupyterapp.shell.currentWidget.context.model.dirty"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout to explore, with the notebooks and trained models of this one."""
    home = tmp_path / "checkout"
    for name in ("notebooks", "params"):
        shutil.copytree(files.home() / name, home / name, ignore=shutil.ignore_patterns(".*"))
    for name in ("README.md", "pyproject.toml", "figures/reduced/table4_mitbih.md"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files.home() / name, home / name)
    (home / "runs").symlink_to(files.home() / "runs")
    # its copy has no outputs either, so that what it shows was run in the test
    (home / "notebooks" / "06_experiment_1.ipynb").unlink()
    git(home, "init", "--quiet")
    git(home, "add", "--all")
    git(home, "commit", "--quiet", "--message", "all of it")
    monkeypatch.setenv("ECGLIB_HOME", str(home))
    monkeypatch.delenv("ECGLIB_OUTPUT", raising=False)
    return home


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}


def cells(path: Path) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source.strip()) for cell in jupytext.read(path).cells]


def test_copies_are_the_notebooks_with_their_outputs(checkout):
    assert lab.prepare_lab(checkout / "lab") == []
    sources = sorted((checkout / "notebooks").glob("[0-9]*.py"))
    assert len(sources) > 10
    for source in sources:
        copy, pair = checkout / "lab" / f"{source.stem}.ipynb", source.with_suffix(".ipynb")
        assert cells(copy) == cells(copy.with_suffix(".py")) == cells(source)
        if pair.is_file() and cells(pair) == cells(source):
            assert nbformat.read(copy, as_version=4).cells == nbformat.read(pair, as_version=4).cells
    # nothing of it is git's, without a line in any other .gitignore
    assert git(checkout, "status", "--porcelain") == ""


def test_outputs_of_other_cells_are_left_out(checkout):
    source = checkout / "notebooks" / "07_experiment_2.py"
    source.write_text(source.read_text(encoding="utf-8").replace("# %%\n", "# %%\n# changed\n"), encoding="utf-8")
    lab.prepare_lab(checkout / "lab")
    copy = nbformat.read(checkout / "lab" / "07_experiment_2.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in copy.cells)


def test_a_changed_copy_is_kept_and_any_other_is_renewed(checkout):
    folder = checkout / "lab"
    lab.prepare_lab(folder)
    for name in ("06_experiment_1", "07_experiment_2"):
        source = checkout / "notebooks" / f"{name}.py"
        source.write_text(source.read_text(encoding="utf-8").replace("# %%\n", "# %%\n# newer\n"), encoding="utf-8")
    mine = folder / "06_experiment_1.ipynb"
    mine.write_text(mine.read_text(encoding="utf-8").replace("Question", "My question"), encoding="utf-8")
    (folder / "08_by_patient.ipynb").unlink()
    before = contents(folder)

    assert lab.prepare_lab(folder) == ["06_experiment_1"]
    after = contents(folder)
    assert after["06_experiment_1.ipynb"] == before["06_experiment_1.ipynb"]
    assert after["06_experiment_1.py"] == before["06_experiment_1.py"]
    assert "# newer" in after["07_experiment_2.ipynb"] and "# newer" in after["07_experiment_2.py"]
    assert cells(folder / "08_by_patient.ipynb") == cells(folder / "08_by_patient.py")
    # deleted, it comes afresh
    for suffix in (".ipynb", ".py"):
        mine.with_suffix(suffix).unlink()
    assert lab.prepare_lab(folder) == []
    assert "# newer" in mine.read_text(encoding="utf-8")


def test_a_changed_source_in_the_folder_is_opened_as_its_notebook(checkout):
    folder = checkout / "lab"
    lab.prepare_lab(folder)
    (folder / "06_experiment_1.ipynb").unlink()
    with (folder / "06_experiment_1.py").open("a", encoding="utf-8") as script:
        script.write("\n# %%\n1 + 1\n")
    assert lab.prepare_lab(folder) == ["06_experiment_1"]
    assert cells(folder / "06_experiment_1.ipynb")[-1] == ("code", "1 + 1")


def test_results_go_where_the_caller_wants_them(checkout, monkeypatch):
    def environment() -> dict[str, str]:
        lab.prepare_lab(checkout / "lab")
        kernel = (checkout / "lab" / ".jupyter" / "kernels" / "python3" / "kernel.json").read_text(encoding="utf-8")
        return dict(re.findall(r'"(ECGLIB_\w+)": "(.*)"', kernel))

    monkeypatch.delenv("ECGLIB_DATA", raising=False)
    home = {"ECGLIB_HOME": str(checkout)}
    assert environment() == home | {"ECGLIB_OUTPUT": str(checkout / "lab")}
    assert (checkout / "lab" / "runs").resolve() == (checkout / "runs").resolve()
    monkeypatch.chdir(checkout.parent)
    monkeypatch.setenv("ECGLIB_DATA", "data")
    monkeypatch.setenv("ECGLIB_OUTPUT", "elsewhere")
    beside = checkout.parent
    assert environment() == home | {"ECGLIB_DATA": str(beside / "data"), "ECGLIB_OUTPUT": str(beside / "elsewhere")}


def test_index_leads_to_every_notebook_and_nowhere_else():
    folder = files.notebooks()
    links = re.findall(r"\]\(([^)]+)\)", (folder / "index.md").read_text(encoding="utf-8"))
    assert {link for link in links if "/" not in link} == {f"{p.stem}.ipynb" for p in folder.glob("[0-9]*.py")}
    # made by "make report"
    made = {"../report/index.html"}
    assert made < set(links)
    assert [link for link in links if link not in made and not (folder / link).is_file()] == []


@pytest.mark.parametrize("arguments", [[], ["--allow-root", "--port=1"], ["--no-browser", "-h", "--", "a b"]])
def test_command_hands_its_arguments_on(monkeypatch, arguments):
    given = []
    monkeypatch.setattr(lab, "start_lab", given.extend)
    assert main(["lab", *arguments]) == 0
    assert given == arguments


@pytest.fixture
def server(checkout: Path, tmp_path: Path) -> Iterator[str]:
    """The address of JupyterLab on the checkout, with no settings of this machine's user."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    arguments = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    # the test asks the page's own objects what they are doing
    arguments += ["--IdentityProvider.token=token", "--LabApp.expose_app_in_browser=True"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        arguments.append("--allow-root")
    code = "import sys; from ecglib.report.lab import start_lab; start_lab(sys.argv[1:])"
    log = tmp_path / "server.log"
    with log.open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | private | {"IPYTHONDIR": str(tmp_path / "ipython")},
            stdout=told,
            stderr=told,
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            deadline = time.monotonic() + PATIENCE_S
            while not answers(f"{address}api/status?token=token"):
                assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.2)
            yield address
        finally:
            # it ends its kernels, too
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            finally:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):
            return True
    except OSError:
        return False


@contextmanager
def opened(server: str, tmp_path: Path) -> Iterator[Page]:
    """JupyterLab's index in a browser, which may ask nothing of any other address."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright, of the extra 'test'")
    foreign: list[str] = []
    with playwright.sync_playwright() as started:
        # Chromium's sandbox does not work for root, which containers often run as
        chromium = started.chromium.launch(executable_path=BROWSER, chromium_sandbox=False)
        page = chromium.new_page(viewport={"width": 1500, "height": 950})
        page.set_default_timeout(PATIENCE_S * 1000)
        local = (server, "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(local) or foreign.append(request.url))
        try:
            # the bare address leads to the index
            page.goto(f"{server}?token=token")
            page.locator(f"{SHOWN} h1", has_text="Start here").wait_for()
            page.wait_for_function(IDLE)
            yield page
        except BaseException:
            page.screenshot(path=tmp_path / "failed.png")
            raise
        finally:
            chromium.close()
    assert foreign == []


def run_all(page: Page, link: str, name: str) -> None:
    """Follow a link of the index to a notebook, and run all of its cells."""
    page.locator(f"{SHOWN} a", has_text=link).first.click()
    page.wait_for_function(OPEN, arg=f"lab/{name}.ipynb")
    page.wait_for_function(IDLE)
    assert page.locator(".jp-Dialog").count() == 0
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(RUN)
    assert page.locator(f"{SHOWN} [data-mime-type='application/vnd.jupyter.stderr']").count() == 0


@needs_browser
def test_a_notebook_is_run_and_a_source_is_opened_as_one(checkout, server, tmp_path):
    with opened(server, tmp_path) as page:
        dialogs = page.locator(".jp-Dialog")
        assert dialogs.count() == 0
        number = page.locator(f"{SHOWN} .jp-OutputArea-output tr", has_text=re.compile(r"late fusion\s*MCC\s*87[.]29"))
        assert number.count() == 0
        run_all(page, "06, experiment 1", "06_experiment_1")
        number.scroll_into_view_if_needed()
        page.keyboard.press("Control+s")
        page.wait_for_function(SAVED)

        # the new folder moves the list down by a line, which must not happen under the pointer
        page.evaluate("() => jupyterapp.commands.execute('filebrowser:refresh')")
        page.locator(".jp-DirListing-item", has_text="figures").wait_for()
        page.locator(".jp-DirListing-item", has_text="07_experiment_2.py").dblclick()
        page.wait_for_function(OPEN, arg="lab/07_experiment_2.py")
        page.locator(f"{SHOWN} h1", has_text="Experiment 2").wait_for()
        page.wait_for_function(IDLE)
        assert dialogs.count() == 0
        page.evaluate("() => jupyterapp.shell.currentWidget.context.save()")
        page.wait_for_function(SAVED)
        # the server asks the network for this one
        active = "plugin => jupyterapp.isPluginActivated(plugin)"
        assert not page.evaluate(active, "@jupyterlab/apputils-extension:announcements")
        assert page.evaluate(active, "@jupyterlab/apputils-extension:notification")
        # a module stays one
        viewer = "path => jupyterapp.docRegistry.defaultWidgetFactory(path).name"
        assert page.evaluate(viewer, "ecglib/runs.py") == "Editor"
    assert git(checkout, "status", "--porcelain") == ""
    assert "87.29" in (checkout / "lab" / "figures" / "reduced" / "table4_mitbih.md").read_text(encoding="utf-8")
    # what was only opened and saved is no user's change
    assert lab.prepare_lab(checkout / "lab") == ["06_experiment_1"]
    # nothing of Jupyter's lies among the files
    assert {path.relative_to(checkout).parts[0] for path in checkout.rglob(".ipynb_checkpoints")} <= {"lab"}
    assert not (checkout / "lab" / ".ipynb_checkpoints").exists()


@needs_browser
def test_the_explorer_is_run_and_answers(checkout, server, tmp_path):
    pytest.importorskip("anywidget", reason="needs anywidget, of the extra 'lab'")
    with opened(server, tmp_path) as page:
        run_all(page, "15", "15_explore")
        panel = page.locator(f"{SHOWN} .ecg-explorer")
        numbers, drawn = panel.locator(".numbers"), panel.locator(".drawn")
        numbers.get_by_text("87.29").wait_for()
        panel.get_by_label("Model").select_option("1D CNN-Transformer")
        trained, matrix = numbers.inner_text(), panel.locator(".matrix").inner_text()
        panel.get_by_label("Share of the class weights taken back").fill("1")
        assert numbers.inner_text() != trained and panel.locator(".matrix").inner_text() != matrix
        before, which = drawn.inner_html(), panel.locator(".which").inner_text()
        panel.get_by_label("true S, called V").click()
        assert drawn.inner_html() != before and panel.locator(".which").inner_text() != which
        if os.environ.get("ECGLIB_DATA"):
            panel.locator(".around svg").wait_for()
        # JupyterLab's own keys do not take these away
        panel.locator(".beat").focus()
        page.keyboard.press("ArrowRight")
        assert panel.locator(".which").inner_text().startswith("2 of")
        panel.get_by_label("Beats of the chosen cell").focus()
        page.keyboard.press("ArrowDown")
        assert panel.locator(".which").inner_text().startswith("3 of")
