"""Search: folds of training beats alone, one study for many processes, killed trials tried again, one counted test."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecglib import files
from ecglib.cli import main
from ecglib.data.selection import Selection
from ecglib.data.splits import Split
from ecglib.experiment import Experiment
from ecglib.names import FUSIONS, MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters, profile_names
from ecglib.search import folds as folds_module
from ecglib.search.folds import FOLDS, Fold, fold_rows, training_beats
from ecglib.search.ranges import ranges
from ecglib.search.results import best_trial, final_test, profile_text, publish, trial_table
from ecglib.search.study import open_study, search, settings
from ecglib.training import loop

TINY = {"synthetic_beats": 120, "cnn_transformer_epochs": 1, "cnn2d_epochs": 2, "fusion_epochs": 2, "repetitions": 1}
STATE = optuna.trial.TrialState


def new_experiment(**overrides: object) -> Experiment:
    return Experiment(load_parameters("demo", **{"datasets": ["ptb"], **TINY, **overrides}), "ptb")


@pytest.fixture(autouse=True)
def output(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    return tmp_path


# -- folds --------------------------------------------------------------------------------------------------


@given(data=st.data(), by_patient=st.booleans())
def test_folds_are_disjoint_stratified_and_of_training_beats_alone(make_beats, data, by_patient):
    count, seed = data.draw(st.integers(60, 200)), data.draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    label = np.arange(count) % 2 if by_patient else (generator.random(count) < 0.3).astype(int)
    beats = make_beats(count, seed % 100, label=label, subject=np.array([f"{n // 4}" for n in range(count)]))
    order = generator.permutation(count)
    split = Split(*np.split(order, [count // 2, 2 * count // 3]))
    data_of = SimpleNamespace(signal=beats.signal)
    whole = SimpleNamespace(beats=beats, split=split, data=data_of, parameters=SimpleNamespace(seed=seed))
    whole.split_kind = "patient" if by_patient else "kaggle"
    inside = training_beats(whole)
    assert sorted(inside.sample + 1) == sorted([*split.train, *split.validation])
    np.testing.assert_array_equal(inside.signal, beats.signal[inside.sample + 1])
    if np.bincount(inside.label, minlength=2).min() < FOLDS:
        with pytest.raises(EcglibError, match="training beats for 3 folds"):
            fold_rows(whole, inside)
        return
    rows = fold_rows(whole, inside)
    assert sorted(np.concatenate([validation for _, validation in rows])) == list(range(len(inside)))
    for train, validation in rows:
        assert sorted([*train, *validation]) == list(range(len(inside)))
        if by_patient:
            assert not {*inside.subject[train]} & {*inside.subject[validation]}
    if not by_patient:
        counts = np.array([np.bincount(inside.label[validation], minlength=2) for _, validation in rows])
        assert (np.ptp(counts, axis=0) <= 1).all()


@pytest.mark.parametrize("model", ["cnn2d", "late"])
def test_test_beats_are_never_touched(monkeypatch, tmp_path, model):
    def score(experiment: Experiment, place: str) -> float:
        # nothing of the one is there for the other
        monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path / place))
        study = open_study(new_experiment(), model, None)
        search(experiment, model, study, 1)
        return study.best_value

    expected = score(new_experiment(), "first")
    spoilt = new_experiment()
    spoilt.data.signal[spoilt.split.test] = np.nan
    asked, signal_of, label_of = [], Selection.signal_of, Selection.label_of

    def watched(of):
        def wrapped(self, part):
            asked.append(part)
            return of(self, part)

        return wrapped

    monkeypatch.setattr(Selection, "signal_of", watched(signal_of))
    monkeypatch.setattr(Selection, "label_of", watched(label_of))
    assert score(spoilt, "second") == expected
    assert {*asked} == {"train", "validation"}


def test_a_fold_has_no_test_beats_and_learns_from_no_validation_beats(tmp_path):
    whole = new_experiment(selection="last", train_on_validation=True)
    beats = training_beats(whole)
    rows = fold_rows(whole, beats)
    fold = Fold(whole, beats, rows[0], tmp_path)
    assert len(fold.split.test) == 0 and len(fold.beats) == len(whole.split.train) + len(whole.split.validation)
    assert len(fold._examples("cnn2d", "train")) == len(rows[0][0])


@pytest.mark.parametrize("training", ["frozen", "fine_tuned", "from_scratch"])
def test_branches_of_a_fusion_stay_the_same_for_all_trials(tmp_path, training):
    whole = new_experiment(fusion_training=training)
    beats = training_beats(whole)
    rows = fold_rows(whole, beats)[0]
    plain = Fold(whole, beats, rows, tmp_path)
    histories = []
    for number in (1, 1, 2):
        fold = Fold(whole, beats, rows, tmp_path, plain, fusion_epochs=number)
        histories.append([epoch.test_mcc for epoch in fold.fit("late")[1].history])
        fold.checkpoint("late").unlink()
    assert histories[0] == histories[1]
    if training != "from_scratch":
        assert [len(history) for history in histories] == [1, 1, 2]


# -- ranges -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("model", MODEL_TITLES)
def test_ranges_hold_the_profile_and_can_be_trained_with(profile, model):
    parameters = load_parameters(profile)
    found = ranges(Experiment(parameters, parameters.datasets[0]), model)
    own = {name: one.own for name, one in found.items()}
    study = optuna.create_study()
    study.enqueue_trial(own)
    trial = study.ask()
    for name, one in found.items():
        assert getattr(trial, f"suggest_{one.kind}")(name, **one.limits) == own[name]
        ends = one.limits.get("choices") or (one.limits["low"], one.limits["high"])
        for end in ends:
            assert load_parameters(profile, **{name: end}).model_dump()[name] == end
    assert any("rate" in name or "factor" in name for name in found)
    assert sum("decay" in name for name in found) == sum("epochs" in name for name in found) == 1
    assert ("batch_size" in found) != (model in FUSIONS and parameters.fusion_training != "from_scratch")


def test_dropout_is_that_of_the_design_or_of_the_profile():
    plain, other = new_experiment(), new_experiment(cnn2d_dropout=0.4, cnn_transformer_dropout=0.3)
    for name, own, changed in (("cnn2d", 0.2, 0.4), ("cnn_transformer", 0.1, 0.3)):
        assert (plain.untrained(name).config.dropout, other.untrained(name).config.dropout) == (own, changed)
    assert other._identity("cnn2d") != plain._identity("cnn2d")


# -- studies ------------------------------------------------------------------------------------------------


def start(script: str, tmp_path, *arguments: str) -> subprocess.Popen:
    head = f"""
