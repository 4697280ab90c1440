"""Models on new people: the ladder, and how far the probabilities can be believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ecglib.figures.style import BLUE, GREY, VERMILION, add_source, legend_above, new_figure, style
from ecglib.results.new_people import ALL, TITLES, WITHOUT, model_title

# of runs that belong to no profile
_SOURCE = "trained on DS1, tested on DS2, runs/context"
_LADDER = ("mcc", "veb_f1", "sveb_f1")
_LABELS = {ALL: "all 22 records", WITHOUT: WITHOUT}
_MARKS = {ALL: (BLUE, "o", -0.13), WITHOUT: (VERMILION, "D", 0.13)}


def ladder_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """MCC and F1 of ectopic beats of each model, with intervals over patients.

    Parameters
    ----------
    tidy : DataFrame
        `ecglib.results.new_people.ladder_table`.
    title : str
    """
    models = list(dict.fromkeys(tidy["model"]))
    place = np.arange(len(models))
    with style():
        figure = new_figure(9.2, 1.5 + 0.36 * len(models), title)
        panels = figure.subplots(1, len(_LADDER), sharey=True)
        for axes, metric in zip(panels, _LADDER, strict=True):
            for records, (colour, mark, shift) in _MARKS.items():
                rows = tidy[tidy["records"] == records].set_index("model").loc[models]
                axes.hlines(place + shift, rows[f"{metric}_low"], rows[f"{metric}_high"], color=colour, linewidth=1.2)
                axes.plot(rows[metric], place + shift, mark, color=colour, ms=5, label=_LABELS[records])
            axes.set(xlim=(-0.03, 1.03), ylim=(len(models) - 0.5, -0.5), xlabel=TITLES[metric])
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.grid(axis="x")
        panels[0].set_yticks(place, [model_title(model) for model in models])
        legend_above(figure, *panels[0].get_legend_handles_labels())
    return add_source(figure, f"{_SOURCE}; late fusion: a profile's, by patient; 95 % intervals over patients")


def trust_figure(trust: pd.DataFrame, risk: pd.DataFrame, title: str) -> Figure:
    """A reliability diagram, and what declining the least sure beats brings.

    Parameters
    ----------
    trust, risk : DataFrame
        `ecglib.results.new_people.trust_table` and `risk_table`.
    title : str
    """
    with style():
        figure = new_figure(9.2, 3.6, title)
        reliability, declining = figure.subplots(1, 2)
        reliability.plot([0, 1], [0, 1], color=GREY, linewidth=1)
        for (words, rows), (colour, mark, _) in zip(
            trust.groupby("probabilities", sort=False), _MARKS.values(), strict=True
        ):
            reliability.plot(rows["confidence"], rows["right"], mark, color=colour, ms=5, label=words)
        lowest = min(trust["confidence"].min(), trust["right"].min()) - 0.03
        reliability.set(xlim=(lowest, 1.005), ylim=(lowest, 1.005))
        reliability.set(xlabel="probability of the class called", ylabel="right, of a tenth of the beats")
        reliability.legend(loc="upper left")
        for name, colour in {"wrong": GREY, "sveb_se": VERMILION, "veb_se": BLUE}.items():
            declining.plot(risk["answered"], risk[name], "o-", color=colour, ms=4, label=TITLES.get(name, name))
        declining.set(xlabel="share of beats answered, the surest first", ylim=(-0.02, 1.02))
        declining.invert_xaxis()
        declining.set_xticks(np.linspace(1, 0.8, 5))
        declining.legend(loc="upper left", bbox_to_anchor=(0, 0.87))
        for axes in (reliability, declining):
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid()
    return add_source(figure, _SOURCE)
