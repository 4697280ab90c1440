"""Where the branches looked, on one beat a class; and what speaks for and against such maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ecglib.figures.beats import beat_lengths
from ecglib.figures.style import BLUE, GREEN, GREY, VERMILION, legend_above, new_figure, style

_COLOURS = {"gradients": BLUE, "rollout": VERMILION, "grad_cam": GREEN, "random": GREY}
_SHAPES = {"gradients": "-", "rollout": "--", "grad_cam": "-.", "random": ":"}


def looked_figure(
    signal: np.ndarray,
    bands: Mapping[str, np.ndarray],
    picture: np.ndarray,
    on_picture: np.ndarray,
    names: Sequence[str],
    rate_hz: float,
    title: str,
) -> Figure:
    """One beat a row: its curve over a coloured band for each method, its picture, and the picture with Grad-CAM on it.

    Parameters
    ----------
    signal : ndarray, shape (B, 187)
    bands : mapping of str to ndarray, shape (B, 187)
        Heading to maps of the beat, from -1 to 1.
    picture : ndarray, shape (B, C, H, W)
        One channel, or red, green, blue in [0, 1].
    on_picture : ndarray, shape (B, h, w)
        Maps of the picture from 0 to 1, of any size.
    names : sequence of str, length B
    rate_hz : float
    title : str
    """
    count, samples = signal.shape
    ends, width = beat_lengths(signal), samples / rate_hz
    with style():
        figure = new_figure(8.4, 0.9 + 1.35 * count, title)
        grid = figure.subplots(count, 3, squeeze=False, width_ratios=[2.6, 1, 1])
        for row, (axes, seen, cam) in enumerate(grid):
            end = ends[row]
            axes.plot(np.arange(end) / rate_hz, signal[row, :end], color="black", linewidth=1.3)
            for place, maps in enumerate(bands.values()):
                top = -0.12 - 0.32 * place
                shown = axes.imshow(
                    maps[row][None],
                    cmap="PuOr_r",
                    vmin=-1,
                    vmax=1,
                    aspect="auto",
                    interpolation="nearest",
                    extent=(-0.5 / rate_hz, width - 0.5 / rate_hz, top - 0.24, top),
                )
                shown.set_clip_on(False)
            axes.axvline((end - 0.5) / rate_hz, color=GREY, linewidth=0.8, linestyle=":")
            axes.set_xlim(0, width)
            axes.set_ylim(-0.16 - 0.32 * len(bands), 1.05)
            axes.set_yticks([-0.24 - 0.32 * place for place in range(len(bands))] + [0, 1], [*bands, "0", "1"])
            axes.tick_params(axis="y", length=0, labelsize=8)
            axes.set_title(names[row], fontsize=9)
            colours = {"cmap": "gray"} if len(picture[row]) == 1 else {}
            for panel in (seen, cam):
                pixels = picture[row] if len(picture[row]) > 1 else picture[row][::-1, ::-1]
                image = panel.imshow(np.moveaxis(pixels, 0, -1), extent=(0, 1, 0, 1), aspect="auto", **colours)
                image.set_clip_on(False)
                panel.set_xticks([])
                panel.set_yticks([])
            over = cam.imshow(
                on_picture[row],
                cmap="inferno",
                vmin=0,
                vmax=1,
                alpha=0.72,
                aspect="auto",
                interpolation="bilinear",
                extent=(0, 1, 0, 1),
            )
            over.set_clip_on(False)
        grid[0, 1].set_title("picture", fontsize=9)
        grid[0, 2].set_title("Grad-CAM on it", fontsize=9)
        for axes in grid[:-1, 0]:
            axes.tick_params(labelbottom=False)
        grid[-1, 0].set_xlabel("seconds from the R peak")
        for axes in grid[-1, 1:]:
            axes.set_xlabel("time →", fontsize=8)
        bar = figure.colorbar(shown, ax=list(grid[:, 0]), location="bottom", shrink=0.5, aspect=40, pad=0.01)
        bar.set_ticks([-1, 0, 1], labels=["against the class called", "0", "for it"])
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
        handles = {}
        for (branch, name), axes, below in zip(branches.items(), *grid, strict=True):
            for method, curve in deletion[branch].items():
                look = {"color": _COLOURS[method], "linestyle": _SHAPES[method]}
                (handles[titles[method]],) = axes.plot(100 * shares, 100 * curve[:, 0], **look)
                axes.fill_between(100 * shares, *100 * curve[:, 1:].T, color=_COLOURS[method], alpha=0.13, linewidth=0)
            axes.set_title(name)
            axes.set_xlabel("deleted (%), what counts most first")
            axes.set_ylim(0, 102)
            axes.grid(axis="y")
            rows = agreement[(agreement["model"] == branch) & (agreement["kind"] == "randomised")]
            for shift, (method, of_method) in zip((-0.06, 0.06), rows.groupby("method", sort=False), strict=True):
                place, rho = np.arange(len(of_method)) + shift, of_method["rho"].to_numpy()
                ends = np.abs(of_method[["rho_low", "rho_high"]].to_numpy().T - rho)
                below.errorbar(
                    place, rho, ends, color=_COLOURS[method], linestyle=_SHAPES[method], marker="o", ms=4, linewidth=1.3
                )
            below.axhline(0, color=GREY, linewidth=0.8)
            below.set_xticks(range(len(of_method)), [f"{other}" for other in of_method["other"]], fontsize=8.5)
            below.set_xlim(-0.4, len(of_method) - 0.6)
            below.set_ylim(-0.35, 1.05)
            below.grid(axis="y")
            below.set_xlabel("weights put at random")
        grid[0, 0].set_ylabel("probability of the class called (%)")
        grid[1, 0].set_ylabel("rank correlation with the trained map")
        legend_above(figure, list(handles.values()), list(handles))
    return figure
