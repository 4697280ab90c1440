"""The beat table as one small file that NumPy alone can read.

For a machine that has a graphics processor and little else: no Parquet reader is needed there. The crops of
MIT-BIH and PTB were whole numbers before they were scaled, so that a beat is kept as the whole numbers and their
range, two bytes a sample before compression, and comes back equal as float32. A beat for which no such range
is found is kept as it is.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats, check_beats
from ecglib.errors import EcglibError
from ecglib.files import replacing

# 12-bit converters span at most so many units
LARGEST_RANGE = 4095
_FORMAT = 1
_CHUNK = 256


def write_compact(beats: Beats, path: str | Path) -> Path:
    """Write `beats` to `path`, an ``.npz`` file; what was there is replaced only on success.

    Raises
    ------
    EcglibError
        The beats are none that `check_beats` allows, or `path` cannot be written.
    """
    path = Path(path)
    check_beats(beats, path)
    scale = np.concatenate([ranges(beats.signal[start : start + _CHUNK]) for start in range(0, len(beats), _CHUNK)])
    whole = np.rint(beats.signal * scale[:, None].astype(np.float64)).astype(np.int16)
    records, record = np.unique(beats.record, return_inverse=True)
    subjects, subject = np.unique(beats.subject, return_inverse=True)
    arrays = {
        "format": np.array(_FORMAT),
        "metadata": np.frombuffer(beats.metadata.model_dump_json().encode(), dtype=np.uint8),
        "range": scale.astype(np.int16),
        # neighbours are alike, so that differences compress better
        "steps": np.diff(whole[scale > 0], axis=1, prepend=np.int16(0)),
        "plain": beats.signal[scale == 0],
        "label": beats.label.astype(np.int8),
        "records": records,
        "record": record.astype(np.int32),
        "subjects": subjects,
        "subject": subject.astype(np.int32),
        "sample": beats.sample.astype(np.int32),
        "test": beats.split == "test",
    }
    if beats.fold is not None:
        arrays["fold"] = beats.fold.astype(np.int8)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise EcglibError(f"{path}: cannot be written ({reason}); make room or choose another place") from None
    return path


def read_compact(path: str | Path) -> Beats:
    """Read a file that `write_compact` wrote; the beats are equal to those written, bit for bit.

    Raises
    ------
    EcglibError
        The file is missing, or is none that `write_compact` wrote.
    """
    path = Path(path)
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'ecglib data export'")
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
        if int(stored["format"]) != _FORMAT:
            raise ValueError(f"format {stored['format']} instead of {_FORMAT}")
        scale = stored["range"].astype(np.float64)
        signal = np.zeros((len(scale), BEAT_LENGTH), dtype=np.float32)
        signal[scale > 0] = np.cumsum(stored["steps"], axis=1, dtype=np.int16) / scale[scale > 0, None]
        signal[scale == 0] = stored["plain"]
        beats = Beats(
            signal=signal,
            label=stored["label"].astype(np.int64),
            record=stored["records"][stored["record"]],
            subject=stored["subjects"][stored["subject"]],
            sample=stored["sample"],
            split=np.where(stored["test"], "test", "train"),
            fold=stored["fold"].astype(np.int64) if "fold" in stored else None,
            metadata=BeatMetadata.model_validate(json.loads(stored["metadata"].tobytes())),
        )
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise EcglibError(f"{path}: not a compact beat table ({reason}); make it with 'ecglib data export'") from None
    check_beats(beats, path)
    return beats


def ranges(signal: np.ndarray) -> np.ndarray:
    """The smallest range of whole numbers that each beat can have been scaled from.

    Parameters
    ----------
    signal : ndarray of float32, shape (N, 187)

    Returns
    -------
    ndarray of int, shape (N,)
        r in 1 .. 4095 so that ``float32(k / r)`` gives the beat again for whole k; 0 where there is none.
    """
    found = np.zeros(len(signal), dtype=np.int64)
    candidate = np.arange(1, LARGEST_RANGE + 1, dtype=np.float64)
    open_rows = np.arange(len(signal))
    # a few samples rule out nearly every range; what they leave is tried on the whole beat, the smallest first
    probe = signal[:, [1, 2, 3, 5, 8, 13, 21, 34]].astype(np.float64)
    possible = np.ones((len(signal), LARGEST_RANGE), dtype=bool)
    for sample in probe.T:
        scaled = sample[:, None] * candidate
        possible &= np.abs(scaled - np.rint(scaled)) <= candidate * 2.0**-24
    while len(open_rows):
        open_rows = open_rows[possible[open_rows].any(axis=1)]
        tried = possible[open_rows].argmax(axis=1)
        scale = candidate[tried][:, None]
        exact = ((np.rint(signal[open_rows] * scale) / scale).astype(np.float32) == signal[open_rows]).all(axis=1)
        found[open_rows[exact]] = tried[exact] + 1
        possible[open_rows, tried] = False
        open_rows = open_rows[~exact]
    return found
