"""The trained models of this repository as modules from beats to probabilities; no record is needed for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ecglib import files
from ecglib.data.table import BEAT_LENGTH
from ecglib.designs import design_of
from ecglib.models.fusion import Hybrid
from ecglib.models.pictures import PICTURES, PictureRule
from ecglib.names import BRANCHES, DATASETS, FUSIONS, MODEL_TITLES, Dataset, EcglibError, ModelName
from ecglib.parameters import Parameters, load_parameters, parse_setting, profile_names
from ecglib.predict import DEFAULT_MODEL
from ecglib.predict.in_context import InContext
from ecglib.runs import read_summary
from ecglib.training.checkpoints import weights_digest
from ecglib.training.loop import BLOCK, keep_freed_memory

# what splits are called in a model's name
_SPLITS = {"-split-patient": "-by-patient", "-split-kaggle": "-by-beat"}


class Pretrained(nn.Module):
    """A trained model from raw beats to probabilities of their classes.

    The probabilities are the softmax of the model's scores, which is what training compared with the labels. With the
    late fusion of the design `original` the scores are weighted sums of the branches' probabilities, not logits: the
    order of the classes is right, but the softmax of such sums is flatter than a probability ought to be. No model's
    probabilities are calibrated.

    Attributes
    ----------
    name : str
        As "reduced-by-patient:late".
    dataset : {"mitbih", "ptb", "ptbxl"}
        What it was trained on, by whose recipe beats must be cut (`ecglib.predict.beats`).
    class_names : tuple of str, length K
    title : str
        One line for readers.
    """

    def __init__(
        self,
        name: str,
        dataset: Dataset,
        class_names: tuple[str, ...],
        title: str,
        model: nn.Module,
        rule: PictureRule,
    ):
        super().__init__()
        self.name, self.dataset, self.class_names, self.title = name, dataset, class_names, title
        self.model, self._rule = model, rule
        self.eval()

    def forward(self, beats: Tensor) -> Tensor:
        """Beats (B, 187), each scaled to [0, 1] and padded with zeros, to probabilities (B, K)."""
        kind = self.name.partition(":")[2]
        inputs = [] if kind == "cnn2d" else [beats]
        if kind != "cnn_transformer":
            inputs.append(self._rule.draw(self._rule.keep(beats)))
        return self.model(*inputs)[0].softmax(dim=1)

    @torch.inference_mode()
    def probabilities(self, beats: np.ndarray) -> np.ndarray:
        """Classify any number of beats, block by block.

        Parameters
        ----------
        beats : ndarray of float32, shape (N, 187)

        Returns
        -------
        ndarray of float32, shape (N, K)

        Raises
        ------
        EcglibError
            `beats` has another shape.
        """
        beats = np.asarray(beats, dtype=np.float32)
        if beats.ndim != 2 or beats.shape[1] != BEAT_LENGTH:
            raise EcglibError(f"beats: have shape {beats.shape}, expected (beats, {BEAT_LENGTH})")
        keep_freed_memory()
        device = next(self.parameters()).device
        blocks = torch.from_numpy(beats).split(BLOCK.get(device.type, 32)) if len(beats) else ()
        found = [self(block.to(device)).cpu() for block in blocks]
        return torch.cat(found).numpy() if found else np.empty((0, len(self.class_names)), np.float32)


def pretrained_names() -> list[str]:
    """The default, and the runs in ``runs/`` that have weights, sorted.

    "best" stands for "best:late" and for all of its models; "reduced-seed-1" has a 2D branch alone.
    """
    return [InContext.name, *pretrained_folders()]


def load_pretrained(name: str = DEFAULT_MODEL) -> Pretrained | InContext:
    """A trained model, in evaluation mode, on the GPU where there is one.

    Parameters
    ----------
    name : str
        One of `pretrained_names`, which ``docs/models.md`` lists with their model cards, as "best" or "reduced"; maybe
        with a model after a colon: cnn_transformer, cnn2d, late (the default), concat, sum or weighted_sum. Those
        trained on MIT-BIH know the classes N, S, V, F and Q, and have seen other beats of the people that they were
        tested on; "reduced-by-patient" has not, and knows no Q. The models of PTB-XL tell records without a finding
        from those with a myocardial infarction. The default, "context", is our design for new people (N, S, V), a
        model of its own kind (`ecglib.predict.in_context`).

    Raises
    ------
    EcglibError
        There is no such model, or its files are damaged or belong to other code.

    Examples
    --------
    >>> load_pretrained("best:cnn2d").class_names  # doctest: +SKIP
    ('N', 'S', 'V', 'F', 'Q')
    """
    if name == InContext.name:
        return InContext()
    label, _, kind = name.partition(":")
    label, kind, folders = _name_of(label), kind or "late", pretrained_folders()
    if label not in folders:
        raise EcglibError(f"model {name!r}: unknown; there is {', '.join(pretrained_names())}")
    if kind not in MODEL_TITLES:
        raise EcglibError(f"model {name!r}: {kind!r} is none of {', '.join(MODEL_TITLES)}")
    folder, parameters = folders[label]
    dataset: Dataset = folder.name
    model, classes = _load(folder, parameters, kind)
    design = design_of(parameters)
    return Pretrained(
        name=f"{label}:{kind}",
        dataset=dataset,
        class_names=DATASETS[dataset].class_names[:classes],
        title=f"{design.model_title(kind)} of {label}, trained on {dataset}, {classes} classes",
        model=model,
        rule=PICTURES[parameters.picture or design.picture],
    ).to("cuda" if torch.cuda.is_available() else "cpu")


def pretrained_folders() -> dict[str, tuple[Path, Parameters]]:
    """Name to the folder of its models, and the parameters that they were trained with, sorted."""
    found = {}
    # those of the checkout, wherever new runs are written
    for weights in sorted((files.home() / "runs").glob("*/*/*/weights.safetensors")):
        folder, label = weights.parents[1], weights.parents[2].name
        parameters = _parameters_of(label)
        if parameters is None or folder.name not in DATASETS or parameters.source == "synthetic":
            continue
        # what is trained to answer a question is no model to be used, nor one that was shown a part of each row
        if parameters.questions or parameters.fusion_training != "frozen" or parameters.rows_show != "whole":
            continue
        several = f"-{folder.name}" if len(parameters.datasets) > 1 else ""
        found[_name_of(label) + several] = (folder, parameters)
    return dict(sorted(found.items()))


def _name_of(label: str) -> str:
    """A folder's name as it is called here: "reduced-split-patient" is "reduced-by-patient"."""
    for split, called in _SPLITS.items():
        label = label.replace(split, called)
    return label


