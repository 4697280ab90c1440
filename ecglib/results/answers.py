"""The answers to what the paper leaves open, as tables: effects over seeds and patients, and what they took."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ecglib.data.views import ROW_VIEWS
from ecglib.experiment import Experiment, may_train
from ecglib.metrics import confusion_matrix, headline
from ecglib.names import BRANCHES, EXPERIMENT_1, MODEL_TITLES, ModelName, Question
from ecglib.results.ledger import Ledger
from ecglib.results.paired import leads, over_seeds
from ecglib.results.questions import FEW, answers_to_views, questions

_METRICS = {"mcc": "MCC", "f1_macro": "macro F1"}
WHOLE_ROWS, SUCH_ROWS = "whole rows", "rows like these"


def answer_table(experiment: Experiment) -> pd.DataFrame:
    """The effect of each change that answers a question, tidy; what is not there and may be trained is trained.

    Returns
    -------
    DataFrame
        One row a change and model. Columns question, change, model; seeds, 0 where nothing is run; for each of mcc and
        f1_macro the means ``_without`` and ``_with``, their difference ``_effect``, the ends ``_low`` and ``_high`` of
        Student's 95 % interval of it over seeds, and of its paired bootstrap interval over patients ``_people_low`` and
        ``_people_high``; ``steps_without``, ``steps_with``, ``seconds_without`` and ``seconds_with``, the optimiser's
        steps and the wall-clock seconds of a training with those of the branches that it starts from.
    """
    ledger = Ledger(experiment, questions(experiment.parameters))
    test, classes = experiment.split.test, len(experiment.class_names)
    label, subject = experiment.beats.label[test], experiment.beats.subject[test]
    rows = []
    for change in ledger.changes:
        sides = [ledger.changed(side).repetitions[: change.repetitions] for side in (change.without, change.with_it)]
        for model in change.models:
            pairs = [pair for pair in zip(*sides, strict=True) if may_train() or all(one.has(model) for one in pair)]
            row: dict[str, object] = {"question": change.where, "change": change.title, "model": model}
            rows.append(row | {"seeds": len(pairs)})
            if not pairs:
                continue
            runs = {"without": [one.run(model) for one, _ in pairs], "with": [one.run(model) for _, one in pairs]}
            predicted = {
                side: np.stack([run.predictions.scores.argmax(axis=1) for run in its]) for side, its in runs.items()
            }
            found = leads(label, predicted, "with", ["without"], classes, subject)["without"]
            for metric in _METRICS:
                for side, its in runs.items():
                    rows[-1][f"{metric}_{side}"] = np.mean([getattr(run.metrics, metric) for run in its])
                lead = found[metric]
                ends = (lead.seeds.low, lead.seeds.high) if lead.seeds else (np.nan, np.nan)
                names = ("effect", "low", "high", "people_low", "people_high")
                values = (lead.value, *ends, lead.people_low, lead.people_high)
                rows[-1] |= {f"{metric}_{name}": value for name, value in zip(names, values, strict=True)}
            for number, side in enumerate(runs):
                costs = [_cost(pair[number], model) for pair in pairs]
                rows[-1][f"steps_{side}"], rows[-1][f"seconds_{side}"] = np.mean(costs, axis=0).round(1)
    columns = ["question", "change", "model", "seeds"]
    return pd.DataFrame(rows, columns=None if any(row["seeds"] for row in rows) else columns)


def _cost(one: Experiment, model: ModelName) -> tuple[float, float]:
    """Steps and seconds of a training, with those of the branches that it starts from."""
    steps = seconds = 0.0
    for name in (*(BRANCHES if one.starts_from_branches(model) else ()), model):
        run = one.run(name)
        steps += len(run.history) * math.ceil(len(one.split.train) / run.identity["training"]["batch_size"])
        seconds += run.train_s
    return steps, seconds


def verdict(row: pd.Series, metric: str = "mcc") -> str:
    """What a row of `answer_table` says: better or worse where its intervals lie on one side of 0, else undecided."""
    if not row["seeds"]:
        return "not run"
    if row["seeds"] == 1:
        return "one seed"
    ends = [row[f"{metric}_{end}"] for end in ("low", "high", "people_low", "people_high")]
    ends = [end for end in ends if not np.isnan(end)]
    return "better" if min(ends) > 0 else "worse" if max(ends) < 0 else "undecided"


def answer_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`answer_table` for readers, in percent and points of MCC."""
    rows = []
    for _, line in tidy.iterrows():
        row = {"question": line["question"], "change": line["change"], "model": MODEL_TITLES[line["model"]]}
        row |= {"answer": verdict(line), "seeds": str(line["seeds"])}
        keys = ("MCC without", "effect on MCC", "over seeds", "over patients", "effect on macro F1", "steps", "seconds")
        row |= dict.fromkeys(keys, "")
        if line["seeds"]:
            row["MCC without"] = f"{100 * line['mcc_without']:.2f}"
            for metric, title in _METRICS.items():
                row[f"effect on {title}"] = f"{100 * line[f'{metric}_effect']:+.2f}"
            row["over seeds"] = _interval(line["mcc_low"], line["mcc_high"])
            row["over patients"] = _interval(line["mcc_people_low"], line["mcc_people_high"])
            for cost in ("steps", "seconds"):
                row[cost] = f"{line[f'{cost}_without']:,.0f} → {line[f'{cost}_with']:,.0f}"
        rows.append(row)
    return pd.DataFrame(rows)


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"[{100 * low:+.2f}, {100 * high:+.2f}]"


