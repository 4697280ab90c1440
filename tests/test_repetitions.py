"""Tables and curves over repetitions, from the runs themselves."""

import numpy as np
import pandas as pd
import pytest

from ecglib.experiment import Experiment
from ecglib.parameters import load_parameters
from ecglib.repetitions import repetition_curves, repetition_summary, repetition_table

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 2, "cnn2d_epochs": 2, "fusion_epochs": 1, "seed": 3}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        yield Experiment(load_parameters("demo", repetitions=3, **TINY), "ptb")


def test_table_has_a_row_for_each_seed(experiment):
    table = repetition_table(experiment, ("cnn2d", "late"))
    assert table["model"].tolist() == ["cnn2d"] * 3 + ["late"] * 3
    assert table["seed"].tolist() == [3, 4, 5] * 2
    for _, row in table.iterrows():
        metrics = experiment.repetitions[row["repetition"]].run(row["model"]).metrics
        assert row["mcc"] == metrics.mcc and row["f1_macro"] == metrics.f1_macro


def test_summary_is_mean_and_sample_deviation():
    tidy = pd.DataFrame(
        {"model": ["cnn2d"] * 3 + ["late"], "mcc": [0.5, 0.6, 0.7, 0.8]}
        | {name: [0.9, 0.9, 0.9, 0.9] for name in ("f1_macro", "f1_weighted", "accuracy")}
    )
    summary = repetition_summary(tidy)
    assert summary["MCC"].tolist() == ["60.00 ± 10.00", "80.00"]
    assert summary["accuracy"].tolist() == ["90.00 ± 0.00", "90.00"]
    assert summary["repetitions"].tolist() == ["3", "1"]


def test_curves_show_each_history(experiment):
    figure = repetition_curves(experiment, ("cnn_transformer", "cnn2d"), "title")
    for axes, name in zip(figure.axes, ("cnn_transformer", "cnn2d"), strict=True):
        drawn = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2]
        for run in experiment.runs(name):
            for column in ("train_loss", "validation_loss"):
                assert any(np.array_equal(values, run.history[column]) for values in drawn)
        assert len(drawn) == 6
