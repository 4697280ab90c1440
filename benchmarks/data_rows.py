"""What is measured of the data side: reading the Kaggle files, building from raw records, importing."""

from __future__ import annotations

import hashlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Row, Sizes, Target, added_memory, interleaved, interpreter, resample, seconds_of
from ecglib import files
from ecglib.data import kaggle, mitbih
from ecglib.data.table import Beats

CSV_NAMES = ("mitbih_train.csv", "mitbih_test.csv")
# as the Kaggle files: 87,554 of 109,446 rows
_TRAINING_SHARE = 0.8
# so many rows are turned into text; files of more repeat them
_DISTINCT_ROWS = 2000


def kaggle_csv(beats: Beats, sizes: Sizes) -> list[Row]:
    """The Kaggle CSV files to a beat table, against reading their numbers with pandas: time and memory.

    Ours hashes too, and parses with Arrow's threads; pandas does all in one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_csv(beats, sizes.csv_rows, folder)
        paths = [str(folder / file) for file in CSV_NAMES]
        megabytes = sum(Path(file).stat().st_size for file in paths) / 1e6
        plain_s, ours_s = interleaved(
            lambda: seconds_of(lambda: [pd.read_csv(file, header=None) for file in paths]),
            lambda: seconds_of(lambda: kaggle.build("mitbih", folder, subset=True)),
            sizes.slow_repetitions,
        )
        plain_mib, ours_mib = interleaved(
            lambda: added_memory("import pandas as pd", f"kept = [pd.read_csv(file, header=None) for file in {paths}]"),
            lambda: added_memory(
                "from ecglib.data import kaggle", f"kept = kaggle.build('mitbih', {name!r}, subset=True)"
            ),
            sizes.slow_repetitions,
        )
    extent = f"({sizes.csv_rows:,} rows, {megabytes:.0f} MB)"
    repetitions = sizes.slow_repetitions
    return [
        Row(f"Kaggle CSV to beat table {extent}", plain_s, ours_s, "s", plain_s / ours_s, Target(5), repetitions),
        Row(
            f"Kaggle CSV to beat table, peak memory above the imports' {extent}",
            plain_mib,
            ours_mib,
            "MiB",
            plain_mib / ours_mib,
            Target(4),
            repetitions,
        ),
    ]


def raw_records(beats: Beats, sizes: Sizes) -> list[Row]:
    """The 48 MIT-BIH records to a beat table, against reading and checking their files; where they are at hand."""
    folder = files.raw_data()
    if folder is None or not sizes.build_from_records:
        return []
    paths = [folder / "mitdb" / name for name in mitbih.published_sums()]
    with tempfile.TemporaryDirectory() as name:
        command = ["-m", "ecglib.cli", "data", "build", "mitbih", "--source", "physionet", "--out", f"{name}/b.parquet"]
        floor_s, ours_s = interleaved(
            lambda: seconds_of(lambda: [hashlib.sha256(file.read_bytes()).digest() for file in paths]),
            lambda: seconds_of(lambda: interpreter(*command)),
            sizes.slow_repetitions,
        )
    what = "raw MIT-BIH to beat table, command line (baseline: SHA-256 of its files)"
    target = Target(5, at_most=True, of="ours")
    return [Row(what, floor_s, ours_s, "s", ours_s / floor_s, target, sizes.slow_repetitions)]


def importing(beats: Beats, sizes: Sizes) -> list[Row]:
    """``import ecglib`` in a fresh interpreter."""
    empty_s, ours_s = interleaved(
        lambda: seconds_of(lambda: interpreter("-c", "")),
        lambda: seconds_of(lambda: interpreter("-c", "import ecglib")),
        sizes.repetitions,
    )
    what = "fresh interpreter with import ecglib (baseline: without)"
    return [Row(what, empty_s, ours_s, "s", ours_s / empty_s, Target(0.3, at_most=True, of="ours"), sizes.repetitions)]


def write_csv(beats: Beats, count: int, folder: Path) -> None:
    """Beats as the two Kaggle files, in their format: no header, 188 numbers a row, 19 digits each."""
    signal, label = resample(beats, min(count, _DISTINCT_ROWS))
    text = io.StringIO()
    np.savetxt(text, np.column_stack([signal, label]), fmt="%.18e", delimiter=",")
    lines = text.getvalue().splitlines(keepends=True)
    training = round(_TRAINING_SHARE * count)
    for name, rows in zip(CSV_NAMES, (training, count - training), strict=True):
        whole, rest = divmod(rows, len(lines))
        with (folder / name).open("w") as file:
            for _ in range(whole):
                file.writelines(lines)
            file.writelines(lines[:rest])
