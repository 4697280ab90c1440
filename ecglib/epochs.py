"""How many epochs a training needs, and what it costs until then."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from ecglib.experiment import Experiment
from ecglib.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION, new_figure, style
from ecglib.names import MODEL_TITLES, ModelName
from ecglib.plots import learning_curves
from ecglib.tables import METRIC_TITLES

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, GREY)


def enough_epochs(validation_accuracy: Sequence[float], validation_beats: int) -> int:
    """The epoch after which nothing is gained that the validation beats could tell from chance.

    The first epoch whose validation accuracy is at most one standard error below the highest of all epochs
    (the one-standard-error rule of Breiman et al. 1984, section 3.4.3), where the standard error is that of
    the highest accuracy as a share of `validation_beats` beats.

    Parameters
    ----------
    validation_accuracy : sequence of float
        One an epoch, fractions.
    validation_beats : int

    Returns
    -------
    int
        Counted from 1.
    """
    accuracy = np.asarray(validation_accuracy)
    best = accuracy.max()
    error = np.sqrt(best * (1 - best) / validation_beats)
    return int(np.argmax(accuracy >= best - error)) + 1


def run_curves(experiment: Experiment, model: ModelName, title: str) -> Figure:
    """The learning curves of one model's run, with the epochs after which nothing is gained shaded."""
    run = experiment.run(model)
    enough = enough_epochs(run.history["validation_accuracy"], len(experiment.split.validation))
    return learning_curves(run.history, run.best_epoch, title, enough, experiment.parameters.selection)


def epoch_table(experiments: Sequence[Experiment], models: Sequence[ModelName]) -> pd.DataFrame:
    """Epochs, seconds and test metrics of the same models under several profiles, tidy.

    Parameters
    ----------
    experiments : sequence of Experiment
        The first one's models are trained where they are not there yet; of the others, what is trained is shown.
    models : sequence of str

    Returns
    -------
    DataFrame
        One row a model and profile. Columns model, profile, design, schedule, training_beats, batch_size, epochs,
        best_epoch, enough_epochs, train_s, enough_s (seconds until `enough_epochs` were done), hardware, and the
        four test metrics as fractions. All of the first repetition.
    """
    rows = []
    for model in models:
        for experiment in _trained(experiments, model):
            run, chosen = experiment.run(model), experiment.parameters
            enough = enough_epochs(run.history["validation_accuracy"], len(experiment.split.validation))
            row = {"model": model, "profile": chosen.label, "design": chosen.design, "schedule": chosen.schedule}
            row |= {"training_beats": len(experiment.split.train), "batch_size": run.identity["training"]["batch_size"]}
            row |= {"epochs": len(run.history), "best_epoch": run.best_epoch, "enough_epochs": enough}
            row |= {"train_s": run.train_s, "enough_s": run.history["seconds"][:enough].sum()}
            row |= {"hardware": run.hardware}
            rows.append(row | {name: getattr(run.metrics, name) for name in METRIC_TITLES})
    return pd.DataFrame(rows)


def epoch_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`epoch_table` for readers: minutes and percent."""
    rows = []
    for _, line in tidy.iterrows():
        row = {"model": MODEL_TITLES[line["model"]], "profile": line["profile"]}
        row |= {"training beats": f"{line['training_beats']:,}", "epochs": str(line["epochs"])}
        row |= {"nothing gained after": str(line["enough_epochs"])}
        row |= {"minutes": f"{line['train_s'] / 60:.1f}", "minutes until then": f"{line['enough_s'] / 60:.1f}"}
        rows.append(row | {title: f"{100 * line[name]:.2f}" for name, title in METRIC_TITLES.items()})
    return pd.DataFrame(rows)


def time_figure(experiments: Sequence[Experiment], models: Sequence[ModelName], title: str) -> Figure:
    """Validation error against the minutes of training, one line a profile, one panel a model.

    A ring marks the epoch after which nothing is gained (see `enough_epochs`). Both axes are logarithmic.
    Profiles as in `epoch_table`.
    """
    colours = dict(zip(experiments, cycle(_COLOURS), strict=False))
    legend: dict[str, Line2D] = {}
    with style():
        figure = new_figure(4.4 * len(models), 3.6, title)
        for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models, strict=True):
            for experiment in _trained(experiments, model):
                colour, label = colours[experiment], experiment.parameters.label
                history = experiment.run(model).history
                minutes = history["seconds"].cumsum() / 60
                error = 100 * (1 - history["validation_accuracy"])
                (legend[label],) = axes.plot(minutes, error, color=colour, label=label, linewidth=1.3)
                enough = enough_epochs(history["validation_accuracy"], len(experiment.split.validation)) - 1
                axes.plot(minutes[enough], error[enough], "o", color=colour, mfc="white", ms=6)
            axes.set(xscale="log", yscale="log", xlabel="minutes of training", ylabel="validation error, %")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_locator(NullLocator())
            axes.set_title(MODEL_TITLES[model])
            axes.grid(axis="y")
        figure.legend(handles=legend.values(), loc="upper right", ncols=len(legend), borderaxespad=0.5, borderpad=0)
    return figure


def _trained(experiments: Sequence[Experiment], model: ModelName) -> list[Experiment]:
    """The first and, since nothing is trained for a comparison, those others that have the model's run."""
    return [one for one in experiments if one is experiments[0] or one.has(model)]
