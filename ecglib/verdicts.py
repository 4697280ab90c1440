"""Does it reproduce: our numbers against the papers' intervals, and the papers' claims as tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.splits import default_split
from ecglib.evaluation import HEADLINE_METRICS
from ecglib.experiment import Experiment
from ecglib.figures import BLUE, GREY, INK, VERMILION, new_figure, style
from ecglib.names import BRANCHES, INTERMEDIATE, MODEL_TITLES, ModelName
from ecglib.paired import leads, mcnemar
from ecglib.runs import Run
from ecglib.tables import EXPERIMENT_1, METRIC_TITLES, ours, reference, with_deviation

WITHIN_ONE, WITHIN_TWO, ABOVE, BELOW = (
    "within one standard deviation",
    "within two standard deviations",
    "above",
    "below",
)
HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
# what the papers say of late fusion, by the models that it is said to beat
CLAIMS: dict[str, tuple[ModelName, ...]] = {
    "the hybrid (late fusion) beats both branches": BRANCHES,
    "late fusion beats intermediate fusion": INTERMEDIATE,
}
CLAIM_METRICS = ("mcc", "f1_macro")
_ORIGINAL_KEYS = {"mcc": "mcc", "f1_macro": "f1", "accuracy": "accuracy"}
_REPORT_KEYS = {"mcc": "mcc", "f1_weighted": "f1", "accuracy": "accuracy"}
# the training set behind the report's numbers, and its name there; with any other, ours are no match for them
_REPORT_DATA = {("mitbih", "half_second_largest"): "mitbih_reduced", ("ptb", "all"): "ptb"}


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
    # other beats, or another split of the same, are no test of the original's numbers
    usual = experiment.split_kind == default_split(experiment.dataset)
    tables = [reference()["original"][name] for name in ("table_5", "table_8")] if usual else []
    original = _merged(table.get(experiment.dataset, {}) for table in tables)
    data = _REPORT_DATA.get((experiment.dataset, experiment.parameters.training_set)) if usual else None
    report = _merged(reference()["report"][name].get(data, {}) for name in ("table_7", "table_4"))
    rows = []
    for model in MODEL_TITLES:
        runs = experiment.runs(model)
        values = pd.concat([reported_values(run) for run in runs])
        shared = {
            "model": model,
            "dataset": ours(experiment),
            "design": experiment.parameters.design,
            "repetitions": len(runs),
            "rule": _rule(experiment, runs[0]),
            "best_epoch": np.mean([run.best_epoch for run in runs]),
            "epochs": np.mean([len(run.history) for run in runs]),
        }
        for metric in HEADLINE_METRICS:
            row = shared | {"metric": metric, "mean": values[metric].mean(), "deviation": values[metric].std(ddof=1)}
            if model in original and metric in _ORIGINAL_KEYS:
                # rounded, because the paper prints percent with two decimals
                mean, deviation = (round(number / 100, 4) for number in original[model][_ORIGINAL_KEYS[metric]])
                row |= {"original_mean": mean, "original_deviation": deviation}
                row |= {"verdict": verdict(row["mean"], mean, deviation)}
            if model in report and metric in _REPORT_KEYS:
                printed = report[model][_REPORT_KEYS[metric]]
                row |= {"report": printed, "report_difference": row["mean"] - printed}
            rows.append(row)
    papers = ["original_mean", "original_deviation", "verdict", "report", "report_difference"]
    first = ["model", "metric", "dataset", "design", "repetitions", "rule", "best_epoch", "epochs"]
    return pd.DataFrame(rows).reindex(columns=[*first, "mean", "deviation", *papers])


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


def decide(intervals: Iterable[tuple[float, float]]) -> str:
    """What the intervals of a difference say of the claim that it is positive.

    It holds where all of them lie above 0, does not hold where all lie below, and is undecided else.
    """
    bounds = list(intervals)
    if all(low > 0 for low, _ in bounds):
        return HOLDS
    return FAILS if all(high < 0 for _, high in bounds) else UNDECIDED


def claim_table(experiment: Experiment) -> pd.DataFrame:
    """Late fusion against each model that the papers say it beats, tidy: one row a pair. Missing runs are trained.

    All of it is from the predictions of the kept weights.

    Returns
    -------
    DataFrame
        Columns claim, model ("late"), other, repetitions; for each of `CLAIM_METRICS` the difference
        (fraction, mean over the repetitions) with ``_low`` and ``_high`` (paired bootstrap over beats) and
        with ``_seeds_deviation``, ``_seeds_low`` and ``_seeds_high`` (missing for one repetition);
        model_alone, other_alone (beats that one of the two alone gets right) and mcnemar_p, all three of
        the first repetition; verdict.
    """
    others = [other for models in CLAIMS.values() for other in models]
    runs = {model: experiment.runs(model) for model in ("late", *others)}
    label = runs["late"][0].predictions.label
    predicted = {
        model: np.stack([run.predictions.scores.argmax(axis=1) for run in of_model]) for model, of_model in runs.items()
    }  # (R, N) each
    found = leads(label, predicted, "late", others, len(experiment.class_names))
    rows = []
    for claim, models in CLAIMS.items():
        for other in models:
            row = {"claim": claim, "model": "late", "other": other, "repetitions": len(runs[other])}
            for metric in CLAIM_METRICS:
                lead = found[other][metric]
                row |= {metric: lead.value, f"{metric}_low": lead.low, f"{metric}_high": lead.high}
                for name in ("deviation", "low", "high"):
                    row[f"{metric}_seeds_{name}"] = getattr(lead.seeds, name) if lead.seeds else np.nan
            test = mcnemar(label, predicted["late"][0], predicted[other][0])
            row |= {"model_alone": test.first_alone, "other_alone": test.second_alone, "mcnemar_p": test.p}
            row["verdict"] = decide(bound for metric in CLAIM_METRICS for bound in found[other][metric].intervals)
            rows.append(row)
    return pd.DataFrame(rows)


def claim_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`claim_table` for readers; differences in points of percent."""
    rows = []
    for row in tidy.to_dict("records"):
        cells = {"late fusion against": MODEL_TITLES[row["other"]]}
        for metric in CLAIM_METRICS:
            title = METRIC_TITLES[metric]
            cells[f"{title} [95 %, beats]"] = f"{100 * row[metric]:+.2f} {_interval(row, metric)}"
            if row["repetitions"] > 1:
                seeds = f"± {100 * row[f'{metric}_seeds_deviation']:.2f} {_interval(row, f'{metric}_seeds')}"
                cells[f"{title}, {row['repetitions']} seeds [95 %]"] = seeds
        of_first = " (first seed)" if row["repetitions"] > 1 else ""
        cells[f"right alone: late, other{of_first}"] = f"{row['model_alone']:,}, {row['other_alone']:,}"
        # smaller than any float where thousands of beats all fall to one side
        p = f"{row['mcnemar_p']:.2g}" if row["mcnemar_p"] > 1e-99 else "< 1e-99"
        cells[f"McNemar's p{of_first}"] = p
        rows.append(cells | {"late fusion is better": row["verdict"]})
    return pd.DataFrame(rows)


