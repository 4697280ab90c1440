"""What all figures have in common: the house style, the line that says what they show, how they are saved.

Nothing here shows a figure or changes matplotlib's settings for good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from ecglib.files import replacing

# Okabe and Ito's colours, which all common kinds of colour vision tell apart (jfly.uni-koeln.de/color)
BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
INK, GREY = "#262626", "#8A8A8A"
SYNTHETIC_MARK = "synthetic beats: not a result"
# the same colour in every figure, whatever it stands beside
_PROFILE_COLOURS = {
    "reduced": BLUE,
    "short": GREEN,
    "full": VERMILION,
    "short_original": PURPLE,
    "original": ORANGE,
    "best": "#5B3FA3",
    "ledger": SKY,
    "questions": GREEN,
    "demo": GREY,
    "ptb": BLUE,
    "ptb_original": ORANGE,
    "ptbxl": GREEN,
}
_SOURCE = "source"
_CLIP = re.compile(r'(?<="|#)p[0-9a-f]{10}(?="|\))')
_DOTS_PER_INCH = 150


def style() -> AbstractContextManager[None]:
    """The house style, for the length of a ``with`` block; the user's own settings do not show through."""
    settings = {
        "figure.dpi": 100,
        "figure.titlesize": 11,
        "figure.titleweight": "bold",
        "font.size": 9.5,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.axisbelow": True,
        "text.color": INK,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "grid.color": "#E3E3E3",
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        # one salt, so that equal figures get equal identifiers in SVG
        "svg.hashsalt": "ecglib",
    }
    return plt.style.context(["default", settings])


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of the given inches; call it inside ``with style()``."""
    figure = plt.figure(figsize=(width, height), layout="constrained")
    # out of pyplot's hands: it would show the figure a second time in a notebook, and keep it in memory
    plt.close(figure)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def profile_colour(label: str) -> str:
    """The colour of a profile's results; a changed profile ("reduced-seed-1") has its profile's."""
    return _PROFILE_COLOURS.get(label.partition("-")[0], INK)


def legend_above(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """One legend for all panels, between the title and them, where it covers no data."""
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), borderaxespad=0.3, borderpad=0)


def legend_below(figure: Figure, grid: GridSpec, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """One legend for all panels in the last row of `grid`, which it has to itself."""
    axes = figure.add_subplot(grid[-1, :])
    axes.set_axis_off()
    axes.legend(handles, labels, loc="center", ncols=2, borderpad=0)


def add_source(figure: Figure, words: str, synthetic: bool = False) -> Figure:
    """Write below `figure` what it shows, in a strip of its own; once, however often it is called.

    A figure from invented beats says so across itself too.
    """
    if any(text.get_gid() == _SOURCE for text in figure.texts):
        return figure
    width, height = figure.get_size_inches()
    with style():
        strip = 0.24 / height
        figure.set_size_inches(width, height + 0.24)
        if figure.get_layout_engine() is not None:
            figure.get_layout_engine().set(rect=(0, strip, 1, 1 - strip))
        words = f"{words}; {SYNTHETIC_MARK}" if synthetic else words
        colour = VERMILION if synthetic else GREY
        figure.text(0.06 / width, 0.06 / height, words, fontsize=7.5, va="bottom", color=colour, gid=_SOURCE)
        if synthetic:
            # a letter is about 0.6 times as wide as the type is high
            size = min(72 * 0.8 * np.hypot(width, height) / (0.6 * len(SYNTHETIC_MARK)), 44)
            mark = {"ha": "center", "va": "center", "rotation": np.degrees(np.arctan2(height, width))}
            mark |= {"rotation_mode": "anchor", "color": VERMILION, "weight": "bold", "alpha": 0.17, "zorder": 10}
            figure.text(0.5, 0.5, SYNTHETIC_MARK, fontsize=size, **mark)
    return figure


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``<stem>.png`` and ``<stem>.svg``; figures that were made equally give equal bytes.

    Both are written beside the old ones first, so an error leaves the old pair as it was.
    """
    stem = Path(stem)
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    paths = {format: stem.with_name(f"{stem.name}.{format}") for format in metadata}
    with replacing(paths["png"]) as png, replacing(paths["svg"]) as svg, style():
        for format, path in (("png", png), ("svg", svg)):
            figure.savefig(path, format=format, dpi=_DOTS_PER_INCH, metadata=metadata[format])
        svg.write_text(_numbered_clips(svg.read_text(encoding="utf-8")), encoding="utf-8")
    return list(paths.values())


def _numbered_clips(svg: str) -> str:
    """Clip paths named by their order: matplotlib's names are of the last digits of places, which may change."""
    names = {name: f"clip{number}" for number, name in enumerate(dict.fromkeys(_CLIP.findall(svg)), start=1)}
    return _CLIP.sub(lambda found: names[found[0]], svg)
