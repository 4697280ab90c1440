"""Models on new people: the ladder, where S beats are missed, and how far the probabilities can be believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ecglib.figures.style import BLUE, GREY, INK, ORANGE, VERMILION, add_source, legend_above, new_figure, style
from ecglib.results.known_people import KNOWN
from ecglib.results.new_people import ALL, TITLES, WITHOUT, model_title
from ecglib.results.sveb_errors import SIDES, shown

# of runs that belong to no profile
_SOURCE = "trained on DS1, tested on DS2, runs/context"
_CIRCUMSTANCES = {"rhythm": "rhythm", "RR ratio": "RR over mean of ten before", "P wave": "P wave", "place": "place"}
_CALLED = {"found": (BLUE, "S called S"), "called_n": ("#B9B9B9", "S called N"), "called_v": (ORANGE, "S called V")}
_LADDER = ("mcc", "veb_f1", "sveb_f1")
_LABELS = {ALL: "all 22 records", WITHOUT: WITHOUT}
_MARKS = {ALL: (BLUE, "o", -0.13), WITHOUT: (VERMILION, "D", 0.13)}


def ladder_figure(tidy: pd.DataFrame, known: pd.DataFrame, title: str) -> Figure:
    """MCC and F1 of ectopic beats of each model, with intervals over patients, and what it has for patients it knows.

    Parameters
    ----------
    tidy, known : DataFrame
        `ecglib.results.new_people.ladder_table` and `ecglib.results.known_people.known_table`.
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
            rows = known[known["patients"] == KNOWN].set_index("model").loc[models]
            axes.plot(rows[metric], place, "x", color=GREY, ms=6, label="the same patients, known")
            axes.set(xlim=(-0.03, 1.03), ylim=(len(models) - 0.5, -0.5), xlabel=TITLES[metric])
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.grid(axis="x")
        panels[0].set_yticks(place, [model_title(model) for model in models])
        legend_above(figure, *panels[0].get_legend_handles_labels())
    words = f"{_SOURCE}; known: trained and tested by beat; late fusion: a profile's; 95 % intervals over patients"
    return add_source(figure, words)


def error_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """S beats of each circumstance by what they are called, to the right, and false alarms, to the left, in beats.

    Parameters
    ----------
    tidy : DataFrame
        `ecglib.results.sveb_errors.error_table`.
    title : str
    """
    rows = shown(tidy)
    rows = rows[rows["by"].isin(_CIRCUMSTANCES)]
    groups = shown(rows.drop_duplicates(["by", "group"]).assign(side=next(iter(SIDES))))
    groups = pd.concat([groups[groups["by"] == by] for by in _CIRCUMSTANCES])
    # a gap before each circumstance, in which its name stands
    place = np.arange(len(groups)) + 1.0 * groups["by"].map([*_CIRCUMSTANCES].index).to_numpy()
    at = dict(zip(zip(groups["by"], groups["group"], strict=True), place, strict=True))
    with style():
        figure = new_figure(9.2, 1.3 + 0.22 * (place[-1] + 1), title)
        panels = figure.subplots(1, len(SIDES), sharey=True)
        for axes, side in zip(panels, SIDES, strict=True):
            chosen = rows[rows["side"] == side]
            heights = [at[one] for one in zip(chosen["by"], chosen["group"], strict=True)]
            left = np.zeros(len(chosen))
            for name, (colour, label) in _CALLED.items():
                axes.barh(heights, chosen[name], left=left, color=colour, height=0.72, label=label)
                left += chosen[name].to_numpy()
            alarms = chosen["false"].where(chosen["by"] != "place", 0)
            axes.barh(heights, -alarms, color=VERMILION, height=0.72, label="others called S")
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.set(title=side, xlabel="beats")
            axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
            axes.xaxis.set_major_locator(MaxNLocator(6))
            axes.grid(axis="x")
            axes.set_axisbelow(True)
        names = [min(at[key] for key in at if key[0] == by) - 1 for by in _CIRCUMSTANCES]
        panels[0].set_yticks([*place, *names], [*groups["group"], *_CIRCUMSTANCES.values()])
        for label in panels[0].get_yticklabels()[len(place) :]:
            label.set_weight("bold")
        for axes in panels:
            axes.tick_params(axis="y", length=0)
        panels[0].set_ylim(place[-1] + 0.6, -1.6)
        legend_above(figure, *panels[0].get_legend_handles_labels())
    return add_source(figure, f"{_SOURCE}; DS1: each fold by a network trained without it")


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
