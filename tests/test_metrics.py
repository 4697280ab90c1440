"""Metrics against scikit-learn, and the bootstrap against resampling beats one by one."""

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given
from hypothesis import strategies as st

from ecglib.metrics import (
    BOOTSTRAP_SAMPLES,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    headline,
    subject_intervals,
)
from ecglib.names import HEADLINE_METRICS

# scikit-learn warns where a case has one class or leaves one out; such cases are wanted here
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:sklearn")


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    classes = draw(st.integers(2, 5))
    count = draw(st.integers(1, 60))
    of_class = st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)
    return np.array(draw(of_class)), np.array(draw(of_class)), classes


@given(labelled())
def test_metrics_equal_scikit_learn(case):
    label, predicted, classes = case
    values = headline(confusion_matrix(label, predicted, classes))
    assert values["mcc"] == pytest.approx(oracle.matthews_corrcoef(label, predicted), abs=1e-9)
    assert values["accuracy"] == pytest.approx(oracle.accuracy_score(label, predicted))
    for name, average in (("f1_macro", "macro"), ("f1_weighted", "weighted")):
        assert values[name] == pytest.approx(oracle.f1_score(label, predicted, average=average, zero_division=0))


@given(labelled())
def test_class_metrics_equal_scikit_learn(case):
    label, predicted, classes = case
    metrics = evaluate(label, np.eye(classes)[predicted])
    every = np.arange(classes)
    recall = oracle.recall_score(label, predicted, labels=every, average=None, zero_division=0)
    precision = oracle.precision_score(label, predicted, labels=every, average=None, zero_division=0)
    np.testing.assert_allclose(metrics.sensitivity, recall)
    np.testing.assert_allclose(metrics.positive_predictive_value, precision)
    np.testing.assert_array_equal(metrics.confusion, oracle.confusion_matrix(label, predicted, labels=every))


def test_bootstrap_interval_is_that_of_resampled_beats():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 3, 400)
    predicted = np.where(generator.random(400) < 0.8, label, generator.integers(0, 3, 400))
    interval = evaluate(label, np.eye(3)[predicted]).interval
    rows = generator.integers(0, 400, (2000, 400))
    plain = [headline(confusion_matrix(label[row], predicted[row], 3)) for row in rows]
    for name in HEADLINE_METRICS:
        expected = np.quantile([values[name] for values in plain], (0.025, 0.975))
        np.testing.assert_allclose(interval[name], expected, atol=0.01)


def test_perfect_predictions_have_every_metric_one():
    metrics = evaluate(np.array([0, 1, 2, 2]), np.eye(3)[[0, 1, 2, 2]])
    assert [getattr(metrics, name) for name in HEADLINE_METRICS] == [1, 1, 1, 1]
    assert metrics.interval["accuracy"] == (1, 1)


def test_subject_intervals_equal_a_plain_bootstrap():
    generator = np.random.default_rng(5)
    subject = generator.integers(0, 6, 300).astype(str)
    label, scores = generator.integers(0, 3, 300), generator.normal(size=(300, 3))
    scores[np.arange(300), label] += np.where(subject == "0", -3, 2)
    found = subject_intervals(label, scores, subject)

    # the same draws, by gluing the subjects' beats together
    counts = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), size=BOOTSTRAP_SAMPLES)
    accuracy = []
    for drawn in counts:
        rows = np.concatenate([np.flatnonzero(subject == str(s)) for s in range(6) for _ in range(drawn[s])])
        accuracy.append(oracle.accuracy_score(label[rows], scores[rows].argmax(1)))
    assert found["accuracy"] == pytest.approx(tuple(np.quantile(accuracy, (0.025, 0.975))))
    # one subject unlike the others makes it far wider than the interval over beats
    low, high = evaluate(label, scores).interval["accuracy"]
    assert found["accuracy"][1] - found["accuracy"][0] > 2 * (high - low)
    assert set(found) == set(HEADLINE_METRICS)


def test_calibration_error_of_bins_that_are_known():
    # confidence 0.9 with 9 of 10 right, confidence 0.6 with 1 of 2 right: 10 / 12 * 0 + 2 / 12 * 0.1
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 2)
    label = np.array([0] * 9 + [1] + [1, 0])
    assert expected_calibration_error(label, probabilities) == pytest.approx(0.1 * 2 / 12)
    assert expected_calibration_error(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(0.5)
