"""The answers to what the paper leaves open, as tables: effects over seeds and patients, and what they took."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ecglib.data.views import ROW_VIEWS
from ecglib.experiment import Experiment, may_train
from ecglib.metrics import evaluate, subject_intervals
from ecglib.names import BRANCHES, EXPERIMENT_1, MODEL_TITLES, ModelName
from ecglib.results.ledger import Ledger
from ecglib.results.paired import leads
from ecglib.results.questions import answers_to_views, questions

_METRICS = {"mcc": "MCC", "f1_macro": "macro F1"}
_SIDES = ("without", "with")
_ENDS = ("effect", "low", "high", "beats_low", "beats_high", "people_low", "people_high")
WHOLE_ROWS, SUCH_ROWS = "whole rows", "rows like these"


def answer_table(experiment: Experiment) -> pd.DataFrame:
    """The effect of each change that answers a question, tidy; what is not there and may be trained is trained.

    Returns
    -------
    DataFrame
        One row a change and model. Columns question, change, model; seeds, 0 where nothing is run; for each of mcc and
        f1_macro the means ``_without`` and ``_with``, their difference ``_effect``, the ends ``_low`` and ``_high`` of
        Student's 95 % interval of it over seeds, and of its paired bootstrap intervals over test beats (``_beats_low``,
        ``_beats_high``) and over patients (``_people_low``, ``_people_high``); ``steps_without`` and ``steps_with``,
        the optimiser's steps of a training with those of the branches that it starts from.
    """
    ledger = Ledger(experiment, questions(experiment.parameters, experiment.dataset))
    test, classes = experiment.split.test, len(experiment.class_names)
    label, subject = experiment.beats.label[test], experiment.beats.subject[test]
    rows = []
    for change in ledger.changes:
        for model in change.models:
            pairs = list(ledger.experiments(change, model))
            row: dict[str, object] = {"question": change.where, "change": change.title, "model": model}
            rows.append(row | {"seeds": len(pairs)})
            if not pairs:
                continue
            sides = list(zip(*pairs, strict=True))
            runs = {side: [one.run(model) for one in its] for side, its in zip(_SIDES, sides, strict=True)}
            predicted = {
                side: np.stack([run.predictions.scores.argmax(axis=1) for run in its]) for side, its in runs.items()
            }
            found = leads(label, predicted, "with", ["without"], classes, subject)["without"]
            for metric in _METRICS:
                for side, its in runs.items():
                    rows[-1][f"{metric}_{side}"] = np.mean([getattr(run.metrics, metric) for run in its])
                lead = found[metric]
                seeds = (lead.seeds.low, lead.seeds.high) if lead.seeds else (np.nan, np.nan)
                values = (lead.value, *seeds, lead.low, lead.high, lead.people_low, lead.people_high)
                rows[-1] |= {f"{metric}_{name}": value for name, value in zip(_ENDS, values, strict=True)}
            for side, its in zip(_SIDES, sides, strict=True):
                # no seconds: what else ran on the machines differs
                rows[-1][f"steps_{side}"] = np.mean([_steps(one, model) for one in its])
    columns = ["question", "change", "model", "seeds"]
    return pd.DataFrame(rows, columns=None if any(row["seeds"] for row in rows) else columns)


def answers_on_reduced(experiment: Experiment) -> pd.DataFrame:
    """`answer_table` of what profile ledger answers: the questions that need class weights, or many trainings."""
    asked = tuple(question for question in ("unfrozen", "search") if question in experiment.parameters.questions)
    return answer_table(experiment.beside("ledger").changed(questions=asked))


def _steps(one: Experiment, model: ModelName) -> int:
    """The optimiser's steps of a training, with those of the branches that it starts from."""
    needed = (*(BRANCHES if one.starts_from_branches(model) else ()), model)
    runs = [one.run(name) for name in needed]
    batches = [math.ceil(len(one.split.train) / run.identity["training"]["batch_size"]) for run in runs]
    return sum(len(run.history) * number for run, number in zip(runs, batches, strict=True))


def verdict(row: pd.Series, metric: str = "mcc") -> str:
    """What a row of `answer_table` says: better or worse where its intervals lie on one side of 0, else undecided."""
    if not row["seeds"]:
        return "not run"
    if row["seeds"] == 1:
        return "one seed"
    ends = [row[f"{metric}_{end}"] for end in _ENDS[1:] if not np.isnan(row[f"{metric}_{end}"])]
    return "better" if min(ends) > 0 else "worse" if max(ends) < 0 else "undecided"


