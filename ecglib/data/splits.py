"""Which beats a model learns from, is chosen by, and is tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ecglib.data.table import Beats
from ecglib.names import EcglibError, SplitKind, TrainingSet

KAGGLE_SEED = 42
KAGGLE_TRAINING_SHARE = 0.8
# De Chazal et al. 2004, doi 10.1109/TBME.2004.827359. Their first set has record 201 too, but that is the
# person of record 202 in the second; it is left out, so that the second set is the one that others test on.
# fmt: off
DE_CHAZAL_TRAIN = (
    101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 203, 205, 207, 208, 209, 215, 220, 223, 230,
)
DE_CHAZAL_TEST = (
    100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234,
)
PACED = (102, 104, 107, 217)
# the folds of mitdb that ECGBench 1.0.0 (github.com/vlbthambawita/ECGBench) deals: scikit-learn's StratifiedGroupKFold
# with seed 42, grouped by tape (201 and 202 are of one), stratified by whether a record's number is below 200
ECGBENCH_FOLDS = (
    (100, 107, 201, 202, 233), (112, 119, 124, 208, 217), (102, 103, 104, 212, 221), (105, 113, 205, 231, 232),
    (111, 116, 210, 213, 219), (114, 115, 214, 223, 228), (101, 122, 123, 207, 220), (109, 121, 200, 215, 222),
    (106, 108, 203, 209), (117, 118, 230, 234),
)
# fmt: on


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
    counts = class_counts(label, classes)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise EcglibError(f"class {empty[0]} has no beat to learn from; take a larger table or more of it")
    return len(label) / (classes * counts)


def kaggle_split(label: np.ndarray) -> np.ndarray:
    """Each class shuffled with seed 42, the first 80 % of it to train; ndarray of "train" and "test", shape (N,).

    The rule of Vindas et al. (2022, PMLR 182:270-296) for PTB, whose Kaggle files have no test file. It
    deals beats, not subjects.
    """
    split = np.full(len(label), "test", dtype="<U5")
    for value in np.unique(label):
        rows = np.flatnonzero(label == value)
        order = np.random.RandomState(KAGGLE_SEED).permutation(len(rows))
        split[rows[order[: round(KAGGLE_TRAINING_SHARE * len(rows))]]] = "train"
    return split


def reduced_cap(counts: np.ndarray, rule: TrainingSet) -> int:
    """The most beats that a class keeps under a "reduced" rule.

    The report's text says that its MIT-BIH was cut "to half the largest class size" (section III.B);
    the counts and times that it prints come from half the *second* largest class, 3,215 of 6,431.

    Parameters
    ----------
    counts : ndarray of int, shape (K,)
        Beats a class of the whole training file.
    rule : {"all", "half_second_largest", "half_largest"}

    Raises
    ------
    EcglibError
        The rule is unknown, or asks for a second class where there is one.
    """
    if rule not in get_args(TrainingSet):
        raise EcglibError(f"training_set: {rule!r} is none of {', '.join(get_args(TrainingSet))}")
    largest = np.sort(counts)[::-1]
    if rule == "half_second_largest":
        if len(largest) < 2:
            raise EcglibError("training_set: half_second_largest needs two classes, but the training beats are of one")
        return int(largest[1]) // 2
    return int(largest[0]) if rule == "all" else int(largest[0]) // 2


def arrange(beats: Beats, kind: SplitKind, test_fold: int | None = None) -> Beats:
    """The beats with their training and test sides as `kind` says.

    Parameters
    ----------
    beats : Beats
    kind : {"kaggle", "patient", "fold"}
        "kaggle" deals beats: the Kaggle files' own sides, or `kaggle_split` for a table with folds.
        "fold" takes the data set's folds, the last of which tests. "patient" keeps each subject on one
        side: MIT-BIH by DS1 and DS2 of de Chazal et al., without the paced records, class Q and record
        201 (see `DE_CHAZAL_TRAIN`); any other table with a fifth of its subjects, chosen so that the
        classes keep their shares, on the test side.
    test_fold : {1, 2, 3, 4, 5}, optional
        Of the five folds of subjects, which one tests under "patient", for a table that is not MIT-BIH's; each
        subject is in one of them, so that five trainings test everybody once. By default it is the fold whose
        classes come nearest to a fifth.

    Raises
    ------
    EcglibError
        The table has no folds, or does not know its subjects; `test_fold` is given where no fold is chosen.
    """
    metadata = beats.metadata
    if test_fold is not None and (kind != "patient" or metadata.dataset == "mitbih"):
        raise EcglibError(
            f"test_fold: split {kind!r} of {metadata.dataset} has fixed sides; leave it out, or take split 'patient'"
        )
    if kind not in get_args(SplitKind):
        raise EcglibError(f"split: {kind!r} is none of {', '.join(get_args(SplitKind))}")
    if kind == "fold":
        if beats.fold is None:
            raise EcglibError(f"split 'fold': {metadata.dataset} has no folds; choose kaggle or patient")
        return replace(beats, split=np.where(beats.fold == beats.fold.max(), "test", "train"))
    if kind == "kaggle":
        return beats if beats.fold is None else replace(beats, split=kaggle_split(beats.label))
    if (beats.subject == "").any():
        raise EcglibError(
            f"split 'patient': {metadata.dataset} from {metadata.source} does not name its subjects; "
            "choose source physionet or split kaggle"
        )
    if metadata.dataset == "mitbih" and metadata.source == "physionet":
        return _de_chazal(beats)
    test = _fold_of_subjects(beats.label, beats.subject, 1 - KAGGLE_TRAINING_SHARE, KAGGLE_SEED, test_fold)
    return replace(beats, split=np.where(test, "test", "train"))


def arrangement(kind: SplitKind, test_fold: int | None) -> str:
    """The name of a way to arrange a table: "kaggle", "patient", "fold", "patient-1", ..."""
    return kind if test_fold is None else f"{kind}-{test_fold}"


def _de_chazal(beats: Beats) -> Beats:
    record = beats.record.astype(np.int64)
    train, test = np.isin(record, DE_CHAZAL_TRAIN), np.isin(record, DE_CHAZAL_TEST)
    class_names = beats.metadata.class_names
    kept = (train | test) & (beats.label != class_names.index("Q"))
    arranged = replace(beats, split=np.where(test, "test", "train")).take(kept)
    # Q is the last class, so that the labels of the others stay
    return replace(arranged, metadata=beats.metadata.model_copy(update={"class_names": class_names[:-1]}))


def _fold_of_subjects(
    label: np.ndarray, subject: np.ndarray, share: float, seed: int, number: int | None = None
) -> np.ndarray:
    """A mask of about `share` of the rows: whole subjects, stratified by class.

    Of the folds it is the `number`-th, or the one whose classes' shares are nearest to `share`.
    """
    # imported where it is used, here and below: it takes a second
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(max(2, round(1 / share)), shuffle=True, random_state=seed)
    of_class = class_counts(label, label.max() + 1)

    def distance(rows: np.ndarray) -> float:
        found = class_counts(label[rows], len(of_class))[of_class > 0] / of_class[of_class > 0]
        return float(np.abs(found - share).sum())

    try:
        parts = [rows for _, rows in folds.split(label, label, subject)]
    except ValueError as error:
        raise EcglibError(f"cannot split {len(label)} beats by subject: {error}") from None
    mask = np.zeros(len(label), dtype=bool)
    mask[min(parts, key=distance) if number is None else parts[number - 1]] = True
    return mask


def split_beats(
    beats: Beats,
    training_set: TrainingSet = "all",
    validation_fraction: float = 0.2,
    seed: int = 0,
    kind: SplitKind = "kaggle",
) -> Split:
    """Divide the training beats of an arranged table, stratified by class, into training and validation rows.

    Parameters
    ----------
    beats : Beats
    training_set : {"all", "half_second_largest", "half_largest"}
        The cap on each class of the training file, see `reduced_cap`; the test file stays whole.
    validation_fraction : float
        The share of the kept training beats that validates (the report: 0.2).
    seed : int
        Decides which beats are kept and which validate.
    kind : {"kaggle", "patient", "fold"}
        As the table was arranged (`arrange`): "patient" validates with whole subjects, "fold" with the
        last but one of the folds, whatever `validation_fraction` says.

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
    kept = np.sort(np.concatenate([generator.permutation(rows)[:cap] for rows in rows_of_class]))
    try:
        if kind == "fold":
            validating = beats.fold[kept] == beats.fold.max() - 1
        elif kind == "patient":
            validating = _fold_of_subjects(beats.label[kept], beats.subject[kept], validation_fraction, seed)
        else:
            from sklearn.model_selection import train_test_split

            _, validation = train_test_split(
                kept, test_size=validation_fraction, stratify=beats.label[kept], random_state=seed
            )
            validating = np.isin(kept, validation)
    except ValueError as error:
        raise EcglibError(f"cannot split {len(kept)} {beats.metadata.dataset} beats by class: {error}") from None
    if validating.all() or not validating.any():
        raise EcglibError(f"cannot split {len(kept)} {beats.metadata.dataset} beats: one side would be empty")
    return Split(train=kept[~validating], validation=kept[validating], test=test)
