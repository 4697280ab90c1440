"""Models on patients they have never seen, as ANSI/AAMI EC57 counts: DS2 of de Chazal et al., with and without 232."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ecglib.data.context import Side, beats_of
from ecglib.data.table import Beats
from ecglib.designs.context import CLASSES, LADDER, folder, read_answers
from ecglib.experiment import Experiment
from ecglib.metrics import bootstrap, confusion_matrix, ectopic, expected_calibration_error, headline
from ecglib.names import EcglibError
from ecglib.results.rhythm import DOMINANT_RECORD

ALL, WITHOUT = "all", f"without {DOMINANT_RECORD}"
# the papers' late fusion: of the experiment, and of the profile that takes all of DS1's beats
PAPERS, PAPERS_ALL = "late", "late_all"
_TITLES = {PAPERS: "papers' late fusion", PAPERS_ALL: "papers' late fusion, all of DS1"}
# what was aimed at before DS2 was opened
TARGETS = (
    (ALL, "veb_se", 0.95),
    (ALL, "veb_ppv", 0.90),
    (ALL, "sveb_f1", 0.75),
    (WITHOUT, "sveb_f1", 0.50),
    (ALL, "f1_nsv", 0.87),
    (ALL, "mcc", 0.84),
)
TITLES = {
    "mcc": "MCC",
    "f1_nsv": "macro F1 of N S V",
    "f1_nsvf": "of N S V F",
    "accuracy": "accuracy",
    "sveb_se": "SVEB sensitivity",
    "sveb_ppv": "SVEB PPV",
    "sveb_fpr": "SVEB FPR",
    "sveb_f1": "SVEB F1",
    "veb_se": "VEB sensitivity",
    "veb_ppv": "VEB PPV",
    "veb_fpr": "VEB FPR",
    "veb_f1": "VEB F1",
}


@cache
def side_of(name: Side) -> Beats:
    """The beats of a side, kept; see `ecglib.data.context.rows_of`."""
    return beats_of(name)


def statistics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers of `TITLES` of one or many confusion matrices over N, S, V, F.

    A fusion beat that is called ventricular is no error of VEB (EC57). Macro F1 of N S V leaves fusion beats out.

    Parameters
    ----------
    confusion : ndarray, shape (..., 4, 4)
        Rows true class, columns predicted class.

    Returns
    -------
    dict of str to ndarray, shape (...)
        NaN where there is nothing to count.
    """
    of_all = headline(confusion)
    found = {"mcc": of_all["mcc"], "f1_nsv": headline(confusion[..., :3, :3])["f1_macro"]}
    found |= {"f1_nsvf": of_all["f1_macro"], "accuracy": of_all["accuracy"]}
    for name in ("sveb", "veb"):
        right, missed, false, others = ectopic(confusion, name)
        beats = right + missed
        with np.errstate(invalid="ignore", divide="ignore"):
            found |= {f"{name}_se": right / beats, f"{name}_ppv": right / (right + false)}
            found |= {f"{name}_fpr": false / others, f"{name}_f1": 2 * right / (right + false + beats)}
    return found


