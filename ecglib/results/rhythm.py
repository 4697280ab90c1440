"""What a beat's own samples leave out: how early it comes, and what a model would gain by knowing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from ecglib.data.table import Beats
from ecglib.experiment import Experiment
from ecglib.metrics import evaluate
from ecglib.names import HEADLINE_METRICS, METRIC_TITLES, EcglibError, ModelName

_AROUND = 5
# of MIT-BIH: of its 556 test S beats, 267
DOMINANT_RECORD = "232"
AS_TRAINED, FITTED, WITH_RHYTHM = (
    "as trained",
    "its scores, fitted again",
    "its scores and the RR interval before, fitted",
)


def relative_rr(beats: Beats) -> np.ndarray:
    """The RR interval before each beat, as a multiple of the usual one around it; below 1 the beat comes early.

    The usual one is the median of eleven intervals, five to each side, fewer at a record's ends. Intervals are those
    between the table's own beats of a record.

    Parameters
    ----------
    beats : Beats

    Returns
    -------
    ndarray of float, shape (N,)
        1 where the table has no earlier beat of the record.

    Raises
    ------
    EcglibError
        The table does not say where its beats lie, as one of Kaggle's files.
    """
    if (beats.sample < 0).any():
        raise EcglibError(f"beats of source {beats.metadata.source!r} do not say where they lie; use source physionet")
    frame = pd.DataFrame({"record": beats.record, "sample": beats.sample}).sort_values(["record", "sample"])
    interval = frame.groupby("record")["sample"].diff()
    usual = interval.groupby(frame["record"]).transform(
        lambda of_record: of_record.rolling(2 * _AROUND + 1, center=True, min_periods=1).median()
    )
    return (interval / usual).fillna(1.0).sort_index().to_numpy()


def rhythm_table(experiment: Experiment, model: ModelName) -> pd.DataFrame:
    """How early the test beats come that a model finds, and those that it misses, tidy.

    Returns
    -------
    DataFrame
        One row a true class and outcome, with all records and without the one that holds nearly half of MIT-BIH's test
        S beats: columns records, class, found (bool), beats, and lower_quartile, median and
        upper_quartile of `relative_rr`, missing where there is no such beat.
    """
    predictions = experiment.run(model).predictions
    frame = pd.DataFrame(
        {
            "label": predictions.label,
            "found": predictions.scores.argmax(axis=1) == predictions.label,
            "rr": relative_rr(experiment.beats)[predictions.row],
            "record": experiment.beats.record[predictions.row],
        }
    )
    choices = {"all": frame}
    if (frame["record"] == DOMINANT_RECORD).any():
        choices[f"without {DOMINANT_RECORD}"] = frame[frame["record"] != DOMINANT_RECORD]
    rows = []
    for records, chosen in choices.items():
        for label, name in enumerate(experiment.class_names):
            for found in (True, False):
                rr = chosen.loc[(chosen["label"] == label) & (chosen["found"] == found), "rr"]
                lower, median, upper = rr.quantile([0.25, 0.5, 0.75])
                row = {"records": records, "class": name, "found": found, "beats": len(rr)}
                rows.append(row | {"lower_quartile": lower, "median": median, "upper_quartile": upper})
    return pd.DataFrame(rows)


def rhythm_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`rhythm_table` for readers: one row a class; median, and quartiles in brackets."""
    rows = []
    for (records, name), group in tidy.groupby(["records", "class"], sort=False):
        row = {"records": records, "class": name}
        for line in group.to_dict("records"):
            outcome = "found" if line["found"] else "missed"
            quartiles = f"{line['median']:.2f} [{line['lower_quartile']:.2f}, {line['upper_quartile']:.2f}]"
            row |= {outcome: f"{line['beats']:,}", f"RR before, {outcome}": quartiles if line["beats"] else ""}
        rows.append(row)
    return pd.DataFrame(rows)


def known_rhythm_table(experiment: Experiment, model: ModelName) -> pd.DataFrame:
    """What a trained model's scores are worth together with the RR interval before the beat, tidy.

    A logistic regression (scikit-learn's, with its own settings) is fitted on the validation beats to the
    logarithms of the model's probabilities, without and with the logarithm of `relative_rr`, and tested on the test
    beats. Fitting the scores alone tells what the fit itself brings.

    Returns
    -------
    DataFrame
        One row each for `AS_TRAINED`, `FITTED` and `WITH_RHYTHM`: column classifier, the four test metrics, and
        ``sensitivity_<class>``; fractions.
    """
    run = experiment.run(model)
    label, classes = experiment.beats.label, len(experiment.class_names)
    test = run.predictions.row

    def fit() -> dict[str, np.ndarray]:
        validation = experiment.split.validation
        known = log_softmax(experiment.validation_scores(model), axis=1)  # (V, K)
        asked = log_softmax(run.predictions.scores.astype(np.float64), axis=1)  # (N, K)
        rr = np.log(relative_rr(experiment.beats))[:, None]
        with_rhythm = np.hstack([known, rr[validation]]), np.hstack([asked, rr[test]])
        return {
            "fitted": _fitted(known, label[validation], asked),
            "with_rhythm": _fitted(with_rhythm[0], label[validation], with_rhythm[1]),
        }

    answers = experiment.derived(f"known_rhythm-{model}", fit, model)
    scores = {AS_TRAINED: run.predictions.scores}
    scores |= {FITTED: np.eye(classes)[answers["fitted"]], WITH_RHYTHM: np.eye(classes)[answers["with_rhythm"]]}
    rows = []
    for classifier, of_classifier in scores.items():
        metrics = evaluate(label[test], of_classifier)
        row = {"classifier": classifier} | {name: getattr(metrics, name) for name in HEADLINE_METRICS}
        by_class = zip(experiment.class_names, metrics.sensitivity, strict=True)
        rows.append(row | {f"sensitivity_{name}": value for name, value in by_class})
    return pd.DataFrame(rows)


def known_rhythm_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`known_rhythm_table` for readers, in percent."""
    titles = METRIC_TITLES | {
        name: name.replace("sensitivity_", "sensitivity of ")
        for name in tidy.columns
        if name.startswith("sensitivity_")
    }
    numbers = tidy[list(titles)].map(lambda value: f"{100 * value:.2f}").rename(columns=titles)
    return pd.concat([tidy["classifier"], numbers], axis=1)


def _fitted(known: np.ndarray, label: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The class that a logistic regression of `label` on `known` gives to each row of `asked`; ndarray of int8."""
    return LogisticRegression(max_iter=10_000).fit(known, label).predict(asked).astype(np.int8)
