"""Time and memory against the number of beats: does anything grow faster than the data?

Three works are measured: the data side in full (drawing the beats, Parquet there and back, split, tensors,
spectrogram cells), and one epoch of each branch. Every point has an interpreter of its own, because peak
memory never goes down again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.measure import PEAK_MEMORY, interpreter, publish, resample
from benchmarks.model_rows import branch_examples
from ecglib import files
from ecglib.data.splits import split_beats
from ecglib.data.table import Beats, read_beats, write_beats
from ecglib.figures.style import BLUE, GREEN, VERMILION, new_figure, save_figure, style
from ecglib.names import EcglibError

TRAINING_SIZES = (1_000, 3_000, 10_000)
LARGEST_TRAINING = 100_000
DATA_SIZES = (10_000, 100_000, 1_000_000)
TITLES = {"data": "data side", "cnn2d": "2D CNN, an epoch", "cnn_transformer": "1D CNN-Transformer, an epoch"}
BRANCHES = ("cnn2d", "cnn_transformer")
_COLOURS = {"data": GREEN, "cnn2d": VERMILION, "cnn_transformer": BLUE}
_PANELS = (("seconds", "seconds"), ("peak_mib", "added to peak memory, MiB"))
CAPTION = (
    "Data side: drawing the beats, Parquet written and read, split, tensors, spectrogram cells. "
    "Epoch: from beats in memory on, pictures included, at batch 16.\n"
    "Each point is one run in an interpreter of its own, after a run on few beats; slopes are exponents, "
    "fitted to all of a curve's points: 1 is proportional to the beats."
)
# beats are drawn from a few hundred: a speed does not depend on the values
FEW = 400
_POINT = """
import json, time
import torch
from benchmarks.growth import prepare
from benchmarks.measure import resample
from benchmarks.model_rows import train_epoch
from ecglib.data.splits import class_weights
from ecglib.data.table import read_beats
torch.set_num_threads({threads})
few = read_beats({few!r})
weights = class_weights(few.label, len(few.metadata.class_names))

def work(count):
    if {work!r} == "data":
        started = time.perf_counter()
        prepare(few, count)
        return time.perf_counter() - started
    signal, label = resample(few, count)
    started = time.perf_counter()
    train_epoch({work!r}, signal, label, weights, validation=16)
    return time.perf_counter() - started

# what is set up once is no growth; the data side needs so many for its split
work(len(few) if {work!r} == "data" else 16)
before = peak_memory()
seconds = work({beats})
print(json.dumps({{"seconds": seconds, "peak_mib": (peak_memory() - before) / 2**20}}))
"""


def prepare(few: Beats, count: int) -> None:
    """All of the data side at `count` beats, up to what both branches are trained, validated and tested on."""
    signal, label = resample(few, count)
    text = np.full(count, "100")
    split = np.where(np.arange(count) % 5 == 0, "test", "train")
    beats = Beats(signal, label, text, text, np.arange(count, dtype=np.int32), split, few.metadata)
    with tempfile.TemporaryDirectory() as folder:
        path = write_beats(beats, Path(folder) / "beats.parquet")
        # the table as it was made goes, as when it is made once and read later
        del signal, beats
        beats = read_beats(path)
    divided = split_beats(beats)
    for rows in (divided.train, divided.validation, divided.test):
        for name in BRANCHES:
            branch_examples(name, beats.signal[rows], beats.label[rows])


def few_of_each_class(beats: Beats, path: Path) -> Path:
    """Write about `FEW` beats, in which each class has as many as the others, or all that it has."""
    classes = len(beats.metadata.class_names)
    rows = [np.flatnonzero(beats.label == label)[: FEW // classes] for label in range(classes)]
    return write_beats(beats.take(np.concatenate(rows)), path)


def measure(work: str, beats: int, few: Path, threads: int) -> dict[str, float]:
    """Seconds that `work` takes on so many beats drawn from `few`, and the MiB that it adds to the peak memory."""
    code = _POINT.format(work=work, beats=beats, few=str(few), threads=threads)
    return json.loads(interpreter("-c", PEAK_MEMORY + code).splitlines()[-1])


def slope(beats: Sequence[float], values: Sequence[float]) -> float:
    """The exponent of the power law through the points, by least squares on logarithms: 1 is linear growth."""
    return float(np.polyfit(np.log(beats), np.log(values), 1)[0])


def run(
    beats: Beats, training_sizes: Sequence[int], data_sizes: Sequence[int], threads: int, first_line: str
) -> pd.DataFrame:
    """Measure everything at its sizes; writes ``figures/benchmarks/growth`` (.csv, .md, .png, .svg).

    Parameters
    ----------
    beats : Beats
        What the measured beats are drawn from.
    training_sizes, data_sizes : sequence of int
        Numbers of beats of an epoch, and of the data side.
    threads : int
        Of PyTorch.
    first_line : str
        What it is measured on.

    Raises
    ------
    EcglibError
        Fewer than two sizes, through which no slope goes, or one that is too small to be split.
    """
    for option, sizes in (("--sizes", training_sizes), ("--data-sizes", data_sizes)):
        if len(set(sizes)) < 2 or min(sizes) < 100:
            raise EcglibError(f"{option}: a slope needs two or more different numbers of beats, each 100 or above")
    sizes_of = {"data": data_sizes} | dict.fromkeys(BRANCHES, training_sizes)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        few = few_of_each_class(beats, Path(folder) / "few.parquet")
        for work, count in ((work, count) for work, sizes in sizes_of.items() for count in sorted(set(sizes))):
            rows.append({"work": work, "beats": count, **measure(work, count, few, threads)})
            taken = f"{rows[-1]['seconds']:.1f} s, {rows[-1]['peak_mib']:.0f} MiB"
            print(f"{TITLES[work]}, {count:,} beats: {taken}", flush=True)
    frame = pd.DataFrame(rows)
    publish(frame, first_line, "growth")
    save_figure(draw(frame, first_line), files.figures("benchmarks") / "growth")
    return frame


def draw(frame: pd.DataFrame, first_line: str) -> Figure:
    """Both quantities over the number of beats, on logarithmic axes, with fitted slopes.

    Parameters
    ----------
    frame : DataFrame
        Columns work, beats, seconds, peak_mib.
    first_line : str
        What it was measured on.
    """
    with style():
        figure = new_figure(9.6, 4.8, "Time and memory against the number of beats")
        figure.supxlabel(f"{CAPTION}\n{first_line}", x=0.01, ha="left", fontsize=8)
        for axes, (column, label) in zip(figure.subplots(1, 2), _PANELS, strict=True):
            for work, title in TITLES.items():
                points = frame[frame["work"] == work]
                # work that fits into memory already held adds none, and zero has no logarithm
                points = points[points[column] > 0]
                grows = f", slope {slope(points['beats'], points[column]):.2f}" if len(points) > 1 else ""
                axes.loglog(points["beats"], points[column], "o-", ms=5, color=_COLOURS[work], label=f"{title}{grows}")
            axes.set(xlabel="beats", ylabel=label)
            # both panels get the same room for their legends
            axes.set_ylim(top=30 * frame[column].max())
            axes.grid(True)
            axes.legend(loc="upper left")
    return figure
