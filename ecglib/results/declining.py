"""What is left of the errors of `context` where it may decline to answer its least sure beats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.designs.context import CLASSES, least_sure, read_answers, sureness
from ecglib.metrics import confusion_matrix
from ecglib.results.new_people import TITLES, WITHOUT, percent, side_of, statistics
from ecglib.results.rhythm import DOMINANT_RECORD

# of the beats answered, the surest first; of DS1's beats that are declined
_SHARES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)
_DECLINED = (0.0, 0.01, 0.02, 0.05, 0.1)


def risk_table() -> pd.DataFrame:
    """What is left of `context`'s errors on DS2 where it may decline to answer its least sure beats.

    Returns
    -------
    DataFrame
        Columns answered (share of beats), wrong (share of those answered), sveb_se, sveb_ppv, veb_se, veb_ppv: of the
        beats that are answered. Sureness is the highest mean probability of all seeds; fusion beats are in.
    """
    beats, answers = side_of("test"), read_answers("test")
    order, predicted = np.argsort(-sureness(answers), kind="stable"), answers["context"].to_numpy().astype(np.int64)
    rows = []
    for share in _SHARES:
        kept = order[: round(share * len(order))]
        found = statistics(confusion_matrix(beats.label[kept], predicted[kept], 4))
        wanted = {name: float(found[name]) for name in ("sveb_se", "sveb_ppv", "veb_se", "veb_ppv")}
        rows.append({"answered": share, "wrong": 1 - float(found["accuracy"])} | wanted)
    return pd.DataFrame(rows)


def decline_table() -> pd.DataFrame:
    """What `predict` leaves of `context`'s errors where it declines, by the thresholds of DS1's left-out folds.

    Returns
    -------
    DataFrame
        One row a side ("DS1, left-out folds", "DS2", "DS2 without 232") and share asked for; columns least (the
        probability below which a beat is declined), declined (share of beats), declined_s and declined_v (of the S and
        V beats), errors (share of errors declined), wrong, sveb_se, sveb_ppv, veb_se, veb_ppv (of beats answered).
    """
    rows = []
    for side, words in {"train": "DS1, left-out folds", "test": "DS2"}.items():
        beats, answers = side_of(side), read_answers(side)
        sure, predicted = sureness(answers), answers["context"].to_numpy().astype(np.int64)
        wrong = predicted != beats.label
        groups = {words: np.ones(len(beats), dtype=bool)}
        groups |= {f"DS2 {WITHOUT}": beats.record != DOMINANT_RECORD} if side == "test" else {}
        for name, chosen in groups.items():
            for share in _DECLINED:
                kept = sure >= least_sure(share)
                found = statistics(confusion_matrix(beats.label[chosen & kept], predicted[chosen & kept], 4))
                row = {"side": name, "asked": share, "least": least_sure(share), "declined": (~kept)[chosen].mean()}
                for number in (1, 2):
                    of_class = chosen & (beats.label == number)
                    row[f"declined_{CLASSES[number].lower()}"] = (~kept)[of_class].mean()
                row |= {"errors": (~kept)[chosen & wrong].mean(), "wrong": 1 - float(found["accuracy"])}
                rows.append(row | {key: float(found[key]) for key in ("sveb_se", "sveb_ppv", "veb_se", "veb_ppv")})
    return pd.DataFrame(rows)


def decline_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`decline_table` for readers, in percent."""
    titles = {"asked": "asked for", "declined": "not sure", "declined_s": "of S", "declined_v": "of V"}
    titles |= {"errors": "of errors", **TITLES}
    numbers = {titles.get(name, name): tidy[name].map(percent) for name in tidy if name not in ("side", "least")}
    return pd.DataFrame({"beats": tidy["side"], "probability below": tidy["least"].map("{:.3f}".format), **numbers})


def risk_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`risk_table` for readers, in percent."""
    return pd.DataFrame({TITLES.get(name, name): [f"{100 * value:.2f}" for value in tidy[name]] for name in tidy})
