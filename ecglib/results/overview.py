"""All that was trained on one data set, and what both papers print of it, at one glance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ecglib.experiment import Experiment
from ecglib.names import DATASETS, METRIC_TITLES, MODEL_TITLES, Dataset
from ecglib.results.papers import ORIGINAL_RUNS, REPORT_RUNS, paper_data, printed_metrics
from ecglib.results.tables import data_label, with_deviation

_METRICS = ("mcc", "f1_macro")
# a profile of ours may have a paper's name
SOURCE = ["is_paper", "by", "dataset"]


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
    comparable = first.split_kind == DATASETS[first.dataset].split and not first.beats.metadata.is_synthetic
    rows = _papers(first.dataset) if comparable else []
    for experiment in experiments:
        for model in MODEL_TITLES:
            if not all(one.has(model) for one in experiment.repetitions):
                continue
            runs = experiment.runs(model)
            values = pd.DataFrame([{metric: getattr(run.metrics, metric) for metric in _METRICS} for run in runs])
            row = {"is_paper": False, "by": experiment.parameters.label, "design": experiment.parameters.design}
            row |= {"dataset": data_label(experiment), "runs": len(runs), "model": model}
            for metric in _METRICS:
                row |= {metric: values[metric].mean(), f"{metric}_deviation": values[metric].std(ddof=1)}
            rows.append(row)
    columns = [metric + end for metric in _METRICS for end in ("", "_deviation")]
    return pd.DataFrame(rows).reindex(columns=["is_paper", "by", "design", "dataset", "runs", "model", *columns])


def overview_summary(tidy: pd.DataFrame, metric: str = "mcc") -> pd.DataFrame:
    """One metric of `overview_table` for readers: one row a source, one column a model, percent."""
    rows = []
    titles = [MODEL_TITLES[model] for model in tidy["model"].unique()]
    for _, group in tidy.groupby(SOURCE, sort=False):
        source = group.iloc[0]
        row = {f"{METRIC_TITLES[metric]} by": source_title(source), "design": source["design"]}
        row |= {"data": source["dataset"], "runs": str(source["runs"])}
        row |= dict.fromkeys(titles, "not printed" if source["is_paper"] else "not trained")
        for _, line in group[group[metric].notna()].iterrows():
            row[MODEL_TITLES[line["model"]]] = with_deviation(line[metric], line[f"{metric}_deviation"])
        rows.append(row)
    return pd.DataFrame(rows)


def source_title(source: pd.Series) -> str:
    """How a row's source is called: a paper by its name, one of ours by its profile."""
    return source["by"] if source["is_paper"] else f"ours: {source['by']}"


def _papers(dataset: Dataset) -> list[dict[str, object]]:
    """What both papers print of a data set."""
    rows: list[dict[str, object]] = []
    for paper, runs in (("report", REPORT_RUNS), ("original", ORIGINAL_RUNS)):
        printed = printed_metrics(paper, dataset)
        for model in (model for model in MODEL_TITLES if model in printed):
            row = {"is_paper": True, "by": paper, "design": paper, "dataset": paper_data(paper, dataset)}
            row |= {"runs": runs, "model": model}
            for metric in printed[model].keys() & set(_METRICS):
                row |= {metric: printed[model][metric].value, f"{metric}_deviation": printed[model][metric].deviation}
            rows.append(row)
    return rows
