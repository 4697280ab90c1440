"""What repetitions share and where they differ: the same training under other seeds, as tables and learning curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax

from ecglib.experiment import Experiment
from ecglib.metrics import confusion_matrix, headline
from ecglib.names import HEADLINE_METRICS, METRIC_TITLES, MODEL_TITLES, ModelName
from ecglib.results.tables import with_deviation


def repetition_table(experiment: Experiment, models: Sequence[ModelName]) -> pd.DataFrame:
    """Test metrics of each repetition, tidy: columns model, repetition, seed, best_epoch and the four metrics.

    Runs that are not there yet are trained.
    """
    rows = []
    for model in models:
        for one, run in zip(experiment.repetitions, experiment.runs(model), strict=True):
            row = {"model": model, "repetition": one.repetition, "seed": one.seed, "best_epoch": run.best_epoch}
            rows.append(row | {name: getattr(run.metrics, name) for name in HEADLINE_METRICS})
    return pd.DataFrame(rows)


def repetition_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`repetition_table` for readers: one row a model, mean and standard deviation in percent.

    The deviation is that of a sample (divided by one less than the number of repetitions).
    """
    rows = []
    for model, group in tidy.groupby("model", sort=False):
        row = {"model": MODEL_TITLES[model], "repetitions": str(len(group))}
        for name, title in METRIC_TITLES.items():
            row[title] = with_deviation(group[name].mean(), group[name].std(ddof=1))
        rows.append(row)
    return pd.DataFrame(rows)


def mistake_table(experiment: Experiment, models: Sequence[ModelName]) -> pd.DataFrame:
    """How many test beats all repetitions get wrong, tidy: one row a model and true class.

    What every seed gets wrong, another seed or an average of them will hardly mend.

    Returns
    -------
    DataFrame
        Columns model, repetitions, class; beats of that class; wrong (mean over the repetitions) and wrong_in_all;
        f1_macro (mean over the repetitions) and f1_macro_averaged (of all repetitions' mean probabilities, the
        softmax of the scores), both of the model, fractions.
    """
    classes = len(experiment.class_names)
    rows = []
    for model in models:
        runs = experiment.runs(model)
        label = runs[0].predictions.label
        scores = np.stack([run.predictions.scores for run in runs]).astype(np.float64)  # (R, N, K)
        wrong = scores.argmax(axis=-1) != label  # (R, N)
        averaged = softmax(scores, axis=-1).mean(axis=0).argmax(axis=-1)  # (N,)
        of_model = {
            "f1_macro": np.mean([run.metrics.f1_macro for run in runs]),
            "f1_macro_averaged": float(headline(confusion_matrix(label, averaged, classes))["f1_macro"]),
        }
        for number, name in enumerate(experiment.class_names):
            of_class = wrong[:, label == number]
            row = {"model": model, "repetitions": len(runs), "class": name, "beats": of_class.shape[1]}
            row |= {"wrong": of_class.sum() / len(runs), "wrong_in_all": of_class.all(axis=0).sum()}
            rows.append(row | of_model)
    return pd.DataFrame(rows)


def mistake_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`mistake_table` for readers: one row a model, "wrong in all repetitions / in one of them" by true class."""
    rows = []
    for model, group in tidy.groupby("model", sort=False):
        row = {"model": MODEL_TITLES[model], f"all {group['beats'].sum():,}": _in_all_and_one(group)}
        for name, of_class in group.groupby("class", sort=False):
            row[f"{name} ({of_class['beats'].sum():,})"] = _in_all_and_one(of_class)
        row["macro F1, one"] = f"{100 * group['f1_macro'].iloc[0]:.2f}"
        row[f"macro F1, {group['repetitions'].iloc[0]} averaged"] = f"{100 * group['f1_macro_averaged'].iloc[0]:.2f}"
        rows.append(row)
    return pd.DataFrame(rows)


def _in_all_and_one(mistakes: pd.DataFrame) -> str:
    return f"{mistakes['wrong_in_all'].sum():,} / {mistakes['wrong'].sum():,.1f}"
