"""The committed models: all of them load without any record, and give the scores that their runs keep."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import ecglib
from ecglib import files
from ecglib.data.splits import arrange
from ecglib.data.table import read_beats
from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters
from ecglib.predict import DEFAULT_MODEL, pretrained
from ecglib.predict.cards import refresh_cards
from ecglib.predict.pretrained import load_pretrained, pretrained_names

NAMES = ["best", "full", "original", "ptbxl", "reduced", "reduced-by-patient", "short", "short_original"]


@pytest.fixture(autouse=True)
def no_records(monkeypatch):
    monkeypatch.delenv("ECGLIB_DATA", raising=False)


def beats(count: int = 40) -> np.ndarray:
    made = np.random.default_rng(0).random((count, 187), dtype=np.float32)
    made[:, 120:] = 0
    return made


@pytest.mark.parametrize("name", NAMES)
def test_every_committed_model_loads_and_gives_probabilities(name):
    assert name in pretrained_names()
    for kind in MODEL_TITLES:
        model = load_pretrained(f"{name}:{kind}")
        classes = 2 if name == "ptbxl" else 4 if name == "reduced-by-patient" else 5
        assert len(model.class_names) == classes and model.name == f"{name}:{kind}" and not model.training
        found = model.probabilities(beats())
        assert found.shape == (40, classes) and found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        # the blocks change nothing
        np.testing.assert_allclose(model.probabilities(beats()[33:]), found[33:], atol=1e-5)
        assert model.probabilities(beats()[:0]).shape == (0, classes)


def test_names_of_splits_and_the_default():
    assert load_pretrained().name == DEFAULT_MODEL == "context"
    assert load_pretrained("reduced-split-patient:cnn2d").name == "reduced-by-patient:cnn2d"
    assert load_pretrained().class_names == ("N", "S", "V")
    assert load_pretrained("reduced-by-patient").class_names == ("N", "S", "V", "F")
    assert load_pretrained("ptbxl").class_names == ("normal", "abnormal")
    assert not any("demo" in name or "ledger" in name for name in pretrained_names())


@pytest.mark.parametrize(("name", "record"), [("best", "208"), ("reduced-by-patient", "213")])
def test_stored_scores_come_back(name, record, mitbih_beats):
    label, kind = ("reduced-split-patient", "patient") if name == "reduced-by-patient" else (name, "kaggle")
    outline = arrange(read_beats(files.outline("mitbih", "physionet")), kind)
    stored = pq.read_table(files.home() / "runs" / label / "mitbih" / "late" / "predictions.parquet")
    row = stored["row"].to_numpy()
    scores = stored["scores"].combine_chunks().flatten().to_numpy().reshape(len(row), -1)
    chosen = np.flatnonzero(outline.record[row] == record)[:200]
    places = zip(mitbih_beats.record, mitbih_beats.sample, strict=True)
    at = {place: number for number, place in enumerate(places)}
    signal = mitbih_beats.signal[[at[record, sample] for sample in outline.sample[row[chosen]]]]
    expected = torch.from_numpy(scores[chosen].astype(np.float32)).softmax(dim=1).numpy()
    np.testing.assert_allclose(load_pretrained(name).probabilities(signal), expected, atol=0.01)


def test_probabilities_of_the_late_fusion_of_probabilities_say_so():
    assert "not logits" in type(load_pretrained("original")).__doc__


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("huge", "model 'huge': unknown; there is context, best, "),
        ("best:lstm", "'lstm' is none of cnn_transformer, cnn2d"),
        ("reduced-seed-1", "has no weights; choose another model"),
    ],
)
def test_unknown_models_are_told(name, message):
    with pytest.raises(EcglibError, match=message):
        load_pretrained(name)


@pytest.mark.parametrize("spoil", ["truncated", "other branch", "other configuration", "no json"])
def test_damaged_models_are_told(tmp_path, monkeypatch, spoil):
    shutil.copytree(files.home() / "params", tmp_path / "params")
    folder = tmp_path / "runs" / "best" / "mitbih"
    shutil.copytree(files.home() / "runs" / "best" / "mitbih", folder)
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    if spoil == "truncated":
        path = folder / "late" / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:-20])
    elif spoil == "other branch":
        summary = json.loads((folder / "late" / "run.json").read_text())
        summary["identity"]["branches"]["cnn2d"] = "0" * 64
        (folder / "late" / "run.json").write_text(json.dumps(summary))
    elif spoil == "other configuration":
        summary = json.loads((folder / "cnn2d" / "run.json").read_text())
        summary["identity"]["config"]["blocks"] = 3
        (folder / "cnn2d" / "run.json").write_text(json.dumps(summary))
    else:
        (folder / "cnn_transformer" / "run.json").write_text("{")
    with pytest.raises(EcglibError) as caught:
        load_pretrained("best")
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_beats_of_another_shape_are_refused():
    with pytest.raises(EcglibError, match=r"shape \(3, 180\), expected \(beats, 187\)"):
        load_pretrained("best").probabilities(np.zeros((3, 180)))


def test_the_package_loads_at_once_and_these_names_on_demand():
    check = (
        "import sys, ecglib; light = 'torch' not in sys.modules; room = ecglib.predict; "
        "print(light, callable(room), 'torch' not in sys.modules, 'predict' in dir(ecglib), "
        "callable(ecglib.load_pretrained), hasattr(ecglib, 'nothing'), "
        "'signal' in __import__('inspect').signature(room).parameters)"
    )
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "True", "True", "True", "True", "False", "True"]
    assert ecglib.pretrained_names() == pretrained_names()


def test_every_name_has_the_card_of_its_runs():
    assert refresh_cards(write=False) == []


def test_loading_a_model_leaves_the_threads_alone():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        # whose profile is trained with one
        load_pretrained("ptb")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_networks_that_a_search_changed_load(output):
    tiny = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 1, "fusion_epochs": 1}
    changes = {"cnn2d_filters": 16, "cnn2d_dropout": 0.3, "cnn_transformer_dropout": 0.05}
    one = Experiment(load_parameters("demo", **tiny, **changes), "mitbih")
    one.run("late")
    model, classes = pretrained._load(one.folder, one.parameters, "late")
    scores = model.eval()(torch.from_numpy(beats(2)), torch.zeros(2, 3, 128, 128))[0]
    assert classes == 5 and scores.shape == (2, 5)


def test_only_what_classifies_whole_rows_by_frozen_branches_is_listed(tmp_path, monkeypatch):
    shutil.copytree(files.params(), tmp_path / "params")
    for label in ("short", "short-rows_show-stretched", "short-fusion_training-from_scratch", "questions"):
        (tmp_path / "runs" / label / "mitbih" / "late").mkdir(parents=True)
        (tmp_path / "runs" / label / "mitbih" / "late" / "weights.safetensors").touch()
    monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
    assert list(pretrained.pretrained_folders()) == ["short"]
