"""The epoch after which nothing is gained, and profiles beside one another."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib.experiment import Experiment
from ecglib.figures.curves import time_figure
from ecglib.parameters import load_parameters
from ecglib.results.epochs import curve, curves_beside, enough_epochs, epoch_summary, epoch_table

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 2, "cnn2d_epochs": 3, "fusion_epochs": 1}
accuracies = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_enough_is_one_standard_error_below_the_best():
    # of 400 beats at 0.9: sqrt(0.9 * 0.1 / 400) = 0.015
    assert enough_epochs([0.5, 0.8849, 0.8851, 0.9, 0.88], 400) == 3
    # with more beats the error is smaller
    assert enough_epochs([0.5, 0.8849, 0.8851, 0.9, 0.88], 40_000) == 4


@given(accuracies, st.integers(1, 10_000))
def test_enough_by_its_definition(accuracy, beats):
    best = max(accuracy)
    limit = best - math.sqrt(best * (1 - best) / beats)
    enough = enough_epochs(accuracy, beats)
    assert accuracy[enough - 1] >= limit and all(value < limit for value in accuracy[: enough - 1])


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        one_cycle = {"schedule": "one_cycle", "selection": "last"}
        both = [Experiment(load_parameters("demo", **TINY, **more), "mitbih") for more in ({}, one_cycle)]
        for one in both:
            one.run("cnn2d")
        yield both


def test_table_is_of_the_runs(experiments):
    tidy = epoch_table(experiments, ("cnn2d",))
    assert tidy["schedule"].tolist() == ["paper", "one_cycle"] and tidy["epochs"].tolist() == [3, 3]
    for experiment, line in zip(experiments, tidy.to_dict("records"), strict=True):
        run = experiment.run("cnn2d")
        assert line["mcc"] == run.metrics.mcc and line["best_epoch"] == run.best_epoch
        assert line["enough_s"] == pytest.approx(run.history["seconds"][: line["enough_epochs"]].sum())
        assert line["training_beats"] == len(experiment.split.train)
    summary = epoch_summary(tidy)
    assert summary["MCC"].tolist() == [f"{100 * value:.2f}" for value in tidy["mcc"]]


def test_table_says_the_batches_that_each_model_trained_with(experiments):
    own = load_parameters("demo", **TINY, batch_size=32, fusion_batch_size=8)
    tidy = epoch_table([Experiment(own, "mitbih")], ("cnn2d", "late"))
    assert tidy["batch_size"].tolist() == [32, 8]


def test_figure_shows_each_profile_by_minute(experiments):
    figure = time_figure(curves_beside(experiments, ("cnn2d",)), "title")
    (axes,) = figure.axes
    for experiment in experiments:
        history = experiment.run("cnn2d").history
        assert any(
            np.allclose(line.get_xdata(), history["seconds"].cumsum() / 60)
            and np.allclose(line.get_ydata(), 100 * (1 - history["validation_accuracy"]))
            for line in axes.lines
            if len(line.get_xdata()) == 3
        )


def test_curves_say_which_epoch_they_keep(experiments):
    best, last = (curve(experiment, "cnn2d") for experiment in experiments)
    assert best.rule == "best" and best.kept_epoch == experiments[0].run("cnn2d").best_epoch
    assert last.rule == "last" and last.kept_epoch == 3


def test_another_profile_is_shown_as_far_as_it_is_trained(experiments):
    first = experiments[0]
    other = Experiment(load_parameters("demo", **TINY, cnn_transformer_weight_decay=0.5), "mitbih")
    first.run("late"), other.run("cnn2d")
    tidy = epoch_table([first, other], ("cnn2d", "late"))
    assert list(zip(tidy["model"], tidy["profile"], strict=True)) == [
        ("cnn2d", first.parameters.label),
        ("cnn2d", other.parameters.label),
        ("late", first.parameters.label),
    ]
    figure = time_figure(curves_beside([first, other], ("cnn_transformer", "cnn2d")), "title")
    assert [len(axes.lines) for axes in figure.axes] == [2, 4]
    (legend,) = figure.legends
    labels = [one.parameters.label for one in (first, other)]
    assert [text.get_text() for text in legend.texts] == [*labels, "nothing gained after"]
    assert not other.has("cnn_transformer") and not other.has("late") and not other.folder.joinpath("late").exists()
