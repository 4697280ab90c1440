"""The models as tables and drawings, read from one forward pass of the live modules (report, Figs. 15-17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path as Route
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ecglib import spectrogram
from ecglib.data.table import BEAT_LENGTH
from ecglib.models import Cnn2d, CnnTransformer, IntermediateFusion, LateFusion
from ecglib.plots import BLUE, GREY, VERMILION, new_figure, style

# by a part of a layer's kind, the first that fits; tints of the palette in `ecglib.plots`
_FILLS = {
    "Conv": "#CDE2F1",
    "ReLU": "#FBE6BD",
    "Norm": "#C9EADF",
    "Pool": "#F3DBE8",
    "Transformer": "#F9D4BA",
    "Linear": "#D8EEFB",
    "Dropout": "#E4E4E4",
}
_FUNCTION_KINDS = {"leaky_relu": "LeakyReLU", "max_pool1d": "MaxPool1d", "max_pool2d": "MaxPool2d"}
_FUNCTION_KINDS |= {"cat": "Concatenate", "mul": "Multiply", "__getitem__": "Select"}
_FROZEN, _TRAINED = "#E9EEF2", "#FBE6BD"
_METHODS = {"concat": "concatenation", "sum": "sum", "weighted_sum": "weighted sum"}


@dataclass(frozen=True)
class LayerRow:
    """One step of a model's forward pass.

    Attributes
    ----------
    name : str
        The module's or parameter's place in the model; "" for a function without parameters.
    kind : str
        "Conv1d", "LeakyReLU", "Concatenate", ...; "8 × Conv1d" for equal steps in a row.
    settings : str
        What the step was set to, in words.
    output_shape : tuple of int
        Without the batch.
    parameters : int
        Those that no earlier step used.
    gives : tuple of str
        Which of the model's outputs the step makes: "scores", "features", both or none.
    """

    name: str
    kind: str
    settings: str
    output_shape: tuple[int, ...]
    parameters: int
    gives: tuple[str, ...] = ()


def trace(model: nn.Module, *inputs: Tensor) -> list[LayerRow]:
    """What `model` does to `inputs`, step by step in the order of its calls.

    A step is a module without submodules, a whole transformer encoder layer, or a function of tensors
    that the model calls between them. Equal steps in a row are folded into one.

    Parameters
    ----------
    model : Module
        ``forward(*inputs)`` gives (scores, features). It is left as it was.
    inputs : Tensor
        A batch of any size.
    """
    training = [(module, module.training) for module in model.modules()]
    recorder = _Recorder(model)
    hooks = []
    for name, module in _units(model):
        hooks.append(module.register_forward_pre_hook(recorder.enter))
        hooks.append(module.register_forward_hook(recorder.leave(name)))
    try:
        model.eval()
        with torch.no_grad(), recorder:
            outputs = dict(zip(("scores", "features"), model(*inputs), strict=True))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in training:
            module.training = mode
    # a step that hands its input through gives the same tensor again: the last one counts
    last = {id(tensor): index for index, tensor in enumerate(recorder.results)}
    rows = list(recorder.rows)
    for output, tensor in outputs.items():
        index = last[id(tensor)]
        rows[index] = replace(rows[index], gives=(*rows[index].gives, output))
    return [_fold(list(equal)) for _, equal in groupby(rows, key=lambda row: replace(row, name=""))]


def _units(module: nn.Module, prefix: str = "") -> list[tuple[str, nn.Module]]:
    """The modules below `module` that are steps of their own, with their names."""
    units = []
    for name, child in module.named_children():
        if isinstance(child, nn.TransformerEncoderLayer) or not any(child.children()):
            units.append((prefix + name, child))
        else:
            units += _units(child, f"{prefix}{name}.")
    return units


class _Recorder(TorchFunctionMode):
    """Writes down modules as their hooks report them, and the functions called outside of modules."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.rows: list[LayerRow] = []
        # kept alive, so that no two of them can share an id
        self.results: list[Tensor] = []
        self._named = {id(tensor): (name, "learned") for name, tensor in model.named_parameters()}
        self._named |= {id(tensor): (name, "fixed") for name, tensor in model.named_buffers()}
        self._counted: set[int] = set()
        self._inside = 0

    def enter(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._inside += 1

    def leave(self, name: str):
        def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple[Tensor, ...]) -> None:
            self._inside -= 1
            result = output[0] if isinstance(output, tuple) else output
            self._add(name, type(module).__name__, _module_settings(module), result, module.parameters())

        return record

    def __torch_function__(self, function, types, arguments=(), named_arguments=None):
        result = function(*arguments, **(named_arguments or {}))
        name = function.__name__
        if isinstance(result, Tensor) and not self._inside:
            kind = _FUNCTION_KINDS.get(name, name.strip("_").capitalize())
            tensors = [tensor for tensor in arguments if id(tensor) in self._named]
            owned = [tensor for tensor in tensors if isinstance(tensor, nn.Parameter)]
            settings = ", ".join(", ".join(self._named[id(tensor)]) for tensor in tensors)
            settings = settings or _function_settings(name, arguments, named_arguments or {})
            self._add(self._named[id(owned[0])][0] if owned else "", kind, settings, result, owned)
        return result

    def _add(self, name: str, kind: str, settings: str, result: Tensor, parameters) -> None:
        new = {id(parameter): parameter.numel() for parameter in parameters if id(parameter) not in self._counted}
        self._counted |= new.keys()
        self.rows.append(LayerRow(name, kind, settings, tuple(result.shape[1:]), sum(new.values())))
        self.results.append(result)


