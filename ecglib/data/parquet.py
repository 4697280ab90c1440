"""The beat table as a Parquet file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats, check_beats
from ecglib.errors import EcglibError
from ecglib.files import replacing

_METADATA_KEY = b"ecglib"
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
_FOLD = pa.field("fold", pa.int8())


def write_beats(beats: Beats, path: str | Path) -> Path:
    """Check `beats` and write them to `path`; a file that was there is replaced only on success.

    Raises
    ------
    EcglibError
        The beats are none that `check_beats` allows, or `path` cannot be written.
    """
    path = Path(path)
    check_beats(beats, path)
    signal = pa.FixedSizeListArray.from_arrays(pa.array(beats.signal.ravel()), BEAT_LENGTH)
    columns = [
        signal,
        pa.array(beats.label.astype(np.int8)),
        *(pa.array(column, pa.string()) for column in (beats.record, beats.subject)),
        pa.array(beats.sample.astype(np.int32)),
        pa.array(beats.split, pa.string()),
    ]
    schema = _SCHEMA
    if beats.fold is not None:
        columns.append(pa.array(beats.fold.astype(np.int8)))
        schema = schema.append(_FOLD)
    schema = schema.with_metadata({_METADATA_KEY: beats.metadata.model_dump_json()})
    try:
        with replacing(path) as temporary:
            pq.write_table(pa.Table.from_arrays(columns, schema=schema), temporary, compression="zstd")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise EcglibError(f"{path}: cannot be written ({reason}); make room or choose another place") from None
    return path


def read_beats(path: str | Path) -> Beats:
    """Read a beat table that `write_beats` wrote.

    Raises
    ------
    EcglibError
        The file is missing, is no Parquet file, or is no beat table.
    """
    path = Path(path)
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'ecglib data build'")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise EcglibError(f"{path}: not a Parquet file ({reason}); rebuild it with 'ecglib data build'") from None
    stored = (table.schema.metadata or {}).get(_METADATA_KEY)
    missing = [name for name in _SCHEMA.names if name not in table.schema.names]
    if stored is None or missing:
        lacks = f"column {missing[0]!r} is missing" if missing else "its metadata are missing"
        raise EcglibError(f"{path}: not a beat table, {lacks}; make one with 'ecglib data build'")
    fields = [*_SCHEMA, _FOLD] if _FOLD.name in table.schema.names else list(_SCHEMA)
    for field in fields:
        if table.schema.field(field.name).type != field.type:
            found = table.schema.field(field.name).type
            raise EcglibError(f"{path}: not a beat table, column {field.name!r} is {found} instead of {field.type}")
        if table[field.name].null_count:
            row = pc.index(pc.is_null(table[field.name]), True).as_py()
            raise EcglibError(f"{path}: row {row} has no {field.name}; rebuild the table with 'ecglib data build'")
    try:
        metadata = BeatMetadata.model_validate(json.loads(stored))
    except ValueError:  # also what pydantic and an undecodable text raise
        raise EcglibError(f"{path}: its metadata cannot be read; rebuild it with 'ecglib data build'") from None
    signal = table["signal"].combine_chunks()
    beats = Beats(
        signal=signal.flatten().to_numpy().reshape(-1, BEAT_LENGTH),
        label=table["label"].to_numpy().astype(np.int64),
        record=_strings(table["record"]),
        subject=_strings(table["subject"]),
        sample=table["sample"].to_numpy(),
        split=_strings(table["split"]),
        metadata=metadata,
        fold=table["fold"].to_numpy().astype(np.int64) if _FOLD in fields else None,
    )
    check_beats(beats, path)
    return beats


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_pylist(), dtype=np.str_)
