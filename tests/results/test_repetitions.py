"""Tables and curves over repetitions, from the runs themselves."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score

from ecglib.experiment import Experiment
from ecglib.figures.curves import repetition_curves
from ecglib.names import BRANCHES
from ecglib.parameters import load_parameters
from ecglib.results.repetitions import mistake_summary, mistake_table, repetition_summary, repetition_table

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 2, "cnn2d_epochs": 2, "fusion_epochs": 1, "seed": 3}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        yield Experiment(load_parameters("demo", datasets=["ptb"], repetitions=3, **TINY), "ptb")


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
    runs = {name: [(run.history, run.best_epoch) for run in experiment.runs(name)] for name in BRANCHES}
    figure = repetition_curves(runs, "title")
    for axes, name in zip(figure.axes, ("cnn_transformer", "cnn2d"), strict=True):
        drawn = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 2]
        for run in experiment.runs(name):
            for column in ("train_loss", "validation_loss"):
                assert any(np.array_equal(values, run.history[column]) for values in drawn)
        assert len(drawn) == 6


def test_mistakes_of_all_seeds_are_those_that_each_makes(experiment):
    table = mistake_table(experiment, ("cnn2d", "late"))
    assert list(zip(table["model"], table["class"], strict=True)) == [
        (model, name) for model in ("cnn2d", "late") for name in experiment.class_names
    ]
    for model, rows in table.groupby("model"):
        runs = experiment.runs(model)
        label = runs[0].predictions.label
        for number, row in enumerate(rows.to_dict("records")):
            wrong = [
                {beat for beat in np.flatnonzero(label == number) if run.predictions.scores[beat].argmax() != number}
                for run in runs
            ]
            assert row["beats"] == (label == number).sum()
            assert row["wrong"] == pytest.approx(np.mean([len(beats) for beats in wrong]))
            assert row["wrong_in_all"] == len(set.intersection(*wrong))
        averaged = np.mean([softmax(run.predictions.scores.astype(float), axis=1) for run in runs], axis=0)
        expected = f1_score(label, averaged.argmax(axis=1), average="macro")
        assert rows["f1_macro_averaged"].tolist() == pytest.approx([expected] * 2)


def test_summary_of_mistakes_adds_up_the_classes():
    tidy = pd.DataFrame(
        {"model": ["late"] * 2, "repetitions": [3] * 2, "class": ["N", "S"], "beats": [1500, 40], "wrong": [4 / 3, 8.0]}
        | {"wrong_in_all": [1, 6], "f1_macro": [0.91234] * 2, "f1_macro_averaged": [0.92] * 2}
    )
    assert mistake_summary(tidy).to_dict("records") == [
        {
            "model": "Hybrid, late fusion",
            "all 1,540": "7 / 9.3",
            "N (1,500)": "1 / 1.3",
            "S (40)": "6 / 8.0",
            "macro F1, one": "91.23",
            "macro F1, 3 averaged": "92.00",
        }
    ]