def claim_sentences(tidy: pd.DataFrame) -> str:
    """Each claim's verdict: it holds against all, does not hold against one or more, or is undecided."""
    lines = []
    for claim, group in tidy.groupby("claim", sort=False):
        verdicts = set(group["verdict"])
        word = FAILS if FAILS in verdicts else UNDECIDED if UNDECIDED in verdicts else HOLDS
        lines.append(f"{claim[0].upper()}{claim[1:]}: {word}")
    return "\n".join(lines)


def verdict_figure(experiment: Experiment, tidy: pd.DataFrame, title: str) -> Figure:
    """MCC of each model: a dot a repetition and their mean, below them the papers' numbers where there are any.

    Where the profile reports several epochs, a dot is their mean, and a ring the epoch whose weights are kept.

    Parameters
    ----------
    experiment : Experiment
    tidy : DataFrame
        Its `verdict_table`.
    title : str
    """
    rows = tidy[tidy["metric"] == "mcc"].set_index("model")
    of_original, of_report = rows["original_mean"].notna().any(), rows["report"].notna().any()
    place = np.arange(len(rows))
    above, below = (place - 0.14, place + 0.14) if of_original or of_report else (place, place)
    with style():
        figure = new_figure(8.4, 1.4 + 0.48 * len(rows), title)
        axes = figure.subplots()
        # the mean over several epochs of a training that begins badly says little of what it comes to
        over_epochs = experiment.parameters.reported_epochs is not None
        reported = "ours, last epochs" if over_epochs else "ours, one seed"
        for at, model in zip(above, rows.index, strict=True):
            runs = experiment.runs(model)
            mcc = [100 * reported_values(run)["mcc"].mean() for run in runs]
            dot = {"marker": "o", "linestyle": "", "color": BLUE, "ms": 6, "alpha": 0.6 if len(mcc) > 1 else 1}
            axes.plot(mcc, np.full(len(mcc), at), **dot, mew=0, label=reported)
            if over_epochs:
                kept = [100 * run.metrics.mcc for run in runs]
                axes.plot(kept, np.full(len(kept), at), **dot, mfc="white", label="ours, kept epoch")
        if rows["repetitions"].max() > 1:
            axes.plot(100 * rows["mean"], above, "|", color=INK, ms=14, mew=1.8, label="ours, mean")
        if of_original:
            mark = {
                "fmt": "s",
                "color": VERMILION,
                "ms": 5,
                "capsize": 3,
                "label": "original, mean ± standard deviation",
            }
            axes.errorbar(100 * rows["original_mean"], below, xerr=100 * rows["original_deviation"], **mark)
        if of_report:
            axes.plot(100 * rows["report"], below, "D", color=GREY, ms=5, label="report, one run")
        axes.axhline(len(EXPERIMENT_1) - 0.5, color=GREY, linewidth=0.7, linestyle=":")
        axes.set_yticks(place, [MODEL_TITLES[model] for model in rows.index])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("MCC on the test beats (%)")
        axes.grid(axis="x")
        # every model has dots of its own, and one entry is enough
        handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        axes.legend(handles.values(), handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderpad=0)
    return figure


def _merged(tables: Iterable[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for table in tables:
        merged |= table
    return merged


def _rule(experiment: Experiment, run: Run) -> str:
    if experiment.parameters.reported_epochs is not None:
        return f"last {len(reported_values(run))}"
    return experiment.parameters.selection


def _interval(row: dict[str, Any], name: str) -> str:
    return f"[{100 * row[f'{name}_low']:+.2f}, {100 * row[f'{name}_high']:+.2f}]"
