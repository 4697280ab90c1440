"""Counting after EC57, and the committed table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecglib import files
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.predict import DEFAULT_MODEL
from ecglib.predict.evaluation import GROSS, confusion, counted, evaluate_records, matched, readable, with_rates
from ecglib.predict.pretrained import load_pretrained

FOLDER = files.home() / "figures" / "predict"


@given(
    st.lists(st.integers(0, 5000), unique=True, max_size=40).map(sorted),
    st.lists(st.integers(0, 5000), unique=True, max_size=40).map(sorted),
)
def test_beats_are_matched_one_to_one(reference, found):
    reference, found = np.array(reference, dtype=int), np.array(found, dtype=int)
    (left, right), missed, extra = matched(reference, found, 54)
    assert len(left) == len(right) == len(set(left)) == len(set(right))
    assert (np.abs(reference[left] - found[right]) <= 54).all()
    assert sorted([*left, *missed]) == list(range(len(reference)))
    assert sorted([*right, *extra]) == list(range(len(found)))
    # nothing is left that could still be a pair
    assert all(
        np.abs(found[extra] - reference[one]).min(initial=99) > 54 or _taken(reference[one], found, extra)
        for one in missed
    )


def _taken(place: int, found: np.ndarray, extra: np.ndarray) -> bool:
    return np.abs(found - place).min() < np.abs(found[extra] - place).min(initial=99) + 1


def test_counts_of_a_small_example():
    rate_hz, start = 100.0, 30_000
    reference = start + np.arange(0, 1000, 100)
    label = np.array([0, 0, 2, 2, 1, 1, 3, 4, 0, 2])
    # two missed (the last V and an N), one extra V, one V called N, one S called V, F and Q called V, N called S
    found = np.concatenate([reference[:8] + 5, [start + 850]])
    classes = np.array([0, 1, 2, 0, 1, 2, 2, 2, 2])
    counts = counted(confusion(reference, label, found, classes, rate_hz))
    expected = {"qrs": (8, 2, 1), "veb": (1, 2, 2), "sveb": (1, 1, 1)}
    names = [f"{kind}_{name}" for kind in expected for name in ("tp", "fn", "fp")]
    assert counts == dict(zip(names, sum(expected.values(), ()), strict=True))
    rates = with_rates(pd.DataFrame([counts])).iloc[0]
    assert rates["veb_se"] == pytest.approx(1 / 3) and rates["veb_ppv"] == pytest.approx(1 / 3)
    # nothing of the first five minutes
    early = counted(confusion(reference - start, label, found - start, classes, rate_hz))
    assert set(early.values()) == {0}
    assert np.isnan(with_rates(pd.DataFrame([early])).iloc[0]["veb_se"])


def test_committed_table_is_whole_and_readable():
    tidy = pd.read_csv(FOLDER / "table_detection.csv", dtype={"record": str})
    assert tidy["model"].unique().tolist() == ["reduced-by-patient:late", DEFAULT_MODEL]
    for _, rows in tidy.groupby(["model", "beats"]):
        assert sorted(rows["record"]) == sorted([GROSS, *map(str, DE_CHAZAL_TEST)])
        counts = [name for name in tidy.columns if name.endswith(("_tp", "_fn", "_fp"))]
        assert (rows[rows["record"] != GROSS][counts].sum() == rows[rows["record"] == GROSS][counts].iloc[0]).all()
    again = with_rates(tidy.copy())
    pd.testing.assert_frame_equal(again.round(6), tidy, check_dtype=False)
    text = readable(tidy).to_markdown(index=False, disable_numparse=True) + "\n"
    assert (FOLDER / "table_detection.md").read_text(encoding="utf-8") == text


def test_committed_rows_are_those_of_the_records(mitdb):
    tidy = pd.read_csv(FOLDER / "table_detection.csv", dtype={"record": str})
    made = pd.concat([evaluate_records(mitdb, load_pretrained(model), [213]) for model in tidy["model"].unique()])
    stored = tidy[tidy["record"] == "213"].reset_index(drop=True)
    of_record = made[made["record"] == "213"].reset_index(drop=True)
    counts = [name for name in tidy.columns if name.endswith(("_tp", "_fn", "_fp"))]
    # rounding differs between processors, and a beat or two with it
    np.testing.assert_allclose(of_record[counts], stored[counts], atol=3)
