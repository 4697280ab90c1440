"""What stands in front of the page: what became of each figure and table of the paper, from the tables themselves."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import DATASETS, EXPERIMENT_1
from ecglib.notebooks import Node
from ecglib.parameters import load_parameters
from ecglib.report.material import Front, Verdict
from ecglib.results.claims import claim_verdict

TITLE = "A hybrid CNN-Transformer for ECG classification, reproduced"
_SHORT = {"cnn_transformer": "1D", "cnn2d": "2D", "late": "late fusion", "concat": "concatenation", "sum": "sum"}
_SHORT["weighted_sum"] = "weighted sum"


def parts(node: Node, profile: str | None) -> str:
    """How the contents of the page call the notebooks of one profile; those that the report is told by, MIT-BIH."""
    told = (node.header.profile, node.header.dataset)
    if profile is None and told == (node.parameters.profile, node.dataset):
        return DATASETS[node.header.dataset].title
    experiment = Experiment(node.parameters, node.dataset)
    return experiment.title if node.dataset != "mitbih" else f"profile {node.parameters.profile}"


def front_of(profile: str | None, made: Mapping[str, object]) -> Front:
    """Title, verdicts and introduction of the report, or of one profile's."""
    if profile is not None:
        parameters = load_parameters(profile)
        invented = (
            " Its beats are invented: no number on this page is a result." if parameters.source == "synthetic" else ""
        )
        return Front(f"Profile {profile}", introduction=f"Every notebook of one profile.{invented}", made=made)
    introduction = (
        "Seaman and Gutierrez-Zaheer reproduced the hybrid CNN-Transformer of Vindas et al. (PMLR 182:270-296) for "
        "single heartbeats. This page reproduces their paper: every figure and table, from runs of our own on real "
        "records. The table says what came out for each; each line leads to the notebook that made it."
    )
    return Front(TITLE, verdicts(), introduction, "every figure and table, made anew", made)


def verdicts() -> list[Verdict]:
    """One line a figure or table of the paper. "Same" needs the same finding, not the same digits."""
    rows = [
        Verdict(
            "Fig. 1, spectrogram",
            "recomputed",
            "same",
            "Equal to SciPy's to 0.00001 dB.",
            "reduced-01-spectrograms-mitbih",
        ),
        _class_counts(),
    ]
    rows += [_curves("mitbih", "reduced", (4, 6, 8, 12, 13, 14)), _curves("ptb", "ptb", (3, 5, 7, 9, 10, 11))]
    rows += [
        Verdict(
            "Figs. 15 to 17, architecture",
            "drawn from the running modules",
            "same",
            "Shapes and parameter counts are those of the paper's text.",
            "reduced-02-cnn-transformer-mitbih",
        ),
        Verdict(
            "Tables I and II, schedule and settings",
            "the same values",
            "same",
            "The profile uses the paper's; what other profiles change is listed beside them.",
            "reduced-06-experiment-1-mitbih",
        ),
    ]
    for dataset, label in (("mitbih", "reduced"), ("ptb", "ptb")):
        for number, experiment in ((4, 1), (7, 2)):
            rows.append(_metrics(dataset, label, number, experiment))
        rows.append(_times(dataset, label))
    return rows


def _table(label: str, name: str) -> pd.DataFrame | None:
    path = files.figures(label) / f"{name}.csv"
    return pd.read_csv(path, float_precision="round_trip") if path.is_file() else None


def _not_run(item: str) -> Verdict:
    return Verdict(item, "", "not run", "The trainings are not finished.")


def _class_counts() -> Verdict:
    counts = _table("reduced", "table_classes_mitbih")
    if counts is None:
        return _not_run("Fig. 2, class distribution")
    kept = counts.set_index("class")["kept"]
    words = ", ".join(f"{name} {count:,}" for name, count in kept.items())
    return Verdict(
        "Fig. 2, class distribution", words, "same", "The counts behind the paper's figure.", "reduced-00-data-mitbih"
    )


def _curves(dataset: str, label: str, numbers: tuple[int, ...]) -> Verdict:
    item = f"Figs. {', '.join(map(str, numbers))}, learning curves, {DATASETS[dataset].title}"
    epochs = _table(label, f"table_epochs_{dataset}")
    if epochs is None:
        return _not_run(item)
    own = epochs[epochs["profile"] == label].set_index("model")
    words = ", ".join(f"{_SHORT[model]} after {own.loc[model, 'enough_epochs']}" for model in EXPERIMENT_1)
    return Verdict(
        item,
        f"nothing gained: {words}",
        "same",
        "Plateaus as in the paper, most of them earlier.",
        f"{label}-02-cnn-transformer-{dataset}",
    )


def _metrics(dataset: str, label: str, number: int, experiment: int) -> Verdict:
    roman = {4: "IV", 7: "VII"}[number]
    claim = "late fusion beats both branches" if experiment == 1 else "late fusion beats intermediate fusion"
    item = f"Table {roman}, {DATASETS[dataset].title}: {claim}"
    table, claims = _table(label, f"table{number}_{dataset}"), _table(label, f"table_claims_{dataset}")
    if table is None or claims is None:
        return _not_run(item)
    ours = table[(table["reported_by"] == "ours") & table["mcc"].notna()].set_index("model")["mcc"]
    words = ", ".join(f"{_SHORT[model]} {100 * value:.2f}" for model, value in ours.items())
    outcome = claim_verdict(claims[claims["claim"].str.contains("branches" if experiment == 1 else "intermediate")])
    seeds = int(claims["repetitions"].max())
    return Verdict(
        item,
        f"MCC: {words}",
        "same" if outcome == "holds" else "differs",
        f"By paired intervals over beats{', patients and seeds' if seeds > 1 else ' and patients'} the claim "
        f"{'holds' if outcome == 'holds' else f'is {outcome}'}; {seeds} seed{'s' if seeds > 1 else ''}.",
        f"{label}-table{number}-{dataset}",
    )


def _times(dataset: str, label: str) -> Verdict:
    item = f"Tables III and VI, seconds, {DATASETS[dataset].title}"
    table = _table(label, f"table3_{dataset}")
    if table is None:
        return _not_run(item)
    ours = table[table["reported_by"] == "ours"].dropna(subset=["train_s"]).set_index("model")["train_s"]
    words = ", ".join(f"{_SHORT[model]} {value:,.0f}" for model, value in ours.items())
    return Verdict(
        item, words, "differs", "Another machine: only the order of magnitude compares.", f"{label}-table3-{dataset}"
    )
