"""Where each hyper-parameter is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecglib.experiment import Experiment
from ecglib.models.cnn2d import Cnn2dConfig
from ecglib.names import BRANCHES, FUSIONS, ModelName
from ecglib.training.optimizers import training_config


@dataclass(frozen=True)
class Range:
    """Where one parameter is searched: the kind and the limits of Optuna's ``suggest_...``, and the profile's value."""

    kind: str
    limits: dict[str, Any]
    own: Any


def ranges(experiment: Experiment, model: ModelName) -> dict[str, Range]:
    """What is searched for one model, by parameter: around the profile's own value, or the values in common use.

    A fusion on frozen branches has no warm-up and no dropout; its branches are trained by the profile, once a fold.
    """
    chosen = experiment.parameters
    own = training_config(model, chosen, experiment.dataset, experiment.seed)

    def factor(value: float, least: float, most: float, kind: str = "float") -> Range:
        limits = (value * least, value * most) if kind == "float" else (max(1, int(value * least)), int(value * most))
        return Range(kind, {"low": limits[0], "high": limits[1], "log": True}, value)

    def between(value: float, low: float, high: float, log: bool = False) -> Range:
        return Range("float", {"low": low, "high": high, "log": log}, min(max(value, low), high))

    def one_of(value: int, *choices: int) -> Range:
        return Range("categorical", {"choices": sorted({value, *choices})}, value)

    def batch(value: int) -> Range:
        return one_of(value, *(max(1, value * times // 4) for times in (1, 2, 8, 16)))

    decay, epochs = between(own.optimizer.weight_decay, 1e-6, 0.1, log=True), factor(own.epochs, 0.5, 2, "int")
    if model in FUSIONS and chosen.fusion_training != "from_scratch":
        found = {"fusion_learning_rate": factor(own.optimizer.rate, 0.1, 10), "fusion_weight_decay": decay}
        found |= {"fusion_batch_size": batch(own.batch_size), "fusion_epochs": epochs}
        if chosen.fusion_training == "fine_tuned":
            found["branch_rate_factor"] = between(chosen.branch_rate_factor, 0.01, 1, log=True)
        return found
    # a hybrid from scratch is trained by the recipe of the 1D branch
    branch = "cnn2d" if model == "cnn2d" else "cnn_transformer"
    if own.optimizer.kind == "one_cycle":
        found = {"one_cycle_peak_rate": factor(own.optimizer.peak_rate, 0.1, 10)}
        found |= {"one_cycle_warm_up": between(own.optimizer.warm_up, 0.05, 0.5), "one_cycle_weight_decay": decay}
    elif own.optimizer.kind == "noam":
        found = {"noam_factor": factor(own.optimizer.factor, 0.1, 10), "cnn_transformer_weight_decay": decay}
        found["noam_warm_up_steps"] = factor(own.optimizer.warm_up_steps, 0.25, 4, "int")
    else:
        found = {"cnn2d_learning_rate": factor(own.optimizer.rate, 0.1, 10), "cnn2d_weight_decay": decay}
    found |= {f"{branch}_epochs": epochs, "batch_size": batch(own.batch_size)}
    for name in (model,) if model in BRANCHES else BRANCHES:
        config = getattr(experiment.design, name)
        found[f"{name}_dropout"] = between(config.dropout, 0, 0.5)
        if isinstance(config, Cnn2dConfig):
            found["cnn2d_filters"] = one_of(config.filters[0], 8, 16, 32)
    return found
