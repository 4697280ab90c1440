"""Splits: no beat twice, none lost, every class in its share, the report's counts."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from ecglib.data import mitbih
from ecglib.data.splits import arrange, class_counts, class_weights, reduced_cap, split_beats
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats
from ecglib.names import EcglibError

RULES = ("all", "half_second_largest", "half_largest")


def beats_of(train: list[int], test: list[int], seed: int = 0) -> Beats:
    """A table with so many beats of each class in either file, in random order."""
    classes = len(train)
    label = np.concatenate([np.repeat(np.arange(classes), train), np.repeat(np.arange(classes), test)])
    split = np.repeat(["train", "test"], [sum(train), sum(test)])
    order = np.random.default_rng(seed).permutation(len(label))
    names = tuple(f"class {number}" for number in range(classes))
    return Beats(
        signal=np.zeros((len(label), BEAT_LENGTH), dtype=np.float32),
        label=label[order],
        record=np.full(len(label), ""),
        subject=np.full(len(label), ""),
        sample=np.full(len(label), -1, dtype=np.int32),
        split=split[order],
        metadata=BeatMetadata(dataset="ptb", source="synthetic", class_names=names, rate_hz=125.0, recipe="zeros"),
    )


@settings(deadline=None, max_examples=100)
@given(
    # four of a class leave two after halving, which is the least that can be stratified
    train=st.lists(st.integers(4, 90), min_size=2, max_size=6),
    test=st.integers(1, 30),
    rule=st.sampled_from(RULES),
    fraction=st.sampled_from([0.1, 0.2, 0.35, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_split_is_disjoint_complete_capped_and_stratified(train, test, rule, fraction, seed):
    beats = beats_of(train, [test] * len(train))
    largest = sorted(train, reverse=True)
    cap = {"all": largest[0], "half_second_largest": largest[1] // 2, "half_largest": largest[0] // 2}[rule]
    kept = [min(count, cap) for count in train]
    validating = math.ceil(fraction * sum(kept))
    if min(validating, sum(kept) - validating) < len(train):
        with pytest.raises(EcglibError, match="cannot split"):
            split_beats(beats, rule, fraction, seed)
        return
    split = split_beats(beats, rule, fraction, seed)

    rows = np.concatenate([split.train, split.validation, split.test])
    assert len(set(rows.tolist())) == len(rows)
    assert set(split.test.tolist()) == set(np.flatnonzero(beats.split == "test").tolist())
    assert (beats.split[split.train] == "train").all() and (beats.split[split.validation] == "train").all()

    count = [class_counts(beats.label[part], len(train)) for part in (split.train, split.validation)]
    assert (count[0] + count[1]).tolist() == kept
    assert count[1].sum() == validating
    for part in count:
        for found, whole in zip(part.tolist(), kept, strict=True):
            assert abs(found - Fraction(whole * int(part.sum()), sum(kept))) <= 1


def test_the_seed_alone_decides():
    beats = beats_of([300, 200, 50], [10, 10, 10])
    first, again, other = (split_beats(beats, "half_second_largest", seed=seed) for seed in (3, 3, 4))
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert set(first.train.tolist()) != set(other.train.tolist())
    # another seed keeps other beats, too, not only divides them otherwise
    assert set(np.concatenate([first.train, first.validation])) != set(np.concatenate([other.train, other.validation]))


@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=2, max_size=6))
def test_class_weights_are_the_balanced_ones(counts):
    label = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    weights = class_weights(label, len(counts))
    by_hand = [float(Fraction(sum(counts), len(counts) * count)) for count in counts]
    np.testing.assert_allclose(weights, by_hand, rtol=1e-14)
    np.testing.assert_array_equal(
        weights, compute_class_weight("balanced", classes=np.arange(len(counts)), y=label), strict=True
    )


def test_class_without_a_beat_has_no_weight():
    with pytest.raises(EcglibError, match="class 2 has no beat to learn from"):
        class_weights(np.array([0, 1, 1, 3]), 4)


def test_caps_of_the_report():
    # beats a class of Kaggle's training file
    counts = np.array([72471, 2223, 5788, 641, 6431])
    assert [reduced_cap(counts, rule) for rule in RULES] == [72471, 3215, 36235]


def test_unknown_rule_is_refused_with_the_known_ones():
    with pytest.raises(EcglibError, match="training_set: 'half' is none of all, half_second_largest, half_largest"):
        split_beats(beats_of([9, 9], [1, 1]), "half")


def test_one_class_has_no_second_largest():
    with pytest.raises(EcglibError, match=r"^training_set: half_second_largest needs two classes"):
        reduced_cap(np.array([9]), "half_second_largest")
    assert [reduced_cap(np.array([9]), rule) for rule in ("all", "half_largest")] == [9, 4]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.2, 5, math.nan])
def test_fraction_outside_0_to_1(fraction):
    with pytest.raises(EcglibError, match=r"^validation_fraction: .* is not between 0 and 1"):
        split_beats(beats_of([9, 9], [1, 1]), validation_fraction=fraction)


@pytest.mark.parametrize(("train", "test", "missing"), [([9, 9], [0, 0], "test"), ([0, 0], [9, 9], "train")])
def test_empty_file(train, test, missing):
    with pytest.raises(EcglibError, match=f"split '{missing}' of the ptb beat table is empty"):
        split_beats(beats_of(train, test))


def test_class_with_a_single_beat():
    with pytest.raises(EcglibError, match="cannot split 41 ptb beats by class") as caught:
        split_beats(beats_of([40, 1], [5, 5]))
    assert "\n" not in str(caught.value)


def test_real_reduced_counts(mitbih_beats):
    split = split_beats(mitbih_beats, "half_second_largest", 0.2, 0)
    kept = np.concatenate([split.train, split.validation])
    found = dict(zip(mitbih.CLASS_NAMES, class_counts(mitbih_beats.label[kept], 5).tolist(), strict=True))
    assert found == {"N": 3215, "S": 2223, "V": 3215, "F": 641, "Q": 3215}
    assert (len(kept), len(split.train), len(split.validation), len(split.test)) == (12509, 10007, 2502, 21892)
    assert class_counts(mitbih_beats.label[split.validation], 5).tolist() == [643, 445, 643, 128, 643]


def test_real_whole_training_file(mitbih_beats):
    split = split_beats(mitbih_beats)
    assert (len(split.train), len(split.validation), len(split.test)) == (70043, 17511, 21892)


def test_each_subject_is_tested_in_one_of_five_folds(make_beats):
    subjects = np.array([f"s{number // 4}" for number in range(80)])
    beats = make_beats(80, label=np.arange(80) // 40, subject=subjects)
    tested = [set(part.subject[part.split == "test"]) for part in (arrange(beats, "patient", k) for k in range(1, 6))]
    assert sum(map(len, tested)) == 20 and set.union(*tested) == set(subjects)


def test_a_fold_is_refused_where_the_sides_are_fixed(make_beats):
    with pytest.raises(EcglibError, match=r"test_fold: split 'kaggle' of .* has fixed sides"):
        arrange(make_beats(), "kaggle", 1)
