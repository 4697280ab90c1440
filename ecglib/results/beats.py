"""A few beats of each class, for figures: kept with the results, so that they can be shown without any records."""

from __future__ import annotations

import numpy as np

from ecglib.experiment import Experiment


def class_examples(experiment: Experiment, per_class: int = 4) -> dict[str, np.ndarray]:
    """The first beat of each class, and some of each at random.

    Returns
    -------
    dict of str to ndarray
        ``first`` float32 of shape (K, 187), the table's first beat of each class; ``chosen`` float32 of shape (M, 187)
        and ``chosen_label`` int64 of shape (M,), up to `per_class` of each class.
    """

    def choose() -> dict[str, np.ndarray]:
        label = experiment.beats.label
        generator = np.random.default_rng(0)
        rows = [np.flatnonzero(label == number) for number in range(len(experiment.class_names))]
        chosen = np.concatenate([generator.permutation(of_class)[:per_class] for of_class in rows])
        signal = experiment.data.signal
        first = np.stack([signal[of_class[0]] if len(of_class) else np.zeros(signal.shape[1]) for of_class in rows])
        return {"first": first.astype(np.float32), "chosen": signal[chosen], "chosen_label": label[chosen]}

    return experiment.derived("class_examples", choose)
