"""The Kaggle "ECG Heartbeat Categorization" files, as downloaded, zipped or not.

The files (Kachuee et al. 2018, doi 10.1109/ICHI.2018.00092; kaggle.com/datasets/shayanfazeli/heartbeat)
have no header row, and 188 columns: the 187 samples of a beat, then its label. They are read block by
block, so that a file's text is never in memory as a whole; the rows keep the order of the files. One
thread reads, one computes the SHA-256, which takes longest, and one parses.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from ecglib.data import mitbih, ptb
from ecglib.data.fixed_width import CELL_BYTES, parse_any_width, parse_fixed_width
from ecglib.data.splits import kaggle_split
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats
from ecglib.names import EcglibError

RECIPE = "rows of the Kaggle CSV files as published, in file order; 187 samples each"
_COLUMNS = [f"column {number}" for number in range(1, BEAT_LENGTH + 2)]
# as published
_ROW_BYTES = len(_COLUMNS) * CELL_BYTES
# whole rows, so that none lies across two blocks; and few, so that every step finds them in a processor's cache
_BLOCK_BYTES = 300 * _ROW_BYTES
_BUFFERS = 3
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
    plain = [folder / file.name for file in _FILES[dataset] if (folder / file.name).is_file()]
    rows = _Rows(sum(math.ceil(path.stat().st_size / _ROW_BYTES) for path in plain))
    counts, made_from = [], {}
    for file in _FILES[dataset]:
        before = rows.count
        made_from[file.name] = _read(file, folder, rows)
        counts.append(rows.count - before)
    signal, label = rows.signal(), np.concatenate(rows.labels)
    made_from["duplicate_rows"] = str(_duplicates(signal, label))
    splits = [
        np.full(count, file.split) if file.split else kaggle_split(np.zeros(count, dtype=np.int64))
        for file, count in zip(_FILES[dataset], counts, strict=True)
    ]
    return Beats(
        signal=signal,
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
    count : int
    labels : list of ndarray of int64
        One array a block.
    """

    def __init__(self, expected: int) -> None:
        # what is never written to takes no memory; and NumPy asks for large pages, which are faster to come by,
        # where it allocates all at once
        self._signal = np.empty((expected, BEAT_LENGTH), dtype=np.float32)
        self.labels: list[np.ndarray] = []
        self.count = 0

    def add(self, values: np.ndarray) -> None:
        """Append rows; `values` is a float32 array of shape (n, 188)."""
        start, self.count = self.count, self.count + len(values)
        if self.count > len(self._signal):
            # grows in place where the operating system can, so that the beats are never there twice
            self._signal.resize((self.count, BEAT_LENGTH), refcheck=False)
        self._signal[start : self.count] = values[:, :-1]
        self.labels.append(values[:, -1].astype(np.int64))

    def signal(self) -> np.ndarray:
        """All samples, float32 of shape (count, 187)."""
        return self._signal[: self.count]


def _duplicates(signal: np.ndarray, label: np.ndarray) -> int:
    """How many rows equal an earlier one in signal and label."""
    # a 64-bit sum with random odd weights: equal for equal rows, and for others with a chance of 2 ** -64
    weights = np.random.default_rng(0).integers(1 << 63, size=BEAT_LENGTH, dtype=np.uint64) << np.uint64(1) | np.uint64(
        1
    )
    key = np.einsum("ij,j->i", signal.view(np.uint32), weights)
    key += label.astype(np.uint64)
    return len(key) - len(np.unique(key))


def _read(file: _File, folder: Path, rows: _Rows) -> str:
    """Append the rows of one file to `rows`; the SHA-256 of its CSV content."""
    digest = hashlib.sha256()
    before = rows.count
    next_row = 1
    at_work: deque[tuple[Future, Future]] = deque()

    def add(block: memoryview) -> None:
        nonlocal next_row
        values, lines = _parse(block, next_row, file, shown)
        rows.add(values)
        next_row += lines

    def wait_until(blocks: int) -> None:
        while len(at_work) > blocks:
            for step in at_work.popleft():
                step.result()

    with (
        _opened(file.name, folder) as (stream, shown),
        ThreadPoolExecutor(1) as hashing,
        ThreadPoolExecutor(1) as parsing,
    ):
        # while a block is hashed and parsed, the next is read to where an earlier one was
        buffers = [bytearray(_BLOCK_BYTES) for _ in range(_BUFFERS)]
        carry = b""
        for buffer in itertools.cycle(buffers):
            wait_until(_BUFFERS - 1)
            buffer[: len(carry)] = carry
            view = memoryview(buffer)
            length = len(carry) + _fill(view[len(carry) :], stream, shown)
            is_last = length < len(buffer)
            # blocks are of whole lines, though the last line may lack its end
            end = length if is_last else buffer.rfind(b"\n") + 1
            if not end and not is_last:
                wait_until(0)
                raise EcglibError(f"{shown}: row {next_row} does not end; not a CSV file, download it again")
            at_work.append((hashing.submit(digest.update, view[len(carry) : length]), parsing.submit(add, view[:end])))
            if is_last:
                break
            carry = bytes(view[end:])
        wait_until(0)
    if rows.count == before:
        raise EcglibError(f"{shown}: has no rows; download it again")
    return digest.hexdigest()


def _fill(buffer: memoryview, stream: BinaryIO, shown: str) -> int:
    """Read until the buffer is full or the file ends; the number of bytes read."""
    try:
        return stream.readinto(buffer)
    except _ZIP_FAULTS as error:
        raise _damaged(shown, error) from None
    except OSError as error:
        raise EcglibError(f"{shown}: cannot be read ({error.strerror or error}); check the file") from None


def _parse(block: memoryview, first_row: int, file: _File, shown: str) -> tuple[np.ndarray, int]:
    """The rows of a block of text as a float32 array of shape (n, 188); and the number of lines, empty ones too."""
    values = parse_fixed_width(block, len(_COLUMNS))
    if values is not None:
        lines = len(values)
    else:
        text = bytes(block)
        lines = text.count(b"\n")
        if not text.strip():
            return np.empty((0, len(_COLUMNS)), dtype=np.float32), lines
        values = parse_any_width(text, len(_COLUMNS))
    # written so that NaN fails too
    if values is None or not (
        values[:, :-1].min() >= 0 and values[:, :-1].max() <= 1 and set(values[:, -1].tolist()).issubset(file.labels)
    ):
        raise _row_error(bytes(block), first_row, file, shown)
    return values, lines


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
