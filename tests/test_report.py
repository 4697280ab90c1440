"""The whole report on a tiny profile: Snakemake, papermill and every notebook, as users run them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml

from ecglib import files
from ecglib.cli import main
from ecglib.notebooks import INTERPRETATION, headers
from ecglib.parameters import Parameters

TINY = """\
profile: tiny
datasets: [ptb]
source: synthetic
synthetic_beats: 200
training_set: half_largest
threads: 1
seed: 1
cnn_transformer_epochs: 1
cnn2d_epochs: 1
fusion_epochs: 2
repetitions: 2
ledger_repetitions: 1
ingredients: true
questions: [filters]
overview: [tiny, other]
"""
CHECKOUT = Path(__file__).resolve().parents[1]
REPORTED = Parameters(
    **yaml.safe_load(TINY) | {"datasets": ("ptb",), "overview": ("tiny", "other"), "questions": ("filters",)}
)
NOTEBOOKS = [header.name for header in headers() if header.is_in(REPORTED)]


def snakemake(home: Path, *options: str) -> str:
    graph = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(home), "--cores", "1"]
    triggers = ["--rerun-triggers", "mtime", "params", "input"]
    finished = subprocess.run(
        [sys.executable, "-m", "snakemake", *graph, *triggers, "--config", "profile=tiny", *options],
        env={**os.environ, "ECGLIB_HOME": str(home), "ECGLIB_OUTPUT": str(home)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout + finished.stderr


def planned(home: Path) -> set[str]:
    """The notebooks that a dry run would execute."""
    text = snakemake(home, "--dry-run", "--quiet", "host")
    rules = set(re.findall(r"^(?:local)?rule (\w+)_tiny_ptb:", text, re.MULTILINE))
    return {name for name in NOTEBOOKS if name[3:] in rules}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A checkout of its own in which the report has run on the tiny profile."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(CHECKOUT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    (folder / "params").mkdir()
    (folder / "params" / "tiny.yaml").write_text(TINY)
    (folder / "params" / "other.yaml").write_text(TINY.replace("profile: tiny", "profile: other"))
    snakemake(folder)
    return folder


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_ran_with_its_parameters(home, notebook):
    executed = nbformat.read(home / "runs" / "tiny" / "notebooks" / f"{notebook}_ptb.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    injected = [cell.source for cell in code if "injected-parameters" in cell.metadata.get("tags", [])]
    assert len(injected) == 1 and 'profile = "tiny"' in injected[0] and 'dataset = "ptb"' in injected[0]
    assert all(cell.execution_count for cell in code)
    assert str(home) not in nbformat.writes(executed)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    # what is told of another profile's result is left out
    assert not [cell for cell in executed.cells if INTERPRETATION in cell.metadata.get("tags", [])]


def test_every_figure_and_table_is_there(home):
    made = {path.name for path in (home / "figures" / "tiny").iterdir()}
    told = {path.name for header in headers() if header.is_in(REPORTED) for path in header.outputs("tiny", "ptb")}
    assert made == told
    for expected in ("fig01_ptb_spectrogram.svg", "fig03_ptb_cnn_transformer_learning_curves.png", "table7_ptb.csv"):
        assert expected in made


def test_synthetic_results_are_marked(home):
    folder = home / "figures" / "tiny"
    for figure in folder.glob("*.svg"):
        assert "synthetic" in figure.read_text(), figure
    for table in folder.glob("*.md"):
        assert table.read_text().startswith("**Synthetic beats"), table
    for number in (3, 4, 6, 7):
        table = pd.read_csv(folder / f"table{number}_ptb.csv")
        assert set(table[table["reported_by"] == "ours"]["dataset"]) == {"synthetic ptb_half_largest"}


def test_nothing_is_done_twice(home):
    assert "Nothing to be done" in snakemake(home)


def test_a_changed_parameter_or_number_of_a_paper_reruns_what_depends_on_it(home):
    profile = home / "params" / "tiny.yaml"
    try:
        profile.write_text(TINY.replace("cnn2d_epochs: 1", "cnn2d_epochs: 2"))
        assert planned(home) == set(NOTEBOOKS)
        # a comment is no change
        profile.write_text(f"# tiny\n{TINY}")
        assert planned(home) == set()
    finally:
        profile.write_text(TINY)


def test_everything_that_a_notebook_reads_is_an_input_of_the_graph():
    text = (CHECKOUT / "Snakefile").read_text()
    assert '".yaml"' in text and "PACKAGE," in text and "node.header.shown" in text


def test_a_new_run_of_another_profile_reruns_what_shows_it(home):
    folder = home / "runs" / "other"
    run = folder / "ptb" / "late" / "run.json"
    run.parent.mkdir(parents=True)
    try:
        run.write_text("{}")
        assert planned(home) == {"14_overview"}
    finally:
        shutil.rmtree(folder)


def test_a_changed_notebook_or_lost_figure_reruns_what_depends_on_it(home):
    source = home / "notebooks" / "06_experiment_1.py"
    # a new date alone is no change
    os.utime(source)
    assert planned(home) == set()
    source.write_text(source.read_text() + "\n# %% [markdown]\n# Changed.\n")
    assert planned(home) == {"06_experiment_1"}
    (home / "figures" / "tiny" / "fig01_ptb_spectrogram.png").unlink()
    assert planned(home) == {"01_spectrograms", "06_experiment_1"}
    snakemake(home)
    assert planned(home) == set()


def test_failing_notebook_is_kept_beside_the_last_good_one(home, monkeypatch, capsys):
    monkeypatch.setenv("ECGLIB_HOME", str(home))
    monkeypatch.setenv("ECGLIB_OUTPUT", str(home))
    executed = home / "runs" / "tiny" / "notebooks" / "01_spectrograms_ptb.ipynb"
    good = executed.read_bytes()
    source = home / "notebooks" / "01_spectrograms.py"
    text = source.read_text()
    try:
        source.write_text(text + "\n# %%\nraise RuntimeError('a\\nb')\n")
        assert main(["run", "01", "--profile", "tiny"]) == 1
    finally:
        source.write_text(text)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("ecglib: 01_spectrograms.py (ptb), cell ") and "RuntimeError: a; see" in error
    failed = executed.with_suffix(".failed.ipynb")
    assert str(failed) in error and "RuntimeError" in failed.read_text()
    assert executed.read_bytes() == good


def test_late_fusion_is_shown_from_its_results_alone(home, tmp_path, monkeypatch):
    shutil.copytree(home / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "tiny" / "ptb" / "late" / "weights.safetensors").unlink()
    monkeypatch.setenv("ECGLIB_HOME", str(home))
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    assert main(["run", "04", "--profile", "tiny"]) == 0


def test_override_on_the_command_line_goes_to_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    assert main(["run", "00", "--profile", "demo", "--set", "synthetic_beats=300"]) == 0
    (folder,) = (tmp_path / "figures").iterdir()
    assert folder.name == "demo-synthetic_beats-300"
    executed = tmp_path / "runs" / folder.name / "notebooks" / "00_data_mitbih.ipynb"
    printed = capsys.readouterr().out
    # what the notebook prints is passed on
    assert printed.startswith("300 beats") and printed.endswith(f"wrote {executed}\n")
    assert "300 beats" in executed.read_text()


def test_unknown_profile_is_told_in_one_line(home):
    graph = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(home), "--config", "profile=huge"]
    finished = subprocess.run([sys.executable, "-m", "snakemake", *graph], capture_output=True, text=True)
    assert finished.returncode != 0
    assert finished.stderr.startswith("ecglib: profile 'huge' does not exist") and finished.stderr.count("\n") == 1


def test_plain_papermill_takes_the_values_of_a_profile_and_refuses_what_is_unknown(tmp_path, monkeypatch):
    import papermill
    from papermill.exceptions import PapermillExecutionError

    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    source, out = files.notebooks() / "00_data.ipynb", tmp_path / "out.ipynb"
    values = {"profile": "demo", "dataset": "mitbih", "synthetic_beats": 300}
    papermill.execute_notebook(source, out, values, progress_bar=False)
    assert (tmp_path / "figures" / "demo-synthetic_beats-300" / "fig02_mitbih_class_distribution.png").is_file()
    with pytest.raises(PapermillExecutionError, match="unknown parameter 'synthetic_beat'; did you mean 'synthetic_b"):
        papermill.execute_notebook(source, out, {"synthetic_beat": 2}, progress_bar=False)


def test_what_is_not_committed_is_not_trained_for_the_report_as_it_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    monkeypatch.setenv("ECGLIB_TRAIN", "missing")
    assert main(["run", "04", "--profile", "demo", "--no-training"]) == 1
    assert "not there; make report PROFILE=... trains it" in capsys.readouterr().err
