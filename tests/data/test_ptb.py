"""PTB beats from PhysioNet's records: diagnoses, bookkeeping, and what genuine Kaggle rows say of the recipe."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecglib.data import ptb
from ecglib.data.cut import UnusableRecord, r_peaks, read_lead, window_beats
from ecglib.data.table import BEAT_LENGTH, Beats, read_beats, write_beats
from ecglib.names import EcglibError

HEALTHY, INFARCTION = "Healthy control", "Myocardial infarction"
# record, row of ptbdb_normal_100rows.csv, R peak at 125 Hz, length, range of the crop in ADC units
GENUINE = [
    ("patient241/s0470_re", 31, 202, 158, 3570),
    ("patient233/s0457_re", 0, 738, 158, 2699),
    ("patient236/s0464_re", 49, 320, 151, 2140),
]


def heart(seconds: float = 10, beat_s: float = 0.8, seed: int = 0) -> np.ndarray:
    """R and T waves on a wandering baseline with noise, 1000 Hz, ADC units; ndarray of int, shape (T,)."""
    time = np.arange(round(seconds * 1000)) / 1000
    phase = (time + 0.3) % beat_s
    wave = np.exp(-((phase - 0.35) ** 2) / 2e-4) + 0.2 * np.exp(-((phase - 0.65) ** 2) / 4e-3)
    noise = np.random.default_rng(seed).uniform(-20, 20, len(time))
    return np.round(2000 * wave + 300 * np.sin(2 * np.pi * 0.23 * time) + noise).astype(np.int64)


def write_record(folder: Path, name: str, adc: np.ndarray, reason: str | None = HEALTHY) -> None:
    """Add a record with leads i (upside down) and ii to `folder` and to its list."""
    stem = folder / name
    stem.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        stem.name,
        fs=1000,
        units=["mV", "mV"],
        sig_name=["i", "ii"],
        d_signal=np.stack([-adc, adc], axis=1),
        fmt=["16", "16"],
        adc_gain=[2000.0, 2000.0],
        baseline=[0, 0],
        comments=["age: 33"] + ([] if reason is None else [f"Reason for admission: {reason}"]),
        write_dir=str(stem.parent),
    )
    with (folder / "RECORDS").open("a") as file:
        file.write(f"{name}\n")


@pytest.fixture
def two_classes(tmp_path) -> Path:
    """One healthy control with two records, one infarction, three that are neither, one without a diagnosis."""
    for number, (name, reason) in enumerate(
        [
            ("patient001/s0001_re", INFARCTION),
            ("patient002/s0002_re", HEALTHY),
            ("patient002/s0003_re", HEALTHY),
            ("patient003/s0004_re", "Bundle branch block"),
            ("patient004/s0005_re", "Heart failure (NYHA 2)"),
            ("patient005/s0006_re", "n/a"),
            ("patient006/s0007_re", None),
        ]
    ):
        write_record(tmp_path, name, heart(beat_s=0.7 + 0.05 * number, seed=number), reason)
    return tmp_path


def test_classes_follow_the_reason_for_admission(two_classes):
    beats = ptb.build(two_classes)
    assert {(record, label) for record, label in zip(beats.record.tolist(), beats.label.tolist(), strict=True)} == {
        ("patient001/s0001_re", 1),
        ("patient002/s0002_re", 0),
        ("patient002/s0003_re", 0),
    }
    assert beats.metadata.skipped == {
        "patient003/s0004_re": "diagnosis Bundle branch block is neither healthy control nor myocardial infarction",
        "patient004/s0005_re": "diagnosis Heart failure (NYHA 2) is neither healthy control nor myocardial infarction",
        "patient005/s0006_re": "no diagnosis",
        "patient006/s0007_re": "no diagnosis",
    }
    assert "abnormal: myocardial infarction" in beats.metadata.recipe


def test_other_diagnoses_count_as_abnormal_if_asked(two_classes):
    beats = ptb.build(two_classes, other_diagnoses=True)
    assert set(beats.record[beats.label == 0]) == {"patient002/s0002_re", "patient002/s0003_re"}
    assert set(beats.subject[beats.label == 1]) == {"patient001", "patient003", "patient004"}
    assert list(beats.metadata.skipped) == ["patient005/s0006_re", "patient006/s0007_re"]
    assert "abnormal: any other diagnosis" in beats.metadata.recipe


@pytest.mark.parametrize(
    "comments, reason",
    [
        (["age: 81", f"Reason for admission: {INFARCTION}", "Additional diagnoses: Diabetes"], INFARCTION),
        ([f" Reason for admission:   {HEALTHY}  "], HEALTHY),
        (["Reason for admission: n/a"], ""),
        (["Reason for admission: N/A"], ""),
        (["Reason for admission:"], ""),
        (["Additional diagnoses: no Reason for admission: Palpitation"], ""),
        ([], ""),
    ],
)
def test_diagnosis_among_comments(comments, reason):
    assert ptb.diagnosis(comments) == reason


@pytest.mark.parametrize("reason, label", [("HEALTHY CONTROL", 0), ("myocardial Infarction", 1)])
def test_diagnoses_in_any_case(reason, label):
    assert ptb.classify([f"Reason for admission: {reason}"]) == label


@pytest.mark.parametrize("other_diagnoses", [False, True])
def test_no_diagnosis_is_in_neither_class(other_diagnoses):
    with pytest.raises(UnusableRecord, match=r"^no diagnosis$"):
        ptb.classify(["Reason for admission: n/a"], other_diagnoses)


def test_each_beat_is_every_eighth_sample_from_its_r_peak_on(tmp_path):
    adc = heart(30)
    write_record(tmp_path, "patient001/s0001_re", adc)
    beats = ptb.build(tmp_path)
    # 0.8 s are 100 samples, int(1.2 T) is 120
    assert len(beats) >= 3 * 10 and beats.sample.dtype == np.int32
    assert Counter(np.diff(beats.sample).tolist()).most_common(1)[0][0] == 800
    for signal, sample in zip(beats.signal, beats.sample.tolist(), strict=True):
        crop = adc[sample : sample + 8 * 120 : 8].tolist()
        assert sample % 8 == 0 and crop[0] == max(adc[sample - 80 : sample + 81 : 8])
        expected = [np.float32((value - min(crop)) / (max(crop) - min(crop))) for value in crop]
        np.testing.assert_array_equal(signal, expected + [0] * (BEAT_LENGTH - 120))


def test_what_the_table_says_of_itself(two_classes, tmp_path):
    beats = ptb.build(two_classes)
    metadata = beats.metadata
    assert (metadata.dataset, metadata.source, metadata.rate_hz) == ("ptb", "physionet", 125.0)
    assert metadata.class_names == ("normal", "abnormal") and not metadata.is_synthetic
    assert "neurokit" in metadata.recipe and "\n" not in metadata.recipe
    assert beats.fold is None and beats.label.dtype == np.int64 and beats.signal.dtype == np.float32
    for label in (0, 1):
        of_class = beats.split[beats.label == label]
        assert (of_class == "train").sum() == round(0.8 * len(of_class)) < len(of_class)
    found = read_beats(write_beats(beats, tmp_path / "ptb.parquet"))
    assert found.digest == beats.digest and found.metadata == metadata
    for name in ("record", "subject", "sample", "split"):
        np.testing.assert_array_equal(getattr(found, name), getattr(beats, name))


def test_made_from_what_was_used(two_classes):
    made_from = ptb.build(two_classes).metadata.made_from
    used = ["patient001/s0001_re", "patient002/s0002_re", "patient002/s0003_re"]
    # what sha256sum prints for the sorted files
    files = sorted(f"{name}.{ending}" for name in used for ending in ("dat", "hea"))
    lines = [f"{hashlib.sha256((two_classes / file).read_bytes()).hexdigest()}  {file}\n" for file in files]
    assert made_from == {
        "RECORDS": hashlib.sha256((two_classes / "RECORDS").read_bytes()).hexdigest(),
        "records": "3",
        "records_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "detector": "neurokit",
    }
    assert ptb.build(two_classes, "threshold").metadata.made_from == made_from | {"detector": "threshold"}

    for name, matters in (("patient003/s0004_re.dat", False), ("patient002/s0003_re.hea", True)):
        with (two_classes / name).open("ab") as file:
            file.write(b"# \n" if name.endswith("hea") else b"\0\0\0\0")
        assert (ptb.build(two_classes).metadata.made_from != made_from) == matters


def test_the_detector_reaches_the_windows(tmp_path):
    adc = heart()
    # one tall R peak in each window of 5 s: only it exceeds 0.9 of the range
    for start in (0, 5000):
        highest = start + int(adc[start : start + 4000].argmax())
        adc[highest - 8 : highest + 9] += 3000
    write_record(tmp_path, "patient001/s0001_re", adc)
    assert len(ptb.build(tmp_path)) > 8
    with pytest.raises(EcglibError, match=r"no usable record, 1 skipped, .* because: 1 R peak found, two are needed$"):
        ptb.build(tmp_path, "threshold")
    with pytest.raises(EcglibError, match="is none of neurokit, threshold"):
        ptb.build(tmp_path, "hamilton")


def test_window_without_beats_is_named(tmp_path):
    adc = heart(45)
    adc[20_000:30_000] = 0
    # alternating, so that the record's extremes are not held
    adc[20_000:30_000:2] = 1
    write_record(tmp_path, "patient001/s0001_re", adc)
    beats = ptb.build(tmp_path)
    # every eighth sample is 1
    assert beats.metadata.skipped == {"patient001/s0001_re window 2": "flat"}
    assert set(beats.sample // 10_000) == {0, 1, 3}
    assert beats.metadata.made_from["records"] == "1"


def test_no_list_of_records(tmp_path):
    with pytest.raises(EcglibError, match="RECORDS: missing; point --raw at a ptbdb folder") as caught:
        ptb.build(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'RECORDS'}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, reason",
    [(b"", "lists no record; get it again"), (b"\n  \n\n", "lists no record"), (b"\xff\xfe\x00", "cannot be read ")],
)
def test_list_of_records_without_use(content, reason, tmp_path):
    (tmp_path / "RECORDS").write_bytes(content)
    with pytest.raises(EcglibError, match=rf"RECORDS: {reason}") as caught:
        ptb.build(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ["../x/patient205", "/data/patient205/s1", "./patient001/s1", "patient001//s1", "x/patient001/s1", "s1", "a b/s1"],
)
def test_list_of_records_with_a_path_that_is_no_patient_and_record(line, two_classes):
    with (two_classes / "RECORDS").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(EcglibError, match="RECORDS: line 8: ") as caught:
        ptb.build(two_classes)
    assert repr(line) in str(caught.value) and "\n" not in str(caught.value)


def test_list_of_records_with_blanks_and_repetitions(tmp_path):
    (tmp_path / "RECORDS").write_bytes(b"patient002/s0002_re\r\n\r\n patient001/s0001_re\npatient002/s0002_re\n")
    assert ptb.record_names(tmp_path) == ["patient002/s0002_re", "patient001/s0001_re"]


def test_import_is_cheap():
    code = "import sys, ecglib.data.ptb; sys.exit(any(m in sys.modules for m in ('wfdb', 'neurokit2', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# what follows needs real records


@pytest.fixture(scope="module")
def genuine_rows(data_folder) -> np.ndarray:
    """100 rows of each of Kaggle's two files, the normal ones first; ndarray of float64, shape (200, 188)."""
    rows = []
    for name in ("ptbdb_normal_100rows.csv", "ptbdb_abnormal_100rows.csv"):
        with (data_folder / "kaggle_heartbeat" / name).open(newline="") as file:
            rows += list(csv.reader(file))
    return np.array(rows, dtype=np.float64)


