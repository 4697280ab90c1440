"""A finished training run as files that everything later is made from.

A run's folder holds ``run.json`` (what was trained, on what, how long, with which result),
``weights.safetensors``, ``history.csv`` and ``predictions.parquet`` (the test set's scores).
Nothing in it is unpickled; ``run.json`` is written last, so a folder without it holds no finished run.
It has the SHA-256 of all of them, itself included, which are compared when the run is read.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file

from ecglib import files
from ecglib.files import replacing
from ecglib.metrics import Metrics, confusion_matrix, headline
from ecglib.names import HEADLINE_METRICS, EcglibError
from ecglib.training.checkpoints import weights_digest

_FILES = ("history.csv", "predictions.parquet")


@dataclass(frozen=True)
class Predictions:
    """A model's scores on test beats.

    Attributes
    ----------
    row : ndarray of int, shape (N,)
        The beat's row in the beat table.
    label : ndarray of int, shape (N,)
    scores : ndarray of float, shape (N, K)
        In half precision, a third of the size; the metrics are those of the values as they are here.
    """

    row: np.ndarray
    label: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Run:
    """What one training run left behind.

    Attributes
    ----------
    identity : dict
        Everything that the result depends on; two runs of one identity give one result.
    best_epoch : int
    train_s, test_s : float
        Wall-clock seconds of training with validation, and of classifying the test set.
    hardware : str
    metrics : Metrics
        On the test set.
    history : DataFrame
        One row an epoch, see `ecglib.training.checkpoints.Epoch`.
    weights : dict of str to Tensor, or None
        Of the best epoch; None where a run's results are kept without them.
    weights_digest : str
        Of the weights, see `ecglib.training.checkpoints.weights_digest`.
    predictions : Predictions
    origin : dict of str to str
        When and with what it was made, see `origin`; empty for runs from before that was written down.
    """

    identity: dict[str, Any]
    best_epoch: int
    train_s: float
    test_s: float
    hardware: str
    metrics: Metrics
    history: pd.DataFrame
    weights: dict[str, torch.Tensor] | None
    weights_digest: str
    predictions: Predictions
    origin: dict[str, str] = field(default_factory=dict)


def identity_key(identity: dict[str, Any]) -> str:
    """Eight characters that differ where identities differ."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def save_run(run: Run, folder: Path) -> None:
    """Write `run` to `folder`; each file is complete or absent."""
    summary = {
        "identity": run.identity,
        "best_epoch": run.best_epoch,
        "train_s": round(run.train_s, 2),
        "test_s": round(run.test_s, 2),
        "weights_sha256": run.weights_digest,
        "hardware": run.hardware,
        "software": f"torch {torch.__version__}, Python {platform.python_version()}",
        "origin": run.origin,
        "metrics": asdict(run.metrics),
    }
    scores = run.predictions.scores
    predictions = pa.table(
        {
            "row": pa.array(run.predictions.row.astype(np.int32)),
            "label": pa.array(run.predictions.label.astype(np.int8)),
            "scores": pa.FixedSizeListArray.from_arrays(pa.array(scores.ravel()), scores.shape[1]),
        }
    )
    (folder / "run.json").unlink(missing_ok=True)
    if run.weights is not None:
        with replacing(folder / "weights.safetensors") as path:
            save_file(run.weights, path)
    with replacing(folder / "history.csv") as path:
        run.history.to_csv(path, index=False)
    with replacing(folder / "predictions.parquet") as path:
        # these encodings save a third
        encodings = {"row": "DELTA_BINARY_PACKED", "scores.list.element": "BYTE_STREAM_SPLIT"}
        pq.write_table(
            predictions, path, compression="zstd", compression_level=19, use_dictionary=False, column_encoding=encodings
        )
    with replacing(folder / "run.json") as path:
        path.write_text(json.dumps(sealed(summary, folder), indent=1) + "\n")


