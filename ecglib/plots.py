"""The report's figures 1 to 14, pictures by rule and the confusion matrix: data in, matplotlib figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, MultipleLocator, StrMethodFormatter

from ecglib.data.table import Beats
from ecglib.figures import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION, new_figure, style


def _legend(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """One legend for all panels, at the right of the title's line, where it covers no data."""
    figure.legend(handles, labels, loc="upper right", ncols=len(labels), borderaxespad=0.5, borderpad=0)


def learning_curves(
    history: pd.DataFrame, best_epoch: int, title: str, enough: int | None = None, kept: str = "best"
) -> Figure:
    """Loss and accuracy by epoch, with the best validation epoch marked (report, Figs. 3-14).

    Parameters
    ----------
    history : DataFrame
        One row an epoch; the columns of `ecglib.training.Epoch`.
    best_epoch : int
        A value of the column epoch.
    title : str
    enough : int, optional
        The epoch after which nothing is gained (see `ecglib.epochs.enough_epochs`); what follows is shaded.
    kept : {"best", "last"}
        What `best_epoch` is called.
    """
    best = history.loc[history["epoch"] == best_epoch].iloc[0]
    with style():
        figure = new_figure(8.4, 3.2, title)
        for axes, letter, quantity in zip(figure.subplots(1, 2), "ab", ("loss", "accuracy"), strict=True):
            for part, colour, dashes in (("training", BLUE, "--"), ("validation", VERMILION, "-")):
                column = f"{part.removesuffix('ing')}_{quantity}"
                marker = "o" if len(history) <= 30 else ""
                axes.plot(history["epoch"], history[column], dashes, color=colour, marker=marker, ms=3.5, label=part)
            axes.set_title(f"({letter}) {quantity}", pad=20)
            axes.set_xlabel("epoch")
            axes.set_ylabel("cross entropy" if quantity == "loss" else "accuracy")
            axes.grid(axis="y")
            _mark_epoch(axes, history["epoch"], best_epoch, best[f"validation_{quantity}"], kept)
            if enough is not None and enough < len(history):
                axes.axvspan(enough, axes.get_xlim()[1], color=GREY, alpha=0.12, linewidth=0, zorder=0)
                axes.set_xlabel(f"epoch (shaded: nothing gained after {enough})")
        _legend(figure, *axes.get_legend_handles_labels())
    return figure


def _mark_epoch(axes: Axes, epochs: pd.Series, best_epoch: int, value: float, kept: str) -> None:
    """A thin vertical line, and above the axes, where no curve can cross it, the value there."""
    first, last = int(epochs.iloc[0]), int(epochs.iloc[-1])
    room = max(0.04 * (last - first), 0.5)
    axes.set_xlim(first - room, last + room)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.axvline(best_epoch, color=GREY, linewidth=0.9, zorder=1, label="_best epoch")
    axes.plot(best_epoch, value, "o", color=VERMILION, ms=5.5, mec="white", mew=1, zorder=4, label="_best value")
    place = (best_epoch - first + room) / (last - first + 2 * room)
    axes.annotate(
        f"{kept} epoch {best_epoch}: {value:.4f}",
        (best_epoch, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="left" if place < 0.2 else "right" if place > 0.8 else "center",
        fontsize=9,
        annotation_clip=False,
    )


def class_distribution(counts: Mapping[str, np.ndarray], class_names: Sequence[str], title: str) -> Figure:
    """Beats by class, one bar for each part of the data (report, Fig. 2).

    The axis is linear, because the imbalance is what the figure is about; the counts beside the bars
    stay readable where a bar is too short to be seen.

    Parameters
    ----------
    counts : dict of str to ndarray of int, shape (K,)
        Name of the part ("train", ...) to its beats by class.
    class_names : sequence of str, length K
    title : str
    """
    thickness = 0.8 / len(counts)
    places = np.arange(len(class_names))
    with style():
        figure = new_figure(7.2, 1.3 + len(class_names) * max(0.22 * len(counts), 0.4), title)
        axes = figure.subplots()
        for index, (part, values) in enumerate(counts.items()):
            values = np.asarray(values)
            offset = (index - (len(counts) - 1) / 2) * thickness
            colour = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE)[index]
            bars = axes.barh(places + offset, values, height=0.9 * thickness, color=colour, label=part)
            share = values / max(values.sum(), 1)
            labels = [f"{count:,} ({part:.1%})" for count, part in zip(values, share, strict=True)]
            axes.bar_label(bars, labels, padding=4, fontsize=8.5)
        axes.set_yticks(places, class_names)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        # the longest bar's label needs room
        axes.set_xlim(0, 1.22 * max(max(np.max(values) for values in counts.values()), 1))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("beats, and their share of the part")
        if len(counts) > 1:
            _legend(figure, *axes.get_legend_handles_labels())
    return figure


