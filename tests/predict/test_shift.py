"""Another lead and other rates: the committed table, and one record against the table of detection."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef

from ecglib import files
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.predict.evaluation import GROSS
from ecglib.predict.shift import RATES_HZ, evaluate_shift, readable, summed

FOLDER = files.home() / "figures" / "predict"
COUNTS = [f"{kind}_{name}" for kind in ("veb", "sveb") for name in ("tp", "fn", "fp")]


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "table_shift.csv", dtype={"record": str})


def test_committed_table_is_whole_and_readable(committed):
    records = committed[committed["record"] != GROSS]
    assert set(records["record"]) == set(map(str, DE_CHAZAL_TEST))
    assert len(records) == len(DE_CHAZAL_TEST) * (2 + len(RATES_HZ))
    told = ["shift", "lead", "rate_hz", "record", *(name for name in committed if len(name) == 3 and "_" in name)]
    pd.testing.assert_frame_equal(summed(records[told]).round(6), committed, check_dtype=False)
    text = readable(committed).to_markdown(index=False, disable_numparse=True) + "\n"
    assert (FOLDER / "table_shift.md").read_text(encoding="utf-8") == text


def test_without_a_shift_it_is_the_table_of_detection(committed):
    detection = pd.read_csv(FOLDER / "table_detection.csv", dtype={"record": str})
    rows = detection.query("model == 'context' and beats == 'reference'").set_index("record")
    usual = committed[committed["shift"] == "none"].set_index("record")
    pd.testing.assert_frame_equal(usual.loc[rows.index, COUNTS], rows[COUNTS], check_dtype=False)


def test_mcc_is_scikit_learns(committed):
    row = committed[(committed["shift"] == "lead") & (committed["lead"] == GROSS)].iloc[0]
    cells = [(true, called, int(row[f"{true}_{called}"])) for true in "NSVF" for called in "NSV"]
    true, called = (np.repeat([cell[side] for cell in cells], [cell[2] for cell in cells]) for side in (0, 1))
    assert row["mcc"] == pytest.approx(matthews_corrcoef(true, called), abs=1e-6)


class Fixed:
    """Says which R peaks it is given; no class depends on the lead."""

    def __init__(self):
        self.asked = []

    def of_lead(self, lead, peaks, rr_s):
        self.asked.append((lead, peaks, rr_s))
        return np.eye(3)[np.zeros(len(peaks), dtype=int)]


def test_beats_are_the_same_at_every_rate(mitdb):
    model = Fixed()
    evaluate_shift(mitdb, model, records=(119,))
    rates = [lead.rate_hz for lead, _, _ in model.asked]
    assert rates == [360, 360, *RATES_HZ]
    for lead, peaks, rr_s in model.asked:
        np.testing.assert_allclose(peaks / lead.rate_hz, model.asked[0][1] / 360, atol=0.5 / lead.rate_hz + 1e-9)
        np.testing.assert_allclose(rr_s[1:], np.diff(peaks) / lead.rate_hz)
        signal = lead.read(0, lead.length)
        # the R peak is where it was
        at, around = peaks[500], round(0.1 * lead.rate_hz)
        if lead is not model.asked[1][0]:
            assert abs(signal[at - around : at + around].argmax() - around) <= 0.02 * lead.rate_hz
    assert not np.array_equal(model.asked[0][0].read(0, 3600), model.asked[1][0].read(0, 3600))
