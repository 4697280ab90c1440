"""The steps of a model's forward pass, read from the live module while one example runs through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ecglib.models.residual import ResidualBlock

_FUNCTION_KINDS = {"leaky_relu": "LeakyReLU", "max_pool2d": "MaxPool2d"}
_FUNCTION_KINDS |= {"cat": "Concatenate", "mul": "Multiply", "__getitem__": "Select"}


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
        if isinstance(child, (nn.TransformerEncoderLayer, ResidualBlock)) or not any(child.children()):
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
        case nn.MaxPool1d():
            return f"kernel {_size(module.kernel_size)}, stride {_size(module.stride)}"
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
        case ResidualBlock():
            first = module.convolutions[0]
            return f"{first.out_channels} filters twice, kernel {_size(first.kernel_size)}, dropout {module.dropout.p}"
    return ""


def _function_settings(name: str, arguments: Sequence[object], named_arguments: dict[str, object]) -> str:
    match name:
        case "leaky_relu":
            return f"slope {named_arguments['negative_slope']}"
        case "max_pool2d":
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
