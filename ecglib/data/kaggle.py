"""The Kaggle "ECG Heartbeat Categorization" files, as downloaded, zipped or not.

The files (Kachuee et al. 2018, doi 10.1109/ICHI.2018.00092; kaggle.com/datasets/shayanfazeli/heartbeat)
have no header row, and 188 columns: the 187 samples of a beat, then its label. They are read block by
block, so that a file's text is never in memory as a whole; the rows keep the order of the files.
"""

from __future__ import annotations

import hashlib
import math
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ecglib.data import mitbih, ptb
from ecglib.data.fixed_width import parse_fixed_width
from ecglib.data.splits import kaggle_split
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats
from ecglib.errors import EcglibError

RECIPE = "rows of the Kaggle CSV files as published, in file order; 187 samples each"
_COLUMNS = [f"column {number}" for number in range(1, BEAT_LENGTH + 2)]
# large enough that reading is not held up by Python, small enough to stay in a processor's cache
_BLOCK_BYTES = 4 << 20
_WORKERS = min(4, os.cpu_count() or 1)
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class _File:
    """One CSV file: the labels that its rows may have, and the split that its name stands for."""

    name: str
    labels: range
    split: str = ""


_FILES = {
    "mitbih": (
        _File("mitbih_train.csv", range(5), "train"),
        _File("mitbih_test.csv", range(5), "test"),
    ),
    "ptb": (_File("ptbdb_normal.csv", range(0, 1)), _File("ptbdb_abnormal.csv", range(1, 2))),
}
_CLASS_NAMES = {"mitbih": mitbih.CLASS_NAMES, "ptb": ptb.CLASS_NAMES}
_RATE_HZ = {"mitbih": mitbih.RATE_HZ, "ptb": ptb.RATE_HZ}


def build(dataset: Literal["mitbih", "ptb"], folder: str | Path) -> Beats:
    """Read the two Kaggle files of a data set.

    PTB has no test file. As in Vindas et al. (2022, PMLR 182:270-296), each class is shuffled with
    seed 42 and its first 80 % are the training beats: 3,237 + 8,405 = 11,642 train and
    809 + 2,101 = 2,910 test. Which function shuffled is not published, so that this split (NumPy's
    ``RandomState(42).permutation``) has the original's sizes but maybe not its members.

    Duplicate rows are kept, as they are in the published files; ``made_from["duplicate_rows"]`` of
    the metadata says how many rows equal an earlier one.

    Parameters
    ----------
    dataset : {"mitbih", "ptb"}
    folder : path
        Holds the two CSV files, each plain, zipped on its own, or in any .zip; or is such a .zip.

    Returns
    -------
    Beats
        ``record`` and ``subject`` are "" and ``sample`` is -1: the files do not say.

    Raises
    ------
    EcglibError
        A file is missing, empty or a damaged zip; or a row has another number of columns, an empty
        cell, something that is no number, a sample outside [0, 1], or a label that the file cannot have.
    """
    folder = Path(folder)
    if dataset not in _FILES:
        raise EcglibError(f"dataset: {dataset!r} is none of {', '.join(_FILES)}")
    rows = _Rows()
    counts, made_from = [], {}
    for file in _FILES[dataset]:
        before = rows.count
        made_from[file.name] = _read(file, folder, rows)
        counts.append(rows.count - before)
    label = np.concatenate(rows.labels)
    made_from["duplicate_rows"] = str(_duplicates(rows.signal, label))
    splits = [
        np.full(count, file.split) if file.split else kaggle_split(np.zeros(count, dtype=np.int64))
        for file, count in zip(_FILES[dataset], counts, strict=True)
    ]
    return Beats(
        signal=rows.signal,
        label=label,
        record=np.full(rows.count, ""),
        subject=np.full(rows.count, ""),
        sample=np.full(rows.count, -1, dtype=np.int32),
        split=np.concatenate(splits),
        metadata=BeatMetadata(
            dataset=dataset,
            source="kaggle",
            class_names=_CLASS_NAMES[dataset],
            rate_hz=_RATE_HZ[dataset],
            recipe=RECIPE,
            made_from=made_from,
        ),
    )


