"""What class weights in the loss do to a trained model, and how much of late fusion's lead is those being undone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.metrics import confusion_matrix, headline
from ecglib.names import METRIC_TITLES, MODEL_TITLES, Dataset
from ecglib.results.papers import printed_metrics
from ecglib.results.tables import with_deviation

_METRICS = ("mcc", "f1_macro")
SHARES = tuple(number / 20 for number in range(31))


def without_class_weights(scores: np.ndarray, class_weights: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Scores as if the loss had had no class weights, with nothing fitted.

    Under a cross entropy weighted by w, a model's probabilities approach those of the classes times w; dividing by w
    undoes that (Menon et al. 2021, arXiv 2007.07314, section 4.1, with weights in the place of prior probabilities).

    Parameters
    ----------
    scores : ndarray of float, shape (N, K)
        Logarithms of probabilities up to a constant of each row.
    class_weights : ndarray of float, shape (K,)
        Those of the training.
    share : float
        The power to which they are divided out; at 0 the scores stay as they are.
    """
    return scores - share * np.log(class_weights)


def weighting_table(experiment: Experiment) -> pd.DataFrame:
    """Each model as it was trained, and with its class without the weights, tidy. Missing runs are trained.

    Returns
    -------
    DataFrame
        Columns model, repetitions, weighted (whether its loss had class weights); mcc and f1_macro, and both with the
        end ``_without_weights``: fractions, means over the repetitions. Without weights there is nothing to divide out.
    """
    classes = len(experiment.class_names)
    rows = []
    for model in MODEL_TITLES:
        weights = experiment.class_weights(model)
        runs = experiment.runs(model)
        row = {"model": model, "repetitions": len(runs), "weighted": bool((weights != 1).any())}
        for end, of_class in (("", np.ones(classes)), ("_without_weights", weights)):
            predicted = [
                without_class_weights(run.predictions.scores.astype(np.float64), of_class).argmax(axis=1)
                for run in runs
            ]
            label = runs[0].predictions.label
            values = headline(np.stack([confusion_matrix(label, one, classes) for one in predicted]))
            row |= {f"{name}{end}": values[name].mean() for name in _METRICS}
        rows.append(row)
    ends = ("", "_without_weights")
    return pd.DataFrame(rows)[["model", "repetitions", "weighted", *(name + end for end in ends for name in _METRICS)]]


def weighting_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`weighting_table` for readers, in percent, with late fusion's lead over each model both ways, in points."""
    late = tidy.set_index("model").loc["late"]
    rows = []
    for line in tidy.to_dict("records"):
        row = {"model": MODEL_TITLES[line["model"]], "class weights": "yes" if line["weighted"] else "no"}
        for name in _METRICS:
            title = METRIC_TITLES[name]
            for end, which in (("", "as trained"), ("_without_weights", "without the weights")):
                row[f"{title}, {which}"] = f"{100 * line[name + end]:.2f}"
        for end, which in (("", "as trained"), ("_without_weights", "without the weights")):
            lead = 100 * (late[f"mcc{end}"] - line[f"mcc{end}"])
            row[f"late fusion's lead (MCC), {which}"] = f"{lead:+.2f}" if line["model"] != "late" else ""
        rows.append(row)
    return pd.DataFrame(rows)


def partly_without(experiment: Experiment, shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """MCC and macro F1 as the class weights are divided out by degrees, tidy.

    Returns
    -------
    DataFrame
        Columns model, share (the power), mcc and f1_macro (fractions, means over the repetitions). A model whose loss
        had no class weights has one row, at 0.
    """
    classes = len(experiment.class_names)
    rows = []
    for model in MODEL_TITLES:
        weights, runs = experiment.class_weights(model), experiment.runs(model)
        label = runs[0].predictions.label
        for share in shares if (weights != 1).any() else (0.0,):
            scores = [without_class_weights(run.predictions.scores.astype(np.float64), weights, share) for run in runs]
            confusion = [confusion_matrix(label, one.argmax(axis=1), classes) for one in scores]
            values = headline(np.stack(confusion))
            rows.append({"model": model, "share": share} | {name: values[name].mean() for name in _METRICS})
    return pd.DataFrame(rows)


def class_weight_table(experiment: Experiment, seeds: int = 3) -> pd.DataFrame:
    """A profile's models with balanced class weights in the loss and with none, of every seed that is trained, tidy.

    Returns
    -------
    DataFrame
        Columns model, class_weights ("balanced" or "none"), seed, mcc and f1_weighted: fractions.
    """
    rows = []
    for weighting in ("balanced", "none"):
        for number in range(seeds):
            one = experiment.changed(number, class_weighting=weighting)
            for model in filter(one.has, MODEL_TITLES):
                metrics = one.run(model).metrics
                row = {"model": model, "class_weights": weighting, "seed": one.seed}
                rows.append(row | {"mcc": metrics.mcc, "f1_weighted": metrics.f1_weighted})
    return pd.DataFrame(rows)


def class_weight_summary(tidy: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """`class_weight_table` for readers, beside the report: percent, means over the seeds ± their deviation."""
    printed = printed_metrics("report", dataset)
    rows = []
    for model in MODEL_TITLES:
        of_model = tidy[tidy["model"] == model].groupby("class_weights")["mcc"].agg(["mean", "std", "count"])
        if "none" in of_model.index:
            cells = {
                f"class weights {name}": f"{with_deviation(row['mean'], row['std'])} ({_seeds(row['count'])})"
                for name, row in of_model.iterrows()
            }
            rows.append({"model": MODEL_TITLES[model], **cells, "report": f"{100 * printed[model]['mcc'].value:.2f}"})
    return pd.DataFrame(rows)


def _seeds(count: float) -> str:
    return "1 seed" if count == 1 else f"{count:.0f} seeds"
