"""The MIT-BIH beats of the Kaggle "Heartbeat Categorization" data set, rebuilt from PhysioNet.

The Kaggle files (Kachuee et al. 2018, doi 10.1109/ICHI.2018.00092) carry neither record nor patient.
The recipe below gives the same 109,446 beats, equal as float32, from the raw MIT-BIH Arrhythmia
Database (Moody & Mark 2001, doi 10.13026/C2F305), and so knows both.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tqdm import tqdm

from ecglib.data.cut import Over, cut_beats
from ecglib.data.table import BeatMetadata, Beats
from ecglib.names import DATASETS, EcglibError

CLASS_NAMES = DATASETS["mitbih"].class_names
SYMBOLS = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
LABEL_OF_SYMBOL = {symbol: label for label, name in enumerate(CLASS_NAMES) for symbol in SYMBOLS[name]}
DECIMATION = 3
# 360 Hz over 3; the data set's documents say 125
RATE_HZ = 120.0
RECIPE = "channel 0 in ADC units, every 3rd sample from the R peak on, int(RR + 0.2 next RR) long, min-max, 187 samples"
# one person, recorded twice (MIT-BIH Arrhythmia Database directory)
SUBJECT_OF_RECORD = {"202": "201"}


def published_sums() -> dict[str, str]:
    """File name to SHA-256 for the 48 records (.dat, .hea, .atr), as PhysioNet publishes them."""
    lines = resources.files("ecglib.data").joinpath("mitdb.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def record_names() -> list[str]:
    """The names of the 48 records, sorted."""
    return sorted({Path(name).stem for name in published_sums()})


@cache
def kaggle_test_rows() -> tuple[np.ndarray, np.ndarray]:
    """The beats of Kaggle's test file, in its row order.

    Returns
    -------
    record : ndarray of str, shape (21892,)
    sample : ndarray of int32, shape (21892,)
        The R peak, in samples of the 360 Hz record.
    """
    with resources.files("ecglib.data").joinpath("mitbih_test_beats.parquet").open("rb") as file:
        table = pq.read_table(file)
    return np.asarray(table["record"].to_pylist(), dtype=np.str_), table["sample"].to_numpy()


def check_records(folder: str | Path) -> None:
    """Compare every file of the 48 records with its published SHA-256 sum.

    Raises
    ------
    EcglibError
        A file is missing or differs.
    """
    folder = Path(folder)
    for name, published in published_sums().items():
        path = folder / name
        if not path.is_file():
            raise EcglibError(f"{path}: missing; point --raw at a complete mitdb folder, or leave it out to download")
        if hashlib.sha256(path.read_bytes()).hexdigest() != published:
            raise EcglibError(f"{path}: differs from the published file (SHA-256); delete it and fetch it again")


def annotated_beats(sample: np.ndarray, label: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Which annotations start a beat of the Kaggle files, and how long it is.

    Parameters
    ----------
    sample : ndarray of int, shape (A,)
        Where the annotations lie, any symbol, ascending.
    label : ndarray of int, shape (A,)
        The class of each annotation, -1 for one that is no beat of the five classes.
    end : int
        Samples of the record.

    Returns
    -------
    position : ndarray of int, shape (B,)
        The annotation that each beat starts at. The record's last labelled beat is left out, as it is in the files.
    length : ndarray of int, shape (B,)
        int(RR + 0.2 next RR), from annotation to annotation of whatever symbol, in samples of the 360 Hz record.
    """
    position = np.flatnonzero(label >= 0)[:-1]
    ends = np.append(sample, end)
    start, following, after = (ends[position + number] for number in range(3))
    return position, ((following - start) + 0.2 * (after - following)).astype(int)


def record_beats(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The beats of one record: signal (B, 187) float32, label (B,) int64, and sample (B,) int32."""
    import wfdb

    adc = wfdb.rdrecord(str(folder / name), channels=[0], physical=False).d_signal[:, 0]
    annotation = wfdb.rdann(str(folder / name), "atr")
    label = np.array([LABEL_OF_SYMBOL.get(symbol, -1) for symbol in annotation.symbol])
    position, length = annotated_beats(annotation.sample, label, len(adc))
    start = annotation.sample[position]
    return cut_beats(adc, start, length, DECIMATION), label[position].astype(np.int64), start.astype(np.int32)


def build(folder: str | Path, over: Over = map) -> Beats:
    """Make the beat table from a folder with the 48 records in WFDB format.

    Parameters
    ----------
    folder : path
    over : callable
        The built-in `map`, or one that spreads its work, see `ecglib.data.spark`.

    Raises
    ------
    EcglibError
        A file is missing or differs from the published one.
    """
    folder = Path(folder)
    check_records(folder)
    names = record_names()
    reads = tqdm(over(partial(record_beats, folder), names), "mitbih", len(names), unit="record", disable=None)
    signals, labels, samples = zip(*reads, strict=True)
    record, sample = np.repeat(names, [len(label) for label in labels]), np.concatenate(samples)
    return Beats(
        signal=np.concatenate(signals),
        label=np.concatenate(labels),
        record=record,
        subject=np.array([SUBJECT_OF_RECORD.get(name, name) for name in record]),
        sample=sample,
        split=np.where(_is_kaggle_test(record, sample), "test", "train"),
        metadata=BeatMetadata(
            dataset="mitbih",
            source="physionet",
            class_names=CLASS_NAMES,
            rate_hz=RATE_HZ,
            recipe=RECIPE,
            made_from=published_sums(),
        ),
    )


def _is_kaggle_test(record: np.ndarray, sample: np.ndarray) -> np.ndarray:
    test_record, test_sample = kaggle_test_rows()
    # a record has 650,000 samples, so that record number and sample fit one integer key
    key, test_key = (r.astype(np.int64) * 1_000_000 + s for r, s in ((record, sample), (test_record, test_sample)))
    return np.isin(key, test_key)
