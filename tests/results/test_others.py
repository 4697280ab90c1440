"""The table of others' numbers: theirs as printed, ours from the runs, and none beside invented beats."""

import dataclasses

import numpy as np
import pytest

from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.results.papers import reference
from ecglib.results.verdict import others_summary, others_table

TINY = {"synthetic_beats": 200, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}


pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def experiment(output) -> Experiment:
    return Experiment(load_parameters("demo", repetitions=2, **TINY), "mitbih")


def test_invented_beats_have_no_peers(experiment):
    table = others_table(experiment)
    assert list(table["model"]) == list(MODEL_TITLES.values()) and set(table["by"]) == {"ours"}
    values = [run.metrics.f1_macro for run in experiment.runs("late")]
    late = table[table["model"] == MODEL_TITLES["late"]].iloc[0]
    assert late["f1_macro"] == pytest.approx(np.mean(values)) and late["runs"] == 2
    assert late["f1_macro_deviation"] == pytest.approx(np.std(values, ddof=1))


def test_real_beats_have_theirs_as_printed(experiment, monkeypatch):
    metadata = experiment.beats.metadata.model_copy(update={"source": "physionet"})
    real = dataclasses.replace(experiment.beats, metadata=metadata)
    monkeypatch.setitem(experiment.data.__dict__, "beats", real)
    table = others_table(experiment).set_index("model")
    for name, printed in reference()["peers"].items():
        assert table.loc[name, "by"] == printed["source"]
        assert 100 * table.loc[name, "f1_macro"] == pytest.approx(printed["f1"][0])
    summary = others_summary(table.reset_index())
    best = summary[summary["model"] == "ECGTransForm"].iloc[0]
    assert (best["macro F1"], best["accuracy"], best["runs"]) == ("94.26 ± 0.28", "98.87", "3")
    shown = [float(cell.split()[0]) for cell in summary["macro F1"]]
    assert shown == sorted(shown, reverse=True)


def test_other_test_beats_have_no_peers(output):
    by_patient = Experiment(load_parameters("demo", split="patient", **TINY), "mitbih")
    assert set(others_table(by_patient)["by"]) == {"ours"}
