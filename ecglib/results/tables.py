"""Our numbers, the report's and the original paper's side by side (Tables III to VIII)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ecglib.data.splits import class_counts
from ecglib.experiment import Experiment
from ecglib.metrics import Metrics, evaluate
from ecglib.names import (
    CLASS_TITLES,
    DATASETS,
    EXPERIMENT_1,
    HEADLINE_METRICS,
    METRIC_TITLES,
    MODEL_TITLES,
    Dataset,
    ModelName,
)
from ecglib.parameters import Parameters
from ecglib.results.hints import baseline_scores
from ecglib.results.papers import REPORT_MACHINE, paper_data, printed_metrics, printed_times
from ecglib.training.optimizers import TrainingConfig, training_config

NOT_RUN = "not run"
# who reports a plain baseline: we do, of no model of the papers
BASELINE = "baseline"
_SPLIT_TITLES = {"kaggle": "by beat", "patient": "by patient", "fold": "by fold"}


def data_label(experiment: Experiment) -> str:
    """How our own rows name their data: the beats, the training set, and a split that is not the usual one."""
    made = "synthetic " if experiment.beats.metadata.is_synthetic else ""
    size = {"all": "", "half_second_largest": "_reduced", "half_largest": "_half_largest"}
    kind = experiment.split_kind
    split = "" if kind == DATASETS[experiment.dataset].split else f" {_SPLIT_TITLES[kind]}"
    part = f", {experiment.data.part}" if experiment.data.part else ""
    return f"{made}{experiment.dataset}{size[experiment.parameters.training_set]}{split}{part}"


def metrics_table(experiment: Experiment, models: tuple[ModelName, ...]) -> pd.DataFrame:
    """Test metrics, tidy: one row a model and reporter, fractions.

    Returns
    -------
    DataFrame
        Columns dataset, model, reported_by ("ours", "report", "original", `BASELINE`), the four metrics, then for
        each metric ``_low`` and ``_high``, and ``interval``, which says what these two are. The report
        prints weighted F1 alone and the original macro F1 alone; what was not printed is missing. For
        PTB-XL, a second row of ours stands for PTB, with nothing but "not run" in ``interval``. Below the
        models stand plain baselines of ours, under their titles, see `ecglib.results.hints.baseline_scores`.
    """
    number = 1 if models == EXPERIMENT_1 else 2
    dataset = DATASETS[experiment.dataset].beside
    report, original = (printed_metrics(paper, dataset, number) for paper in ("report", "original"))
    rows = []
    for model in models:
        rows.append(_our_row(experiment, model, experiment.run(model).metrics))
        if experiment.dataset != dataset:
            rows.append({"dataset": dataset, "model": model, "reported_by": "ours", "interval": NOT_RUN})
        row = {"dataset": paper_data("report", dataset), "model": model, "reported_by": "report"}
        rows.append(row | {name: printed.value for name, printed in report[model].items()})
        row = {"dataset": paper_data("original", dataset), "model": model, "reported_by": "original"}
        for name, (mean, deviation) in original[model].items():
            row |= {name: mean, f"{name}_low": round(mean - deviation, 4), f"{name}_high": round(mean + deviation, 4)}
        rows.append(row | {"interval": "1 standard deviation, 10 repetitions"})
    label = experiment.beats.label[experiment.split.test]
    rows += [
        _our_row(experiment, title, evaluate(label, scores)) | {"reported_by": BASELINE}
        for title, scores in baseline_scores(experiment).items()
    ]
    bounds = [f"{name}_{end}" for name in HEADLINE_METRICS for end in ("low", "high")]
    return pd.DataFrame(rows)[["dataset", "model", "reported_by", *HEADLINE_METRICS, *bounds, "interval"]]


def _our_row(experiment: Experiment, model: str, metrics: Metrics) -> dict[str, object]:
    row: dict[str, object] = {"dataset": data_label(experiment), "model": model, "reported_by": "ours"}
    row |= {name: getattr(metrics, name) for name in HEADLINE_METRICS}
    for name, (low, high) in metrics.interval.items():
        row |= {f"{name}_low": low, f"{name}_high": high}
    return row | {"interval": "95 % bootstrap over test beats"}


def metrics_side_by_side(tidy: pd.DataFrame) -> pd.DataFrame:
    """`metrics_table` for readers: one row a model and metric, one column a reporter and data set, percent."""
    rows = []
    for model in tidy["model"].unique():
        of_model = [row for _, row in tidy[tidy["model"] == model].iterrows()]
        for metric, title in METRIC_TITLES.items():
            who = [str(row["reported_by"]).replace(BASELINE, "ours") for row in of_model]
            cells = {f"{its} ({row['dataset']})": _percent(row, metric) for its, row in zip(who, of_model, strict=True)}
            rows.append({"model": MODEL_TITLES.get(model, model), "metric": title, **cells})
    # of a baseline no paper has a number
    return pd.DataFrame(rows).fillna("")


def times_table(experiment: Experiment, models: tuple[ModelName, ...]) -> pd.DataFrame:
    """Seconds, tidy: columns dataset, model, reported_by, train_s and test_s by the wall clock, train_cpu_s, hardware.

    The processor's seconds are those of all epochs and threads, missing where a run did not count them.

    The report trained PTB on one machine's GPU and MIT-BIH on another machine's CPU (section III.C.8).
    For PTB-XL, a second row of ours stands for PTB, with "not run" for the hardware.
    """
    dataset = DATASETS[experiment.dataset].beside
    printed = printed_times(dataset, 1 if models == EXPERIMENT_1 else 2)
    data = paper_data("report", dataset)
    rows = []
    for model in models:
        run = experiment.run(model)
        times = {"train_s": run.train_s, "test_s": run.test_s, "hardware": run.hardware}
        times["train_cpu_s"] = run.history["cpu_seconds"].sum() if "cpu_seconds" in run.history else np.nan
        rows.append({"dataset": data_label(experiment), "model": model, "reported_by": "ours"} | times)
        if experiment.dataset != dataset:
            rows.append({"dataset": data, "model": model, "reported_by": "ours", "hardware": NOT_RUN})
        times = {"train_s": printed[model]["train"], "test_s": printed[model]["test"]}
        times |= {"hardware": REPORT_MACHINE[data]}
        rows.append({"dataset": data, "model": model, "reported_by": "report"} | times)
    columns = ["dataset", "model", "reported_by", "train_s", "test_s", "train_cpu_s", "hardware"]
    return pd.DataFrame(rows).reindex(columns=columns)


def times_side_by_side(tidy: pd.DataFrame) -> pd.DataFrame:
    """`times_table` for readers: one row a model and task, one column a reporter and machine, seconds."""
    rows = []
    # of one reporter's machine with now this, now that number of threads, the number goes into the cells
    machines = tidy["hardware"].str.partition(", ")
    several = tidy.groupby(["reported_by", "dataset", machines[0]])["hardware"].transform("nunique") > 1
    tidy = tidy.assign(hardware=tidy["hardware"].where(~several, machines[0]), note=machines[2].where(several, ""))
    for model in tidy["model"].unique():
        tasks = {
            "train_s": "training and validation, s",
            "train_cpu_s": "the same, processor s",
            "test_s": "testing, s",
        }
        for column, task in tasks.items():
            if tidy[column].isna().all():
                continue
            cells = {}
            for _, row in tidy[tidy["model"] == model].iterrows():
                run = row["hardware"] != NOT_RUN
                where = f"({row['dataset']}): {row['hardware']}" if run else f"({row['dataset']})"
                note = f" ({row['note']})" if row["note"] else ""
                cells[f"{row['reported_by']} {where}"] = _seconds(row[column], note) if run else NOT_RUN
            rows.append({"model": MODEL_TITLES[model], "task": task, **cells})
    return pd.DataFrame(rows)


def _seconds(value: float, note: str) -> str:
    return "not counted" if np.isnan(value) else f"{value:,.1f}{note}"


def _percent(row: pd.Series, metric: str) -> str:
    value, low, high = (100 * row[key] for key in (metric, f"{metric}_low", f"{metric}_high"))
    if pd.isna(value):
        return NOT_RUN if row["interval"] == NOT_RUN else "not printed"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def class_count_table(experiment: Experiment) -> pd.DataFrame:
    """Beats by class (rows): in the training file, what is kept of it, its parts; the weight in the branches' loss."""
    beats, split = experiment.beats, experiment.split
    kept = np.concatenate([split.train, split.validation])
    parts = {"training_file": np.flatnonzero(beats.split == "train"), "kept": kept}
    parts |= {"train": split.train, "validation": split.validation, "test": split.test}
    classes = len(experiment.class_names)
    table = pd.DataFrame({part: class_counts(beats.label[rows], classes) for part, rows in parts.items()})
    table.insert(0, "class", experiment.class_names)
    return table.assign(loss_weight=experiment.class_weights("cnn_transformer"))


