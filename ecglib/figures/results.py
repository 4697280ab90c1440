"""What came out: confusion matrices, our numbers beside the papers', effects of changes, known and new patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from ecglib.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    legend_above,
    legend_below,
    new_figure,
    profile_colour,
    style,
)
from ecglib.names import EXPERIMENT_1, METRIC_TITLES, MODEL_TITLES
from ecglib.results.by_patient import BY_PATIENT, SAME_PEOPLE, Scored
from ecglib.results.ledger import effects
from ecglib.results.overview import SOURCE, source_title

# a mark a design, in every figure
_MARKS = {"report": "o", "original": "s", "best": "^"}
# so that the same figure of two profiles can be compared
_MCC_LIMITS = (65, 100)


def confusion_figure(matrix: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    """Counts and row percentages; the diagonal's percentages are the sensitivities.

    The colour is that of the mistakes alone, since the right answers are nearly everything.

    Parameters
    ----------
    matrix : ndarray of int, shape (K, K)
        Rows true class, columns predicted class.
    class_names : sequence of str, length K
    title : str
    """
    # imported here, because most notebooks have no confusion matrix
    import seaborn as sns

    size = len(class_names)
    total = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, total, out=np.zeros(matrix.shape), where=total > 0)
    cells = np.empty(matrix.shape, dtype=object)
    for row, column in np.ndindex(matrix.shape):
        percent = f"{share[row, column]:.1%}" if total[row, 0] else "–"
        cells[row, column] = f"{matrix[row, column]:,}\n{percent}"
    mistakes = np.where(np.eye(size, dtype=bool), 0, share)
    with style():
        figure = new_figure(max(2.3 + 0.82 * size, 4.6), 1.5 + 0.66 * size, title)
        axes = sns.heatmap(
            mistakes,
            vmin=0,
            vmax=max(0.05, mistakes.max()),
            cmap="OrRd",
            annot=cells,
            fmt="",
            annot_kws={"fontsize": 9},
            linewidths=1.5,
            xticklabels=class_names,
            yticklabels=[f"{name}  ({n:,})" for name, n in zip(class_names, total[:, 0], strict=True)],
            cbar_kws={"format": "{x:.0%}", "label": "mistakes, share of the true class"},
            ax=figure.subplots(),
        )
        for index in range(size):
            axes.add_patch(Rectangle((index + 0.03, index + 0.03), 0.94, 0.94, fill=False, edgecolor=GREY))
        axes.tick_params(length=0, labelrotation=0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class (beats)")
    return figure


def operating_curves(label: np.ndarray, scores: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    """Each class against all others: receiver operating characteristic and precision-recall curve.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    scores : ndarray of float, shape (N, K)
        Their softmax is taken for the probabilities.
    class_names : sequence of str, length K
    title : str
    """
    from scipy.special import softmax
    from sklearn.metrics import auc, precision_recall_curve, roc_curve

    probability = softmax(scores.astype(np.float64), axis=1)
    colours = (BLUE, GREEN, VERMILION, PURPLE, ORANGE)
    with style():
        figure = new_figure(8.4, 3.7, title)
        left, right = figure.subplots(1, 2)
        for number, (name, colour) in enumerate(zip(class_names, colours, strict=False)):
            false_positive, true_positive, _ = roc_curve(label == number, probability[:, number])
            precision, recall, _ = precision_recall_curve(label == number, probability[:, number])
            # the last point of scikit-learn's curve, where nothing is called so, is no result
            area = f"{name}: {auc(false_positive, true_positive):.3f}"
            left.plot(100 * false_positive, 100 * true_positive, color=colour, label=area, linewidth=1.3)
            area = f"{name}: {auc(recall, precision):.3f}"
            right.plot(100 * recall[:-1], 100 * precision[:-1], color=colour, label=area, linewidth=1.3)
        left.set(xlabel="false positive rate (%)", ylabel="sensitivity (%)", xscale="symlog")
        left.xaxis.set_major_formatter("{x:g}")
        left.set_title("(a) receiver operating characteristic")
        right.set(xlabel="sensitivity (%)", ylabel="positive predictive value (%)", ylim=(0, 102))
        right.set_title("(b) precision and recall")
        for axes in (left, right):
            axes.grid()
            axes.legend(title="area", fontsize=8, title_fontsize=8, loc="lower right" if axes is left else "lower left")
    return figure


def weighting_figure(shares: pd.DataFrame, title: str) -> Figure:
    """MCC and macro F1 of each model as its class weights are divided out by degrees.

    Parameters
    ----------
    shares : DataFrame
        See `ecglib.results.weighting.partly_without`.
    title : str
    """
    colours = dict(zip(MODEL_TITLES, (BLUE, GREEN, VERMILION, PURPLE, ORANGE, SKY), strict=True))
    with style():
        figure = new_figure(8.4, 4.7, title)
        grid = figure.add_gridspec(2, 2, height_ratios=[3.4, 1])
        for column, metric in enumerate(("mcc", "f1_macro")):
            axes = figure.add_subplot(grid[0, column])
            for model, rows in shares.groupby("model", sort=False):
                colour = colours[model]
                if len(rows) == 1:
                    axes.axhline(100 * rows[metric].iloc[0], color=colour, linestyle="--", linewidth=1.1)
                else:
                    axes.plot(rows["share"], 100 * rows[metric], color=colour)
            axes.set_xlabel("share of the class weights divided out")
            axes.set_ylabel(f"{METRIC_TITLES[metric]} (%)")
            axes.grid()
        handles = [Line2D([], [], color=colours[model]) for model in shares["model"].unique()]
        handles += [Line2D([], [], color=GREY, linestyle="--", linewidth=1.1)]
        labels = [MODEL_TITLES[model] for model in shares["model"].unique()] + ["trained without class weights"]
        legend_below(figure, grid, handles, labels)
    return figure


def verdict_figure(points: pd.DataFrame, tidy: pd.DataFrame, profile: str, title: str) -> Figure:
    """MCC of each model: a dot a repetition, and below them the papers' numbers where there are any.

    Where the profile reports several epochs, a dot is their mean with their standard deviation, and a ring the epoch
    whose weights are kept. A single repetition without them has the 95 % interval over test beats.

    Parameters
    ----------
    points : DataFrame
        See `ecglib.results.verdict.seed_table`.
    tidy : DataFrame
        See `ecglib.results.verdict.verdict_table`.
    profile, title : str
    """
    rows = tidy[tidy["metric"] == "mcc"].set_index("model")
    of_original, of_report = rows["original_mean"].notna().any(), rows["report"].notna().any()
    place = dict(zip(rows.index, np.arange(len(rows)), strict=True))
    shift = 0.14 if of_original or of_report else 0.0
    over_epochs, several = points["epochs"].max() > 1, points["repetition"].max() > 0
    colour, legend = profile_colour(profile), {}
    with style():
        figure = new_figure(8.4, 1.9 + 0.48 * len(rows), title)
        grid = figure.add_gridspec(2, 1, height_ratios=[0.48 * len(rows), 0.4])
        axes = figure.add_subplot(grid[0])
        for row in points.to_dict("records"):
            at = place[row["model"]] - shift
            low, high = row["low"], row["high"]
            if not several:
                axes.plot([100 * low, 100 * high], [at, at], color=colour, linewidth=1.6)
            (dot,) = axes.plot(100 * row["reported"], at, "o", color=colour, ms=6, alpha=0.6 if several else 1, mew=0)
            ours = "ours, mean of the last epochs ± standard deviation" if over_epochs else "ours, one seed"
            legend[ours if over_epochs or several else "ours, one seed, 95 % interval over beats"] = dot
            if over_epochs:
                (ring,) = axes.plot(100 * row["kept"], at, "o", color=colour, ms=6, mfc="white")
                legend["ours, kept epoch"] = ring
        below = [place[model] + shift for model in rows.index]
        if of_original:
            mark = {"fmt": "s", "color": INK, "ms": 5, "capsize": 3}
            legend["original, mean ± standard deviation"] = axes.errorbar(
                100 * rows["original_mean"], below, xerr=100 * rows["original_deviation"], **mark
            )
        if of_report:
            (legend["report, one run"],) = axes.plot(100 * rows["report"], below, "D", color=GREY, ms=5)
        axes.axhline(len(EXPERIMENT_1) - 0.5, color=GREY, linewidth=0.7, linestyle=":")
        _model_axis(axes, list(rows.index))
        _mcc_axis(axes, _MCC_LIMITS)
        legend_below(figure, grid, list(legend.values()), list(legend))
    return figure


def overview_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """MCC of every model, one panel a training set; the mark tells the design, black and open the papers.

    Lines are standard deviations where there are several runs.

    Parameters
    ----------
    tidy : DataFrame
        See `ecglib.results.overview.overview_table`.
    title : str
    """
    models = [model for model in MODEL_TITLES if model in set(tidy["model"])]
    reduced = tidy["dataset"].str.endswith("_reduced")
    panels = [("reduced training data", tidy[reduced]), ("all training data", tidy[~reduced])]
    panels = [(name, rows) for name, rows in panels if len(rows)]
    legend = {}
    with style():
        figure = new_figure(9.4, 2.1 + 0.62 * len(models), title)
        heights = [0.62 * len(models), 1.0]
        grid = figure.add_gridspec(2, len(panels), width_ratios=[1, 1.5][-len(panels) :], height_ratios=heights)
        for column, (name, rows) in enumerate(panels):
            axes = figure.add_subplot(grid[0, column])
            sources = [group for _, group in rows.groupby(SOURCE, sort=False)]
            offsets = np.linspace(-0.3, 0.3, len(sources)) if len(sources) > 1 else np.zeros(1)
            for source, offset in zip(sources, offsets, strict=True):
                first = source.iloc[0]
                colour = INK if first["is_paper"] else profile_colour(first["by"])
                runs = f"{first['runs']} run{'s' if first['runs'] > 1 else ''}"
                words = f"{source_title(first)} (design {first['design']}, {runs})"
                legend[f"{first['by']}, the paper ({runs})" if first["is_paper"] else words] = axes.errorbar(
                    100 * source["mcc"],
                    [models.index(model) + offset for model in source["model"]],
                    xerr=100 * source["mcc_deviation"].fillna(0),
                    fmt=_MARKS.get(first["design"], "D"),
                    color=colour,
                    mfc="white" if first["is_paper"] else colour,
                    ms=6,
                    elinewidth=2.4,
                )
            axes.set_title(name)
            axes.tick_params(labelleft=column == 0)
            for line in np.arange(len(models) - 1) + 0.5:
                axes.axhline(line, color=GREY, linewidth=0.5, linestyle=":")
            _model_axis(axes, models)
            _mcc_axis(axes)
        legend_below(figure, grid, list(legend.values()), list(legend))
    return figure


def effect_figure(tidy: pd.DataFrame, title: str) -> Figure:
    """A line a change and model: its effect on MCC in every repetition; their mean and its 95 % interval.

    Parameters
    ----------
    tidy : DataFrame
        See `ecglib.results.ledger.Ledger.tidy`.
    title : str
    """
    found = effects(tidy).set_index(["change", "model"])
    groups = list(tidy.groupby(["change", "model"], sort=False))
    with style():
        figure = new_figure(8.4, 1.1 + 0.46 * len(groups), title)
        axes = figure.subplots()
        for line, (key, group) in enumerate(groups):
            effect = 100 * (group["mcc_with"] - group["mcc_without"])
            axes.plot(effect, [line] * len(effect), "o", color=BLUE, ms=5, alpha=0.6)
            mean, low, high = (100 * found.loc[key, f"mcc_{end}"] for end in ("effect", "low", "high"))
            if len(effect) > 1:
                axes.plot([low, high], [line + 0.22] * 2, color=INK, linewidth=1.6)
                axes.plot([mean], [line + 0.22], "|", color=INK, ms=9, mew=2)
        axes.axvline(0, color=GREY, linewidth=0.9)
        axes.set_xscale("symlog", linthresh=1)
        axes.xaxis.set_major_formatter("{x:+g}")
        low, high = axes.get_xlim()
        ticks = [0, *(sign * size for sign in (-1, 1) for size in (0.5, 1, 2, 5, 10, 20, 50))]
        axes.set_xticks([tick for tick in ticks if low <= tick <= high])
        axes.minorticks_off()
        axes.set_yticks(range(len(groups)), [f"{change}\n{MODEL_TITLES[model]}" for (change, model), _ in groups])
        axes.tick_params(axis="y", labelsize=8.5)
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xlabel("MCC with it minus MCC without, percentage points (logarithmic beyond 1)")
        axes.grid(axis="x")
        handles = [Line2D([], [], color=BLUE, marker="o", linestyle="", ms=5, alpha=0.6)]
        handles += [Line2D([], [], color=INK, marker="|", ms=9, mew=2, linewidth=1.6)]
        legend_above(figure, handles, ["one seed", "mean and 95 % interval over seeds"])
    return figure


def sensitivity_figure(rows: Sequence[Scored], class_names: Sequence[str], title: str) -> Figure:
    """Sensitivity and positive predictive value for the same people, with beats of theirs in training and without.

    Parameters
    ----------
    rows : sequence of Scored
        As `ecglib.results.by_patient.compare` gives them.
    class_names : sequence of str
        The classes of the split by patient.
    title : str
    """
    models = list(dict.fromkeys(row.model for row in rows))
    of = {(row.model, row.split): row.metrics for row in rows}
    place = np.arange(len(class_names))
    with style():
        figure = new_figure(8.4, 1.7 + 0.8 * len(class_names), title)
        grid = figure.subplots(2, len(models), sharey=True, sharex=True, squeeze=False)
        for axes_row, metric in zip(grid, ("sensitivity", "positive_predictive_value"), strict=True):
            for axes, model in zip(axes_row, models, strict=True):
                seen, unseen = (np.array(getattr(of[model, split], metric)) for split in (SAME_PEOPLE, BY_PATIENT))
                axes.hlines(place, unseen, seen, color=GREY, linewidth=1.2, zorder=1)
                axes.plot(seen, place, "o", color=BLUE, ms=6, label="known (split by beat)")
                axes.plot(unseen, place, "D", color=VERMILION, ms=5, label="new (split by patient)")
                axes.set_xlim(-0.03, 1.03)
                axes.xaxis.set_major_formatter(PercentFormatter(1))
                axes.set_ylim(len(class_names) - 0.5, -0.5)
                axes.set_yticks(place, class_names)
                axes.grid(axis="x")
                axes.set_xlabel(metric.replace("_", " "))
        for axes, model in zip(grid[0], models, strict=True):
            axes.set_title(MODEL_TITLES[model])
        legend_above(figure, *axes.get_legend_handles_labels())
    return figure


def _model_axis(axes: Axes, models: Sequence[str]) -> None:
    """One line a model, the first on top."""
    axes.set_yticks(range(len(models)), [MODEL_TITLES[model] for model in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)


def _mcc_axis(axes: Axes, limits: tuple[float, float] | None = None) -> None:
    """Percent; `limits` hold unless there are points outside of them."""
    axes.set_xlabel("MCC on the test beats (%)")
    axes.grid(axis="x")
    if limits is not None:
        axes.set_xlim(min(axes.get_xlim()[0], limits[0]), limits[1])
