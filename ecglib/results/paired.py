"""Several classifiers on the same beats: who is ahead, by how much, over beats, people and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecglib.metrics import BOOTSTRAP_SAMPLES, bootstrap, headline
from ecglib.names import HEADLINE_METRICS


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
    return bootstrap(beats, count[order] / beats, confusion, classes, samples, seed)


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
        of_people = bootstrap(len(names), share, units.reshape(len(cell), len(names), -1), classes)
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
