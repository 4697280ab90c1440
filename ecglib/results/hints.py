"""What a beat's row tells without its shape: plain classifiers on whole rows, and on rows of which something is hidden.

A row starts at an R peak, holds the beat and the R peak after it, and ends in zeros: its length tells the RR interval.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import softmax

from ecglib.data.views import ROW_VIEWS, lengths
from ecglib.experiment import Experiment
from ecglib.metrics import evaluate, subject_intervals
from ecglib.names import BRANCHES, HEADLINE_METRICS

WHOLE = ROW_VIEWS["whole"].title


def _length_alone(signal: np.ndarray) -> np.ndarray:
    return lengths(signal)[:, None].astype(np.float32)


# what the trees are shown, by title
VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    ROW_VIEWS[name].title: ROW_VIEWS[name].of for name in ("whole", "stretched", "next_beat_cut", "ordered")
} | {"its length alone": _length_alone}
TREES, LOGISTIC, RANDOM_BRANCH = "boosted trees", "logistic regression", "untrained 1D branch, logistic regression"
MEAN = "mean of both branches' probabilities"
_ASKED = [(LOGISTIC, WHOLE), (RANDOM_BRANCH, WHOLE), *((TREES, view) for view in VIEWS)]


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


def _kept_classes(experiment: Experiment) -> dict[str, np.ndarray]:
    """The class that each classifier gives each test row, by "classifier|view"; made once."""
    made = {f"{one}|{view}": (one, view) for one, view in _ASKED}
    # the 1D branch's run hangs on the same rows to learn from, seed and design
    return experiment.derived(
        "hints", lambda: {key: _classes_of(experiment, *asked) for key, asked in made.items()}, "cnn_transformer"
    )


def baseline_scores(experiment: Experiment) -> dict[str, np.ndarray]:
    """Scores of plain baselines on the test beats, shape (T, K), by title.

    The mean of both trained branches' probabilities; of the plain classifiers on whole rows those that are kept.
    """
    probabilities = [softmax(experiment.run(name).predictions.scores.astype(np.float64), axis=1) for name in BRANCHES]
    found = {MEAN: np.mean(probabilities, axis=0)}
    if any((experiment.folder / "derived").glob("hints-*.npz")):
        kept, one_hot = _kept_classes(experiment), np.eye(len(experiment.class_names))
        found |= {name: one_hot[kept[f"{name}|{WHOLE}"]] for name in (LOGISTIC, RANDOM_BRANCH, TREES)}
    return found


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
    kept = _kept_classes(experiment)
    test, classes = experiment.split.test, len(experiment.class_names)
    label, subject = experiment.beats.label[test], experiment.beats.subject[test]
    rows = []
    for classifier, view in _ASKED:
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