import os, signal, sys, time
from pathlib import Path
from ecglib.cli import main
from ecglib.search import folds, study
tmp, own = Path({str(tmp_path)!r}), sys.argv[1]
real = folds.train
"""
    command = [sys.executable, "-c", head + script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


OPTIONS = ["--model", "cnn2d", "--dataset", "ptb", "--set", "datasets=[ptb]"]
OPTIONS += [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]


def test_two_processes_share_a_study(tmp_path):
    """Each is inside a trial before the other one ends its own."""
    script = f"""
def together(*arguments, **options):
    (tmp / own).touch()
    deadline = time.monotonic() + 240
    while not all((tmp / name).exists() for name in ("first", "second")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return real(*arguments, **options)
folds.train = together
sys.exit(main(["search", *{OPTIONS!r}, "--trials", "3"]))
"""
    ended = [(one.communicate(timeout=500), one) for one in [start(script, tmp_path, n) for n in ("first", "second")]]
    for (printed, errors), one in ended:
        assert one.returncode == 0, errors
        assert printed.startswith("trial ") and "wrote " in printed and "\n--set " in printed
    study = open_study(new_experiment(), "cnn2d", None)
    numbers = [trial.number for trial in study.trials]
    # who is inside a trial when the third one ends finishes it
    assert numbers == list(range(len(numbers))) and len(numbers) in (3, 4)
    assert {trial.state for trial in study.trials} <= {STATE.COMPLETE, STATE.PRUNED}
    own = {name: one.own for name, one in ranges(new_experiment(), "cnn2d").items()}
    assert [trial.params == own for trial in study.trials].count(True) == 1


def test_a_killed_study_goes_on(tmp_path, monkeypatch):
    script = f"""
calls = []
def dies(*arguments, **options):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
folds.train = dies
real_open = study.open_study
study.open_study = lambda *arguments: real_open(*arguments, heartbeat_s=1)
main(["search", *{OPTIONS!r}, "--trials", "1"])
"""
    process = start(script, tmp_path, "only")
    process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while open_study(new_experiment(), "cnn2d", None, heartbeat_s=1).trials[0].state != STATE.FAIL:
        assert time.monotonic() < deadline, "the killed trial is still called running"
        time.sleep(0.5)
    epochs, save = [], loop.save_checkpoint
    monkeypatch.setattr(loop, "save_checkpoint", lambda *arguments: (epochs.append(1), save(*arguments)))
    study = open_study(new_experiment(), "cnn2d", None)
    search(new_experiment(), "cnn2d", study, 1)
    killed, again = study.trials
    assert (killed.state, again.state) == (STATE.FAIL, STATE.COMPLETE) and again.params == killed.params
    # the first fold was finished, and is not trained a second time
    assert len(epochs) == (FOLDS - 1) * again.params["cnn2d_epochs"]
    assert not list(tmp_path.rglob("checkpoint-*.pt"))
    # a third start has nothing left to do
    search(new_experiment(), "cnn2d", study, 1)
    assert len(study.trials) == 2


def test_a_stopped_trial_comes_back(monkeypatch):
    real, study = folds_module.train, open_study(new_experiment(), "cnn2d", None)

    def stopped(*arguments: object, **options: object) -> None:
        real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(folds_module, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        search(new_experiment(), "cnn2d", study, 1)
    monkeypatch.setattr(folds_module, "train", real)
    search(new_experiment(), "cnn2d", study, 1)
    assert [trial.state for trial in study.trials] == [STATE.FAIL, STATE.COMPLETE]
    assert study.trials[0].params == study.trials[1].params


@pytest.mark.parametrize(("others", "state", "tenths"), [(1.0, STATE.PRUNED, 5), (0.0, STATE.COMPLETE, 30)])
def test_a_trial_is_ended_where_it_is_hopeless(others, state, tenths, tmp_path):
    study = open_study(new_experiment(), "cnn2d", None)
    values = dict.fromkeys(range(1, 31), others)
    for _ in range(5):
        study.add_trial(optuna.create_trial(value=others, intermediate_values=values))
    search(new_experiment(), "cnn2d", study, 6)
    (tried,) = (trial for trial in study.trials if trial.params)
    assert (tried.state, tried.last_step) == (state, tenths)
    assert not list(tmp_path.rglob("checkpoint-*.pt"))


def test_a_study_is_of_one_set_of_beats_and_ranges():
    open_study(new_experiment(), "cnn2d", None)
    # no other name, but other beats
    with pytest.raises(EcglibError, match="was made with other parameters, ranges or beats; choose another --storage"):
        changed = new_experiment()
        changed.beats.__dict__["digest"] = "another"
        open_study(changed, "cnn2d", None)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////nowhere/studies.db", "none://host/studies"])
def test_a_storage_that_cannot_be_opened_is_told_in_one_line(url, capsys):
    assert main(["search", *OPTIONS, "--storage", url]) == 1
    told = capsys.readouterr().err
    assert told.startswith("ecglib: --storage: cannot be opened (") and told.count("\n") == 1


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(EcglibError, match=r"Optuna is not installed; pip install 'ecg-hybrid-reproduction\[search\]'"):
        open_study(new_experiment(), "cnn2d", None)


# -- what comes of it ---------------------------------------------------------------------------------------


@pytest.fixture
def searched():
    study = open_study(new_experiment(), "cnn2d", None)
    search(new_experiment(), "cnn2d", study, 2)
    return study


def test_table_figures_and_profile_are_those_of_the_trials(searched, monkeypatch, tmp_path):
    experiment = new_experiment()
    written = publish(searched, experiment, "cnn2d")
    assert all(path.is_file() for path in written) and len(written) == 4
    table = pd.read_csv(written[0].with_suffix(".csv"), float_precision="round_trip")
    assert table["f1_macro"].tolist() == [trial.value for trial in searched.trials]
    assert table["mcc"].tolist() == [trial.user_attrs["mcc"] for trial in searched.trials]
    assert table["tenths"].tolist() == [30, 30]
    pd.testing.assert_frame_equal(table, trial_table(searched))
    assert "Synthetic beats" in written[0].read_text()
    best = settings(best_trial(searched).params)
    assert table.loc[table["f1_macro"].idxmax(), list(best)].to_dict() == best
    # the profile is one that others can run
    text = profile_text(searched, experiment)
    (tmp_path / "params").mkdir()
    name = yaml.safe_load(text)["profile"]
    expected = experiment.parameters.model_copy(update=best | {"profile": name})
    (tmp_path / "params" / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    assert load_parameters(name) == expected


def test_the_test_beats_are_opened_once(searched):
    experiment = new_experiment(repetitions=2)
    lines = final_test(searched, experiment, "cnn2d")
    assert lines["seed"].tolist() == [0, 1] and (lines["beats"] == len(experiment.split.test)).all()
    best = experiment.changed(**settings(best_trial(searched).params))
    assert lines["mcc"].tolist() == [run.metrics.mcc for run in best.runs("cnn2d")]
    stored = pd.read_csv(files.runs("search") / "openings.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(stored, lines)
    with pytest.raises(EcglibError, match="the test beats were opened for demo_"):
        final_test(searched, experiment, "cnn2d")
    # one that was stopped after its first seed goes on; what another process wrote down meanwhile stays
    other = stored.iloc[:1].assign(study="another")
    pd.concat([stored.iloc[:1], other]).to_csv(files.runs("search") / "openings.csv", index=False)
    pd.testing.assert_frame_equal(final_test(searched, experiment, "cnn2d"), lines)
    assert list(pd.read_csv(files.runs("search") / "openings.csv")["study"]) == [
        lines["study"][0],
        "another",
        lines["study"][0],
    ]


def test_without_a_finished_trial_there_is_no_best(capsys):
    assert main(["search", *OPTIONS, "--test"]) == 1
    assert "no trial is finished; go on with 'ecglib search'" in capsys.readouterr().err
    assert not os.path.exists(files.runs("search") / "openings.csv")
