"""How one model is trained: the two optimisers of the report's Tables I and II, and a shorter schedule beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from ecglib.names import BRANCHES, DATASETS, FUSIONS, Dataset, ModelName
from ecglib.parameters import Parameters

# what keeps Adam from dividing by 0: PyTorch's default, and the original's program's
_EPSILON, _ORIGINAL_EPSILON = 1e-8, 1e-16


class Noam(BaseModel):
    """Adam under the schedule of Vaswani et al. 2017, section 5.3 (report, Table I and II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["noam"] = "noam"
    factor: float = 0.1
    width: int = 128
    warm_up_steps: int = 4000
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    epsilon: float = Field(_EPSILON, exclude_if=lambda value: value == _EPSILON)

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


class OneCycle(BaseModel):
    """AdamW whose rate rises once and falls once, each along half a cosine (Smith & Topin 2019, arXiv 1708.07120).

    The momentum stays as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["one_cycle"] = "one_cycle"
    peak_rate: float = 1e-3
    # the rising part of all steps
    warm_up: float = 0.2
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.01
    epsilon: float = Field(_EPSILON, exclude_if=lambda value: value == _EPSILON)

    def learning_rate(self, step: int, total_steps: int) -> float:
        """The rate of step 1, 2, ..., `total_steps`: from a 25th of the peak, to a 250,000th."""
        first, last = self.peak_rate / 25, self.peak_rate / 250_000
        top = self.warm_up * total_steps - 1
        done = step - 1
        if done <= top:
            return _half_cosine(first, self.peak_rate, done / top if top > 0 else 1.0)
        return _half_cosine(self.peak_rate, last, (done - top) / (total_steps - 1 - top))


Optimizer = Noam | Adamax | OneCycle


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


class TrainingConfig(BaseModel):
    """How one model is trained (report, Table II)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    epochs: int = Field(ge=1)
    batch_size: int = Field(16, ge=1)
    optimizer: Optimizer = Field(discriminator="kind")
    seed: int = Field(0, ge=0)
    # which epoch's weights are kept; None: the one with the highest validation accuracy
    selection: Literal["last"] | None = None
    # epochs without a better validation accuracy after which training ends
    patience: int | None = Field(None, ge=1)
    # how strongly each training example is mixed with another, see `ecglib.training.steps.Step`
    mixup: float = Field(0.0, ge=0, exclude_if=lambda value: not value)
    # of a fusion whose branches are fine-tuned: their rate, as a multiple of its own
    branch_rate_factor: float | None = Field(None, gt=0, exclude_if=lambda value: value is None)


def training_config(name: ModelName, parameters: Parameters, dataset: Dataset, seed: int) -> TrainingConfig:
    """How the parameters say that `name` is trained (report, Table II), with the papers' slips that touch it."""
    fusion_training = parameters.fusion_training if name in FUSIONS else "frozen"
    if fusion_training == "from_scratch":
        return training_config("cnn_transformer", parameters, dataset, seed)
    batch_size = parameters.batch_size
    match name:
        case "cnn_transformer":
            epochs = parameters.cnn_transformer_epochs
            optimizer = Noam(
                factor=parameters.noam_factor,
                warm_up_steps=parameters.noam_warm_up_steps,
                weight_decay=parameters.cnn_transformer_weight_decay,
            )
        case "cnn2d":
            epochs = parameters.cnn2d_epochs
            optimizer = Adamax(rate=parameters.cnn2d_learning_rate, weight_decay=parameters.cnn2d_weight_decay)
        case _:
            epochs = parameters.fusion_epochs
            batch_size = parameters.fusion_batch_size or parameters.batch_size
            rate = parameters.fusion_learning_rate or DATASETS[dataset].fusion_learning_rate
            optimizer = Adamax(rate=rate, weight_decay=parameters.fusion_weight_decay)
    if parameters.schedule == "one_cycle" and name in BRANCHES:
        optimizer = OneCycle(
            peak_rate=parameters.one_cycle_peak_rate,
            warm_up=parameters.one_cycle_warm_up,
            weight_decay=parameters.one_cycle_weight_decay,
        )
    if "no_weight_decay" in parameters.slips:
        optimizer = optimizer.model_copy(update={"weight_decay": 0.0})
    # the original trains nothing else by Adam
    if "adam_epsilon" in parameters.slips and name == "cnn_transformer":
        optimizer = optimizer.model_copy(update={"epsilon": _ORIGINAL_EPSILON})
    return TrainingConfig(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        seed=seed,
        patience=parameters.early_stopping_patience,
        selection="last" if parameters.selection == "last" else None,
        mixup=parameters.mixup if name in BRANCHES else 0.0,
        branch_rate_factor=parameters.branch_rate_factor if fusion_training == "fine_tuned" else None,
    )


def make_optimizer(
    parameters: Sequence[Tensor], config: Optimizer, total_steps: int
) -> tuple[torch.optim.Optimizer, Callable[[int], float]]:
    """The optimiser over `parameters`, and the learning rate as a function of the step (from 1 to `total_steps`).

    The rate is 0 until `set_learning_rate` sets it; on a GPU it is a tensor, so that a recorded step follows it. A
    parameter may have settings of its own, a dict in its attribute `optimizer_settings`: a ``rate_scale``, by which its
    rate is multiplied, or what PyTorch's optimiser knows.
    """
    settings = [getattr(parameter, "optimizer_settings", {}) for parameter in parameters]
    device = parameters[0].device
    # whether a step of it can be recorded as a CUDA graph
    capturable = device.type == "cuda"
    groups = [
        {"params": [parameter for parameter, its in zip(parameters, settings, strict=True) if its == own], **own}
        | ({"lr": torch.zeros((), device=device)} if capturable else {})
        for number, own in enumerate(settings)
        if own not in settings[:number]
    ]
    if isinstance(config, Adamax):
        optimizer = torch.optim.Adamax(groups, 0.0, weight_decay=config.weight_decay, capturable=capturable)
        return optimizer, config.learning_rate
    kind = torch.optim.AdamW if isinstance(config, OneCycle) else torch.optim.Adam
    options = {"fused": True, "capturable": capturable}
    optimizer = kind(groups, 0.0, config.betas, config.epsilon, config.weight_decay, **options)
    if isinstance(config, OneCycle):
        return optimizer, partial(config.learning_rate, total_steps=total_steps)
    return optimizer, config.learning_rate


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The rate of the next step, for all parameters; times its `rate_scale` where a group has one."""
    for group in optimizer.param_groups:
        its = rate * group.get("rate_scale", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(its)
        else:
            group["lr"] = its
