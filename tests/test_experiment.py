"""Runs: trained once, loaded after, resumed in between; fusions on cached branch outputs."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ecglib import experiment as experiment_module
from ecglib import files
from ecglib.experiment import Experiment
from ecglib.metrics import evaluate
from ecglib.models.pictures import colour_cells, enlarge, real_part_levels
from ecglib.names import FUSIONS, HEADLINE_METRICS, MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters
from ecglib.runs import load_run, save_run
from ecglib.training.branches import BranchOutputs
from ecglib.training.optimizers import TrainingConfig

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 2, "cnn2d_epochs": 1, "fusion_epochs": 2, "seed": 3}


def new_experiment(**overrides: object) -> Experiment:
    return Experiment(load_parameters("demo", **{"datasets": ["mitbih", "ptb"], **TINY, **overrides}), "ptb")


pytestmark = pytest.mark.usefixtures("output")


@pytest.fixture(scope="module")
def trained(output) -> Experiment:
    tried = new_experiment()
    for name in MODEL_TITLES:
        tried.run(name)
    return tried


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(experiment_module, "train", refuse)


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_run_leaves_files_that_say_it_all(trained, name):
    run, folder = trained.run(name), trained.folder / name
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "weights.safetensors",
        "history.csv",
        "predictions.parquet",
    }
    np.testing.assert_array_equal(run.predictions.label, trained.beats.label[trained.split.test])
    assert evaluate(run.predictions.label, run.predictions.scores) == run.metrics
    assert len(run.history) == (1 if name == "cnn2d" else 2)
    assert run.train_s > 0 and run.test_s > 0 and "thread" in run.hardware


@pytest.mark.parametrize("name", MODEL_TITLES)
def test_finished_run_is_loaded_not_trained(trained, name, no_training):
    again = new_experiment().run(name)
    assert again.identity == trained.run(name).identity
    np.testing.assert_array_equal(again.predictions.scores, trained.run(name).predictions.scores)
    assert again.metrics == trained.run(name).metrics


def test_test_time_of_a_fusion_holds_that_of_both_branches(trained):
    assert all(trained.run(name).test_s > trained._branch_outputs("test").seconds for name in FUSIONS)


@pytest.mark.parametrize("name", FUSIONS)
def test_fusion_on_cached_outputs_equals_the_whole_hybrid(trained, name):
    rows = trained.split.test[:20]
    signal = torch.tensor(trained.beats.signal[rows])
    with torch.no_grad():
        scores, _ = trained.model(name)(signal, enlarge(colour_cells(signal)))
    np.testing.assert_allclose(scores, trained.run(name).predictions.scores[:20], rtol=1e-3, atol=1e-4)


def test_model_gives_the_stored_predictions(trained):
    rows = trained.split.test[:20]
    with torch.no_grad():
        scores, _ = trained.model("cnn_transformer")(torch.tensor(trained.beats.signal[rows]))
    np.testing.assert_allclose(scores, trained.run("cnn_transformer").predictions.scores[:20], rtol=1e-3, atol=1e-4)


def test_interrupted_training_is_resumed_with_the_same_result(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    real_train = experiment_module.train

    def interrupted(*arguments: object, **options: object) -> None:
        *front, _ = arguments

        def stop(epoch: object) -> None:
            raise KeyboardInterrupt

        real_train(*front, stop)

    monkeypatch.setattr(experiment_module, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        new_experiment().run("cnn_transformer")
    assert len(list(tmp_path.rglob("checkpoint-*.pt"))) == 1
    monkeypatch.setattr(experiment_module, "train", real_train)
    resumed = new_experiment().run("cnn_transformer")
    assert not list(tmp_path.rglob("checkpoint-*.pt"))
    np.testing.assert_array_equal(resumed.predictions.scores, trained.run("cnn_transformer").predictions.scores)


def test_identity_follows_what_a_run_depends_on():
    def identity(name: str, **overrides: object) -> str:
        return json.dumps(new_experiment(**overrides)._identity(name), sort_keys=True)

    plain = identity("cnn2d")
    assert identity("cnn2d", cnn_transformer_epochs=9, threads=2) == plain
    for changed in ({"cnn2d_epochs": 2}, {"seed": 4}, {"synthetic_beats": 250}, {"validation_fraction": 0.3}):
        assert identity("cnn2d", **changed) != plain


def test_a_finished_run_of_other_parameters_is_kept_until_somebody_says_so(trained, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    run = trained.run("cnn2d")
    other = new_experiment(cnn2d_learning_rate=2e-3)
    save_run(run, other.folder / "cnn2d")
    with pytest.raises(EcglibError, match=r"cnn2d: holds a finished run that differs in training; --retrain"):
        other.run("cnn2d")
    assert load_run(other.folder / "cnn2d").identity == run.identity
    monkeypatch.setenv("ECGLIB_TRAIN", "anew")
    assert other.run("cnn2d").identity != run.identity
    assert load_run(other.folder / "cnn2d").identity == other.run("cnn2d").identity
    assert load_run(other.folder / "cnn2d.kept-1").identity == run.identity
    assert "the finished run is kept as cnn2d.kept-1" in capsys.readouterr().out


def test_two_processes_train_a_run_once(monkeypatch, tmp_path, capsys):
    """A second one waits for the lock, and then finds the run there."""
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    first, second = new_experiment(), new_experiment()
    inside, real_train, trainings = threading.Event(), experiment_module.train, []

    def slow(*arguments: object, **options: object):
        trainings.append(1)
        inside.set()
        time.sleep(0.5)
        return real_train(*arguments, **options)

    monkeypatch.setattr(experiment_module, "train", slow)
    other = threading.Thread(target=first.run, args=("cnn2d",))
    other.start()
    assert inside.wait(30)
    run = second.run("cnn2d")
    other.join()
    assert len(trainings) == 1 and run.weights_digest == first.run("cnn2d").weights_digest
    assert "another process makes it; waiting" in capsys.readouterr().out


def test_asking_whether_a_run_is_there_builds_no_network(trained, monkeypatch):
    monkeypatch.setattr("torch.nn.Module.__init__", lambda *arguments: pytest.fail("a network was built"))
    again = new_experiment()
    assert again.has("cnn_transformer") and again.has("late")


def test_asking_for_a_fusion_trains_no_branch(trained, tmp_path, monkeypatch, no_training):
    shutil.copytree(trained.folder, tmp_path / trained.folder.relative_to(files.runs("")))
    monkeypatch.setattr(files, "runs", lambda label: tmp_path / label)
    assert Experiment(trained.parameters, "ptb").has("late")
    shutil.rmtree(Experiment(trained.parameters, "ptb").folder / "cnn2d")
    assert not Experiment(trained.parameters, "ptb").has("late")


def zeroed(path: Path) -> None:
    with safe_open(path, "pt") as file:
        tensors, told = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    tensors["scores_1d"][::2] = 0
    save_file(tensors, path, told)


@pytest.mark.parametrize(
    "damage", [zeroed, lambda path: path.write_bytes(path.read_bytes()[:-9])], ids=["zeros", "cut"]
)
def test_damaged_branch_outputs_are_told_and_made_anew(trained, tmp_path, monkeypatch, capsys, damage):
    shutil.copytree(trained.folder, tmp_path / trained.folder.relative_to(files.runs("")))
    monkeypatch.setattr(files, "runs", lambda label: tmp_path / label)
    again = Experiment(trained.parameters, "ptb")
    shutil.rmtree(again.folder / "late")
    (path,) = again.folder.glob("branch_outputs-train-*.safetensors")
    damage(path)
    assert again.run("late").weights_digest == trained.run("late").weights_digest
    assert f"{path}: damaged; it is made anew\n" in capsys.readouterr().out
    assert BranchOutputs.load(path, again.device) is not None


def test_damaged_arrays_are_told_and_made_anew(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trained, "folder", tmp_path)
    for made in (1.0, 2.0):
        arrays = trained.derived("numbers", lambda made=made: {"number": np.array(made)})
        assert arrays["number"] == 1
    (path,) = (tmp_path / "derived").iterdir()
    np.savez_compressed(path, number=np.array(3.0))
    assert trained.derived("numbers", lambda: {"number": np.array(1.0)})["number"] == 1
    assert capsys.readouterr().out == f"{path}: damaged; it is made anew\n"


def test_damaged_run_is_named(trained, tmp_path):
    save_run(trained.run("late"), tmp_path / "late")
    (tmp_path / "late" / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(EcglibError, match=r"late: damaged run .*; delete the folder to train it again"):
        load_run(tmp_path / "late")


def test_results_without_weights_are_loaded_but_give_no_model(tmp_path, monkeypatch, trained):
    shutil.copytree(trained.folder, tmp_path / trained.folder.relative_to(files.runs("")))
    for file in tmp_path.rglob("*.safetensors"):
        file.unlink()
    monkeypatch.setattr(files, "runs", lambda label: tmp_path / label)
    again = Experiment(trained.parameters, "ptb")
    # a fusion's identity holds its branches' digests
    assert again.has("late") and again.run("late").metrics == trained.run("late").metrics
    assert again.run("late").weights is None
    with pytest.raises(EcglibError, match="results without weights; delete the folder to train it again"):
        again.model("late")


def test_unknown_names_are_refused(trained):
    with pytest.raises(EcglibError, match="dataset: profile 'demo' has no 'hits'; choose from mitbih"):
        Experiment(load_parameters("demo"), "hits")
    with pytest.raises(EcglibError, match="model 'cnn3d' is none of cnn_transformer"):
        trained.run("cnn3d")


def test_a_profile_stands_beside_itself_once(trained):
    real = Experiment(load_parameters("short"), "mitbih")
    assert real.beside("short") is real and real.beside("reduced").parameters.profile == "reduced"
    assert real.repetitions[1].beside("short").repetition == 0
    # invented beats stand beside no real ones
    assert trained.beside("reduced") is trained


def test_arrays_of_other_beats_stay(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "folder", tmp_path)
    trained.derived("means", lambda: {"mean": np.zeros(1)})
    other = trained.changed(synthetic_beats=300)
    monkeypatch.setattr(other, "folder", tmp_path)
    other.derived("means", lambda: {"mean": np.ones(1)})
    assert trained.derived("means", dict)["mean"] == 0 and other.derived("means", dict)["mean"] == 1


def test_repetitions_differ_in_their_seed_alone(trained):
    repeated = new_experiment(repetitions=3)
    # the first is the run of one repetition, under the same name
    assert repeated.folder == trained.folder
    first, second, third = repeated.repetitions
    assert [one.seed for one in (first, second, third)] == [3, 4, 5]
    assert third.folder == trained.folder / "repetition-2"
    np.testing.assert_array_equal(first.split.train, third.split.train)
    identities = [one._identity("cnn2d") for one in (first, second)]
    assert identities[0] == trained.run("cnn2d").identity
    identities[1]["training"]["seed"] = 3
    assert identities[0] == identities[1]


def test_repetitions_are_the_runs_of_their_seeds(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    repeated = new_experiment(repetitions=2)
    first, second = repeated.runs("cnn2d")
    np.testing.assert_array_equal(first.predictions.scores, trained.run("cnn2d").predictions.scores)
    assert not np.array_equal(first.predictions.scores, second.predictions.scores)
    # a fusion joins the branches of its own repetition
    late = repeated.runs("late")
    assert late[0].identity["branches"]["cnn2d"] != late[1].identity["branches"]["cnn2d"]


def test_repetitions_that_are_there_are_not_trained_again(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    new_experiment(repetitions=3).repetitions[1].run("cnn2d")
    seeds, real_train = [], experiment_module.train

    def watched(model: object, training: object, validation: object, config: TrainingConfig, *rest: object):
        seeds.append(config.seed)
        return real_train(model, training, validation, config, *rest)

    monkeypatch.setattr(experiment_module, "train", watched)
    new_experiment(repetitions=3).runs("cnn2d")
    assert seeds == [3, 5]


def test_tested_epochs_are_kept_for_branches_and_fusions(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    reported = new_experiment(reported_epochs=1)
    for name in ("cnn_transformer", "cnn2d", "late", "sum"):
        run = reported.run(name)
        stored = load_run(reported.folder / name).history
        assert stored["test_mcc"].notna().tolist() == [False] * (len(stored) - 1) + [True]
        assert stored.equals(run.history)
        # the same training otherwise
        np.testing.assert_array_equal(run.predictions.scores, trained.run(name).predictions.scores)
        if run.best_epoch == len(stored):
            last = stored.iloc[-1]
            assert [last[f"test_{metric}"] for metric in HEADLINE_METRICS] == pytest.approx(
                [getattr(run.metrics, metric) for metric in HEADLINE_METRICS]
            )


def test_tested_epochs_are_no_part_of_an_identity_without_them(trained):
    assert list(trained.run("late").history)[-1] == "cpu_seconds"
    plain = new_experiment()._identity("cnn2d")
    assert "reported_epochs" not in plain and "reported_epochs" not in plain["training"]
    assert new_experiment(reported_epochs=2)._identity("cnn2d") == plain | {"reported_epochs": 2}


def test_short_recipe_is_another_training():
    plain = new_experiment()._identity("cnn2d")
    short = new_experiment(schedule="one_cycle", selection="last", class_weighting="none")._identity("cnn2d")
    assert short["training"]["optimizer"]["kind"] == "one_cycle" and short["training"]["selection"] == "last"
    assert short["class_weighting"] == "none" and "class_weighting" not in plain
    # what a profile does not use is no part of what was trained
    assert new_experiment(one_cycle_peak_rate=0.1)._identity("cnn2d") == plain


def test_class_weights_can_be_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    given, real_train = [], experiment_module.train

    def watched(
        model: object, training: object, validation: object, config: object, weights: np.ndarray, *rest: object
    ):
        given.append(weights)
        return real_train(model, training, validation, config, weights, *rest)

    monkeypatch.setattr(experiment_module, "train", watched)
    new_experiment().run("cnn2d")
    new_experiment(class_weighting="none").run("cnn2d")
    assert given[0].std() > 0 and (given[1] == 1).all()


def test_validation_beats_are_trained_on_where_that_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    given, real_train = {}, experiment_module.train

    def watched(model: object, training: object, validation: object, config: object, weights: object, *rest: object):
        given.update(training=training, validation=validation, weights=weights)
        return real_train(model, training, validation, config, weights, *rest)

    monkeypatch.setattr(experiment_module, "train", watched)
    last = new_experiment(selection="last")
    both = last.changed(train_on_validation=True)
    assert "train_on_validation" not in last._identity("cnn_transformer")
    assert both._identity("cnn_transformer") == last._identity("cnn_transformer") | {"train_on_validation": True}
    split, beats = both.split, both.beats
    union = np.concatenate([split.train, split.validation])
    run = both.run("cnn_transformer")
    np.testing.assert_array_equal(given["training"].inputs[0], beats.signal[union])
    np.testing.assert_array_equal(given["training"].label, beats.label[union])
    # these are evaluated as ever, and the test beats stay apart
    np.testing.assert_array_equal(given["validation"].inputs[0], beats.signal[split.validation])
    np.testing.assert_array_equal(run.predictions.row, split.test)
    assert not np.isin(union, split.test).any() and run.best_epoch == len(run.history)
    np.testing.assert_allclose(given["weights"], len(union) / (2 * np.bincount(beats.label[union])))
    # a fusion learns from the same beats
    both.run("late")
    np.testing.assert_array_equal(given["training"].label, beats.label[union])
    last.run("cnn_transformer")
    np.testing.assert_array_equal(given["training"].label, beats.label[split.train])


def test_original_design_runs_from_branch_to_fusion(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    original = new_experiment(design="original", synthetic_beats=160, cnn_transformer_epochs=1, fusion_epochs=1)
    for name in ("cnn2d", "late", "concat"):
        run = original.run(name)
        assert run.identity["config"] == original.untrained(name).config.model_dump(mode="json")
    assert original.run("cnn2d").identity["config"]["filters"] == [32, 64, 128, 256]
    assert "spectrogram_version" not in original.run("cnn2d").identity
    # a test beat through the whole hybrid, its picture made by the original's rule
    signal = torch.tensor(original.beats.signal[original.split.test[:8]])
    with torch.no_grad():
        scores, _ = original.model("concat")(signal, real_part_levels(signal))
    np.testing.assert_allclose(scores, original.run("concat").predictions.scores[:8], rtol=1e-3, atol=1e-4)