class _Rows:
    """The rows read so far.

    Attributes
    ----------
    signal : ndarray of float32, shape (count, 187)
    labels : list of ndarray of int64
        One array a block.
    """

    def __init__(self) -> None:
        self.signal = np.empty((0, BEAT_LENGTH), dtype=np.float32)
        self.labels: list[np.ndarray] = []

    @property
    def count(self) -> int:
        return len(self.signal)

    def add(self, values: np.ndarray) -> None:
        """Append rows; `values` is a float32 array of shape (n, 188)."""
        start = self.count
        # grows in place where the operating system can, so that the beats are never there twice
        self.signal.resize((start + len(values), BEAT_LENGTH), refcheck=False)
        self.signal[start:] = values[:, :-1]
        self.labels.append(values[:, -1].astype(np.int64))


def _duplicates(signal: np.ndarray, label: np.ndarray) -> int:
    """How many rows equal an earlier one in signal and label."""
    # a 64-bit sum with random odd weights: equal for equal rows, and for others with a chance of 2 ** -64
    weights = np.random.default_rng(0).integers(1 << 63, size=BEAT_LENGTH, dtype=np.uint64) << np.uint64(1) | np.uint64(
        1
    )
    key = label.astype(np.uint64)
    for rows in np.array_split(np.arange(len(signal)), max(1, len(signal) // 100)):
        key[rows] += (signal[rows].view(np.uint32) * weights).sum(axis=1)
    return len(key) - len(np.unique(key))


def _read(file: _File, folder: Path, rows: _Rows) -> str:
    """Append the rows of one file to `rows`; the SHA-256 of its CSV content."""
    digest = hashlib.sha256()
    before = rows.count
    with _opened(file.name, folder) as (stream, shown), ThreadPoolExecutor(_WORKERS) as pool:
        # the next blocks are read, unzipped and parsed while a parsed one is stored
        pending: deque = deque()
        for block, first_row in _blocks(stream, shown, digest):
            pending.append(pool.submit(_parse, block, first_row, file, shown))
            if len(pending) > _WORKERS:
                rows.add(pending.popleft().result())
        while pending:
            rows.add(pending.popleft().result())
    if rows.count == before:
        raise EcglibError(f"{shown}: has no rows; download it again")
    return digest.hexdigest()


def _blocks(stream: BinaryIO, shown: str, digest: hashlib._Hash) -> Iterator[tuple[bytes, int]]:
    """Blocks of whole lines, each with the 1-based number of its first line; `digest` sees every byte."""
    first_row, carry = 1, b""
    try:
        while chunk := stream.read(_BLOCK_BYTES):
            digest.update(chunk)
            end = chunk.rfind(b"\n") + 1
            if not end and len(carry) + len(chunk) > _BLOCK_BYTES:
                raise EcglibError(f"{shown}: row {first_row} does not end; not a CSV file, download it again")
            if not end:
                carry += chunk
                continue
            block, carry = carry + chunk[:end], chunk[end:]
            yield block, first_row
            first_row += block.count(b"\n")
    except _ZIP_FAULTS as error:
        raise _damaged(shown, error) from None
    except OSError as error:
        raise EcglibError(f"{shown}: cannot be read ({error.strerror or error}); check the file") from None
    if carry:
        yield carry, first_row


def _parse(block: bytes, first_row: int, file: _File, shown: str) -> np.ndarray:
    """The rows of a block of text as a float32 array of shape (n, 188)."""
    if not block.strip():
        return np.empty((0, len(_COLUMNS)), dtype=np.float32)
    values = parse_fixed_width(block, len(_COLUMNS))
    if values is None:
        values = _parse_any(block, first_row, file, shown)
    signal, label = values[:, :-1], values[:, -1]
    # written so that NaN fails too
    if not (signal.min() >= 0 and signal.max() <= 1 and np.isin(label, file.labels).all()):
        raise _row_error(block, first_row, file, shown)
    return values


def _parse_any(block: bytes, first_row: int, file: _File, shown: str) -> np.ndarray:
    """As `_parse`, however the numbers are printed."""
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            read_options=pa.csv.ReadOptions(column_names=_COLUMNS, block_size=len(block), use_threads=False),
            parse_options=pa.csv.ParseOptions(quote_char=False),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(_COLUMNS, pa.float32()), null_values=[]),
        )
    except pa.ArrowInvalid:
        raise _row_error(block, first_row, file, shown) from None
    values = np.empty((table.num_rows, len(_COLUMNS)), dtype=np.float32)
    for number, column in enumerate(table.columns):
        values[:, number] = column.to_numpy()
    return values


