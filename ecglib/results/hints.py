"""What a beat's row tells without its shape: plain classifiers on whole rows, and on rows of which something is hidden.

A row starts at an R peak, holds the beat and the R peak after it, and ends in zeros: its length tells the RR interval.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.metrics import evaluate, subject_intervals
from ecglib.names import HEADLINE_METRICS

WHOLE = "the whole row"


def lengths(signal: np.ndarray) -> np.ndarray:
    """How many samples of each row come before its zeros, shape (N,)."""
    used = signal[:, ::-1] > 0
    return signal.shape[1] - used.argmax(axis=1)


def _length_alone(signal: np.ndarray) -> np.ndarray:
    return lengths(signal)[:, None].astype(np.float32)


def _length_hidden(signal: np.ndarray) -> np.ndarray:
    # each row stretched to all of its width, so that none ends earlier than another
    width = signal.shape[1]
    place, sample = np.linspace(0, 1, width), np.arange(width)
    return np.stack(
        [np.interp(place * (end - 1), sample, row) for end, row in zip(lengths(signal), signal, strict=True)]
    )


def _next_beat_cut(signal: np.ndarray) -> np.ndarray:
    # a row is about 1.2 RR intervals long: two thirds of it end at 0.8 of one, before the next beat's P wave
    kept = np.arange(signal.shape[1]) < (2 * lengths(signal) / 3)[:, None]
    return np.where(kept, signal, 0)


def _order_hidden(signal: np.ndarray) -> np.ndarray:
    return np.sort(signal, axis=1)


VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    WHOLE: lambda signal: signal,
    "without its length (stretched)": _length_hidden,
    "without the next beat (last third zero)": _next_beat_cut,
    "its samples in order of size": _order_hidden,
    "its length alone": _length_alone,
}
TREES, LOGISTIC, RANDOM_BRANCH = "boosted trees", "logistic regression", "untrained 1D branch, logistic regression"


def _classes_of(experiment: Experiment, classifier: str, view: str) -> np.ndarray:
    """The class that a classifier, trained on one view of the training rows, gives each test row, shape (T,)."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = (VIEWS[view](experiment.data.signal_of(part)) for part in ("train", "test"))
    if classifier == RANDOM_BRANCH:
        train, test = _untrained_features(experiment, train), _untrained_features(experiment, test)
    if classifier == TREES:
        model = HistGradientBoostingClassifier(early_stopping=False, random_state=experiment.seed)
    else:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(train, experiment.data.label_of("train"))
    return model.predict(test).astype(np.uint8)


def _untrained_features(experiment: Experiment, signal: np.ndarray) -> np.ndarray:
    import torch

    model = experiment.untrained("cnn_transformer").eval()
    with torch.inference_mode():
        return torch.cat([model(part)[1] for part in torch.from_numpy(signal).split(512)]).numpy()


def hint_table(experiment: Experiment) -> pd.DataFrame:
    """Plain classifiers on the experiment's rows, and the trees on rows of which something is hidden, tidy.

    They are trained without class weights on the training beats, and what they answer is kept, so that it can be shown
    without any records.

    Returns
    -------
    DataFrame
        Columns classifier, sees; each headline metric, and the bounds of its 95 % bootstrap interval over test beats
        (``_low``, ``_high``) and over patients (``_people_low``, ``_people_high``).
    """
    asked = [(LOGISTIC, WHOLE), (RANDOM_BRANCH, WHOLE), *((TREES, view) for view in VIEWS)]
    kept = experiment.derived(
        "hints", lambda: {f"{one}|{view}": _classes_of(experiment, one, view) for one, view in asked}
    )
    test, classes = experiment.split.test, len(experiment.class_names)
    label, subject = experiment.beats.label[test], experiment.beats.subject[test]
    rows = []
    for classifier, view in asked:
        scores = np.eye(classes)[kept[f"{classifier}|{view}"]]
        metrics, people = evaluate(label, scores), subject_intervals(label, scores, subject)
        row: dict[str, object] = {"classifier": classifier, "sees": view}
        for name in HEADLINE_METRICS:
            row[name] = getattr(metrics, name)
            row[f"{name}_low"], row[f"{name}_high"] = metrics.interval[name]
            row[f"{name}_people_low"], row[f"{name}_people_high"] = people[name]
        rows.append(row)
    return pd.DataFrame(rows)


def hint_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`hint_table` for readers: percent, with the interval over patients."""
    shown = tidy[["classifier", "sees"]].copy()
    for name, title in (("mcc", "MCC"), ("f1_macro", "macro F1"), ("accuracy", "accuracy")):
        shown[title] = [
            f"{100 * row[name]:.2f} [{100 * row[f'{name}_people_low']:.1f}, {100 * row[f'{name}_people_high']:.1f}]"
            for _, row in tidy.iterrows()
        ]
    return shown
