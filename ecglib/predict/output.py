"""A prediction as files: a table, annotations that other ECG software reads, a strip to look at.

Each file is complete or absent, and what stood in its place before stays where an error occurs.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Image

from ecglib.figures.strip import Strip, strip_figure
from ecglib.figures.style import save_figure
from ecglib.files import replacing
from ecglib.names import NOT_SURE, EcglibError
from ecglib.predict import NOTICE
from ecglib.predict.prediction import Prediction

# codes of the WFDB annotation format. Q, unclassifiable, stands for a beat of which nothing is said: "not sure", and
# what a model of two diagnoses finds; "?" is a beat that came while a detector learned, which programs may pass over
_SYMBOLS = {"N": "N", "S": "S", "V": "V", "F": "F", "Q": "Q"}
_UNTYPED, _QUALITY = "Q", "~"
# a figure of more rows of 10 s than this is no strip
LONGEST_STRIP_S = 600.0


def check_outputs(
    csv: Path | None, annotations: Path | None, strip: Path | None, start_s: float, seconds: float, length_s: float
) -> None:
    """Refuse what could not be written, before the work begins.

    Raises
    ------
    EcglibError
        A folder is missing, an annotation file has no usable name, or the strip lies outside of the lead.
    """
    for path in (csv, annotations, strip):
        if path is not None and not path.parent.is_dir():
            raise EcglibError(f"{path}: there is no folder {path.parent}; make it first")
        if path is not None and path.is_dir():
            raise EcglibError(f"{path}: is a folder; give the name of a file")
    if annotations is not None:
        annotation_name(annotations)
    if strip is not None and not 0 <= start_s < length_s:
        raise EcglibError(f"--from {start_s:g}: the lead has {length_s:.1f} s")
    if strip is not None and not 1 <= seconds <= LONGEST_STRIP_S:
        raise EcglibError(f"--seconds {seconds:g}: from 1 to {LONGEST_STRIP_S:g} can be drawn")


def annotation_name(path: Path) -> tuple[str, str]:
    """Record and annotator of an annotation file, as "100.ecglib" has them.

    Raises
    ------
    EcglibError
        The record has others than letters, digits, hyphens and underscores, or the annotator others than letters.
    """
    record, _, annotator = path.name.rpartition(".")
    if not re.fullmatch(r"[-\w]+", record, re.ASCII) or not re.fullmatch(r"[A-Za-z]+", annotator):
        raise EcglibError(f"{path}: annotations are called RECORD.ANNOTATOR, as 100.ecglib")
    if annotator in ("hea", "dat", "atr", "edf", "csv"):
        raise EcglibError(f"{path}: would stand for something else; choose another ending, as {record}.ecglib")
    return record, annotator


def write_table(prediction: Prediction, path: Path) -> None:
    """The table as CSV; times with three digits more than milliseconds, probabilities with four."""
    table = prediction.table.round({"time_s": 6, "rr_s": 6} | {f"p_{name}": 4 for name in prediction.class_names})
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def write_annotations(prediction: Prediction, path: Path) -> None:
    """Beats as a WFDB annotation file; where a stretch was excluded, "~" with the reason, and "~" where it ends.

    Raises
    ------
    EcglibError
        The name is none that `annotation_name` allows.
    """
    import wfdb

    record, annotator = annotation_name(path)
    table = prediction.table
    marks = [
        (int(sample), _SYMBOLS.get(label, _UNTYPED), "" if label in _SYMBOLS else label)
        for sample, label in zip(table["sample"], table["label"], strict=True)
    ]
    for one in prediction.excluded:
        marks.append((round(one.start_s * prediction.lead.rate_hz), _QUALITY, one.reason))
        marks.append((round(one.end_s * prediction.lead.rate_hz), _QUALITY, "usable"))
    marks.sort(key=lambda mark: mark[0])
    samples, symbols, notes = zip(*marks, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        rate_hz = prediction.lead.rate_hz
        wfdb.wrann(
            record, annotator, np.array(samples), list(symbols), aux_note=list(notes), fs=rate_hz, write_dir=folder
        )
        content = (Path(folder) / f"{record}.{annotator}").read_bytes()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def show_strip(prediction: Prediction, title: str, start_s: float = 0.0, seconds: float = 30.0) -> Image:
    """`draw_strip` as a picture for a notebook."""
    with tempfile.TemporaryDirectory() as folder:
        picture, _ = draw_strip(prediction, Path(folder) / "strip", title, start_s, seconds)
        return Image(picture.read_bytes(), width=760)


def draw_strip(
    prediction: Prediction, stem: Path, title: str, start_s: float = 0.0, seconds: float = 60.0
) -> list[Path]:
    """A part of the lead with its beats in colours, as ``<stem>.png`` and ``<stem>.svg``; the paths are returned."""
    lead = prediction.lead
    first = round(start_s * lead.rate_hz)
    last = min(lead.length, first + round(seconds * lead.rate_hz))
    signal = lead.read(first, last)
    if lead.per_mv:
        signal = signal / lead.per_mv
    table = prediction.table
    figure = strip_figure(
        Strip(
            signal=signal,
            rate_hz=lead.rate_hz,
            start_s=first / lead.rate_hz,
            in_mv=bool(lead.per_mv),
            peak_s=table["time_s"].to_numpy(),
            label=table["label"].to_numpy(),
            class_names=(*prediction.class_names, NOT_SURE),
            unusable=[(one.start_s, one.end_s, one.reason) for one in prediction.excluded],
        ),
        title,
        NOTICE,
    )
    return save_figure(figure, stem)
