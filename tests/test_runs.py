"""A run's files: what is read is what was written, and anything else is refused in one line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from ecglib.metrics import evaluate
from ecglib.names import EcglibError
from ecglib.runs import Predictions, Run, load_run, origin, save_run
from ecglib.training.checkpoints import weights_digest


def made_run(seed: int = 0) -> Run:
    random = np.random.default_rng(seed)
    label, scores = random.integers(2, size=40), random.random((40, 2)).astype(np.float16)
    weights = {"layer.weight": torch.tensor(random.random((3, 4))), "scale": torch.tensor(0.5)}
    return Run(
        identity={"model": "late", "beats": "1234"},
        best_epoch=1,
        train_s=1.0,
        test_s=0.1,
        hardware="a processor, 1 thread",
        metrics=evaluate(label, scores),
        history=pd.DataFrame({"epoch": [1, 2], "validation_accuracy": [0.75, 0.5], "cpu_seconds": [0.1, 0.2]}),
        weights=weights,
        weights_digest=weights_digest(weights),
        predictions=Predictions(np.arange(40), label, scores),
        origin=origin(),
    )


@pytest.fixture
def folder(tmp_path) -> Path:
    save_run(made_run(), tmp_path / "late")
    return tmp_path / "late"


def test_what_was_written_comes_back(folder):
    run, expected = load_run(folder), made_run()
    assert run.metrics == expected.metrics and run.identity == expected.identity
    assert run.history.equals(expected.history) and run.weights_digest == expected.weights_digest
    for name in ("row", "label", "scores"):
        np.testing.assert_array_equal(getattr(run.predictions, name), getattr(expected.predictions, name))


def test_it_says_with_what_it_was_made(folder):
    summary = json.loads((folder / "run.json").read_text())
    assert summary["origin"].keys() == {"date", "commit", "numpy", "threads"}
    assert summary["origin"]["threads"] == str(torch.get_num_threads())
    assert summary["software"].startswith(f"torch {torch.__version__}, Python 3.")


def summary_with(**changed: object):
    def change(folder: Path) -> None:
        summary = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(summary | changed, indent=1))

    return change


def metrics_with(**changed: object):
    def change(folder: Path) -> None:
        summary_with(metrics=json.loads((folder / "run.json").read_text())["metrics"] | changed)(folder)

    return change


def without_digests(folder: Path) -> None:
    summary = json.loads((folder / "run.json").read_text())
    del summary["sha256"]
    (folder / "run.json").write_text(json.dumps(summary))


def other_predictions(folder: Path) -> None:
    other = made_run(seed=1)
    # of the same metrics, as if the test beats were dealt anew
    same = made_run().predictions
    save_run(replace(other, metrics=made_run().metrics, predictions=replace(same, row=same.row[::-1])), folder / "x")
    shutil.copy(folder / "x" / "predictions.parquet", folder)


def one_score(folder: Path) -> None:
    table = pq.read_table(folder / "predictions.parquet")
    column = table["scores"].to_pylist()
    column[3] = [score * 0.99 for score in column[3]]
    pq.write_table(table.set_column(2, "scores", [column]), folder / "predictions.parquet")


def zeroed_layer(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    save_file(weights | {"layer.weight": weights["layer.weight"] * 0}, folder / "weights.safetensors")


def history(folder: Path) -> None:
    path = folder / "history.csv"
    path.write_text(path.read_text().replace("0.75", "0.95"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (metrics_with(mcc=0.999), "run.json was altered"),
        (metrics_with(interval={"mcc": [0.99, 0.999]}), "run.json was altered"),
        (summary_with(best_epoch=2), "run.json was altered"),
        (summary_with(weights_sha256="0" * 64), "run.json was altered"),
        (without_digests, "run.json was altered, or is from before runs had digests"),
        (other_predictions, "predictions.parquet is not what run.json has the digest of"),
        (one_score, "predictions.parquet is not what run.json has the digest of"),
        (history, "history.csv is not what run.json has the digest of"),
        (zeroed_layer, "weights.safetensors is not what run.json has the digest of"),
        (lambda folder: (folder / "run.json").write_bytes(b"\xff{"), "can't decode"),
        (lambda folder: (folder / "history.csv").unlink(), "No such file"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_was_altered_is_refused(folder, change, told):
    change(folder)
    with pytest.raises(EcglibError, match=r"late: damaged run \(.*; delete the folder to train it again") as caught:
        load_run(folder)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_of_results_alone_needs_no_weights(folder):
    (folder / "weights.safetensors").unlink()
    assert load_run(folder).weights is None
    one_score(folder)
    with pytest.raises(EcglibError, match=r"predictions\.parquet is not what"):
        load_run(folder)


def test_metrics_that_are_not_those_of_the_predictions_are_refused_with_right_digests_too(tmp_path):
    run = made_run()
    save_run(replace(run, metrics=replace(run.metrics, mcc=0.999)), tmp_path / "late")
    with pytest.raises(EcglibError, match=r"the metrics of run\.json are not those of predictions\.parquet"):
        load_run(tmp_path / "late")
