"""Test metrics, all from the confusion matrix; one bootstrap for their intervals; two classifiers on the same beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecglib.names import HEADLINE_METRICS

BOOTSTRAP_SAMPLES = 2000
_DRAWS_AT_ONCE = 200


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
    resampled = _bootstrap(len(label), confusion.ravel() / len(label), cells, classes, seed=seed)
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
    return _intervals(_bootstrap(len(names), share, confusion[None], classes, seed=seed))


def _bootstrap(
    number: int, share: np.ndarray, confusion: np.ndarray, classes: int, samples: int = BOOTSTRAP_SAMPLES, seed: int = 0
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
    return headline(drawn.reshape(len(confusion), samples, classes, classes))


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


def resampled_metrics(
    label: np.ndarray, predicted: np.ndarray, classes: int, samples: int = BOOTSTRAP_SAMPLES, seed: int = 0
) -> dict[str, np.ndarray]:
    """The headline metrics of several classifiers on resampled test beats, the same draws for all of them.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    predicted : ndarray of int, shape (P, N)
        Each classifier's class of each beat.
    classes : int
    samples : int
        How often N beats are drawn with replacement.
    seed : int

    Returns
    -------
    dict of str to ndarray, shape (P, samples)
        By name of the metric. A difference of two rows is a draw of the paired difference.
    """
    beats, cells = len(label), classes**2
    # Beats of one label and the same answers are of a kind, and drawing beats is drawing kinds from a multinomial.
    # They stand in the order of their first beat, so that the draws do not depend on the classifiers' order.
    kinds, first, count = np.unique(np.stack([label, *predicted]), axis=1, return_index=True, return_counts=True)
    order = np.argsort(first)
    true, *answers = kinds[:, order]  # (M,) each
    one_hot = np.eye(cells)
    confusion = np.stack([one_hot[true * classes + answer] for answer in answers])  # (P, M, K * K)
    return _bootstrap(beats, count[order] / beats, confusion, classes, samples, seed)


@dataclass(frozen=True)
class McNemar:
    """Beats that just one of two classifiers gets right.

    Attributes
    ----------
    first_alone, second_alone : int
        How many beats the first, and the second, alone gets right.
    p : float
        McNemar's exact test, two-sided: how likely beats that fall to either by the toss of a coin are divided as
        unevenly as these, or more so (Psychometrika 12, 153-157, doi 10.1007/BF02295996).
    """

    first_alone: int
    second_alone: int
    p: float


def mcnemar(label: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemar:
    """`McNemar` of two classifiers' answers, each of shape (N,)."""
    first_right, second_right = first == label, second == label
    # imported where it is used, here and below: it takes half a second
    from scipy import stats

    alone = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    p = float(stats.binomtest(alone[0], sum(alone)).pvalue) if any(alone) else 1.0
    return McNemar(*alone, p)


@dataclass(frozen=True)
class OverSeeds:
    """Mean of paired differences over R seeds, their sample deviation, and Student's 95 % interval of the mean."""

    mean: float
    deviation: float
    low: float
    high: float


def over_seeds(differences: Sequence[float]) -> OverSeeds | None:
    """`OverSeeds` of one difference a seed; None for fewer than two."""
    count = len(differences)
    if count < 2:
        return None
    from scipy import stats

    mean, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    reach = float(stats.t.ppf(0.975, count - 1)) * deviation / count**0.5
    return OverSeeds(mean, deviation, mean - reach, mean + reach)


@dataclass(frozen=True)
class Lead:
    """By how much one model is ahead of another in one metric, as a fraction.

    Attributes
    ----------
    value : float
        Mean over the seeds.
    low, high : float
        Paired 95 % bootstrap interval of `value` over the test beats; models and seeds stay fixed.
    people_low, people_high : float
        The same over people, drawn with all of their beats; NaN where nobody knows whose the beats are.
    seeds : OverSeeds or None
        What differs between seeds, where there are several.
    """

    value: float
    low: float
    high: float
    people_low: float
    people_high: float
    seeds: OverSeeds | None

    @property
    def intervals(self) -> list[tuple[float, float]]:
        """All that there are: over beats, over people, and over seeds."""
        people = [] if np.isnan(self.people_low) else [(self.people_low, self.people_high)]
        return [(self.low, self.high), *people] + ([(self.seeds.low, self.seeds.high)] if self.seeds else [])


def leads(
    label: np.ndarray,
    predicted: dict[str, np.ndarray],
    first: str,
    others: Sequence[str],
    classes: int,
    subject: np.ndarray | None = None,
) -> dict[str, dict[str, Lead]]:
    """How far one model is ahead of others in each metric, all of them on the same draws of test beats.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
    predicted : dict of str to ndarray of int, shape (R, N)
        By model, the r-th row under the r-th seed.
    first : str
        The model that leads, or should.
    others : sequence of str
    classes : int
    subject : ndarray of str, shape (N,), optional
        Whose each beat is, for the intervals over people.

    Returns
    -------
    dict of str to dict of str to Lead
        By other model, then by metric.
    """
    models = [first, *others]
    stacked = np.concatenate([predicted[model] for model in models])  # (models * R, N)
    drawn = resampled_metrics(label, stacked, classes)
    cell = label * classes + stacked
    confusion = np.stack([np.bincount(row, minlength=classes**2) for row in cell]).reshape(-1, classes, classes)
    found = headline(confusion)
    of_people = None
    if subject is not None and (subject != "").all():
        names, number = np.unique(subject, return_inverse=True)
        units = np.stack([np.bincount(number * classes**2 + row, minlength=len(names) * classes**2) for row in cell])
        share = np.full(len(names), 1 / len(names))
        of_people = _bootstrap(len(names), share, units.reshape(len(cell), len(names), -1), classes)
    result: dict[str, dict[str, Lead]] = {other: {} for other in others}
    for metric in HEADLINE_METRICS:
        value = found[metric].reshape(len(models), -1)  # (models, R)
        draws = drawn[metric].reshape(*value.shape, -1).mean(axis=1)  # (models, samples)
        people = None if of_people is None else of_people[metric].reshape(*value.shape, -1).mean(axis=1)
        for index, other in enumerate(others, start=1):
            low, high = np.quantile(draws[0] - draws[index], (0.025, 0.975))
            difference = value[0] - value[index]  # (R,)
            bounds = (np.nan, np.nan)
            if people is not None:
                bounds = np.quantile(people[0] - people[index], (0.025, 0.975))
            ends = (float(end) for end in (low, high, *bounds))
            result[other][metric] = Lead(float(difference.mean()), *ends, over_seeds(difference))
    return result
