"""Beats of the PTB Diagnostic ECG Database (Bousseljot et al. 1995, doi 10.13026/C28C71), normal against abnormal.

The Kaggle files (Kachuee et al. 2018, doi 10.1109/ICHI.2018.00092) carry neither record nor patient, and which
records and windows their 14,552 beats come from is not published. The recipe below is theirs as far as genuine
rows show it; it makes beats of the same kind, not the same beats. What 200 genuine rows say: every one spans 0 to
1 exactly, so the range is the crop's; lengths are int(1.2 T) of whole T but for a few (3 of 200 only with half of
a sample; 33 were to be expected of a mean); the first sample is above 0.9 in 197, as after a threshold; it is one
sample before the highest in 22, so the starts are not always local maxima. Three rows could be found in the
records. All R peaks of 10 s give their starts and lengths, the described local maxima above 0.9 of 10 s do not;
local maxima above 0.9 of windows of 5 s (625 samples) do too.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ecglib.data.cut import Over, RecordBeats, UnusableRecord, read_lead, record_beats, require_some, window_length
from ecglib.data.splits import kaggle_split
from ecglib.data.table import BeatMetadata, Beats
from ecglib.names import DATASETS, Detector, EcglibError

CLASS_NAMES = DATASETS["ptb"].class_names
NORMAL, ABNORMAL = 0, 1
RECORD_RATE_HZ = 1000.0
DECIMATION = 8
# every 8th of the database's 1000 samples a second
RATE_HZ = 125.0
LEAD = "ii"
DIAGNOSIS_COMMENT = "Reason for admission:"
LABEL_OF_DIAGNOSIS = {"healthy control": NORMAL, "myocardial infarction": ABNORMAL}
RECIPE = (
    "lead II in ADC units, every 8th sample, {detector} R peaks, int(1.2 median RR of {seconds:g} s) long, min-max, "
    "187 samples; normal: healthy control, abnormal: {abnormal}"
)


def published_sums() -> dict[str, str]:
    """File name to SHA-256 for ``RECORDS`` and the 549 records (.dat, .hea), as PhysioNet publishes them."""
    lines = resources.files("ecglib.data").joinpath("ptbdb.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def diagnosis(comments: list[str]) -> str:
    """The reason for admission among a header's comment lines, "" where it is missing or "n/a"."""
    for comment in comments:
        start, found, reason = comment.partition(DIAGNOSIS_COMMENT)
        if found and not start.strip():
            reason = reason.strip()
            return "" if reason.lower() == "n/a" else reason
    return ""


def classify(comments: list[str], other_diagnoses: bool = False) -> int:
    """The class of a record: 0 normal, 1 abnormal.

    Parameters
    ----------
    comments : list of str
        The header's comment lines.
    other_diagnoses : bool
        Whether a diagnosis other than myocardial infarction is abnormal too, or in neither class.

    Raises
    ------
    UnusableRecord
        The record is in neither class.
    """
    reason = diagnosis(comments)
    if not reason:
        raise UnusableRecord("no diagnosis")
    label = LABEL_OF_DIAGNOSIS.get(reason.lower())
    if label is None and not other_diagnoses:
        raise UnusableRecord(f"diagnosis {reason} is neither healthy control nor myocardial infarction")
    return ABNORMAL if label is None else label


def record_names(folder: str | Path) -> list[str]:
    """The records that the file ``RECORDS`` lists, e.g. "patient001/s0010_re", in its order.

    Raises
    ------
    EcglibError
        The file is missing, cannot be read, lists nothing, or has a line that is no path of patient and record.
    """
    path = Path(folder) / "RECORDS"
    if not path.is_file():
        raise EcglibError(f"{path}: missing; point --raw at a ptbdb folder, or leave it out to download")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise EcglibError(f"{path}: cannot be read ({reason}); get it again") from None
    for number, line in enumerate(lines, start=1):
        # the folder is the subject: nobody may be there under two names
        if line.strip() and not re.fullmatch(r"\w+/\w+", line.strip(), re.ASCII):
            raise EcglibError(f"{path}: line {number}: {line[:80]!r} is no 'patient001/s0010_re'; get it again")
    names = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise EcglibError(f"{path}: lists no record; get it again")
    return names


