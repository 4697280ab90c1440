"""S beats missed and false alarms: each is counted once in every grouping, and drawn as it is counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from ecglib.figures.new_people import error_figure
from ecglib.results import sveb_errors


@pytest.fixture(scope="module")
def tidy() -> pd.DataFrame:
    return sveb_errors.error_table()


@pytest.mark.parametrize("side", sveb_errors.SIDES)
def test_every_grouping_has_every_error_once(tidy, side):
    beats = sveb_errors.described(side)
    table = confusion_matrix(beats["label"], beats["called"], labels=range(4))
    expected = {"s": table[1].sum(), "found": table[1, 1], "called_n": table[1, 0], "called_v": table[1, 2]}
    sums = tidy[tidy["side"] == side].groupby("by")[[*expected, "false"]].sum()
    for name, value in expected.items():
        assert (sums[name] == value).all()
    assert (sums.drop("place")["false"] == table[[0, 2, 3], 1].sum()).all()


def test_rates_and_intervals(tidy):
    known = tidy[tidy["s"] > 0]
    np.testing.assert_allclose(known["se"], known["found"] / known["s"])
    assert ((known["se_low"] <= known["se"]) & (known["se"] <= known["se_high"])).all()
    # of one patient, there is nothing to draw anew
    one = known[known["patients"] == 1]
    assert (one["se_low"] == one["se_high"]).all() and len(one)


def test_an_s_beat_after_one_of_another_record_is_no_later_one():
    for side in sveb_errors.SIDES:
        beats = sveb_errors.described(side)
        first = beats.drop_duplicates("record")
        assert not (first["place"] == sveb_errors.LATER).any()
        later = np.flatnonzero(beats["place"] == sveb_errors.LATER)
        assert (beats["label"].to_numpy()[later - 1] == 1).all()


def test_readers_see_the_records_with_most_errors(tidy):
    rows = sveb_errors.shown(tidy)
    records = rows[rows["by"] == "record"]
    assert (records["s"] - records["found"] + records["false"] >= 20).all()
    assert {"203", "209", "222", "232"} <= set(records["group"])
    assert len(sveb_errors.error_summary(tidy)) == len(rows)


def test_figure_draws_the_counts(tidy):
    figure = error_figure(tidy, "x")
    for axes, side in zip(figure.axes, sveb_errors.SIDES, strict=True):
        rows = sveb_errors.shown(tidy)
        rows = rows[(rows["side"] == side) & ~rows["by"].isin(["all", "record"])]
        drawn = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
        np.testing.assert_array_equal(drawn["S called S"], rows["found"])
        np.testing.assert_array_equal(drawn["S called N"], rows["called_n"])
        np.testing.assert_array_equal(drawn["others called S"], np.where(rows["by"] == "place", 0, -rows["false"]))
