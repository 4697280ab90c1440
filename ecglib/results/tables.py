"""Our numbers, the report's and the original paper's side by side (Tables III to VIII)."""

from __future__ import annotations

import pandas as pd

from ecglib.data.splits import class_counts, default_split
from ecglib.experiment import Experiment
from ecglib.metrics import Metrics
from ecglib.names import EXPERIMENT_1, HEADLINE_METRICS, METRIC_TITLES, MODEL_TITLES, ModelName
from ecglib.results.papers import REPORT_MACHINE, STANDS_BESIDE, paper_data, printed_metrics, printed_times

NOT_RUN = "not run"
_SPLIT_TITLES = {"kaggle": "by beat", "patient": "by patient", "fold": "by fold"}


def data_label(experiment: Experiment) -> str:
    """How our own rows name their data: the beats, the training set, and a split that is not the usual one."""
    made = "synthetic " if experiment.beats.metadata.is_synthetic else ""
    size = {"all": "", "half_second_largest": "_reduced", "half_largest": "_half_largest"}
    kind = experiment.split_kind
    split = "" if kind == default_split(experiment.dataset) else f" {_SPLIT_TITLES[kind]}"
    return f"{made}{experiment.dataset}{size[experiment.parameters.training_set]}{split}"


def metrics_table(experiment: Experiment, models: tuple[ModelName, ...]) -> pd.DataFrame:
    """Test metrics, tidy: one row a model and reporter, fractions.

    Returns
    -------
    DataFrame
        Columns dataset, model, reported_by ("ours", "report", "original"), the four metrics, then for
        each metric ``_low`` and ``_high``, and ``interval``, which says what these two are. The report
        prints weighted F1 alone and the original macro F1 alone; what was not printed is missing. For
        PTB-XL, a second row of ours stands for PTB, with nothing but "not run" in ``interval``.
    """
    number = 1 if models == EXPERIMENT_1 else 2
    dataset = STANDS_BESIDE.get(experiment.dataset, experiment.dataset)
    report, original = (printed_metrics(paper, dataset, number) for paper in ("report", "original"))
    rows = []
    for model in models:
        metrics = experiment.run(model).metrics
        row = {"dataset": data_label(experiment), "model": model, "reported_by": "ours"}
        row |= {name: getattr(metrics, name) for name in HEADLINE_METRICS}
        for name, (low, high) in metrics.interval.items():
            row |= {f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {"interval": "95 % bootstrap over test beats"})
        if experiment.dataset != dataset:
            rows.append({"dataset": dataset, "model": model, "reported_by": "ours", "interval": NOT_RUN})
        row = {"dataset": paper_data("report", dataset), "model": model, "reported_by": "report"}
        rows.append(row | {name: printed.value for name, printed in report[model].items()})
        row = {"dataset": paper_data("original", dataset), "model": model, "reported_by": "original"}
        for name, (mean, deviation) in original[model].items():
            row |= {name: mean, f"{name}_low": round(mean - deviation, 4), f"{name}_high": round(mean + deviation, 4)}
        rows.append(row | {"interval": "1 standard deviation, 10 repetitions"})
    bounds = [f"{name}_{end}" for name in HEADLINE_METRICS for end in ("low", "high")]
    return pd.DataFrame(rows)[["dataset", "model", "reported_by", *HEADLINE_METRICS, *bounds, "interval"]]


def metrics_side_by_side(tidy: pd.DataFrame) -> pd.DataFrame:
    """`metrics_table` for readers: one row a model and metric, one column a reporter and data set, percent."""
    rows = []
    for model in tidy["model"].unique():
        of_model = [row for _, row in tidy[tidy["model"] == model].iterrows()]
        for metric, title in METRIC_TITLES.items():
            cells = {f"{row['reported_by']} ({row['dataset']})": _percent(row, metric) for row in of_model}
            rows.append({"model": MODEL_TITLES[model], "metric": title, **cells})
    return pd.DataFrame(rows)


def times_table(experiment: Experiment, models: tuple[ModelName, ...]) -> pd.DataFrame:
    """Wall-clock seconds, tidy: columns dataset, model, reported_by, train_s, test_s, hardware.

    The report trained PTB on one machine's GPU and MIT-BIH on another machine's CPU (section III.C.8).
    For PTB-XL, a second row of ours stands for PTB, with "not run" for the hardware.
    """
    dataset = STANDS_BESIDE.get(experiment.dataset, experiment.dataset)
    printed = printed_times(dataset, 1 if models == EXPERIMENT_1 else 2)
    data = paper_data("report", dataset)
    rows = []
    for model in models:
        run = experiment.run(model)
        times = {"train_s": run.train_s, "test_s": run.test_s, "hardware": run.hardware}
        rows.append({"dataset": data_label(experiment), "model": model, "reported_by": "ours"} | times)
        if experiment.dataset != dataset:
            rows.append({"dataset": data, "model": model, "reported_by": "ours", "hardware": NOT_RUN})
        times = {"train_s": printed[model]["train"], "test_s": printed[model]["test"]}
        times |= {"hardware": REPORT_MACHINE[data]}
        rows.append({"dataset": data, "model": model, "reported_by": "report"} | times)
    return pd.DataFrame(rows)


