"""One data set under one set of parameters: its beats, its models, their runs.

Everything expensive is a file under ``runs/``: a run that is there is loaded, one that was
interrupted goes on from its last epoch, any other is trained.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from ecglib import files
from ecglib.data.selection import Selection
from ecglib.data.splits import Split, class_weights
from ecglib.data.table import Beats
from ecglib.data.views import show
from ecglib.designs import Design, design_of
from ecglib.metrics import evaluate
from ecglib.models.fusion import Hybrid
from ecglib.models.pictures import SPECTROGRAM_VERSION
from ecglib.names import (
    BRANCHES,
    DATASETS,
    FUSIONS,
    MODEL_TITLES,
    Dataset,
    EcglibError,
    ModelName,
    Part,
    Picture,
    SplitKind,
)
from ecglib.parameters import Parameters, load_parameters
from ecglib.runs import Predictions, Run, hardware, identity_key, load_run, origin, save_run, set_aside
from ecglib.training.branches import BranchOutputs, evaluate_branches
from ecglib.training.checkpoints import weights_digest
from ecglib.training.examples import AUGMENTATION_VERSION, Examples, beat_examples
from ecglib.training.loop import TRAINING_VERSION, Trained, predict, train
from ecglib.training.optimizers import training_config
from ecglib.training.progress import epoch_progress


class Experiment:
    """The papers' models on one data set.

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
        self.folder = files.runs(parameters.label) / dataset
        if repetition:
            self.folder /= f"repetition-{repetition}"
        self.data = Selection(parameters, dataset)
        self._lender: Experiment | None = None
        self._runs: dict[ModelName, Run] = {}
        self._outputs: dict[Part, BranchOutputs] = {}

    # -- beats ----------------------------------------------------------------------------------------------

    @property
    def split_kind(self) -> SplitKind:
        """How training and test beats are kept apart."""
        return self.data.split_kind

    @property
    def beats(self) -> Beats:
        """What the split uses of the data set's table, with its training and test sides; maybe without signals."""
        return self.data.beats

    @property
    def split(self) -> Split:
        """Rows of `beats` to train on, to validate on, to test on."""
        return self.data.split

    @property
    def class_names(self) -> tuple[str, ...]:
        """The data set's classes in label order."""
        return self.beats.metadata.class_names

    def class_weights(self, name: ModelName) -> np.ndarray:
        """The classes' weights in a model's loss, shape (K,); ones where it has none."""
        if self.parameters.class_weighting == "none" or (name == "late" and not self.design.late_class_weights):
            return np.ones(len(self.class_names))
        return class_weights(self._with_validation(self.data.label_of, "train"), len(self.class_names))

    # -- the same beats under other parameters --------------------------------------------------------------

    def changed(self, repetition: int = 0, **parameters: Any) -> Experiment:
        """Another experiment on the same beats, some of its parameters changed; nothing is read or split twice."""
        other = Experiment(self.parameters.model_copy(update=parameters), self.dataset, repetition)
        other.data = self.data.under(other.parameters)
        return other

    def beside(self, profile: str) -> Experiment:
        """A profile on this data set; itself where it is that, or where its beats are invented: they stand alone."""
        if self.parameters.source == "synthetic" or (profile == self.parameters.label and not self.repetition):
            return self
        return Experiment(load_parameters(profile), self.dataset)

    def split_by(self, kind: SplitKind) -> Experiment:
        """This experiment under another split; itself where `kind` is its own."""
        if kind == self.split_kind:
            return self
        return self.changed(self.repetition, split=None if kind == DATASETS[self.dataset].split else kind)

    @cached_property
    def repetitions(self) -> tuple[Experiment, ...]:
        """This experiment and its repetitions under other seeds, as many as the parameters say."""
        return (self, *(self.changed(number) for number in range(1, self.parameters.repetitions)))

    def take_branches(self, other: Experiment) -> None:
        """Take over the branches that are the same in `other`, where they would be trained a second time."""
        for one, its in zip(self.repetitions, other.repetitions, strict=True):
            one._lender = its

    def owner(self, name: ModelName) -> Experiment:
        """The experiment whose run of a model this one's is: itself, or the one that a branch is taken from."""
        its = self._lender
        if its is None or name not in BRANCHES or its._identity(name) != self._identity(name):
            return self
        return its.owner(name)

    # -- models and runs ------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The data set's name for headings, and which part of it this is."""
        return f"{DATASETS[self.dataset].title}{f', {self.data.part}' if self.data.part else ''}"

    @property
    def design(self) -> Design:
        """The networks and the picture that the parameters name."""
        return design_of(self.parameters)

    @property
    def picture(self) -> Picture:
        """What the 2D branch sees."""
        return self.parameters.picture or self.design.picture

    @property
    def seed(self) -> int:
        """Of initial weights, order and dropout; the split's is the parameters' own."""
        return self.parameters.seed + self.repetition

    def starts_from_branches(self, name: ModelName) -> bool:
        """Whether a model's training starts from both trained branches: a fusion's, unless told otherwise."""
        return name in FUSIONS and self.parameters.fusion_training != "from_scratch"

    def run(self, name: ModelName) -> Run:
        """The run of one model: loaded if it is there, else trained and saved.

        A fusion trains its branches first where they are not there yet. While another process trains the same run,
        this one waits, and takes what the other one leaves.

        Raises
        ------
        EcglibError
            A finished run of other parameters or beats lies where this one belongs, and the environment variable
            ``ECGLIB_TRAIN`` is not "anew", by which the old run is kept aside; or the run is not there, and it is
            "never".
        """
        if not self.has(name):
            if (owner := self.owner(name)) is not self:
                return owner.run(name)
            if self.starts_from_branches(name):
                for branch in BRANCHES:
                    self.run(branch)
            with _alone(self.folder / name):
                if not self.has(name):
                    if not may_train():
                        raise EcglibError(f"{self.folder / name}: not there; make report PROFILE=... trains it")
                    self._make_room(name)
                    self._train(name)
        return self._runs[name]

    def runs(self, name: ModelName) -> list[Run]:
        """The runs of one model in all repetitions, this one's first."""
        return [one.run(name) for one in self.repetitions]

    def has(self, name: ModelName) -> bool:
        """Whether the run is there, and not that of other parameters or beats; nothing is trained."""
        if name not in MODEL_TITLES:
            raise EcglibError(f"model {name!r} is none of {', '.join(MODEL_TITLES)}")
        if self.starts_from_branches(name) and not all(self.has(branch) for branch in BRANCHES):
            # whose digests are part of a fusion's identity
            return False
        if name not in self._runs:
            if (owner := self.owner(name)) is not self:
                if owner.has(name):
                    self._runs[name] = owner.run(name)
                return name in self._runs
            run = load_run(self.folder / name)
            if run is not None and run.identity == self._identity(name):
                self._runs[name] = run
        return name in self._runs

    def untrained(self, name: ModelName) -> nn.Module:
        """The model of the parameters' design as training finds it."""
        return self.design.new_model(name, len(self.class_names), self.seed, self.parameters.slips)

    def model(self, name: ModelName) -> nn.Module:
        """The trained model in evaluation mode; for a fusion the `Hybrid` of both branches and it."""
        module = self._loaded(name)
        if name in FUSIONS and not isinstance(module, Hybrid):
            module = self._hybrid(module)
        return module.to(self.device).eval()

    def validation_scores(self, name: ModelName) -> np.ndarray:
        """Scores of the trained model on the validation beats, shape (V, K); a run keeps those of the test beats."""
        return predict(self._loaded(name).to(self.device), self._examples(name, "validation"))[0].cpu().numpy()

    def scores(self, name: ModelName, signal: np.ndarray) -> np.ndarray:
        """Scores of the trained model on any rows, float32 of shape (N, 187); shape (N, K)."""
        rows = torch.from_numpy(signal).to(self.device)
        label = torch.zeros(len(rows), dtype=torch.int64, device=self.device)
        return predict(self.model(name), beat_examples(name, rows, label, self.picture))[0].numpy(force=True)

    def derived(self, name: str, make: Callable[[], Mapping[str, np.ndarray]], *models: ModelName) -> dict[str, Any]:
        """Arrays that are made from signals or weights once, and kept, so that they can be shown where neither is.

        Parameters
        ----------
        name : str
            Of the file.
        make : callable
            Gives the arrays by name; called where they are not there yet, or are those of other beats or runs.
        models : str
            Those whose runs the arrays hang on, beside the beats.
        """
        depends = {"beats": self.beats.digest} | {model: self.run(model).weights_digest for model in models}
        path = self.folder / "derived" / f"{name}-{identity_key(depends)}.npz"
        content = files.read_sealed(path)
        if content is None:
            file = io.BytesIO()
            np.savez_compressed(file, **make())
            content = file.getvalue()
            files.write_sealed(path, content)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return dict(file)

    # -- training -------------------------------------------------------------------------------------------

    def _make_room(self, name: ModelName) -> None:
        """Refuse to train over a finished run, or keep it aside where that is asked for."""
        folder = self.folder / name
        old = load_run(folder)
        if old is None:
            return
        if os.environ.get("ECGLIB_TRAIN") != "anew":
            new = self._identity(name)
            differs = [key for key in sorted(old.identity.keys() | new.keys()) if old.identity.get(key) != new.get(key)]
            raise EcglibError(
                f"{folder}: holds a finished run that differs in {', '.join(differs)}; "
                "--retrain trains anew and keeps the old one aside"
            )
        print(f"{folder}: the finished run is kept as {set_aside(folder).name}", flush=True)

    def _train(self, name: ModelName) -> None:
        """Train, test and save one model."""
        config = training_config(name, self.parameters, self.dataset, self.seed)
        identity, model = self._identity(name), self._trained_module(name)
        started = time.perf_counter()
        augmented = self.parameters.augmentation and self._trains_branches(name)
        training, validation = self._examples(name, "train", augmented), self._examples(name, "validation")
        preparing_s = time.perf_counter() - started
        if name in FUSIONS and not self._branches_change(name):
            # the outputs may come from a file by now; what counts is what it took to compute them
            preparing_s = sum(self._branch_outputs(part).seconds for part in ("train", "validation"))
        options = {}
        if self.parameters.reported_epochs is not None:
            options = {"test": self._examples(name, "test"), "reported_epochs": self.parameters.reported_epochs}
        checkpoint = self.folder / name / f"checkpoint-{identity_key(identity)}.pt"
        title = f"{self.parameters.label} ({self.dataset}), seed {self.seed}, {self.design.model_title(name)}"
        with epoch_progress(title, config.epochs) as on_epoch:
            trained = train(
                model, training, validation, config, self.class_weights(name), checkpoint, on_epoch, **options
            )
        self._runs[name] = self._test(name, identity, model, trained, preparing_s)
        save_run(self._runs[name], self.folder / name)
        for outdated in (self.folder / name).glob("checkpoint-*.pt"):
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
        if not self._branches_change(name):
            return module
        if not self._trains_branches(name):
            return self._hybrid(module, branches_in_training_mode=True)
        if not self.starts_from_branches(name):
            return Hybrid(*(self.untrained(branch) for branch in BRANCHES), module, branch_training={})
        # Adamax adds the decay to the gradient, and in it the small gradients of a trained branch would be lost
        slowly = {"rate_scale": self.parameters.branch_rate_factor, "weight_decay": 0.0}
        return self._hybrid(module, branch_training=slowly)

    def _hybrid(self, fusion: nn.Module, **options: Any) -> Hybrid:
        return Hybrid(self.model("cnn_transformer"), self.model("cnn2d"), fusion, **options)

    def _branches_change(self, name: ModelName) -> bool:
        """Whether training a fusion changes anything in the branches, so that they are a part of what it leaves."""
        slipped = "branches_in_training_mode" in self.parameters.slips
        return name in FUSIONS and (slipped or self._trains_branches(name))

    def _trains_branches(self, name: ModelName) -> bool:
        """Whether the model's training is one of a branch, or of a whole hybrid."""
        return name in BRANCHES or self.parameters.fusion_training != "frozen"

    def _identity(self, name: ModelName) -> dict[str, object]:
        """Everything that a run's result depends on, as JSON types; of a fusion, its branches must be there."""
        chosen = self.parameters
        identity = {
            "model": name,
            "config": self.design.config(name, len(self.class_names), chosen.slips).model_dump(mode="json"),
            "training": training_config(name, chosen, self.dataset, self.seed).model_dump(
                mode="json", exclude_none=True
            ),
            "training_set": chosen.training_set,
            "validation_fraction": chosen.validation_fraction,
            "split_seed": chosen.seed,
            "beats": self.beats.digest,
            "training_version": TRAINING_VERSION,
        }
        if self.split_kind != "kaggle":
            # the other kinds hang on subjects or folds, which the beats' digest does not hold
            identity["validation"] = hashlib.sha256(self.split.validation.astype(np.int64)).hexdigest()
        if chosen.rows_show != "whole":
            identity["rows_show"] = chosen.rows_show
        if chosen.augmentation and self._trains_branches(name):
            identity["augmentation"] = AUGMENTATION_VERSION
        if chosen.train_on_validation:
            identity["train_on_validation"] = True
        if chosen.class_weighting != "balanced":
            identity["class_weighting"] = chosen.class_weighting
        if chosen.reported_epochs is not None:
            # the weights do not hang on it, but the history has more columns
            identity["reported_epochs"] = chosen.reported_epochs
        from_scratch = name in FUSIONS and not self.starts_from_branches(name)
        sees_picture = name == "cnn2d" or from_scratch
        if sees_picture and self.picture in ("colour", "bordered"):
            identity["spectrogram_version"] = SPECTROGRAM_VERSION
        if sees_picture and self.picture != self.design.picture:
            identity["picture"] = self.picture
        if from_scratch:
            configs = {branch: self.design.config(branch, len(self.class_names), chosen.slips) for branch in BRANCHES}
            identity["branches"] = {branch: config.model_dump(mode="json") for branch, config in configs.items()}
        elif name in FUSIONS:
            identity["branches"] = {branch: self._runs[branch].weights_digest for branch in BRANCHES}
        if name in FUSIONS and self._trains_branches(name):
            identity["fusion_training"] = chosen.fusion_training
        elif self._branches_change(name):
            identity["branches_in_training_mode"] = True
        # as it reads back from run.json, with lists for tuples
        return json.loads(json.dumps(identity))

    def _beats_of(self, part: Part) -> tuple[Tensor, Tensor]:
        """Signals and labels of one part of the beats, on the device."""
        signal, label = (self._with_validation(of, part) for of in (self.data.signal_of, self.data.label_of))
        signal = show(self.parameters.rows_show, signal)
        return torch.from_numpy(signal).to(self.device), torch.from_numpy(label).to(self.device)

    def _with_validation(self, of: Callable[[Part], np.ndarray], part: Part) -> np.ndarray:
        """What `of` gives of a part; for training, of the validation beats too where the parameters say so."""
        if part == "train" and self.parameters.train_on_validation:
            return np.concatenate([of("train"), of("validation")])
        return of(part)

    def _examples(self, name: ModelName, part: Part, augmented: bool = False) -> Examples:
        if name in FUSIONS and not self._branches_change(name):
            return self._branch_outputs(part).examples(name, self._beats_of(part)[1])
        return beat_examples(name, *self._beats_of(part), self.picture, augmented)

    def _branch_outputs(self, part: Part) -> BranchOutputs:
        """Both trained branches on one part of the beats, evaluated once and kept in a file."""
        owners = {self.owner(branch) for branch in BRANCHES}
        if len(owners) == 1 and self not in owners:
            (its,) = owners
            if ("all_tokens" in its.parameters.slips) == ("all_tokens" in self.parameters.slips):
                return its._branch_outputs(part)
        if part not in self._outputs:
            depends: dict[str, object] = {branch: self.run(branch).weights_digest for branch in BRANCHES}
            depends["beats"] = self.beats.digest
            if "all_tokens" in self.parameters.slips:
                # more features by the same weights
                depends["all_tokens"] = True
            path = self.folder / f"branch_outputs-{part}-{identity_key(depends)}.safetensors"
            with _alone(self.folder / f"branch_outputs-{part}"):
                outputs = BranchOutputs.load(path, self.device)
                if outputs is None:
                    models = {name: self.model(name) for name in BRANCHES}
                    outputs = evaluate_branches(models, *self._beats_of(part), self.picture)
                    for outdated in self.folder.glob(f"branch_outputs-{part}-*.safetensors"):
                        outdated.unlink()
                    outputs.save(path)
                    # from here on they are read from the file, as needed
                    outputs = BranchOutputs.load(path, self.device)
            self._outputs[part] = outputs
        return self._outputs[part]


def may_train() -> bool:
    """Whether a run that is not there may be trained; not where the environment's ``ECGLIB_TRAIN`` is "never"."""
    return os.environ.get("ECGLIB_TRAIN") != "never"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; where another process holds it, say so and wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{folder}: another process makes it; waiting for it to end", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
