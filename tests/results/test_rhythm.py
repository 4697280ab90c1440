"""The RR interval before a beat against a loop over beats, and the fit against one of scikit-learn's written out."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from ecglib.experiment import Experiment
from ecglib.names import EcglibError
from ecglib.parameters import load_parameters
from ecglib.results.rhythm import (
    AS_TRAINED,
    FITTED,
    WITH_RHYTHM,
    known_rhythm_summary,
    known_rhythm_table,
    relative_rr,
    rhythm_summary,
    rhythm_table,
)

TINY = {"synthetic_beats": 400, "cnn_transformer_epochs": 1, "cnn2d_epochs": 2, "fusion_epochs": 2}

pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def experiment(output) -> Experiment:
    return Experiment(load_parameters("demo", **TINY), "mitbih")


def test_interval_before_a_beat_by_its_neighbours(make_beats):
    generator = np.random.default_rng(0)
    sizes = {"a": 40, "b": 3, "c": 1, "d": 12}
    record = np.repeat(list(sizes), list(sizes.values()))
    sample = np.concatenate([np.cumsum(generator.integers(80, 400, size)) for size in sizes.values()]).astype(np.int32)
    expected = []
    for name in sizes:
        peaks = sample[record == name]
        before = [np.nan, *np.diff(peaks)]
        for beat in range(len(peaks)):
            around = [value for value in before[max(0, beat - 5) : beat + 6] if not np.isnan(value)]
            expected.append(before[beat] / np.median(around) if beat else 1.0)
    shuffled = generator.permutation(len(sample))
    beats = make_beats(len(sample), record=record, sample=sample).take(shuffled)
    np.testing.assert_allclose(relative_rr(beats), np.array(expected)[shuffled])


def test_beats_without_a_place_are_refused(make_beats):
    beats = make_beats(3, sample=np.full(3, -1, dtype=np.int32))
    beats = dataclasses.replace(beats, metadata=beats.metadata.model_copy(update={"source": "kaggle"}))
    with pytest.raises(EcglibError, match="source 'kaggle' do not say where they lie; use source physionet"):
        relative_rr(beats)


def test_every_test_beat_is_found_or_missed(experiment):
    table, metrics = rhythm_table(experiment, "late"), experiment.run("late").metrics
    found = table[table["found"]]["beats"].to_numpy()
    missed = table[~table["found"]]["beats"].to_numpy()
    assert found.tolist() == np.diagonal(metrics.confusion).tolist()
    assert (found + missed).tolist() == np.sum(metrics.confusion, axis=1).tolist()


def test_summary_of_found_and_missed():
    tidy = pd.DataFrame(
        {
            "records": ["all"] * 2,
            "class": ["S", "S"],
            "found": [True, False],
            "beats": [1465, 0],
            "lower_quartile": [0.8, np.nan],
        }
        | {"median": [0.904, np.nan], "upper_quartile": [1.0, np.nan]}
    )
    assert rhythm_summary(tidy).to_dict("records") == [
        {
            "records": "all",
            "class": "S",
            "found": "1,465",
            "RR before, found": "0.90 [0.80, 1.00]",
            "missed": "0",
            "RR before, missed": "",
        }
    ]


def test_rhythm_is_fitted_on_validation_beats_alone(experiment):
    table = known_rhythm_table(experiment, "late").set_index("classifier")
    run, split, label = experiment.run("late"), experiment.split, experiment.beats.label
    assert table.loc[AS_TRAINED, "mcc"] == run.metrics.mcc
    log_rr = np.log(relative_rr(experiment.beats))
    validation = log_softmax(experiment.validation_scores("late"), axis=1)
    test = log_softmax(run.predictions.scores.astype(float), axis=1)
    for name, columns in ((FITTED, 0), (WITH_RHYTHM, 1)):
        known = np.column_stack([validation, *[log_rr[split.validation]] * columns])
        asked = np.column_stack([test, *[log_rr[run.predictions.row]] * columns])
        predicted = LogisticRegression(max_iter=10_000).fit(known, label[split.validation]).predict(asked)
        expected = f1_score(run.predictions.label, predicted, average="macro")
        assert table.loc[name, "f1_macro"] == pytest.approx(expected)
    summary = known_rhythm_summary(table.reset_index())
    assert summary["MCC"].iloc[0] == f"{100 * run.metrics.mcc:.2f}" and "sensitivity of S" in summary


def test_validation_scores_are_those_of_the_history(experiment):
    for name in ("cnn2d", "late"):
        run = experiment.run(name)
        right = experiment.validation_scores(name).argmax(axis=1) == experiment.beats.label[experiment.split.validation]
        # but for a beat between two classes
        told = run.history["validation_accuracy"].iloc[run.best_epoch - 1]
        assert right.mean() == pytest.approx(told, abs=1.5 / len(right))
