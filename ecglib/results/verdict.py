"""Does it reproduce: our numbers against the papers' intervals, and beside what others reach on the same beats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.names import DATASETS, HEADLINE_METRICS, METRIC_TITLES, MODEL_TITLES
from ecglib.results.papers import REPORT_TRAINING_SET, others, printed_metrics
from ecglib.results.tables import data_label, with_deviation
from ecglib.runs import Run

WITHIN_ONE, WITHIN_TWO, ABOVE, BELOW = (
    "within one standard deviation",
    "within two standard deviations",
    "above",
    "below",
)
_OTHERS_METRICS = ("f1_macro", "accuracy")


def verdict(value: float, mean: float, deviation: float) -> str:
    """Where `value` lies from a paper's mean, in steps of its standard deviation; a border belongs to the inside.

    All are fractions, and are compared as the paper prints them, in percent with two decimals.
    """
    value, mean, deviation = (round(10_000 * number) for number in (value, mean, deviation))
    if abs(value - mean) <= deviation:
        return WITHIN_ONE
    if abs(value - mean) <= 2 * deviation:
        return WITHIN_TWO
    return ABOVE if value > mean else BELOW


def reported_values(run: Run) -> pd.DataFrame:
    """The test metrics that a run reports: of each of its last epochs where they were tested, else of the kept one.

    Returns
    -------
    DataFrame
        One row an epoch, columns `HEADLINE_METRICS`.
    """
    tested = run.history.reindex(columns=[f"test_{name}" for name in HEADLINE_METRICS]).dropna()
    if len(tested):
        return tested.set_axis(list(HEADLINE_METRICS), axis=1)
    return pd.DataFrame([{name: getattr(run.metrics, name) for name in HEADLINE_METRICS}])


def verdict_table(experiment: Experiment) -> pd.DataFrame:
    """Our numbers beside both papers', tidy: one row a model and metric, fractions. Missing runs are trained.

    Returns
    -------
    DataFrame
        Columns model, metric, dataset, design, repetitions; rule (which epochs are reported: "last 10", "best",
        "last"), best_epoch and epochs (means over the repetitions); mean and deviation of ours over
        repetitions and reported epochs, missing for a single number; original_mean, original_deviation and
        verdict, missing for data that the original does not have; report and report_difference (ours minus
        the report's), missing where the report trained on other beats. Of the report's two accuracies of
        late fusion it is Table IV's.
    """
    # other beats, or another split of the same, are no test of the papers' numbers
    usual = experiment.split_kind == DATASETS[experiment.dataset].split
    same_training_set = REPORT_TRAINING_SET.get(experiment.dataset) == experiment.parameters.training_set
    original = printed_metrics("original", experiment.dataset) if usual else {}
    report = printed_metrics("report", experiment.dataset) if usual and same_training_set else {}
    rows = []
    for model in MODEL_TITLES:
        runs = experiment.runs(model)
        values = pd.concat([reported_values(run) for run in runs])
        shared = {
            "model": model,
            "dataset": data_label(experiment),
            "design": experiment.parameters.design,
            "repetitions": len(runs),
            "rule": _rule(experiment, runs[0]),
            "best_epoch": np.mean([run.best_epoch for run in runs]),
            "epochs": np.mean([len(run.history) for run in runs]),
        }
        for metric in HEADLINE_METRICS:
            row = shared | {"metric": metric, "mean": values[metric].mean(), "deviation": values[metric].std(ddof=1)}
            if metric in original.get(model, {}):
                mean, deviation = original[model][metric]
                row |= {"original_mean": mean, "original_deviation": deviation}
                row |= {"verdict": verdict(row["mean"], mean, deviation)}
            if metric in report.get(model, {}):
                printed = report[model][metric].value
                row |= {"report": printed, "report_difference": row["mean"] - printed}
            rows.append(row)
    papers = ["original_mean", "original_deviation", "verdict", "report", "report_difference"]
    first = ["model", "metric", "dataset", "design", "repetitions", "rule", "best_epoch", "epochs"]
    return pd.DataFrame(rows).reindex(columns=[*first, "mean", "deviation", *papers])


def seed_table(experiment: Experiment) -> pd.DataFrame:
    """MCC of every run, tidy: one row a model and repetition, fractions.

    Returns
    -------
    DataFrame
        Columns model, repetition, epochs (how many are reported), reported (their mean), low and high: one standard
        deviation of the reported epochs to either side, or the 95 % interval over test beats of a single one; kept,
        of the epoch whose weights are kept.
    """
    rows = []
    for model in MODEL_TITLES:
        for number, run in enumerate(experiment.runs(model)):
            mcc = reported_values(run)["mcc"]
            low, high = run.metrics.interval["mcc"]
            if len(mcc) > 1:
                low, high = mcc.mean() - mcc.std(ddof=1), mcc.mean() + mcc.std(ddof=1)
            row = {"model": model, "repetition": number, "epochs": len(mcc), "reported": mcc.mean()}
            rows.append(row | {"low": low, "high": high, "kept": run.metrics.mcc})
    return pd.DataFrame(rows)


def verdict_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`verdict_table` for readers, in percent; where a paper has such data, just the metrics that it prints."""
    of_original, of_report = tidy["original_mean"].notna(), tidy["report"].notna()
    shown = tidy[of_original | of_report] if of_original.any() or of_report.any() else tidy
    first = tidy.iloc[0]
    runs = f"{first['repetitions']} run{'s' if first['repetitions'] > 1 else ''}"
    rows = []
    for _, row in shown.iterrows():
        cells = {
            "model": MODEL_TITLES[row["model"]],
            "metric": METRIC_TITLES[row["metric"]],
            "epochs": f"{row['rule']} of {row['epochs']:g}".replace("best", f"best, {row['best_epoch']:g}"),
            f"ours ({row['dataset']}, design {row['design']}, {runs})": with_deviation(row["mean"], row["deviation"]),
        }
        if of_original.any():
            printed = pd.notna(row["original_mean"])
            of_paper = with_deviation(row["original_mean"], row["original_deviation"]) if printed else "not printed"
            cells |= {"original (10 runs)": of_paper, "verdict": row["verdict"] if printed else ""}
        if of_report.any():
            printed = pd.notna(row["report"])
            cells["report (1 run)"] = f"{100 * row['report']:.2f}" if printed else "not printed"
            cells["ours less the report's"] = f"{100 * row['report_difference']:+.2f}" if printed else ""
        rows.append(cells)
    return pd.DataFrame(rows)


def verdict_sentence(tidy: pd.DataFrame) -> str:
    """How many of the original's numbers came out how, in words."""
    counts = tidy["verdict"].value_counts()
    if counts.empty:
        return "The original paper has no numbers for these beats: no verdict."
    parts = ", ".join(f"{counts.get(word, 0)} {word}" for word in (WITHIN_ONE, WITHIN_TWO, ABOVE, BELOW))
    return f"Of the original's {counts.sum()} numbers: {parts}."


def others_table(experiment: Experiment) -> pd.DataFrame:
    """Our models and others on the same test beats, tidy: one row a model. Missing runs are trained.

    Others are there for the test beats of the Kaggle MIT-BIH files alone; ``reference.yaml`` has their sources.

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
            [{name: getattr(run.metrics, name) for name in _OTHERS_METRICS} for run in experiment.runs(model)]
        )
        row = {"model": title, "by": "ours", "dataset": data_label(experiment), "design": experiment.parameters.design}
        row |= {"runs": len(metrics), "note": ""} | metrics.mean().to_dict()
        rows.append(row | {f"{name}_deviation": value for name, value in metrics.std(ddof=1).items()})
    usual = experiment.split_kind == DATASETS[experiment.dataset].split
    if experiment.dataset == "mitbih" and usual and not experiment.beats.metadata.is_synthetic:
        for name, other in others().items():
            f1, deviation = (*other["f1"], np.nan)[:2]
            row = {
                "model": name,
                "by": other["source"],
                "dataset": "mitbih",
                "design": "its own",
                "runs": other["runs"],
            }
            row |= {"f1_macro": f1 / 100, "f1_macro_deviation": deviation / 100, "accuracy": other["accuracy"] / 100}
            rows.append(row | {"accuracy_deviation": np.nan, "note": other.get("note", "")})
    first = ["model", "by", "dataset", "design", "runs"]
    return pd.DataFrame(rows)[[*first, *(name + end for name in _OTHERS_METRICS for end in ("", "_deviation")), "note"]]


def others_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`others_table` for readers, in percent, the highest macro F1 first."""
    rows = []
    for _, row in tidy.sort_values("f1_macro", ascending=False).iterrows():
        cells = {"model": row["model"], "by": row["by"], "trained on": row["dataset"], "runs": str(row["runs"])}
        for name, title in zip(_OTHERS_METRICS, ("macro F1", "accuracy"), strict=True):
            cells[title] = with_deviation(row[name], row[f"{name}_deviation"])
        rows.append(cells | {"note": row["note"]})
    return pd.DataFrame(rows)


def _rule(experiment: Experiment, run: Run) -> str:
    if experiment.parameters.reported_epochs is not None:
        return f"last {len(reported_values(run))}"
    return experiment.parameters.selection
