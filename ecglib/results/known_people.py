"""The ladder where it knows the patients, as on Kaggle's split, and with all patients by the folds of ECGBench."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.data.context import rows_of, unpaced_beats
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.designs.context import LADDER, read_answers
from ecglib.experiment import Experiment
from ecglib.names import EcglibError
from ecglib.results.new_people import (
    ALL,
    TITLES,
    WITHOUT,
    bounded,
    model_title,
    of_beats,
    of_records,
    papers_answers,
    papers_experiments,
    percent,
    side_of,
    with_intervals,
)
from ecglib.results.rhythm import DOMINANT_RECORD

KNOWN, NEW = "known", "new"
OF_DS2 = "of DS2"
_SHOWN = ("mcc", "f1_nsv", "sveb_se", "sveb_ppv", "sveb_f1", "veb_se", "veb_ppv", "veb_f1")


def known_table(experiment: Experiment) -> pd.DataFrame:
    """Every model of the ladder on the same beats of DS2's patients, known and new, tidy.

    The beats are those in Kaggle's test file. A model that knows the patients was trained on Kaggle's training file
    without paced records and class Q; late fusion of `experiment` on that file, cut as its profile says.

    Returns
    -------
    DataFrame
        One row a model and ``patients`` ("known", "new"); columns beats, and the numbers of
        `ecglib.results.new_people.TITLES` with ``_low`` and ``_high`` (95 % bootstrap over patients).
    """
    beats, answers = side_of("known"), {KNOWN: read_answers("known"), NEW: read_answers("test")}
    whole = unpaced_beats()
    among = rows_of("known", whole)[rows_of("test", whole)]
    found = {}
    for model, one in papers_experiments(experiment).items():
        found[model, KNOWN] = _papers_answers_known(one)
        found[model, NEW] = papers_answers(one, side_of("test"))[among]
    for model in LADDER:
        found |= {(model, KNOWN): answers[KNOWN][model].to_numpy(), (model, NEW): answers[NEW][model].to_numpy()[among]}
    rows = [
        {"model": model, "patients": patients, "beats": len(beats), **with_intervals(of_beats(beats, predicted))}
        for (model, patients), predicted in found.items()
    ]
    return pd.DataFrame(rows)


def _papers_answers_known(experiment: Experiment) -> np.ndarray:
    """What late fusion, trained on Kaggle's training file, says of the beats of the side "known"; Q is no answer."""
    by_beat, beats = experiment.split_by("kaggle"), side_of("known")
    predictions = by_beat.run("late").predictions
    record, sample = (getattr(by_beat.beats, name)[predictions.row] for name in ("record", "sample"))
    place = {one: number for number, one in enumerate(zip(record, sample, strict=True))}
    try:
        rows = [place[one] for one in zip(beats.record, beats.sample, strict=True)]
    except KeyError as error:
        raise EcglibError(
            f"late fusion of {experiment.parameters.label} was not tested on beat {error.args[0]}; take a profile of "
            "MIT-BIH from PhysioNet"
        ) from None
    return predictions.scores[rows, :4].argmax(axis=1)


def known_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`known_table` for readers, in percent, known and new side by side."""
    shown = {"model": [model_title(model) for model in dict.fromkeys(tidy["model"])]}
    for name in ("mcc", "f1_nsv", "sveb_f1", "veb_f1"):
        for patients in (NEW, KNOWN):
            rows = tidy[tidy["patients"] == patients]
            shown[f"{TITLES[name]}, {patients}"] = (
                bounded(rows, name) if name == "mcc" else rows[name].map(percent).to_list()
            )
    return pd.DataFrame(shown)


def fold_table() -> pd.DataFrame:
    """The models that were tested by the folds of ECGBench, each patient by those trained without him, tidy.

    Returns
    -------
    DataFrame
        One row a model and choice of records (all 44, without 232, those of DS2); columns records, patients, and the
        numbers of `ecglib.results.new_people.TITLES` with ``_low`` and ``_high`` (95 % bootstrap over patients; 201
        and 202 are one).
    """
    beats, found = side_of("ecgbench"), read_answers("ecgbench")
    of_ds2 = np.isin(beats.record.astype(np.int64), DE_CHAZAL_TEST)
    rows = []
    for model in found:
        choices = {ALL: np.ones(len(beats), dtype=bool), WITHOUT: beats.record != DOMINANT_RECORD, OF_DS2: of_ds2}
        for records, kept in choices.items():
            confusion = of_records(beats.subject[kept], beats.label[kept], found[model].to_numpy()[kept])
            row = {"model": model, "records": records, "patients": len(confusion)}
            rows.append(row | with_intervals(confusion))
    return pd.DataFrame(rows)


def fold_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`fold_table` for readers, in percent."""
    shown = pd.DataFrame({"model": tidy["model"].map(model_title), **{n: tidy[n] for n in ("records", "patients")}})
    numbers = {name: bounded(tidy, name) if name == "mcc" else tidy[name].map(percent) for name in _SHOWN}
    return shown.assign(**{TITLES[name]: values for name, values in numbers.items()})
