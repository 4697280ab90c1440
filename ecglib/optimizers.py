"""The two optimisers of the report's Tables I and II."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import nn


class Noam(BaseModel):
    """Adam under the schedule of Vaswani et al. 2017, section 5.3 (report, Table I and II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["noam"] = "noam"
    factor: float = 0.1
    width: int = 128
    warm_up_steps: int = 4000
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4

    def learning_rate(self, step: int) -> float:
        """The rate of step 1, 2, ...: factor * width^-0.5 * min(step^-0.5, step * warm_up_steps^-1.5)."""
        return self.factor * self.width**-0.5 * min(step**-0.5, step * self.warm_up_steps**-1.5)


class Adamax(BaseModel):
    """Adamax at a constant rate (Kingma & Ba 2015, section 7.1; report, Table II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["adamax"] = "adamax"
    rate: float = 1e-3
    weight_decay: float = 1e-5

    def learning_rate(self, step: int) -> float:
        """The same rate at every step."""
        return self.rate


def make_optimizer(model: nn.Module, config: Noam | Adamax) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """The optimiser over all parameters of `model`, and the learning rate as a function of the step (from 1)."""
    if isinstance(config, Noam):
        # rate 0 until the loop sets the first step's
        optimizer = torch.optim.Adam(
            model.parameters(), lr=0.0, betas=config.betas, weight_decay=config.weight_decay, fused=True
        )
    else:
        optimizer = torch.optim.Adamax(model.parameters(), lr=config.rate, weight_decay=config.weight_decay)
    return optimizer, config.learning_rate
