"""Every number that the papers and others print, asked for in one way."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import numpy as np
import yaml

from ecglib.names import Dataset, ModelName

Paper = Literal["report", "original"]
REPORT_RUNS, ORIGINAL_RUNS = 1, 10
# the report calls its cut MIT-BIH so, and has no other
_PAPER_DATA: dict[Paper, dict[Dataset, str]] = {
    "report": {"mitbih": "mitbih_reduced", "ptb": "ptb"},
    "original": {"mitbih": "mitbih", "ptb": "ptb"},
}
# the training set behind the report's numbers; ours on any other are no match for them
REPORT_TRAINING_SET = {"mitbih": "half_second_largest", "ptb": "all"}
# section III.C.8
REPORT_MACHINE = {"mitbih_reduced": "Intel i7-13700K", "ptb": "NVIDIA GeForce MX330"}
# by number of the experiment
_METRIC_TABLES: dict[Paper, dict[int, str]] = {
    "report": {1: "table_4", 2: "table_7"},
    "original": {1: "table_5", 2: "table_8"},
}
_TIME_TABLES = {1: "table_3", 2: "table_6"}
# the report prints weighted F1 alone, the original macro F1 alone
_KEYS: dict[Paper, dict[str, str]] = {
    "report": {"mcc": "mcc", "f1_weighted": "f1", "accuracy": "accuracy"},
    "original": {"mcc": "mcc", "f1_macro": "f1", "accuracy": "accuracy"},
}


class Printed(NamedTuple):
    """A number of a paper, as a fraction; `deviation` is NaN where it has none."""

    value: float
    deviation: float


@cache
def reference() -> dict[str, Any]:
    """The file of all these numbers, as they are printed."""
    return yaml.safe_load(resources.files("ecglib.results").joinpath("reference.yaml").read_text(encoding="utf-8"))


def paper_data(paper: Paper, dataset: Dataset) -> str | None:
    """How a paper calls its beats of a data set; None where it has none."""
    return _PAPER_DATA[paper].get(dataset)


def printed_metrics(
    paper: Paper, dataset: Dataset, experiment: Literal[1, 2] | None = None
) -> dict[ModelName, dict[str, Printed]]:
    """What a paper prints of a data set: by model, then by metric; empty where it has none.

    Parameters
    ----------
    paper : {"report", "original"}
    dataset : str
    experiment : {1, 2}, optional
        The table of one experiment. By default both; late fusion, which is in both, is then that of the first (the
        report's two tables print two accuracies of it).
    """
    found: dict[ModelName, dict[str, Printed]] = {}
    for number in (2, 1) if experiment is None else (experiment,):
        table = reference()[paper][_METRIC_TABLES[paper][number]].get(paper_data(paper, dataset), {})
        for model, cells in table.items():
            found[model] = {metric: _printed(cells[key]) for metric, key in _KEYS[paper].items()}
    return found


def _printed(cell: float | list[float]) -> Printed:
    if isinstance(cell, list):
        # rounded, because the original prints percent with two decimals
        return Printed(*(round(number / 100, 4) for number in cell))
    return Printed(cell, np.nan)


def printed_times(dataset: Dataset, experiment: Literal[1, 2]) -> dict[ModelName, dict[str, float]]:
    """The report's seconds of training ("train") and testing ("test"), by model."""
    return reference()["report"][_TIME_TABLES[experiment]][paper_data("report", dataset)]


def others() -> dict[str, dict[str, Any]]:
    """What others reach on the Kaggle test beats of MIT-BIH: by name f1, accuracy, runs, source and note."""
    return reference()["peers"]
