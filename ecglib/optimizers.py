"""The two optimisers of the report's Tables I and II."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor


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


def make_optimizer(
    parameters: Sequence[Tensor], config: Noam | Adamax
) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """The optimiser over `parameters`, and the learning rate as a function of the step (from 1).

    The rate is 0 until `set_learning_rate` sets it.
    """
    on_gpu = parameters[0].is_cuda
    # where steps are recorded, the rate is read from the device
    rate = torch.zeros((), device=parameters[0].device) if on_gpu else 0.0
    if isinstance(config, Noam):
        optimizer = torch.optim.Adam(
            parameters, rate, config.betas, weight_decay=config.weight_decay, fused=True, capturable=on_gpu
        )
    else:
        optimizer = torch.optim.Adamax(parameters, rate, weight_decay=config.weight_decay, capturable=on_gpu)
    return optimizer, config.learning_rate


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the next step, for all parameters; nothing waits for the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
