"""Beats of PTB-XL (Wagner et al. 2020, doi 10.1038/s41597-020-0495-6), normal against myocardial infarction.

A second real set with PTB's two classes, and with patients and folds. Its numbers are not PTB's.

A record is *normal* if NORM is its only diagnostic statement, and *abnormal* if any of its statements
belongs to the diagnostic class MI. A statement counts as soon as it is listed, whatever its likelihood, as in the
data set's own example code (0 stands for an unknown likelihood). All other records are left out.
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import resample_poly
from tqdm import tqdm

from ecglib.data.cut import (
    RATE_HZ,
    Over,
    RecordBeats,
    UnusableRecord,
    read_lead,
    record_beats,
    require_some,
    window_length,
)
from ecglib.data.ptb import CLASS_NAMES
from ecglib.data.table import BeatMetadata, Beats
from ecglib.names import Detector, EcglibError

RECORD_RATE_HZ = 500.0
# 500 Hz over 125 Hz
DECIMATION = 4
LEAD = "II"
# Wagner et al., "Stratified folds": 9 to validate, 10 to test
VALIDATION_FOLD = 9
TEST_FOLD = 10
NORMAL, ABNORMAL = 0, 1
RECIPE = (
    "lead II, 500 to 125 Hz with an anti-aliasing filter, {detector} R peaks, int(1.2 median RR of {seconds:g} s) "
    "long, min-max, 187 samples; normal: NORM the only diagnostic statement, abnormal: any MI statement, any likelihood"
)


@dataclass(frozen=True)
class Tables:
    """The data set's two tables.

    Attributes
    ----------
    records : DataFrame
        One row a record: ecg_id, patient_id, scp_codes (dict of statement to likelihood), strat_fold,
        filename_hr.
    statements : DataFrame
        One row a statement: its code as index, diagnostic (1 or missing), diagnostic_class.
    """

    records: pd.DataFrame
    statements: pd.DataFrame


def read_tables(folder: str | Path) -> Tables:
    """Read ``ptbxl_database.csv`` and ``scp_statements.csv``.

    Raises
    ------
    EcglibError
        A file or a column is missing, a value cannot be read, a record stands there twice or outside the folder, or
        a patient is in two folds.
    """
    folder = Path(folder)
    path = folder / "ptbxl_database.csv"
    records = _read_csv(path, ("ecg_id", "patient_id", "scp_codes", "strat_fold", "filename_hr"))
    statements = _read_csv(folder / "scp_statements.csv", ("diagnostic", "diagnostic_class"), index_col=0)
    codes = []
    for row, text in enumerate(records["scp_codes"], start=2):
        try:
            parsed = ast.literal_eval(text)
            codes.append({str(code): float(likelihood) for code, likelihood in parsed.items()})
        except (ValueError, SyntaxError, TypeError, AttributeError):
            raise EcglibError(f"{path}: line {row}: scp_codes {str(text)[:40]!r} is no dict; get it again") from None
    records["scp_codes"] = codes
    for column in ("patient_id", "strat_fold"):
        numbers = pd.to_numeric(records[column], errors="coerce")
        _refuse(path, ~(numbers % 1 == 0), records[column], "is no whole number")
        records[column] = numbers.astype(np.int64)
    _refuse(path, ~records["strat_fold"].between(1, TEST_FOLD), records["strat_fold"], "is no fold of 1 to 10")
    names = records["filename_hr"].astype(object).fillna("").astype(str)
    _refuse(path, ~names.str.fullmatch(r"(\w+/)*\w+", flags=re.ASCII), names, "is no path of a record")
    _refuse(path, names.duplicated(), names, "stands there twice")
    _refuse(path, records["ecg_id"].duplicated(), records["ecg_id"], "stands there twice")
    folds = records.groupby("patient_id")["strat_fold"].transform("first")
    _refuse(path, folds != records["strat_fold"], records["patient_id"], "is in two folds")
    return Tables(records, statements)


def _refuse(path: Path, wrong: pd.Series, column: pd.Series, what: str) -> None:
    """Name the first line at fault of ``ptbxl_database.csv``."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = rows[0]
        raise EcglibError(f"{path}: line {row + 2}: {column.name} {str(column.iloc[row])[:80]!r} {what}; get it again")


def _read_csv(path: Path, columns: tuple[str, ...], **options: object) -> pd.DataFrame:
    if not path.is_file():
        raise EcglibError(f"{path}: missing; point --raw at a PTB-XL folder, or leave it out to download")
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # also what pandas' parser and an undecodable text raise
        raise EcglibError(f"{path}: cannot be read ({str(error).splitlines()[0]}); get it again") from None
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise EcglibError(f"{path}: column {missing[0]!r} is missing; get it again")
    return table


