"""The steps of a model's forward pass, read from its torch.fx graph while one example runs through it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd
import torch
from torch import Tensor, fx, nn

from ecglib.models.fusion import LateFusion
from ecglib.models.residual import ResidualBlock

_KINDS = {"leaky_relu": "LeakyReLU", "relu": "ReLU", "max_pool2d": "MaxPool2d", "cat": "Concatenate"}
_KINDS |= {"mul": "Multiply", "getitem": "Select", "amax": "Maximum", "expand": "Token"}
_KINDS |= {"MultiheadAttention": "Self-attention"}
# they compute nothing, and the shapes before and after tell what they do
_RESHAPES = {"Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
# one step each, although there are modules inside
_ONE_STEP = (nn.TransformerEncoderLayer, ResidualBlock)


@dataclass(frozen=True)
class LayerRow:
    """One step of a model's forward pass, or several equal ones.

    Attributes
    ----------
    name : str
        The module's or parameter's place in the model; "" for a function without parameters.
    kind : str
        "Conv1d", "LeakyReLU", "Concatenate", ...
    settings : str
        What the step was set to, in words.
    output_shape : tuple of int
        Without the batch, and without the height of a picture that is one row high.
    parameters : int
        Those that no earlier step used; of all equal steps together.
    gives : tuple of str
        Which of the model's outputs the step makes: "scores", "features", both or none.
    times : int
        How many equal steps in a row this is.
    shared : bool
        Whether the step has parameters, and earlier steps used all of them.
    inside : tuple of LayerRow
        The steps of one transformer encoder layer; empty for other kinds.
    """

    name: str
    kind: str
    settings: str
    output_shape: tuple[int, ...]
    parameters: int
    gives: tuple[str, ...] = ()
    times: int = 1
    shared: bool = False
    inside: tuple[LayerRow, ...] = ()

    @property
    def label(self) -> str:
        """The kind, and how often if more than once: "8 × TransformerEncoderLayer"."""
        return self.kind if self.times == 1 else f"{self.times} × {self.kind}"


def trace(model: nn.Module, *inputs: Tensor) -> list[LayerRow]:
    """What `model` does to `inputs`, step by step in the order of its calls.

    A step is a module without submodules, an attention, a whole transformer encoder layer or residual block,
    or a function of tensors that the model calls between them. Equal steps in a row are folded into one. What
    only reshapes is left out, unless it makes an output.

    Parameters
    ----------
    model : Module
        ``forward(*inputs)`` gives (scores, features). It is left as it was.
    inputs : Tensor
        A batch of any size.
    """
    with torch.no_grad():
        return _rows(deepcopy(model).eval(), [tensor[:1] for tensor in inputs])


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, _ONE_STEP) or not (any(module.children()) or isinstance(module, LateFusion))

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)


class _Proxy(fx.Proxy):
    def __len__(self) -> int:
        # Python demands a number; the models ask for the batch's length only, and `trace` cuts that to one
        return 1


def _rows(model: nn.Module, inputs: Sequence[Tensor]) -> list[LayerRow]:
    """The steps of a model, or of an encoder layer, on a batch of one."""
    graph = _Tracer().trace(model)
    interpreter = fx.Interpreter(model, garbage_collect_values=False, graph=graph)
    interpreter.run(*inputs)
    values, results = interpreter.env, graph.output_node().args[0]
    # an encoder layer has one result, which is no output of the model
    outputs = dict(zip(("scores", "features"), results, strict=True)) if isinstance(results, tuple) else {}
    # of each node, or of the last one before it that does more than reshape
    kinds = {node: "input" for node in graph.find_nodes(op="placeholder")}
    rows, counted = [], set()
    for node, name in _steps(model, list(graph.nodes)).items():
        result = values[node]
        if not isinstance(result, Tensor):
            continue  # a length, asked for by a reshape
        given = {source: values[source] for source in node.all_input_nodes if isinstance(values[source], Tensor)}
        # a beat may be a picture one row high: what is done to that is done along time alone
        flat = {tensor.shape[2] for tensor in (result, *given.values()) if tensor.dim() == 4} == {1}
        module = model.get_submodule(name) if name else None
        kind = type(module).__name__ if module else getattr(node.target, "__name__", node.target)
        kind = _KINDS.get(kind, kind[0].upper() + kind[1:]).replace("2d", "1d" if flat else "2d")
        settings = _module_settings(module, flat) if module else _function_settings(node, given, kinds, flat)
        gives = tuple(output for output, made in outputs.items() if made is node)
        kinds[node] = kind
        if kind in _RESHAPES and not gives:
            kinds[node] = kinds.get(node.args[0], kind)
            continue
        owned = {source.target: tensor for source, tensor in given.items() if isinstance(tensor, nn.Parameter)}
        owned |= module.named_parameters() if module else {}
        new = sum(parameter.numel() for parameter in owned.values() if parameter not in counted)
        counted.update(owned.values())
        shape = tuple(result.shape[1:2] + result.shape[3:] if flat and result.dim() == 4 else result.shape[1:])
        shared, encoder = bool(owned) and not new, isinstance(module, nn.TransformerEncoderLayer)
        inside = tuple(_rows(module, list(given.values()))) if encoder else ()
        rows.append(LayerRow(name or ", ".join(owned), kind, settings, shape, new, gives, 1, shared, inside))
    return [_fold(list(equal)) for _, equal in groupby(rows, key=lambda row: replace(row, name=""))]


def _fold(rows: list[LayerRow]) -> LayerRow:
    first, times = rows[0], len(rows)
    name = f"{first.name} … {rows[-1].name}" if first.name and times > 1 else first.name
    return replace(first, name=name, parameters=times * first.parameters, times=times)


def _steps(model: nn.Module, nodes: list[fx.Node]) -> dict[fx.Node, str]:
    """The nodes that call something, with the module's name, or "" for a function."""
    steps = {node: node.target if node.op == "call_module" else "" for node in nodes if node.op.startswith("call")}
    for name, module in model.named_modules():
        # an attention's functions, from the first that uses its weights to the last, are one step: the last
        own = [index for index, node in enumerate(nodes) if str(node.target).startswith(f"{name}.")]
        if own and isinstance(module, nn.MultiheadAttention):
            for node in nodes[own[0] : own[-1]]:
                steps.pop(node, None)
            steps[nodes[own[-1]]] = name
    return steps


