"""Where the branches looked, on one beat a class; and what speaks for and against such maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.data.views import lengths
from ecglib.figures.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILION, new_figure, style

_COLOURS = {"gradients": BLUE, "rollout": VERMILION, "grad_cam": GREEN, "hires_cam": PURPLE, "random": GREY}
_SHAPES = {"gradients": "-", "rollout": "--", "grad_cam": "-.", "hires_cam": (0, (5, 1, 1, 1, 1, 1)), "random": ":"}


def looked_figure(
    signal: np.ndarray,
    bands: Mapping[str, np.ndarray],
    picture: np.ndarray,
    on_picture: Mapping[str, np.ndarray],
    names: Sequence[str],
    rate_hz: float,
    title: str,
) -> Figure:
    """One beat a row: its curve over a coloured band for each method, its picture, and the picture under maps of it.

    Parameters
    ----------
    signal : ndarray, shape (B, 187)
    bands : mapping of str to ndarray, shape (B, 187)
        Heading to maps of the beat, from -1 to 1.
    picture : ndarray, shape (B, C, H, W)
        One channel, or red, green, blue in [0, 1].
    on_picture : mapping of str to ndarray, shape (B, h, w)
        Heading to maps of the picture, from 0 to 1, of any size.
    names : sequence of str, length B
    rate_hz : float
    title : str
    """
    count, samples = signal.shape
    ends, step = lengths(signal), 1 / rate_hz
    # as a page has it, or low frequencies first
    upright = {"origin": "upper" if picture.shape[1] > 1 else "lower", "extent": (0, 1, 0, 1), "aspect": "auto"}
    with style():
        figure = new_figure(8.4, 0.9 + 1.35 * count, title)
        grid = figure.subplots(
            count, 2 + len(on_picture), squeeze=False, width_ratios=[3, *[1] * (1 + len(on_picture))]
        )
        for row, (axes, *panels) in enumerate(grid):
            axes.plot(np.arange(ends[row]) * step, signal[row, : ends[row]], color=INK, linewidth=1.3)
            axes.axvline((ends[row] - 0.5) * step, color=GREY, linewidth=0.8, linestyle=":")
            for place, maps in enumerate(bands.values()):
                extent = (-0.5 * step, (samples - 0.5) * step, -0.36 - 0.32 * place, -0.12 - 0.32 * place)
                look = {"cmap": "PuOr_r", "vmin": -1, "vmax": 1, "aspect": "auto", "interpolation": "nearest"}
                shown = axes.imshow(maps[row][None], extent=extent, **look)
                shown.set_clip_on(False)
            axes.set_xlim(0, samples * step)
            axes.set_ylim(-0.16 - 0.32 * len(bands), 1.05)
            axes.set_yticks([-0.24 - 0.32 * place for place in range(len(bands))] + [0, 1], [*bands, "0", "1"])
            axes.tick_params(axis="y", length=0, labelsize=8)
            axes.set_title(names[row], fontsize=9)
            for panel, maps in zip(panels, (None, *on_picture.values()), strict=True):
                image = panel.imshow(np.moveaxis(picture[row], 0, -1), cmap="gray", **upright)
                image.set_clip_on(False)
                if maps is not None:
                    # what does not count is dark; by the root, since one place often counts far more than the others
                    dark = np.zeros((*maps[row].shape, 4))
                    dark[..., 3] = 0.75 * (1 - np.sqrt(maps[row]))
                    panel.imshow(dark, interpolation="nearest", **upright).set_clip_on(False)
                panel.set_xticks([])
                panel.set_yticks([])
        for panel, heading in zip(grid[0, 1:], ("picture", *on_picture), strict=True):
            panel.set_title(heading, fontsize=9, y=1.0)
        for axes in grid[:-1, 0]:
            axes.tick_params(labelbottom=False)
        grid[-1, 0].set_xlabel("seconds from the R peak")
        bar = figure.colorbar(shown, ax=list(grid[:, 0]), location="bottom", shrink=0.9, aspect=60, pad=0.01)
        bar.set_ticks([-1, 0, 1], labels=["against the class that is called", "0", "for it"])
        bar.outline.set_visible(False)
    return figure


def checks_figure(
    deletion: Mapping[str, Mapping[str, np.ndarray]],
    shares: np.ndarray,
    agreement: pd.DataFrame,
    titles: Mapping[str, str],
    branches: Mapping[str, str],
    title: str,
) -> Figure:
    """A column a branch: above what deletion leaves of the probability, below what random weights leave of the maps.

    Parameters
    ----------
    deletion : mapping of str to mapping of str to ndarray, shape (S, 3)
        By branch and method, the mean and both ends of its interval at each share.
    shares : ndarray, shape (S,)
    agreement : DataFrame
        See `ecglib.results.attribution.agreement_table`.
    titles, branches : mapping of str to str
        Of the methods and of the branches.
    title : str
    """
    with style():
        figure = new_figure(8.4, 6.0, title)
        grid = figure.subplots(2, len(branches), squeeze=False)
        for (branch, name), axes, below in zip(branches.items(), *grid, strict=True):
            for method, curve in deletion[branch].items():
                look = {"color": _COLOURS[method], "linestyle": _SHAPES[method]}
                axes.plot(100 * shares, 100 * curve[:, 0], label=titles[method], **look)
                axes.fill_between(100 * shares, *100 * curve[:, 1:].T, color=_COLOURS[method], alpha=0.13, linewidth=0)
            axes.set_title(name)
            axes.legend(loc="upper right", borderaxespad=0, fontsize=8.5)
            axes.set_xlabel("deleted (%), what counts most first")
            axes.set_ylim(0, 102)
            axes.grid(axis="y")
            rows = agreement[(agreement["model"] == branch) & (agreement["kind"] == "randomised")]
            for number, (method, of_method) in enumerate(rows.groupby("method", sort=False)):
                place, rho = np.arange(len(of_method)) + 0.08 * (number - 1), of_method["rho"].to_numpy()
                ends = np.abs(of_method[["rho_low", "rho_high"]].to_numpy().T - rho)
                below.errorbar(
                    place, rho, ends, color=_COLOURS[method], linestyle=_SHAPES[method], marker="o", ms=4, linewidth=1.3
                )
            below.axhline(0, color=GREY, linewidth=0.8)
            below.set_xticks(range(len(of_method)), of_method["other"].str.replace("and ", "and\n"), fontsize=8.5)
            below.set_xlim(-0.4, len(of_method) - 0.6)
            below.set_ylim(-0.35, 1.05)
            below.grid(axis="y")
            below.set_xlabel("weights that are put at random")
        grid[0, 0].set_ylabel("probability of the class called (%)")
        grid[1, 0].set_ylabel("rank correlation with trained maps")
    return figure
