"""Test metrics, all from the confusion matrix; one bootstrap for their intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecglib.names import HEADLINE_METRICS

BOOTSTRAP_SAMPLES = 2000
_DRAWS_AT_ONCE = 200
# among N, S, V, F, Q: the class, and those of whose beats it is no error to be called so (ANSI/AAMI EC57)
_ECTOPIC = {"sveb": (1, (4,)), "veb": (2, (3, 4))}


@dataclass(frozen=True)
class Metrics:
    """What a model reached on labelled beats; every value a fraction.

    Attributes
    ----------
    mcc : float
        Matthews correlation coefficient, Gorodkin's K-class form (doi 10.1016/j.compbiolchem.2004.09.006).
    f1_macro, f1_weighted : float
        Mean of the classes' F1, plain (the original paper) and weighted by their beats (the report).
    accuracy : float
    sensitivity, positive_predictive_value : list of float, length K
        By class; 0 where the class never occurs or is never predicted.
    confusion : list of list of int
        Rows true class, columns predicted class.
    interval : dict of str to (float, float)
        The 95 % bootstrap interval over test beats of each of `HEADLINE_METRICS`. It holds the trained
        model fixed, so it says nothing of another seed.
    """

    mcc: float
    f1_macro: float
    f1_weighted: float
    accuracy: float
    sensitivity: list[float]
    positive_predictive_value: list[float]
    confusion: list[list[int]]
    interval: dict[str, tuple[float, float]]


def confusion_matrix(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts by true class (rows) and predicted class (columns); shape (classes, classes)."""
    return np.bincount(label * classes + predicted, minlength=classes**2).reshape(classes, classes)


def ectopic(confusion: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True positives, false negatives, false positives and all negatives of ectopic beats, as ANSI/AAMI EC57 counts.

    Parameters
    ----------
    confusion : ndarray, shape (..., R, C)
        Rows true class, columns predicted class: N, S, V, F, Q as far as there are any, then what is no beat.
    kind : {"sveb", "veb"}

    Returns
    -------
    tuple of four ndarray, shape (...)
    """
    own, excused = _ECTOPIC[kind]
    others = [row for row in range(confusion.shape[-2]) if row != own and row not in excused]
    right = confusion[..., own, own]
    missed, false = confusion[..., own, :].sum(-1) - right, confusion[..., others, own].sum(-1)
    return right, missed, false, confusion[..., others, :].sum((-1, -2))


def evaluate(label: np.ndarray, scores: np.ndarray, seed: int = 0) -> Metrics:
    """Metrics of class scores.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    scores : ndarray of float, shape (N, K)
        The predicted class is the one with the highest score.
    seed : int
        Of the bootstrap.
    """
    classes = scores.shape[1]
    confusion = confusion_matrix(label, scores.argmax(axis=1), classes)
    values = headline(confusion)
    # drawing beats with replacement is drawing confusion cells
    cells = np.eye(classes**2)[None]
    resampled = bootstrap(len(label), confusion.ravel() / len(label), cells, classes, seed=seed)
    correct = np.diagonal(confusion)
    return Metrics(
        **{name: float(values[name]) for name in HEADLINE_METRICS},
        sensitivity=_ratio(correct, confusion.sum(axis=1)).tolist(),
        positive_predictive_value=_ratio(correct, confusion.sum(axis=0)).tolist(),
        confusion=confusion.tolist(),
        interval=_intervals(resampled),
    )


def expected_calibration_error(label: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """How far confidence and accuracy are apart: the mean over equal bins of confidence, weighted by their beats.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    probabilities : ndarray of float, shape (N, K)
    bins : int

    References
    ----------
    Guo et al. 2017, "On calibration of modern neural networks", section 2 (arXiv 1706.04599).
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == label
    place = np.ceil(confidence * bins).astype(np.int64).clip(1, bins) - 1
    gap = np.bincount(place, weights=correct - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(label))


def subject_intervals(
    label: np.ndarray, scores: np.ndarray, subject: np.ndarray, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of the headline metrics over subjects.

    Whole subjects are drawn with replacement, because beats of one person are alike: an interval over
    beats says how well these people are classified, this one how well people are.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    scores : ndarray of float, shape (N, K)
    subject : ndarray of str, shape (N,)
    seed : int
        Of the bootstrap.
    """
    classes = scores.shape[1]
    names, number = np.unique(subject, return_inverse=True)
    cell = (number * classes + label) * classes + scores.argmax(axis=1)
    confusion = np.bincount(cell, minlength=len(names) * classes**2).reshape(len(names), classes**2)
    share = np.full(len(names), 1 / len(names))
    return _intervals(bootstrap(len(names), share, confusion[None], classes, seed=seed))


def bootstrap(
    number: int,
    share: np.ndarray,
    confusion: np.ndarray,
    classes: int,
    samples: int = BOOTSTRAP_SAMPLES,
    seed: int = 0,
    measure: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None,
) -> dict[str, np.ndarray]:
    """The headline metrics of P classifiers over `samples` draws of `number` units, the same draws for all of them.

    A unit is what is drawn with replacement: beats of one kind, or a person. Drawing is a multinomial over the units.

    Parameters
    ----------
    number : int
    share : ndarray of float, shape (U,)
        How likely each unit is drawn.
    confusion : ndarray, shape (P, U, K * K)
        What one draw of a unit adds to each classifier's confusion matrix.
    measure : callable, optional
        What to make of confusion matrices, where it is not the headline metrics.

    Returns
    -------
    dict of str to ndarray, shape (P, samples)
    """
    generator = np.random.default_rng(seed)
    drawn = np.empty((len(confusion), samples, classes**2))
    for start in range(0, samples, _DRAWS_AT_ONCE):
        rows = slice(start, min(start + _DRAWS_AT_ONCE, samples))
        times = generator.multinomial(number, share, size=rows.stop - start).astype(float)
        for index, of_classifier in enumerate(confusion):
            drawn[index, rows] = times @ of_classifier
    return (measure or headline)(drawn.reshape(len(confusion), samples, classes, classes))


def _intervals(resampled: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each metric of one classifier."""
    return {
        name: tuple(float(bound) for bound in np.quantile(values, (0.025, 0.975))) for name, values in resampled.items()
    }


def headline(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """The four `HEADLINE_METRICS` of one or many confusion matrices.

    Parameters
    ----------
    confusion : ndarray of int, shape (..., K, K)

    Returns
    -------
    dict of str to ndarray, shape (...)
    """
    confusion = confusion.astype(np.float64)
    total = confusion.sum(axis=(-2, -1))
    true, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)  # (..., K) each
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    covariance = correct.sum(-1) * total - (true * predicted).sum(-1)
    spread = (total**2 - (true**2).sum(-1)) * (total**2 - (predicted**2).sum(-1))
    f1 = _ratio(2 * correct, true + predicted)
    return {
        "mcc": _ratio(covariance, np.sqrt(spread)),
        # a class that neither occurs nor is predicted has no F1, and scikit-learn leaves it out too
        "f1_macro": _ratio(f1.sum(-1), (true + predicted > 0).sum(-1)),
        "f1_weighted": _ratio((f1 * true).sum(-1), total),
        "accuracy": _ratio(correct.sum(-1), total),
    }


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Division that gives 0 for 0 / 0."""
    result = np.zeros(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)))
    return np.divide(numerator, denominator, out=result, where=np.asarray(denominator) > 0)