def setting_table(experiment: Experiment, question: Question) -> pd.DataFrame:
    """The branches' runs that one question asks for, one row a run; what is not there is not trained.

    Returns
    -------
    DataFrame
        Columns model, seed; filters (of the first layer; 0 for the 1D branch), picture, batch_size, and epochs as a
        multiple of the profile's; mcc, a fraction.
    """
    ledger = Ledger(experiment, questions(experiment.parameters.model_copy(update={"questions": (question,)})))
    usual, rows = experiment.parameters, {}
    for change in ledger.changes:
        for side in (change.without, change.with_it):
            for one in ledger.changed(side).repetitions[: change.repetitions]:
                for model in change.models:
                    if one.has(model):
                        run = one.run(model)
                        rows[one.folder, model] = {
                            "model": model,
                            "seed": one.seed,
                            "filters": run.identity["config"].get("filters", [0])[0],
                            "picture": one.picture,
                            "batch_size": run.identity["training"]["batch_size"],
                            "epochs": len(run.history) // getattr(usual, f"{model}_epochs"),
                            "mcc": run.metrics.mcc,
                        }
    return pd.DataFrame(rows.values(), columns=["model", "seed", "filters", "picture", "batch_size", "epochs", "mcc"])


def view_table(experiment: Experiment) -> pd.DataFrame:
    """Each model on test rows of which something is hidden: trained on whole rows, and trained on such rows.

    Returns
    -------
    DataFrame
        Columns model, shows (what is left of a row), learnt_from, seeds; mcc, its mean over the seeds, and mcc_low and
        mcc_high, Student's 95 % interval of the mean; fractions. Only what is there has a row.
    """
    ledger = Ledger(experiment, questions(experiment.parameters))
    test, classes = experiment.split.test, len(experiment.class_names)
    label = experiment.beats.label[test]
    whole = [one for one in ledger.experiment.repetitions[:FEW] if _has_answers(one)]
    kept = [answers_to_views(one) for one in whole]
    rows = []
    for model in EXPERIMENT_1:
        for view, shown in ROW_VIEWS.items():
            of = {WHOLE_ROWS: [_mcc(label, answers[f"{model}|{view}"], classes) for answers in kept]}
            if view != "whole":
                sides = ledger.changed({"rows_show": view}).repetitions[:FEW]
                of[SUCH_ROWS] = [one.run(model).metrics.mcc for one in sides if one.has(model)]
            for learnt_from, values in of.items():
                if values:
                    row = {"model": model, "shows": shown.title, "learnt_from": learnt_from, "seeds": len(values)}
                    spread = over_seeds(values)
                    ends = {f"mcc_{end}": getattr(spread, end) if spread else np.nan for end in ("low", "high")}
                    rows.append(row | {"mcc": np.mean(values)} | ends)
    return pd.DataFrame(rows, columns=["model", "shows", "learnt_from", "seeds", "mcc", "mcc_low", "mcc_high"])


def _has_answers(one: Experiment) -> bool:
    """Whether the answers to views are kept, or can be made."""
    if may_train() and "hints" in one.parameters.questions:
        return True
    return all(one.has(model) for model in EXPERIMENT_1) and any((one.folder / "derived").glob("row_views-*.npz"))


def _mcc(label: np.ndarray, answer: np.ndarray, classes: int) -> float:
    return float(headline(confusion_matrix(label, answer, classes))["mcc"])


def view_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`view_table` for readers: MCC in percent, one row what is left of a row, by model and what it learnt from."""
    rows = []
    for title in (view.title for view in ROW_VIEWS.values()):
        row = {"what is left": title}
        for model in EXPERIMENT_1:
            for learnt_from in (WHOLE_ROWS, SUCH_ROWS):
                found = tidy[(tidy["shows"] == title) & (tidy["model"] == model) & (tidy["learnt_from"] == learnt_from)]
                if model in BRANCHES or learnt_from == WHOLE_ROWS:
                    mean = [f"{100 * line['mcc']:.1f}" for _, line in found.iterrows()]
                    row[f"{MODEL_TITLES[model]}, learnt from {learnt_from}"] = "".join(mean) or "–"
        rows.append(row)
    return pd.DataFrame(rows)