def beats_by_class(beats: Beats, per_class: int, seed: int, title: str) -> Figure:
    """A few beats of each class from the R peak on, and the mean of all; zero padding is not drawn.

    The mean ends where fewer than half of the class's beats last.

    Parameters
    ----------
    beats : Beats
    per_class : int
        Beats drawn in each panel, fewer where the class has fewer.
    seed : int
        Of their random choice.
    title : str
    """
    generator = np.random.default_rng(seed)
    names = beats.metadata.class_names
    seconds = np.arange(beats.signal.shape[1]) / beats.metadata.rate_hz
    with style():
        figure = new_figure(max(1.68 * len(names), 5.8), 2.9, title)
        row = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
        for label, (axes, name) in enumerate(zip(row, names, strict=True)):
            signal = beats.signal[beats.label == label]
            axes.set_title(f"{name}  ({len(signal):,})")
            axes.set_xlabel("seconds")
            axes.xaxis.set_major_locator(MultipleLocator(0.5))
            axes.grid()
            if len(signal) == 0:
                axes.text(0.5, 0.5, "no beats", transform=axes.transAxes, ha="center", color=GREY)
                continue
            length = beat_lengths(signal)
            for index in generator.choice(len(signal), size=min(per_class, len(signal)), replace=False):
                end = length[index]
                axes.plot(seconds[:end], signal[index, :end], color=SKY, alpha=0.6, linewidth=0.7)
            mean = _mean_beat(signal, length)
            axes.plot(seconds[: len(mean)], mean, color=INK, linewidth=1.8, label="mean")
        row[0].set_ylabel("amplitude (scaled to [0, 1])")
        lines = [Line2D([], [], color=SKY, linewidth=1), Line2D([], [], color=INK, linewidth=1.8)]
        _legend(figure, lines, ["single beats", "mean of the class"])
    return figure


def beat_lengths(signal: np.ndarray) -> np.ndarray:
    """Samples up to the last one that is not zero, at least 1; (N, L) to (N,)."""
    occupied = signal[:, ::-1] != 0
    return np.where(occupied.any(axis=1), signal.shape[1] - occupied.argmax(axis=1), 1)