def _parameters_of(label: str) -> Parameters | None:
    """What a folder's name says, as "reduced-split-patient", or None where it is none of a profile's."""
    profile, keys = label.partition("-")[0], "|".join(Parameters.model_fields)
    if profile not in profile_names():
        return None
    settings = re.findall(rf"-({keys})-(.+?)(?=-(?:{keys})-|$)", label)
    try:
        parameters = load_parameters(profile, **dict(parse_setting(f"{key}={value}") for key, value in settings))
    except EcglibError:
        return None
    return parameters if parameters.label == label else None


def _load(folder: Path, parameters: Parameters, kind: ModelName) -> tuple[nn.Module, int]:
    """A model with its weights and its number of classes; of a fusion, the whole hybrid."""
    needed = (*BRANCHES, kind) if kind in FUSIONS else (kind,)
    parts = {name: _part(folder / name, parameters, name) for name in needed}
    module, identity, _ = parts[kind]
    if kind in FUSIONS:
        for branch, digest in identity.get("branches", {}).items():
            if parts[branch][2] != digest:
                raise EcglibError(f"{folder / kind}: was trained on another {branch} than the one beside it")
        module = Hybrid(parts["cnn_transformer"][0], parts["cnn2d"][0], module)
    return module, int(identity["config"]["classes"])


def _part(folder: Path, parameters: Parameters, name: ModelName) -> tuple[nn.Module, dict[str, Any], str]:
    """One network with its weights, what its run says of itself, and the digest of the weights."""
    if not (folder / "run.json").is_file() or not (folder / "weights.safetensors").is_file():
        raise EcglibError(f"{folder}: has no weights; choose another model")
    try:
        summary, _ = read_summary(folder)
        weights = load_file(folder / "weights.safetensors")
        identity, digest = summary["identity"], weights_digest(weights)
        module = design_of(parameters).new_model(name, identity["config"]["classes"], 0, parameters.slips)
        fits = module.config.model_dump(mode="json") == identity["config"]
        if fits and digest == summary["weights_sha256"]:
            module.load_state_dict(weights)
            return module, identity, digest
    except Exception as error:  # whatever is wrong with the two files, the remedy is the same
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise EcglibError(f"{folder}: damaged run ({reason}); get it from the repository again") from None
    raise EcglibError(f"{folder}: its weights or its configuration are others than this code's; get it again")
