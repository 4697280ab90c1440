"""What differs between repetitions: the same training under other seeds, as a table and as learning curves."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ecglib.evaluation import HEADLINE_METRICS
from ecglib.experiment import Experiment
from ecglib.figures import BLUE, VERMILION, new_figure, style
from ecglib.names import MODEL_TITLES, ModelName
from ecglib.tables import METRIC_TITLES, with_deviation


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


def repetition_curves(experiment: Experiment, models: Sequence[ModelName], title: str) -> Figure:
    """Training and validation loss by epoch, one thin line a repetition, one panel a model."""
    with style():
        figure = new_figure(4.2 * len(models), 3.2, title)
        for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
            for run in experiment.runs(model):
                epoch, best = run.history["epoch"], run.history["epoch"] == run.best_epoch
                for part, colour, dashes in (("train", BLUE, "--"), ("validation", VERMILION, "-")):
                    axes.plot(epoch, run.history[f"{part}_loss"], dashes, color=colour, linewidth=0.9, alpha=0.8)
                axes.plot(epoch[best], run.history["validation_loss"][best], "o", color=VERMILION, ms=4.5, mec="white")
            axes.set_title(MODEL_TITLES[model])
            axes.set(xlabel="epoch", ylabel="cross entropy")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
            axes.grid(axis="y")
        handles = [
            Line2D([], [], color=BLUE, linestyle="--", linewidth=0.9, label="training"),
            Line2D([], [], color=VERMILION, linewidth=0.9, label="validation"),
            Line2D([], [], color=VERMILION, marker="o", linestyle="", ms=4.5, mec="white", label="epoch kept"),
        ]
        figure.legend(handles=handles, loc="upper right", ncols=3, borderaxespad=0.5, borderpad=0)
    return figure