def _fold(rows: list[LayerRow]) -> LayerRow:
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return first
    name = f"{first.name} … {last.name}" if first.name else ""
    return replace(first, name=name, kind=f"{len(rows)} × {first.kind}", parameters=sum(row.parameters for row in rows))


def _module_settings(module: nn.Module) -> str:
    match module:
        case nn.Conv1d() | nn.Conv2d():
            sizes = ("kernel", module.kernel_size), ("stride", module.stride), ("padding", module.padding)
            return ", ".join([f"{module.out_channels} filters", *(f"{word} {_size(size)}" for word, size in sizes)])
        case nn.Linear():
            return f"{module.in_features} → {module.out_features}"
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return f"{module.num_features} channels"
        case nn.LayerNorm():
            return f"over {_size(module.normalized_shape)}"
        case nn.Dropout():
            return f"rate {module.p}"
        case nn.TransformerEncoderLayer():
            order = "pre-norm" if module.norm_first else "post-norm"
            heads, width = module.self_attn.num_heads, module.linear1.out_features
            return f"{heads} heads, feed-forward {width}, {order}, dropout {module.dropout.p}"
    return ""


def _function_settings(name: str, arguments: Sequence[object], named_arguments: dict[str, object]) -> str:
    match name:
        case "leaky_relu":
            return f"slope {named_arguments['negative_slope']}"
        case "max_pool1d" | "max_pool2d":
            kernel = arguments[1]
            return f"kernel {_size(kernel)}, stride {_size(named_arguments['stride'] or kernel)}"
        case "cat":
            return " and ".join(shape_text(tensor.shape[1:]) for tensor in arguments[0])
        case "__getitem__":
            index = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1],)
            return "[" + ", ".join(":" if part == slice(None) else str(part) for part in index) + "]"
    return ""


def _size(size: int | str | Sequence[int]) -> str:
    """One number for sizes that are the same along every axis."""
    if isinstance(size, (int, str)):
        return str(size)
    return str(size[0]) if len(set(size)) == 1 else shape_text(size)


def shape_text(shape: Sequence[int]) -> str:
    """For example 128 × 187; "1" for a scalar."""
    return " × ".join(f"{length}" for length in shape) or "1"


def layer_table(model: nn.Module, *inputs: Tensor) -> pd.DataFrame:
    """`trace` as a table with the columns layer, settings, output shape and parameters."""
    rows = trace(model, *inputs)
    return pd.DataFrame(
        {
            "layer": [f"{row.kind} ({row.name})" if row.name else row.kind for row in rows],
            "settings": [row.settings for row in rows],
            "output shape": [shape_text(row.output_shape) for row in rows],
            "parameters": [row.parameters for row in rows],
        }
    )


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
    decibel, picture = spectrogram.decibels(signal), spectrogram.pictures(signal)
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
        _node(axes, (0.5, lower), (1.0, 0.75), "white", "spectrogram", f"{shape_text(decibel.shape[1:])} dB")
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
        _node(axes, (7.0, top), size, _TRAINED, "late fusion", "weights × scores, summed", _count(late), "trained")
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
