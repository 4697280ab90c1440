"""How well beats are found and classified in records with reference annotations, as detectors and classifiers are.

After ANSI/AAMI EC57, as de Chazal et al. (2004, doi 10.1109/TBME.2004.827359) apply it: the first five minutes of a
record do not count, a beat that is found belongs to the reference beat within 150 ms, and for ventricular (VEB) and
supraventricular ectopic beats (SVEB) sensitivity and positive predictive value follow from the beats of all classes. A
fusion or unclassifiable beat that is called ventricular, and an unclassifiable one that is called supraventricular,
is no error. Reference beats in stretches that were not classified count as missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib import files
from ecglib.data.cut import cut_beats
from ecglib.data.mitbih import CLASS_NAMES, LABEL_OF_SYMBOL, annotated_beats
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.metrics import ectopic
from ecglib.predict import DEFAULT_MODEL
from ecglib.predict.beats import RECIPES
from ecglib.predict.in_context import InContext
from ecglib.predict.lead import OpenLead
from ecglib.predict.prediction import predict_lead
from ecglib.predict.pretrained import Pretrained, load_pretrained
from ecglib.predict.readers import open_lead

MATCH_S = 0.15
FROM_S = 300.0
GROSS = "all"
# a beat that the other side does not have, and one without a class
_NONE, _UNCLASSIFIED = 5, 6
_TITLES = {"qrs": "QRS", "veb": "VEB", "sveb": "SVEB"}
_TABLE = Path("figures") / "predict" / "table_detection"
_KINDS = {"reference": "reference beats", "detected": "detected beats"}


@dataclass(frozen=True)
class Annotated:
    """A record of MIT-BIH with its reference beats.

    Attributes
    ----------
    stem : Path
    sample, label : ndarray of int, shape (A,)
        All annotations; label -1 for what is no beat.
    """

    stem: Path
    sample: np.ndarray
    label: np.ndarray

    @classmethod
    def read(cls, stem: Path) -> Annotated:
        """Read the annotations of a record."""
        import wfdb

        annotation = wfdb.rdann(str(stem), "atr")
        return cls(stem, annotation.sample, np.array([LABEL_OF_SYMBOL.get(s, -1) for s in annotation.symbol]))


def evaluate_records(
    folder: Path, model: Pretrained | InContext, records: Iterable[int] = DE_CHAZAL_TEST
) -> pd.DataFrame:
    """Find and classify the beats of records, once with the reference's R peaks and once with detected ones.

    Parameters
    ----------
    folder : Path
        Holds the records of MIT-BIH.
    model : Pretrained or InContext
        Of MIT-BIH.
    records : iterable of int

    Returns
    -------
    DataFrame
        One row a record and kind of beats, and one ("all") over the beats of all records. Columns: model, beats
        ("reference", "detected"), record; of QRS, VEB and SVEB tp, fn and fp (as ``veb_tp``), then sensitivity and
        positive predictive value as fractions (``veb_se``, ``veb_ppv``), NaN where there is nothing to count.
    """
    rows = []
    for record in records:
        annotated = Annotated.read(Path(folder) / str(record))
        # the recipe takes the first signal, whatever its lead
        lead = open_lead(annotated.stem, "1")
        rate_hz, beat = lead.rate_hz, annotated.label >= 0
        reference, label = annotated.sample[beat], annotated.label[beat]
        prediction = predict_lead(lead, model)
        called = {
            "reference": (reference, _reference_classes(annotated, lead, model)),
            "detected": (prediction.r_peaks, classes_at(prediction.r_peaks, prediction.table)),
        }
        for kind, (found, classes) in called.items():
            table = confusion(reference, label, found, classes, rate_hz)
            rows.append({"model": model.name, "beats": kind, "record": str(record), **counted(table)})
    tidy = pd.DataFrame(rows)
    gross = tidy.drop(columns="record").groupby(["model", "beats"], sort=False).sum().reset_index()
    return with_rates(pd.concat([gross.assign(record=GROSS), tidy], ignore_index=True)[tidy.columns])


def confusion(
    reference: np.ndarray, label: np.ndarray, found: np.ndarray, classes: np.ndarray, rate_hz: float
) -> np.ndarray:
    """Beats by reference class (rows: N, S, V, F, Q, none) and by class called (columns: the same, unclassified).

    Parameters
    ----------
    reference, found : ndarray of int
        R peaks, ascending.
    label, classes : ndarray of int
        Their classes, 0 .. 4, and 6 for what is found and not classified.
    rate_hz : float
    """
    pairs, missed, extra = matched(reference, found, MATCH_S * rate_hz)
    start = FROM_S * rate_hz
    table = np.zeros((6, 7), dtype=np.int64)
    here = reference[pairs[0]] >= start
    np.add.at(table, (label[pairs[0]][here], classes[pairs[1]][here]), 1)
    np.add.at(table, (label[missed][reference[missed] >= start], _NONE), 1)
    np.add.at(table, (_NONE, classes[extra][found[extra] >= start]), 1)
    return table


def matched(
    reference: np.ndarray, found: np.ndarray, reach: float
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Pairs of beats that are each other's nearest and no further apart than `reach`; then the others of each side."""
    to_found, to_reference = _nearest(reference, found), _nearest(found, reference)
    if len(reference) and len(found):
        own = np.arange(len(reference))
        mutual = (to_reference[to_found] == own) & (np.abs(found[to_found] - reference) <= reach)
        left, right = np.flatnonzero(mutual), to_found[mutual]
    else:
        left = right = np.empty(0, dtype=np.int64)
    missed = np.setdiff1d(np.arange(len(reference)), left)
    return (left, right), missed, np.setdiff1d(np.arange(len(found)), right)


