"""What is measured of making the report: memory of a training, a notebook, a report in which nothing changed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import CHECKOUT, PEAK_MEMORY, Row, Sizes, Target, interleaved, interpreter, seconds_of
from benchmarks.model_rows import branch_examples, rows_of
from ecglib import files
from ecglib.data.splits import class_weights
from ecglib.data.table import Beats
from ecglib.designs import DESIGNS
from ecglib.experiment import Experiment
from ecglib.names import BRANCHES, MODEL_TITLES, ModelName
from ecglib.parameters import load_parameters
from ecglib.training.loop import train
from ecglib.training.optimizers import training_config

# the lightest one: it needs no trained model
# The data sets of the demo, and hardly any work in their notebooks.
TINY = """\
profile: tiny
datasets: [mitbih, ptb]
source: synthetic
synthetic_beats: 200
training_set: all
threads: 1
cnn_transformer_epochs: 1
cnn2d_epochs: 1
fusion_epochs: 1
"""
# what `make report` runs
SNAKEMAKE = ["-m", "snakemake", "--quiet", "host", "rules"]
SNAKEMAKE += ["--rerun-triggers", "mtime", "params", "input", "--rerun-incomplete"]
_TRAINING = """
import json
from benchmarks.report_rows import train_some_steps
from ecglib.designs import DESIGNS
imports = peak_memory()
train_some_steps({name!r}, {synthetic_beats}, {steps}, {folder!r})
print(json.dumps([value / 2**20 for value in (imports, peak_memory())]))
"""


def training_memory(beats: Beats, sizes: Sizes) -> list[Row]:
    """Peak memory of a training on all of MIT-BIH's beats, the interpreter and its imports included."""
    synthetic_beats = sizes.memory_beats if beats.metadata.is_synthetic else None
    extent = (
        f"{synthetic_beats or len(beats):,} beats in memory: {sizes.memory_steps} steps, 1,024 beats validated, "
        "a checkpoint; no test (baseline: imports alone)"
    )
    rows = []
    for name in BRANCHES:
        with tempfile.TemporaryDirectory() as folder:
            work = {"name": name, "synthetic_beats": synthetic_beats, "steps": sizes.memory_steps, "folder": folder}
            printed = interpreter("-c", PEAK_MEMORY + _TRAINING.format(**work))
        imports, peak = json.loads(printed.splitlines()[-1])
        what = f"peak memory of training the {MODEL_TITLES[name]}, {extent}"
        rows.append(Row(what, imports, peak, "MiB", peak / imports, Target(1536, at_most=True, of="ours"), 1))
    return rows


def train_some_steps(name: ModelName, synthetic_beats: int | None, steps: int, folder: str) -> None:
    """Begin the training of profile ``full`` as an `Experiment` does, with all its beats; the epoch is cut short.

    Parameters
    ----------
    name : {"cnn_transformer", "cnn2d"}
    synthetic_beats : int or None
        So many invented beats; None for the real ones.
    steps : int
        Of the optimizer; each needs the memory that the one before needed.
    folder : str
        Where the checkpoint goes.
    """
    invented = {} if synthetic_beats is None else {"source": "synthetic", "synthetic_beats": synthetic_beats}
    parameters = load_parameters("full", **invented)
    experiment = Experiment(parameters, "mitbih")
    beats, split = experiment.beats, experiment.split
    training, validation = (
        branch_examples(name, beats.signal[rows], beats.label[rows]) for rows in (split.train, split.validation)
    )
    weights = class_weights(beats.label[split.train], len(experiment.class_names))
    config = training_config(name, parameters, "mitbih", parameters.seed).model_copy(update={"epochs": 1})
    train(
        DESIGNS["report"].new_model(name, len(weights), parameters.seed),
        rows_of(training, slice(steps * config.batch_size)),
        rows_of(validation, slice(1024)),
        config,
        weights,
        Path(folder) / "checkpoint.npz",
    )


def unchanged_report(beats: Beats, sizes: Sizes) -> list[Row]:
    """The report's workflow when everything is there already, in a checkout of its own with a tiny profile."""
    if not sizes.notebooks:
        return []
    with _tiny_checkout() as home:
        variables = {"ECGLIB_HOME": str(home), "ECGLIB_OUTPUT": str(home)}
        cores = str(min(os.cpu_count() or 1, 8))
        where = ["--snakefile", str(CHECKOUT / "Snakefile"), "--directory", str(home), "--cores", cores]

        def report() -> None:
            interpreter(*SNAKEMAKE, *where, "--config", "profile=tiny", variables=variables)

        report()
        executed = list((home / "runs").glob("*/notebooks/*.ipynb"))
        version_s, unchanged_s = interleaved(
            lambda: seconds_of(lambda: interpreter("-m", "snakemake", "--version")),
            lambda: seconds_of(report),
            sizes.slow_repetitions,
        )
    what = f"make report, nothing changed, {len(executed)} notebooks (baseline: snakemake --version)"
    target = Target(5, at_most=True, of="ours")
    return [Row(what, version_s, unchanged_s, "s", unchanged_s / version_s, target, sizes.slow_repetitions)]


@contextmanager
def _tiny_checkout() -> Iterator[Path]:
    """A folder with the notebooks and one profile, so that the real one's figures and runs stay as they are."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        shutil.copytree(files.notebooks(), home / "notebooks", ignore=shutil.ignore_patterns("*.ipynb", ".*"))
        (home / "params").mkdir()
        (home / "params" / "tiny.yaml").write_text(TINY)
        yield home
