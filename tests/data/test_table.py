"""The beat table: what is written comes back, and nothing outside the contract gets in or out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecglib import files
from ecglib.data.sources import beat_table
from ecglib.data.table import BEAT_LENGTH, RECIPE_VERSION, SPLITS, BeatMetadata, Beats, read_beats, write_beats
from ecglib.names import EcglibError

COLUMNS = ("signal", "label", "record", "subject", "sample", "split")


def assert_same(found: Beats, expected: Beats) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    assert found.metadata == expected.metadata
    assert (found.fold is None) == (expected.fold is None)
    np.testing.assert_array_equal(found.fold, expected.fold)


def refused(action, *parts: str) -> None:
    """`action` raises an EcglibError of one line that holds all of `parts`."""
    with pytest.raises(EcglibError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_round_trip(make_beats, tmp_path):
    beats = make_beats(23)
    path = write_beats(beats, tmp_path / "new" / "folder" / "beats.parquet")
    found = read_beats(path)
    assert_same(found, beats)
    assert found.signal.dtype == np.float32 and found.label.dtype == np.int64 and found.sample.dtype == np.int32
    assert found.digest == beats.digest
    assert [entry.name for entry in path.parent.iterdir()] == ["beats.parquet"]


text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@st.composite
def tables(draw) -> Beats:
    count = draw(st.integers(1, 6))
    names = draw(st.lists(text, min_size=1, max_size=5, unique=True))
    unit = st.floats(0, 1, width=32)
    return Beats(
        signal=draw(hnp.arrays(np.float32, (count, BEAT_LENGTH), elements=unit)),
        label=draw(hnp.arrays(np.int64, count, elements=st.integers(0, len(names) - 1))),
        record=np.array(draw(st.lists(text, min_size=count, max_size=count)), dtype=np.str_),
        subject=np.array(draw(st.lists(text, min_size=count, max_size=count)), dtype=np.str_),
        sample=draw(hnp.arrays(np.int32, count, elements=st.integers(-1, 2**31 - 1))),
        split=np.array(draw(st.lists(st.sampled_from(SPLITS), min_size=count, max_size=count))),
        metadata=BeatMetadata(
            dataset=draw(text),
            source=draw(text),
            class_names=tuple(names),
            rate_hz=draw(st.floats(1, 1e4)),
            recipe=draw(text),
            made_from=draw(st.dictionaries(text, text, max_size=3)),
        ),
    )


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(beats=tables())
def test_round_trip_of_any_table(beats, tmp_path):
    assert_same(read_beats(write_beats(beats, tmp_path / "beats.parquet")), beats)


def with_value(signal: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    signal = signal.copy()
    signal[row, column] = value
    return signal


FAULTS = {
    "NaN": (lambda b: {"signal": with_value(b.signal, 3, 7, np.nan)}, "row 3 has a signal value outside [0, 1] or NaN"),
    "infinite": (lambda b: {"signal": with_value(b.signal, 9, 0, np.inf)}, "row 9 has a signal value"),
    "above 1": (lambda b: {"signal": with_value(b.signal, 4, 186, np.nextafter(1, 2, dtype="f4"))}, "row 4 has a"),
    "below 0": (lambda b: {"signal": with_value(b.signal, 0, 0, -1e-7)}, "row 0 has a signal value"),
    "float64": (lambda b: {"signal": b.signal.astype(np.float64)}, "float64"),
    "186 samples": (lambda b: {"signal": b.signal[:, :-1]}, "expected (10, 187) float32"),
    "label too high": (lambda b: {"label": np.where(np.arange(10) > 7, 2, 0)}, "row 8 has a label outside 0 .. 1 (2"),
    "label below 0": (lambda b: {"label": b.label - 1}, "row 0 has a label outside 0 .. 1 (5 rows in all)"),
    "label no integer": (lambda b: {"label": b.label + 0.5}, "label is float64"),
    "unknown split": (lambda b: {"split": np.where(np.arange(10) == 6, "dev", "train")}, "row 6 has a split other"),
    "short record": (lambda b: {"record": b.record[:3]}, "record has shape (3,), expected (10,)"),
    "short sample": (lambda b: {"sample": b.sample[:3]}, "sample has shape (3,), expected (10,)"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_refused_and_the_earlier_table_stays(name, make_beats, tmp_path):
    path = write_beats(make_beats(), tmp_path / "beats.parquet")
    before = path.read_bytes()
    change, message = FAULTS[name]
    bad = dataclasses.replace(make_beats(), **change(make_beats()))
    refused(lambda: write_beats(bad, path), str(path), message)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_empty_table_is_refused(make_beats, tmp_path):
    refused(lambda: write_beats(make_beats().take(np.array([], dtype=int)), tmp_path / "beats.parquet"), "no beats")
    assert not list(tmp_path.iterdir())


def test_failure_while_writing_leaves_the_earlier_table(make_beats, tmp_path, monkeypatch):
    path = write_beats(make_beats(), tmp_path / "beats.parquet")
    before = path.read_bytes()

    def fill_disk(table, where, **options):
        where.write_bytes(b"half a ta")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fill_disk)
    refused(lambda: write_beats(make_beats(20), path), str(path), "No space left on device")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_cannot_be_made(make_beats, tmp_path):
    (tmp_path / "data").write_text("a file")
    refused(lambda: write_beats(make_beats(), tmp_path / "data" / "beats.parquet"), "cannot be written")


def test_missing_file(tmp_path):
    refused(lambda: read_beats(tmp_path / "beats.parquet"), "beats.parquet: no such file", "ecglib data build")


def test_truncated_file(make_beats, tmp_path):
    path = write_beats(make_beats(), tmp_path / "beats.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    refused(lambda: read_beats(path), str(path), "not a Parquet file")


@pytest.mark.parametrize("content", [b"", b"0.1,0.2,0.3\n" * 100])
def test_not_parquet(content, tmp_path):
    path = tmp_path / "beats.parquet"
    path.write_bytes(content)
    refused(lambda: read_beats(path), str(path), "not a Parquet file")


SCHEMA_FAULTS = {
    "column missing": (lambda t: t.drop_columns(["sample"]), "column 'sample' is missing"),
    "wider label": (
        lambda t: t.set_column(1, "label", t["label"].cast(pa.int64())),
        "'label' is int64 instead of int8",
    ),
    "signal of any length": (
        lambda t: t.set_column(0, "signal", t["signal"].cast(pa.list_(pa.float32()))),
        "column 'signal' is list",
    ),
    "no metadata": (lambda t: t.replace_schema_metadata(None), "its metadata are missing"),
    "metadata no JSON": (lambda t: t.replace_schema_metadata({b"ecglib": b"{"}), "its metadata cannot be read"),
    "metadata no text": (lambda t: t.replace_schema_metadata({b"ecglib": b"\xff\xfe{"}), "its metadata cannot be read"),
    "metadata of another kind": (
        lambda t: t.replace_schema_metadata({b"ecglib": b'{"dataset": "ptb"}'}),
        "its metadata cannot be read",
    ),
    "no sample in a row": (
        lambda t: t.set_column(4, "sample", pa.array([*range(9), None], pa.int32())),
        "row 9 has no sample",
    ),
    "label without a name": (
        lambda t: t.set_column(1, "label", pa.array([0] * 9 + [7], pa.int8())),
        "row 9 has a label outside 0 .. 1",
    ),
    "no rows": (lambda t: t.slice(0, 0), "no beats"),
}


@pytest.mark.parametrize("name", SCHEMA_FAULTS)
def test_parquet_file_that_is_no_beat_table(name, make_beats, tmp_path):
    path = write_beats(make_beats(), tmp_path / "beats.parquet")
    change, message = SCHEMA_FAULTS[name]
    pq.write_table(change(pq.read_table(path)), path)
    refused(lambda: read_beats(path), str(path), message)


ALTERED = {
    "one signal value": lambda t: t.set_column(
        0, "signal", pa.FixedSizeListArray.from_arrays(pa.array(with_value(signals(t), 3, 7, 0.5).ravel()), BEAT_LENGTH)
    ),
    "labels": lambda t: t.set_column(1, "label", t["label"].combine_chunks().take(pa.array(range(9, -1, -1)))),
    "subjects": lambda t: t.set_column(3, "subject", pa.array(["somebody"] * 10)),
    "order": lambda t: t.take(pa.array(range(9, -1, -1))),
    "a row less": lambda t: t.slice(0, 9),
    "data set": lambda t: t.replace_schema_metadata(
        {key: value.replace(b'"ptb"', b'"ptbxl"') for key, value in t.schema.metadata.items()}
    ),
    "no digest": lambda t: t.replace_schema_metadata({b"ecglib": t.schema.metadata[b"ecglib"]}),
}


def signals(table: pa.Table) -> np.ndarray:
    return table["signal"].combine_chunks().flatten().to_numpy().reshape(-1, BEAT_LENGTH).copy()


@pytest.mark.parametrize("name", ALTERED)
def test_what_was_altered_after_it_was_written_is_refused(name, make_beats, tmp_path):
    path = write_beats(make_beats(), tmp_path / "beats.parquet")
    pq.write_table(ALTERED[name](pq.read_table(path)), path)
    refused(lambda: read_beats(path), f"{path}: was altered, or has no digest", "ecglib data build")


def test_a_table_is_not_trusted_by_its_name(make_beats, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "tables", lambda: tmp_path)
    path = tmp_path / "mitbih-physionet.parquet"
    write_beats(make_beats(), path)
    refused(lambda: beat_table("mitbih", "physionet"), f"{path}: holds ptb from synthetic; delete it")
    about = make_beats().metadata.model_copy(update={"dataset": "mitbih", "source": "physionet", "recipe_version": 0})
    write_beats(make_beats(metadata=about), path)
    refused(lambda: beat_table("mitbih", "physionet"), f"{path}: of recipe version 0, not {RECIPE_VERSION}; delete it")


def test_digest_follows_what_a_training_depends_on(make_beats):
    beats = make_beats()
    changes = {
        "signal": with_value(beats.signal, 2, 5, 0.5),
        "label": 1 - beats.label,
        "split": beats.split[::-1].copy(),
        "metadata": beats.metadata.model_copy(update={"class_names": ("abnormal", "normal")}),
    }
    digests = {dataclasses.replace(beats, **{name: value}).digest for name, value in changes.items()}
    assert len(digests | {beats.digest}) == 5
    assert dataclasses.replace(beats, record=beats.record[::-1]).digest == beats.digest


def test_take_keeps_rows_together(make_beats):
    beats = make_beats(12)
    taken = beats.take(beats.label == 1)
    assert len(taken) == 6
    for row, original in enumerate(range(1, 12, 2)):
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(taken, name)[row], getattr(beats, name)[original])


def test_folds_come_back_and_go_with_their_rows(make_beats, tmp_path):
    fold = np.arange(12) % 10 + 1
    beats = dataclasses.replace(make_beats(12), fold=fold)
    assert_same(read_beats(write_beats(beats, tmp_path / "beats.parquet")), beats)
    assert beats.take(fold > 8).fold.tolist() == [9, 10]
    for wrong in (0, -1, 128):
        bad = dataclasses.replace(beats, fold=np.where(fold == 2, wrong, fold))
        refused(lambda bad=bad: write_beats(bad, tmp_path / "beats.parquet"), "row 1 has a fold outside 1 .. 127")
    refused(
        lambda: write_beats(dataclasses.replace(beats, fold=fold[:5]), tmp_path / "beats.parquet"),
        "fold has shape (5,), expected (12,)",
    )
