"""Which beats a model learns from, is chosen by, and is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight

from ecglib.data.table import Beats
from ecglib.errors import EcglibError

TrainingSet = Literal["all", "half_second_largest", "half_largest"]


@dataclass(frozen=True)
class Split:
    """Row numbers of a beat table; the three have no row in common.

    Attributes
    ----------
    train, validation, test : ndarray of int
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def class_counts(label: np.ndarray, classes: int) -> np.ndarray:
    """How many beats each class has; ndarray of int, shape (classes,)."""
    return np.bincount(label, minlength=classes)


def class_weights(label: np.ndarray, classes: int) -> np.ndarray:
    """Balanced weights N / (K n_k), as scikit-learn's "balanced"; ndarray of float64, shape (classes,).

    Raises
    ------
    EcglibError
        A class has no beat, so that it has no weight.
    """
    empty = np.flatnonzero(class_counts(label, classes) == 0)
    if len(empty):
        raise EcglibError(f"class {empty[0]} has no beat to learn from; take a larger table or more of it")
    return compute_class_weight("balanced", classes=np.arange(classes), y=label)


def reduced_cap(counts: np.ndarray, rule: TrainingSet) -> int:
    """The most beats that a class keeps under a "reduced" rule.

    The report's text says that its MIT-BIH was cut "to half the largest class size" (section III.B);
    the counts and times that it prints come from half the *second* largest class, 3,215 of 6,431.

    Parameters
    ----------
    counts : ndarray of int, shape (K,)
        Beats a class of the whole training file.
    rule : {"all", "half_second_largest", "half_largest"}
    """
    if rule not in get_args(TrainingSet):
        raise EcglibError(f"training_set: {rule!r} is none of {', '.join(get_args(TrainingSet))}")
    largest = np.sort(counts)[::-1]
    return {
        "all": int(largest[0]),
        "half_second_largest": int(largest[1]) // 2,
        "half_largest": int(largest[0]) // 2,
    }[rule]


def split_beats(
    beats: Beats,
    training_set: TrainingSet = "all",
    validation_fraction: float = 0.2,
    seed: int = 0,
) -> Split:
    """Divide a table's training beats, stratified by class, into training and validation rows.

    Parameters
    ----------
    beats : Beats
    training_set : {"all", "half_second_largest", "half_largest"}
        The cap on each class of the training file, see `reduced_cap`; the test file stays whole.
    validation_fraction : float
        The share of the kept training beats that validates (the report: 0.2).
    seed : int
        Decides which beats are kept and which validate.

    Raises
    ------
    EcglibError
        A part would be empty, a class has a single training beat, or `validation_fraction` is no
        number between 0 and 1.
    """
    if not 0 < validation_fraction < 1:
        raise EcglibError(f"validation_fraction: {validation_fraction} is not between 0 and 1; the report takes 0.2")
    classes = len(beats.metadata.class_names)
    train_file = np.flatnonzero(beats.split == "train")
    test = np.flatnonzero(beats.split == "test")
    for name, rows in (("train", train_file), ("test", test)):
        if len(rows) == 0:
            raise EcglibError(f"split {name!r} of the {beats.metadata.dataset} beat table is empty; rebuild the table")

    counts = class_counts(beats.label[train_file], classes)
    cap = reduced_cap(counts, training_set)
    generator = np.random.default_rng(seed)
    rows_of_class = [train_file[beats.label[train_file] == label] for label in range(classes)]
    kept = np.concatenate([generator.permutation(rows)[:cap] for rows in rows_of_class])
    try:
        train, validation = train_test_split(
            np.sort(kept), test_size=validation_fraction, stratify=beats.label[np.sort(kept)], random_state=seed
        )
    except ValueError as error:
        raise EcglibError(f"cannot split {len(kept)} {beats.metadata.dataset} beats by class: {error}") from None
    return Split(train=np.sort(train), validation=np.sort(validation), test=test)
