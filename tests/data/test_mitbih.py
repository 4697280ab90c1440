"""The MIT-BIH beats: the recipe, and that it gives the very rows of the Kaggle files."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.data import mitbih
from ecglib.data.cut import cut_beats
from ecglib.data.table import BEAT_LENGTH, read_beats, write_beats
from ecglib.names import EcglibError


def beats_one_by_one(adc: list[int], sample: list[int], label: list[int]) -> list[tuple[int, list[np.float32]]]:
    """The recipe as it is told in words, in whole numbers and one beat at a time."""
    beats = []
    for j in range(len(sample)):
        if label[j] < 0 or not any(later >= 0 for later in label[j + 1 :]):
            continue
        interval = sample[j + 1] - sample[j]
        end_of_next = sample[j + 2] if j + 2 < len(sample) else len(adc)
        # int(a + 0.2 b) without a rounding of 0.2
        length = (5 * interval + (end_of_next - sample[j + 1])) // 5
        crop = [adc[t] for t in range(sample[j], sample[j] + length) if (t - sample[j]) % 3 == 0 and t < len(adc)]
        scaled = [np.float32((value - min(crop)) / (max(crop) - min(crop))) for value in crop]
        beats.append((j, (scaled + [np.float32(0)] * BEAT_LENGTH)[:BEAT_LENGTH]))
    return beats


@st.composite
def recordings(draw):
    # gaps up to 900 samples make crops that are longer than the 187 samples kept
    gaps = draw(st.lists(st.integers(4, 900), min_size=1, max_size=12))
    sample = np.cumsum(gaps)
    labels = st.lists(st.integers(-1, 4), min_size=len(sample), max_size=len(sample))
    length = int(sample[-1]) + draw(st.integers(1, 900))
    # all values differ, so that no crop is flat
    adc = np.random.default_rng(draw(st.integers(0, 99))).permutation(length) - length // 2
    return adc, sample, np.array(draw(labels))


@settings(deadline=None, max_examples=150)
@given(recordings())
def test_beats_are_cut_by_the_recipe(recording):
    adc, sample, label = recording
    position, length = mitbih.annotated_beats(sample, label, len(adc))
    signal = cut_beats(adc, sample[position], length, mitbih.DECIMATION)
    expected = beats_one_by_one(adc.tolist(), sample.tolist(), label.tolist())
    assert position.tolist() == [j for j, _ in expected]
    assert signal.dtype == np.float32 and signal.shape == (len(expected), BEAT_LENGTH)
    for row, (_, values) in zip(signal, expected, strict=True):
        np.testing.assert_array_equal(row, values)


def test_symbols_map_to_the_five_classes():
    assert {s: mitbih.CLASS_NAMES[k] for s, k in mitbih.LABEL_OF_SYMBOL.items()} == {
        **dict.fromkeys("NLRej", "N"),
        **dict.fromkeys("AaJS", "S"),
        **dict.fromkeys("VE", "V"),
        "F": "F",
        **dict.fromkeys("/fQ", "Q"),
    }


def test_published_files():
    names = mitbih.record_names()
    assert len(names) == 48 and names[0] == "100" and names[-1] == "234"
    assert set(mitbih.published_sums()) == {f"{name}.{end}" for name in names for end in ("dat", "hea", "atr")}


def test_kaggle_test_rows_are_distinct_beats_of_all_records():
    record, sample = mitbih.kaggle_test_rows()
    assert len(record) == len(sample) == len(set(zip(record.tolist(), sample.tolist(), strict=True))) == 21892
    assert set(record.tolist()) == set(mitbih.record_names())


def counts(label: np.ndarray) -> dict[str, int]:
    return {mitbih.CLASS_NAMES[number]: count for number, count in sorted(Counter(label.tolist()).items())}


def test_real_counts(mitbih_beats):
    assert len(mitbih_beats) == 109446
    assert counts(mitbih_beats.label) == {"N": 90589, "S": 2779, "V": 7236, "F": 803, "Q": 8039}
    test = mitbih_beats.take(mitbih_beats.split == "test")
    assert counts(test.label) == {"N": 18118, "S": 556, "V": 1448, "F": 162, "Q": 1608}
    assert (mitbih_beats.split == "train").sum() == 87554


def test_real_subjects(mitbih_beats):
    pairs = set(zip(mitbih_beats.record.tolist(), mitbih_beats.subject.tolist(), strict=True))
    assert len(pairs) == 48 and len({subject for _, subject in pairs}) == 47
    assert {record for record, subject in pairs if subject == "201"} == {"201", "202"}


def test_all_genuine_training_rows_are_among_the_training_beats(mitbih_beats, data_folder):
    with (data_folder / "kaggle_heartbeat" / "mitbih_train_500rows.csv").open(newline="") as file:
        genuine = np.array(list(csv.reader(file)), dtype=np.float64).astype(np.float32)
    assert genuine.shape == (500, 188)
    train = mitbih_beats.take(mitbih_beats.split == "train")
    for label in range(5):
        wanted = {row[:-1].tobytes() for row in genuine if row[-1] == label}
        found = wanted & {row.tobytes() for row in train.signal[train.label == label]}
        assert len(wanted) == len(found) == 100


def test_each_beat_starts_at_an_annotation_of_its_class(mitbih_beats, data_folder):
    import wfdb

    annotation = wfdb.rdann(str(data_folder / "mitdb" / "207"), "atr")
    symbol_at = dict(zip(annotation.sample.tolist(), annotation.symbol, strict=True))
    beats = mitbih_beats.take(mitbih_beats.record == "207")
    assert len(beats) > 1000
    for sample, label in zip(beats.sample.tolist(), beats.label.tolist(), strict=True):
        assert mitbih.LABEL_OF_SYMBOL[symbol_at[sample]] == label


def test_real_round_trip(mitbih_beats, tmp_path):
    found = read_beats(write_beats(mitbih_beats, tmp_path / "mitbih.parquet"))
    assert found.digest == mitbih_beats.digest
    assert (found.record == mitbih_beats.record).all() and (found.sample == mitbih_beats.sample).all()
    assert found.metadata == mitbih_beats.metadata


@pytest.fixture
def linked_records(data_folder, tmp_path) -> Path:
    """The real records, as links that a test can replace."""
    folder = tmp_path / "mitdb"
    folder.mkdir()
    for name in mitbih.published_sums():
        (folder / name).symlink_to((data_folder / "mitdb" / name).resolve())
    return folder


def test_complete_records_pass(linked_records):
    mitbih.check_records(linked_records)


@pytest.mark.parametrize("name", ["100.dat", "121.hea", "234.atr"])
def test_altered_file_is_named(name, linked_records):
    path = linked_records / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(EcglibError, match="differs from the published file") as caught:
        mitbih.build(linked_records)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_missing_file_is_named(linked_records):
    (linked_records / "217.atr").unlink()
    with pytest.raises(EcglibError, match=r"217\.atr: missing") as caught:
        mitbih.build(linked_records)
    assert "--raw" in str(caught.value) and "\n" not in str(caught.value)


def test_empty_folder(tmp_path):
    with pytest.raises(EcglibError, match="missing; point --raw at a complete mitdb folder"):
        mitbih.build(tmp_path)