def classify(tables: Tables) -> np.ndarray:
    """The class of each record: 0 normal, 1 abnormal, -1 neither; ndarray of int, shape (R,)."""
    statements = tables.statements
    diagnostic = set(statements.index[statements["diagnostic"] == 1])
    infarction = set(statements.index[statements["diagnostic_class"] == "MI"])
    label = np.full(len(tables.records), -1)
    for row, codes in enumerate(tables.records["scp_codes"]):
        if infarction & codes.keys():
            label[row] = ABNORMAL
        elif diagnostic & codes.keys() == {"NORM"}:
            label[row] = NORMAL
    return label


def to_beat_rate(signal: np.ndarray) -> np.ndarray:
    """Resample from 500 to 125 Hz; (T,) to (ceil(T / 4),).

    A linear-phase low-pass (SciPy's `resample_poly`: 81 taps, Kaiser window with beta 5, half amplitude
    at 62.5 Hz) comes before every fourth sample is taken. Up to 50 Hz amplitudes are kept to 1 %; what
    would fold back below 50 Hz, everything above 75 Hz, is damped by 40 dB and more.
    """
    return resample_poly(signal, 1, DECIMATION, padtype="edge")


def read_record(detector: Detector, stem: Path) -> tuple[RecordBeats, bytes] | str:
    """Beats of one record, and the SHA-256 of its .hea and .dat; or why it cannot be used."""
    try:
        found = record_beats(to_beat_rate(read_lead(stem, LEAD, RECORD_RATE_HZ).signal), detector)
    except UnusableRecord as reason:
        return str(reason)
    files = (stem.with_name(stem.name + ending) for ending in (".hea", ".dat"))
    return found, b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)


def build(folder: str | Path, detector: Detector = "neurokit", over: Over = map) -> Beats:
    """Make the beat table from a folder in PTB-XL's own layout.

    The table's split is the data set's: fold 10 tests, folds 1 to 9 train (9 of them to validate).
    No patient is in two folds.

    Parameters
    ----------
    folder : path
        Holds ``ptbxl_database.csv``, ``scp_statements.csv`` and ``records500``; all of it or a part.
    detector : {"neurokit", "threshold"}
        See `ecglib.data.cut.r_peaks`.
    over : callable
        The built-in `map`, or one that spreads its work, see `ecglib.data.spark`.

    Raises
    ------
    EcglibError
        A table is missing or damaged, or no record can be used.
    """
    folder = Path(folder)
    tables = read_tables(folder)
    label_of_record = classify(tables)
    chosen = tables.records.assign(label=label_of_record)[label_of_record >= 0]
    digest = hashlib.sha256()
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("signal", "label", "record", "subject", "sample")}
    folds, skipped = [], {}
    stems = [folder / name for name in chosen["filename_hr"]]
    reads = tqdm(over(partial(read_record, detector), stems), "ptbxl", len(stems), unit="record", disable=None)
    for row, stem, read in zip(chosen.itertuples(), stems, reads, strict=True):
        if isinstance(read, str):
            skipped[stem.name] = read
            continue
        found, sums = read
        skipped |= {f"{stem.name} window {number}": reason for number, reason in found.skipped.items()}
        digest.update(sums)
        count = len(found.position)
        parts["signal"].append(found.signal)
        parts["label"].append(np.full(count, row.label))
        parts["record"].append(np.full(count, stem.name))
        parts["subject"].append(np.full(count, str(row.patient_id)))
        parts["sample"].append((found.position * DECIMATION).astype(np.int32))
        folds.append(np.full(count, row.strat_fold))
    require_some(len(folds), skipped, folder)
    fold = np.concatenate(folds)
    return Beats(
        **{name: np.concatenate(arrays) for name, arrays in parts.items()},
        split=np.where(fold == TEST_FOLD, "test", "train"),
        fold=fold,
        metadata=BeatMetadata(
            dataset="ptbxl",
            source="physionet",
            class_names=CLASS_NAMES,
            rate_hz=RATE_HZ,
            recipe=RECIPE.format(detector=detector, seconds=window_length(detector) / RATE_HZ),
            made_from={
                **{
                    name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
                    for name in ("ptbxl_database.csv", "scp_statements.csv")
                },
                f"{len(folds)} records": digest.hexdigest(),
            },
            skipped=skipped,
        ),
    )
