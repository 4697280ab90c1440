"""The papers' claims as tests: does late fusion beat both branches, and intermediate fusion?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ecglib.experiment import Experiment
from ecglib.names import BRANCHES, INTERMEDIATE, METRIC_TITLES, MODEL_TITLES, ModelName
from ecglib.results.paired import leads, mcnemar
from ecglib.results.tables import data_label

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
# what the papers say of late fusion, by the models that it is said to beat
CLAIMS: dict[str, tuple[ModelName, ...]] = {
    "the hybrid (late fusion) beats both branches": BRANCHES,
    "late fusion beats intermediate fusion": INTERMEDIATE,
}
CLAIM_METRICS = ("mcc", "f1_macro")


def decide(intervals: Iterable[tuple[float, float]]) -> str:
    """What the intervals of a difference say of the claim that it is positive.

    It holds where all of them lie above 0, does not hold where all lie below, and is undecided else.
    """
    bounds = list(intervals)
    if all(low > 0 for low, _ in bounds):
        return HOLDS
    return FAILS if all(high < 0 for _, high in bounds) else UNDECIDED


def claim_table(experiment: Experiment) -> pd.DataFrame:
    """Late fusion against each model that the papers say it beats, tidy: one row a pair. Missing runs are trained.

    All of it is from the predictions of the kept weights.

    Returns
    -------
    DataFrame
        Columns claim, model ("late"), other, repetitions; for each of `CLAIM_METRICS` the difference
        (fraction, mean over the repetitions) with ``_low`` and ``_high`` (paired bootstrap over beats),
        ``_people_low`` and ``_people_high`` (over people, missing where they are unknown) and
        with ``_seeds_deviation``, ``_seeds_low`` and ``_seeds_high`` (missing for one repetition);
        model_alone, other_alone (beats that one of the two alone gets right) and mcnemar_p, all three of
        the first repetition; verdict.
    """
    others = [other for models in CLAIMS.values() for other in models]
    runs = {model: experiment.runs(model) for model in ("late", *others)}
    label = runs["late"][0].predictions.label
    predicted = {
        model: np.stack([run.predictions.scores.argmax(axis=1) for run in of_model]) for model, of_model in runs.items()
    }  # (R, N) each
    subject = experiment.beats.subject[runs["late"][0].predictions.row]
    found = leads(label, predicted, "late", others, len(experiment.class_names), subject)
    rows = []
    for claim, models in CLAIMS.items():
        for other in models:
            row = {"claim": claim, "model": "late", "other": other, "repetitions": len(runs[other])}
            for metric in CLAIM_METRICS:
                lead = found[other][metric]
                row |= {metric: lead.value, f"{metric}_low": lead.low, f"{metric}_high": lead.high}
                row |= {f"{metric}_people_low": lead.people_low, f"{metric}_people_high": lead.people_high}
                for name in ("deviation", "low", "high"):
                    row[f"{metric}_seeds_{name}"] = getattr(lead.seeds, name) if lead.seeds else np.nan
            test = mcnemar(label, predicted["late"][0], predicted[other][0])
            row |= {"model_alone": test.first_alone, "other_alone": test.second_alone, "mcnemar_p": test.p}
            row["verdict"] = decide(bound for metric in CLAIM_METRICS for bound in found[other][metric].intervals)
            rows.append(row)
    return pd.DataFrame(rows)


def claim_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`claim_table` for readers; differences in points of percent."""
    rows = []
    for row in tidy.to_dict("records"):
        cells = {"late fusion against": MODEL_TITLES[row["other"]]}
        for metric in CLAIM_METRICS:
            title = METRIC_TITLES[metric]
            cells[f"{title} [95 %, beats]"] = f"{100 * row[metric]:+.2f} {_interval(row, metric)}"
            if pd.notna(row[f"{metric}_people_low"]):
                cells[f"{title} [95 %, people]"] = _interval(row, f"{metric}_people")
            if row["repetitions"] > 1:
                seeds = f"± {100 * row[f'{metric}_seeds_deviation']:.2f} {_interval(row, f'{metric}_seeds')}"
                cells[f"{title}, {row['repetitions']} seeds [95 %]"] = seeds
        of_first = " (first seed)" if row["repetitions"] > 1 else ""
        cells[f"right alone: late, other{of_first}"] = f"{row['model_alone']:,}, {row['other_alone']:,}"
        # smaller than any float where thousands of beats all fall to one side
        p = f"{row['mcnemar_p']:.2g}" if row["mcnemar_p"] > 1e-99 else "< 1e-99"
        cells[f"McNemar's p{of_first}"] = p
        rows.append(cells | {"late fusion is better": row["verdict"]})
    return pd.DataFrame(rows)


def claims_beside(experiments: Sequence[Experiment]) -> pd.DataFrame:
    """Both claims under several profiles, tidy: of each claim the pair with the smallest lead in MCC.

    Nothing is trained; a profile is shown where all of its models and repetitions are there.

    Returns
    -------
    DataFrame
        Columns profile, design, data, claim, then those of `claim_table` for that pair; the verdict is that of all
        pairs of the claim, by MCC and macro F1.
    """
    rows = []
    for experiment in experiments:
        if not all(one.has(model) for one in experiment.repetitions for model in MODEL_TITLES):
            continue
        tidy = claim_table(experiment)
        for claim, group in tidy.groupby("claim", sort=False):
            decisive = group.sort_values("mcc").iloc[0].to_dict()
            row = {"profile": experiment.parameters.label, "design": experiment.parameters.design}
            row |= {"data": data_label(experiment), **decisive, "verdict": claim_verdict(group), "claim": claim}
            rows.append(row)
    return pd.DataFrame(rows)


def claims_beside_summary(tidy: pd.DataFrame) -> pd.DataFrame:
    """`claims_beside` for readers: the smallest lead in points of MCC, with all of its 95 % intervals."""
    rows = []
    for row in tidy.sort_values("claim", kind="stable").to_dict("records"):
        seeds = _interval(row, "mcc_seeds") if row["repetitions"] > 1 else "one seed"
        rows.append(
            {
                "claim": row["claim"],
                "profile": row["profile"],
                "data": row["data"],
                "design": row["design"],
                "seeds": str(row["repetitions"]),
                "smallest lead (MCC)": f"{100 * row['mcc']:+.2f}, over {MODEL_TITLES[row['other']]}",
                "over beats": _interval(row, "mcc"),
                "over patients": _interval(row, "mcc_people"),
                "over seeds": seeds,
                "verdict": row["verdict"],
            }
        )
    return pd.DataFrame(rows)


def claim_sentences(tidy: pd.DataFrame) -> str:
    """Each claim's verdict: it holds against all, does not hold against one or more, or is undecided."""
    lines = []
    for claim, group in tidy.groupby("claim", sort=False):
        lines.append(f"{claim[0].upper()}{claim[1:]}: {claim_verdict(group)}")
    return "\n".join(lines)


def claim_verdict(pairs: pd.DataFrame) -> str:
    """What the verdicts of `claim_table` on all pairs of a claim say of it."""
    verdicts = set(pairs["verdict"])
    return FAILS if FAILS in verdicts else UNDECIDED if UNDECIDED in verdicts else HOLDS


def _interval(row: dict[str, Any], name: str) -> str:
    return f"[{100 * row[f'{name}_low']:+.2f}, {100 * row[f'{name}_high']:+.2f}]"
