"""The beat table, in which every data source ends: its columns, and what they may hold.

Columns
-------
signal : fixed-size list of 187 float32, in [0, 1]; starts at the R peak, zero-padded at the end
label : int8, 0 .. K - 1, the position in the table's ``class_names``
record : string, the record that the beat was cut from ("" where the source does not say)
subject : string, the person ("" where the source does not say)
sample : int32, the R peak in the record's own samples (-1 where the source does not say)
split : string, "train" or "test"
fold : int8, 1 or above; only where the data set comes with folds
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from ecglib.files import replacing
from ecglib.names import EcglibError

BEAT_LENGTH = 187
SPLITS = ("train", "test")
COLUMNS = ("signal", "label", "record", "subject", "sample", "split")
_METADATA_KEY = b"ecglib"
_DIGEST_KEY = b"ecglib_sha256"
# of all recipes that are there; raised whenever one of them gives other numbers than before
RECIPE_VERSION = 1
_SCHEMA = pa.schema(
    [
        ("signal", pa.list_(pa.float32(), BEAT_LENGTH)),
        ("label", pa.int8()),
        ("record", pa.string()),
        ("subject", pa.string()),
        ("sample", pa.int32()),
        ("split", pa.string()),
    ]
)
_MAKE_ONE = "make one with 'ecglib data build'"
_FOLD = pa.field("fold", pa.int8())


class BeatMetadata(BaseModel):
    """What a beat table says of itself; kept in its file.

    Attributes
    ----------
    dataset : str
        "mitbih", "ptb" or "ptbxl".
    source : str
        "physionet", "kaggle" or "synthetic".
    class_names : tuple of str
        One name a label, in label order.
    rate_hz : float
        Samples a second of ``signal``.
    recipe : str
        How the beats were made, in one line.
    recipe_version : int
        The `RECIPE_VERSION` of then.
    made_from : dict of str to str
        File name to SHA-256 of what was read, or generator setting to value.
    skipped : dict of str to str
        Record to the reason why it gave no beats.
    digests : dict of str to str
        Of an outline, which has no signals: `Beats.digest` of the whole beats by arrangement
        (see `ecglib.data.splits.arrangement`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    source: str
    class_names: tuple[str, ...]
    rate_hz: float
    recipe: str
    recipe_version: int = RECIPE_VERSION
    made_from: dict[str, str] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict, exclude_if=lambda value: not value)

    @property
    def is_synthetic(self) -> bool:
        """Whether the beats are invented, so that no result from them is a real one."""
        return self.source == "synthetic"


@dataclass(frozen=True)
class Beats:
    """Beats in memory, one row a beat.

    Attributes
    ----------
    signal : ndarray of float32, shape (N, 187), or None
        None in an outline.
    label : ndarray of int64, shape (N,)
    record, subject, split : ndarray of str, shape (N,)
    sample : ndarray of int32, shape (N,)
    metadata : BeatMetadata
    fold : ndarray of int64, shape (N,), optional
    known_digest : str, optional
        The digest of beats that are here without their signals.
    """

    signal: np.ndarray | None
    label: np.ndarray
    record: np.ndarray
    subject: np.ndarray
    sample: np.ndarray
    split: np.ndarray
    metadata: BeatMetadata
    fold: np.ndarray | None = None
    known_digest: str | None = None

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: np.ndarray) -> Beats:
        """The given rows (a mask or positions) as beats of their own."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.columns()}, known_digest=None)

    def columns(self) -> list[str]:
        """The names of the columns that the table has, signal first."""
        return [name for name in (*COLUMNS, "fold") if getattr(self, name) is not None]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that a training run can depend on: signals, labels, split, classes."""
        if self.signal is None:
            if self.known_digest is None:
                raise EcglibError(f"{self.metadata.dataset}: these beats have no signals, and so no digest")
            return self.known_digest
        digest = hashlib.sha256("\n".join(self.metadata.class_names).encode())
        digest.update(np.ascontiguousarray(self.signal))
        digest.update(self.label.astype(np.int8).tobytes())
        digest.update((self.split == "test").tobytes())
        return digest.hexdigest()


def check_beats(beats: Beats, path: Path) -> None:
    """Refuse what the contract does not allow, naming the first row at fault.

    Parameters
    ----------
    beats : Beats
    path : Path
        The file that the beats come from or go to, for the message.

    Raises
    ------
    EcglibError
        There are no beats, a column has the wrong shape or type, a signal value is not finite or not
        in [0, 1], a label has no class name, a split other than train and test or a fold outside
        1 .. 127 occurs.
    """
    count = len(beats)
    if count == 0:
        raise EcglibError(f"{path}: no beats; a beat table needs at least one")
    if beats.signal is not None:
        _check_signal(beats.signal, count, path)
    for name in set(beats.columns()) - {"signal"}:
        shape = getattr(beats, name).shape
        if shape != (count,):
            raise EcglibError(f"{path}: {name} has shape {shape}, expected ({count},) as signal has {count} rows")
    if beats.label.dtype.kind not in "iu":
        raise EcglibError(f"{path}: label is {beats.label.dtype}, expected whole numbers")
    classes = len(beats.metadata.class_names)
    _refuse_rows((beats.label < 0) | (beats.label >= classes), path, f"a label outside 0 .. {classes - 1}")
    _refuse_rows(~np.isin(beats.split, SPLITS), path, "a split other than 'train' and 'test'")
    if beats.fold is not None:
        _refuse_rows((beats.fold < 1) | (beats.fold > 127), path, "a fold outside 1 .. 127")


