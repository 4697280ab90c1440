"""The files that a prediction becomes: a table, WFDB annotations, a strip drawn to scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import wfdb
from matplotlib.image import imread

from ecglib.figures.strip import Strip, strip_figure
from ecglib.names import EcglibError
from ecglib.predict.lead import array_lead
from ecglib.predict.output import annotation_name, check_outputs, draw_strip, write_annotations, write_table
from ecglib.predict.prediction import predict_lead
from ecglib.predict.pretrained import load_pretrained


@pytest.fixture
def found(invented, fake_model):
    signal = invented(45)
    signal[3600:7200] = 0
    return predict_lead(array_lead(signal, 360.0, per_mv=1.0, name="II"), fake_model)


def test_table_comes_back(found, tmp_path):
    write_table(found, tmp_path / "x.csv")
    table = pd.read_csv(tmp_path / "x.csv")
    assert list(table.columns) == list(found.table.columns)
    np.testing.assert_array_equal(table["sample"], found.table["sample"])
    np.testing.assert_allclose(table["rr_s"], found.table["rr_s"], atol=1e-6)
    assert (table["label"] == found.table["label"]).all()


def test_annotations_come_back(found, tmp_path):
    write_annotations(found, tmp_path / "own-1.ecglib")
    read = wfdb.rdann(str(tmp_path / "own-1"), "ecglib")
    symbol = np.array(read.symbol)
    beat = symbol != "~"
    np.testing.assert_array_equal(read.sample[beat], found.table["sample"])
    np.testing.assert_array_equal(symbol[beat], found.table["label"])
    assert read.sample[~beat].tolist() == [3600, 7200] and [read.aux_note[n] for n in np.flatnonzero(~beat)] == [
        "flat",
        "usable",
    ]
    assert read.fs == 360 and list(tmp_path.iterdir()) == [tmp_path / "own-1.ecglib"]


def test_diagnoses_are_notes_of_untyped_beats(invented, tmp_path):
    found = predict_lead(array_lead(invented(20), 360.0), load_pretrained("ptbxl:cnn_transformer"))
    write_annotations(found, tmp_path / "x.ecglib")
    read = wfdb.rdann(str(tmp_path / "x"), "ecglib")
    assert set(read.symbol) == {"Q"} and set(read.aux_note) <= {"normal", "abnormal"}


def test_not_sure_is_an_unclassifiable_beat(invented, tmp_path):
    model = load_pretrained("context")
    certain = predict_lead(array_lead(invented(45), 360.0, per_mv=1.0), model)
    highest = certain.table[["p_N", "p_S", "p_V"]].max(axis=1)
    least = float(highest.median())
    below = int((highest < least).sum())
    found = predict_lead(array_lead(invented(45), 360.0, per_mv=1.0), model, least=least)
    unsure = (found.table["label"] == "not sure").to_numpy()
    assert 0 < below < len(highest) and unsure.sum() == found.counts["not sure"] == below
    assert "not sure" not in certain.counts
    # all else is as it was
    assert (found.table["label"][~unsure] == certain.table["label"][~unsure]).all()
    assert found.table.drop(columns="label").equals(certain.table.drop(columns="label"))
    assert f", not sure {below} (probability below {least:.2f})" in found.summary()
    write_annotations(found, tmp_path / "x.ecglib")
    read = wfdb.rdann(str(tmp_path / "x"), "ecglib")
    np.testing.assert_array_equal(np.array(read.symbol) == "Q", unsure)
    assert [note for note in read.aux_note if note] == ["not sure"] * below
    write_table(found, tmp_path / "x.csv")
    assert (pd.read_csv(tmp_path / "x.csv")["label"] == "not sure").sum() == below
    _, svg = draw_strip(found, tmp_path / "x", "x", 0, 45)
    assert svg.read_text(encoding="utf-8").count("<!-- ? -->") == below


@pytest.mark.parametrize("name", ["x", "x.1", ".ecglib", "a b.ecglib", "x.atr", "ü.ecglib", "x.hea"])
def test_names_that_wfdb_does_not_allow(tmp_path, name):
    with pytest.raises(EcglibError, match=r"as .*\.ecglib"):
        annotation_name(tmp_path / name)


def test_outputs_are_checked_before_the_work(tmp_path):
    good = (None, None, None, 0.0, 60.0, 100.0)
    check_outputs(*good)
    with pytest.raises(EcglibError, match="there is no folder"):
        check_outputs(tmp_path / "gone" / "x.csv", *good[1:])
    with pytest.raises(EcglibError, match="is a folder"):
        check_outputs(tmp_path, *good[1:])
    for start, seconds in ((100.0, 60.0), (-1.0, 60.0), (0.0, 0.0), (0.0, 1e9), (0.0, float("nan"))):
        with pytest.raises(EcglibError, match=r"--from|--seconds"):
            check_outputs(None, None, tmp_path / "x", start, seconds, 100.0)


def test_strip_is_drawn_to_scale(found, tmp_path):
    png, svg = draw_strip(found, tmp_path / "strip", "own", 5.0, 30.0)
    assert svg.suffix == ".svg" and "Research software, not a medical device." in svg.read_text()
    # 150 dots an inch; 25 mm/s for ten seconds, and 18 mm around
    assert imread(png).shape[1] == pytest.approx(268 / 25.4 * 150, abs=1)


@pytest.mark.parametrize("in_mv", [True, False])
@pytest.mark.parametrize("samples", [360, 3600, 5000])
def test_strip_of_any_length_and_amplitude(in_mv, samples):
    rng = np.random.default_rng(0)
    strip = Strip(
        signal=np.where(rng.random(samples) < 0.01, np.nan, 40 * rng.standard_normal(samples)),
        rate_hz=360.0,
        start_s=7.5,
        in_mv=in_mv,
        peak_s=np.array([8.0, 8.3, 900.0]),
        label=np.array(["N", "abnormal", "V"]),
        class_names=("N", "V", "abnormal"),
        unusable=[(8.4, 9.0, "flat")],
    )
    figure = strip_figure(strip, "title", "notice")
    rows = -(-samples // 3600)
    width, height = figure.get_size_inches() * 25.4
    assert len(figure.axes) == rows
    for axes in figure.axes:
        box = axes.get_position()
        low, high = axes.get_ylim()
        assert box.width * width == pytest.approx(250)
        if in_mv:
            assert box.height * height == pytest.approx(10 * (high - low)) and high - low <= 5
    words = " ".join(text.get_text() for text in figure.texts)
    assert ("10 mm/mV" in words) == in_mv and ("amplitude unknown" in words) != in_mv
    assert any(text.get_text() == "not classified: flat" for text in figure.axes[0].texts)


def test_strip_of_nothing_usable():
    strip = Strip(np.full(3600, np.nan), 360.0, 0.0, True, np.empty(0), np.empty(0, dtype=object), ("N",))
    assert len(strip_figure(strip, "", "").axes) == 1
