"""Which parts of its input a network's score hangs on: integrated gradients, Grad-CAM, attention rollout.

Written out here and not taken from captum: two of the three are a dozen lines each, and captum has no rollout.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ecglib.models.cnn2d import Cnn2d
from ecglib.models.cnn_transformer import CnnTransformer

# enough: the maps of 100 steps rank the parts of a beat alike (Spearman 0.99 on ten test beats)
STEPS = 25
_AT_ONCE = 100


def integrated_gradients(
    scores: Callable[[Tensor], Tensor], inputs: Tensor, target: Tensor, baseline: Tensor, steps: int = STEPS
) -> Tensor:
    """How much each number of the input adds to the target's score, against a baseline.

    Parameters
    ----------
    scores : callable
        Inputs to scores of the classes, (B, ...) to (B, K).
    inputs, baseline : Tensor, shape (B, ...)
    target : Tensor of int64, shape (B,)
        The class that is explained.
    steps : int
        Of the path from baseline to input.

    Returns
    -------
    Tensor, shape (B, ...)
        Summed over one input: the score of it less that of its baseline, up to the error of the steps.

    References
    ----------
    Sundararajan et al. 2017, section 5 (arXiv 1703.01365).
    """
    total = torch.zeros_like(inputs)
    for number in range(steps):
        point = (baseline + (number + 0.5) / steps * (inputs - baseline)).requires_grad_()
        total += torch.autograd.grad(_of_target(scores(point), target), point)[0]
    return (inputs - baseline) * total / steps


def grad_cam(
    scores: Callable[[Tensor], Tensor], layer: nn.Module, inputs: Tensor, target: Tensor, average: bool = True
) -> Tensor:
    """Where the maps of a layer speak for the target, (B, H, W) of its size, none below 0.

    Each map counts as much as the target's score rises with it, on average over its positions (Selvaraju et al. 2017,
    section 3, doi 10.1109/ICCV.2017.74), or without `average` at each position (HiResCAM, Draelos and Carin 2020, arXiv
    2011.08891), which is right for a network whose last layer has a weight for each. The other arguments are those of
    `integrated_gradients`.
    """
    kept: list[Tensor] = []
    with layer.register_forward_hook(lambda module, given, made: kept.append(made)):
        score = _of_target(scores(inputs), target)
    (maps,) = kept  # (B, C, H, W)
    weight = torch.autograd.grad(score, maps)[0]
    if average:
        weight = weight.mean(dim=(2, 3), keepdim=True)
    return F.relu((weight * maps).sum(dim=1)).detach()


def attention_rollout(model: CnnTransformer, signal: Tensor) -> Tensor:
    """What each token is made from, (B, 187) to (B, T, T); the class token first, rows sum to 1.

    In each layer a token is half itself and half what it attends to, mean of all heads; layers are multiplied (Abnar
    and Zuidema 2020, arXiv 2005.00928, section 3).
    """
    kept: list[Tensor] = []
    # out of training, a dropout hands on what it is given: the attention (B, H, T, T)
    handles = [
        layer.attention_dropout.register_forward_hook(lambda module, given, made: kept.append(made))
        for layer in model.encoder
    ]
    try:
        with torch.no_grad():
            model(signal)
    finally:
        for handle in handles:
            handle.remove()
    itself = torch.eye(kept[0].shape[-1], device=signal.device)
    joined = itself
    for attention in kept:
        joined = (attention.mean(dim=1) + itself) / 2 @ joined
    return joined


def class_token_on_samples(model: CnnTransformer, signal: Tensor) -> Tensor:
    """The class token's rollout on the samples, (B, 187): each token's share spread evenly over its field."""
    tokens = attention_rollout(model, signal)[:, 0, 1:]  # (B, T)
    spread = tokens.new_zeros(tokens.shape[1], signal.shape[1])
    for row, (start, end) in zip(spread, model.fields(), strict=True):
        inside = slice(max(start, 0), end)
        row[inside] = 1 / len(row[inside])
    return tokens @ spread


def methods(model: nn.Module) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """What a trained branch in evaluation mode can be asked by, each a function of inputs and target.

    Returns
    -------
    dict of str to callable
        Of a branch that sees the beat: ``gradients``, integrated gradients against a beat of zeros, (B, 187); and
        ``rollout``, where there is a class token, (B, 187), which knows no target. Of one that sees a picture:
        ``gradients`` against a picture of its own mean colour, (B, H, W); ``grad_cam`` and ``hires_cam`` of the last
        maps, (B, h, w).
    """

    def scores(given: Tensor) -> Tensor:
        return model(given)[0]

    def against_zeros(signal: Tensor, target: Tensor) -> Tensor:
        return integrated_gradients(scores, signal, target, torch.zeros_like(signal))

    def against_mean_colour(picture: Tensor, target: Tensor) -> Tensor:
        return integrated_gradients(scores, picture, target, mean_colour(picture)).sum(dim=1)

    if isinstance(model, CnnTransformer):
        return {
            "gradients": _in_parts(against_zeros),
            "rollout": lambda signal, target: class_token_on_samples(model, signal),
        }
    if len(model.config.input_shape) == 1:
        return {"gradients": _in_parts(against_zeros)}
    layer = model.norms[-1] if isinstance(model, Cnn2d) else model.stages[-1]
    return {
        "gradients": _in_parts(against_mean_colour),
        "grad_cam": _in_parts(partial(grad_cam, scores, layer)),
        "hires_cam": _in_parts(partial(grad_cam, scores, layer, average=False)),
    }


def _in_parts(method: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    # gradients of many pictures at once would fill the memory
    return lambda inputs, target: torch.cat(
        [method(*part) for part in zip(inputs.split(_AT_ONCE), target.split(_AT_ONCE), strict=True)]
    )


def mean_colour(picture: Tensor) -> Tensor:
    """Pictures of the same size, each all of its own mean colour."""
    return picture.mean(dim=(2, 3), keepdim=True).expand_as(picture)


def _of_target(scores: Tensor, target: Tensor) -> Tensor:
    return scores.gather(1, target[:, None]).sum()