@pytest.fixture(scope="module")
def real_folder(data_folder, tmp_path_factory) -> Path:
    """Links to the records of the genuine rows and to the first 70 that are there, so that a full copy is no load."""
    source = data_folder / "ptbdb"
    folder = tmp_path_factory.mktemp("ptbdb")
    names = list(dict.fromkeys([*(source / "RECORDS").read_text().split()[:70], *(row[0] for row in GENUINE)]))
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        for ending in (".dat", ".hea"):
            (folder / (name + ending)).symlink_to((source / (name + ending)).resolve())
    (folder / "RECORDS").write_text("\n".join(names) + "\n")
    return folder


@pytest.fixture(scope="module")
def real_beats(real_folder) -> Beats:
    return ptb.build(real_folder)


def decimated(folder: Path, record: str) -> np.ndarray:
    """The first 10 s of lead II at 125 Hz in ADC units; ndarray of float64, shape (1250,)."""
    return read_lead(folder / record, "ii", 1000).signal[:10_000:8]


def rounded_to_even(folder: Path, record: str) -> bool:
    """Whether a record was rewritten from whole microvolts, at two ADC units each."""
    return not (read_lead(folder / record, "ii", 1000).signal % 2).any()


@pytest.mark.parametrize("record, row, position, length, scale", GENUINE)
def test_genuine_row_is_in_its_record(record, row, position, length, scale, genuine_rows, real_folder):
    genuine = genuine_rows[row, :BEAT_LENGTH]
    assert np.flatnonzero(genuine).max() + 1 == length
    whole = np.round(genuine[:length] * scale)
    assert whole.min() == 0 and whole.max() == scale
    np.testing.assert_array_equal((whole / scale).astype(np.float32), genuine[:length].astype(np.float32))
    difference = decimated(real_folder, record)[position : position + length] - whole
    # off by a rounding at most, and with no rounding not at all
    middle = np.median(difference)
    expected = {middle - 1, middle, middle + 1} if rounded_to_even(real_folder, record) else {middle}
    assert set(difference) == expected


