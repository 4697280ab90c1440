"""Open questions: every side can be asked for, differs in what it says, and is trained once."""

import numpy as np
import pytest

from ecglib import files
from ecglib.data.views import ROW_VIEWS, show
from ecglib.experiment import Experiment
from ecglib.names import EXPERIMENT_1
from ecglib.parameters import load_parameters
from ecglib.results.ledger import Ledger
from ecglib.results.questions import FROM_SCRATCH, LEARNT_FROM, ON_A_GPU, TITLES, answers_to_views, questions

PARAMETERS = load_parameters("questions")


def test_every_side_can_be_asked_for():
    changes = questions(PARAMETERS)
    # searches are of another profile
    assert {change.where for change in changes} == set(TITLES.values()) - {TITLES["search"]}
    assert len({change.title for change in changes}) == len(changes)
    for change in changes:
        for side in (change.without, change.with_it):
            assert load_parameters("questions", **side) == PARAMETERS.model_copy(update=side)
        labels = [PARAMETERS.model_copy(update=side).label for side in (change.without, change.with_it)]
        assert labels[0] != labels[1] or change.title == ON_A_GPU


def test_a_profile_answers_what_it_asks():
    assert questions(load_parameters("short")) == ()
    asked = questions(load_parameters("questions", questions=("hints",)))
    assert [change.with_it["rows_show"] for change in asked] == list(LEARNT_FROM)


def test_the_recipe_is_that_of_the_profile_short():
    short = load_parameters("short").model_dump()
    differing = {key for key, value in PARAMETERS.model_dump().items() if short[key] != value}
    assert differing == {"profile", "questions", "by_patient", "compared_with", "overview", "repetitions"}


def test_a_side_can_be_of_another_profile(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    monkeypatch.setenv("ECGLIB_TRAIN", "never")
    ledger = Ledger(Experiment(PARAMETERS, "mitbih"), questions(PARAMETERS))
    change = next(change for change in ledger.changes if change.title == ON_A_GPU)
    pairs = list(ledger.experiments(change, "cnn2d"))
    shorts = Experiment(load_parameters("short"), "mitbih").repetitions
    assert [one.folder for one, _ in pairs] == [one.folder for one in shorts[: PARAMETERS.repetitions]]
    for without, with_it in ledger.pairs(change, "cnn2d"):
        np.testing.assert_array_equal(without.predictions.row, with_it.predictions.row)
        assert without.identity == with_it.identity
        assert ("NVIDIA" in without.hardware, "NVIDIA" in with_it.hardware) == (False, True)


@pytest.mark.parametrize("profile", ["short", "ledger", "demo"])
def test_machines_are_compared_by_one_recipe_only(profile):
    changes = questions(load_parameters(profile, questions=("unfrozen",)))
    assert FROM_SCRATCH in {change.title for change in changes}
    assert ON_A_GPU not in {change.title for change in changes}


@pytest.mark.usefixtures("output")
def test_models_are_tested_on_rows_that_they_did_not_learn_from():
    sizes = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
    one = Experiment(load_parameters("demo", **sizes), "mitbih")
    kept = answers_to_views(one)
    assert set(kept) == {f"{model}|{view}" for model in EXPERIMENT_1 for view in ROW_VIEWS}
    for model in EXPERIMENT_1:
        predictions = one.run(model).predictions
        assert (kept[f"{model}|whole"] == predictions.scores.argmax(axis=1)).mean() > 0.95
        hidden = one.scores(model, show("ranked", one.data.signal_of("test"))).argmax(axis=1)
        np.testing.assert_array_equal(kept[f"{model}|ranked"], hidden)
