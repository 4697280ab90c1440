"""The Kaggle "ECG Heartbeat Categorization" files, as downloaded, zipped or not.

The files (Kachuee et al. 2018, doi 10.1109/ICHI.2018.00092; kaggle.com/datasets/shayanfazeli/heartbeat)
have no header row, and 188 columns: the 187 samples of a beat, then its label. They are read block by
block, so that a file's text is never in memory as a whole; the rows keep the order of the files.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv

from ecglib.data import mitbih, ptb
from ecglib.data.cut import Over
from ecglib.data.splits import kaggle_split
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats
from ecglib.names import DATASETS, EcglibError

RECIPE = "rows of the Kaggle CSV files as published, in file order; 187 samples each"
_COLUMNS = [f"column {number}" for number in range(1, BEAT_LENGTH + 2)]
# Arrow reads some tens of blocks ahead
_BLOCK_BYTES = 1 << 20
_LONGEST_ROW_BYTES = 1 << 16
# of a file that is read in pieces; some 3,400 rows
_PIECE_BYTES = 1 << 24
# of so many genuine rows, never do all begin with exactly 0 or 1: half of them do
_ROWS_TO_JUDGE_BY = 20
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class _File:
    """One CSV file: its rows as published, the labels they may have, and the split that its name stands for."""

    name: str
    rows: int
    labels: range
    split: str = ""


_FILES = {
    "mitbih": (
        _File("mitbih_train.csv", 87_554, range(5), "train"),
        _File("mitbih_test.csv", 21_892, range(5), "test"),
    ),
    "ptb": (_File("ptbdb_normal.csv", 4_046, range(0, 1)), _File("ptbdb_abnormal.csv", 10_506, range(1, 2))),
}
_RATE_HZ = {"mitbih": mitbih.RATE_HZ, "ptb": ptb.RATE_HZ}


def build(
    dataset: Literal["mitbih", "ptb"], folder: str | Path | None, subset: bool = False, over: Over | None = None
) -> Beats:
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
    folder : path or None
        Holds the two CSV files, each plain, zipped on its own, or in any .zip; or is such a .zip.
    subset : bool
        Whether the files may have another number of rows than the published ones.
    over : callable, optional
        Spreads the pieces of a file that is not zipped, see `ecglib.data.spark`. Without it a file is read from
        start to end.

    Returns
    -------
    Beats
        ``record`` and ``subject`` are "" and ``sample`` is -1: the files do not say.

    Raises
    ------
    EcglibError
        A file is missing, empty, a damaged zip, or not as long as published; a row has another number of
        columns, an empty cell, something that is no number, a sample outside [0, 1], no sample above 0,
        or a label that the file cannot have; the samples are reversed, or the labels in the first column;
        or the two files have the same rows.
    """
    if dataset not in _FILES:
        raise EcglibError(f"dataset {dataset}: Kaggle has no beats of it; use source physionet")
    if folder is None:
        raise EcglibError("source kaggle: its files need a login; download them and name their folder with --raw DIR")
    folder = Path(folder)
    files = _FILES[dataset]
    # grows in place where the operating system can, so that the beats are never there twice
    samples, labels, made_from = bytearray(), [], {}
    for file in files:
        made_from[file.name], label = _read(file, folder, samples, subset, over)
        labels.append(label)
    signal = np.frombuffer(samples, dtype=np.float32).reshape(-1, BEAT_LENGTH)
    first, second = np.split(signal, [len(labels[0])])
    if np.array_equal(first, second):
        raise EcglibError(f"{folder}: {' and '.join(made_from)} have the same rows; download both again")
    made_from["duplicate_rows"] = str(_duplicates(signal, np.concatenate(labels)))
    splits = [
        np.full(len(label), file.split) if file.split else kaggle_split(np.zeros_like(label))
        for file, label in zip(files, labels, strict=True)
    ]
    return Beats(
        signal=signal,
        label=np.concatenate(labels),
        record=np.full(len(signal), ""),
        subject=np.full(len(signal), ""),
        sample=np.full(len(signal), -1, dtype=np.int32),
        split=np.concatenate(splits),
        metadata=BeatMetadata(
            dataset=dataset,
            source="kaggle",
            class_names=DATASETS[dataset].class_names,
            rate_hz=_RATE_HZ[dataset],
            recipe=RECIPE,
            made_from=made_from,
        ),
    )


def _duplicates(signal: np.ndarray, label: np.ndarray) -> int:
    """How many rows equal an earlier one in signal and label."""
    # hashes of 64 bits instead of the rows themselves, which would be there twice
    return len(label) - len({hash((row.tobytes(), each)) for row, each in zip(signal, label.tolist(), strict=True)})


