"""Splits by beat, by patient and by fold: no subject on two sides, ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecglib.data import synthetic
from ecglib.data.splits import (
    DE_CHAZAL_TEST,
    DE_CHAZAL_TRAIN,
    Split,
    arrange,
    class_counts,
    kaggle_split,
    split_beats,
)
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats
from ecglib.names import EcglibError


def sides(beats: Beats, split: Split) -> list[set[str]]:
    """The subjects of the training, validation and test beats."""
    return [set(beats.subject[rows].tolist()) for rows in (split.train, split.validation, split.test)]


def assert_apart(beats: Beats, split: Split) -> None:
    train, validation, test = sides(beats, split)
    assert train and validation and test
    assert not (train & validation or train & test or validation & test)


@st.composite
def tables(draw) -> Beats:
    """Subjects with a few beats each, some of one class, some of several; folds by subject."""
    classes = draw(st.integers(2, 4))
    subjects = draw(st.lists(st.lists(st.integers(0, classes - 1), min_size=1, max_size=12), min_size=15, max_size=40))
    label = np.concatenate([np.array(labels) for labels in subjects])
    number = np.repeat(np.arange(len(subjects)), [len(labels) for labels in subjects])
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(label))
    return Beats(
        signal=np.zeros((len(label), BEAT_LENGTH), dtype=np.float32),
        label=label[order],
        record=np.array([f"r{n}" for n in number[order]]),
        subject=np.array([f"s{n}" for n in number[order]]),
        sample=np.arange(len(label), dtype=np.int32),
        split=np.full(len(label), "train"),
        fold=number[order] % 10 + 1,
        metadata=BeatMetadata(
            dataset="ptbxl",
            source="physionet",
            class_names=tuple("abcd"[:classes]),
            rate_hz=125.0,
            recipe="zeros",
        ),
    )


@settings(max_examples=150)
@given(
    tables(), st.sampled_from(["patient", "fold"]), st.sampled_from(["all", "half_second_largest"]), st.integers(0, 9)
)
def test_no_subject_on_two_sides(beats, kind, training_set, seed):
    if kind == "patient":
        # sklearn's folds need five beats of each class
        assume((class_counts(beats.label, len(beats.metadata.class_names)) >= 25).all())
    try:
        arranged = arrange(beats, kind)
        split = split_beats(arranged, training_set, 0.2, seed, kind)
    except EcglibError as error:
        # a fold or side without beats; told, not papered over
        assert "\n" not in str(error)
        return
    assert_apart(arranged, split)
    rows = np.concatenate([split.train, split.validation, split.test])
    assert len(set(rows.tolist())) == len(rows)
    assert (arranged.split[split.test] == "test").all()


@pytest.mark.parametrize("dataset", ["mitbih", "ptb", "ptbxl"])
def test_invented_beats_by_patient(dataset):
    beats = arrange(synthetic.build(dataset, 1200), "patient")
    split = split_beats(beats, "all", 0.2, 0, "patient")
    assert_apart(beats, split)
    # about a fifth of the beats, and each class is there to learn from
    assert 0.1 < len(split.test) / len(beats) < 0.3
    assert class_counts(beats.label[split.train], len(beats.metadata.class_names)).all()


def test_folds_validate_and_test():
    beats = arrange(synthetic.build("ptbxl", 600), "fold")
    split = split_beats(beats, kind="fold")
    assert set(beats.fold[split.test]) == {10} and set(beats.fold[split.validation]) == {9}
    assert set(beats.fold[split.train]) == set(range(1, 9))


def test_kaggle_rule_deals_beats_also_where_there_are_folds():
    beats = synthetic.build("ptbxl", 600)
    arranged = arrange(beats, "kaggle")
    assert (arranged.split == kaggle_split(beats.label)).all()
    train, _, test = sides(arranged, split_beats(arranged))
    assert train & test
    # the others have their own sides
    other = synthetic.build("ptb", 600)
    assert arrange(other, "kaggle") is other


def test_kaggle_rule_of_ptb():
    label = np.repeat([0, 1], [4046, 10506])
    split = kaggle_split(label)
    assert [int(((label == c) & (split == side)).sum()) for side in ("train", "test") for c in (0, 1)] == [
        3237,
        8405,
        809,
        2101,
    ]
    assert not (split[:3237] == "train").all()


def test_what_cannot_be_split_is_told(make_beats):
    beats = make_beats(40)
    with pytest.raises(EcglibError, match="split 'fold': ptb has no folds; choose kaggle or patient"):
        arrange(beats, "fold")
    with pytest.raises(EcglibError, match="split 'patient': ptb from synthetic does not name its subjects"):
        arrange(beats, "patient")
    with pytest.raises(EcglibError, match="split: 'record' is none of kaggle, patient, fold"):
        arrange(beats, "record")
    lone = replace(beats, subject=np.where(beats.label == 0, "one", "two"))
    with pytest.raises(EcglibError, match="cannot"):
        split_beats(arrange(lone, "patient"), kind="patient")


def test_de_chazal_sets():
    assert len(DE_CHAZAL_TRAIN) == 21 and len(DE_CHAZAL_TEST) == 22
    assert not set(DE_CHAZAL_TRAIN) & set(DE_CHAZAL_TEST)
    assert not {102, 104, 107, 217} & {*DE_CHAZAL_TRAIN, *DE_CHAZAL_TEST}


def test_real_mitbih_by_patient(mitbih_beats):
    beats = arrange(mitbih_beats, "patient")
    split = split_beats(beats, "half_second_largest", 0.2, 0, "patient")
    assert_apart(beats, split)
    assert beats.metadata.class_names == ("N", "S", "V", "F")
    assert set(beats.record[split.test].astype(int)) == set(DE_CHAZAL_TEST)
    # the paper counts 44,259 N, 1,837 S, 3,221 V, 388 F in its second set; the last beat of each of the 22 records
    # is not in the Kaggle recipe
    assert class_counts(beats.label[split.test], 4).tolist() == [44238, 1836, 3221, 388]
    assert class_counts(beats.label[beats.split == "train"], 4).tolist() == [44211, 815, 3590, 413]
    assert class_counts(beats.label[split.train], 4).all()
    # the signals are the table's own
    row = int(split.test[0])
    same = (mitbih_beats.record == beats.record[row]) & (mitbih_beats.sample == beats.sample[row])
    np.testing.assert_array_equal(mitbih_beats.signal[same][0], beats.signal[row])


def test_real_mitbih_by_beat_has_every_record_on_both_sides(mitbih_beats):
    train, _, test = sides(mitbih_beats, split_beats(arrange(mitbih_beats, "kaggle")))
    assert len(train & test) == 47
