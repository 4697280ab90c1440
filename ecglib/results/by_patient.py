"""One patient, two files: what a split by beats shares between training and test, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.data.table import Beats
from ecglib.experiment import Experiment, may_train
from ecglib.metrics import Metrics, evaluate, subject_intervals
from ecglib.names import EXPERIMENT_1, HEADLINE_METRICS, METRIC_TITLES, MODEL_TITLES, ModelName, SplitKind
from ecglib.results.tables import class_metric_summary, class_metric_table

BY_BEAT, SAME_PEOPLE, BY_PATIENT = "by beat", "by beat, these patients only", "by patient"


def patient_split(beats: Beats) -> SplitKind:
    """The split that keeps a table's patients apart: its own folds, or else by patient."""
    return "patient" if beats.fold is None else "fold"


def sides_of_both_splits(experiment: Experiment) -> dict[str, pd.DataFrame]:
    """`sides_by_record` of a data set's beats, dealt as on Kaggle and by patient; empty where patients are unknown."""
    if (experiment.data.table.subject == "").any():
        nothing = pd.DataFrame(columns=["subject", "train", "test"])
        return {"by beat": nothing, "by patient": nothing}
    kinds = {"by beat": "kaggle", "by patient": patient_split(experiment.data.table)}
    return {name: sides_by_record(experiment.split_by(kind).beats) for name, kind in kinds.items()}


def sides_by_record(beats: Beats) -> pd.DataFrame:
    """Beats of each record on either side of a split.

    Returns
    -------
    DataFrame
        One row a record, sorted; columns subject, train and test (beats).
    """
    frame = pd.DataFrame({"record": beats.record, "subject": beats.subject, "side": beats.split})
    counts = frame.groupby(["record", "subject"])["side"].value_counts().unstack(fill_value=0)
    return counts.reindex(columns=["train", "test"], fill_value=0).reset_index("subject").rename_axis(columns=None)


def shared_subjects(sides: pd.DataFrame) -> tuple[int, int]:
    """How many subjects of `sides_by_record` have beats on both sides, and how many there are."""
    by_subject = sides.groupby("subject")[["train", "test"]].sum()
    return int((by_subject > 0).all(axis=1).sum()), len(by_subject)


def shared_sentence(sides: pd.DataFrame) -> str:
    """The counts of `shared_subjects` in words."""
    shared, subjects = shared_subjects(sides)
    return (
        f"{shared:,} of {subjects:,} patients on both sides"
        if subjects
        else "the files do not say whose beats these are"
    )


@dataclass(frozen=True)
class Scored:
    """One model tested on one choice of beats.

    Attributes
    ----------
    model : str
    split : str
        "by beat", "by beat, the people of the last row" or "by patient".
    metrics : Metrics
        Its intervals are bootstrap intervals over subjects.
    beats, subjects : int
        What was tested on.
    """

    model: ModelName
    split: str
    metrics: Metrics
    beats: int
    subjects: int


def by_patient_experiments(experiment: Experiment) -> tuple[Experiment, ...]:
    """The experiment with each patient on one side: one, or five that test each patient of PTB once."""
    kind = patient_split(experiment.data.table)
    if experiment.dataset == "ptb" and not experiment.beats.metadata.is_synthetic:
        return tuple(experiment.changed(split=kind, test_fold=fold) for fold in range(1, 6))
    return (experiment.split_by(kind),)


def compare(
    by_beat: Experiment, by_patient: Sequence[Experiment], models: Sequence[ModelName] = EXPERIMENT_1
) -> list[Scored]:
    """Test results of each model under both splits, three rows a model.

    The split by patient may leave out records and the last class (MIT-BIH: paced records, Q). So that the
    two can be compared, the model trained by beats is scored a second time on those of its test beats that
    belong to the test side of the split by patient, among the classes of that split. It has seen other
    beats of these people in training; the last row's model has not. Where nothing may be trained, the models
    whose runs are there.
    """
    classes = len(by_patient[0].class_names)
    tested_records = np.concatenate([np.unique(one.beats.record[one.split.test]) for one in by_patient])
    rows = []
    for model in models:
        if not may_train() and not all(one.has(model) for one in (by_beat, *by_patient)):
            continue
        seen = by_beat.run(model).predictions
        subject = by_beat.beats.subject[seen.row]
        of_people = np.isin(by_beat.beats.record[seen.row], tested_records) & (seen.label < classes)
        unseen = [(one.beats.subject, one.run(model).predictions) for one in by_patient]
        rows += [
            _score(model, BY_BEAT, subject, seen.label, seen.scores),
            _score(model, SAME_PEOPLE, subject[of_people], seen.label[of_people], seen.scores[of_people, :classes]),
            _score(
                model,
                BY_PATIENT,
                np.concatenate([of[found.row] for of, found in unseen]),
                np.concatenate([found.label for _, found in unseen]),
                np.concatenate([found.scores for _, found in unseen]),
            ),
        ]
    return rows


def _score(model: ModelName, split: str, subject: np.ndarray, label: np.ndarray, scores: np.ndarray) -> Scored:
    metrics = evaluate(label, scores)
    metrics.interval.update(subject_intervals(label, scores, subject))
    return Scored(model, split, metrics, len(label), len(np.unique(subject)))


def comparison_table(rows: Sequence[Scored]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`compare` as a tidy table of fractions, and as one for readers in percent.

    Returns
    -------
    tidy : DataFrame
        Columns model, split, beats, subjects, then each headline metric with ``_low`` and ``_high``.
    wide : DataFrame
    """
    tidy, wide = [], []
    for row in rows:
        shared = {"split": row.split, "beats": row.beats, "subjects": row.subjects}
        numbers: dict[str, float] = {}
        cells: dict[str, str] = {}
        for metric in HEADLINE_METRICS:
            value, (low, high) = getattr(row.metrics, metric), row.metrics.interval[metric]
            numbers |= {metric: value, f"{metric}_low": low, f"{metric}_high": high}
            cells[METRIC_TITLES[metric]] = f"{100 * value:.2f} [{100 * low:.1f}, {100 * high:.1f}]"
        tidy.append({"model": row.model, **shared, **numbers})
        counts = {"test beats": f"{row.beats:,}", "patients": f"{row.subjects:,}"}
        wide.append({"model": MODEL_TITLES[row.model], "split": row.split, **counts, **cells})
    return pd.DataFrame(tidy), pd.DataFrame(wide)


def class_table(rows: Sequence[Scored], class_names: Sequence[str]) -> pd.DataFrame:
    """`ecglib.results.tables.class_metric_table` of the same people known and new, behind columns model and split."""
    tables = []
    for row in rows:
        if row.split != BY_BEAT:
            table = class_metric_table(row.metrics, class_names)
            table.insert(0, "split", row.split)
            table.insert(0, "model", row.model)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def class_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`class_table` for readers, in percent."""
    return class_metric_summary(tidy.assign(model=[MODEL_TITLES[model] for model in tidy["model"]]))
