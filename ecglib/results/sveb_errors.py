"""Where `context` misses S beats and takes others for S: by rhythm, prematurity, P wave, place in a run and record."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from ecglib.data.circumstances import HIDDEN, NOT_SEEN, SEEN
from ecglib.data.context import rows_of, unpaced_beats
from ecglib.designs.context import folder, read_answers
from ecglib.names import EcglibError
from ecglib.results.new_people import of_records, with_intervals

SIDES = {"DS1, left-out folds": "train", "DS2": "test"}
_S, _V = 1, 2
_ALL = "all beats"
_RHYTHMS = {
    "N": "normal sinus rhythm",
    "SBR": "sinus bradycardia",
    "AB": "atrial bigeminy",
    "SVTA": "supraventricular tachyarrhythmia",
    "NOD": "nodal rhythm",
    "AFIB": "atrial fibrillation or flutter",
    "AFL": "atrial fibrillation or flutter",
    "IVR": "idioventricular rhythm",
}
_OTHER = "other rhythm"
_EARLY = (0, 0.7, 0.8, 0.9, 1.0, np.inf)
_EARLY_TITLES = ("below 0.7", "0.7 to 0.8", "0.8 to 0.9", "0.9 to 1", "above 1")
FIRST, LATER = "S after another class", "S after S"
# of records, those are shown to readers that have so many misses or false alarms
_FEWEST = 20


@cache
def _circumstances() -> pd.DataFrame:
    path = folder() / "circumstances.parquet"
    if not path.is_file():
        raise EcglibError(f"{path}: no such file; make it with 'python -m ecglib.designs.ladder'")
    return pd.read_parquet(path)


def described(side: str) -> pd.DataFrame:
    """The beats of one of `SIDES` with what `context` calls them and the groups that they are counted in.

    Returns
    -------
    DataFrame
        Columns label, called (int), record and the groupings: all, rhythm, RR ratio (to the mean of the ten before),
        P wave, place (of S beats: after another or after an S beat; None for other beats).
    """
    beats = unpaced_beats()
    rows = rows_of(SIDES[side], beats)
    beats, found = beats.take(rows), _circumstances()[rows].reset_index(drop=True)
    after_s = (np.roll(beats.label, 1) == _S) & (np.roll(beats.record, 1) == beats.record)
    early = pd.cut(found["early"].astype(float), _EARLY, labels=_EARLY_TITLES, right=False)
    return pd.DataFrame(
        {
            "label": beats.label,
            "called": read_answers(SIDES[side])["context"].astype(np.int64),
            "all": _ALL,
            "rhythm": found["rhythm"].astype(str).map(_RHYTHMS).fillna(_OTHER),
            "RR ratio": early.astype(str),
            "P wave": found["p_wave"].astype(str),
            "place": np.where(beats.label == _S, np.where(after_s, LATER, FIRST), None),
            "record": beats.record,
        }
    )


def error_table() -> pd.DataFrame:
    """S beats found and missed, and false alarms, by circumstance, tidy.

    Returns
    -------
    DataFrame
        One row a side, grouping (``by``) and ``group``: columns patients and beats; s (S beats), found, called_n and
        called_v (those missed, by what they are called), false (others called S); se, ppv and fpr (fractions), the
        first two with ``_low`` and ``_high``, 95 % bootstrap over patients. Nothing false can be counted by place.
    """
    rows = []
    for side in SIDES:
        beats = described(side)
        for by in beats.columns[2:]:
            for group, part in beats.groupby(by, sort=False):
                rows.append({"side": side, "by": by, "group": group, **_counted(part)})
    tidy = pd.DataFrame(rows)
    tidy.loc[tidy["by"] == "place", ["ppv", "ppv_low", "ppv_high", "fpr"]] = np.nan
    return tidy.sort_values(["side", "by"], key=_order, kind="stable", ignore_index=True)


def _order(column: pd.Series) -> pd.Series:
    names = [*SIDES, "all", "rhythm", "RR ratio", "P wave", "place", "record"]
    return column.map(names.index)


def _counted(part: pd.DataFrame) -> dict[str, float]:
    s, called = part["label"] == _S, part["called"]
    counts = {
        "patients": part["record"].nunique(),
        "beats": len(part),
        "s": s.sum(),
        "found": (s & (called == _S)).sum(),
    }
    counts |= {"called_n": (s & (called == 0)).sum(), "called_v": (s & (called == _V)).sum()}
    counts |= {"false": (~s & (called == _S)).sum()}
    numbers = with_intervals(of_records(part["record"].to_numpy(), part["label"].to_numpy(), called.to_numpy()))
    wanted = [f"{name}{end}" for name in ("se", "ppv") for end in ("", "_low", "_high")]
    return {name: int(count) for name, count in counts.items()} | {
        name: numbers[f"sveb_{name}"] for name in [*wanted, "fpr"]
    }


def shown(tidy: pd.DataFrame) -> pd.DataFrame:
    """The rows that readers see: groups of both sides in one order, and the records with the most errors."""
    errors = tidy["s"] - tidy["found"] + tidy["false"]
    kept = tidy[(tidy["by"] != "record") & ((tidy["s"] > 0) | (tidy["false"] > 0)) | (errors >= _FEWEST)]
    titles = [_ALL, *dict.fromkeys(_RHYTHMS.values()), _OTHER, *_EARLY_TITLES, SEEN, NOT_SEEN, HIDDEN, FIRST, LATER]
    titles += sorted(tidy.loc[tidy["by"] == "record", "group"])
    kept = kept.assign(_side=_order(kept["side"]), _group=kept["group"].map(titles.index))
    return kept.sort_values(["_side", "_group"], ignore_index=True).drop(columns=["_side", "_group"])


def error_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`error_table` for readers, in percent; see `shown`."""
    rows = shown(tidy)
    table = rows[["side", "by", "group"]].copy()
    columns = {"patients": "patients", "s": "S beats", "found": "found", "called_n": "called N", "called_v": "called V"}
    for name, title in columns.items():
        table[title] = [f"{count:,}" for count in rows[name]]
    table["false alarms"] = [
        "–" if by == "place" else f"{count:,}" for by, count in zip(rows["by"], rows["false"], strict=True)
    ]
    for name, title in {"se": "sensitivity", "ppv": "PPV"}.items():
        bounds = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
        table[title] = [_percent(*one) for one in bounds]
    return table


def _percent(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return "–"
    # of one patient, there is nothing to draw anew
    return f"{100 * value:.1f}" + ("" if low == high else f" [{100 * low:.0f}, {100 * high:.0f}]")
