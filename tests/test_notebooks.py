"""Notebooks describe themselves: what they make, what must have run before, in which report they are."""

import shutil

import nbformat
import pytest

from ecglib import files
from ecglib.names import EcglibError
from ecglib.notebooks import headers, nodes, notebook_path, settled
from ecglib.parameters import load_parameters


def test_outputs_have_the_papers_numbers_and_the_data_sets_name():
    by_name = {header.name: header for header in headers()}
    made = {path.name for path in by_name["03_cnn2d"].outputs("ptb", "ptb")}
    assert {"fig05_ptb_cnn2d_learning_curves.svg", "fig17_ptb_cnn2d_layers.png", "table_classes_cnn2d_ptb.md"} <= made
    assert {"table3_mitbih.csv", "table4_mitbih.md"} <= {
        path.name for path in by_name["06_experiment_1"].outputs("reduced", "mitbih")
    }


def test_what_is_told_of_one_profile_is_made_for_it_alone():
    header = next(header for header in headers() if header.name == "15_explore")
    made = {label: {path.name for path in header.outputs(label, "mitbih")} for label in ("reduced", "original")}
    assert made == {
        "original": set(),
        "reduced": {
            f"{stem}.{ending}"
            for stem, endings in {
                "table_looked_deletion_mitbih": ("csv", "md"),
                "table_looked_agreement_mitbih": ("csv", "md"),
                "fig00_mitbih_looked": ("png", "svg"),
                "fig00_mitbih_looked_checks": ("png", "svg"),
            }.items()
            for ending in endings
        },
    }


def test_a_report_has_what_its_parameters_ask_for():
    names = {node.header.name for node in nodes("full")}
    assert "09_repetitions" not in names and "08_by_patient" not in names and "06_experiment_1" in names
    assert "01_spectrograms" not in {node.header.name for node in nodes("original")}


def test_the_report_as_it_is_told_shows_each_notebook_on_its_own_profile():
    told = nodes()
    assert {node.header.name for node in told} == {header.name for header in headers()}
    own = {node.header.name: node.parameters.profile for node in told if node.header.profile == node.parameters.profile}
    assert own["06_experiment_1"] == "reduced" and own["11_ledger"] == "ledger" and own["13_ingredients"] == "best"
    late = next(node for node in told if node.header.name == "04_late_fusion" and node.dataset == "ptb")
    assert [path.name for path in late.after] == ["02_cnn_transformer_ptb.ipynb", "03_cnn2d_ptb.ipynb"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("#     makse: [table3]", "unknown key 'makse'"),
        ("#     after: [99_nothing]", "'99_nothing', which is no notebook"),
    ],
)
def test_a_wrong_header_is_named(tmp_path, monkeypatch, line, message):
    shutil.copytree(files.notebooks(), tmp_path / "notebooks", ignore=shutil.ignore_patterns("*.ipynb"))
    (tmp_path / "params").mkdir()
    source = tmp_path / "notebooks" / "12_epochs.py"
    source.write_text(
        source.read_text()
        .replace("#   ecglib:\n", f"#   ecglib:\n{line}\n", 1)
        .replace("#     after: [05_intermediate_fusion]\n", "", 1)
    )
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    headers.cache_clear()
    try:
        with pytest.raises(EcglibError, match=message):
            headers()
    finally:
        headers.cache_clear()


def test_a_notebook_is_found_by_its_number_and_no_other():
    assert notebook_path("06").stem == notebook_path("06_experiment_1.ipynb").stem == "06_experiment_1"
    for unknown in ("", "0", "99", "experiment"):
        with pytest.raises(EcglibError, match="not found; notebooks/ has 00_data"):
            notebook_path(unknown)


def test_what_is_kept_of_an_execution_is_the_same_each_time():
    widget = {"text/plain": "a widget", "application/vnd.jupyter.widget-view+json": {"model_id": "random"}}
    timed = nbformat.v4.new_code_cell("1", metadata={"papermill": {"duration": 1.2}, "tags": ["parameters"]})
    shown = nbformat.v4.new_code_cell("2", outputs=[nbformat.v4.new_output("display_data", widget)])
    notebook = nbformat.v4.new_notebook(
        cells=[timed, shown],
        metadata={"papermill": {"start_time": "now"}, "language_info": {"name": "python", "version": "3.11.7"}}
        | {"widgets": {"state": "random"}},
    )
    once = nbformat.writes(settled(notebook))
    assert "random" not in once and "a widget" in once
    assert "now" not in once and "duration" not in once and "3.11.7" not in once and '"parameters"' in once
    assert nbformat.writes(settled(nbformat.reads(once, as_version=4))) == once


def test_every_profile_can_be_laid_beside_others():
    for profile in ("short", "full", "original"):
        for other in load_parameters(profile).compared_with:
            assert load_parameters(other).datasets
