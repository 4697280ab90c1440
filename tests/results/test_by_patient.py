"""One patient, two files: counts by record, and both splits side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecglib.experiment import Experiment
from ecglib.figures.beats import sides_figure
from ecglib.figures.results import sensitivity_figure
from ecglib.metrics import evaluate
from ecglib.names import EXPERIMENT_1, HEADLINE_METRICS
from ecglib.parameters import load_parameters
from ecglib.results.by_patient import (
    BY_BEAT,
    BY_PATIENT,
    SAME_PEOPLE,
    by_patient_experiments,
    compare,
    comparison_table,
    patient_split,
    shared_sentence,
    shared_subjects,
    sides_by_record,
    sides_of_both_splits,
)

TINY = {"synthetic_beats": 300, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory) -> Experiment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        yield Experiment(load_parameters("demo", datasets=["ptbxl"], **TINY), "ptbxl")


@pytest.fixture(scope="module")
def rows(experiment):
    return compare(experiment.split_by("kaggle"), by_patient_experiments(experiment))


def test_five_folds_test_each_patient_of_ptb_once():
    folds = by_patient_experiments(Experiment(load_parameters("ptb"), "ptb"))
    tested = [set(one.beats.subject[one.split.test]) for one in folds]
    trained = [set(one.beats.subject[np.concatenate([one.split.train, one.split.validation])]) for one in folds]
    assert sum(map(len, tested)) == len(set.union(*tested)) == len(set(folds[0].beats.subject))
    assert not any(new & known for new, known in zip(tested, trained, strict=True))


def test_counts_of_a_table_made_by_hand(make_beats):
    beats = make_beats(
        6,
        record=np.array(["a", "a", "b", "b", "c", "c"]),
        subject=np.array(["one", "one", "one", "one", "two", "two"]),
        split=np.array(["train", "train", "test", "test", "train", "train"]),
    )
    sides = sides_by_record(beats)
    assert sides.to_dict("index") == {
        "a": {"subject": "one", "train": 2, "test": 0},
        "b": {"subject": "one", "train": 0, "test": 2},
        "c": {"subject": "two", "train": 2, "test": 0},
    }
    # one person's two records lie on two sides
    assert shared_subjects(sides) == (1, 2)
    assert shared_sentence(sides) == "1 of 2 patients on both sides"


def test_both_splits_of_invented_beats(experiment):
    sides = sides_of_both_splits(experiment)
    assert shared_subjects(sides["by patient"])[0] == 0
    shared, subjects = shared_subjects(sides["by beat"])
    assert subjects == len(set(experiment.data.table.subject)) and shared > 0.5 * subjects
    for table in sides.values():
        assert table[["train", "test"]].to_numpy().sum() == len(experiment.data.table)
    figure = sides_figure(sides, "title")
    assert len(figure.axes) == 2
    for axes, table in zip(figure.axes, sides.values(), strict=True):
        assert len(axes.patches) == 2 * len(table)
        assert shared_sentence(table) in axes.get_title(loc="left")


def test_beats_without_patients_are_told(experiment):
    unknown = Experiment(experiment.parameters, "ptbxl")
    unknown.data.__dict__["table"] = replace(experiment.data.table, subject=np.full(len(experiment.data.table), ""))
    sides = sides_of_both_splits(unknown)
    assert "do not say whose" in shared_sentence(sides["by beat"])
    assert "do not say whose" in sides_figure(sides, "title").axes[0].get_title(loc="left")


def test_the_split_that_keeps_patients_apart(experiment):
    assert patient_split(experiment.data.table) == "fold"
    assert patient_split(replace(experiment.data.table, fold=None)) == "patient"
    assert experiment.split_by("fold") is experiment
    by_beat = experiment.split_by("kaggle")
    assert by_beat.parameters.split == "kaggle" and by_beat.data.table is experiment.data.table
    assert by_beat.parameters.label != experiment.parameters.label
    # back to the usual one, under the usual name
    assert by_beat.split_by("fold").parameters.label == experiment.parameters.label


def test_three_rows_a_model_of_the_right_beats(experiment, rows):
    assert [(row.model, row.split) for row in rows] == [
        (model, split) for model in ("cnn_transformer", "cnn2d", "late") for split in (BY_BEAT, SAME_PEOPLE, BY_PATIENT)
    ]
    by_beat = experiment.split_by("kaggle")
    of_last_fold = by_beat.beats.fold[by_beat.split.test] == 10
    known, same, unknown = rows[:3]
    assert (known.beats, same.beats, unknown.beats) == (
        len(of_last_fold),
        of_last_fold.sum(),
        (experiment.data.table.fold == 10).sum(),
    )
    predictions = by_beat.run("cnn_transformer").predictions
    expected = evaluate(predictions.label[of_last_fold], predictions.scores[of_last_fold])
    assert same.metrics.confusion == expected.confusion
    table = experiment.data.table
    assert same.subjects <= unknown.subjects == len(set(table.subject[table.fold == 10]))


def test_tables_hold_the_metrics(rows):
    tidy, wide = comparison_table(rows)
    assert len(tidy) == len(wide) == len(rows)
    for row, numbers, cells in zip(rows, tidy.to_dict("records"), wide.to_dict("records"), strict=True):
        for metric in HEADLINE_METRICS:
            assert numbers[metric] == getattr(row.metrics, metric)
            assert numbers[f"{metric}_low"] <= numbers[f"{metric}_high"]
        assert cells["accuracy"].startswith(f"{100 * row.metrics.accuracy:.2f} [")


def test_figure_shows_sensitivity_and_predictive_value(rows, experiment):
    figure = sensitivity_figure(rows, experiment.class_names, "title")
    panels = [(metric, model) for metric in ("sensitivity", "positive_predictive_value") for model in EXPERIMENT_1]
    for axes, (metric, model) in zip(figure.axes, panels, strict=True):
        drawn = [line.get_xdata().tolist() for line in axes.lines]
        of = {row.split: getattr(row.metrics, metric) for row in rows if row.model == model}
        assert drawn == [of[SAME_PEOPLE], of[BY_PATIENT]]
