"""Everything that is committed, derived anew: results from predictions, tables from results, sentences from tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib import files
from ecglib.data.selection import Selection
from ecglib.data.sources import build_beats
from ecglib.data.splits import arrange, arrangement
from ecglib.experiment import Experiment
from ecglib.names import DATASETS, EXPERIMENT_1, EXPERIMENT_2, MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters, profile_names
from ecglib.predict.cards import refresh_cards
from ecglib.publish import refresh_tables
from ecglib.report.numbers import refresh_numbers
from ecglib.results import (
    answers,
    attribution,
    by_patient,
    claims,
    declining,
    epochs,
    future,
    hints,
    known_people,
    ledger,
    new_people,
    overview,
    repetitions,
    rhythm,
    sveb_errors,
    tables,
    verdict,
    weighting,
)
from ecglib.results.searches import tested
from ecglib.runs import load_run


def _of_class(model: str) -> Callable[[Experiment], pd.DataFrame]:
    return lambda one: tables.class_metric_table(one.run(model).metrics, one.class_names)


def _patients(one: Experiment) -> list[by_patient.Scored]:
    return by_patient.compare(one.split_by("kaggle"), by_patient.by_patient_experiments(one))


# every table that a notebook keeps, by the beginning of its file's name
TABLES: dict[str, Callable[[Experiment], pd.DataFrame]] = {
    "table1": lambda one: tables.noam_table(one.parameters),
    "table2": lambda one: tables.settings_table(one.parameters, one.dataset),
    "table3": lambda one: tables.times_table(one, EXPERIMENT_1),
    "table4": lambda one: tables.metrics_table(one, EXPERIMENT_1),
    "table6": lambda one: tables.times_table(one, EXPERIMENT_2),
    "table7": lambda one: tables.metrics_table(one, EXPERIMENT_2),
    "table_classes": tables.class_count_table,
    "table_patients": lambda one: by_patient.comparison_table(_patients(one))[0],
    "table_patient_classes": lambda one: by_patient.class_table(_patients(one), _patient_classes(one)),
    "table_repetitions": lambda one: repetitions.repetition_table(one, tuple(MODEL_TITLES)),
    "table_mistakes": lambda one: repetitions.mistake_table(one, tuple(MODEL_TITLES)),
    "table_verdict": verdict.verdict_table,
    "table_claims": claims.claim_table,
    "table_weighting": weighting.weighting_table,
    "table_others": verdict.others_table,
    "table_ledger": lambda one: ledger.effects(ledger.Ledger(one).tidy),
    "table_class_weights": lambda one: weighting.class_weight_table(one.beside("reduced")),
    "table_hints": hints.hint_table,
    "table_answers": answers.answer_table,
    "table_answers_reduced": answers.answers_on_reduced,
    "table_row_views": answers.view_table,
    "table_looked_deletion": lambda one: attribution.deletion_table(attribution.Looked(one)),
    "table_looked_agreement": lambda one: attribution.agreement_table(attribution.Looked(one)),
    "table_f1": lambda one: ledger.f1_gap(ledger.Ledger(one).experiment),
    "table_epochs": lambda one: epochs.epoch_table(
        [one, *map(one.beside, one.parameters.compared_with)], tuple(MODEL_TITLES)
    ),
    "table_ingredients": lambda one: ledger.effects(ledger.Ledger(one, ledger.ingredients(one.parameters)).tidy),
    "table_rhythm": lambda one: rhythm.rhythm_table(one, "late"),
    "table_known_rhythm": lambda one: rhythm.known_rhythm_table(one, "late"),
    "table_overview": lambda one: overview.overview_table(list(map(one.beside, one.parameters.overview))),
    "table_all_claims": lambda one: claims.claims_beside(list(map(one.beside, one.parameters.overview))),
    "table_new_people": new_people.ladder_table,
    "table_new_people_known": known_people.known_table,
    "table_new_people_folds": lambda one: known_people.fold_table(),
    "table_new_people_errors": lambda one: sveb_errors.error_table(),
    "table_new_people_targets": new_people.target_table,
    "table_new_people_records": lambda one: new_people.record_table(),
    "table_new_people_trust": lambda one: new_people.trust_table(),
    "table_new_people_risk": lambda one: declining.risk_table(),
    "table_new_people_decline": lambda one: declining.decline_table(),
    "table_new_people_future": lambda one: future.future_table(),
    **{f"table_classes_{model}": _of_class(model) for model in MODEL_TITLES},
}


def verify() -> Iterator[str]:
    """Derive all committed results anew; a line for what was found right.

    Raises
    ------
    EcglibError
        The first thing that differs from what it is made of.
    """
    # what is verified is what is there
    os.environ["ECGLIB_TRAIN"] = "never"
    runs = 0
    for path in sorted(files.runs("").glob("**/run.json")):
        # reading a run compares its metrics with its predictions and its weights with their digest
        runs += load_run(path.parent) is not None
    yield f"{runs} runs: metrics are those of the predictions, weights those of their digests"
    for profile in profile_names():
        folder = files.figures(profile)
        found = sorted(folder.glob("table*.csv")) if files.runs(profile).is_dir() else []
        for path in found:
            _compare(profile, path)
        if found:
            yield f"{profile}: {len(found)} tables are those of the runs"
    if changed := refresh_tables(write=False) + refresh_numbers(write=False) + refresh_cards(write=False):
        raise EcglibError(f"{changed[0]}: not what its table says; run 'ecglib readme'")
    yield "README, docs, notebooks and model cards: every table and number is that of its file"
    yield from _verify_searches()
    yield from _verify_beats()


def _compare(profile: str, path: Path) -> None:
    name, _, dataset = path.stem.rpartition("_")
    if name not in TABLES:
        raise EcglibError(f"{path}: no notebook makes such a table; delete it, or add it to ecglib/report/verify.py")
    experiment = Experiment(load_parameters(profile), dataset)
    text = TABLES[name](experiment).to_csv(index=False)
    stored = path.read_text(encoding="utf-8")
    if text != stored:
        lines = zip(stored.splitlines(), text.splitlines(), strict=False)
        row = next((number for number, (old, new) in enumerate(lines, start=1) if old != new), 0)
        raise EcglibError(f"{path}: line {row} is not what the runs give; redraw it with 'ecglib report'")


def _patient_classes(one: Experiment) -> tuple[str, ...]:
    return by_patient.by_patient_experiments(one)[0].class_names


def _verify_searches() -> Iterator[str]:
    """What was written down when a search's best was tested, against the runs of that test."""
    for parameters in map(load_parameters, profile_names()):
        for dataset in parameters.datasets:
            for found in tested(parameters, dataset):
                runs = Experiment(parameters, dataset).changed(**found.settings).runs(found.model)
                if not np.allclose([run.metrics.mcc for run in runs], found.mcc, rtol=0, atol=1e-9):
                    raise EcglibError(
                        f"runs/search/openings.csv: {found.model} of {parameters.profile}: not its runs' MCC"
                    )
                yield f"search for {found.model} of {parameters.profile}: its test is that of the runs"


def _verify_beats() -> Iterator[str]:
    """The beats of the records at hand against the outlines."""
    for outline in sorted(files.outline("x", "physionet").parent.glob("*-physionet.parquet")):
        dataset = outline.stem.partition("-")[0]
        data = files.raw_data()
        folder = DATASETS[dataset].folder
        if data is None or not (data / folder).is_dir():
            yield f"{dataset}: no records at hand (ECGLIB_DATA), so the beats were not made anew"
            continue
        known = Selection(load_parameters("reduced"), dataset).table.metadata.digests
        kind = "kaggle"
        if arrange(build_beats(dataset, "physionet"), kind).digest != known[arrangement(kind, None)]:
            raise EcglibError(f"{outline}: the records in {data / folder} give other beats; are they as published?")
        yield f"{dataset}: the records give the beats of the results"
