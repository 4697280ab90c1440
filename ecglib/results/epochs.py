"""How many epochs a training needs, and what it costs until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.names import METRIC_TITLES, MODEL_TITLES, ModelName


def enough_epochs(validation_accuracy: Sequence[float], validation_beats: int) -> int:
    """The epoch after which nothing is gained that the validation beats could tell from chance.

    The first epoch whose validation accuracy is at most one standard error below the highest of all epochs
    (the one-standard-error rule of Breiman et al. 1984, section 3.4.3), where the standard error is that of
    the highest accuracy as a share of `validation_beats` beats.

    Parameters
    ----------
    validation_accuracy : sequence of float
        One an epoch, fractions.
    validation_beats : int

    Returns
    -------
    int
        Counted from 1.
    """
    accuracy = np.asarray(validation_accuracy)
    best = accuracy.max()
    error = np.sqrt(best * (1 - best) / validation_beats)
    return int(np.argmax(accuracy >= best - error)) + 1


@dataclass(frozen=True)
class Curve:
    """The learning curve of one run, and what to mark in it.

    Attributes
    ----------
    history : DataFrame
        One row an epoch; the columns of `ecglib.training.checkpoints.Epoch`.
    kept_epoch : int
        Whose weights are kept, counted from 1.
    rule : {"best", "last"}
        By which that epoch was chosen.
    enough : int
        See `enough_epochs`.
    profile : str
    """

    history: pd.DataFrame
    kept_epoch: int
    rule: str
    enough: int
    profile: str


def curve(experiment: Experiment, model: ModelName) -> Curve:
    """The learning curve of one model, which is trained where it is not there yet."""
    run, chosen = experiment.run(model), experiment.parameters
    enough = enough_epochs(run.history["validation_accuracy"], len(experiment.split.validation))
    return Curve(run.history, run.best_epoch, chosen.selection, enough, chosen.label)


def curves_beside(experiments: Sequence[Experiment], models: Sequence[ModelName]) -> dict[ModelName, list[Curve]]:
    """The curves of the same models under several profiles, chosen as in `epoch_table`."""
    return {model: [curve(one, model) for one in _trained(experiments, model)] for model in models}


def epoch_table(experiments: Sequence[Experiment], models: Sequence[ModelName]) -> pd.DataFrame:
    """Epochs, seconds and test metrics of the same models under several profiles, tidy.

    Parameters
    ----------
    experiments : sequence of Experiment
        The first one's models are trained where they are not there yet; of the others, what is trained is shown.
    models : sequence of str

    Returns
    -------
    DataFrame
        One row a model and profile. Columns model, profile, design, schedule, training_beats, batch_size, epochs,
        best_epoch, enough_epochs, train_s, enough_s (seconds until `enough_epochs` were done), hardware, and the
        four test metrics as fractions. All of the first repetition.
    """
    rows = []
    for model in models:
        for experiment in _trained(experiments, model):
            run, chosen = experiment.run(model), experiment.parameters
            enough = enough_epochs(run.history["validation_accuracy"], len(experiment.split.validation))
            row = {"model": model, "profile": chosen.label, "design": chosen.design, "schedule": chosen.schedule}
            row |= {"training_beats": len(experiment.split.train), "batch_size": run.identity["training"]["batch_size"]}
            row |= {"epochs": len(run.history), "best_epoch": run.best_epoch, "enough_epochs": enough}
            row |= {"train_s": run.train_s, "enough_s": run.history["seconds"][:enough].sum()}
            row |= {"hardware": run.hardware}
            rows.append(row | {name: getattr(run.metrics, name) for name in METRIC_TITLES})
    return pd.DataFrame(rows)


def epoch_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`epoch_table` for readers: minutes and percent."""
    rows = []
    for _, line in tidy.iterrows():
        row = {"model": MODEL_TITLES[line["model"]], "profile": line["profile"]}
        row |= {"training beats": f"{line['training_beats']:,}", "epochs": str(line["epochs"])}
        row |= {"nothing gained after": str(line["enough_epochs"])}
        row |= {"minutes": f"{line['train_s'] / 60:.1f}", "minutes until then": f"{line['enough_s'] / 60:.1f}"}
        rows.append(row | {title: f"{100 * line[name]:.2f}" for name, title in METRIC_TITLES.items()})
    return pd.DataFrame(rows)


def _trained(experiments: Sequence[Experiment], model: ModelName) -> list[Experiment]:
    """The first and, since nothing is trained for a comparison, those others that have the model's run."""
    return [one for one in experiments if one is experiments[0] or one.has(model)]
