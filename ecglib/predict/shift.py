"""What another lead or sampling rate does to the design `context`: its R peaks given, the test records of MIT-BIH.

Every record has two signals; its first is MLII, by which `context` was tested, and its second another lead. At another
rate a record is the first signal resampled from 360 Hz, its R peaks rounded to the samples of that rate. Beats count
from minute 5 on, as EC57 asks and as in ``figures/predict/table_detection``, whose row of `context` with the
reference's beats is the first one here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.predict.beats import at_rate
from ecglib.predict.evaluation import (
    GROSS,
    Annotated,
    confusion,
    counted,
    readable_rates,
    with_rates,
    write_both,
)
from ecglib.predict.in_context import InContext
from ecglib.predict.lead import array_lead
from ecglib.predict.readers import open_lead
from ecglib.results.new_people import lead_in_mcc, statistics

RATES_HZ = (125.0, 250.0, 500.0, 1000.0)
SHIFTS = ("none", "lead", "rate")
_KEYS = ["shift", "lead", "rate_hz", "record"]
_CLASSES = "NSVFQ"
# beats by reference class and class called, as "S_V"; `context` calls nothing F or Q
_CELLS = [f"{true}_{called}" for true in _CLASSES for called in "NSV"]
# records that an interval over patients needs
_FEWEST = 10


def evaluate_shift(mitdb: Path, model: InContext, records: Iterable[int] = DE_CHAZAL_TEST) -> pd.DataFrame:
    """Classify the reference beats of each record as it is, by its other lead, and at other rates.

    Returns
    -------
    DataFrame
        One row a record, shift ("none", "lead", "rate"), lead and rate: shift, lead, rate_hz, record, and the numbers
        of beats by reference class and class called, as ``S_V``.
    """
    rows = []
    for record in records:
        annotated = Annotated.read(mitdb / str(record))
        beat = annotated.label >= 0
        given, label = annotated.sample[beat], annotated.label[beat]
        first, second = (open_lead(annotated.stem, number) for number in "12")
        asked = [("none", first, first.rate_hz), ("lead", second, first.rate_hz)]
        for shift, lead, rate_hz in [*asked, *(("rate", first, rate_hz) for rate_hz in RATES_HZ)]:
            signal = at_rate(lead.read(0, lead.length), lead.rate_hz, rate_hz)
            peaks = np.rint(given * (rate_hz / lead.rate_hz)).astype(np.int64).clip(0, len(signal) - 1)
            rr_s = np.diff(peaks / rate_hz, prepend=np.nan)
            classes = model.of_lead(array_lead(signal, rate_hz), peaks, rr_s).argmax(axis=1)
            cells = confusion(given, label, given, classes, lead.rate_hz)[: len(_CLASSES), :3]
            told = dict(zip(_KEYS, (shift, lead.name, rate_hz, str(record)), strict=True))
            rows.append(told | dict(zip(_CELLS, cells.ravel().tolist(), strict=True)))
    return pd.DataFrame(rows)


def summed(tidy: pd.DataFrame) -> pd.DataFrame:
    """`evaluate_shift` with rows over all records for each shift, first, and with rates.

    The other lead has one over all records, and one for each lead. MCC is over N, S, V and F; ``lost`` is how far it
    falls below that of the same records as they are, with ``lost_low`` and ``lost_high``, a 95 % interval over
    patients, where there are ten or more.
    """
    usual = tidy[tidy["shift"] == "none"].set_index("record")
    rows = []
    for shift in SHIFTS:
        of_shift = tidy[tidy["shift"] == shift]
        groups = [(*key, chosen) for key, chosen in of_shift.groupby(["lead", "rate_hz"])]
        if shift == "lead":
            groups.insert(0, (GROSS, of_shift["rate_hz"].iloc[0], of_shift))
        for lead, rate_hz, chosen in groups:
            row = dict(zip(_KEYS, (shift, lead, rate_hz, GROSS), strict=True)) | {"records": len(chosen)}
            rows.append(row | _numbers(chosen) | _lost(chosen, usual.loc[chosen["record"]]))
    for number in range(len(tidy)):
        rows.append(tidy.iloc[number][_KEYS].to_dict() | {"records": 1} | _numbers(tidy.iloc[[number]]))
    found = with_rates(pd.DataFrame(rows))
    # beats are given, not found
    return found.drop(columns=[name for name in found if name.startswith("qrs_")])


def _numbers(chosen: pd.DataFrame) -> dict[str, float]:
    """Cells, EC57's counts and the MCC of some rows together."""
    cells = chosen[_CELLS].sum()
    whole = np.zeros((6, 7), np.int64)
    whole[: len(_CLASSES), :3] = cells.to_numpy().reshape(-1, 3)
    return cells.to_dict() | counted(whole) | {"mcc": float(statistics(whole[:4, :4])["mcc"])}


def _lost(chosen: pd.DataFrame, usual: pd.DataFrame) -> dict[str, float]:
    found = lead_in_mcc(_confusions(usual), _confusions(chosen))
    enough = len(chosen) >= _FEWEST
    bounds = {f"lost_{end}": found[f"lead_{end}"] if enough else np.nan for end in ("low", "high")}
    return {"lost": found["lead"]} | bounds


def _confusions(rows: pd.DataFrame) -> np.ndarray:
    """Over N, S, V and F, shape (records, 4, 4)."""
    found = np.zeros((len(rows), 4, 4), np.int64)
    found[:, :, :3] = rows[_CELLS[:12]].to_numpy().reshape(-1, 4, 3)
    return found


def readable(tidy: pd.DataFrame) -> pd.DataFrame:
    """The rows over all records for readers, in percent."""
    gross = tidy[tidy["record"] == GROSS]
    shown = pd.DataFrame(
        {
            "signal": gross["lead"].replace(GROSS, "second of each record").where(gross["shift"] == "lead", "first"),
            "rate (Hz)": gross["rate_hz"].map("{:.0f}".format),
            "records": gross["records"].map("{:.0f}".format),
            "MCC": gross["mcc"].map(_percent),
        }
    )
    bounds = zip(gross["shift"], gross["lost"], gross["lost_low"], gross["lost_high"], strict=True)
    shown["MCC lost"] = [
        "–" if shift == "none" else _percent(lost) + ("" if np.isnan(low) else f" [{_percent(low)}, {_percent(high)}]")
        for shift, lost, low, high in bounds
    ]
    return pd.concat([shown, readable_rates(gross, ("veb", "sveb"))], axis=1)


def _percent(value: float) -> str:
    # 0.0 is no -0.0
    return f"{round(100 * value, 1) + 0:.1f}"


def publish_shift(mitdb: Path) -> list[Path]:
    """Evaluate on the test records of de Chazal et al. and write ``figures/predict/table_shift`` (.csv, .md)."""
    tidy = summed(evaluate_shift(mitdb, InContext()))
    return write_both("table_shift", tidy, readable(tidy))
