"""The committed results: what the files say is what they hold, and the code still makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from ecglib import files
from ecglib.data import ptbxl
from ecglib.data.table import Beats
from ecglib.experiment import Experiment
from ecglib.metrics import evaluate
from ecglib.models.pictures import PICTURES
from ecglib.names import FUSIONS, HEADLINE_METRICS, MODEL_TITLES, ModelName
from ecglib.parameters import load_parameters
from ecglib.results.by_patient import BY_BEAT, BY_PATIENT, SAME_PEOPLE
from ecglib.results.ledger import SLIPS, Ledger, effects, ingredients
from ecglib.results.rhythm import known_rhythm_table, rhythm_table
from ecglib.results.weighting import weighting_table
from ecglib.runs import Run, load_run


@dataclass(frozen=True)
class Results:
    """One folder of runs: the profile and split that it belongs to, how many test beats there are, which models."""

    profile: str
    split: str | None
    dataset: str
    test_beats: int
    models: tuple[ModelName, ...] = tuple(MODEL_TITLES)

    @property
    def experiment(self) -> Experiment:
        return self.repetition(0)

    @property
    def repetitions(self) -> list[Experiment]:
        return [self.repetition(r) for r in range(load_parameters(self.profile).repetitions)]

    def repetition(self, number: int) -> Experiment:
        return Experiment(load_parameters(self.profile, split=self.split), self.dataset, number)

    def __str__(self) -> str:
        return f"{self.profile} {self.split or 'as usual'}"


REDUCED = Results("reduced", None, "mitbih", 21_892)
REDUCED_BY_PATIENT = Results("reduced", "patient", "mitbih", 49_683)
PTBXL = Results("ptbxl", None, "ptbxl", 2_349)
PTBXL_BY_BEAT = Results("ptbxl", "kaggle", "ptbxl", 4_266)
SHORT = Results("short", None, "mitbih", 21_892)
SHORT_ORIGINAL = Results("short_original", None, "mitbih", 21_892)
FULL = Results("full", None, "mitbih", 21_892)
ORIGINAL = Results("original", None, "mitbih", 21_892)
BEST = Results("best", None, "mitbih", 21_892)
LEDGER = Results("ledger", None, "mitbih", 21_892)
ALL = (REDUCED, REDUCED_BY_PATIENT, PTBXL, PTBXL_BY_BEAT, SHORT, SHORT_ORIGINAL, FULL, ORIGINAL, BEST)
each_run = pytest.mark.parametrize(
    ("results", "name"), [(results, name) for results in ALL for name in results.models], ids=str
)


@pytest.fixture(scope="module", autouse=True)
def committed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(files.home()))
        yield


@each_run
def test_metrics_are_those_of_the_predictions(results, name):
    for experiment in results.repetitions:
        run = load_run(experiment.folder / name)
        assert len(run.predictions.label) == results.test_beats
        again = evaluate(run.predictions.label, run.predictions.scores)
        assert again.confusion == run.metrics.confusion
        for metric in HEADLINE_METRICS:
            assert getattr(run.metrics, metric) == pytest.approx(getattr(again, metric))
        parameters = experiment.parameters
        patience = parameters.early_stopping_patience
        planned = getattr(parameters, "fusion_epochs" if name in FUSIONS else f"{name}_epochs")
        assert len(run.history) == (planned if patience is None else min(planned, run.best_epoch + patience))
        best = run.history["validation_accuracy"].argmax() + 1
        assert run.best_epoch == (planned if parameters.selection == "last" else best)


def reported(run: Run, metric: str) -> float:
    """The mean over the last epochs where a run has tested them, else of the kept epoch."""
    tested = run.history.get(f"test_{metric}")
    return getattr(run.metrics, metric) if tested is None else tested.dropna().mean()


@pytest.mark.parametrize("results", [REDUCED, PTBXL, SHORT, SHORT_ORIGINAL, FULL, ORIGINAL, BEST], ids=str)
@pytest.mark.parametrize("number", [4, 7])
def test_tables_are_those_of_the_runs(results, number):
    path = files.home() / "figures" / results.profile / f"table{number}_{results.dataset}.csv"
    table = pd.read_csv(path, float_precision="round_trip")
    ours = table[(table["reported_by"] == "ours") & table["mcc"].notna()]
    assert len(ours) == {4: 3, 7: 4}[number]
    for row in ours.to_dict("records"):
        metrics = load_run(results.experiment.folder / row["model"]).metrics
        assert [row[metric] for metric in HEADLINE_METRICS] == [getattr(metrics, m) for m in HEADLINE_METRICS]


@pytest.mark.parametrize("results", [REDUCED, PTBXL, SHORT, SHORT_ORIGINAL, FULL, ORIGINAL, BEST], ids=str)
def test_verdicts_are_those_of_the_runs(results):
    folder = files.home() / "figures" / results.profile
    of = {name: [load_run(one.folder / name) for one in results.repetitions] for name in MODEL_TITLES}
    numbers = pd.read_csv(folder / f"table_verdict_{results.dataset}.csv", float_precision="round_trip")
    assert len(numbers) == 24
    for row in numbers.to_dict("records"):
        mean = np.mean([reported(run, row["metric"]) for run in of[row["model"]]])
        assert row["mean"] == pytest.approx(mean, rel=1e-12)
    claims = pd.read_csv(folder / f"table_claims_{results.dataset}.csv", float_precision="round_trip")
    assert len(claims) == 5
    for row in claims.to_dict("records"):
        pair = [[run.metrics for run in of[name]] for name in ("late", row["other"])]
        assert row["mcc"] == pytest.approx(np.subtract(*(np.mean([one.mcc for one in several]) for several in pair)))
        alone = np.subtract(*(np.trace(several[0].confusion) for several in pair))
        assert row["model_alone"] - row["other_alone"] == alone


@pytest.mark.parametrize("results", [SHORT, BEST, LEDGER], ids=str)
def test_mistakes_are_those_of_the_runs(results):
    path = files.home() / "figures" / results.profile / "table_mistakes_mitbih.csv"
    table = pd.read_csv(path, float_precision="round_trip")
    for model, rows in table.groupby("model"):
        runs = [load_run(one.folder / model) for one in results.repetitions]
        confusion = np.array([run.metrics.confusion for run in runs])  # (R, K, K)
        wrong = confusion.sum(axis=2) - np.diagonal(confusion, axis1=1, axis2=2)
        assert rows["wrong"].tolist() == pytest.approx(wrong.mean(axis=0).tolist())
        label = runs[0].predictions.label
        in_all = np.all([run.predictions.scores.argmax(axis=1) != label for run in runs], axis=0)
        assert rows["wrong_in_all"].tolist() == np.bincount(label[in_all], minlength=5).tolist()
        assert rows["f1_macro"].tolist() == pytest.approx([np.mean([run.metrics.f1_macro for run in runs])] * 5)


@pytest.mark.parametrize(
    ("by_beat", "by_patient"), [(REDUCED, REDUCED_BY_PATIENT), (PTBXL_BY_BEAT, PTBXL)], ids=["mitbih", "ptbxl"]
)
def test_both_splits_stand_side_by_side(by_beat, by_patient):
    path = files.home() / "figures" / by_beat.profile / f"table_patients_{by_beat.dataset}.csv"
    table = pd.read_csv(path, float_precision="round_trip").set_index(["model", "split"])
    assert len(table) == 9
    for model in ("cnn_transformer", "cnn2d", "late"):
        for split, results in ((BY_BEAT, by_beat), (BY_PATIENT, by_patient)):
            metrics = load_run(results.experiment.folder / model).metrics
            assert table.loc[(model, split), list(HEADLINE_METRICS)].tolist() == [
                getattr(metrics, metric) for metric in HEADLINE_METRICS
            ]
            assert table.loc[(model, split), "beats"] == results.test_beats
        # the same people: fewer beats than either
        assert table.loc[(model, SAME_PEOPLE), "beats"] < min(by_beat.test_beats, by_patient.test_beats)


@pytest.fixture(scope="module")
def tables(data_folder, mitbih_beats) -> dict[str, Beats]:
    if not (data_folder / "ptb-xl").is_dir():
        pytest.skip("needs PTB-XL records: ECGLIB_DATA has no ptb-xl")
    return {"mitbih": mitbih_beats, "ptbxl": ptbxl.build(data_folder / "ptb-xl")}


def on(results: Results, tables: dict[str, Beats]) -> Experiment:
    experiment = results.experiment
    # made from the records themselves, and not the committed outline
    experiment.data.__dict__ |= {"table": tables[results.dataset], "_whole_table": tables[results.dataset]}
    return experiment


@pytest.mark.parametrize("results", ALL, ids=str)
def test_runs_belong_to_the_code_and_the_data(results, tables):
    experiment = on(results, tables)
    for name in results.models:
        assert experiment.has(name), name


@pytest.fixture
def nothing_is_trained(monkeypatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the committed run is missing or another one; it would be trained")

    monkeypatch.setattr("ecglib.experiment.train", refuse)
    # a slip that was not run yet takes no part
    monkeypatch.setenv("ECGLIB_TRAIN", "never")


@pytest.mark.parametrize("results", ALL, ids=str)
def test_weights_give_the_stored_scores(results, tables, nothing_is_trained):
    experiment = on(results, tables)
    for name in results.models:
        predictions = experiment.run(name).predictions
        rows = np.linspace(0, len(predictions.row) - 1, 60).astype(int)
        signal = torch.tensor(experiment.data.signal[predictions.row[rows]])
        rule = PICTURES[experiment.picture]
        picture = rule.draw(rule.keep(signal))
        inputs = {"cnn_transformer": (signal,), "cnn2d": (picture,)}.get(name, (signal, picture))
        with torch.no_grad():
            scores, _ = experiment.model(name)(*inputs)
        np.testing.assert_allclose(scores, predictions.scores[rows], rtol=1e-3, atol=1e-3, err_msg=name)
        np.testing.assert_array_equal(experiment.beats.label[predictions.row], predictions.label)


@pytest.mark.parametrize("results", [REDUCED, FULL, ORIGINAL], ids=str)
def test_class_weights_are_taken_back_from_the_runs(results, tables, nothing_is_trained):
    stored = pd.read_csv(files.home() / "figures" / results.profile / "table_weighting_mitbih.csv")
    pd.testing.assert_frame_equal(weighting_table(on(results, tables)), stored, check_exact=False, rtol=1e-12)


def test_missing_rhythm_is_that_of_the_runs(tables, nothing_is_trained):
    experiment, folder = on(BEST, tables), files.home() / "figures" / "best"
    stored = pd.read_csv(folder / "table_rhythm_mitbih.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(rhythm_table(experiment, "late"), stored)
    # scores of validation beats are computed anew, and rounded as the machine does it: a beat may change sides
    stored = pd.read_csv(folder / "table_known_rhythm_mitbih.csv")
    pd.testing.assert_frame_equal(known_rhythm_table(experiment, "late"), stored, check_exact=False, atol=0.01)


def test_overview_is_that_of_the_runs():
    shown = {results.profile: results for results in (REDUCED, LEDGER, SHORT, FULL, SHORT_ORIGINAL, ORIGINAL, BEST)}
    path = files.home() / "figures" / "short" / "table_overview_mitbih.csv"
    table = pd.read_csv(path, float_precision="round_trip")
    ours = table[~table["is_paper"]]
    assert set(zip(ours["by"], ours["model"], strict=True)) == {(p, name) for p in shown for name in shown[p].models}
    assert len(ours) == sum(len(results.models) for results in shown.values())
    for row in ours.to_dict("records"):
        repetitions = shown[row["by"]].repetitions
        runs = [load_run(one.folder / row["model"]) for one in repetitions]
        assert row["runs"] == len(repetitions)
        for metric in ("mcc", "f1_macro"):
            assert row[metric] == pytest.approx(np.mean([getattr(run.metrics, metric) for run in runs]))


@pytest.mark.parametrize(("results", "name"), [(LEDGER, "ledger"), (BEST, "ingredients")], ids=["slips", "ingredients"])
def test_effects_of_changes_are_those_of_the_runs(results, name, tables, nothing_is_trained):
    changes = SLIPS if results is LEDGER else ingredients(results.experiment.parameters)
    ledger = Ledger(on(results, tables), changes)
    path = files.home() / "figures" / results.profile / f"table_{name}_mitbih.csv"
    table = pd.read_csv(path, float_precision="round_trip")
    pd.testing.assert_frame_equal(effects(ledger.tidy), table, check_exact=False, rtol=1e-12)
    for change in changes:
        for model in change.models:
            for run in (run for pair in ledger.pairs(change, model) for run in pair):
                assert evaluate(run.predictions.label, run.predictions.scores).confusion == run.metrics.confusion