def class_count_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`class_count_table` for readers."""
    rows = tidy.assign(**{"class": [CLASS_TITLES.get(name, name) for name in tidy["class"]]})
    titles = {"training_file": "training file", "kept": "kept of it", "loss_weight": "weight in the loss"}
    counts = rows.columns[1:-1]
    rows = rows.astype({"loss_weight": object})
    rows["loss_weight"] = [f"{value:.3f}" for value in tidy["loss_weight"]]
    return rows.assign(**{name: [f"{count:,}" for count in tidy[name]] for name in counts}).rename(columns=titles)


def metric_summary(metrics: Metrics) -> pd.DataFrame:
    """The four headline metrics in percent with their bootstrap intervals."""
    rows = {
        title: [100 * getattr(metrics, name), *(100 * bound for bound in metrics.interval[name])]
        for name, title in METRIC_TITLES.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "95 % from", "95 % to"]).round(2)


def class_metric_table(metrics: Metrics, class_names: Sequence[str]) -> pd.DataFrame:
    """How well each class is told from all others, tidy; fractions.

    Returns
    -------
    DataFrame
        Columns class, beats, sensitivity, positive_predictive_value, f1, false_positive_rate (of all beats of other
        classes, how many are called so); 0 where nothing is called so.
    """
    confusion = np.array(metrics.confusion)
    right = np.diagonal(confusion)
    beats, called = confusion.sum(axis=1), confusion.sum(axis=0)
    others = confusion.sum() - beats
    return pd.DataFrame(
        {
            "class": class_names,
            "beats": beats,
            "sensitivity": metrics.sensitivity,
            "positive_predictive_value": metrics.positive_predictive_value,
            "f1": np.divide(2 * right, beats + called, out=np.zeros(len(beats)), where=beats + called > 0),
            "false_positive_rate": np.divide(called - right, others, out=np.zeros(len(beats)), where=others > 0),
        }
    )


def class_metric_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`class_metric_table` for readers, in percent; columns before the class stay as they are."""
    wide = tidy.copy()
    wide["class"] = [CLASS_TITLES.get(name, name) for name in tidy["class"]]
    wide["beats"] = [f"{count:,}" for count in tidy["beats"]]
    measures = ["sensitivity", "positive_predictive_value", "f1", "false_positive_rate"]
    wide[measures] = tidy[measures].map(lambda value: f"{100 * value:.2f}")
    return wide.rename(columns={name: name.replace("_", " ").replace("f1", "F1") for name in measures})


