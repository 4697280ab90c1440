"""Paired comparisons against slow or closed forms, and the mirror: swapped classifiers, mirrored results."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ecglib.metrics import confusion_matrix, headline
from ecglib.names import HEADLINE_METRICS
from ecglib.results.paired import leads, mcnemar, over_seeds, resampled_metrics


def answers(seed: int, label: np.ndarray, right: float, classes: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.where(generator.random(len(label)) < right, label, generator.integers(0, classes, len(label)))


@pytest.mark.parametrize(("first_alone", "second_alone"), [(9, 2), (2, 9), (5, 5), (1, 0), (0, 0), (40, 17)])
def test_mcnemar_is_the_sum_of_binomial_tails(first_alone, second_alone):
    # both right, both wrong, one of the two right
    label = np.zeros(30 + first_alone + second_alone, dtype=int)
    first, second = label.copy(), label.copy()
    first[:10] = second[:10] = 1
    second[30 : 30 + first_alone] = 1
    first[30 + first_alone :] = 2
    found = mcnemar(label, first, second)
    assert (found.first_alone, found.second_alone) == (first_alone, second_alone)
    total, fewer = first_alone + second_alone, min(first_alone, second_alone)
    tails = 2 * sum(comb(total, k) for k in range(fewer + 1)) / 2**total
    assert found.p == pytest.approx(min(tails, 1))


def test_bootstrap_is_that_of_resampled_beats():
    generator = np.random.default_rng(0)
    label = generator.choice(4, 500, p=[0.6, 0.2, 0.15, 0.05])
    predicted = np.stack([answers(1, label, 0.9, 4), answers(2, label, 0.8, 4), answers(3, label, 0.8, 4)])
    drawn = resampled_metrics(label, predicted, 4, seed=5)
    rows = generator.integers(0, 500, (2000, 500))
    plain = [[headline(confusion_matrix(label[row], one[row], 4)) for row in rows] for one in predicted]
    for metric in HEADLINE_METRICS:
        slow = np.array([[values[metric] for values in of_one] for of_one in plain])  # (3, 2000)
        for a, b in ((0, 1), (1, 2)):
            found, expected = drawn[metric][a] - drawn[metric][b], slow[a] - slow[b]
            assert found.mean() == pytest.approx(expected.mean(), abs=0.004)
            assert found.std() == pytest.approx(expected.std(), rel=0.1)
            np.testing.assert_allclose(*(np.quantile(x, (0.025, 0.975)) for x in (found, expected)), atol=0.01)


def test_equal_classifiers_differ_in_no_draw():
    label = np.random.default_rng(0).integers(0, 3, 300)
    one = answers(1, label, 0.7, 3)
    drawn = resampled_metrics(label, np.stack([one, answers(2, label, 0.5, 3), one]), 3, samples=450)
    for values in drawn.values():
        assert values.shape == (3, 450)
        np.testing.assert_array_equal(values[0], values[2])
        assert values[0].std() > 0


def test_seeds_are_a_paired_t_test():
    late, other = np.random.default_rng(0).normal(0.9, 0.01, (2, 6))
    expected = stats.ttest_rel(late, other).confidence_interval(0.95)
    found = over_seeds(late - other)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.mean, found.deviation) == pytest.approx(((late - other).mean(), (late - other).std(ddof=1)))
    assert over_seeds([0.1]) is None


def test_leads_are_means_over_the_seeds_on_one_draw_of_beats():
    label = np.random.default_rng(0).integers(0, 3, 400)
    right = {"late": 0.9, "a": 0.8, "b": 0.9}
    predicted = {
        name: np.stack([answers(10 * index + seed, label, share, 3) for seed in range(3)])
        for index, (name, share) in enumerate(right.items())
    }
    found = leads(label, predicted, "late", ["a", "b"], 3)
    drawn = resampled_metrics(label, np.concatenate(list(predicted.values())), 3)
    for index, other in enumerate(("a", "b"), start=1):
        values = {name: [headline(confusion_matrix(label, one, 3)) for one in predicted[name]] for name in predicted}
        for metric in HEADLINE_METRICS:
            lead = found[other][metric]
            by_seed = [a[metric] - b[metric] for a, b in zip(values["late"], values[other], strict=True)]
            assert lead.value == pytest.approx(np.mean(by_seed)) == pytest.approx(lead.seeds.mean)
            mean = drawn[metric].reshape(3, 3, -1).mean(axis=1)
            assert (lead.low, lead.high) == pytest.approx(tuple(np.quantile(mean[0] - mean[index], (0.025, 0.975))))
            assert lead.low < lead.value < lead.high and len(lead.intervals) == 2
    # a tenth of the beats more, against none
    assert found["a"]["mcc"].low > 0 and found["b"]["mcc"].low < 0 < found["b"]["mcc"].high


@given(
    st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 60), st.integers(1, 3), st.floats(0, 1), st.floats(0, 1)
)
def test_swapping_mirrors_everything(seed, classes, beats, seeds, first_right, second_right):
    label = np.random.default_rng(seed).integers(0, classes, beats)
    predicted = {
        "a": np.stack([answers(seed + s, label, first_right, classes) for s in range(seeds)]),
        "b": np.stack([answers(seed + 10 + s, label, second_right, classes) for s in range(seeds)]),
    }
    forth, back = (leads(label, predicted, a, [b], classes)[b] for a, b in (("a", "b"), ("b", "a")))
    for metric in HEADLINE_METRICS:
        mine, other = forth[metric], back[metric]
        assert (mine.value, mine.low, mine.high) == pytest.approx((-other.value, -other.high, -other.low))
        if seeds > 1:
            there, mirrored = mine.seeds, other.seeds
            assert (there.mean, there.low, there.high) == pytest.approx((-mirrored.mean, -mirrored.high, -mirrored.low))
            assert there.deviation == pytest.approx(mirrored.deviation)
    one, two = (
        mcnemar(label, predicted["a"][0], predicted["b"][0]),
        mcnemar(label, predicted["b"][0], predicted["a"][0]),
    )
    assert (one.first_alone, one.second_alone, one.p) == (two.second_alone, two.first_alone, two.p)
