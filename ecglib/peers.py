"""What others reach on the same test beats, with models and recipes of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.data.splits import default_split
from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES
from ecglib.tables import ours, reference, with_deviation

_METRICS = ("f1_macro", "accuracy")


def peer_table(experiment: Experiment) -> pd.DataFrame:
    """Our models and others on the same test beats, tidy: one row a model. Missing runs are trained.

    Others are there for the test beats of the Kaggle MIT-BIH files alone; `ecglib/reference.yaml` has their sources.

    Returns
    -------
    DataFrame
        Columns model, by ("ours", or where it is published), dataset, design, runs; f1_macro and accuracy (fractions,
        means over the runs) and their sample deviations ``_deviation``, missing where there is but one run or none is
        printed; note.
    """
    rows = []
    for model, title in MODEL_TITLES.items():
        metrics = pd.DataFrame(
            [{name: getattr(run.metrics, name) for name in _METRICS} for run in experiment.runs(model)]
        )
        row = {"model": title, "by": "ours", "dataset": ours(experiment), "design": experiment.parameters.design}
        row |= {"runs": len(metrics), "note": ""} | metrics.mean().to_dict()
        rows.append(row | {f"{name}_deviation": value for name, value in metrics.std(ddof=1).items()})
    usual = experiment.split_kind == default_split(experiment.dataset)
    if experiment.dataset == "mitbih" and usual and not experiment.beats.metadata.is_synthetic:
        for name, peer in reference()["peers"].items():
            f1, deviation = (*peer["f1"], np.nan)[:2]
            row = {"model": name, "by": peer["source"], "dataset": "mitbih", "design": "its own", "runs": peer["runs"]}
            row |= {"f1_macro": f1 / 100, "f1_macro_deviation": deviation / 100, "accuracy": peer["accuracy"] / 100}
            rows.append(row | {"accuracy_deviation": np.nan, "note": peer.get("note", "")})
    first = ["model", "by", "dataset", "design", "runs"]
    return pd.DataFrame(rows)[[*first, *(name + end for name in _METRICS for end in ("", "_deviation")), "note"]]


def peer_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`peer_table` for readers, in percent, the highest macro F1 first."""
    rows = []
    for _, row in tidy.sort_values("f1_macro", ascending=False).iterrows():
        cells = {"model": row["model"], "by": row["by"], "trained on": row["dataset"], "runs": str(row["runs"])}
        for name, title in zip(_METRICS, ("macro F1", "accuracy"), strict=True):
            cells[title] = with_deviation(row[name], row[f"{name}_deviation"])
        rows.append(cells | {"note": row["note"]})
    return pd.DataFrame(rows)