def answer_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`answer_table` for readers, in percent and points of MCC."""
    rows = []
    for _, line in tidy.iterrows():
        row = {"question": line["question"], "change": line["change"], "model": MODEL_TITLES[line["model"]]}
        row |= {"answer": verdict(line), "seeds": str(line["seeds"])}
        keys = ("MCC without", "effect on MCC", "over seeds", "over beats", "over patients", "effect on macro F1")
        row |= dict.fromkeys((*keys, "steps"), "")
        if line["seeds"]:
            row["MCC without"] = f"{100 * line['mcc_without']:.2f}"
            for metric, title in _METRICS.items():
                row[f"effect on {title}"] = f"{100 * line[f'{metric}_effect']:+.2f}"
            row["over seeds"] = _interval(line["mcc_low"], line["mcc_high"])
            row["over beats"] = _interval(line["mcc_beats_low"], line["mcc_beats_high"])
            row["over patients"] = _interval(line["mcc_people_low"], line["mcc_people_high"])
            row["steps"] = f"{line['steps_without']:,.0f} → {line['steps_with']:,.0f}"
        rows.append(row)
    return pd.DataFrame(rows or [{"question": "none is asked of these beats", "answer": "not run"}])


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"[{100 * low:+.2f}, {100 * high:+.2f}]"


def filter_table(experiment: Experiment) -> pd.DataFrame:
    """The 2D branch with other filters and pictures: columns seed, filters (of the first layer), picture, mcc.

    One row a run that is there; nothing is trained.
    """
    ledger = Ledger(experiment, questions(experiment.parameters.model_copy(update={"questions": ("filters",)})))
    rows = {}
    for change in ledger.changes:
        for one in (one for side in ledger.sides(change) for one in side if one.has("cnn2d")):
            run = one.run("cnn2d")
            row = {"seed": one.seed, "filters": run.identity["config"]["filters"][0], "picture": one.picture}
            rows[one.folder] = row | {"mcc": run.metrics.mcc}
    return pd.DataFrame(rows.values(), columns=["seed", "filters", "picture", "mcc"])


def view_table(experiment: Experiment) -> pd.DataFrame:
    """Each model on test rows of which something is hidden: trained on whole rows, and trained on such rows.

    Returns
    -------
    DataFrame
        One row a model, view, training and seed, as far as it is there. Columns model, shows (what is left of a row),
        learnt_from, seed; mcc, and the ends mcc_people_low and mcc_people_high of its 95 % bootstrap interval over
        patients; fractions.
    """
    ledger = Ledger(experiment, questions(experiment.parameters, experiment.dataset))
    test, classes = experiment.split.test, len(experiment.class_names)
    label, subject = experiment.beats.label[test], experiment.beats.subject[test]
    kept = {one.seed: answers_to_views(one) for one in ledger.experiment.repetitions if _has_answers(one)}
    rows = []
    for model in EXPERIMENT_1:
        for view, shown in ROW_VIEWS.items():
            of = [(WHOLE_ROWS, seed, answers[f"{model}|{view}"]) for seed, answers in kept.items()]
            if view != "whole":
                such = [one for one in ledger.changed({"rows_show": view}).repetitions if one.has(model)]
                of += [(SUCH_ROWS, one.seed, one.run(model).predictions.scores.argmax(axis=1)) for one in such]
            for learnt_from, seed, answer in of:
                row = {"model": model, "shows": shown.title, "learnt_from": learnt_from, "seed": seed}
                scores = np.eye(classes)[answer]
                low, high = subject_intervals(label, scores, subject)["mcc"]
                row |= {"mcc": evaluate(label, scores).mcc, "mcc_people_low": low, "mcc_people_high": high}
                rows.append(row)
    columns = ["model", "shows", "learnt_from", "seed", "mcc", "mcc_people_low", "mcc_people_high"]
    return pd.DataFrame(rows, columns=columns)


def _has_answers(one: Experiment) -> bool:
    """Whether the answers to views are kept, or can be made."""
    if may_train() and "hints" in one.parameters.questions:
        return True
    return all(one.has(model) for model in EXPERIMENT_1) and any((one.folder / "derived").glob("row_views-*.npz"))


def view_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`view_table` for readers: MCC in percent, the mean of the seeds and their number, a row what is left of a row."""
    rows = []
    for title in (view.title for view in ROW_VIEWS.values()):
        row = {"what is left": title}
        for model in EXPERIMENT_1:
            for learnt_from in (WHOLE_ROWS, SUCH_ROWS):
                chosen = (tidy["shows"] == title) & (tidy["model"] == model) & (tidy["learnt_from"] == learnt_from)
                values = tidy[chosen]["mcc"]
                if learnt_from == WHOLE_ROWS or model == "cnn_transformer":
                    text = f"{100 * values.mean():.1f} ({len(values)})" if len(values) else "–"
                    row[f"{MODEL_TITLES[model]}, learnt from {learnt_from}"] = text
        rows.append(row)
    return pd.DataFrame(rows)
