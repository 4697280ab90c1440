"""Plain classifiers on whole and on partly hidden rows."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from ecglib.figures.style import BLUE, VERMILION, legend_above, new_figure, style


def hint_figure(tidy: pd.DataFrame, models: Mapping[str, float], title: str) -> Figure:
    """MCC of plain classifiers on whole and on partly hidden rows, with intervals over patients; the models as lines.

    Parameters
    ----------
    tidy : DataFrame
        See `ecglib.results.hints.hint_table`.
    models : mapping of str to float
        MCC of trained models on the same beats, by title.
    title : str
    """
    with style():
        figure = new_figure(8.4, 1.6 + 0.5 * len(tidy), title)
        axes = figure.subplots()
        for line, row in enumerate(tidy.to_dict("records")):
            low, high = 100 * row["mcc_people_low"], 100 * row["mcc_people_high"]
            axes.plot([low, high], [line, line], color=BLUE, linewidth=1.6)
            axes.plot(100 * row["mcc"], line, "o", color=BLUE, ms=6)
        for (name, value), shape in zip(models.items(), ("-", "--", ":"), strict=False):
            axes.axvline(100 * value, color=VERMILION, linestyle=shape, linewidth=1.1, label=name)
        axes.set_yticks(range(len(tidy)), tidy["classifier"] + "\n" + tidy["sees"])
        axes.tick_params(axis="y", labelsize=8.5)
        axes.set_ylim(len(tidy) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel("test MCC (%), 95 % interval over patients")
        axes.grid(axis="x")
        legend_above(figure, *axes.get_legend_handles_labels())
    return figure
