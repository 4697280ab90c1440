"""The overview: the papers as printed, ours from the runs, and none beside invented beats."""

import dataclasses

import numpy as np
import pytest

from ecglib.experiment import Experiment
from ecglib.figures.results import overview_figure
from ecglib.names import MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.results.overview import overview_summary, overview_table
from ecglib.results.papers import reference

TINY = {"synthetic_beats": 200, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 2}


pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def experiment(output) -> Experiment:
    experiment = Experiment(load_parameters("demo", repetitions=2, **TINY), "mitbih")
    for model in MODEL_TITLES:
        experiment.runs(model)
    return experiment


@pytest.fixture
def real(experiment, monkeypatch) -> Experiment:
    """The same experiment as if its beats were PhysioNet's."""
    metadata = experiment.beats.metadata.model_copy(update={"source": "physionet"})
    monkeypatch.setitem(experiment.data.__dict__, "beats", dataclasses.replace(experiment.beats, metadata=metadata))
    return experiment


def test_invented_beats_stand_alone(experiment):
    table = overview_table([experiment])
    assert list(table["model"]) == list(MODEL_TITLES) and not table["is_paper"].any()
    late = table.set_index("model").loc["late"]
    for metric in ("mcc", "f1_macro"):
        values = [getattr(run.metrics, metric) for run in experiment.runs("late")]
        assert late[metric] == pytest.approx(np.mean(values))
        assert late[f"{metric}_deviation"] == pytest.approx(np.std(values, ddof=1))
    assert late["runs"] == 2 and late["dataset"] == "synthetic mitbih"


def test_papers_are_as_printed(real):
    table = overview_table([real])
    papers = table[table["is_paper"]].set_index(["by", "model"])
    printed = reference()["report"]
    for name, values in (printed["table_7"]["mitbih_reduced"] | printed["table_4"]["mitbih_reduced"]).items():
        assert papers.loc[("report", name), "mcc"] == pytest.approx(values["mcc"])
    printed = reference()["original"]
    for name, values in (printed["table_8"]["mitbih"] | printed["table_5"]["mitbih"]).items():
        row = papers.loc[("original", name)]
        assert [row["mcc"], row["mcc_deviation"]] == pytest.approx(np.divide(values["mcc"], 100))
        assert [row["f1_macro"], row["f1_macro_deviation"]] == pytest.approx(np.divide(values["f1"], 100))
    assert len(papers) == 2 * len(MODEL_TITLES)


def test_one_row_a_source(real):
    table = overview_table([real])
    # the original reports late fusion's MCC on MIT-BIH as 94.63 with a deviation of 0.29 (its Table V)
    shown = overview_summary(table).set_index("MCC by")
    assert list(shown.index) == ["report", "original", f"ours: {real.parameters.label}"]
    assert shown.loc["original", MODEL_TITLES["late"]] == "94.63 ± 0.29" and shown.loc["original", "runs"] == "10"
    shown = overview_summary(table, "f1_macro").set_index("macro F1 by")
    assert set(shown.loc["report", list(MODEL_TITLES.values())]) == {"not printed"}


def test_profile_with_a_papers_name_is_kept_apart(real):
    table = overview_table([real])
    table.loc[~table["is_paper"], ["by", "dataset"]] = ["original", "mitbih"]
    assert list(overview_summary(table)["MCC by"]) == ["report", "original", "ours: original"]
    reduced, whole, _ = overview_figure(table, "MCC").axes
    marks = [
        [(container.lines[0].get_marker(), container.lines[0].get_markerfacecolor()) for container in axes.containers]
        for axes in (reduced, whole)
    ]
    # the report's design, open in the paper; then the original's, and ours under its name
    assert marks[0] == [("o", "white")] and [mark for mark, _ in marks[1]] == ["s", "o"]
    assert [colour == "white" for _, colour in marks[1]] == [True, False]


def test_beats_split_by_patient_have_no_papers_beside_them(output):
    by_patient = Experiment(load_parameters("demo", split="patient", **TINY), "mitbih")
    by_patient.runs("cnn2d")
    assert list(overview_table([by_patient])["is_paper"]) == [False]


def test_what_is_not_trained_is_said_and_stays_so(experiment):
    parameters = experiment.parameters
    fewer = Experiment(parameters.model_copy(update={"cnn_transformer_epochs": 2}), "mitbih")
    seeds = Experiment(parameters.model_copy(update={"repetitions": 3}), "mitbih")
    fewer.runs("cnn2d")
    shown = overview_summary(overview_table([experiment, fewer, seeds])).set_index("MCC by")
    assert len(shown) == 2 and "not trained" not in shown.iloc[0].tolist()
    cells = shown.iloc[1][list(MODEL_TITLES.values())]
    assert list(cells.index[cells == "not trained"]) == [MODEL_TITLES[m] for m in MODEL_TITLES if m != "cnn2d"]
    assert not fewer.has("cnn_transformer") and not seeds.repetitions[2].has("cnn2d")
