"""What each step costs per record, and from which size Spark pays.

Steps are measured in processor seconds of one thread, which other work on the machine hardly changes; Spark
against the built-in reader by the clock, since waiting is what Spark is meant to shorten.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.growth import slope
from benchmarks.measure import interpreter, publish, resample
from benchmarks.model_rows import branch_examples, branch_scores, new_hybrid, train_epoch
from ecglib import files
from ecglib.data import ptbxl
from ecglib.data.splits import class_weights
from ecglib.data.table import Beats, read_beats, write_beats
from ecglib.metrics import evaluate
from ecglib.names import EcglibError

COPIES = (1, 10)
MASTER = "local[2]"
# records of PTB-XL, 10 s each; a step is measured at a quarter, half and all of so many
RECORDS = 400
_ARCHIVES = (10_000, 1_000_000)
_COPIED = """
import time; started = time.perf_counter()
import json, sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from ecglib.data import mitbih
from ecglib.data.spark import spread
master, folder, copies = {arguments!r}
with spread(master) if master else nullcontext(map) as over:
    began = time.perf_counter()
    names = mitbih.record_names() * copies
    beats = sum(len(label) for _, label, _ in over(partial(mitbih.record_beats, Path(folder)), names))
print(json.dumps({{"beats": beats, "start_s": began - started, "seconds": time.perf_counter() - started}}))
"""


def run(beats: Beats, copies: Sequence[int], master: str, first_line: str) -> None:
    """Measure both and write ``figures/benchmarks/scale`` and ``figures/benchmarks/spark`` (.csv, .md).

    Raises
    ------
    EcglibError
        ``ECGLIB_DATA`` is not set, `copies` are fewer than two, or Spark does not start.
    """
    folder = files.raw_data()
    if folder is None:
        raise EcglibError("scale: needs real records; set ECGLIB_DATA to a folder that holds mitdb and ptb-xl")
    if len(set(copies)) < 2:
        raise EcglibError("--copies: a slope needs two or more different numbers of copies")
    publish(steps(beats, folder / "ptb-xl"), f"{first_line}; one thread, processor seconds", "scale")
    table = engines(folder / "mitdb", sorted(set(copies)), master)
    publish(table, f"{first_line}; built-in reader against Spark, {master}; {paying(table)}", "spark")


def steps(beats: Beats, folder: Path) -> pd.DataFrame:
    """Processor seconds of each step per record, by a straight line through three sizes; and of two archives.

    Parameters
    ----------
    beats : Beats
        What the beats are drawn from.
    folder : Path
        PTB-XL, in its own layout.
    """
    tables = ptbxl.read_tables(folder)
    stems = [folder / name for name in tables.records["filename_hr"][ptbxl.classify(tables) >= 0][:RECORDS]]
    found = [read for stem in stems if not isinstance(read := ptbxl.read_record("neurokit", stem), str)]
    beats_per_record = sum(len(read.position) for read, _ in found) / len(stems)
    weights = class_weights(beats.label, len(beats.metadata.class_names))
    hybrid = new_hybrid(len(weights))

    def drawn(records: int) -> tuple[np.ndarray, np.ndarray]:
        return resample(beats, round(records * beats_per_record))

    def table(records: int) -> None:
        signal, label = drawn(records)
        text, count = np.full(len(label), "100"), len(label)
        made = Beats(
            signal, label, text, text, np.arange(count, dtype=np.int32), np.full(count, "train"), beats.metadata
        )
        with tempfile.TemporaryDirectory() as name:
            read_beats(write_beats(made, Path(name) / "beats.parquet"))

    def classify(records: int) -> None:
        branch_scores(hybrid, *(branch_examples(name, *drawn(records)) for name in ("cnn_transformer", "cnn2d")))

    def judge(records: int) -> None:
        _, label = drawn(records)
        evaluate(label, np.random.default_rng(0).random((len(label), len(weights)), dtype=np.float32))

    works: dict[str, tuple[Callable[[int], object], int]] = {
        "record to beats": (lambda records: [ptbxl.read_record("neurokit", stem) for stem in stems[:records]], 1),
        "table written and read": (table, 50),
        "one epoch of the 2D branch": (lambda records: train_epoch("cnn2d", *drawn(records), weights), 1),
        "one epoch of the 1D branch": (lambda records: train_epoch("cnn_transformer", *drawn(records), weights), 1),
        "scores of both branches": (classify, 1),
        "metrics with intervals": (judge, 50),
    }
    rows = []
    for step, (work, times) in works.items():
        sizes = [RECORDS * times // part for part in (4, 2, 1)]
        work(max(1, sizes[0] // 10))
        seconds = [_processor_seconds(work, records) for records in sizes]
        each, fixed = np.polyfit(sizes, seconds, 1)
        row = {"step": step, "records": f"{sizes[0]:,} to {sizes[-1]:,}", "seconds a record": each}
        row["exponent"] = slope(sizes, seconds)
        rows.append(row | {f"hours for {archive:,}": (fixed + each * archive) / 3600 for archive in _ARCHIVES})
        print(f"{step}: {each:.2g} s a record", flush=True)
    return pd.DataFrame(rows)


def _processor_seconds(work: Callable[[int], object], records: int) -> float:
    started = time.process_time()
    work(records)
    return time.process_time() - started


def engines(folder: Path, copies: Sequence[int], master: str) -> pd.DataFrame:
    """Seconds from the start of an interpreter until all beats of so many copies of MIT-BIH are here.

    Each point has an interpreter of its own. Copies are read from the same files.
    """
    rows = []
    for count in copies:
        row = {"copies": count, "records": 48 * count}
        for name, where in (("builtin", None), ("spark", master)):
            told = interpreter("-c", _COPIED.format(arguments=(where, str(folder), count)))
            point = json.loads(told.splitlines()[-1])
            row |= {"beats": point["beats"], f"{name}_s": point["seconds"], f"{name}_start_s": point["start_s"]}
        rows.append(row)
        print(f"{count} copies: built in {row['builtin_s']:.0f} s, Spark {row['spark_s']:.0f} s", flush=True)
    return pd.DataFrame(rows)


def paying(table: pd.DataFrame) -> str:
    """From how many records on Spark is the faster one, by straight lines through the points."""
    builtin, spark = (np.polyfit(table["records"], table[name], 1) for name in ("builtin_s", "spark_s"))
    if spark[0] >= builtin[0]:
        each = f"one record more takes the built-in reader {builtin[0]:.2g} s, Spark {spark[0]:.2g} s"
        return f"{each}: Spark pays at no size here"
    records = (spark[1] - builtin[1]) / (builtin[0] - spark[0])
    measured = "measured" if records <= table["records"].max() else "not measured, by the lines"
    return f"Spark pays from {records:,.0f} records of half an hour on ({measured})"
