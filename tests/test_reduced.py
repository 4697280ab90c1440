"""The committed results on MIT-BIH-reduced: what the files say is what they hold, and the code still makes it."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from ecglib import paths
from ecglib.evaluation import HEADLINE_METRICS, evaluate
from ecglib.experiment import Experiment
from ecglib.parameters import load_parameters
from ecglib.recipes import FUSIONS, MODEL_TITLES
from ecglib.runs import load_run
from ecglib.spectrogram import pictures

RUNS = paths.home() / "runs" / "reduced" / "mitbih"
EPOCHS = {"cnn_transformer": 150, "cnn2d": 30} | dict.fromkeys(FUSIONS, 10)


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_metrics_are_those_of_the_predictions(name):
    run = load_run(RUNS / name)
    assert len(run.predictions.label) == 21_892
    again = evaluate(run.predictions.label, run.predictions.scores)
    assert again.confusion == run.metrics.confusion
    for metric in HEADLINE_METRICS:
        assert getattr(run.metrics, metric) == pytest.approx(getattr(again, metric))
    assert len(run.history) == EPOCHS[name]
    assert run.best_epoch == run.history["validation_accuracy"].argmax() + 1


@pytest.mark.parametrize("number", [4, 7])
def test_tables_are_those_of_the_runs(number):
    path = paths.home() / "figures" / "reduced" / f"table{number}_mitbih.csv"
    table = pd.read_csv(path, float_precision="round_trip")
    ours = table[table["reported_by"] == "ours"]
    assert len(ours) == {4: 3, 7: 4}[number]
    for row in ours.to_dict("records"):
        metrics = load_run(RUNS / row["model"]).metrics
        assert [row[metric] for metric in HEADLINE_METRICS] == [getattr(metrics, m) for m in HEADLINE_METRICS]


@pytest.fixture(scope="module")
def experiment(mitbih_beats):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(paths.home()))
        tried = Experiment(load_parameters("reduced"), "mitbih")
        # as the table would give them
        tried.__dict__["beats"] = mitbih_beats
        yield tried


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_runs_belong_to_the_code_and_the_data(experiment, name):
    stored = json.loads((RUNS / name / "run.json").read_text())
    assert experiment._identity(name) == stored["identity"]


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_weights_give_the_stored_scores(experiment, name):
    predictions = experiment.run(name).predictions
    rows = np.linspace(0, len(predictions.row) - 1, 60).astype(int)
    signal = torch.tensor(experiment.beats.signal[predictions.row[rows]])
    inputs = {"cnn_transformer": (signal,), "cnn2d": (pictures(signal),)}.get(name, (signal, pictures(signal)))
    with torch.no_grad():
        scores, _ = experiment.model(name)(*inputs)
    np.testing.assert_allclose(scores, predictions.scores[rows], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(experiment.beats.label[predictions.row], predictions.label)