def times_side_by_side(tidy: pd.DataFrame) -> pd.DataFrame:
    """`times_table` for readers: one row a model and task, one column a reporter and machine, seconds."""
    rows = []
    # of one reporter's machine with now this, now that number of threads, the number goes into the cells
    machines = tidy["hardware"].str.partition(", ")
    several = tidy.groupby(["reported_by", "dataset", machines[0]])["hardware"].transform("nunique") > 1
    tidy = tidy.assign(hardware=tidy["hardware"].where(~several, machines[0]), note=machines[2].where(several, ""))
    for model in tidy["model"].unique():
        for column, task in (("train_s", "training and validation, s"), ("test_s", "testing, s")):
            cells = {}
            for _, row in tidy[tidy["model"] == model].iterrows():
                run = row["hardware"] != NOT_RUN
                where = f"({row['dataset']}): {row['hardware']}" if run else f"({row['dataset']})"
                note = f" ({row['note']})" if row["note"] else ""
                cells[f"{row['reported_by']} {where}"] = f"{row[column]:.1f}{note}" if run else NOT_RUN
            rows.append({"model": MODEL_TITLES[model], "task": task, **cells})
    return pd.DataFrame(rows)


def _percent(row: pd.Series, metric: str) -> str:
    value, low, high = (100 * row[key] for key in (metric, f"{metric}_low", f"{metric}_high"))
    if pd.isna(value):
        return NOT_RUN if row["interval"] == NOT_RUN else "not printed"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def claim(tidy: pd.DataFrame, winner: ModelName) -> str:
    """Whether `winner` has the best of our four metrics in a `metrics_table`, in plain words.

    One seed decides nothing about a difference that is small: that is said by how far the winner's
    value is from the best other's.
    """
    mine = tidy[(tidy["reported_by"] == "ours") & tidy["mcc"].notna()].set_index("model")
    lines = []
    for metric, title in METRIC_TITLES.items():
        rival = mine[metric].drop(winner).idxmax()
        lead = 100 * (mine.loc[winner, metric] - mine.loc[rival, metric])
        verdict = "ahead of" if lead > 0 else "behind" if lead < 0 else "level with"
        lines.append(f"{title}: {MODEL_TITLES[winner]} is {verdict} {MODEL_TITLES[rival]} by {abs(lead):.2f} points")
    return "\n".join(lines)


def class_count_table(experiment: Experiment) -> pd.DataFrame:
    """Beats by class (rows) in the training file, and in the train, validation and test parts (columns)."""
    beats, split = experiment.beats, experiment.split
    parts = {
        "training file": beats.label[beats.split == "train"],
        "train": beats.label[split.train],
        "validation": beats.label[split.validation],
        "test": beats.label[split.test],
    }
    classes = len(experiment.class_names)
    return pd.DataFrame(
        {part: class_counts(label, classes) for part, label in parts.items()}, index=experiment.class_names
    )


def metric_summary(metrics: Metrics) -> pd.DataFrame:
    """The four headline metrics in percent with their bootstrap intervals."""
    rows = {
        title: [100 * getattr(metrics, name), *(100 * bound for bound in metrics.interval[name])]
        for name, title in METRIC_TITLES.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "95 % from", "95 % to"]).round(2)


def class_metric_table(metrics: Metrics, class_names: tuple[str, ...]) -> pd.DataFrame:
    """Sensitivity and positive predictive value by class, in percent, and the class's test beats."""
    return (
        pd.DataFrame(
            {
                "sensitivity": 100 * pd.Series(metrics.sensitivity),
                "positive predictive value": 100 * pd.Series(metrics.positive_predictive_value),
                "test beats": [sum(row) for row in metrics.confusion],
            }
        )
        .set_axis(class_names)
        .round(2)
    )


def with_deviation(mean: float, deviation: float) -> str:
    """A fraction in percent, with its standard deviation where there is one."""
    return f"{100 * mean:.2f}" + (f" ± {100 * deviation:.2f}" if pd.notna(deviation) else "")