def test_a_record_that_is_as_published_has_odd_values(real_folder):
    assert not rounded_to_even(real_folder, "patient001/s0010_re")


@pytest.mark.parametrize("record, row, position, length, scale", GENUINE)
def test_build_gives_the_genuine_row(record, row, position, length, scale, genuine_rows, real_beats):
    at = np.flatnonzero((real_beats.record == record) & (real_beats.sample == 8 * position))
    assert len(at) == 1 and real_beats.label[at[0]] == 0
    signal = real_beats.signal[at[0]]
    assert np.flatnonzero(signal).max() + 1 == length
    # a unit of rounding in the sample, in the lowest and, twice, in the range
    tolerance = 4 / scale
    genuine = genuine_rows[row, :BEAT_LENGTH]
    np.testing.assert_allclose(signal, genuine, rtol=0, atol=tolerance)
    # and no other beat comes near
    near = np.flatnonzero(np.abs(real_beats.signal - genuine).max(axis=1) <= 25 * tolerance)
    assert near.tolist() == at.tolist()


def test_the_described_threshold_does_not_give_the_genuine_rows(real_folder):
    found = {}
    for record, _, position, _, _ in GENUINE:
        peaks = r_peaks(decimated(real_folder, record), "threshold")
        interval = float(np.median(np.diff(peaks))) if len(peaks) > 1 else None
        found[record] = (len(peaks), position in peaks, interval)
    assert found == {
        "patient241/s0470_re": (1, False, None),
        "patient233/s0457_re": (9, True, 132.0),
        # int(1.2 T) is 149 instead of 151
        "patient236/s0464_re": (5, True, 124.5),
    }


