"""What a view hides is hidden, what it says it leaves is left, and a network can be shown it."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ecglib.data.synthetic import build
from ecglib.data.views import ROW_VIEWS, lengths, show


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return build("mitbih", 300).signal


@pytest.mark.parametrize("view", ROW_VIEWS)
def test_rows_keep_their_shape_and_range(rows, view):
    shown = show(view, rows)
    assert shown.shape == rows.shape and shown.dtype == np.float32
    assert (shown >= 0).all() and (shown <= 1).all() and shown.any(axis=1).all()
    np.testing.assert_array_equal(show(view, rows), shown)


def test_nothing_is_hidden_of_whole_rows(rows):
    assert show("whole", rows) is rows


def test_shuffled_rows_have_the_same_samples_in_no_order(rows):
    shuffled = show("shuffled", rows)
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), show("ordered", rows))
    # neighbours tell nothing of each other
    assert abs(np.corrcoef(shuffled[:, 1:].ravel(), shuffled[:, :-1].ravel())[0, 1]) < 0.2
    assert np.corrcoef(rows[:, 1:].ravel(), rows[:, :-1].ravel())[0, 1] > 0.8


def test_ranks_keep_the_order_and_the_length_and_no_level(rows):
    ranked, end = show("ranked", rows), lengths(rows)
    np.testing.assert_array_equal(lengths(ranked), end)
    for row, ranks, length in zip(rows[:20], ranked, end, strict=False):
        assert spearmanr(row[:length], ranks[:length]).statistic == pytest.approx(1)
        if len(set(row[:length])) == length:
            # without ties, whatever the levels were: 1/n, 2/n, ..., 1
            np.testing.assert_allclose(np.sort(ranks[:length]), np.arange(1, length + 1) / length, rtol=1e-6)
        assert ranks[:length].mean() == pytest.approx((length + 1) / (2 * length), rel=1e-5)


def test_a_row_ends_with_its_last_sample_that_is_not_zero():
    signal = np.array([[0, 1, 0, 0.5, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], dtype=np.float32)
    assert lengths(signal).tolist() == [4, 1, 6]
