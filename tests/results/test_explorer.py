"""What the explorer is given: the committed results to the beat, the worst beats, pictures whose axes are right."""

from __future__ import annotations

import json
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from ecglib.experiment import Experiment
from ecglib.metrics import evaluate
from ecglib.names import MODEL_TITLES
from ecglib.parameters import load_parameters
from ecglib.results import explorer
from ecglib.results.explorer import _pictures, cell_beats, cell_looks, payload, strip_around
from ecglib.results.weighting import weighting_table, without_class_weights

TINY = {"synthetic_beats": 240, "cnn_transformer_epochs": 1, "cnn2d_epochs": 2, "fusion_epochs": 2}


def unpacked(packed: bytes) -> list[dict]:
    """As the script reads it: each result's header, with its arrays by name."""
    content = zlib.decompress(packed)
    start = 4 + int.from_bytes(content[:4], "little")
    results = json.loads(content[4:start])
    for result in results:
        for name, (kind, offset, size) in result["arrays"].items():
            width = np.dtype(kind).itemsize
            planes = np.frombuffer(content, np.uint8, size * width, start + offset).reshape(width, size)
            result[name] = np.ascontiguousarray(planes.T).view(kind).ravel()
    return results


@pytest.mark.parametrize(("profile", "split"), [("reduced", None), ("reduced", "patient"), ("original", None)])
def test_committed_results_are_given_to_the_beat(monkeypatch, profile, split):
    monkeypatch.delenv("ECGLIB_OUTPUT")
    monkeypatch.setenv("ECGLIB_TRAIN", "never")
    experiment = Experiment(load_parameters(profile, split=split), "mitbih")
    (result,) = unpacked(payload([experiment]))
    label, classes = result["label"].astype(int), len(result["classes"])
    scores = result["scores"].reshape(len(MODEL_TITLES), -1, classes).astype(float)
    without = weighting_table(experiment).set_index("model")
    for model, of_model, told in zip(MODEL_TITLES, scores, result["models"], strict=True):
        assert evaluate(label, of_model) == experiment.run(model).metrics
        taken_back = evaluate(label, without_class_weights(of_model, np.exp(told["log_weights"])))
        assert taken_back.mcc == pytest.approx(without.loc[model, "mcc_without_weights"], abs=1e-12)
    beats, test = experiment.beats, experiment.split.test
    assert np.array(result["records"])[result["record"]].tolist() == beats.record[test].tolist()
    assert np.array_equal(result["sample"], beats.sample[test])
    assert len(result["signal"]) == 187 * len(result["number"]) > 0
    # of each beat the part that counts most is the brightest
    assert list(result["looks"]) == ["gradients", "rollout", "hires_cam"]
    for name, units in (("gradients", 17), ("rollout", 17), ("hires_cam", 64)):
        assert result[name].dtype == np.uint8
        of_beats = result[name].reshape(len(result["number"]), units)
        assert np.isin(of_beats.max(axis=1), (0, 255)).all() and len(np.unique(of_beats)) > 200


def test_the_worst_beats_of_each_cell_are_kept(output):
    experiment = Experiment(load_parameters("demo", **TINY), "mitbih")
    kept = cell_beats(experiment, 2)
    signal = experiment.data.signal_of("test")[kept["number"]]
    np.testing.assert_allclose(kept["signal"], signal, atol=2**-11)
    label = experiment.data.label_of("test")
    scores = experiment.run("late").predictions.scores.astype(float)
    probability = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    cells = 0
    for true in range(5):
        for called in range(5):
            inside = np.flatnonzero((label == true) & (scores.argmax(axis=1) == called))
            sign = 1 if true == called else -1
            worst = inside[np.argsort(sign * probability[inside, called], kind="stable")][:2]
            assert set(worst) <= set(kept["number"])
            cells += len(worst) > 0
    assert cells > 1
    (result,) = unpacked(payload([experiment], per_cell=2))
    assert np.array_equal(result["number"], kept["number"]) and result["synthetic"]


@pytest.mark.parametrize("picture", ["colour", "real_part", "magnitude", "log_magnitude"])
def test_a_tone_and_a_click_stand_where_the_axes_say(picture):
    rate, tone_hz, click = 120.0, 30.0, 90
    seconds = np.arange(187) / rate
    signal = np.stack([0.5 + 0.4 * np.cos(2 * np.pi * tone_hz * seconds), np.arange(187) == click]).astype(np.float32)
    metadata = SimpleNamespace(rate_hz=rate)
    shown = SimpleNamespace(picture=picture, beats=SimpleNamespace(metadata=metadata))
    level, frequency, time = _pictures(shown, signal)
    assert level.dtype == np.uint8 and level.min(axis=(1, 2)).tolist() == [0, 0]
    _, rows, columns = level.shape
    frequencies = frequency[0] + (np.arange(rows) + 0.5) * (frequency[1] - frequency[0]) / rows
    # all but the constant part, which is in the lowest bins
    strength = np.where(np.abs(frequencies) > 10, level[0].mean(axis=1), 0)
    assert abs(frequencies[strength.argmax()]) == pytest.approx(tone_hz)
    edges = time[0] + np.arange(columns + 1) * (time[1] - time[0]) / columns
    column = level[1].mean(axis=0).argmax()
    assert edges[column] - 8 / rate <= click / rate <= edges[column + 1] + 8 / rate


@pytest.mark.parametrize(("picture", "row"), [("colour", 1), ("log_magnitude", 6)])
def test_parts_of_a_picture_stand_where_it_is_drawn(monkeypatch, picture, row):
    maps = np.zeros((1, 8, 8), dtype=np.float16)
    maps[0, 1, 3], maps[0, 5, 5] = 0.5, -1
    found = {"cnn_transformer": {"gradients": np.ones((1, 187), np.float16)}, "cnn2d": {"hires_cam": maps}}
    monkeypatch.setattr(explorer, "maps_of", lambda one, branch, signal, without=(): found[branch] | {"called": 0})
    looks = cell_looks(SimpleNamespace(picture=picture), np.zeros((1, 187)))
    assert looks["gradients"].tolist() == [[255] * 17]
    assert np.flatnonzero(looks["hires_cam"]).tolist() == [8 * row + 3] and looks["hires_cam"].max() == 255


def test_strip_is_the_record_around_the_beat(monkeypatch, data_folder):
    monkeypatch.delenv("ECGLIB_OUTPUT")
    experiment = Experiment(load_parameters("reduced"), "mitbih")
    beats, test = experiment.beats, experiment.split.test
    signal = experiment.data.signal_of("test")
    for beat in (0, 9_000, len(test) - 1):
        strip = strip_around(experiment, beat)
        assert (strip["unit"], strip["rate_hz"]) == ("mV", 360) and -3 <= strip["start"] < -0.05
        # the beat itself is a part of it: every third sample from the R peak on, scaled
        ends = np.flatnonzero(signal[beat])[-1] + 1
        cut = np.array(strip["signal"])[round(-strip["start"] * 360) :: 3][:ends]
        scale = np.polyfit(cut, signal[beat, : len(cut)], 1)
        np.testing.assert_allclose(np.polyval(scale, cut), signal[beat, : len(cut)], atol=0.01)
        assert [0.0, experiment.class_names[beats.label[test[beat]]]] in strip["beats"]
        assert 3 < len(strip["beats"]) < 20
    monkeypatch.delenv("ECGLIB_DATA")
    assert strip_around(experiment, 0) == {}