def of_records(record: np.ndarray, label: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """One confusion matrix a record (or subject), in the order of their names; shape (records, 4, 4)."""
    groups = (record == name for name in np.unique(record))
    return np.stack([confusion_matrix(label[rows], predicted[rows].astype(np.int64), 4) for rows in groups])


def of_beats(beats: Beats, predicted: np.ndarray) -> np.ndarray:
    """`of_records` of a beat table."""
    return of_records(beats.record, beats.label, predicted)


def papers_experiments(experiment: Experiment) -> dict[str, Experiment]:
    """Whose late fusion stands beside the ladder: the experiment's; and, of real beats, that of all of DS1."""
    whole = experiment.beside("short")
    return {PAPERS: experiment} | ({} if whole is experiment else {PAPERS_ALL: whole})


def papers_answers(experiment: Experiment, beats: Beats) -> np.ndarray:
    """What the papers' late fusion of a profile, trained on DS1, says of DS2's beats.

    Raises
    ------
    EcglibError
        It was tested on other beats.
    """
    predictions = experiment.split_by("patient").run("late").predictions
    if not np.array_equal(predictions.label, beats.label):
        raise EcglibError(f"late fusion of {experiment.parameters.label} by patient was tested on other beats than DS2")
    return predictions.scores.argmax(axis=1)


def ladder_table(experiment: Experiment) -> pd.DataFrame:
    """Every model of the ladder on DS2, tidy.

    Returns
    -------
    DataFrame
        One row a model and choice of records; columns model, records, seeds, the numbers of `TITLES` for the mean
        probabilities of all seeds with ``_low`` and ``_high`` (95 % bootstrap over patients), ``mcc_seed`` and
        ``mcc_deviation`` (mean and sample deviation of single seeds), ``lead`` (MCC of `context` minus the model's)
        with ``_low`` and ``_high`` (the same patients drawn for both), and ``folds_mcc``, ``folds_f1_nsv`` and
        ``folds_sveb_f1`` by cross-validation inside DS1, by which everything was chosen.
    """
    beats, tested, folds = side_of("test"), read_answers("test"), read_answers("train")
    found = {model: papers_answers(one, beats) for model, one in papers_experiments(experiment).items()}
    found |= {name: tested[name].to_numpy() for name in LADDER}
    names = np.unique(beats.record)
    confusions = {model: of_beats(beats, predicted) for model, predicted in found.items()}
    rows = []
    for model, confusion in confusions.items():
        inside = statistics(of_beats(side_of("train"), folds[model].to_numpy()).sum(axis=0)) if model in LADDER else {}
        seeds = [of_beats(beats, tested[column].to_numpy()) for column in tested if column.startswith(f"{model}-")]
        for records, chosen in {ALL: names != "", WITHOUT: names != DOMINANT_RECORD}.items():
            row = {"model": model, "records": records, "seeds": LADDER[model].seeds if model in LADDER else 1}
            row |= with_intervals(confusion[chosen])
            single = [float(statistics(one[chosen].sum(axis=0))["mcc"]) for one in seeds]
            row |= {"mcc_seed": np.mean(single) if single else row["mcc"]}
            row |= {"mcc_deviation": np.std(single, ddof=1) if len(single) > 1 else np.nan}
            row |= lead_in_mcc(confusions["context"][chosen], confusion[chosen])
            row |= {f"folds_{name}": float(inside.get(name, np.nan)) for name in ("mcc", "f1_nsv", "sveb_f1")}
            rows.append(row)
    return pd.DataFrame(rows)


def lead_in_mcc(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """How far one MCC is above another, and its interval over patients; of confusions of shape (patients, 4, 4)."""
    count = len(first)
    drawn = bootstrap(count, np.full(count, 1 / count), np.stack([first, second]).reshape(2, count, -1), 4)["mcc"]
    low, high = np.quantile(drawn[0] - drawn[1], (0.025, 0.975))
    both = headline(np.stack([first, second]).sum(axis=1))["mcc"]
    return {"lead": float(both[0] - both[1]), "lead_low": float(low), "lead_high": float(high)}


def with_intervals(confusion: np.ndarray) -> dict[str, float]:
    """The numbers of all records together, and their intervals when records, one patient each, are drawn anew."""
    count = len(confusion)
    share = np.full(count, 1 / count)
    drawn = bootstrap(count, share, confusion.reshape(1, count, -1), 4, measure=statistics)
    found: dict[str, float] = {}
    for name, value in statistics(confusion.sum(axis=0)).items():
        known = drawn[name][~np.isnan(drawn[name])]
        low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (np.nan, np.nan)
        found |= {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found


def model_title(model: str) -> str:
    """How tables and figures name a model of the ladder."""
    return LADDER[model].title if model in LADDER else _TITLES[model]


def ladder_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`ladder_table` for readers, in percent; intervals of the first two numbers."""
    shown = pd.DataFrame({"model": tidy["model"].map(model_title), "records": tidy["records"], "seeds": tidy["seeds"]})
    for name, title in TITLES.items():
        shown[title] = bounded(tidy, name) if name in ("mcc", "f1_nsv") else tidy[name].map(percent)
    leads = zip(tidy["model"], tidy["lead"], tidy["lead_low"], tidy["lead_high"], strict=True)
    shown["context's lead in MCC"] = [
        "" if model == "context" else f"{100 * lead:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        for model, lead, low, high in leads
    ]
    shown["MCC inside DS1"] = [percent(value) for value in tidy["folds_mcc"]]
    return shown


def percent(value: float) -> str:
    """A fraction in percent; a dash for NaN."""
    return "–" if np.isnan(value) else f"{100 * value:.1f}"


def bounded(rows: pd.DataFrame, name: str) -> list[str]:
    """A column of fractions with its bounds ``_low`` and ``_high``, in percent."""
    numbers = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return [f"{percent(value)} [{percent(low)}, {percent(high)}]" for value, low, high in numbers]


def record_table() -> pd.DataFrame:
    """`context` record by record: beats of each class, and sensitivity, PPV and FPR of SVEB and VEB; fractions."""
    beats = side_of("test")
    confusion = of_beats(beats, read_answers("test")["context"].to_numpy())
    counts = {name: confusion[:, number].sum(axis=1) for number, name in enumerate("NSVF")}
    found = statistics(confusion)
    wanted = {name: found[name] for name in TITLES if name.startswith(("sveb", "veb"))}
    return pd.DataFrame({"record": np.unique(beats.record), **counts, **wanted})


def record_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`record_table` for readers, in percent."""
    numbers = {TITLES[name]: [percent(value) for value in tidy[name]] for name in tidy if name in TITLES}
    counts = {name: [f"{count:,}" for count in tidy[name]] for name in "NSVF"}
    return pd.DataFrame({"record": tidy["record"], **counts, **numbers})


def target_table(experiment: Experiment) -> pd.DataFrame:
    """What `context` was aimed at, and what it reached; columns records, number, target, reached, met; fractions."""
    ladder = ladder_table(experiment).set_index(["model", "records"])
    rows = []
    for records, name, target in TARGETS:
        reached = float(ladder.loc[("context", records), name])
        met = "yes" if reached >= target else "no"
        rows.append({"records": records, "number": name, "target": target, "reached": reached, "met": met})
    return pd.DataFrame(rows)


def target_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`target_table` for readers, in percent."""
    shown = tidy.assign(number=tidy["number"].map(TITLES))
    return shown.assign(**{name: [percent(value) for value in tidy[name]] for name in ("target", "reached")})


def openings() -> pd.DataFrame:
    """Each time that a model of the ladder classified DS2: columns date, model, seeds, beats."""
    return pd.read_csv(folder() / "openings.csv")


def trust_table() -> pd.DataFrame:
    """How far the probabilities of `context` on DS2 can be believed, as they are and cooled, tidy.

    The temperature, by which logarithms of probabilities are divided, is the one with the lowest log loss on DS1's
    left-out folds (Guo et al. 2017, arXiv 1706.04599). Fusion beats are left out: `context` has no such class.

    Returns
    -------
    DataFrame
        One row a tenth of the beats, from the least sure on, with ("cooled") and without ("as they are") temperature:
        columns probabilities, temperature, tenth, beats, confidence (mean probability of the class called), right
        (share of beats), and, the same in all ten rows, ece (see
        `ecglib.metrics.expected_calibration_error`), brier and log_loss.
    """
    (inside, known), (asked, label) = (_log_probabilities(side) for side in ("train", "test"))
    found = minimize_scalar(lambda t: _log_loss(inside / t, known), bounds=(0.2, 5), method="bounded")
    rows = []
    for words, temperature in {"as they are": 1.0, "cooled": float(found.x)}.items():
        probabilities = softmax(asked / temperature, axis=1)
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == label
        tenths = np.array_split(np.argsort(confidence, kind="stable"), 10)
        numbers = {"ece": expected_calibration_error(label, probabilities)}
        numbers |= {"log_loss": _log_loss(asked / temperature, label)}
        numbers |= {"brier": ((probabilities - np.eye(len(CLASSES))[label]) ** 2).sum(axis=1).mean()}
        for number, tenth in enumerate(tenths, start=1):
            row = {"probabilities": words, "temperature": temperature, "tenth": number, "beats": len(tenth)}
            rows.append(row | {"confidence": confidence[tenth].mean(), "right": right[tenth].mean()} | numbers)
    return pd.DataFrame(rows)


def trust_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`trust_table` for readers: the numbers of all beats."""
    first = tidy[tidy["tenth"] == 1]
    return first[["probabilities", "temperature", "ece", "brier", "log_loss"]].round(4)


def _log_probabilities(side: str) -> tuple[np.ndarray, np.ndarray]:
    """Of the beats of N, S and V, shape (N, 3), and their labels."""
    label = side_of(side).label
    known = label < len(CLASSES)
    columns = [f"log_p_{name}" for name in CLASSES]
    return read_answers(side).loc[known, columns].to_numpy(np.float64), label[known]


def _log_loss(logarithms: np.ndarray, label: np.ndarray) -> float:
    return float(-log_softmax(logarithms, axis=1)[np.arange(len(label)), label].mean())