def sealed(summary: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What goes into ``run.json``, with the SHA-256 of it and of the files beside it; the weights have their own."""
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _FILES}
    return summary | {"sha256": {"run.json": _digest(summary), **digests}}


def _digest(summary: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest()


def read_summary(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What ``run.json`` says, and the digests of the files beside it.

    Raises
    ------
    ValueError
        It is not what it was when it was written, or has no digests.
    """
    summary = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    digests = summary.pop("sha256", {})
    if digests.pop("run.json", None) != _digest(summary):
        raise ValueError("run.json was altered, or is from before runs had digests")
    return summary, digests


def _read(folder: Path, name: str, digests: dict[str, str]) -> io.BytesIO:
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != digests[name]:
        raise ValueError(f"{name} is not what run.json has the digest of")
    return io.BytesIO(content)


def load_run(folder: Path) -> Run | None:
    """The finished run in `folder`, or None where there is none.

    Raises
    ------
    EcglibError
        A file of the run is damaged or missing.
    """
    if not (folder / "run.json").is_file():
        return None
    try:
        summary, digests = read_summary(folder)
        predictions = pq.read_table(_read(folder, "predictions.parquet", digests))
        label = predictions["label"].to_numpy().astype(np.int64)
        metrics = Metrics(**summary["metrics"])
        weights, digest = None, summary["weights_sha256"]
        if (folder / "weights.safetensors").exists():
            weights = load_file(folder / "weights.safetensors")
        metrics.interval.update({name: tuple(bounds) for name, bounds in metrics.interval.items()})
        scores = predictions["scores"].combine_chunks().flatten().to_numpy().reshape(len(label), -1)
        _must_fit(metrics, label, scores)
        if weights is not None and weights_digest(weights) != digest:
            raise ValueError("weights.safetensors is not what run.json has the digest of")
        return Run(
            identity=summary["identity"],
            best_epoch=summary["best_epoch"],
            train_s=summary["train_s"],
            test_s=summary["test_s"],
            hardware=summary["hardware"],
            metrics=metrics,
            history=pd.read_csv(_read(folder, "history.csv", digests), float_precision="round_trip"),
            weights=weights,
            weights_digest=digest,
            predictions=Predictions(
                row=predictions["row"].to_numpy(),
                label=label,
                scores=scores,
            ),
            origin=summary.get("origin", {}),
        )
    except Exception as error:  # whatever is wrong with any of the four files, the remedy is the same
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise EcglibError(f"{folder}: damaged run ({reason}); delete the folder to train it again") from None


def _must_fit(metrics: Metrics, label: np.ndarray, scores: np.ndarray) -> None:
    """Refuse metrics that are not those of the predictions beside them."""
    confusion = confusion_matrix(label, scores.argmax(axis=1), scores.shape[1])
    found = headline(confusion)
    if confusion.tolist() != metrics.confusion or any(
        abs(getattr(metrics, name) - found[name]) > 1e-12 for name in HEADLINE_METRICS
    ):
        raise ValueError("the metrics of run.json are not those of predictions.parquet")


def set_aside(folder: Path) -> Path:
    """Rename a run's folder, so that another run can take its place; the new path is returned."""
    number = 1
    while (kept := folder.with_name(f"{folder.name}.kept-{number}")).exists():
        number += 1
    return folder.rename(kept)


def training_seconds(folder: Path) -> float:
    """Wall-clock seconds of all finished trainings below a folder."""
    return sum(json.loads(path.read_text())["train_s"] for path in folder.glob("**/run.json"))


def hardware() -> str:
    """The processor's name and the threads in use, or the GPU's name."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a processor without a model name
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"


def origin() -> dict[str, str]:
    """When and with what a run is made: date, commit of the checkout, versions, threads."""
    described = subprocess.run(
        ["git", "-C", str(files.home()), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        # an archive without its history has none
        "commit": described.stdout.strip() or "unknown",
        "numpy": np.__version__,
        "threads": str(torch.get_num_threads()),
    }
