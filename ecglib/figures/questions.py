"""Answers to what the paper leaves open: effects with their intervals, settings side by side, rows partly hidden."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ecglib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, legend_above, new_figure, style
from ecglib.names import MODEL_TITLES

_PICTURES = {
    "colour": "report's layers, picture",
    "real_part": "original's",
    "magnitude": "original's, magnitude",
}


def answer_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """A line a change and model: its mean effect on MCC, with the intervals over seeds and over patients.

    Parameters
    ----------
    tidy : DataFrame
        Rows of `ecglib.results.answers.answer_table`.
    title : str
    """
    with style():
        figure = new_figure(8.4, 1.3 + 0.5 * max(len(tidy), 1), title)
        axes = figure.subplots()
        if not (tidy["seeds"] > 0).any():
            return _not_run(figure, axes)
        for line, row in enumerate(tidy.to_dict("records")):
            if not row["seeds"]:
                axes.text(0, line, " not run", va="center", color=GREY)
                continue
            for which, shift, colour in (("", -0.12, INK), ("people_", 0.12, ORANGE)):
                ends = [100 * row[f"mcc_{which}{end}"] for end in ("low", "high")]
                axes.plot(ends, [line + shift] * 2, color=colour, linewidth=2 if which else 1.6)
            axes.plot(100 * row["mcc_effect"], line, "o", color=BLUE, ms=6)
        axes.axvline(0, color=GREY, linewidth=0.9)
        names = zip(tidy["change"], tidy["model"], tidy["seeds"], strict=True)
        words = [f"{change}\n{MODEL_TITLES[model]}{_seeds(seeds)}" for change, model, seeds in names]
        axes.set_yticks(range(len(tidy)), words)
        axes.tick_params(axis="y", labelsize=8.5)
        axes.set_ylim(len(tidy) - 0.5, -0.5)
        axes.set_xlabel("MCC with it minus MCC without, percentage points")
        axes.xaxis.set_major_formatter("{x:+g}")
        axes.grid(axis="x")
        legend = {"mean": Line2D([], [], color=BLUE, marker="o", linestyle="", ms=6)}
        if (tidy["seeds"] > 1).any():
            legend["95 % interval over seeds"] = Line2D([], [], color=INK, linewidth=1.6)
        legend["95 % interval over patients"] = Line2D([], [], color=ORANGE, linewidth=2)
        legend_above(figure, list(legend.values()), list(legend))
    return figure


def filter_figure(points: pd.DataFrame, title: str) -> Figure:
    """MCC of the 2D branch against the filters of its first layer: a dot a seed, a line through the means of a picture.

    Parameters
    ----------
    points : DataFrame
        See `ecglib.results.answers.filter_table`.
    title : str
    """
    with style():
        figure = new_figure(8.4, 4.0, title)
        axes = figure.subplots()
        if points.empty:
            return _not_run(figure, axes)
        legend = {}
        for (picture, words), colour in zip(_PICTURES.items(), (BLUE, VERMILION, GREEN), strict=True):
            rows = points[points["picture"] == picture]
            if len(rows):
                mean = 100 * rows.groupby("filters")["mcc"].mean()
                axes.plot(rows["filters"], 100 * rows["mcc"], "o", color=colour, ms=5, alpha=0.5, mew=0)
                (legend[words],) = axes.plot(mean.index, mean, color=colour, marker="_", ms=14, mew=2)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted(set(points["filters"])))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.margins(x=0.12)
        axes.set_xlabel("filters of the first layer")
        axes.set_ylabel("test MCC (%), a dot a seed")
        axes.grid()
        legend_above(figure, list(legend.values()), list(legend))
    return figure


def view_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """MCC on rows of which something is hidden, a mark a seed: learnt from whole rows, and from such rows.

    Parameters
    ----------
    tidy : DataFrame
        See `ecglib.results.answers.view_table`.
    title : str
    """
    models, views = list(dict.fromkeys(tidy["model"])), list(dict.fromkeys(tidy["shows"]))
    with style():
        figure = new_figure(9.4, 1.6 + 0.5 * max(len(views), 2), title)
        if tidy.empty:
            return _not_run(figure, figure.subplots())
        legend = {}
        for axes, model in zip(figure.subplots(1, len(models), sharey=True, squeeze=False)[0], models, strict=True):
            of_model = tidy[tidy["model"] == model]
            for learnt_from, colour, mark, shift in (
                ("whole rows", VERMILION, "D", 0.12),
                ("rows like these", BLUE, "o", -0.12),
            ):
                rows = of_model[of_model["learnt_from"] == learnt_from]
                for row in rows.to_dict("records"):
                    at = views.index(row["shows"]) + shift
                    ends = [100 * row["mcc_people_low"], 100 * row["mcc_people_high"]]
                    axes.plot(ends, [at, at], color=colour, linewidth=1.2, alpha=0.6)
                    (dot,) = axes.plot(100 * row["mcc"], at, mark, color=colour, ms=6)
                    legend[f"learnt from {learnt_from}"] = dot
            axes.set_yticks(range(len(views)), views)
            axes.tick_params(axis="y", labelsize=8.5)
            axes.set_ylim(len(views) - 0.5, -0.5)
            axes.set_xlim(min(0, 100 * tidy["mcc_people_low"].min() - 3), 101)
            axes.set_xlabel("test MCC (%), 95 % over patients")
            axes.set_title(MODEL_TITLES[model])
            axes.grid(axis="x")
        legend_above(figure, list(legend.values()), list(legend))
    return figure


def _seeds(count: int) -> str:
    return f", {count} seed{'' if count == 1 else 's'}" if count else ""


def _not_run(figure: Figure, axes: Axes) -> Figure:
    """A figure that says that there is nothing to show yet."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, "not run", ha="center", va="center", color=GREY, fontsize=14)
    return figure