def noam_table(parameters: Parameters) -> pd.DataFrame:
    """Table I: the learning rate's schedule of the 1D branch, in the paper and in this profile."""
    ours = parameters.schedule == "paper"
    rows = [
        ("factor", "0.1", f"{parameters.noam_factor:g}"),
        ("warm-up steps", "4,000", f"{parameters.noam_warm_up_steps:,}"),
        ("model width", "128", "128"),
        ("betas of Adam", "0.9, 0.999", "0.9, 0.999"),
    ]
    column = f"profile {parameters.profile}"
    return pd.DataFrame(
        [{"setting": name, "report": paper, column: own if ours else "one cycle instead"} for name, paper, own in rows]
    )


def settings_table(parameters: Parameters, dataset: Dataset) -> pd.DataFrame:
    """Table II: how each kind of model is trained, in the report, in the original's code and in this profile."""
    rate = f"{DATASETS[dataset].fusion_learning_rate:.0e}".replace("e-0", "e-")
    papers = {
        "cnn_transformer": ("Adam, Noam", "1e-4", "0 (the paper: 1e-4)", "150"),
        "cnn2d": ("Adamax 1e-3", "1e-5", "1e-5", "30"),
        "late": (f"Adamax {rate}", "0.01", "0.01", "10"),
    }
    titles = {"cnn_transformer": "1D branch", "cnn2d": "2D branch", "late": "fusions"}
    column = f"profile {parameters.profile}"
    rows = []
    for model, (optimizer, decay, original_decay, epochs) in papers.items():
        config = training_config(model, parameters, dataset, parameters.seed)
        own = config.optimizer
        words = {"noam": "Adam, Noam", "adamax": f"Adamax {getattr(own, 'rate', 0):g}"}
        own_words = words.get(own.kind, f"AdamW, one cycle to {getattr(own, 'peak_rate', 0):g}")
        for setting, of_report, of_original, ours in (
            ("optimizer", optimizer, optimizer, own_words),
            ("weight decay", decay, original_decay, f"{own.weight_decay:g}"),
            ("epochs", epochs, epochs, _epoch_words(config)),
            ("batch", "16", "16", str(config.batch_size)),
        ):
            row = {"models": titles[model], "setting": setting, "report": of_report, "original's code": of_original}
            rows.append(row | {column: ours})
    weighting = {"balanced": "balanced", "none": "none"}[parameters.class_weighting]
    row = {"models": "all", "setting": "class weights in the loss", "report": "balanced (none on reduced data)"}
    rows.append(row | {"original's code": "balanced, none in late fusion", column: weighting})
    return pd.DataFrame(rows)


def _epoch_words(config: TrainingConfig) -> str:
    kept = "the last kept" if config.selection == "last" else "the best kept"
    ended = f", ended after {config.patience} without a better one" if config.patience else ""
    return f"{config.epochs}, {kept}{ended}"


def with_deviation(mean: float, deviation: float) -> str:
    """A fraction in percent, with its standard deviation where there is one."""
    return f"{100 * mean:.2f}" + (f" ± {100 * deviation:.2f}" if pd.notna(deviation) else "")
