"""The training beats of a profile in three folds, and an experiment on each."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from torch import nn

from ecglib.data.splits import Split, class_counts
from ecglib.data.table import Beats
from ecglib.experiment import Experiment
from ecglib.models.pictures import SPECTROGRAM_VERSION
from ecglib.names import BRANCHES, EcglibError, ModelName, Part
from ecglib.parameters import NO_RESULT_CHANGES
from ecglib.runs import identity_key
from ecglib.training.branches import BranchOutputs, evaluate_branches
from ecglib.training.checkpoints import Epoch
from ecglib.training.examples import AUGMENTATION_VERSION
from ecglib.training.loop import TRAINING_VERSION, Trained, train
from ecglib.training.optimizers import training_config

FOLDS = 3


class Fold(Experiment):
    """An experiment on the training beats of another, a third of which validates; it has no test beats at all.

    Parameters
    ----------
    experiment : Experiment
        Whose parameters these are, with `changes`.
    beats : Beats
        The training beats, see `training_beats`.
    rows : tuple of two ndarray of int
        Of `beats`: to learn from, and to validate on.
    folder : Path
        For checkpoints.
    branches : Fold, optional
        The same fold under the profile's own parameters, which trains the branches that a fusion starts from.
    """

    def __init__(
        self,
        experiment: Experiment,
        beats: Beats,
        rows: tuple[np.ndarray, np.ndarray],
        folder: Path,
        branches: Fold | None = None,
        **changes: Any,
    ):
        # else the loss would learn from what the fold is scored on
        changes |= {"train_on_validation": False}
        super().__init__(experiment.parameters.model_copy(update=changes), experiment.dataset)
        self.data.table = self.data.beats = beats
        self.data.split = Split(*rows, test=np.empty(0, np.int64))
        self.folder, self._branches = folder, branches or self
        self._trained: dict[ModelName, nn.Module] = {}

    @property
    def _key(self) -> str:
        """Of all that a training hangs on, but for its model and rows."""
        depends = self.parameters.model_dump(mode="json", exclude=NO_RESULT_CHANGES) | {"beats": self.beats.digest}
        return identity_key(depends | versions())

    def checkpoint(self, name: ModelName) -> Path:
        """Of a training under these parameters, so that it goes on wherever it was stopped."""
        return self.folder / f"checkpoint-{name}-{self._key}.pt"

    def fit(self, name: ModelName, on_epoch: Callable[[Epoch], None] | None = None) -> tuple[nn.Module, Trained]:
        """Train a model; the "test" metrics of its epochs are those on the validation beats."""
        config = training_config(name, self.parameters, self.dataset, self.seed)
        module = self._trained_module(name)
        augmented = self.parameters.augmentation and self._trains_branches(name)
        training, validation = self._examples(name, "train", augmented), self._examples(name, "validation")
        weights, checkpoint = self.class_weights(name), self.checkpoint(name)
        options = {"test": validation, "reported_epochs": config.epochs}
        return module, train(module, training, validation, config, weights, checkpoint, on_epoch, **options)

    def model(self, name: ModelName) -> nn.Module:
        """A branch, trained by the profile: once for all trials, by one process while others wait."""
        its = self._branches
        if name not in its._trained:
            its.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(its.folder / f".{name}.lock"):
                its._trained[name] = its.fit(name)[0]
        # fine-tuning changes it
        return copy.deepcopy(its._trained[name])

    def _branch_outputs(self, part: Part) -> BranchOutputs:
        its = self._branches
        if part not in its._outputs:
            models = {name: its.model(name) for name in BRANCHES}
            path = its.folder / f"branch_outputs-{part}-{its._key}.safetensors"
            with FileLock(its.folder / f".branch_outputs-{part}.lock"):
                if BranchOutputs.load(path, its.device) is None:
                    evaluate_branches(models, *its._beats_of(part), its.picture).save(path)
            # all features of all folds would be more than many machines have; from a file they are read as needed
            its._outputs[part] = BranchOutputs.load(path, its.device)
        return its._outputs[part]


def versions() -> dict[str, int]:
    """What code a training hangs on, where it is not the first of its kind: studies and checkpoints are of one code."""
    known = {"training": TRAINING_VERSION, "augmentation": AUGMENTATION_VERSION, "spectrogram": SPECTROGRAM_VERSION}
    return {f"{name}_version": version for name, version in known.items() if version > 1}


def training_beats(experiment: Experiment) -> Beats:
    """The beats that a profile trains and validates with, with their signals and nothing of the test beats."""
    rows = np.sort(np.concatenate([experiment.split.train, experiment.split.validation]))
    return replace(experiment.beats.take(rows), signal=experiment.data.signal[rows])


def fold_rows(experiment: Experiment, beats: Beats) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of `training_beats` to learn from and to validate on, three times; each row validates once.

    Raises
    ------
    EcglibError
        A class has fewer beats than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = class_counts(beats.label, len(beats.metadata.class_names))
    if counts.min() < FOLDS:
        name = beats.metadata.class_names[counts.argmin()]
        raise EcglibError(f"search: class {name} has {counts.min()} training beats for {FOLDS} folds; take more beats")
    by_beat = experiment.split_kind == "kaggle"
    kind = StratifiedKFold if by_beat else StratifiedGroupKFold
    folds = kind(FOLDS, shuffle=True, random_state=experiment.parameters.seed)
    return list(folds.split(beats.label, beats.label, None if by_beat else beats.subject))
