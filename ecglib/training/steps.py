"""One training step: forward, loss, backward, optimiser."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ecglib.training.examples import Examples

# steps before the capture: libraries make their plans and the optimiser its state in them
_WARM_UP = 3


class Step:
    """Forward, backward and optimiser step of a model on the rows of a batch.

    Parameters
    ----------
    model, training, optimizer
    weights : Tensor, shape (K,)
        Of the classes, in the loss.
    mixup : float
        Where it is not 0, each example is mixed with its neighbour in the batch, and so are the losses of both
        labels; the share comes from a Beta(mixup, mixup) distribution, one a batch (Zhang et al. 2018,
        arXiv 1710.09412). `sums` are of the mixed losses and, in the same shares, of both labels' right answers.

    Attributes
    ----------
    sums : Tensor, shape (3,)
        Class-weighted loss, class weight and number of right answers, added up since the last `begin_epoch`.
    """

    def __init__(
        self,
        model: nn.Module,
        training: Examples,
        optimizer: torch.optim.Optimizer,
        weights: Tensor,
        mixup: float = 0.0,
    ):
        self.model, self.training, self.optimizer, self.weights = model, training, optimizer, weights
        strength = torch.full((1,), mixup, device=weights.device)
        self._share = torch.distributions.Beta(strength, strength) if mixup else None
        self.sums = torch.zeros(3, device=weights.device)

    def begin_epoch(self) -> None:
        """Training mode, and sums of nothing."""
        self.model.train()
        self.sums.zero_()

    def __call__(self, rows: Tensor) -> None:
        """Train on the given rows, shape (B,)."""
        inputs, label = self.training.batch(rows), self.training.label[rows]
        if self._share is None:
            sums = batch_sums(self.model(*inputs)[0], label, self.weights)
        else:
            share = self._share.sample()[0]
            # the order is drawn anew in each epoch, and so are neighbours
            inputs = [torch.lerp(tensor.roll(1, 0), tensor, share) for tensor in inputs]
            scores = self.model(*inputs)[0]
            sums = torch.lerp(
                batch_sums(scores, label.roll(1), self.weights), batch_sums(scores, label, self.weights), share
            )
        self.optimizer.zero_grad()
        (sums[0] / sums[1]).backward()
        self.optimizer.step()
        self.sums += sums.detach()


class CapturedStep(Step):
    """`Step` on a GPU, recorded once as a CUDA graph and started by one call from then on.

    A step of these networks is hundreds of kernels of a few microseconds each; Python starts them more slowly than a
    GPU works them off. Batches of another size (the last one of an epoch) are trained on as in `Step`. The learning
    rate must be a tensor, as `make_optimizer` gives it on a GPU: a graph would keep a number for good.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._rows = torch.empty(0)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warmed_up = 0

    def __call__(self, rows: Tensor) -> None:
        """Train on the given rows, shape (B,)."""
        if self._graph is not None and len(rows) == len(self._rows):
            self._rows.copy_(rows)
            self._graph.replay()
        elif self._graph is not None or self._warmed_up < _WARM_UP:
            self._warmed_up += 1
            super().__call__(rows)
        else:
            self._rows, self._graph = rows.clone(), torch.cuda.CUDAGraph()
            self.optimizer.zero_grad()
            # this records without computing anything
            with torch.cuda.graph(self._graph):
                super().__call__(self._rows)
            self._graph.replay()


def batch_sums(scores: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """Class-weighted cross entropy, class weight and right answers, summed over a batch.

    Parameters
    ----------
    scores : Tensor, shape (B, K)
    label : Tensor of int64, shape (B,)
    weights : Tensor, shape (K,)

    Returns
    -------
    Tensor, shape (3,)
    """
    loss = F.cross_entropy(scores, label, weights, reduction="none")
    correct = (scores.detach().argmax(dim=-1) == label).sum()
    return torch.stack([loss.sum(), weights[label].sum(), correct])
