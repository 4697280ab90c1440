"""The compact file: beats come back bit for bit, whatever they were made from, and NumPy is all it takes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecglib.cli import main
from ecglib.data import synthetic
from ecglib.data.compact import LARGEST_RANGE, ranges, read_compact, write_compact
from ecglib.data.parquet import write_beats
from ecglib.data.table import BEAT_LENGTH, Beats
from ecglib.errors import EcglibError


def assert_same(found: Beats, expected: Beats) -> None:
    for name in expected.columns():
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert found.columns() == expected.columns()
    assert found.signal.dtype == np.float32
    assert found.metadata == expected.metadata and found.digest() == expected.digest()


def scaled(whole: np.ndarray) -> np.ndarray:
    """Whole numbers scaled to [0, 1], row by row, as the recipes do it."""
    low, high = whole.min(axis=1, keepdims=True), whole.max(axis=1, keepdims=True)
    return ((whole - low) / (high - low)).astype(np.float32)


@pytest.mark.parametrize("dataset", ["mitbih", "ptb", "ptbxl"])
def test_invented_beats_come_back(dataset, tmp_path):
    beats = synthetic.build(dataset, 400)
    assert_same(read_compact(write_compact(beats, tmp_path / "beats.npz")), beats)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(signal=hnp.arrays(np.float32, (3, BEAT_LENGTH), elements=st.floats(0, 1, width=32)))
def test_any_beats_come_back(signal, make_beats, tmp_path):
    beats = make_beats(3, signal=signal)
    assert_same(read_compact(write_compact(beats, tmp_path / "beats.npz")), beats)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), span=st.integers(1, LARGEST_RANGE))
def test_whole_numbers_are_recognised(seed, span):
    whole = np.random.default_rng(seed).integers(0, span + 1, size=(4, BEAT_LENGTH)).astype(np.float64)
    whole[:, 0], whole[:, 1] = 0, span
    signal = scaled(whole)
    scale = ranges(signal)
    assert (scale > 0).all() and (scale <= span).all()
    # the smallest: no smaller one gives the beat
    np.testing.assert_array_equal((np.rint(signal * scale[:, None]) / scale[:, None]).astype(np.float32), signal)
    smaller = np.arange(max(1, scale[0] - 40), scale[0])[:, None]
    assert ((np.rint(signal[0] * smaller) / smaller).astype(np.float32) != signal[0]).any(axis=1).all()


def test_beats_that_were_never_whole_numbers_are_kept_as_they_are(make_beats, tmp_path):
    mixed = make_beats(6)
    mixed.signal[:3] = scaled(np.random.default_rng(1).integers(0, 900, size=(3, BEAT_LENGTH)).astype(float))
    assert (ranges(mixed.signal) > 0).tolist() == [True] * 3 + [False] * 3
    assert_same(read_compact(write_compact(mixed, tmp_path / "beats.npz")), mixed)


def test_real_beats_come_back_from_a_small_file(mitbih_beats, tmp_path, capsys):
    # every tenth, which takes a second instead of ten
    some = mitbih_beats.take(np.arange(0, len(mitbih_beats), 10))
    table, out = write_beats(some, tmp_path / "beats.parquet"), tmp_path / "beats.npz"
    assert main(["data", "export", str(table), "--out", str(out)]) == 0
    assert_same(read_compact(out), some)
    assert (ranges(some.signal[:500]) > 0).all()
    # the whole set is ten times as large
    assert out.stat().st_size < 2.5 * 2**20
    assert f"wrote {out}: {len(some):,} beats" in capsys.readouterr().out


def test_reading_takes_neither_pandas_nor_a_parquet_reader(tmp_path):
    path = write_compact(synthetic.build("ptb", 100), tmp_path / "beats.npz")
    code = (
        "import sys; from ecglib.data.compact import read_compact; "
        f"assert len(read_compact({str(path)!r})) == 100; "
        "print(sorted({'pandas', 'pyarrow', 'wfdb', 'matplotlib', 'safetensors'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


@pytest.mark.parametrize("damage", ["text", "cut", "other", "format", "label"])
def test_damaged_file_is_told_in_one_line(damage, tmp_path):
    path = write_compact(synthetic.build("ptb", 100), tmp_path / "beats.npz")
    with np.load(path) as file:
        arrays = dict(file)
    if damage == "text":
        path.write_text("no beats")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-400])
    elif damage == "other":
        np.savez(path, a=np.zeros(3))
    elif damage == "format":
        np.savez(path, **arrays | {"format": np.array(9)})
    else:
        np.savez(path, **arrays | {"label": arrays["label"] + 5})
    with pytest.raises(EcglibError) as caught:
        read_compact(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file_and_failed_write(tmp_path, make_beats):
    with pytest.raises(EcglibError, match="no such file; make it with 'ecglib data export'"):
        read_compact(tmp_path / "beats.npz")
    path = tmp_path / "kept.npz"
    path.write_text("precious")
    bad = make_beats(4)
    with pytest.raises(EcglibError, match="a label outside"):
        write_compact(replace(bad, label=bad.label + 7), path)
    assert path.read_text() == "precious" and list(tmp_path.iterdir()) == [path]
