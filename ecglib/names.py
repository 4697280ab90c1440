"""The vocabulary: what data sets, splits, models, designs and metrics are called, and the one error of users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# -- data ---------------------------------------------------------------------------------------------------
Dataset = Literal["mitbih", "ptb", "ptbxl"]
Source = Literal["physionet", "kaggle", "synthetic"]
TrainingSet = Literal["all", "half_second_largest", "half_largest"]
SplitKind = Literal["kaggle", "patient", "fold"]
Detector = Literal["neurokit", "threshold"]
Part = Literal["train", "validation", "test"]
# of the whole PTB Diagnostic ECG Database, for tables that are made from a part of it
PTB_RECORDS = 549


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a data set without reading it.

    Attributes
    ----------
    title : str
    class_names : tuple of str
        In the order of the labels.
    folder : str
        Of its records on PhysioNet and in ``ECGLIB_DATA``.
    split : {"kaggle", "fold"}
        How it is split where nothing else is asked for: by its own folds, or beat by beat as Kaggle's files are.
    fusion_learning_rate : float
        Of the fusions (report, Table II).
    beside : {"mitbih", "ptb"}
        The data set of the papers whose numbers it is shown beside.
    """

    title: str
    class_names: tuple[str, ...]
    folder: str
    split: SplitKind
    fusion_learning_rate: float
    beside: Literal["mitbih", "ptb"]


_TWO_CLASSES = ("normal", "abnormal")
DATASETS: dict[Dataset, DatasetFacts] = {
    "mitbih": DatasetFacts("MIT-BIH", ("N", "S", "V", "F", "Q"), "mitdb", "kaggle", 3e-4, "mitbih"),
    "ptb": DatasetFacts("PTB", _TWO_CLASSES, "ptbdb", "kaggle", 1e-3, "ptb"),
    "ptbxl": DatasetFacts("PTB-XL", _TWO_CLASSES, "ptb-xl", "fold", 1e-3, "ptb"),
}
# the classes of ANSI/AAMI EC57, and PTB's two
CLASS_TITLES = {
    "N": "normal and bundle branch block (N)",
    "S": "supraventricular premature (S)",
    "V": "ventricular premature (V)",
    "F": "fusion of ventricular and normal (F)",
    "Q": "paced or unclassifiable (Q)",
    "normal": "healthy control",
    "abnormal": "myocardial infarction",
}
# what a beat is called where `predict` may decline to answer
NOT_SURE = "not sure"

# -- models -------------------------------------------------------------------------------------------------
ModelName = Literal["cnn_transformer", "cnn2d", "late", "concat", "sum", "weighted_sum"]
BRANCHES: tuple[ModelName, ...] = ("cnn_transformer", "cnn2d")
INTERMEDIATE: tuple[ModelName, ...] = ("concat", "sum", "weighted_sum")
FUSIONS: tuple[ModelName, ...] = ("late", *INTERMEDIATE)
# as the papers call them; a design whose networks are others has titles of its own, see `ecglib.designs`
MODEL_TITLES: dict[ModelName, str] = {
    "cnn_transformer": "1D CNN-Transformer",
    "cnn2d": "2D CNN",
    "late": "Hybrid, late fusion",
    "concat": "Hybrid, concatenation",
    "sum": "Hybrid, sum",
    "weighted_sum": "Hybrid, weighted sum",
}
# of the papers' two experiments: Tables III to V, and VI to VIII
EXPERIMENT_1: tuple[ModelName, ...] = ("cnn_transformer", "cnn2d", "late")
EXPERIMENT_2: tuple[ModelName, ...] = ("concat", "sum", "weighted_sum", "late")
# what the report says, what the original authors' released code does, or what reaches most with the same two inputs
DesignName = Literal["report", "original", "best"]
# what the 2D branch is shown of a beat, see `ecglib.models.pictures`
Picture = Literal["colour", "bordered", "real_part", "magnitude", "log_magnitude"]
# what a fusion's training does with the branches: nothing; trains them further; trains them with it from the start
FusionTraining = Literal["frozen", "fine_tuned", "from_scratch"]
# what of a beat's row the networks are shown, see `ecglib.data.views`
RowView = Literal["whole", "stretched", "next_beat_cut", "ordered", "shuffled", "ranked"]
# what the paper leaves open, see `ecglib.results.questions`
Question = Literal["unfrozen", "filters", "batch_size", "hints", "search"]
# what goes wrong in one of the papers' programs, to be switched on and measured, see `ecglib.results.ledger`
Slip = Literal[
    "zero_class_token",
    "untrained_layers",
    "fast_norm",
    "branches_in_training_mode",
    "no_weight_decay",
    "all_tokens",
    "pixels_255",
    "cloned_layers",
    "adam_epsilon",
    "random_scalars",
]

# -- results ------------------------------------------------------------------------------------------------
METRIC_TITLES = {"mcc": "MCC", "f1_macro": "macro F1", "f1_weighted": "weighted F1", "accuracy": "accuracy"}
HEADLINE_METRICS = tuple(METRIC_TITLES)
# learning curves in the report, by model and data set; PTB-XL stands where PTB does
FIGURE_NUMBERS: dict[tuple[ModelName, Dataset], int] = {
    (model, dataset): numbers[0] if dataset == "mitbih" else numbers[1]
    for model, numbers in {
        "cnn_transformer": (4, 3),
        "cnn2d": (6, 5),
        "late": (8, 7),
        "concat": (12, 9),
        "sum": (13, 10),
        "weighted_sum": (14, 11),
    }.items()
    for dataset in DATASETS
}


class EcglibError(ValueError):
    """Input that cannot be used, told in one line: what is wrong, where, what to do.

    The command line prints the message alone and exits with status 1.
    """
