"""Beats, their classes, their people and their pictures (report, Figs. 1 and 2): data in, matplotlib figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator, StrMethodFormatter

from ecglib.data.views import lengths
from ecglib.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION, legend_above, new_figure, style
from ecglib.names import CLASS_TITLES
from ecglib.results.by_patient import shared_sentence

MOST_RECORDS_DRAWN = 48


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
            legend_above(figure, *axes.get_legend_handles_labels())
    return figure


def beats_by_class(
    signal: np.ndarray, label: np.ndarray, class_names: Sequence[str], rate_hz: float, title: str
) -> Figure:
    """Single beats from the R peak on, a row a class; zero padding is not drawn.

    Parameters
    ----------
    signal : ndarray, shape (M, 187)
    label : ndarray of int, shape (M,)
    class_names : sequence of str, length K
    rate_hz : float
    title : str
    """
    seconds = np.arange(signal.shape[1]) / rate_hz
    columns = max(1, np.bincount(label, minlength=len(class_names)).max())
    with style():
        figure = new_figure(8.4, 1.0 + 0.95 * len(class_names), title)
        grid = figure.subplots(len(class_names), columns, sharex=True, sharey=True, squeeze=False)
        for number, (row, name) in enumerate(zip(grid, class_names, strict=True)):
            of_class = signal[label == number]
            for axes, beat in zip(row, of_class, strict=False):
                end = lengths(beat[None])[0]
                axes.plot(seconds[:end], beat[:end], color=BLUE, linewidth=1.2)
            for axes in row:
                axes.grid(axis="x")
                axes.xaxis.set_major_locator(MultipleLocator(0.5))
                axes.set_yticks([0, 1])
            words = CLASS_TITLES.get(name, name)
            row[0].set_title(words if len(of_class) else f"{words}: no beats", fontsize=9)
        for axes in grid[-1]:
            axes.set_xlabel("seconds from the R peak")
        figure.supylabel("amplitude, scaled to [0, 1]", fontsize=9.5)
    return figure


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
    end = lengths(signal[None])[0]
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
        axes.imshow(np.moveaxis(picture, 0, -1), interpolation="nearest").set_clip_on(False)
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
                    image = axes.imshow(picture[0], cmap="gray", origin="lower", interpolation="nearest", aspect="auto")
                else:
                    image = axes.imshow(np.moveaxis(picture, 0, -1), interpolation="nearest", aspect="auto")
                # it fills its axes; and the names of clipping paths in SVG change from one drawing to the next
                image.set_clip_on(False)
                axes.set_xticks([])
                axes.set_yticks([])
                # so that a white border can be seen
                axes.spines[:].set_visible(True)
            column[0].set_title(f"{heading}\n{channels} × {height} × {width}", fontsize=8.5)
        for axes, name in zip(grid[:, 0], row_names, strict=True):
            axes.set_ylabel(name)
        figure.supxlabel("time →", fontsize=9)
        figure.supylabel("frequency ↑", fontsize=9)
    return figure


def sides_figure(panels: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Each record's beats as one bar, its training and its test part in two colours.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Name of a split to its `sides_by_record`. Of many records, 48 evenly spaced ones are drawn; the
        counts in the titles are those of all.
    title : str
    """
    with style():
        figure = new_figure(8.4, 5.4, title)
        for axes, (name, sides) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            drawn = sides
            if len(sides) > MOST_RECORDS_DRAWN:
                drawn = sides.iloc[np.linspace(0, len(sides) - 1, MOST_RECORDS_DRAWN).astype(int)]
            place = np.arange(len(drawn))
            axes.barh(place, drawn["train"], color=BLUE, label="training and validation")
            axes.barh(place, drawn["test"], left=drawn["train"], color=VERMILION, label="test")
            some = f", {len(drawn)} of {len(sides):,} records drawn" if len(drawn) < len(sides) else ""
            axes.set_title(f"{name}{some}\n{shared_sentence(sides)}")
            # at most two dozen names have room beside one another
            axes.set_yticks(place[:: max(1, len(drawn) // 24)], drawn.index[:: max(1, len(drawn) // 24)], fontsize=7)
            axes.tick_params(axis="y", length=0)
            axes.set_ylim(len(drawn) - 0.4, -0.6)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            axes.set_xlabel("beats of a record")
        legend_above(figure, *axes.get_legend_handles_labels())
    return figure
