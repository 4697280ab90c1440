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

from ecglib import files
from ecglib.cli import main
from ecglib.parameters import NO_RESULT_CHANGES, Parameters

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
overview: [tiny, other]
"""
NAMED = ("patients", "repetitions", "verdict", "claims", "peers", "ledger", "f1", "epochs", "ingredients")
NAMED += ("overview", "mistakes", "rhythm", "known_rhythm", "weighting")
TABLES = (3, 4, 6, 7, *(f"_{name}" for name in NAMED))
CHECKOUT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(path.stem for path in (CHECKOUT / "notebooks").glob("*.py"))


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
    rules = set(re.findall(r"^(?:local)?rule (\w+)_ptb:", text, re.MULTILINE))
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


def test_every_figure_and_table_is_there(home):
    folder = home / "figures" / "tiny"
    expected = {"fig01_ptb_spectrogram", "fig02_ptb_class_distribution", "fig15_ptb_hybrid_pipeline"}
    models = ("cnn_transformer", "cnn2d", "late")
    numbered = zip((3, 5, 7, 9, 10, 11), (*models, "concat", "sum", "weighted_sum"), strict=True)
    expected |= {f"fig{number:02d}_ptb_{model}_learning_curves" for number, model in numbered}
    expected |= {"fig16_ptb_cnn_transformer_layers", "fig17_ptb_cnn2d_layers", "fig00_ptb_beats", "fig00_ptb_pictures"}
    expected |= {f"fig00_ptb_{model}_confusion" for model in models}
    expected |= {"fig00_ptb_patients", "fig00_ptb_by_patient", "fig00_ptb_repetitions", "fig00_ptb_ledger"}
    expected |= {"fig00_ptb_verdict", "fig00_ptb_epochs", "fig00_ptb_ingredients", "fig00_ptb_overview"}
    files = {f"{name}.{kind}" for name in expected for kind in ("png", "svg")}
    files |= {f"table{name}_ptb.{kind}" for name in TABLES for kind in ("csv", "md")}
    assert {path.name for path in folder.iterdir()} == files


def test_synthetic_results_are_marked(home):
    folder = home / "figures" / "tiny"
    for figure in folder.glob("*.svg"):
        assert "synthetic" in figure.read_text(), figure
    for number in (3, 4, 6, 7):
        assert (folder / f"table{number}_ptb.md").read_text().startswith("**Synthetic beats")
        table = pd.read_csv(folder / f"table{number}_ptb.csv")
        assert set(table[table["reported_by"] == "ours"]["dataset"]) == {"synthetic ptb_half_largest"}


def test_nothing_is_done_twice(home):
    assert "Nothing to be done" in snakemake(home)


def test_a_changed_parameter_reruns_what_depends_on_it(home):
    profile = home / "params" / "tiny.yaml"
    experiments = {"06_experiment_1", "07_experiment_2", "08_by_patient", "09_repetitions"}
    experiments |= {"10_verdict", "11_ledger", "12_epochs", "13_ingredients", "14_overview"}
    downstream = {"04_late_fusion", "05_intermediate_fusion", *experiments}
    try:
        profile.write_text(TINY.replace("cnn2d_epochs: 1", "cnn2d_epochs: 2"))
        assert planned(home) == {"03_cnn2d", *downstream}
        profile.write_text(TINY.replace("fusion_epochs: 2", "fusion_epochs: 3"))
        assert planned(home) == downstream
        profile.write_text(TINY.replace("seed: 1", "seed: 2"))
        assert planned(home) == set(NOTEBOOKS)
        profile.write_text(TINY.replace("repetitions: 2", "repetitions: 3"))
        assert planned(home) == {"09_repetitions", "10_verdict", "11_ledger", "14_overview"}
        # a comment is no change
        profile.write_text(f"# tiny\n{TINY}")
        assert planned(home) == set()
    finally:
        profile.write_text(TINY)


def test_a_new_run_of_another_profile_reruns_what_shows_it(home):
    folder = home / "runs" / "other"
    run = folder / "ptb" / "late" / "run.json"
    run.parent.mkdir(parents=True)
    try:
        run.write_text("{}")
        assert planned(home) == {"14_overview"}
    finally:
        shutil.rmtree(folder)


def test_every_parameter_that_changes_results_is_known_to_the_graph():
    text = (CHECKOUT / "Snakefile").read_text()
    names: dict[str, tuple[str, ...]] = {}
    exec(text[text.index("DATA = ") : text.index("USES = ")], names)
    for name in set(Parameters.model_fields) - NO_RESULT_CHANGES - {"profile", "datasets"}:
        assert name.startswith(names["ALL"]), name


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
        source.write_text(
            text.replace(
                "# %% [markdown]\n# The dB values",
                "# %%\nraise RuntimeError('a\\nb')\n\n# %% [markdown]\n# The dB values",
            )
        )
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
    assert main(["run", "00", "--dataset", "ptb", "--set", "synthetic_beats=100"]) == 0
    (folder,) = (tmp_path / "figures").iterdir()
    assert folder.name == "demo-synthetic_beats-100"
    executed = tmp_path / "runs" / folder.name / "notebooks" / "00_data_ptb.ipynb"
    printed = capsys.readouterr().out
    # what the notebook prints is passed on
    assert printed.startswith("100 beats") and printed.endswith(f"wrote {executed}\n")
    assert "100 beats" in executed.read_text()


def test_unknown_profile_is_told_in_one_line(home):
    graph = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(home), "--config", "profile=huge"]
    finished = subprocess.run([sys.executable, "-m", "snakemake", *graph], capture_output=True, text=True)
    assert finished.returncode != 0
    assert finished.stderr.startswith("ecglib: profile 'huge' does not exist") and finished.stderr.count("\n") == 1


def test_plain_papermill_works_and_refuses_what_is_unknown(tmp_path, monkeypatch):
    import papermill
    from papermill.exceptions import PapermillExecutionError

    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    source, out = files.notebooks() / "00_data.ipynb", tmp_path / "out.ipynb"
    papermill.execute_notebook(
        source, out, {"dataset": "ptb", "overrides": {"synthetic_beats": 100}}, progress_bar=False
    )
    assert len(list(tmp_path.glob("figures/demo-*/fig02_ptb_class_distribution.png"))) == 1
    with pytest.raises(PapermillExecutionError, match="unknown parameter 'sed'; did you mean 'seed'"):
        papermill.execute_notebook(source, out, {"overrides": {"sed": 2}}, progress_bar=False)
