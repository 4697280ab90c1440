"""The models as tables and drawings, read from one forward pass of the live modules (report, Figs. 15-17)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Route
from torch import Tensor, nn

from ecglib.data.table import BEAT_LENGTH
from ecglib.figures.style import BLUE, GREY, VERMILION, new_figure, style
from ecglib.models.cnn2d import Cnn2d
from ecglib.models.cnn_transformer import CnnTransformer
from ecglib.models.fusion import IntermediateFusion, LateFusion
from ecglib.models.pictures import decibels
from ecglib.models.tracing import LayerRow, shape_text, trace

# by a part of a layer's kind, the first that fits; tints of the palette in `ecglib.figures`
_FILLS = {
    "Conv": "#CDE2F1",
    "Residual": "#CDE2F1",
    "ReLU": "#FBE6BD",
    "Norm": "#C9EADF",
    "Pool": "#F3DBE8",
    "Transformer": "#F9D4BA",
    "Linear": "#D8EEFB",
    "Dropout": "#E4E4E4",
}
_FROZEN, _TRAINED = "#E9EEF2", "#FBE6BD"
_METHODS = {"concat": "concatenation", "sum": "sum", "weighted_sum": "weighted sum"}


def draw_layers(model: nn.Module, *inputs: Tensor, title: str) -> Figure:
    """`trace` as a flow from top to bottom, with arrows where features and scores leave (report, Figs. 16 and 17)."""
    rows = trace(model, *inputs)
    height, gap = 0.25, 0.17
    # left of the settings, right edge of the boxes, then the columns
    settings_at, right, shape_at, parameters_at, exit_at = 2.3, 5.65, 5.77, 7.5, 7.62
    tops, y = [], height
    for index in range(len(rows)):
        y += gap if _opens_block(rows, index) else 0
        tops.append(y)
        y += height
    with style():
        figure, axes = _canvas(8.6, y + 0.4, title)
        for x, words, side in ((shape_at, "output shape", "left"), (parameters_at, "parameters", "right")):
            _text(axes, x, -0.14, words, ha=side, color=GREY)
        _box(axes, (0, 0), (right, height), "white")
        _text(axes, 0.1, height / 2, "input", weight="bold")
        _text(axes, shape_at, height / 2, " and ".join(shape_text(tensor.shape[1:]) for tensor in inputs))
        for index, (row, top) in enumerate(zip(rows, tops, strict=True)):
            middle = top + height / 2
            if _opens_block(rows, index):
                _arrow(axes, [(right / 2, top - gap), (right / 2, top)], GREY)
            axes.add_patch(Rectangle((0, top), right, height, facecolor=_fill(row.kind), edgecolor=GREY, linewidth=0.7))
            _text(axes, 0.1, middle, row.kind, weight="bold")
            _text(axes, settings_at, middle, row.settings)
            _text(axes, shape_at, middle, shape_text(row.output_shape))
            _text(axes, parameters_at, middle, f"{row.parameters:,}" if row.parameters else "–", ha="right")
            if row.gives:
                _arrow(axes, [(exit_at, middle), (exit_at + 0.22, middle)], VERMILION)
                _text(axes, exit_at + 0.27, middle, ", ".join(row.gives), color=VERMILION, weight="bold")
        axes.plot([shape_at, parameters_at], [y + 0.07, y + 0.07], color=GREY, linewidth=0.7)
        _text(axes, shape_at, y + 0.2, "total", weight="bold")
        _text(axes, parameters_at, y + 0.2, f"{sum(row.parameters for row in rows):,}", ha="right", weight="bold")
    return figure


def _opens_block(rows: list[LayerRow], index: int) -> bool:
    """Whether a row starts a new block of the drawing: a layer with weights and what follows it without."""
    if index == 0 or "features" in rows[index - 1].gives:
        return True
    in_head = any("features" in row.gives for row in rows[:index])
    return rows[index].parameters > 0 and "Norm" not in rows[index].kind and not in_head


def draw_hybrid(
    cnn_transformer: CnnTransformer, cnn2d: Cnn2d, late: LateFusion, intermediate: IntermediateFusion, title: str
) -> Figure:
    """The pipeline from a beat to the fused class scores (report, Fig. 15).

    The branches are drawn as frozen, which they are in both fusions. Shapes and parameter counts are
    those of the given modules.
    """
    signal = torch.zeros(1, BEAT_LENGTH)
    picture = torch.zeros(1, *cnn2d.config.input_shape)
    # the other designs take the levels as they are
    levels = decibels(signal).shape[1:] if picture.shape[1] == 3 else picture.shape[2:]
    branches = _output_shapes(cnn_transformer, signal), _output_shapes(cnn2d, picture)
    fusions = [
        _output_shapes(fusion, *(torch.zeros(1, *shapes[fusion.joins]) for shapes in branches))
        for fusion in (late, intermediate)
    ]
    widths = f"{shape_text(branches[0]['features'])} and {shape_text(branches[1]['features'])}"
    projected = f"{widths} → {intermediate.config.width} each"
    joined = f"{_METHODS[intermediate.config.method]}: {shape_text(fusions[1]['features'])}"
    with style():
        figure, axes = _canvas(8.6, 3.2, title)
        upper, lower = 0.7, 2.4  # the branches' middles
        _node(axes, (0.5, upper), (1.0, 0.75), "white", "beat", shape_text(signal.shape[1:]))
        _node(axes, (0.5, lower), (1.0, 0.75), "white", "spectrogram", f"{shape_text(levels)} levels")
        _node(axes, (1.8, lower), (1.1, 0.75), "white", "picture", shape_text(picture.shape[1:]))
        _arrow(axes, [(0.5, upper + 0.375), (0.5, lower - 0.375)], GREY)
        _arrow(axes, [(1.0, upper), (2.6, upper)], GREY)
        _arrow(axes, [(1.0, lower), (1.25, lower)], GREY)
        _arrow(axes, [(2.35, lower), (2.6, lower)], GREY)
        for middle, name, mark, module, shapes in (
            (upper, "1D CNN-Transformer", "TE", cnn_transformer, branches[0]),
            (lower, "2D CNN", "TFR", cnn2d, branches[1]),
        ):
            _node(axes, (3.35, middle), (1.5, 1.1), _FROZEN, name, _count(module), "frozen")
            for offset, letter, output, colour in ((-0.35, "O", "scores", BLUE), (0.35, "H", "features", VERMILION)):
                y = middle + offset
                _arrow(axes, [(4.1, y), (4.35, y)], colour)
                words = f"${letter}_{{{mark}}}$  {output}"
                _node(axes, (4.93, y), (1.16, 0.5), "white", words, shape_text(shapes[output]), edge=colour)
        top, bottom = 0.55, 2.55  # the fusions' middles
        size = (1.9, 1.15)
        weighted = "weights × probabilities" if late.config.on_probabilities else "weights × scores, summed"
        _node(axes, (7.0, top), size, _TRAINED, "late fusion", weighted, _count(late), "trained")
        _node(
            axes,
            (7.0, bottom),
            size,
            _TRAINED,
            "intermediate fusion",
            projected,
            joined,
            _count(intermediate),
            "trained",
        )
        # each fusion takes one straight way and one that turns
        _arrow(axes, [(5.51, upper - 0.35), (6.05, upper - 0.35)], BLUE)
        _arrow(axes, [(5.51, lower - 0.35), (5.68, lower - 0.35), (5.68, top + 0.25), (6.05, top + 0.25)], BLUE)
        _arrow(
            axes, [(5.51, upper + 0.35), (5.86, upper + 0.35), (5.86, bottom - 0.25), (6.05, bottom - 0.25)], VERMILION
        )
        _arrow(axes, [(5.51, lower + 0.35), (6.05, lower + 0.35)], VERMILION)
        for middle, shapes in ((top, fusions[0]), (bottom, fusions[1])):
            _arrow(axes, [(7.95, middle), (8.15, middle)], GREY)
            _text(axes, 8.2, middle, f"scores\n{shape_text(shapes['scores'])}")
    return figure


def _output_shapes(model: nn.Module, *inputs: Tensor) -> dict[str, tuple[int, ...]]:
    return {output: row.output_shape for row in trace(model, *inputs) for output in row.gives}


def _count(module: nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in module.parameters()):,} parameters"


def _canvas(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure whose one pair of axes has no frame and measures inches from its upper left corner."""
    figure = new_figure(width + 0.2, height + 0.6, title)
    axes = figure.subplots()
    axes.set_xlim(-0.05, width)
    axes.set_ylim(height, -0.25)
    axes.set_axis_off()
    return figure, axes


def _node(
    axes: Axes, centre: tuple[float, float], size: tuple[float, float], fill: str, *lines: str, edge: str = GREY
) -> None:
    """A box with a bold first line and plain ones below it."""
    x, y = centre
    _box(axes, (x - size[0] / 2, y - size[1] / 2), size, fill, edge)
    for index, line in enumerate(lines):
        place = y + 0.19 * (index - (len(lines) - 1) / 2)
        _text(axes, x, place, line, ha="center", weight="bold" if index == 0 else "normal")


def _fill(kind: str) -> str:
    return next((colour for part, colour in _FILLS.items() if part in kind), "white")


def _box(axes: Axes, corner: tuple[float, float], size: tuple[float, float], fill: str, edge: str = GREY) -> None:
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=shape, facecolor=fill, edgecolor=edge, linewidth=0.9))


def _text(axes: Axes, x: float, y: float, words: str, **settings: str) -> None:
    axes.text(x, y, words, va="center_baseline", fontsize=8.8, **settings)


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], colour: str) -> None:
    """An arrow along straight lines from point to point."""
    settings = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(path=Route(points), color=colour, joinstyle="miter", **settings))