def _row_error(block: bytes, first_row: int, file: _File, shown: str) -> EcglibError:
    """What is wrong with the first row at fault of a block that was refused."""
    lines = block.splitlines()
    for row, line in enumerate(lines, first_row):
        fault = _fault(line, file.labels) if line.strip() else None
        if fault:
            return EcglibError(f"{shown}: row {row} {fault}; download the file again")
    last_row = first_row + len(lines) - 1
    return EcglibError(f"{shown}: rows {first_row} to {last_row} are not all 32-bit numbers; download the file again")


def _fault(line: bytes, labels: range) -> str | None:
    cells = line.split(b",")
    if len(cells) != len(_COLUMNS):
        return f"has {len(cells)} columns, expected {len(_COLUMNS)}"
    for name, cell in zip(_COLUMNS, cells, strict=True):
        text = cell[:24].decode("ascii", "replace").strip()
        if not text:
            return f"has an empty cell in {name}"
        try:
            value = float(cell)
        except ValueError:
            return f"has {text!r} in {name}, which is not a number"
        if name == _COLUMNS[-1]:
            allowed = " or ".join(str(label) for label in labels)
            return None if value in labels else f"has label {text}, expected {allowed}"
        if math.isnan(value):
            return f"has NaN in {name}"
        if not 0 <= value <= 1:
            return f"has {text} in {name}, outside [0, 1]"
    return None


@contextmanager
def _opened(name: str, folder: Path) -> Iterator[tuple[BinaryIO, str]]:
    """The content of a CSV file, plain or out of a zip, and how to name it in a message."""
    plain = folder / name
    if plain.is_file():
        try:
            stream = plain.open("rb")
        except OSError as error:
            raise EcglibError(f"{plain}: cannot be read ({error.strerror}); check its permissions") from None
        with stream:
            yield stream, str(plain)
        return
    archives = [folder] if folder.is_file() else sorted(folder.glob("*.zip"))
    damaged = None
    # a file's own zip goes before an archive of all of them
    for path in sorted(archives, key=lambda path: path.name != f"{name}.zip"):
        try:
            archive = zipfile.ZipFile(path)
        except (*_ZIP_FAULTS, OSError) as error:
            # some other zip of the folder may still hold the file
            damaged = damaged or _damaged(str(path), error)
            continue
        with archive:
            member = next((member for member in archive.namelist() if member.rpartition("/")[2] == name), None)
            if member is None:
                continue
            shown = f"{path}/{member}"
            try:
                stream = archive.open(member)
            except _ZIP_FAULTS as error:
                raise _damaged(shown, error) from None
            with stream:
                yield stream, shown
            return
    if damaged:
        raise damaged
    raise EcglibError(
        f"{folder}: neither {name} nor a .zip that holds it; download it from Kaggle, which needs a login "
        "(mitbih is free with --source physionet)"
    )


def _damaged(shown: str, error: Exception) -> EcglibError:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return EcglibError(f"{shown}: damaged zip file ({reason}); download it again")