def _mean_beat(signal: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Mean over the beats that still last at each sample; it ends where fewer than half of them do."""
    lasts = np.arange(signal.shape[1]) < length[:, None]  # (N, L)
    count = lasts.sum(axis=0)
    end = int((count >= len(signal) / 2).sum())
    # padding is zero, so it adds nothing to the sum
    return signal.sum(axis=0, dtype=np.float64)[:end] / count[:end]


def spectrogram_panels(
    signal: np.ndarray,
    frequencies: np.ndarray,
    times: np.ndarray,
    decibel: np.ndarray,
    picture: np.ndarray,
    rate_hz: float,
    title: str,
) -> Figure:
    """A beat, its spectrogram below it on the same time axis, and the picture that the network sees (report, Fig. 1).

    Parameters
    ----------
    signal : ndarray, shape (L,)
    frequencies : ndarray, shape (F,)
        In Hz.
    times : ndarray, shape (T,)
        The segments' middles in seconds from the R peak.
    decibel : ndarray, shape (F, T)
    picture : ndarray, shape (3, H, W)
        Red, green, blue in [0, 1].
    rate_hz : float
        Samples a second of `signal`, at the same rate as `frequencies` and `times` are stated.
    title : str
    """
    seconds = np.arange(len(signal)) / rate_hz
    end = beat_lengths(signal[None])[0]
    with style():
        figure = new_figure(8.4, 3.8, title)
        panels = figure.subplot_mosaic(
            [["beat", ".", "picture"], ["mesh", "bar", "picture"]], width_ratios=[1, 0.03, 1]
        )
        axes = panels["beat"]
        axes.plot(seconds[:end], signal[:end], color=BLUE)
        axes.plot(seconds[end - 1 :], signal[end - 1 :], color=GREY, linewidth=1, linestyle=":", label="zero padding")
        if end < len(signal):
            axes.legend(loc="upper right", fontsize=8.5, borderpad=0)
        axes.set_title("(a) beat")
        axes.set_ylabel("amplitude")
        axes.tick_params(labelbottom=False)
        axes.set_xlim(0, seconds[-1])
        axes = panels["mesh"]
        mesh = axes.pcolormesh(times, frequencies, decibel, shading="nearest", cmap="viridis")
        axes.set_title("(b) spectrogram")
        axes.set_xlabel("seconds from the R peak")
        axes.set_ylabel("frequency (Hz)")
        axes.set_xlim(0, seconds[-1])
        figure.colorbar(mesh, cax=panels["bar"], label="dB")
        panels["bar"].spines[:].set_visible(False)
        axes = panels["picture"]
        axes.imshow(np.moveaxis(picture, 0, -1), interpolation="nearest")
        axes.set_title(f"(c) the network's input, {picture.shape[1]} × {picture.shape[2]} pixels")
        axes.set_axis_off()
    return figure


def picture_grid(pictures: Mapping[str, np.ndarray], row_names: Sequence[str], title: str) -> Figure:
    """The same beats under several rules for pictures: a row a beat, a column a rule, each pixel as it is.

    Parameters
    ----------
    pictures : mapping of str to ndarray, shape (B, C, H, W)
        By the column's heading. Of one channel, low frequencies first, drawn at the bottom and in grey from the
        lowest value to the highest of each picture; of three, red, green, blue in [0, 1], as a page has them.
    row_names : sequence of str, length B
    title : str
    """
    with style():
        figure = new_figure(8.4, 0.9 + 1.25 * len(row_names), title)
        grid = figure.subplots(len(row_names), len(pictures), squeeze=False)
        for column, (heading, of_rule) in zip(grid.T, pictures.items(), strict=True):
            _, channels, height, width = of_rule.shape
            for axes, picture in zip(column, of_rule, strict=True):
                if channels == 1:
                    axes.imshow(picture[0], cmap="gray", origin="lower", interpolation="nearest", aspect="auto")
                else:
                    axes.imshow(np.moveaxis(picture, 0, -1), interpolation="nearest", aspect="auto")
                axes.set_xticks([])
                axes.set_yticks([])
                # so that a white border can be seen
                axes.spines[:].set_visible(True)
            column[0].set_title(f"{heading}\n{channels} × {height} × {width}", fontsize=8.5)
        for axes, name in zip(grid[:, 0], row_names, strict=True):
            axes.set_ylabel(name)
    return figure


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str], title: str) -> Figure:
    """Counts and row percentages; the diagonal's percentages are the sensitivities.

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
        percent = f"{share[row, column]:.1%}" if total[row] else "–"
        cells[row, column] = f"{matrix[row, column]:,}\n{percent}"
    with style():
        figure = new_figure(max(2.3 + 0.82 * size, 4.6), 1.5 + 0.66 * size, title)
        axes = sns.heatmap(
            share,
            vmin=0,
            vmax=1,
            cmap="Blues",
            annot=cells,
            fmt="",
            annot_kws={"fontsize": 9},
            linewidths=1.5,
            xticklabels=class_names,
            yticklabels=[f"{name}  ({n:,})" for name, n in zip(class_names, total[:, 0], strict=True)],
            cbar_kws={"format": "{x:.0%}", "label": "share of the true class"},
            ax=figure.subplots(),
        )
        axes.tick_params(length=0, labelrotation=0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class (beats)")
    return figure
