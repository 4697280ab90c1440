"""One data set under one set of parameters: its beats, its models, their runs.

Everything expensive is a file under ``runs/``: a run that is there is loaded, one that was
interrupted goes on from its last epoch, any other is trained.
"""

from __future__ import annotations

import hashlib
import json
import time
from functools import cached_property
from itertools import groupby
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ecglib import paths, spectrogram
from ecglib.augmentation import AUGMENTATION_VERSION
from ecglib.branches import BranchOutputs, beat_examples, evaluate_branches
from ecglib.data.sources import Dataset, beat_table
from ecglib.data.splits import Split, SplitKind, arrange, class_weights, default_split, split_beats
from ecglib.data.table import Beats
from ecglib.errors import EcglibError
from ecglib.evaluation import evaluate
from ecglib.models import Hybrid
from ecglib.names import BRANCHES, FUSIONS, MODEL_TITLES, ModelName, Picture
from ecglib.parameters import Parameters
from ecglib.pictures import OWN_PICTURE
from ecglib.progress import epoch_progress
from ecglib.recipes import new_model, training_config
from ecglib.runs import Predictions, Run, hardware, identity_key, load_run, origin, save_run, weights_digest
from ecglib.steps import Examples
from ecglib.training import TRAINING_VERSION, Trained, predict, train_together

Part = Literal["train", "validation", "test"]


