"""Several models of one architecture that take their training steps together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap


class Stack:
    """R models as one: each weight is R weights along a new first axis, each batch R batches.

    On a graphics processor R small models take hardly longer than one. What the models compute is
    what each would by itself; random numbers (dropout) are independent. A stack of one is that model,
    called as it is.

    Parameters
    ----------
    models : sequence of Module
        Of one class and configuration, on one device; ``forward`` gives (scores, features).
    """

    def __init__(self, models: Sequence[nn.Module]):
        self.models = list(models)
        self._pattern = self.models[0]
        if len(self) == 1:
            self._parameters, self._buffers = dict(self._pattern.named_parameters()), {}
        else:
            self._parameters, self._buffers = stack_module_state(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Inputs (R, B, ...), the r-th for the r-th model, to scores (R, B, K)."""
        if len(self) == 1:
            return self._pattern(*(tensor[0] for tensor in inputs))[0].unsqueeze(0)
        return vmap(self._scores, randomness="different")(self._parameters, self._buffers, inputs)

    def _scores(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> Tensor:
        return functional_call(self._pattern, (parameters, buffers), inputs)[0]

    def train(self, mode: bool = True) -> None:
        """Set all models to training or evaluation mode."""
        self._pattern.train(mode)

    def parameters(self) -> list[Tensor]:
        """What an optimiser steps; in a stack of several, tensors of R weights."""
        return list(self._parameters.values())

    def state(self) -> dict[str, Tensor]:
        """Copies of all weights and buffers, each of shape (R, ...)."""
        live = self._live()
        return {name: live[name].detach().clone() for name in live}

    @torch.no_grad()
    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        for name, tensor in self._live().items():
            tensor.copy_(state[name])

    def _live(self) -> dict[str, Tensor]:
        state = self._pattern.state_dict()
        if len(self) == 1:
            return {name: tensor.unsqueeze(0) for name, tensor in state.items()}
        stacked = self._parameters | self._buffers
        return {name: stacked[name] for name in state}
