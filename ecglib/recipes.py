"""How each of the report's models is made and trained."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel
from torch import nn

from ecglib.data.sources import Dataset
from ecglib.models import (
    Cnn2d,
    Cnn2dConfig,
    CnnTransformer,
    CnnTransformerConfig,
    IntermediateFusion,
    IntermediateFusionConfig,
    LateFusion,
    LateFusionConfig,
    Residual,
    ResidualConfig,
    cnn2d,
    cnn_transformer,
    fusion,
    residual,
)
from ecglib.names import BRANCHES, INTERMEDIATE, Design, ModelName, Slip
from ecglib.optimizers import Adamax, Noam, OneCycle
from ecglib.parameters import Parameters
from ecglib.training import TrainingConfig, seeded

_DESIGNS: dict[tuple[ModelName, Design], BaseModel] = {
    ("cnn_transformer", "report"): CnnTransformerConfig(),
    ("cnn2d", "report"): Cnn2dConfig(),
    ("late", "report"): LateFusionConfig(),
    ("cnn_transformer", "original"): cnn_transformer.ORIGINAL,
    ("cnn2d", "original"): cnn2d.ORIGINAL,
    ("late", "original"): fusion.LATE_ORIGINAL,
    ("cnn_transformer", "best"): ResidualConfig(),
    ("cnn2d", "best"): residual.BEST_2D,
    ("late", "best"): LateFusionConfig(),
}
_DESIGNS |= {(method, "report"): IntermediateFusionConfig(method=method) for method in INTERMEDIATE}
_DESIGNS |= {
    (method, "original"): fusion.INTERMEDIATE_ORIGINAL.model_copy(update={"method": method}) for method in INTERMEDIATE
}
_DESIGNS |= {
    (method, "best"): IntermediateFusionConfig(
        method=method,
        features_1d=ResidualConfig().feature_count,
        features_2d=residual.BEST_2D.feature_count,
    )
    for method in INTERMEDIATE
}
_MODULES = {
    CnnTransformerConfig: CnnTransformer,
    Cnn2dConfig: Cnn2d,
    LateFusionConfig: LateFusion,
    IntermediateFusionConfig: IntermediateFusion,
    ResidualConfig: Residual,
}


def new_model(
    name: ModelName, classes: int, seed: int, design: Design = "report", slips: Collection[Slip] = ()
) -> nn.Module:
    """An untrained model; `seed` decides its initial weights."""
    changes: dict[str, object] = {"classes": classes}
    if name == "cnn_transformer" and "zero_class_token" in slips:
        changes["zero_class_token"] = True
    if name == "cnn2d" and "fast_norm" in slips:
        changes["norm_momentum"] = cnn2d.ORIGINAL.norm_momentum
    if "untrained_layers" in slips:
        changes |= {"untrained_output": True} if name == "cnn2d" else {}
        changes |= {"untrained_projections": True} if name in INTERMEDIATE else {}
    config = _DESIGNS[name, design].model_copy(update=changes)
    with seeded(seed, 0):
        return _MODULES[type(config)](config)


def training_config(name: ModelName, parameters: Parameters, dataset: Dataset, seed: int) -> TrainingConfig:
    """How the parameters say that `name` is trained (report, Table II)."""
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
            rate = getattr(parameters, f"{dataset}_fusion_learning_rate")
            optimizer = Adamax(rate=rate, weight_decay=parameters.fusion_weight_decay)
    if parameters.schedule == "one_cycle" and name in BRANCHES:
        optimizer = OneCycle(
            peak_rate=parameters.one_cycle_peak_rate,
            warm_up=parameters.one_cycle_warm_up,
            weight_decay=parameters.one_cycle_weight_decay,
        )
    return TrainingConfig(
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        seed=seed,
        patience=parameters.early_stopping_patience,
        selection="last" if parameters.selection == "last" else None,
        mixup=parameters.mixup if name in BRANCHES else 0.0,
    )
