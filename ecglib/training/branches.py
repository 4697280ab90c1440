"""What both trained branches make of beats, computed once and kept in a file for the fusions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ecglib.files import replacing
from ecglib.names import BRANCHES, ModelName, Picture
from ecglib.training.checkpoints import weights_digest
from ecglib.training.examples import Examples, beat_examples
from ecglib.training.loop import predict


@dataclass(frozen=True)
class BranchOutputs:
    """What the frozen branches give for one part of the beats.

    Attributes
    ----------
    scores_1d, scores_2d : Tensor, shape (N, K)
    features_1d, features_2d : Tensor, shape (N, D)
        As many features as the branch's design has: in the report's 128 and 2304.
    seconds : float
        Wall-clock of evaluating both branches once, pictures included.
    """

    scores_1d: Tensor
    scores_2d: Tensor
    features_1d: Tensor
    features_2d: Tensor
    seconds: float

    def examples(self, name: ModelName, label: Tensor) -> Examples:
        """What the fusion of that name joins: scores (late) or features."""
        if name == "late":
            return Examples((self.scores_1d, self.scores_2d), label)
        return Examples((self.features_1d, self.features_2d), label)

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        tensors = {name: value for name, value in vars(self).items() if name != "seconds"}
        with replacing(path) as temporary:
            save_file(tensors, temporary, {"seconds": str(self.seconds), "sha256": weights_digest(tensors)})

    @classmethod
    def load(cls, path: Path, device: torch.device) -> BranchOutputs | None:
        """Read what `save` wrote, onto `device`; None where it is not there or damaged, which is told in a line."""
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                tensors, told = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
            if weights_digest(tensors) == told["sha256"]:
                tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
                return cls(**tensors, seconds=float(told["seconds"]))
        except (SafetensorError, KeyError, TypeError):
            pass  # no safetensors file any more, or one from before it had a digest
        print(f"{path}: damaged; it is made anew", flush=True)
        return None


def evaluate_branches(
    models: Mapping[ModelName, nn.Module], signal: Tensor, label: Tensor, picture: Picture
) -> BranchOutputs:
    """Both trained branches on the same beats; the other arguments are those of `beat_examples`."""
    started = time.perf_counter()
    tensors = {}
    for branch, suffix in zip(BRANCHES, ("1d", "2d"), strict=True):
        scores, features = predict(models[branch], beat_examples(branch, signal, label, picture))
        tensors |= {f"scores_{suffix}": scores.cpu(), f"features_{suffix}": features.cpu()}
    return BranchOutputs(**tensors, seconds=time.perf_counter() - started)
