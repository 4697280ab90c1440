"""An ECG on paper, its beats coloured by class: 25 mm a second and 10 mm a millivolt, ten seconds a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from ecglib.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, new_figure, style
from ecglib.names import NOT_SURE

ROW_S = 10.0
MM_A_SECOND, MM_A_MV = 25.0, 10.0
_INCH = 25.4
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 12.0, 6.0, 16.0, 10.0, 8.0  # mm around and between the rows
# how many millivolts a row has room for; the median lies a third up
_LEAST_MV, _MOST_MV = 2.0, 5.0
_UNSCALED_MM = 30.0
_FINE, _COARSE = "#F6DADA", "#E3A5A5"
# how far from its R peak a beat is coloured, if its neighbours are not nearer
_BEFORE_S, _AFTER_S = 0.25, 0.45
_COLOURS = {"N": INK, "S": ORANGE, "V": VERMILION, "F": PURPLE, "Q": BLUE, "normal": INK, "abnormal": VERMILION}
_COLOURS[NOT_SURE] = GREEN


@dataclass(frozen=True)
class Strip:
    """What is drawn.

    Attributes
    ----------
    signal : ndarray of float, shape (T,)
        In mV, or in a unit that nobody knows; NaN where a sample is missing.
    rate_hz : float
    start_s : float
        The time of its first sample.
    in_mv : bool
        Whether it is in mV, so that it is drawn to scale.
    peak_s : ndarray, shape (B,)
        R peaks of classified beats, in the time of `start_s`; those outside are not drawn.
    label : ndarray of str, shape (B,)
    class_names : sequence of str
    unusable : sequence of (float, float, str)
        Start, end and reason of stretches that were not classified.
    """

    signal: np.ndarray
    rate_hz: float
    start_s: float
    in_mv: bool
    peak_s: np.ndarray
    label: np.ndarray
    class_names: Sequence[str]
    unusable: Sequence[tuple[float, float, str]] = ()


def strip_figure(strip: Strip, title: str, notice: str) -> Figure:
    """Draw a strip.

    Parameters
    ----------
    strip : Strip
    title, notice : str
        Above it and below it.
    """
    signal = strip.signal - np.nanmedian(strip.signal) if np.isfinite(strip.signal).any() else strip.signal
    rows = max(1, int(np.ceil(len(signal) / strip.rate_hz / ROW_S)))
    low, high = _range(signal, strip.in_mv)
    row_mm = MM_A_MV * (high - low) if strip.in_mv else _UNSCALED_MM
    width = _LEFT + MM_A_SECOND * ROW_S + _RIGHT
    height = _TOP + rows * row_mm + (rows - 1) * _GAP + _BOTTOM
    time = strip.start_s + np.arange(len(signal)) / strip.rate_hz
    colour, inside = _sample_colours(strip, time), (strip.peak_s >= strip.start_s) & (strip.peak_s <= time[-1])
    with style():
        figure = new_figure(width / _INCH, height / _INCH, title)
        # placed by hand, since a layout engine would not keep to scale
        figure.set_layout_engine("none")
        figure.suptitle(title, x=_LEFT / width, y=1 - 2 / height, ha="left", va="top")
        for row in range(rows):
            bottom = height - _TOP - (row + 1) * row_mm - row * _GAP
            box = (_LEFT / width, bottom / height, MM_A_SECOND * ROW_S / width, row_mm / height)
            axes = figure.add_axes(box)
            start = strip.start_s + row * ROW_S
            _paper(axes, start, low, high, strip.in_mv)
            part = (time >= start) & (time < start + ROW_S)
            _trace(axes, time[part], np.clip(signal[part], low, high), colour[part])
            for peak, label in zip(strip.peak_s[inside], strip.label[inside], strict=True):
                if start <= peak < start + ROW_S:
                    axes.text(
                        peak, high, _letter(label), color=_COLOURS.get(label, INK), fontsize=7, ha="center", va="bottom"
                    )
            for begin, end, reason in strip.unusable:
                if begin < start + ROW_S and end > start:
                    shown = (max(begin, start), min(end, start + ROW_S))
                    axes.axvspan(*shown, color=GREY, alpha=0.25, linewidth=0)
                    axes.text(sum(shown) / 2, high, f"not classified: {reason}", fontsize=7, ha="center", va="bottom")
        names = [name for name in strip.class_names if (strip.label[inside] == name).any()]
        handles = [Line2D([], [], color=_COLOURS.get(name, INK)) for name in names]
        counts = [f"{name} {np.count_nonzero(strip.label[inside] == name)}" for name in names]
        figure.legend(
            handles, counts, loc="upper right", bbox_to_anchor=(1 - _RIGHT / width, 1 - 1 / height),
            ncols=max(1, len(names)), borderaxespad=0, fontsize=8.5,
        )  # fmt: skip
        scale = "25 mm/s, 10 mm/mV" if strip.in_mv else "25 mm/s, amplitude unknown: drawn by its own range"
        figure.text(_LEFT / width, 2.5 / height, f"{scale}; printed at full size. {notice}", fontsize=8)
    return figure


def _range(signal: np.ndarray, in_mv: bool) -> tuple[float, float]:
    """The lowest and highest value that are drawn, the median being 0."""
    finite = signal[np.isfinite(signal)]
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    if not in_mv:
        low, high = np.percentile(finite, [0.1, 99.9]) if len(finite) else (0.0, 0.0)
        margin = 0.1 * (high - low) or 1.0
        return low - margin, high + margin
    # whole small squares of 0.5 mV
    low, high = np.floor(2 * low - 0.2) / 2, np.ceil(2 * high + 0.2) / 2
    high = max(high, low + _LEAST_MV)
    if high - low > _MOST_MV:
        low = max(low, -_MOST_MV / 3) if high > -low else max(low, -2 * _MOST_MV / 3)
        high = low + _MOST_MV
    return float(low), float(high)


def _paper(axes: Axes, start_s: float, low: float, high: float, in_mv: bool) -> None:
    axes.set_xlim(start_s, start_s + ROW_S)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.xaxis.set_minor_locator(MultipleLocator(0.04))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f} s" if abs(value - round(value)) < 1e-6 else "")
    axes.tick_params(which="both", length=0, labelsize=7)
    if in_mv:
        axes.yaxis.set_major_locator(MultipleLocator(0.5))
        axes.yaxis.set_minor_locator(MultipleLocator(0.1))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} mV" if abs(value - round(value)) < 1e-6 else "")
    else:
        axes.set_yticks([])
    axes.grid(which="minor", color=_FINE, linewidth=0.3)
    axes.grid(which="major", color=_COARSE, linewidth=0.5)
    axes.spines[:].set_visible(False)


def _sample_colours(strip: Strip, time: np.ndarray) -> np.ndarray:
    """The class each sample is drawn in, "" where it belongs to no beat; shape (T,)."""
    colour = np.full(len(time), "", dtype=object)
    if len(strip.peak_s) == 0:
        return colour
    middle = (strip.peak_s[1:] + strip.peak_s[:-1]) / 2
    begin = np.maximum(strip.peak_s - _BEFORE_S, np.concatenate(([-np.inf], middle)))
    end = np.minimum(strip.peak_s + _AFTER_S, np.concatenate((middle, [np.inf])))
    for first, last, label in zip(np.searchsorted(time, begin), np.searchsorted(time, end), strip.label, strict=True):
        colour[first:last] = label
    return colour


def _trace(axes: Axes, time: np.ndarray, signal: np.ndarray, colour: np.ndarray) -> None:
    """One line for each run of a class, joined to the next."""
    if len(time) == 0:
        return
    edges = np.flatnonzero(colour[1:] != colour[:-1]) + 1
    for first, last in zip([0, *edges], [*edges, len(time)], strict=True):
        ink = _COLOURS.get(colour[first], INK) if colour[first] else GREY
        axes.plot(time[first : last + 1], signal[first : last + 1], color=ink, linewidth=0.9)


def _letter(label: str) -> str:
    return "?" if label == NOT_SURE else label[:3]
