"""Class weights taken back: against the closed form of the weighted loss's minimum, and scikit-learn."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score, matthews_corrcoef

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.parameters import load_parameters
from ecglib.results.weighting import (
    class_weight_summary,
    class_weight_table,
    weighting_summary,
    weighting_table,
    without_class_weights,
)

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 2, "fusion_epochs": 2}

pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module", params=["report", "original"])
def experiment(output, request) -> Experiment:
    return Experiment(load_parameters("demo", design=request.param, repetitions=2, **TINY), "mitbih")


def test_weighted_minimum_becomes_the_plain_one():
    """With free scores for each kind of beat, both losses' minima are known, and one becomes the other."""
    counts = torch.tensor([[90.0, 6.0, 4.0], [30.0, 50.0, 20.0]], dtype=torch.float64)  # kinds, classes
    weights = torch.tensor([0.2, 3.0, 7.0], dtype=torch.float64)
    scores = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scores], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-14)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = -(F.log_softmax(scores, dim=1) * counts * weights).sum()
        value.backward()
        return value

    optimizer.step(loss)
    plain = torch.softmax(torch.tensor(without_class_weights(scores.detach().numpy(), weights.numpy())), dim=1)
    np.testing.assert_allclose(plain, counts / counts.sum(dim=1, keepdim=True), atol=1e-6)


def test_table_is_that_of_the_scores(experiment):
    table = weighting_table(experiment).set_index("model")
    for model in ("cnn_transformer", "late", "concat"):
        weights = experiment.class_weights(model)
        assert table.loc[model, "weighted"] == (weights.max() > 1)
        values = {"": [], "_without_weights": []}
        for run in experiment.runs(model):
            label, scores = run.predictions.label, run.predictions.scores.astype(float)
            for end, of_class in (("", 1.0), ("_without_weights", weights)):
                predicted = (scores - np.log(of_class)).argmax(axis=1)
                values[end].append(
                    [matthews_corrcoef(label, predicted), f1_score(label, predicted, average="macro", zero_division=0)]
                )
        for end, of_runs in values.items():
            assert table.loc[model, [f"mcc{end}", f"f1_macro{end}"]].tolist() == pytest.approx(np.mean(of_runs, axis=0))
    assert table.loc["late", "weighted"] == (experiment.parameters.design == "report")


def test_summary_shows_both_leads(experiment):
    table = weighting_table(experiment)
    shown = weighting_summary(table).set_index("model")
    line = table.set_index("model")
    lead = 100 * (line.loc["late", "mcc_without_weights"] - line.loc["cnn2d", "mcc_without_weights"])
    assert shown.loc["2D CNN", "late fusion's lead (MCC), without the weights"] == f"{lead:+.2f}"
    assert shown.loc["Hybrid, late fusion", "late fusion's lead (MCC), as trained"] == ""


def test_with_and_without_class_weights_stand_side_by_side(monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(files.home()))
    tidy = class_weight_table(Experiment(load_parameters("reduced"), "mitbih"))
    of = tidy.set_index(["model", "class_weights", "seed"])["mcc"]
    folder = files.home() / "runs" / "reduced-class_weighting-none" / "mitbih"
    for path in folder.rglob("cnn2d/run.json"):
        repetition = path.parts[-3].removeprefix("repetition-") if "repetition" in path.parts[-3] else "0"
        assert of["cnn2d", "none", int(repetition)] == json.loads(path.read_text())["metrics"]["mcc"]
    shown = class_weight_summary(tidy, "mitbih").set_index("model").loc["2D CNN"]
    assert shown["report"] == "73.63" and shown["class weights balanced"].startswith("68.45")
