"""Learning curves (report, Figs. 3 to 14), of one run, of repetitions, and of several profiles against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ecglib.figures.style import BLUE, GREY, INK, VERMILION, legend_above, new_figure, profile_colour, style
from ecglib.names import MODEL_TITLES, ModelName

if TYPE_CHECKING:
    from ecglib.results.epochs import Curve


def learning_curves(curve: Curve, title: str) -> Figure:
    """Loss and accuracy by epoch, the kept epoch marked in both panels and named where it was chosen, by accuracy.

    A triangle on the axis marks the first epoch that the validation beats cannot tell from the best one (see
    `ecglib.results.epochs.enough_epochs`).
    """
    history = curve.history
    first, last = int(history["epoch"].iloc[0]), int(history["epoch"].iloc[-1])
    room = max(0.04 * (last - first), 0.5)
    kept = history.loc[history["epoch"] == curve.kept_epoch].iloc[0]
    with style():
        figure = new_figure(8.4, 3.2, title)
        for axes, letter, quantity in zip(figure.subplots(1, 2), "ab", ("loss", "accuracy"), strict=True):
            factor = 100 if quantity == "accuracy" else 1
            for part, colour, dashes in (("training", BLUE, "--"), ("validation", VERMILION, "-")):
                values = factor * history[f"{part.removesuffix('ing')}_{quantity}"]
                marker = "o" if len(history) <= 30 else ""
                axes.plot(history["epoch"], values, dashes, color=colour, marker=marker, ms=3.5, label=part)
            axes.set_title(f"({letter}) {quantity}", pad=20)
            axes.set_xlabel("epoch")
            axes.set_ylabel("cross entropy" if quantity == "loss" else "accuracy (%)")
            axes.grid(axis="y")
            axes.set_xlim(first - room, last + room)
            _whole_ticks(axes, first)
            axes.axvline(curve.kept_epoch, color=GREY, linewidth=0.9, zorder=1)
            value = factor * kept[f"validation_{quantity}"]
            axes.plot(curve.kept_epoch, value, "o", color=VERMILION, ms=5.5, mec="white", mew=1, zorder=4)
            axes.plot(curve.enough, 0, "^", color=INK, ms=6, clip_on=False, transform=axes.get_xaxis_transform())
        # above the axes, where no curve can cross it
        place = (curve.kept_epoch - first + room) / (last - first + 2 * room)
        axes.annotate(
            f"{curve.rule} epoch {curve.kept_epoch}: {100 * kept['validation_accuracy']:.2f} %",
            (curve.kept_epoch, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 3),
            textcoords="offset points",
            ha="left" if place < 0.2 else "right" if place > 0.8 else "center",
            fontsize=9,
            annotation_clip=False,
        )
        handles, labels = axes.get_legend_handles_labels()
        enough = Line2D([], [], color=INK, marker="^", linestyle="", ms=6)
        legend_above(figure, [*handles, enough], [*labels, f"within one standard error from epoch {curve.enough}"])
    return figure


def repetition_curves(runs: Mapping[ModelName, Sequence[tuple[pd.DataFrame, int]]], title: str) -> Figure:
    """Training and validation loss by epoch, one thin line a repetition, one panel a model.

    Parameters
    ----------
    runs : mapping of str to sequence of (DataFrame, int)
        Of each model the history of every repetition and the epoch whose weights it keeps.
    title : str
    """
    with style():
        figure = new_figure(4.2 * len(runs), 3.2, title)
        for axes, (model, repetitions) in zip(
            figure.subplots(1, len(runs), squeeze=False)[0], runs.items(), strict=True
        ):
            for history, kept_epoch in repetitions:
                epoch, kept = history["epoch"], history["epoch"] == kept_epoch
                for part, colour, dashes in (("train", BLUE, "--"), ("validation", VERMILION, "-")):
                    axes.plot(epoch, history[f"{part}_loss"], dashes, color=colour, linewidth=0.9, alpha=0.8)
                axes.plot(epoch[kept], history["validation_loss"][kept], "o", color=VERMILION, ms=4.5, mec="white")
            axes.set_title(MODEL_TITLES[model])
            axes.set(xlabel="epoch", ylabel="cross entropy")
            _whole_ticks(axes, 1)
            axes.grid(axis="y")
        handles = [
            Line2D([], [], color=BLUE, linestyle="--", linewidth=0.9),
            Line2D([], [], color=VERMILION, linewidth=0.9),
            Line2D([], [], color=VERMILION, marker="o", linestyle="", ms=4.5, mec="white"),
        ]
        legend_above(figure, handles, ["training", "validation", "epoch kept"])
    return figure


def time_figure(curves: Mapping[ModelName, Sequence[Curve]], title: str) -> Figure:
    """Validation error against the minutes of training, one line a profile, one panel a model; both axes logarithmic.

    A ring marks the epoch after which nothing is gained. Each profile validates on beats of its own training set, so
    that lines of different training sets compare by their shape, not by their height.
    """
    legend: dict[str, Line2D] = {}
    with style():
        figure = new_figure(4.4 * len(curves), 3.8, title)
        for axes, (model, several) in zip(
            figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
        ):
            for curve in several:
                colour = profile_colour(curve.profile)
                minutes = curve.history["seconds"].cumsum() / 60
                error = 100 * (1 - curve.history["validation_accuracy"])
                (legend[curve.profile],) = axes.plot(minutes, error, color=colour, linewidth=1.3)
                enough = curve.enough - 1
                axes.plot(minutes[enough], error[enough], "o", color=colour, mfc="white", ms=6)
            axes.set(xscale="log", yscale="log", xlabel="minutes of training", ylabel="validation error (%)")
            for axis in (axes.xaxis, axes.yaxis):
                low, high = axis.get_view_interval()
                # on few octaves every digit has room, on many only some
                axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if high / low < 8 else (1, 2, 5)))
                axis.set_major_formatter("{x:g}")
                axis.set_minor_locator(NullLocator())
            axes.set_title(MODEL_TITLES[model])
            axes.grid(axis="y")
        ring = Line2D([], [], color=GREY, marker="o", mfc="white", linestyle="", ms=6)
        legend_above(figure, [*legend.values(), ring], [*legend, "nothing gained after"])
    return figure


def _whole_ticks(axes: Axes, first: int) -> None:
    """At most eight whole numbers on the axis of epochs, none below `first`."""
    low, high = axes.get_xlim()
    ticks = MaxNLocator(nbins=8, integer=True, min_n_ticks=1).tick_values(max(low, first), high)
    axes.set_xticks(np.unique([first, *(tick for tick in ticks if first < tick <= high)]))
    axes.set_xlim(low, high)
