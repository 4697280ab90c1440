"""New people: EC57's counts against scikit-learn, and the committed answers against the committed networks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef, precision_score, recall_score

from ecglib import files
from ecglib.data.context import GROUPS, table_inputs
from ecglib.designs.context import LADDER, examples, fit, folder, new_network, probabilities, trained_networks
from ecglib.experiment import Experiment
from ecglib.figures.new_people import ladder_figure, trust_figure
from ecglib.metrics import confusion_matrix
from ecglib.parameters import load_parameters
from ecglib.results import new_people


@pytest.fixture(scope="module")
def ladder() -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        # late fusion as it is committed, and nothing trained in its place
        patch.setenv("ECGLIB_OUTPUT", str(files.home()))
        patch.setenv("ECGLIB_TRAIN", "never")
        return new_people.ladder_table(Experiment(load_parameters("reduced"), "mitbih"))


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


def test_each_model_opened_the_test_records_once():
    opened = new_people.openings()
    assert sorted(opened["model"]) == sorted(LADDER)
    assert (opened["beats"] == len(new_people.side_of("test"))).all()
    assert all(rung.seeds == opened.set_index("model")["seeds"][name] for name, rung in LADDER.items())


def test_ladder_and_targets(ladder):
    assert set(ladder["model"]) == {new_people.PAPERS, *LADDER}
    whole = ladder[ladder["records"] == new_people.ALL].set_index("model")
    assert ((whole["mcc_low"] <= whole["mcc"]) & (whole["mcc"] <= whole["mcc_high"])).all()
    beats = new_people.side_of("test")
    predicted = new_people.read_answers("test")["context"].to_numpy()
    assert whole.loc["context", "mcc"] == pytest.approx(matthews_corrcoef(beats.label, predicted))
    records = new_people.record_table()
    assert records[list("NSVF")].to_numpy().sum() == len(beats) and len(records) == 22


def test_trust_and_risk():
    trust, risk = new_people.trust_table(), new_people.risk_table()
    assert trust.groupby("probabilities")["beats"].sum().nunique() == 1
    loss = trust.groupby("probabilities")["log_loss"].first()
    assert loss.notna().all() and trust["confidence"].between(1 / 3, 1).all()
    assert risk["wrong"].is_monotonic_decreasing and risk["answered"].iloc[0] == 1


def test_figures_draw_the_tables(ladder):
    figure = ladder_figure(ladder, "x")
    drawn = figure.axes[0].lines[0].get_xdata()
    np.testing.assert_array_equal(drawn, ladder[ladder["records"] == new_people.ALL]["mcc"])
    trust, risk = new_people.trust_table(), new_people.risk_table()
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