def _nearest(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The position in `others` of what is nearest to each place."""
    if len(others) == 0:
        return np.empty(0, dtype=np.int64)
    after = np.searchsorted(others, places).clip(0, len(others) - 1)
    before = (after - 1).clip(0)
    return np.where(np.abs(others[before] - places) <= np.abs(others[after] - places), before, after)


def counted(table: np.ndarray) -> dict[str, int]:
    """True positives, false negatives and false positives of QRS, VEB and SVEB in a `confusion`."""
    missed = table[:_NONE, _NONE].sum()
    found = {"qrs": (table[:_NONE].sum() - missed, missed, table[_NONE].sum())}
    found |= {kind: ectopic(table, kind)[:3] for kind in ("veb", "sveb")}
    return {
        f"{kind}_{name}": int(count)
        for kind, counts in found.items()
        for name, count in zip(("tp", "fn", "fp"), counts, strict=True)
    }


def with_rates(tidy: pd.DataFrame) -> pd.DataFrame:
    """The counts with sensitivity and positive predictive value."""
    for kind in _TITLES:
        tp, fn, fp = (tidy[f"{kind}_{name}"] for name in ("tp", "fn", "fp"))
        tidy[f"{kind}_se"] = tp / (tp + fn).where(tp + fn > 0)
        tidy[f"{kind}_ppv"] = tp / (tp + fp).where(tp + fp > 0)
    return tidy


def _reference_classes(annotated: Annotated, lead: OpenLead, model: Pretrained | InContext) -> np.ndarray:
    """What the model calls the reference beats; the record's last one is no beat of the papers' recipe."""
    if isinstance(model, InContext):
        peaks = annotated.sample[annotated.label >= 0]
        return model.of_lead(lead, peaks, np.diff(peaks / lead.rate_hz, prepend=np.nan)).argmax(axis=1)
    signal = lead.read(0, lead.length)
    position, length = annotated_beats(annotated.sample, annotated.label, len(signal))
    beats = cut_beats(signal, annotated.sample[position], length, RECIPES["mitbih"].step)
    classes = np.full(len(annotated.label), _UNCLASSIFIED)
    classes[position] = model.probabilities(beats).argmax(axis=1)
    return classes[annotated.label >= 0]


def classes_at(peaks: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    classes = np.full(len(peaks), _UNCLASSIFIED)
    number = table["label"].map(CLASS_NAMES.index).to_numpy(np.int64)
    classes[np.searchsorted(peaks, table["sample"].to_numpy())] = number
    return classes


def readable(tidy: pd.DataFrame) -> pd.DataFrame:
    """The table for readers: percent, and the numbers of reference beats that they are of."""
    shown = pd.DataFrame({"model": tidy["model"], "beats": tidy["beats"].map(_KINDS), "record": tidy["record"]})
    shown = pd.concat([shown, readable_rates(tidy)], axis=1)
    # reference beats are not looked for
    given = tidy["beats"] == "reference"
    shown.loc[given, ["QRS Se", "QRS PPV"]] = "–"
    return shown


def readable_rates(tidy: pd.DataFrame, kinds: Iterable[str] = tuple(_TITLES)) -> pd.DataFrame:
    """Numbers of reference beats, sensitivity and positive predictive value in percent."""
    shown = {}
    for kind in kinds:
        title = _TITLES[kind]
        shown[title] = [f"{number:,}" for number in tidy[f"{kind}_tp"] + tidy[f"{kind}_fn"]]
        for name, heading in {"se": "Se", "ppv": "PPV"}.items():
            values = tidy[f"{kind}_{name}"]
            shown[f"{title} {heading}"] = ["–" if np.isnan(value) else f"{100 * value:.1f}" for value in values]
    return pd.DataFrame(shown, index=tidy.index)


def on_new_people(model: str) -> str:
    """What the committed table says of a model, in one line; for one that was never tested so, that it was not.

    Parameters
    ----------
    model : str
        As "reduced-by-patient:late".
    """
    path = files.home() / _TABLE
    tidy = pd.read_csv(path.with_suffix(".csv")) if path.with_suffix(".csv").is_file() else pd.DataFrame({"model": []})
    rows = tidy[tidy["model"] == model]
    if rows.empty:
        return "how well it does on people whom it was not trained on, by beats that it finds itself, was not measured"
    row = rows[(rows["beats"] == "detected") & (rows["record"] == GROSS)].iloc[0]
    parts = [f"{title} {row[f'{kind}_se']:.1%} and {row[f'{kind}_ppv']:.1%}" for kind, title in _TITLES.items()]
    return f"on {len(DE_CHAZAL_TEST)} records of other people, sensitivity and predictive value: {', '.join(parts)}"


def publish_evaluation(folder: Path, model: str = DEFAULT_MODEL) -> list[Path]:
    """Evaluate on the test records of de Chazal et al., into ``figures/predict/table_detection`` (.csv, .md).

    What the table says of other models stays.

    Parameters
    ----------
    folder : Path
        Holds the records of MIT-BIH.
    model : str
        See `ecglib.predict.pretrained.load_pretrained`.
    """
    tidy, path = evaluate_records(folder, load_pretrained(model)), files.home() / _TABLE.with_suffix(".csv")
    if path.is_file():
        others = pd.read_csv(path, dtype={"record": str})
        tidy = pd.concat([others[others["model"] != tidy["model"].iloc[0]], tidy], ignore_index=True)
    return write_both(_TABLE.name, tidy, readable(tidy))


def write_both(name: str, tidy: pd.DataFrame, shown: pd.DataFrame) -> list[Path]:
    """Write a table into ``figures/predict``, for machines (.csv) and for readers (.md)."""
    stem = files.figures(_TABLE.parent.name) / name
    contents = {
        stem.with_suffix(".csv"): tidy.round(6).to_csv(index=False),
        stem.with_suffix(".md"): shown.to_markdown(index=False, disable_numparse=True) + "\n",
    }
    for path, text in contents.items():
        with files.replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return list(contents)
