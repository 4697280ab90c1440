"""Timing two things in turn, peak memory of a fresh interpreter, and the table that the results go to."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from ecglib import files
from ecglib.data import synthetic
from ecglib.data.sources import beat_table
from ecglib.data.table import Beats
from ecglib.files import replacing
from ecglib.names import EcglibError
from ecglib.runs import hardware

CHECKOUT = Path(__file__).resolve().parents[1]
# Linux keeps the largest memory of the program that forked in a child's ru_maxrss, so that a child of this
# process would seem to need all that this process has; VmHWM is the child's own.
PEAK_MEMORY = """
def peak_memory():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource, sys
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured; the defaults take about six minutes on two cores.

    A baseline that draws its pictures one by one gets fewer beats, where the row is by beat.
    """

    repetitions: int = 7
    slow_repetitions: int = 3
    pictures: int = 1024
    baseline_pictures: int = 32
    cnn2d_beats: int = 320
    fusion_beats: int = 2560
    baseline_fusion_beats: int = 80
    fusion_epochs: int = 10
    # so many that what comes once an epoch counts as little as in a whole one
    steps: int = 64
    steps_of_64: int = 24
    matrix: int = 1024
    matrix_products: int = 10
    inference_beats: int = 1024
    # models of the 1D and of the 2D branch
    together: tuple[int, int] = (10, 3)
    steps_together: int = 6
    csv_rows: int = 109_446
    build_from_records: bool = True
    # where there are no real beats to train on
    memory_beats: int = 109_446
    memory_steps: int = 32
    notebooks: bool = True


QUICK = Sizes(
    repetitions=2,
    slow_repetitions=1,
    pictures=64,
    baseline_pictures=2,
    cnn2d_beats=40,
    fusion_beats=200,
    baseline_fusion_beats=20,
    fusion_epochs=3,
    steps=2,
    steps_of_64=2,
    matrix=256,
    matrix_products=2,
    inference_beats=64,
    together=(2, 2),
    steps_together=1,
    csv_rows=2000,
    build_from_records=False,
    memory_beats=400,
    memory_steps=2,
    notebooks=False,
)


@dataclass(frozen=True)
class Target:
    """What a row should reach.

    Attributes
    ----------
    bound : float
    at_most : bool
        Whether less is better.
    of : {"ratio", "ours"}
        The column that `bound` is for.
    """

    bound: float
    at_most: bool = False
    of: Literal["ratio", "ours"] = "ratio"


@dataclass(frozen=True)
class Row:
    """One measurement; `baseline` and `ours` are medians in `unit`."""

    what: str
    baseline: float
    ours: float
    unit: str
    ratio: float
    target: Target
    repetitions: int

    @property
    def reached(self) -> bool:
        value = getattr(self, self.target.of)
        return value <= self.target.bound if self.target.at_most else value >= self.target.bound


def seconds_of(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    gc.collect()
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def interleaved(baseline: Callable[[], float], ours: Callable[[], float], repetitions: int) -> tuple[float, float]:
    """Measure both in turn, so that what else the machine does slows both; the medians of what they return."""
    values: tuple[list[float], list[float]] = ([], [])
    for _ in range(repetitions):
        values[0].append(baseline())
        values[1].append(ours())
    return statistics.median(values[0]), statistics.median(values[1])


def interpreter(*arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Run a fresh interpreter from the checkout with as many threads as here; what it printed.

    Parameters
    ----------
    *arguments : str
        Of the interpreter.
    variables : mapping of str to str, optional
        Environment variables to add to the present ones.
    """
    threads = str(torch.get_num_threads())
    environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} | dict(variables or {})
    done = subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise EcglibError(f"{Path(sys.executable).name} {arguments[0]}: {lines[-1]}")
    return done.stdout


def added_memory(imports: str, work: str) -> float:
    """By how many MiB `work` raises a fresh interpreter's peak memory above that with `imports` alone."""
    empty, peak = (
        int(interpreter("-c", f"{PEAK_MEMORY}\n{imports}\n{statement}\nprint(peak_memory())"))
        for statement in ("", work)
    )
    # work that fits into what the imports left free adds nothing, of which there is no ratio: a page, then
    return max(peak - empty, 4096) / 2**20


def load_beats(quick: bool) -> Beats:
    """Real MIT-BIH beats where they are on the machine, invented ones elsewhere; a speed depends on neither."""
    if not quick and (files.raw_data() or (files.tables() / "mitbih-physionet.parquet").is_file()):
        return beat_table("mitbih", "physionet")
    return synthetic.build("mitbih", 400 if quick else 4000)


def resample(beats: Beats, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Beats drawn with replacement and a little noise, as many as are asked for.

    Returns
    -------
    signal : ndarray of float32, shape (count, 187)
    label : ndarray of int64, shape (count,)
    """
    generator = np.random.default_rng(seed)
    rows = generator.integers(len(beats), size=count)
    signal = np.empty((count, beats.signal.shape[1]), dtype=np.float32)
    # in blocks, so that little but the beats themselves is in memory
    for start in range(0, count, 4096):
        block = signal[start : start + 4096]
        generator.standard_normal(out=block, dtype=np.float32)
        block *= 0.01
        block += beats.signal[rows[start : start + 4096]]
        np.clip(block, 0, 1, out=block)
    return signal, beats.label[rows]


def conditions(beats: Beats) -> str:
    """Machine, software and beats in one line."""
    kind = "invented beats" if beats.metadata.is_synthetic else "real MIT-BIH beats"
    return f"{hardware()}; torch {torch.__version__}; {kind}"


def as_frame(rows: list[Row]) -> pd.DataFrame:
    """The table: one row a measurement, numbers unrounded."""
    return pd.DataFrame(
        {
            "what": row.what,
            "baseline": row.baseline,
            "ours": row.ours,
            "unit": row.unit,
            "ratio": row.ratio,
            "target": f"{row.target.of} {'<=' if row.target.at_most else '>='} {row.target.bound:g}",
            "reached": "yes" if row.reached else "no",
            "repetitions": row.repetitions,
        }
        for row in rows
    )


def as_text(frame: pd.DataFrame) -> str:
    """The table for readers, three digits a number."""
    numbers = frame.select_dtypes("float")
    shown = frame.assign(**{name: [_digits(value) for value in numbers[name]] for name in numbers})
    return shown.to_markdown(index=False, disable_numparse=True)


def publish(frame: pd.DataFrame, first_line: str, name: str) -> list[Path]:
    """Write ``figures/benchmarks/<name>`` (.csv, .md); the first line says what it was measured on."""
    folder = files.figures("benchmarks")
    texts = {
        folder / f"{name}.csv": f"# {first_line}\n{frame.to_csv(index=False)}",
        folder / f"{name}.md": f"{first_line}\n\n{as_text(frame)}\n",
    }
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(texts)


def _digits(value: float) -> str:
    """Three significant digits, without an exponent where the number is of everyday size."""
    if not 1e-6 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}"