class Experiment:
    """The report's models on one data set.

    Parameters
    ----------
    parameters : Parameters
    dataset : {"mitbih", "ptb", "ptbxl"}
    repetition : int
        Which of the profile's repetitions, from 0. They differ in the seed of initial weights, order and
        dropout, and have the same beats to train, to validate and to test on.

    Raises
    ------
    EcglibError
        `dataset` is not one of the profile's.
    """

    def __init__(self, parameters: Parameters, dataset: Dataset, repetition: int = 0):
        if dataset not in parameters.datasets:
            known = ", ".join(parameters.datasets)
            raise EcglibError(f"dataset: profile {parameters.profile!r} has no {dataset!r}; choose from {known}")
        self.parameters = parameters
        self.dataset = dataset
        self.repetition = repetition
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if parameters.threads is not None:
            torch.set_num_threads(parameters.threads)
        # where this data set's runs lie; settled now, so that a profile may be edited while they are made
        self.folder = paths.runs(parameters.label) / dataset
        if repetition:
            self.folder /= f"repetition-{repetition}"
        self._runs: dict[ModelName, Run] = {}
        self._outputs: dict[Part, BranchOutputs] = {}

    @property
    def split_kind(self) -> SplitKind:
        """How training and test beats are kept apart."""
        return self.parameters.split or default_split(self.dataset)

    def split_by(self, kind: SplitKind) -> Experiment:
        """This experiment under another split; itself where `kind` is its own."""
        if kind == self.split_kind:
            return self
        usual = kind == default_split(self.dataset)
        parameters = self.parameters.model_copy(update={"split": None if usual else kind})
        other = Experiment(parameters, self.dataset, self.repetition)
        other.__dict__["table"] = self.table
        return other

    @cached_property
    def repetitions(self) -> tuple[Experiment, ...]:
        """This experiment and its repetitions under other seeds, as many as the parameters say."""
        others = [Experiment(self.parameters, self.dataset, r) for r in range(1, self.parameters.repetitions)]
        for other in others:
            other.__dict__ |= {"table": self.table, "beats": self.beats, "split": self.split}
        return (self, *others)

    @cached_property
    def table(self) -> Beats:
        """The data set's whole beat table, built on first use."""
        return beat_table(self.dataset, self.parameters.source, self.parameters.synthetic_beats, self.parameters.seed)

    @cached_property
    def beats(self) -> Beats:
        """What the split uses of `table`, with its training and test sides."""
        return arrange(self.table, self.split_kind, self.parameters.test_fold)

    @cached_property
    def split(self) -> Split:
        """Rows of `beats` to train on, to validate on, to test on."""
        chosen = self.parameters
        return split_beats(self.beats, chosen.training_set, chosen.validation_fraction, chosen.seed, self.split_kind)

    @property
    def seed(self) -> int:
        """Of initial weights, order and dropout; the split's is the parameters' own."""
        return self.parameters.seed + self.repetition

    @property
    def class_names(self) -> tuple[str, ...]:
        """The data set's classes in label order."""
        return self.beats.metadata.class_names

    @property
    def picture(self) -> Picture:
        """What the 2D branch sees."""
        return self.parameters.picture or OWN_PICTURE[self.parameters.design]

    def run(self, name: ModelName) -> Run:
        """The run of one model: loaded if it is there, else trained and saved.

        Parameters
        ----------
        name : {"cnn_transformer", "cnn2d", "late", "concat", "sum", "weighted_sum"}
            A fusion trains its branches first where they are not there yet.
        """
        if not self.has(name):
            self._train([self], name)
        return self._runs[name]

    def runs(self, name: ModelName, together: bool | None = None) -> list[Run]:
        """The runs of one model in all repetitions, this one's first.

        Parameters
        ----------
        name : str
            As for `run`.
        together : bool, optional
            Whether the repetitions of a branch that are not there yet are trained in the same steps (see
            `ecglib.training.train_together`). By default they are on a graphics processor, where that
            costs hardly more than one; a CPU gains nothing by it.
        """
        if self.device.type == "cuda" if together is None else together:
            missing = [one for one in self.repetitions if not one.has(name)]
            # a run that is there splits the rest, since seeds that are trained together follow one another
            for _, group in groupby(missing, key=lambda one: one.repetition - missing.index(one)):
                if name in BRANCHES:
                    self._train(list(group), name)
        return [one.run(name) for one in self.repetitions]

    def has(self, name: ModelName) -> bool:
        """Whether the run is there, and not that of other parameters or beats; nothing is trained."""
        if name not in MODEL_TITLES:
            raise EcglibError(f"model {name!r} is none of {', '.join(MODEL_TITLES)}")
        if name in FUSIONS and not all(self.has(branch) for branch in BRANCHES):
            # whose digests are part of a fusion's identity
            return False
        if name not in self._runs:
            run = load_run(self.folder / name)
            if run is not None and run.identity == self._identity(name):
                self._runs[name] = run
        return name in self._runs

    def class_weights(self, name: ModelName) -> np.ndarray:
        """The classes' weights in a model's loss, shape (K,); ones where it has none."""
        # the original's late fusion has none
        if self.parameters.class_weighting == "none" or (name == "late" and self.parameters.design == "original"):
            return np.ones(len(self.class_names))
        return class_weights(self.beats.label[self.split.train], len(self.class_names))

    def untrained(self, name: ModelName) -> nn.Module:
        """The model of the parameters' design as training finds it."""
        return new_model(name, len(self.class_names), self.seed, self.parameters.design, self.parameters.slips)

    def model(self, name: ModelName) -> nn.Module:
        """The trained model in evaluation mode; for a fusion the `Hybrid` of both branches and it."""
        module = self._loaded(name)
        if name in FUSIONS and not isinstance(module, Hybrid):
            module = self._hybrid(module)
        return module.to(self.device).eval()

    def validation_scores(self, name: ModelName) -> np.ndarray:
        """Scores of the trained model on the validation beats, shape (V, K); a run keeps those of the test beats."""
        return predict(self._loaded(name).to(self.device), self._examples(name, "validation"))[0].cpu().numpy()

    def take_branches(self, other: Experiment) -> None:
        """Take over the branches that are the same in `other`, where they would be trained a second time."""
        for one, its in zip(self.repetitions, other.repetitions, strict=True):
            for name in BRANCHES:
                if one._identity(name) == its._identity(name):
                    one._runs[name] = its.run(name)

    def _loaded(self, name: ModelName) -> nn.Module:
        """What training changes, with the weights that it left."""
        module = self._trained_module(name)
        weights = self.run(name).weights
        if weights is None:
            raise EcglibError(f"{self.folder / name}: results without weights; delete the folder to train it again")
        module.load_state_dict(weights)
        return module

    def _trained_module(self, name: ModelName) -> nn.Module:
        """What training changes: the model itself, or the whole hybrid where the branches are not at rest."""
        module = self.untrained(name)
        return self._hybrid(module, True) if self._branches_change(name) else module

    def _hybrid(self, fusion: nn.Module, branches_in_training_mode: bool = False) -> Hybrid:
        return Hybrid(self.model("cnn_transformer"), self.model("cnn2d"), fusion, branches_in_training_mode)

    def _branches_change(self, name: ModelName) -> bool:
        return name in FUSIONS and "branches_in_training_mode" in self.parameters.slips

    def _train(self, repetitions: list[Experiment], name: ModelName) -> None:
        """Train and save one model in these repetitions, which follow one another, in the same steps."""
        first = repetitions[0]
        config = training_config(name, self.parameters, self.dataset, first.seed)
        identities = [one._identity(name) for one in repetitions]
        models = [one._trained_module(name) for one in repetitions]
        started = time.perf_counter()
        varied = self.parameters.augmentation and name in BRANCHES
        training, validation = first._examples(name, "train", varied), first._examples(name, "validation")
        preparing_s = time.perf_counter() - started
        if name in FUSIONS and not self._branches_change(name):
            # the outputs may come from a file by now; what counts is what it took to compute them
            preparing_s = sum(first._branch_outputs(part).seconds for part in ("train", "validation"))
        weights = self.class_weights(name)
        options = {}
        if self.parameters.reported_epochs is not None:
            options = {"test": first._examples(name, "test"), "reported_epochs": self.parameters.reported_epochs}
        key = identity_key(identities[0]) + (f"-{len(models)}" if len(models) > 1 else "")
        checkpoint = first.folder / name / f"checkpoint-{key}.npz"
        with epoch_progress(f"{MODEL_TITLES[name]}, {self.dataset}", config.epochs) as on_epoch:
            trained = train_together(models, training, validation, config, weights, checkpoint, on_epoch, **options)
        for one, identity, model, outcome in zip(repetitions, identities, models, trained, strict=True):
            one._runs[name] = one._test(name, identity, model, outcome, preparing_s / len(models))
            save_run(one._runs[name], one.folder / name)
        for outdated in (first.folder / name).glob("checkpoint-*.npz"):
            outdated.unlink()

    def _test(
        self, name: ModelName, identity: dict[str, object], model: nn.Module, trained: Trained, preparing_s: float
    ) -> Run:
        """A trained model on the test beats, with all that a run keeps."""
        # a fusion classifies a beat only once both branches have
        frozen = name in FUSIONS and not self._branches_change(name)
        branches_s = self._branch_outputs("test").seconds if frozen else 0.0
        started = time.perf_counter()
        # as they are stored, so that the metrics are those of the file
        scores = predict(model, self._examples(name, "test"))[0].half().cpu().numpy()
        test_s = branches_s + time.perf_counter() - started
        label = self.beats.label[self.split.test]
        weights = {key: tensor.cpu().contiguous() for key, tensor in model.state_dict().items()}
        return Run(
            identity=identity,
            best_epoch=trained.best_epoch,
            train_s=preparing_s + sum(epoch.seconds for epoch in trained.history),
            test_s=test_s,
            hardware=hardware(),
            metrics=evaluate(label, scores),
            history=pd.DataFrame([epoch.row() for epoch in trained.history]),
            weights=weights,
            weights_digest=weights_digest(weights),
            predictions=Predictions(self.split.test, label, scores),
            origin=origin(),
        )

    def _identity(self, name: ModelName) -> dict[str, object]:
        """Everything that a run's result depends on, as JSON types."""
        chosen = self.parameters
        training = training_config(name, chosen, self.dataset, self.seed)
        identity = {
            "model": name,
            "config": self.untrained(name).config.model_dump(mode="json"),
            "training": training.model_dump(mode="json", exclude_none=True),
            "training_set": chosen.training_set,
            "validation_fraction": chosen.validation_fraction,
            "split_seed": chosen.seed,
            "beats": self.beats.digest(),
            "training_version": TRAINING_VERSION,
        }
        if self.split_kind != "kaggle":
            # the other kinds hang on subjects or folds, which the beats' digest does not hold
            identity["validation"] = hashlib.sha256(self.split.validation.astype(np.int64)).hexdigest()
        if chosen.augmentation and name in BRANCHES:
            identity["augmentation"] = AUGMENTATION_VERSION
        if chosen.class_weighting != "balanced":
            identity["class_weighting"] = chosen.class_weighting
        if chosen.reported_epochs is not None:
            # the weights do not hang on it, but the history has more columns
            identity["reported_epochs"] = chosen.reported_epochs
        if name == "cnn2d" and self.picture in ("colour", "bordered"):
            identity["spectrogram_version"] = spectrogram.SPECTROGRAM_VERSION
        if name == "cnn2d" and self.picture != OWN_PICTURE[chosen.design]:
            identity["picture"] = self.picture
        if name in FUSIONS:
            identity["branches"] = self._branch_digests()
        if self._branches_change(name):
            identity["branches_in_training_mode"] = True
        # as it reads back from run.json, with lists for tuples
        return json.loads(json.dumps(identity))

    def _branch_digests(self) -> dict[str, str]:
        return {branch: self.run(branch).weights_digest for branch in BRANCHES}

    def _beats_of(self, part: Part) -> tuple[Tensor, Tensor]:
        """Signals and labels of one part of the beats, on the device."""
        rows = getattr(self.split, part)
        return tuple(torch.from_numpy(values[rows]).to(self.device) for values in (self.beats.signal, self.beats.label))

    def _examples(self, name: ModelName, part: Part, varied: bool = False) -> Examples:
        if name in FUSIONS and not self._branches_change(name):
            return self._branch_outputs(part).examples(name, self._beats_of(part)[1])
        return beat_examples(name, *self._beats_of(part), self.picture, varied)

    def _branch_outputs(self, part: Part) -> BranchOutputs:
        """Both trained branches on one part of the beats, evaluated once and kept in a file."""
        if part not in self._outputs:
            path = self.folder / f"branch_outputs-{part}-{identity_key(self._branch_digests())}.safetensors"
            if not path.is_file():
                models = {name: self.model(name) for name in BRANCHES}
                outputs = evaluate_branches(models, *self._beats_of(part), self.picture)
                for outdated in self.folder.glob(f"branch_outputs-{part}-*.safetensors"):
                    outdated.unlink()
                outputs.save(path)
                # from here on they are read from the file, as needed
                del outputs
            self._outputs[part] = BranchOutputs.load(path, self.device)
        return self._outputs[part]
