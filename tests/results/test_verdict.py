"""Verdicts: the words at their borders, the tables from the runs, and the figure's dots."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ecglib.experiment import Experiment
from ecglib.figures.results import verdict_figure
from ecglib.names import HEADLINE_METRICS, MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.results.claims import CLAIMS, FAILS, HOLDS, UNDECIDED, claim_sentences, claim_summary, claim_table, decide
from ecglib.results.paired import mcnemar
from ecglib.results.verdict import (
    ABOVE,
    BELOW,
    WITHIN_ONE,
    WITHIN_TWO,
    reported_values,
    seed_table,
    verdict,
    verdict_sentence,
    verdict_summary,
    verdict_table,
)

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 2, "cnn2d_epochs": 2, "fusion_epochs": 3, "seed": 3}


pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def experiment(output) -> Experiment:
    return Experiment(load_parameters("demo", datasets=["ptb"], repetitions=2, reported_epochs=2, **TINY), "ptb")


@pytest.fixture(scope="module")
def table(experiment) -> pd.DataFrame:
    return verdict_table(experiment)


@pytest.fixture(scope="module")
def claims(experiment) -> pd.DataFrame:
    return claim_table(experiment)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0.9317, WITHIN_ONE),
        (0.9387, WITHIN_ONE),
        (0.9247, WITHIN_ONE),
        # what would be printed as the border is the border
        (0.938749, WITHIN_ONE),
        (0.9388, WITHIN_TWO),
        (0.9457, WITHIN_TWO),
        (0.9177, WITHIN_TWO),
        (0.9458, ABOVE),
        (0.9176, BELOW),
        (1.0, ABOVE),
        (-1.0, BELOW),
    ],
)
def test_verdict_at_its_borders(value, word):
    # the original's 1D branch on MIT-BIH
    assert verdict(value, 0.9317, 0.0070) == word


def test_verdict_with_no_deviation_asks_for_the_very_number():
    assert [verdict(value, 0.9, 0.0) for value in (0.9, 0.9001, 0.8999)] == [WITHIN_ONE, ABOVE, BELOW]


@pytest.mark.parametrize(
    ("intervals", "word"),
    [
        ([(0.1, 0.2)], HOLDS),
        ([(-0.2, -0.1)], FAILS),
        ([(-0.1, 0.1)], UNDECIDED),
        # the border itself is no lead
        ([(0.0, 0.1)], UNDECIDED),
        ([(-0.1, 0.0)], UNDECIDED),
        ([(0.1, 0.2), (0.1, 0.3)], HOLDS),
        ([(0.1, 0.2), (-0.1, 0.3)], UNDECIDED),
        ([(0.1, 0.2), (-0.2, -0.1)], UNDECIDED),
    ],
)
def test_claim_is_decided_by_all_intervals(intervals, word):
    assert decide(intervals) == word


def test_ours_are_over_the_last_epochs_of_all_repetitions(experiment, table):
    assert len(table) == 6 * 4 and set(table["repetitions"]) == {2} and set(table["rule"]) == {"last 2"}
    by = table.set_index(["model", "metric"])
    for model in MODEL_TITLES:
        runs = experiment.runs(model)
        for metric in HEADLINE_METRICS:
            values = np.concatenate([run.history[f"test_{metric}"].to_numpy()[-2:] for run in runs])
            row = by.loc[(model, metric)]
            assert row["mean"] == pytest.approx(values.mean()) and len(values) == 4
            assert row["deviation"] == pytest.approx(values.std(ddof=1))
            assert row["epochs"] == len(runs[0].history)
            assert row["best_epoch"] == np.mean([run.best_epoch for run in runs])


def test_runs_without_tested_epochs_report_the_kept_one(experiment):
    run = experiment.run("late")
    plain = dataclasses.replace(run, history=run.history.iloc[:, :7])
    values = reported_values(plain)
    assert list(values) == list(HEADLINE_METRICS)
    assert values.to_numpy().tolist() == [[getattr(run.metrics, name) for name in HEADLINE_METRICS]]


def test_papers_stand_beside_with_a_verdict(table):
    by = table.set_index(["model", "metric"])
    late = by.loc[("late", "mcc")]
    # PTB: Tables V and IV
    assert (late["original_mean"], late["original_deviation"], late["report"]) == (0.9929, 0.0021, 0.9865)
    assert late["report_difference"] == pytest.approx(late["mean"] - 0.9865)
    # Tables VIII and VII
    assert by.loc[("sum", "f1_macro"), ["original_mean", "original_deviation"]].tolist() == [0.9602, 0.0119]
    assert by.loc[("sum", "f1_weighted"), "report"] == 0.9929
    given = table[table["original_mean"].notna()]
    assert len(given) == 18 and "f1_weighted" not in set(given["metric"])
    for _, row in given.iterrows():
        assert row["verdict"] == verdict(row["mean"], row["original_mean"], row["original_deviation"])
    assert table[table["original_mean"].isna()]["verdict"].isna().all()
    assert verdict_sentence(table).startswith("Of the original's 18 numbers: ")


def test_summary_is_for_readers(table):
    wide = verdict_summary(table)
    ours = "ours (synthetic ptb, design report, 2 runs)"
    papers = ["original (10 runs)", "verdict", "report (1 run)", "ours less the report's"]
    assert list(wide) == ["model", "metric", "epochs", ours, *papers]
    row = wide[(wide["model"] == "Hybrid, late fusion") & (wide["metric"] == "MCC")].iloc[0]
    assert row["epochs"] == "last 2 of 3" and row["original (10 runs)"] == "99.29 ± 0.21" and " ± " in row[ours]
    weighted = wide[wide["metric"] == "weighted F1"]
    assert set(weighted["original (10 runs)"]) == {"not printed"} and set(weighted["verdict"]) == {""}


def test_report_takes_part_where_its_training_set_is_ours(experiment):
    runs = {model: experiment.run(model) for model in MODEL_TITLES}

    def table_for(dataset: str, **overrides: object) -> pd.DataFrame:
        overrides = {"datasets": ["mitbih", "ptb", "ptbxl"], **overrides}
        other = Experiment(load_parameters("demo", **{**TINY, "repetitions": 1, **overrides}), dataset)
        # which numbers they are does not matter here
        other.runs = lambda name: [dataclasses.replace(runs[name], history=runs[name].history.iloc[:, :7])]
        return verdict_table(other)

    reduced = table_for("mitbih", training_set="half_second_largest")
    by = reduced.set_index(["model", "metric"])
    assert by.loc[("late", "accuracy"), "report"] == 0.9435 and by.loc[("concat", "mcc"), "report"] == 0.8173
    assert by["deviation"].isna().all() and set(by["rule"]) == {"best"}
    assert " ± " not in "".join(verdict_summary(reduced).iloc[:, 3])
    assert "best, " in verdict_summary(reduced)["epochs"][0]
    whole = table_for("mitbih")
    assert whole["report"].isna().all() and whole["verdict"].notna().sum() == 18
    assert set(verdict_summary(whole)["metric"]) == {"MCC", "macro F1", "accuracy"}
    # other hearts, or the same beats split otherwise
    for other in (table_for("ptbxl"), table_for("mitbih", split="patient", training_set="half_second_largest")):
        assert other[["original_mean", "verdict", "report"]].isna().all(axis=None)
        assert len(verdict_summary(other)) == 24 and len(verdict_summary(other).columns) == 4
        assert verdict_sentence(other).endswith("no verdict.")


def test_claims_are_the_runs_differences(experiment, claims):
    assert claims["other"].tolist() == ["cnn_transformer", "cnn2d", "concat", "sum", "weighted_sum"]
    assert claims["claim"].tolist() == [claim for claim, models in CLAIMS.items() for _ in models]
    late = experiment.runs("late")
    for row in claims.to_dict("records"):
        others = experiment.runs(row["other"])
        for metric in ("mcc", "f1_macro"):
            by_seed = [
                getattr(a.metrics, metric) - getattr(b.metrics, metric) for a, b in zip(late, others, strict=True)
            ]
            assert row[metric] == pytest.approx(np.mean(by_seed))
            assert row[f"{metric}_seeds_deviation"] == pytest.approx(np.std(by_seed, ddof=1))
            assert row[f"{metric}_low"] <= row[f"{metric}_high"]
        first = [run.predictions.scores.argmax(axis=1) for run in (late[0], others[0])]
        test = mcnemar(late[0].predictions.label, *first)
        assert (row["model_alone"], row["other_alone"], row["mcnemar_p"]) == dataclasses.astuple(test)
        bounds = [f"{metric}{kind}" for metric in ("mcc", "f1_macro") for kind in ("", "_seeds")]
        assert row["verdict"] == decide((row[f"{name}_low"], row[f"{name}_high"]) for name in bounds)


def test_claim_summary_shows_seeds_where_there_are_several(claims):
    assert len(claim_summary(claims).columns) == 10
    alone = claims.assign(repetitions=1, mcc=0.0181, mcc_low=0.0136, mcc_high=0.0226, mcnemar_p=0.0)
    wide = claim_summary(alone)
    assert len(wide.columns) == 8
    assert wide["MCC [95 %, beats]"][0] == "+1.81 [+1.36, +2.26]" and wide["McNemar's p"][0] == "< 1e-99"


def test_claim_holds_against_all_and_fails_against_one(claims):
    def sentences(*verdicts: str) -> list[str]:
        return [line.split(": ")[1] for line in claim_sentences(claims.assign(verdict=verdicts)).splitlines()]

    assert sentences(HOLDS, HOLDS, HOLDS, HOLDS, UNDECIDED) == [HOLDS, UNDECIDED]
    assert sentences(UNDECIDED, FAILS, HOLDS, HOLDS, HOLDS) == [FAILS, HOLDS]
    assert claim_sentences(claims).startswith("The hybrid (late fusion) beats both branches: ")


def test_figure_shows_each_seed_and_both_papers(experiment, table):
    points = seed_table(experiment)
    figure = verdict_figure(points, table, "demo", "a title")
    axes, below = figure.axes
    drawn = np.concatenate([line.get_xdata() for line in axes.lines])
    for model in MODEL_TITLES:
        for run in experiment.runs(model):
            for value in (run.history["test_mcc"].iloc[-2:].mean(), run.metrics.mcc):
                assert np.isclose(drawn, 100 * value).any()
    means = table[table["metric"] == "mcc"]
    assert np.isin(100 * means["report"], drawn).all()
    (bars,) = axes.containers
    np.testing.assert_allclose(bars.lines[0].get_xdata().astype(float), 100 * means["original_mean"])
    reach = [np.ptp(segment[:, 0]) / 2 for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(reach, 100 * means["original_deviation"])
    legend = [text.get_text() for text in below.get_legend().get_texts()]
    assert len(legend) == len(set(legend)) == 4 and figure.get_suptitle() == "a title"
    without = table.assign(original_mean=np.nan, original_deviation=np.nan, report=np.nan)
    assert len(verdict_figure(points, without, "demo", "a title").axes[1].get_legend().get_texts()) == 2