@pytest.mark.parametrize("record, row, position, length, scale", GENUINE)
def test_the_described_threshold_gives_them_in_windows_of_five_seconds(
    record, row, position, length, scale, genuine_rows, real_folder
):
    start = position // 625 * 625
    signal, positions = window_beats(decimated(real_folder, record)[start : start + 625], "threshold")
    beat = signal[positions.tolist().index(position - start)]
    assert np.flatnonzero(beat).max() + 1 == length
    np.testing.assert_allclose(beat, genuine_rows[row, :BEAT_LENGTH], rtol=0, atol=4 / scale)


def test_what_two_hundred_genuine_rows_say_of_the_recipe(genuine_rows):
    assert Counter(genuine_rows[:, -1].tolist()) == {0: 100, 1: 100}
    signal = genuine_rows[:, :-1]
    length = np.array([np.flatnonzero(row).max() + 1 for row in signal])
    # cut off nowhere
    assert (length.min(), length.max()) == (62, 176)
    # scaled by the crop's own range
    assert all(row[:count].min() == 0 and row.max() == 1 for row, count in zip(signal, length, strict=True))

    # whole T gives all lengths but 6 n + 5, and whole T plus a half gives those as well
    assert {int(1.2 * interval) % 6 for interval in range(40, 160)} == {0, 1, 2, 3, 4}
    assert {int(1.2 * (interval + 0.5)) % 6 for interval in range(40, 160)} == {0, 1, 3, 4, 5}
    residue = Counter((length % 6).tolist())
    assert residue[5] == 3 and min(residue[number] for number in range(5)) >= 35

    # R peaks: high, and at most one sample before the highest
    first, second = signal[:, 0], signal[:, 1]
    early = first < second
    assert early.sum() == 22 and (first == second).sum() == 0
    assert set(signal[early, :12].argmax(axis=1)) == {1} and set(signal[~early, :12].argmax(axis=1)) == {0}
    assert (first > 0.9).sum() == 197 and (first[early] > 0.9).sum() == 19

    # the next R peak is about T later
    distance = []
    for row, count in zip(signal, length, strict=True):
        interval = round(count / 1.2)
        nearby = row[interval - 15 : min(interval + 16, count)]
        distance.append(nearby.argmax() - 15)
    assert (np.abs(distance) <= 3).sum() >= 150


