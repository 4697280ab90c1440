"""One training step, and the same step recorded for a graphics processor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ecglib.stacking import Stack

_EAGER_STEPS = 3


@dataclass(frozen=True)
class Examples:
    """What a model is trained or tested on, on one device.

    Attributes
    ----------
    inputs : tuple of Tensor
        One tensor an argument of the model's ``forward``, each with N rows.
    label : Tensor of int64, shape (N,)
    prepare : callable
        Applied to each batch of `inputs` before the model sees it; it gives the model's arguments.
        What is cheap to compute and large to keep (pictures) is made here.
    """

    inputs: tuple[Tensor, ...]
    label: Tensor
    prepare: Callable[..., tuple[Tensor, ...]] = lambda *inputs: inputs

    def __len__(self) -> int:
        return len(self.label)

    def batch(self, rows: Tensor | slice) -> tuple[Tensor, ...]:
        """The model's arguments for the given rows."""
        return self.prepare(*(tensor[rows] for tensor in self.inputs))


class Step:
    """Forward, backward and optimiser step of R stacked models, each on its own rows.

    Nothing in it waits for the device: what the epoch adds up stays there, in `sums`.

    Parameters
    ----------
    stack, training, optimizer
    weights : Tensor, shape (K,)
        Of the classes, in the loss.
    mixup : float
        Where it is not 0, each example is mixed with its neighbour in the batch, and so are the losses of both
        labels; the share comes from a Beta(mixup, mixup) distribution, one a batch (Zhang et al. 2018,
        arXiv 1710.09412). `sums` are of the mixed losses and, in the same shares, of both labels' right answers.

    Attributes
    ----------
    sums : Tensor, shape (3, R)
        Class-weighted loss, class weight and number of right answers, added up until `begin_epoch`.
    """

    def __init__(
        self, stack: Stack, training: Examples, optimizer: torch.optim.Optimizer, weights: Tensor, mixup: float = 0.0
    ):
        self.stack, self.training, self.optimizer, self.weights = stack, training, optimizer, weights
        strength = torch.full((len(stack),), mixup, device=weights.device)
        self._share = torch.distributions.Beta(strength, strength) if mixup else None
        self.sums = torch.zeros(3, len(stack), device=weights.device)

    def begin_epoch(self) -> None:
        """Training mode, and sums of nothing."""
        self.stack.train()
        self.sums.zero_()

    def __call__(self, rows: Tensor) -> None:
        """Train on the given rows, shape (R, B)."""
        inputs = [tensor.unflatten(0, rows.shape) for tensor in self.training.batch(rows.flatten())]  # (R, B, ...)
        label = self.training.label[rows]
        if self._share is None:
            sums = batch_sums(self.stack(*inputs), label, self.weights)
        else:
            share = self._share.sample()  # (R,)
            # the order is drawn anew in each epoch, and so are neighbours
            inputs = [torch.lerp(tensor.roll(1, 1), tensor, _along(share, tensor)) for tensor in inputs]
            scores = self.stack(*inputs)
            sums = torch.lerp(
                batch_sums(scores, label.roll(1, 1), self.weights), batch_sums(scores, label, self.weights), share
            )
        self.optimizer.zero_grad()
        # the mean over each model's batch; one model's weights do not touch another's loss
        (sums[0] / sums[1]).sum().backward()
        self.optimizer.step()
        self.sums += sums.detach()


class RecordedStep:
    """A `Step` that is recorded as a CUDA graph once and then replayed, hundreds of kernels in one launch.

    The first steps run as they are, because libraries set themselves up in them, and so does the last
    one of an epoch where it has fewer rows.
    """

    def __init__(self, step: Step):
        self.step = step
        self._graph: torch.cuda.CUDAGraph | None = None
        self._rows: Tensor | None = None
        self._eager_steps = 0

    def __call__(self, rows: Tensor) -> None:
        """As `Step`; full batches all have the shape of the first one."""
        if self._rows is None:
            self._rows = rows.clone()
        if rows.shape != self._rows.shape:
            self.step(rows)
        elif self._eager_steps < _EAGER_STEPS:
            self._eager_steps += 1
            # not on the default stream, on which nothing can be recorded
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                self.step(rows)
            torch.cuda.current_stream().wait_stream(side)
        else:
            self._rows.copy_(rows)
            if self._graph is None:
                self._graph = torch.cuda.CUDAGraph()
                # recording runs nothing; the optimiser's memory, sums and weights are those of the eager steps
                with torch.cuda.graph(self._graph):
                    self.step(self._rows)
            self._graph.replay()


def _along(share: Tensor, tensor: Tensor) -> Tensor:
    """Shape (R,) to (R, 1, ...), as many axes as `tensor` has."""
    return share.view(-1, *[1] * (tensor.ndim - 1))


def batch_sums(scores: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """Class-weighted cross entropy, class weight and right answers, summed over each model's batch.

    Parameters
    ----------
    scores : Tensor, shape (R, B, K)
    label : Tensor of int64, shape (R, B)
    weights : Tensor, shape (K,)

    Returns
    -------
    Tensor, shape (3, R)
    """
    loss = F.cross_entropy(scores.flatten(0, 1), label.flatten(), weights, reduction="none").view(label.shape)
    correct = (scores.detach().argmax(dim=-1) == label).sum(dim=1)
    return torch.stack([loss.sum(dim=1), weights[label].sum(dim=1), correct])
