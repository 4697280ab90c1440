"""Answers are those of their runs, say no more than their intervals, and say where nothing is run."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef

from ecglib.experiment import Experiment
from ecglib.figures.questions import answer_figure, filter_figure, view_figure
from ecglib.names import EXPERIMENT_1
from ecglib.parameters import load_parameters
from ecglib.results.answers import (
    answer_summary,
    answer_table,
    answers_on_reduced,
    filter_table,
    verdict,
    view_summary,
    view_table,
)
from ecglib.results.ledger import Ledger, effects
from ecglib.results.questions import TITLES, answers_to_views, questions

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
ASKED = ("unfrozen", "filters")

pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def asked(output) -> Experiment:
    return Experiment(load_parameters("demo", **TINY, questions=ASKED, ledger_repetitions=2), "mitbih")


@pytest.fixture(scope="module")
def tidy(asked) -> pd.DataFrame:
    return answer_table(asked)


def test_effects_are_those_of_the_ledger(asked, tidy):
    expected = effects(Ledger(asked, questions(asked.parameters)).tidy)
    assert list(tidy["change"]) == list(expected["change"]) and list(tidy["seeds"]) == list(expected["repetitions"])
    for name in ("mcc_effect", "mcc_low", "mcc_high", "f1_macro_without", "f1_macro_effect"):
        np.testing.assert_allclose(tidy[name], expected[name], atol=1e-12)
    assert (tidy["mcc_people_low"] <= tidy["mcc_people_high"]).all()


def test_steps_hold_those_of_the_branches(asked, tidy):
    batch = asked.parameters.batch_size
    steps = math.ceil(len(asked.split.train) / batch)
    tuned = tidy[(tidy["question"] == TITLES["unfrozen"]) & (tidy["model"] == "late")]
    # one epoch of each branch and one of the fusion; from scratch, one of the whole
    assert tuned["steps_with"].tolist() == [steps, 3 * steps, 3 * steps]


def test_answers_say_what_their_intervals_do():
    def said(*ends: float, seeds: int = 3) -> str:
        names = [f"mcc_{of}{end}" for of in ("", "beats_", "people_") for end in ("low", "high")]
        return verdict(pd.Series({"seeds": seeds} | dict(zip(names, (*ends[:2], *ends[2:], *ends[2:]), strict=True))))

    assert said(0.001, 0.02, 0.002, 0.03) == "better"
    assert said(-0.02, -0.01, -0.03, -0.001) == "worse"
    assert said(0.001, 0.02, -0.001, 0.03) == said(-0.01, 0.02, 0.01, 0.03) == "undecided"
    assert said(0.001, 0.02, np.nan, np.nan) == "better"
    assert said(np.nan, np.nan, 0.01, 0.02, seeds=1) == "one seed"


def test_what_is_not_there_is_not_run(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    monkeypatch.setenv("ECGLIB_TRAIN", "never")
    nothing = Experiment(load_parameters("demo", **TINY, questions=tuple(TITLES)), "mitbih")
    tidy = answer_table(nothing)
    assert set(answer_summary(tidy)["answer"]) == {"not run"}
    # what a search finds is asked only where one was tested
    assert set(tidy["question"]) == set(TITLES.values()) - {TITLES["search"]}
    assert answers_on_reduced(nothing.changed(questions=("hints",))).empty
    points, views = filter_table(nothing), view_table(nothing)
    assert points.empty and views.empty and (view_summary(views).iloc[:, 1:] == "–").all(axis=None)
    figures = (
        answer_figure(tidy, "title"),
        filter_figure(points, "title"),
        view_figure(views, "title"),
    )
    assert all([text.get_text() for text in figure.axes[0].texts] == ["not run"] for figure in figures)


def test_figures_draw_the_tables(asked, tidy):
    axes = answer_figure(tidy, "title").axes[0]
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, 100 * tidy["mcc_effect"])
    points = filter_table(asked)
    assert len(points) == 6 * 2 and set(points["filters"]) == {8, 16, 32}
    axes = filter_figure(points, "title").axes[0]
    means = {line.get_xdata()[-1]: line.get_ydata()[-1] for line in axes.lines if line.get_marker() == "_"}
    of = points[(points["filters"] == 32) & (points["picture"] == "magnitude")]
    assert means[32] == pytest.approx(100 * of["mcc"].mean())


def test_views_are_those_of_the_kept_answers(asked):
    hints = asked.changed(questions=("hints",))
    answer_table(hints)
    views = view_table(hints).set_index(["model", "shows", "learnt_from"]).sort_index()
    label = asked.beats.label[asked.split.test]
    kept = [answers_to_views(one) for one in hints.repetitions[:2]]
    for model in EXPERIMENT_1:
        expected = [matthews_corrcoef(label, answers[f"{model}|shuffled"]) for answers in kept]
        found = views.loc[(model, "its samples in random order", "whole rows")]
        np.testing.assert_allclose(found["mcc"], expected, atol=1e-12)
        assert (found["mcc_people_low"] <= found["mcc_people_high"]).all()
    trained = hints.changed(rows_show="ranked", repetitions=2)
    runs = [one.run("cnn_transformer").metrics.mcc for one in trained.repetitions]
    found = views.loc[("cnn_transformer", "without its levels (ranks)", "rows like these"), "mcc"]
    assert found.tolist() == runs
    assert f"{100 * np.mean(runs):.1f} (2)" in view_summary(views.reset_index()).to_string()
    figure = view_figure(views.reset_index(), "title")
    dots = [line for axes in figure.axes for line in axes.lines if line.get_marker() in "oD"]
    assert len(dots) == len(views)
