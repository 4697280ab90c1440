"""New people: EC57's counts against scikit-learn, and the committed answers against the committed networks."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import wfdb
from sklearn.metrics import f1_score, matthews_corrcoef, precision_score, recall_score
from sklearn.model_selection import StratifiedGroupKFold

from ecglib import files
from ecglib.data.context import GROUPS, table_inputs
from ecglib.data.splits import ECGBENCH_FOLDS
from ecglib.designs.context import (
    LADDER,
    examples,
    fit,
    folder,
    least_sure,
    new_network,
    probabilities,
    trained_networks,
)
from ecglib.designs.ladder import BY_ECGBENCH, _keep, ecgbench_fold_numbers, main
from ecglib.experiment import Experiment
from ecglib.figures.new_people import ladder_figure, trust_figure
from ecglib.metrics import confusion_matrix
from ecglib.names import EcglibError
from ecglib.parameters import load_parameters
from ecglib.results import by_patient, declining, future, known_people, new_people


@pytest.fixture(scope="module")
def experiment() -> Iterator[Experiment]:
    with pytest.MonkeyPatch.context() as patch:
        # late fusion as it is committed, and nothing trained in its place
        patch.setenv("ECGLIB_OUTPUT", str(files.home()))
        patch.setenv("ECGLIB_TRAIN", "never")
        yield Experiment(load_parameters("reduced"), "mitbih")


@pytest.fixture(scope="module")
def ladder(experiment) -> pd.DataFrame:
    return new_people.ladder_table(experiment)


@pytest.fixture(scope="module")
def known(experiment) -> pd.DataFrame:
    return known_people.known_table(experiment)


def test_statistics_are_scikit_learns():
    generator = np.random.default_rng(0)
    label, predicted = generator.integers(0, 4, size=(2, 500))
    found = new_people.statistics(confusion_matrix(label, predicted, 4))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(label, predicted))
    assert found["f1_nsvf"] == pytest.approx(f1_score(label, predicted, average="macro"))
    for name, own, out in (("sveb", 1, []), ("veb", 2, [3])):
        rows = ~np.isin(label, out) | (predicted != own)
        true, called = label == own, predicted == own
        assert found[f"{name}_se"] == pytest.approx(recall_score(true, called))
        assert found[f"{name}_ppv"] == pytest.approx(precision_score(true[rows], called[rows]))
    others = np.isin(label, [0, 1])
    assert found["veb_fpr"] == pytest.approx((predicted[others] == 2).mean())


def test_macro_f1_of_three_classes_knows_no_fusion_beat():
    table = np.array([[90, 5, 5, 0], [2, 8, 0, 0], [1, 0, 9, 0], [50, 0, 0, 0]])
    other = np.array([[90, 5, 5, 0], [2, 8, 0, 0], [1, 0, 9, 0], [0, 0, 50, 0]])
    first, second = (new_people.statistics(one) for one in (table, other))
    assert first["f1_nsv"] == second["f1_nsv"] and first["veb_ppv"] == second["veb_ppv"]
    assert first["mcc"] != second["mcc"]


def test_a_model_learns_and_is_the_same_again():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 4, size=12_000)
    inputs = {name: generator.standard_normal((12_000, columns)).astype(np.float32) for name, columns in GROUPS.items()}
    inputs["ratios"][:, 0] += 3 * (label == 1)
    inputs["window"][:, 3] += 3 * (label == 2)
    rung = LADDER["context"]
    network = fit(inputs, label, rung, seed=0)
    predicted = probabilities(network, inputs, rung).argmax(axis=1)
    assert (predicted == label)[label < 3].mean() > 0.7
    again = probabilities(fit(inputs, label, rung, seed=0), inputs, rung)
    np.testing.assert_array_equal(again, probabilities(network, inputs, rung))


@pytest.mark.parametrize("name", [name for name, rung in LADDER.items() if rung.kind == "network"])
def test_a_rung_sees_what_it_says(name):
    rung, count = LADDER[name], 4
    inputs = {group: np.ones((count, columns), np.float32) for group, columns in GROUPS.items()}
    shown = examples(inputs, rung)
    total = sum(columns for group, columns in GROUPS.items() if group not in rung.without)
    assert sum(part.shape[1] for part in shown.inputs) == total
    assert new_network(rung).eval()(*shown.inputs)[0].shape == (count, rung.classes)


def test_a_frozen_encoder_stays_as_it_was_drawn():
    generator = np.random.default_rng(0)
    label = generator.integers(0, 3, size=3000)
    inputs = {name: generator.standard_normal((3000, columns)).astype(np.float32) for name, columns in GROUPS.items()}
    rung = LADDER["frozen"]
    drawn, learned = new_network(rung, seed=1).state_dict(), fit(inputs, label, rung, seed=1).state_dict()
    changed = {name for name in drawn if not np.array_equal(drawn[name], learned[name])}
    # what the normalisation has seen is no weight
    assert {name for name in changed if not name.startswith("norm.")} == {"output.weight", "output.bias"}
    assert not {"norm.weight", "norm.bias"} & changed


def test_each_answer_is_in_the_list_of_openings():
    opened = new_people.openings()
    for side, words in {"test": "DS1", "known": "Kaggle's training file", "ecgbench": "nine folds of ECGBench"}.items():
        lines = opened[opened["learned_from"] == words]
        assert set(lines["model"]) == {name for name in new_people.read_answers(side) if name in LADDER}
        assert (lines["beats"] == len(new_people.side_of(side))).all()
        # the last opening is the one whose answers are kept
        last = lines.drop_duplicates("model", keep="last").set_index("model")["seeds"]
        assert all(LADDER[name].seeds == seeds for name, seeds in last.items())
        assert len(new_people.read_answers(side)) == len(new_people.side_of(side))


def test_ladder_and_targets(ladder):
    assert set(ladder["model"]) == {new_people.PAPERS, new_people.PAPERS_ALL, *LADDER}
    whole = ladder[ladder["records"] == new_people.ALL].set_index("model")
    assert ((whole["mcc_low"] <= whole["mcc"]) & (whole["mcc"] <= whole["mcc_high"])).all()
    beats = new_people.side_of("test")
    predicted = new_people.read_answers("test")["context"].to_numpy()
    assert whole.loc["context", "mcc"] == pytest.approx(matthews_corrcoef(beats.label, predicted))
    assert whole["lead"].to_numpy() == pytest.approx(whole.loc["context", "mcc"] - whole["mcc"].to_numpy())
    assert (whole.loc["context", ["lead", "lead_low", "lead_high"]] == 0).all()
    records = new_people.record_table()
    assert records[list("NSVF")].to_numpy().sum() == len(beats) and len(records) == 22


def test_known_and_new_are_tested_on_the_same_beats(known, experiment):
    assert (
        set(known["model"]) == {new_people.PAPERS, new_people.PAPERS_ALL, *LADDER}
        and (known.groupby("model").size() == 2).all()
    )
    new = known[known["patients"] == known_people.NEW].set_index("model")
    beats, test = new_people.side_of("known"), new_people.side_of("test")
    place = {one: row for row, one in enumerate(zip(test.record, test.sample, strict=True))}
    rows = [place[one] for one in zip(beats.record, beats.sample, strict=True)]
    predicted = new_people.read_answers("test")["context"].to_numpy()[rows]
    assert new.loc["context", "mcc"] == pytest.approx(matthews_corrcoef(beats.label, predicted))
    # as notebook 08 counts late fusion's known patients
    compared = by_patient.compare(experiment.split_by("kaggle"), [experiment.split_by("patient")], ("late",))
    same = next(row for row in compared if row.split == by_patient.SAME_PEOPLE)
    late = known[(known["model"] == "late") & (known["patients"] == known_people.KNOWN)].iloc[0]
    assert late["beats"] == same.beats and late["mcc"] == pytest.approx(same.metrics.mcc)


def test_folds_of_ecgbench_hold_each_patient_once():
    tidy = known_people.fold_table()
    assert set(tidy["model"]) == set(BY_ECGBENCH)
    # 201 and 202 are one
    assert tidy.set_index(["model", "records"])["patients"].loc[("context", new_people.ALL)] == 43
    beats = new_people.side_of("ecgbench")
    assert len(np.unique(beats.record)) == 44
    fold = ecgbench_fold_numbers(beats.record)
    assert (pd.Series(fold).groupby(beats.subject).nunique() == 1).all()


def test_folds_are_those_of_ecgbench(data_folder):
    names = sorted(name for fold in ECGBENCH_FOLDS for name in fold)
    # the third word of a header's comment is the tape
    tapes = [wfdb.rdheader(str(data_folder / "mitdb" / str(name))).comments[0].split()[2] for name in names]
    dealt = StratifiedGroupKFold(10, shuffle=True, random_state=42).split(
        names, np.where(np.array(names) < 200, "random_sample", "selected"), [f"tape{tape}" for tape in tapes]
    )
    assert tuple(tuple(names[row] for row in rows) for _, rows in dealt) == ECGBENCH_FOLDS


def test_answers_are_kept_beside_those_of_other_models(tmp_path, monkeypatch):
    monkeypatch.setattr("ecglib.designs.ladder.folder", lambda: tmp_path)
    _keep("test", "weighted", {"weighted": np.zeros(3)})
    _keep("test", "context", {"context": np.zeros(3), "context-0": np.zeros(3), "log_p_N": np.zeros(3)})
    _keep("test", "weighted", {"weighted": np.ones(3)})
    kept = pd.read_parquet(tmp_path / "test.parquet")
    assert [*kept] == ["context", "context-0", "log_p_N", "weighted"] and (kept["weighted"] == 1).all()


def test_an_unknown_model_is_one_line():
    with pytest.raises(EcglibError, match="model 'contxt': none of the ladder"):
        main(["contxt"])


def test_trust_and_risk():
    trust, risk = new_people.trust_table(), declining.risk_table()
    assert trust.groupby("probabilities")["beats"].sum().nunique() == 1
    loss = trust.groupby("probabilities")["log_loss"].first()
    assert loss.notna().all() and trust["confidence"].between(1 / 3, 1).all()
    assert risk["wrong"].is_monotonic_decreasing and risk["answered"].iloc[0] == 1


def test_declined_beats_are_those_below_the_threshold():
    tidy = declining.decline_table().set_index(["side", "asked"])
    inside = tidy.loc["DS1, left-out folds"]
    # the share that was asked for, but for beats of the same probability
    assert inside["declined"].to_numpy() == pytest.approx(inside.index.to_numpy(), abs=0.002)
    assert inside["wrong"].is_monotonic_decreasing and (tidy.xs(0.0, level="asked")["errors"] == 0).all()
    beats, answers = new_people.side_of("test"), new_people.read_answers("test")
    sure = np.exp(answers[["log_p_N", "log_p_S", "log_p_V"]].to_numpy(float)).max(axis=1) >= least_sure(0.05)
    right = answers["context"].to_numpy() == beats.label
    row = tidy.loc[("DS2", 0.05)]
    assert row["wrong"] == pytest.approx(1 - right[sure].mean()) and row["declined"] == pytest.approx(1 - sure.mean())
    assert row["errors"] == pytest.approx((~sure)[~right].mean())
    assert row["declined_s"] == pytest.approx((~sure)[beats.label == 1].mean())


def test_the_future_is_compared_on_the_same_beats():
    answers, beats = pd.read_parquet(folder() / "future.parquet"), new_people.side_of("train")
    assert len(answers) == len(beats)
    # the network of the ladder's column, trained again
    assert (answers["causal-0"] == new_people.read_answers("train")["context-0"]).mean() > 0.995
    causal, coming = future.future_table().to_dict("records")
    assert causal["gain"] == 0 and coming["gain"] == pytest.approx(coming["mcc"] - causal["mcc"])
    assert coming["mcc"] == pytest.approx(matthews_corrcoef(beats.label, answers["future"]))
    assert coming["mcc_lowest"] <= coming["mcc_highest"] and coming["gain_low"] <= coming["gain"] <= coming["gain_high"]


@pytest.mark.parametrize("share", [-0.1, 1.0, 5, np.nan])
def test_what_is_no_share_is_one_line(share):
    with pytest.raises(EcglibError, match="is no share of beats; give one from 0 to below 1"):
        least_sure(share)


def test_figures_draw_the_tables(ladder, known):
    figure = ladder_figure(ladder, known, "x")
    drawn = figure.axes[0].lines[0].get_xdata()
    np.testing.assert_array_equal(drawn, ladder[ladder["records"] == new_people.ALL]["mcc"])
    trust, risk = new_people.trust_table(), declining.risk_table()
    axes = trust_figure(trust, risk, "x").axes
    np.testing.assert_array_equal(axes[1].lines[0].get_ydata(), risk["wrong"])


def test_committed_networks_give_the_committed_answers(data_folder):
    beats = new_people.side_of("test")
    rows = np.flatnonzero(np.isin(beats.record, ["232", "213"]))
    inputs = table_inputs(beats.take(rows), data_folder / "mitdb")
    mean = np.mean([probabilities(network, inputs) for network in trained_networks()], axis=0)
    answers = new_people.read_answers("test").iloc[rows]
    # another processor may round another way
    assert (mean.argmax(axis=1) == answers["context"]).mean() > 0.999
    assert folder() == files.home() / "runs" / "context"