def _check_signal(signal: np.ndarray, count: int, path: Path) -> None:
    if signal.shape != (count, BEAT_LENGTH) or signal.dtype != np.float32:
        raise EcglibError(f"{path}: signal is {signal.shape} {signal.dtype}, expected ({count}, {BEAT_LENGTH}) float32")
    # min and max see NaN too, and touch no copy of the (N, 187) array
    low, high = signal.min(), signal.max()
    if not (low >= 0 and high <= 1):
        row = int(np.flatnonzero(~((signal >= 0) & (signal <= 1)).all(axis=1))[0])
        raise EcglibError(f"{path}: row {row} has a signal value outside [0, 1] or NaN; scale each beat to [0, 1]")


def _refuse_rows(wrong: Iterable[bool], path: Path, what: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise EcglibError(f"{path}: row {rows[0]} has {what} ({len(rows)} rows in all)")


def write_beats(beats: Beats, path: str | Path) -> Path:
    """Check `beats` and write them to `path`; a file that was there is replaced only on success.

    Raises
    ------
    EcglibError
        The beats are none that `check_beats` allows, or `path` cannot be written.
    """
    path = Path(path)
    check_beats(beats, path)
    fields = [field for field in (*_SCHEMA, _FOLD) if field.name in beats.columns()]
    columns = []
    for field in fields:
        values = getattr(beats, field.name)
        if field.name == "signal":
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), BEAT_LENGTH))
        else:
            columns.append(pa.array(values, field.type))
    told = beats.metadata.model_dump_json().encode()
    schema = pa.schema(fields, {_METADATA_KEY: told, _DIGEST_KEY: _content_digest(beats, told)})
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), temporary, compression="zstd")
    return path


def _content_digest(beats: Beats, told: bytes) -> str:
    """SHA-256 of all columns and the metadata; `Beats.digest` has only what trainings depend on."""
    digest = hashlib.sha256(told)
    for name in beats.columns():
        values = getattr(beats, name)
        # all but the signal may have another width once they have been read
        plain = np.ascontiguousarray(values) if name == "signal" else "\n".join(map(str, values.tolist())).encode()
        digest.update(plain)
    return digest.hexdigest()


def write_outline(beats: Beats, digests: dict[str, str], path: Path) -> Path:
    """Write everything of a table but its signals, so that results can be shown where no records are.

    Parameters
    ----------
    beats : Beats
    digests : dict of str to str
        `Beats.digest` by arrangement, which takes the signals' place.
    path : Path
    """
    metadata = beats.metadata.model_copy(update={"digests": digests})
    return write_beats(replace(beats, signal=None, metadata=metadata), path)


def read_metadata(path: Path, plain: bool = False) -> BeatMetadata:
    """What a table says of itself, without reading it; `plain` leaves out what an outline has more.

    Raises
    ------
    EcglibError
        The file is no beat table.
    """
    try:
        metadata = _metadata(pq.read_schema(path), path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _no_table(path, error) from None
    return metadata.model_copy(update={"digests": {}}) if plain else metadata


def read_beats(path: str | Path) -> Beats:
    """Read a beat table that `write_beats` wrote, or an outline of one.

    Raises
    ------
    EcglibError
        The file is missing, is no Parquet file, is no beat table, or was altered after it was written.
    """
    path = Path(path)
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'ecglib data build'")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _no_table(path, error) from None
    metadata = _metadata(table.schema, path)
    needed = [name for name in _SCHEMA.names if name != "signal" or not metadata.digests]
    if missing := [name for name in needed if name not in table.schema.names]:
        raise EcglibError(f"{path}: not a beat table, column {missing[0]!r} is missing; {_MAKE_ONE}")
    fields = [field for field in (*_SCHEMA, _FOLD) if field.name in table.schema.names]
    for field in fields:
        if table.schema.field(field.name).type != field.type:
            found = table.schema.field(field.name).type
            raise EcglibError(f"{path}: not a beat table, column {field.name!r} is {found} instead of {field.type}")
        if table[field.name].null_count:
            row = pc.index(pc.is_null(table[field.name]), True).as_py()
            raise EcglibError(f"{path}: row {row} has no {field.name}; rebuild the table with 'ecglib data build'")
    signal = None
    if "signal" in table.schema.names:
        signal = table["signal"].combine_chunks().flatten().to_numpy().reshape(-1, BEAT_LENGTH)
    beats = Beats(
        signal=signal,
        label=table["label"].to_numpy().astype(np.int64),
        record=_strings(table["record"]),
        subject=_strings(table["subject"]),
        sample=table["sample"].to_numpy(),
        split=_strings(table["split"]),
        metadata=metadata,
        fold=table["fold"].to_numpy().astype(np.int64) if _FOLD in fields else None,
    )
    check_beats(beats, path)
    stored = table.schema.metadata
    if stored.get(_DIGEST_KEY, b"").decode() != _content_digest(beats, stored[_METADATA_KEY]):
        raise EcglibError(f"{path}: was altered, or has no digest; delete it and make it anew with 'ecglib data build'")
    return beats


def _metadata(schema: pa.Schema, path: Path) -> BeatMetadata:
    stored = (schema.metadata or {}).get(_METADATA_KEY)
    if stored is None:
        raise EcglibError(f"{path}: not a beat table, its metadata are missing; {_MAKE_ONE}")
    try:
        return BeatMetadata.model_validate(json.loads(stored))
    except ValueError:  # also what pydantic and an undecodable text raise
        raise EcglibError(f"{path}: its metadata cannot be read; rebuild it with 'ecglib data build'") from None


def _no_table(path: Path, error: Exception) -> EcglibError:
    reason = str(error).splitlines()[0]
    return EcglibError(f"{path}: not a Parquet file ({reason}); rebuild it with 'ecglib data build'")


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_pylist(), dtype=np.str_)
