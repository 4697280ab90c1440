"""The report's five models by name (late fusion, and intermediate fusion three ways), and their figures' numbers."""

from __future__ import annotations

from typing import Literal

from ecglib.data.sources import Dataset

ModelName = Literal["cnn_transformer", "cnn2d", "late", "concat", "sum", "weighted_sum"]
BRANCHES: tuple[ModelName, ...] = ("cnn_transformer", "cnn2d")
INTERMEDIATE: tuple[ModelName, ...] = ("concat", "sum", "weighted_sum")
FUSIONS: tuple[ModelName, ...] = ("late", *INTERMEDIATE)
MODEL_TITLES: dict[ModelName, str] = {
    "cnn_transformer": "1D CNN-Transformer",
    "cnn2d": "2D CNN",
    "late": "Hybrid, late fusion",
    "concat": "Hybrid, concatenation",
    "sum": "Hybrid, sum",
    "weighted_sum": "Hybrid, weighted sum",
}
# what the report says, what the original authors' released code does, or what reaches most with the same two inputs
Design = Literal["report", "original", "best"]
# what the 2D branch is shown of a beat, see `ecglib.pictures`
Picture = Literal["colour", "bordered", "real_part", "magnitude", "log_magnitude"]
# what goes wrong in one of the papers' programs, to be switched on and measured, see `ecglib.ledger`
Slip = Literal["zero_class_token", "untrained_layers", "fast_norm", "branches_in_training_mode"]
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
