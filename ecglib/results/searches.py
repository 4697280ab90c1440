"""The searches whose best trial was tested, as the repository keeps them; Optuna is not needed to read them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ecglib import files
from ecglib.names import BRANCHES, FUSIONS, Dataset, ModelName
from ecglib.parameters import Parameters

# of runs/ and figures/
FOLDER = "search"


@dataclass(frozen=True)
class Tested:
    """A study whose best trial was trained with all seeds and shown the test beats, once.

    Attributes
    ----------
    model : str
    settings : dict
        The parameters of that trial.
    trials : int
        How many were finished or ended early.
    mcc : list of float
        On the test beats, of each seed, as written down then.
    """

    model: ModelName
    settings: dict[str, Any]
    trials: int
    mcc: list[float]


def study_name(parameters: Parameters, dataset: Dataset, model: ModelName) -> str:
    """Of letters, digits and _, so that a profile can be called by it."""
    return re.sub(r"\W", "_", f"{parameters.label}_{dataset}_{model}")


def tested(parameters: Parameters, dataset: Dataset) -> list[Tested]:
    """The tested studies of a profile on one data set, from ``runs/search/openings.csv``."""
    path = files.runs(FOLDER) / "openings.csv"
    opened = pd.read_csv(path, float_precision="round_trip") if path.is_file() else pd.DataFrame({"study": []})
    found = []
    for model in (*BRANCHES, *FUSIONS):
        lines = opened[opened["study"] == study_name(parameters, dataset, model)]
        if len(lines):
            settings = json.loads(lines["settings"].iloc[0])
            found.append(Tested(model, settings, int(lines["trials"].iloc[0]), lines["mcc"].tolist()))
    return found