def _read_record(
    folder: Path, detector: Detector, other_diagnoses: bool, name: str
) -> tuple[int, RecordBeats, dict[str, str]] | str:
    """Label, beats, and file name to SHA-256 of one record; or why it cannot be used."""
    stem = folder / name
    try:
        lead = read_lead(stem, LEAD, RECORD_RATE_HZ)
        label = classify(lead.comments, other_diagnoses)
        # the Kaggle files' beats are decimated without a filter
        found = record_beats(lead.signal[::DECIMATION], detector)
    except UnusableRecord as reason:
        return str(reason)
    files = {name + ending: stem.with_name(stem.name + ending) for ending in (".dat", ".hea")}
    return label, found, {file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in files.items()}


def build(
    folder: str | Path, detector: Detector = "neurokit", other_diagnoses: bool = False, over: Over = map
) -> Beats:
    """Make the beat table from a folder laid out as PhysioNet's ``ptbdb`` 1.0.0.

    The split is `ecglib.data.splits.kaggle_split`, which deals beats, not subjects. What was left out
    stands with its reason in the metadata's ``skipped``, a record as "patient001/s0010_re" and a
    window that gave no beat as "patient001/s0010_re window 2" (counted from 0).

    Parameters
    ----------
    folder : path
        Holds ``RECORDS`` and the records that it lists; all of the database or a part.
    detector : {"neurokit", "threshold"}
        See `ecglib.data.cut.r_peaks`.
    other_diagnoses : bool
        Whether records of other diagnoses than myocardial infarction count as abnormal, or are left
        out. Those without a diagnosis are always left out.
    over : callable
        The built-in `map`, or one that spreads its work, see `ecglib.data.spark`.

    Raises
    ------
    EcglibError
        ``RECORDS`` is missing, cannot be read or lists nothing, no record can be used, or the
        detector is unknown.
    """
    folder = Path(folder)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("signal", "label", "record", "subject", "sample")}
    used, skipped = {}, {}
    names = record_names(folder)
    reads = over(partial(_read_record, folder, detector, other_diagnoses), names)
    for name, read in zip(names, tqdm(reads, "ptb", len(names), unit="record", disable=None), strict=True):
        if isinstance(read, str):
            skipped[name] = read
            continue
        label, found, sums = read
        used |= sums
        skipped |= {f"{name} window {number}": reason for number, reason in found.skipped.items()}
        count = len(found.position)
        parts["signal"].append(found.signal)
        parts["label"].append(np.full(count, label))
        parts["record"].append(np.full(count, name))
        parts["subject"].append(np.full(count, name.partition("/")[0]))
        parts["sample"].append((found.position * DECIMATION).astype(np.int32))
    count = len(parts["signal"])
    require_some(count, skipped, folder)
    columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(used.items()))
    return Beats(
        **columns,
        split=kaggle_split(columns["label"]),
        metadata=BeatMetadata(
            dataset="ptb",
            source="physionet",
            class_names=CLASS_NAMES,
            rate_hz=RATE_HZ,
            recipe=RECIPE.format(
                detector=detector,
                seconds=window_length(detector) / RATE_HZ,
                abnormal="any other diagnosis" if other_diagnoses else "myocardial infarction",
            ),
            made_from={
                "RECORDS": hashlib.sha256((folder / "RECORDS").read_bytes()).hexdigest(),
                "records": str(count),
                "records_sha256": hashlib.sha256(listed.encode()).hexdigest(),
                "detector": detector,
            },
            skipped=skipped,
        ),
    )