def _function_settings(node: fx.Node, given: dict[fx.Node, Tensor], kinds: dict[fx.Node, str], flat: bool) -> str:
    stored = next((source for source in given if source.op == "get_attr"), None)
    if stored:
        words = stored.target.rpartition(".")[2].replace("_", " ")
        return f"{words}, {'learned' if isinstance(given[stored], nn.Parameter) else 'fixed'}"
    match getattr(node.target, "__name__", node.target):
        case "leaky_relu":
            return f"slope {node.kwargs['negative_slope']}"
        case "max_pool2d":
            kernel, rounding = node.args[1], ", rounded up" if node.kwargs["ceil_mode"] else ""
            return f"kernel {_size(kernel, flat)}, stride {_size(node.kwargs['stride'] or kernel, flat)}{rounding}"
        case "cat":
            return " and ".join(shape_text(tensor.shape[1:]) for tensor in given.values())
        case "add":
            return " + ".join(kinds[source] for source in given)
        case "mul" if len(given) == 1:
            return f"by {node.args[1]:.4g}"
        case "mean" | "amax":
            return "over time" if flat else "over frequency and time"
        case "softmax":
            return "over the classes"
        case "getitem":
            count = given[node.args[0]].shape[1]
            return f"the first of {count} tokens" if node.args[1] == (slice(None), 0) else str(node.args[1])
    return ""


def _module_settings(module: nn.Module, flat: bool) -> str:
    match module:
        case nn.Conv1d() | nn.Conv2d():
            sizes = ("kernel", module.kernel_size), ("stride", module.stride), ("padding", module.padding)
            words = [f"{word} {_size(size, flat)}" for word, size in sizes]
            return ", ".join([f"{module.out_channels} filters", *words])
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
        case nn.MultiheadAttention():
            return f"{module.num_heads} heads of {module.head_dim}, dropout {module.dropout} on their weights"
        case nn.TransformerEncoderLayer():
            order = "pre-norm" if module.norm_first else "post-norm"
            heads, width = module.self_attn.num_heads, module.linear1.out_features
            return f"{heads} heads, feed-forward {width}, {order}, dropout {module.dropout.p}"
        case ResidualBlock():
            first = module.convolutions[0]
            kernel = _size(first.kernel_size, flat)
            return f"{first.out_channels} filters twice, kernel {kernel}, dropout {module.dropout.p}"
    return ""


def _size(size: int | str | Sequence[int], flat: bool = False) -> str:
    """One number for sizes that are the same along every axis, or of which only the last axis counts."""
    if isinstance(size, (int, str)):
        return str(size)
    return str(size[-1]) if flat or len(set(size)) == 1 else shape_text(size)


def shape_text(shape: Sequence[int]) -> str:
    """For example 128 × 187; "1" for a scalar."""
    return " × ".join(f"{length}" for length in shape) or "1"


def layer_table(model: nn.Module, *inputs: Tensor) -> pd.DataFrame:
    """`trace` as a table with the columns layer, settings, output shape and parameters."""
    rows = trace(model, *inputs)
    return pd.DataFrame(
        {
            "layer": [f"{row.label} ({row.name})" if row.name else row.label for row in rows],
            "settings": [f"{row.settings}, shared" if row.shared else row.settings for row in rows],
            "output shape": [shape_text(row.output_shape) for row in rows],
            "parameters": [row.parameters for row in rows],
        }
    )