def test_real_records_are_used_or_named_with_their_diagnosis(real_folder, real_beats):
    expected = {}
    for name in (real_folder / "RECORDS").read_text().split():
        lines = (real_folder / f"{name}.hea").read_text().splitlines()
        [expected[name]] = [line.split(": ")[1].strip() for line in lines if line.startswith("# Reason for admission")]
    label = {HEALTHY: 0, INFARCTION: 1}
    used = dict(zip(real_beats.record.tolist(), real_beats.label.tolist(), strict=True))
    skipped = real_beats.metadata.skipped
    assert len(used) >= 30 and set(used.values()) == {0, 1}
    for name, diagnosis in expected.items():
        if diagnosis == "n/a":
            assert skipped[name] == "no diagnosis"
        elif diagnosis not in label:
            assert skipped[name] == f"diagnosis {diagnosis} is neither healthy control nor myocardial infarction"
        else:
            assert used[name] == label[diagnosis]


def test_real_beats_are_beats(real_folder, real_beats):
    assert (real_beats.sample % 8 == 0).all()
    # a beat that fills its row may go on after it, and have its highest sample there
    whole = real_beats.signal[:, -1] == 0
    assert (real_beats.signal[whole].max(axis=1) == 1).all() and whole.mean() > 0.9
    for record in np.unique(real_beats.record):
        of_record = real_beats.take(real_beats.record == record)
        assert set(of_record.subject) == {record[: len("patient001")]}
        # a heart at rest: 40 to 140 beats a minute
        seconds = np.diff(of_record.sample) / 1000
        assert 60 / 140 < np.median(seconds) < 60 / 40
        # an infarction can turn the QRS complex of lead II down, so that it has no R peak to speak of
        lead = read_lead(real_folder / record, "ii", 1000).signal[::8]
        for position in of_record.sample[of_record.label == 0] // 8:
            assert lead[position] == lead[position - 2 : position + 3].max()
