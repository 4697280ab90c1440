"""All that was trained on one data set, and what both papers print of it, at one glance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.splits import default_split
from ecglib.experiment import Experiment
from ecglib.figures import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, new_figure, style
from ecglib.names import MODEL_TITLES
from ecglib.tables import METRIC_TITLES, ours, reference, with_deviation

_METRICS = ("mcc", "f1_macro")
# a profile of ours may have a paper's name
_SOURCE = ["is_paper", "by", "dataset"]
_PAPER_COLOURS = {"report": GREY, "original": INK}
_COLOURS = (BLUE, GREEN, VERMILION, PURPLE, SKY, ORANGE)
# what the report calls the beats that it cut to half the second largest class
_REPORT_DATA = {"mitbih": "mitbih_reduced", "ptb": "ptb"}


def overview_table(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Both papers' and our own test results, tidy: one row a source and model.

    Parameters
    ----------
    experiments : sequence of Experiment
        Of one data set, one a profile. Nothing is trained; shown are the models that have all their repetitions. The
        papers' rows are left out where the beats of the first are invented or split in another way than theirs.

    Returns
    -------
    DataFrame
        Columns is_paper, by ("report" or "original" if it is a paper, else a profile of ours), design, dataset, runs,
        model; mcc and f1_macro (fractions, ours of the kept weights, means over the runs) and their sample
        deviations ``_deviation``. What is not printed, or the deviation of a single number, is missing.
    """
    first = experiments[0]
    comparable = first.split_kind == default_split(first.dataset) and not first.beats.metadata.is_synthetic
    rows = _papers(first.dataset) if comparable else []
    for experiment in experiments:
        for model in MODEL_TITLES:
            if not all(one.has(model) for one in experiment.repetitions):
                continue
            runs = experiment.runs(model)
            values = pd.DataFrame([{metric: getattr(run.metrics, metric) for metric in _METRICS} for run in runs])
            row = {"is_paper": False, "by": experiment.parameters.label, "design": experiment.parameters.design}
            row |= {"dataset": ours(experiment), "runs": len(runs), "model": model}
            for metric in _METRICS:
                row |= {metric: values[metric].mean(), f"{metric}_deviation": values[metric].std(ddof=1)}
            rows.append(row)
    columns = [metric + end for metric in _METRICS for end in ("", "_deviation")]
    return pd.DataFrame(rows).reindex(columns=["is_paper", "by", "design", "dataset", "runs", "model", *columns])


def overview_summary(tidy: pd.DataFrame, metric: str = "mcc") -> pd.DataFrame:
    """One metric of `overview_table` for readers: one row a source, one column a model, percent."""
    rows = []
    titles = [MODEL_TITLES[model] for model in tidy["model"].unique()]
    for _, group in tidy.groupby(_SOURCE, sort=False):
        source = group.iloc[0]
        row = {f"{METRIC_TITLES[metric]} by": _by(source), "design": source["design"]}
        row |= {"data": source["dataset"], "runs": str(source["runs"])}
        row |= dict.fromkeys(titles, "not printed" if source["is_paper"] else "not trained")
        for _, line in group[group[metric].notna()].iterrows():
            row[MODEL_TITLES[line["model"]]] = with_deviation(line[metric], line[f"{metric}_deviation"])
        rows.append(row)
    return pd.DataFrame(rows)


def overview_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """MCC of every model, a mark a source: squares are the papers', dots our own; lines are standard deviations."""
    models = list(MODEL_TITLES)
    sources = [group for _, group in tidy.groupby(_SOURCE, sort=False)]
    colours = cycle(_COLOURS)
    # within the line of a model the sources stand below one another
    offsets = np.linspace(-0.33, 0.33, len(sources)) if len(sources) > 1 else np.zeros(1)
    with style():
        figure = new_figure(9.4, 0.9 + 0.72 * len(models), title)
        axes = figure.subplots()
        for source, offset in zip(sources, offsets, strict=True):
            first = source.iloc[0]
            axes.errorbar(
                100 * source["mcc"],
                [models.index(model) + offset for model in source["model"]],
                xerr=100 * source["mcc_deviation"].fillna(0),
                fmt="s" if first["is_paper"] else "o",
                color=_PAPER_COLOURS[first["by"]] if first["is_paper"] else next(colours),
                ms=5 if first["is_paper"] else 6,
                label=f"{_by(first)} ({first['dataset']})",
            )
        axes.set_yticks(range(len(models)), [MODEL_TITLES[model] for model in models])
        axes.set_ylim(len(models) - 0.5, -0.5)
        for line in np.arange(len(models) - 1) + 0.5:
            axes.axhline(line, color=GREY, linewidth=0.5, linestyle=":")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("MCC on the test beats (%)")
        axes.grid(axis="x")
        figure.legend(loc="outside right upper", labelspacing=0.9)
    return figure


def _by(source: pd.Series) -> str:
    return source["by"] if source["is_paper"] else f"ours: {source['by']}"


def _papers(dataset: str) -> list[dict[str, object]]:
    """What both papers print of a data set; late fusion, which is in both tables of each, by the first one."""
    cut = _REPORT_DATA.get(dataset)
    report, original = reference()["report"], reference()["original"]
    report = report["table_7"].get(cut, {}) | report["table_4"].get(cut, {})
    original = original["table_8"].get(dataset, {}) | original["table_5"].get(dataset, {})
    rows: list[dict[str, object]] = []
    for model in (model for model in MODEL_TITLES if model in report):
        rows.append({"is_paper": True, "by": "report", "design": "report", "dataset": cut, "runs": 1, "model": model})
        rows[-1]["mcc"] = report[model]["mcc"]
    for model in (model for model in MODEL_TITLES if model in original):
        rows.append(
            {"is_paper": True, "by": "original", "design": "original", "dataset": dataset, "runs": 10, "model": model}
        )
        for metric, key in (("mcc", "mcc"), ("f1_macro", "f1")):
            # rounded, because the paper prints percent with two decimals
            rows[-1][metric], rows[-1][f"{metric}_deviation"] = (round(x / 100, 4) for x in original[model][key])
    return rows