def _read(file: _File, folder: Path, samples: bytearray, subset: bool, over: Over | None) -> tuple[str, np.ndarray]:
    """Append the samples of one file, as 32-bit numbers; the SHA-256 of its CSV content, and its labels."""
    start, labels = len(samples), []
    with _opened(file.name, folder) as (stream, shown):
        try:
            # a damaged zip is found out here, before its rows are looked at
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
        except _ZIP_FAULTS as error:
            raise _damaged(shown, error) from None
        except OSError as error:
            raise EcglibError(f"{shown}: cannot be read ({error.strerror or error}); check the file") from None
        path = folder / file.name
        if over and not path.is_file():
            raise EcglibError(f"{shown}: a zip file cannot be read in pieces; unpack it, or leave out --engine")
        blocks = over(partial(_piece, path, file.labels), _pieces(path)) if over else _blocks(stream, file.labels)
        try:
            for signal, label in blocks:
                samples += signal.tobytes()
                labels.append(label)
        except ValueError as error:
            raise EcglibError(f"{shown}: {_first_fault(file, folder, error)}; download it again") from None
    signal = np.frombuffer(samples, np.float32, offset=start).reshape(-1, BEAT_LENGTH)
    if not len(signal):
        raise EcglibError(f"{shown}: has no rows; download it again")
    if not subset and len(signal) != file.rows:
        advice = "download it again, or allow a part of it by --subset (subset=True)"
        raise EcglibError(f"{shown}: has {len(signal):,} rows, the published file {file.rows:,}; {advice}")
    if np.mean((signal[:, 0] == 0) & (signal[:, -1] != 0)) > 0.5:
        raise EcglibError(f"{shown}: most rows begin with 0 and do not end with it, as if reversed; download it again")
    if len(signal) >= _ROWS_TO_JUDGE_BY and np.isin(signal[:, 0], file.labels).all():
        raise EcglibError(f"{shown}: the labels are in column 1, expected in the last one; download it again")
    return digest, np.concatenate(labels)


def _pieces(path: Path) -> Iterator[tuple[int, int]]:
    """Start and end of each piece of a file, in bytes; each ends where a row ends."""
    start, size = 0, path.stat().st_size
    with path.open("rb") as stream:
        while start < size:
            stream.seek(start + _PIECE_BYTES)
            stream.readline()
            yield start, min(stream.tell(), size)
            start = stream.tell()


def _piece(path: Path, labels: range, extent: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as stream:
        stream.seek(extent[0])
        text = stream.read(extent[1] - extent[0])
    # what is left of a file may be empty lines
    blocks = list(_blocks(io.BytesIO(text), labels)) if text.strip() else []
    signal = np.concatenate([np.empty((0, BEAT_LENGTH), np.float32), *(signal for signal, _ in blocks)])
    return signal, np.concatenate([np.empty(0, np.int64), *(label for _, label in blocks)])


def _blocks(stream: BinaryIO, labels: range) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Signal (n, 187) float32 and label (n,) int64 of the rows, until a fault, which is a ValueError."""
    # 64 bits, as Python reads numbers; to read 32 at once would round some differently
    options = pa.csv.ConvertOptions(column_types=dict.fromkeys(_COLUMNS, pa.float64()), null_values=[])
    with pa.csv.open_csv(
        stream,
        read_options=pa.csv.ReadOptions(column_names=_COLUMNS, block_size=_BLOCK_BYTES),
        parse_options=pa.csv.ParseOptions(quote_char=False),
        convert_options=options,
    ) as reader:
        for batch in reader:
            values = batch.to_tensor().to_numpy()
            signal = values[:, :-1]
            # written so that NaN fails too
            if not (((signal >= 0) & (signal <= 1)).all() and signal.any(axis=1).all()):
                raise ValueError("has samples outside [0, 1], or none above 0")
            if not np.isin(values[:, -1], labels).all():
                raise ValueError("has a label that the file cannot have")
            yield values[:, :-1].astype(np.float32), values[:, -1].astype(np.int64)


def _first_fault(file: _File, folder: Path, error: ValueError) -> str:
    """What is wrong with the first row at fault, counting empty ones, of a file that was refused for `error`."""
    row = 0
    with _opened(file.name, folder) as (stream, _):
        # a file of something else may have no line ends
        for row, line in enumerate(iter(partial(stream.readline, _LONGEST_ROW_BYTES), b""), start=1):
            cells = line.strip(b"\r\n" + codecs.BOM_UTF8)
            if cells and (fault := _fault(cells.split(b","), file.labels)):
                return f"row {row} {fault}"
    return f"cannot be read ({str(error)!r})" if row else "has no rows"


def _fault(cells: list[bytes], labels: range) -> str | None:
    if len(cells) != len(_COLUMNS):
        return f"has {len(cells)} columns, expected {len(_COLUMNS)}"
    values = []
    for name, cell in zip(_COLUMNS, cells, strict=True):
        text = cell[:24].decode("ascii", "replace").strip()
        if not text:
            return f"has an empty cell in {name}"
        try:
            # which Python passes over, but Arrow does not
            values.append(float(re.sub(rb"[_\v\f\r]", b"?", cell)))
        except ValueError:
            return f"has {text!r} in {name}, which is not a number"
        if name == _COLUMNS[-1]:
            break
        if math.isnan(values[-1]):
            return f"has NaN in {name}"
        if not 0 <= values[-1] <= 1:
            return f"has {text} in {name}, outside [0, 1]"
    if values[-1] not in labels:
        return f"has label {text}, expected {' or '.join(map(str, labels))} in the last column"
    return None if any(values[:-1]) else "has no sample above 0"


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
            except (*_ZIP_FAULTS, OSError) as error:
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
