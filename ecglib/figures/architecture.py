"""The models as drawings, read from one forward pass of the live modules (report, Figs. 15-17)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Route
from torch import Tensor, nn

from ecglib.data.table import BEAT_LENGTH
from ecglib.figures.style import BLUE, GREY, INK, VERMILION, new_figure, style
from ecglib.models.fusion import IntermediateFusion, LateFusion
from ecglib.models.pictures import decibels
from ecglib.models.tracing import LayerRow, shape_text, trace

# by a part of a layer's kind, the first that fits; tints of the palette in `ecglib.figures.style`
_FILLS = {
    "Conv": "#CDE2F1",
    "Residual": "#CDE2F1",
    "ReLU": "#FBE6BD",
    "Norm": "#C9EADF",
    "Pool": "#F3DBE8",
    "Transformer": "#F9D4BA",
    "attention": "#FCE9DC",
    "Linear": "#D8EEFB",
    "Dropout": "#E4E4E4",
}
# the outputs' colours; their symbols' letters, and the marks of the branches by the axes of their input
_COLOURS = {"scores": BLUE, "features": VERMILION}
_LETTERS = {"scores": "O", "features": "H"}
_MARKS = {2: "TE", 4: "TFR"}
_FROZEN, _TRAINED = "#E9EEF2", "#FBE6BD"
_METHODS = {"concat": "concatenation", "sum": "sum", "weighted_sum": "weighted sum"}


def draw_layers(model: nn.Module, *inputs: Tensor, title: str) -> Figure:
    """`trace` as a flow from top to bottom, with arrows where features and scores leave (report, Figs. 16 and 17).

    Of a transformer encoder, one layer is unfolded. What leaves a branch has the symbol that it has in `draw_hybrid`.

    Parameters
    ----------
    model, inputs
        See `trace`.
    title : str
        What is drawn, and of which design.
    """
    rows = trace(model, *inputs)
    mark = _MARKS.get(inputs[0].dim()) if len(inputs) == 1 else None
    height, gap, indent = 0.25, 0.17, 0.3
    # left of the settings, right edge of the boxes, then the columns
    settings_at, right, shape_at, parameters_at, exit_at = 2.3, 5.65, 5.77, 7.6, 7.72
    # where a line starts, its step, and how many layers do it; 0 for what is not inside a layer
    lines: list[tuple[float, LayerRow, int]] = []
    end = height
    for index, row in enumerate(rows):
        end += gap if _opens_block(rows, index) else 0
        for step, layers in ((row, 0), *((step, row.times) for step in row.inside)):
            lines.append((end, step, layers))
            end += height
    remarks = _remarks(rows)
    with style():
        figure, axes = _canvas(9.0, end + 0.4 + 0.19 * max(0, len(remarks) - 1), title)
        for x, words, side in ((shape_at, "output shape", "left"), (parameters_at, "parameters", "right")):
            _text(axes, x, -0.14, words, ha=side, color=GREY)
        _box(axes, (0, 0), (right, height), "white")
        _text(axes, 0.1, height / 2, "input", weight="bold")
        _text(axes, shape_at, height / 2, " and ".join(shape_text(tensor.shape[1:]) for tensor in inputs))
        bottom = height
        for top, row, layers in lines:
            middle, left = top + height / 2, indent if layers else 0
            if top > bottom + gap / 2:
                _arrow(axes, [(right / 2, bottom), (right / 2, top)], GREY)
            bottom = top + height
            # the box of an encoder layer goes round its steps
            size = right - left, height * (1 + len(row.inside))
            axes.add_patch(Rectangle((left, top), *size, facecolor=_fill(row.kind), edgecolor=GREY, linewidth=0.7))
            _text(axes, left + 0.1, middle, row.label, weight="bold")
            _text(axes, settings_at, middle, row.settings)
            _text(axes, shape_at, middle, shape_text(row.output_shape))
            parameters = f"{row.parameters:,}" if row.parameters else "shared" if row.shared else "–"
            repeated = f"{layers} × " if layers > 1 and row.parameters else ""
            _text(axes, parameters_at, middle, repeated + parameters, ha="right", color=GREY if layers else INK)
            if row.gives:
                colour = _COLOURS[row.gives[-1]]
                words = ", ".join(_symbol(output, mark) for output in row.gives)
                _arrow(axes, [(exit_at, middle), (exit_at + 0.22, middle)], colour)
                _text(axes, exit_at + 0.27, middle, words, color=colour, weight="bold")
        axes.plot([shape_at, parameters_at], [end + 0.07, end + 0.07], color=GREY, linewidth=0.7)
        _text(axes, shape_at, end + 0.2, "total", weight="bold")
        _text(axes, parameters_at, end + 0.2, f"{sum(row.parameters for row in rows):,}", ha="right", weight="bold")
        for index, remark in enumerate(remarks):
            _text(axes, 0, end + 0.2 + 0.19 * index, remark, color=GREY)
    return figure


def _opens_block(rows: list[LayerRow], index: int) -> bool:
    """Whether a row starts a new block of the drawing: a layer with weights and what follows it without."""
    if index == 0 or rows[index - 1].inside or "features" in rows[index - 1].gives:
        return True
    in_head = any("features" in row.gives for row in rows[:index])
    has_weights = rows[index].parameters > 0 or rows[index].shared
    return has_weights and "Norm" not in rows[index].kind and not in_head


def _remarks(rows: list[LayerRow]) -> list[str]:
    """What a reader would stumble over, a line each."""
    remarks = []
    if any(row.shared for row in rows):
        remarks.append("Shared: with the weights of an earlier layer.")
    if any(row.inside for row in rows):
        remarks.append("Indented: one encoder layer; the line above has the parameters of all.")
    if any(row.kind == "ResidualBlock" for row in rows):
        remarks.append("ResidualBlock: two convolutions whose result, weighted by channel, is added")
        remarks.append("to what went in.")
    if rows[-1].kind == "Dropout":
        remarks.append("As in the report's text, dropout comes after the output layer.")
    return remarks


def draw_hybrid(
    cnn_transformer: nn.Module, cnn2d: nn.Module, late: LateFusion, intermediate: IntermediateFusion, title: str
) -> Figure:
    """The pipeline from a beat to the fused class scores (report, Fig. 15).

    The branches are drawn as frozen, which they are in both fusions. Shapes and parameter counts are
    those of the given modules.

    Parameters
    ----------
    cnn_transformer, cnn2d, late, intermediate : Module
        Of one design.
    title : str
        What is drawn, and of which design.
    """
    signal = torch.zeros(1, BEAT_LENGTH)
    picture = torch.zeros(1, *cnn2d.config.input_shape)
    branches = _output_shapes(cnn_transformer, signal), _output_shapes(cnn2d, picture)
    joined = [[torch.zeros(1, *shapes[fusion.joins]) for shapes in branches] for fusion in (late, intermediate)]
    late_rows, rows = trace(late, *joined[0]), trace(intermediate, *joined[1])
    on_probabilities = any(row.kind == "Softmax" for row in late_rows)
    norms = sum(row.times for row in rows if row.kind == "LayerNorm")
    widths = " and ".join(shape_text(shapes["features"]) for shapes in branches)
    # from the joined features through the layers after them
    join = next(index for index, row in enumerate(rows) if "features" in row.gives)
    head = [rows[join], *(row for row in rows[join:] if row.kind == "Linear")]
    chain = " → ".join(shape_text(row.output_shape) for row in head)
    with style():
        figure, axes = _canvas(8.9, 3.5, title)
        upper, lower = 0.7, 2.4  # the branches' middles
        _node(axes, (0.5, upper), (1.0, 0.75), "white", "beat", shape_text(signal.shape[1:]))
        _arrow(axes, [(0.5, upper + 0.375), (0.5, lower - 0.375)], GREY)
        _arrow(axes, [(1.0, upper), (2.6, upper)], GREY)
        if picture.shape[1] == 1:
            # a spectrogram of one channel is the picture
            _node(axes, (0.5, lower), (1.0, 0.75), "white", "spectrogram", shape_text(picture.shape[1:]))
            _arrow(axes, [(1.0, lower), (2.6, lower)], GREY)
        else:
            levels = f"{shape_text(decibels(signal).shape[1:])} levels"
            _node(axes, (0.5, lower), (1.0, 0.75), "white", "spectrogram", levels)
            _node(axes, (1.8, lower), (1.1, 0.75), "white", "picture", shape_text(picture.shape[1:]))
            _arrow(axes, [(1.0, lower), (1.25, lower)], GREY)
            _arrow(axes, [(2.35, lower), (2.6, lower)], GREY)
        for middle, name, mark, module, shapes in (
            (upper, "1D CNN-Transformer", "TE", cnn_transformer, branches[0]),
            (lower, "2D CNN", "TFR", cnn2d, branches[1]),
        ):
            _node(axes, (3.35, middle), (1.5, 1.1), _FROZEN, name, _count(module), "frozen")
            for offset, output in ((-0.35, "scores"), (0.35, "features")):
                y, colour = middle + offset, _COLOURS[output]
                _arrow(axes, [(4.1, y), (4.35, y)], colour)
                words = _symbol(output, mark), shape_text(shapes[output])
                _node(axes, (4.93, y), (1.16, 0.5), "white", *words, edge=colour)
        left, right, top, bottom, tall = 6.05, 8.25, 0.55, 2.55, 1.3  # the fusions' edges, middles and height
        # each fusion takes one straight way and one that turns
        first, second = upper - 0.35, top + 0.25
        _arrow(axes, [(5.51, first), (left, first)], BLUE)
        _arrow(axes, [(5.51, lower - 0.35), (5.68, lower - 0.35), (5.68, second), (left, second)], BLUE)
        turn = bottom - 0.25
        _arrow(axes, [(5.51, upper + 0.35), (5.86, upper + 0.35), (5.86, turn), (left, turn)], VERMILION)
        _arrow(axes, [(5.51, lower + 0.35), (left, lower + 0.35)], VERMILION)
        start, formula = left, ["weights × scores, summed"]
        if on_probabilities:
            start, formula = left + 0.5, ["weights × probabilities,", "summed"]
            _box(axes, (left, top - tall / 2), (0.32, tall), "white", BLUE)
            _text(axes, left + 0.16, top, "softmax of each", ha="center", va="center", rotation=90)
            for y in (first, second):
                _arrow(axes, [(left + 0.32, y), (start, y)], BLUE)
        words = "late fusion", *formula, _count(late), "trained"
        _node(axes, ((start + right) / 2, top), (right - start, tall), _TRAINED, *words)
        words = [f"{widths} → {intermediate.config.width} each", f"{_METHODS[intermediate.config.method]}: {chain}"]
        words += [f"{norms} layer normalisations"] if norms else []
        words = "intermediate fusion", *words, _count(intermediate), "trained"
        _node(axes, ((left + right) / 2, bottom), (right - left, tall), _TRAINED, *words)
        for middle, fused in ((top, late_rows), (bottom, rows)):
            _arrow(axes, [(right, middle), (right + 0.2, middle)], GREY)
            _text(axes, right + 0.25, middle, f"scores\n{shape_text(fused[-1].output_shape)}")
        _text(axes, 0, 3.4, "One of the two fusions is in use; its largest score names the class.", color=GREY)
    return figure


def _symbol(output: str, mark: str | None) -> str:
    return f"${_LETTERS[output]}_{{{mark}}}$  {output}" if mark else output


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
    axes.text(x, y, words, **{"va": "center_baseline", "fontsize": 8.8} | settings)


def _arrow(axes: Axes, points: Sequence[tuple[float, float]], colour: str) -> None:
    """An arrow along straight lines from point to point."""
    settings = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(path=Route(points), color=colour, joinstyle="miter", **settings))
