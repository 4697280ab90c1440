"""The report's five models by name (late fusion, and intermediate fusion three ways), and how each is trained."""

from __future__ import annotations

from typing import Literal

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
)
from ecglib.optimizers import Adamax, Noam
from ecglib.parameters import Parameters
from ecglib.training import TrainingConfig, seeded

ModelName = Literal["cnn_transformer", "cnn2d", "late", "concat", "sum", "weighted_sum"]
BRANCHES: tuple[ModelName, ...] = ("cnn_transformer", "cnn2d")
FUSIONS: tuple[ModelName, ...] = ("late", "concat", "sum", "weighted_sum")
MODEL_TITLES: dict[ModelName, str] = {
    "cnn_transformer": "1D CNN-Transformer",
    "cnn2d": "2D CNN",
    "late": "Hybrid, late fusion",
    "concat": "Hybrid, concatenation",
    "sum": "Hybrid, sum",
    "weighted_sum": "Hybrid, weighted sum",
}
# learning curves in the report, by model and data set; PTB-XL stands where PTB does
_FIGURE_NUMBERS: dict[tuple[ModelName, Dataset], int] = {
    ("cnn_transformer", "ptb"): 3,
    ("cnn_transformer", "mitbih"): 4,
    ("cnn2d", "ptb"): 5,
    ("cnn2d", "mitbih"): 6,
    ("late", "ptb"): 7,
    ("late", "mitbih"): 8,
    ("concat", "ptb"): 9,
    ("sum", "ptb"): 10,
    ("weighted_sum", "ptb"): 11,
    ("concat", "mitbih"): 12,
    ("sum", "mitbih"): 13,
    ("weighted_sum", "mitbih"): 14,
}
FIGURE_NUMBERS = _FIGURE_NUMBERS | {
    (model, "ptbxl"): number for (model, dataset), number in _FIGURE_NUMBERS.items() if dataset == "ptb"
}


def new_model(name: ModelName, classes: int, seed: int) -> nn.Module:
    """An untrained model of the report's design; `seed` decides its initial weights."""
    with seeded(seed, 0):
        match name:
            case "cnn_transformer":
                return CnnTransformer(CnnTransformerConfig(classes=classes))
            case "cnn2d":
                return Cnn2d(Cnn2dConfig(classes=classes))
            case "late":
                return LateFusion(LateFusionConfig(classes=classes))
            case method:
                return IntermediateFusion(IntermediateFusionConfig(classes=classes, method=method))


def training_config(name: ModelName, parameters: Parameters, dataset: Dataset, seed: int) -> TrainingConfig:
    """How the parameters say that `name` is trained (report, Table II)."""
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
            rate = getattr(parameters, f"{dataset}_fusion_learning_rate")
            optimizer = Adamax(rate=rate, weight_decay=parameters.fusion_weight_decay)
    return TrainingConfig(
        epochs=epochs,
        batch_size=parameters.batch_size,
        optimizer=optimizer,
        seed=seed,
        patience=parameters.early_stopping_patience,
    )
