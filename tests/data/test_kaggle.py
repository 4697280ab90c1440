"""The Kaggle files: every value read as it stands, in every packing; every fault named by file and row."""

from __future__ import annotations

import csv
import hashlib
import io
import tracemalloc
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecglib.cli import main
from ecglib.data import kaggle, mitbih
from ecglib.data.sources import build_beats
from ecglib.data.splits import split_beats
from ecglib.data.table import read_beats, write_beats
from ecglib.names import EcglibError

NAMES = {"mitbih": ("mitbih_train.csv", "mitbih_test.csv"), "ptb": ("ptbdb_normal.csv", "ptbdb_abnormal.csv")}


def rows_of(labels: Iterable[int], seed: int = 0) -> np.ndarray:
    """Random rows of 187 samples and a label, float32."""
    labels = np.asarray(list(labels), dtype=np.float32)
    signal = np.random.default_rng(seed).random((len(labels), 187), dtype=np.float32)
    return np.column_stack([signal, labels])


def text_of(rows: np.ndarray) -> str:
    """Rows as Kaggle's files have them: NumPy's "%.18e"."""
    return "".join(",".join(f"{value:.18e}" for value in row) + "\n" for row in rows.tolist())


def counted(rows: int, label: int) -> str:
    """As many rows as that, told apart by their first sample."""
    return "".join(f"{row / rows}{',0.5' * 186},{label}\n" for row in range(rows))


def write(folder: Path, dataset: str, first: str, second: str) -> None:
    for name, text in zip(NAMES[dataset], (first, second), strict=True):
        (folder / name).write_text(text, newline="")


@pytest.fixture
def mitbih_rows() -> tuple[np.ndarray, np.ndarray]:
    return rows_of([0, 1, 2, 3, 4] * 8, seed=1), rows_of([4, 3, 2, 1, 0, 0], seed=2)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of about two and a half rows, so that rows lie across their ends."""
    monkeypatch.setattr(kaggle, "_BLOCK_BYTES", 12_000)


def assert_rows(beats, *parts: np.ndarray) -> None:
    rows = np.concatenate(parts)
    np.testing.assert_array_equal(beats.signal, rows[:, :-1], strict=True)
    np.testing.assert_array_equal(beats.label, rows[:, -1].astype(np.int64), strict=True)


def test_mitbih(mitbih_rows, tmp_path, small_blocks):
    train, test = mitbih_rows
    write(tmp_path, "mitbih", text_of(train), text_of(test))
    beats = kaggle.build("mitbih", tmp_path, subset=True)
    assert_rows(beats, train, test)
    assert beats.split.tolist() == ["train"] * 40 + ["test"] * 6
    assert set(beats.record) == set(beats.subject) == {""} and set(beats.sample.tolist()) == {-1}
    about = beats.metadata
    assert (about.dataset, about.source, about.class_names, about.rate_hz) == ("mitbih", "kaggle", tuple("NSVFQ"), 120)
    assert about.made_from == {
        "mitbih_train.csv": hashlib.sha256(text_of(train).encode()).hexdigest(),
        "mitbih_test.csv": hashlib.sha256(text_of(test).encode()).hexdigest(),
        "duplicate_rows": "0",
    }
    assert read_beats(write_beats(beats, tmp_path / "beats.parquet")).digest == beats.digest


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=hnp.arrays(np.float32, st.tuples(st.integers(1, 7), st.just(187)), elements=st.floats(0, 1, width=32)),
    label=st.integers(0, 4),
    exact=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
    last_ending=st.booleans(),
)
def test_any_value_is_read_to_the_bit(samples, label, exact, ending, last_ending, tmp_path, small_blocks):
    # as no row begins with 0 and goes up to its end, or has only zeros
    samples[:, 0] = 0.5
    rows = np.column_stack([samples, np.full(len(samples), label, dtype=np.float32)])
    other = rows_of([0, 1])
    text = text_of(rows) if exact else "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    text = text.replace("\n", ending)
    write(tmp_path, "mitbih", text if last_ending else text.removesuffix(ending), text_of(other))
    assert_rows(kaggle.build("mitbih", tmp_path, subset=True), rows, other)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(
        st.decimals(0, 1).map(str) | st.floats(0, 1).map(repr) | st.floats(0, 1).map("{:.3e}".format),
        min_size=1,
        max_size=20,
    )
)
@example(cells=["1e-400"])
# half-way between two 32-bit numbers, and a little more: read with 64 bits first, both are 0.5
@example(cells=["5.000000298023223876e-01", "5.000000298023223877e-01"])
def test_any_number_is_read_as_python_reads_it(cells, tmp_path):
    filled = ["1", *cells, *["1"] * (186 - len(cells))]
    write(tmp_path, "mitbih", ",".join([*filled, "0"]), text_of(rows_of([1])))
    beats = kaggle.build("mitbih", tmp_path, subset=True)
    np.testing.assert_array_equal(beats.signal[0], np.array([float(cell) for cell in filled]).astype(np.float32))


def test_numbers_of_64_bits_and_of_many_formats_are_read_as_pandas_reads_them(tmp_path, small_blocks):
    generator = np.random.default_rng(6)
    rows = np.column_stack([generator.random((40, 187)) ** generator.integers(1, 20, 187), [0, 1, 2, 3, 4] * 8])
    lines = text_of(rows).splitlines()
    for row, value in enumerate(
        ("1.0", "1", "1e-05", "+0.5", ".25", "1E-3", " 0.5", "-0.0", "0.1234567890123456789"), 10
    ):
        replaced(row, row, value)(lines)
    text = "\n".join(lines)
    other = rows_of([0, 1])
    write(tmp_path, "mitbih", text, text_of(other))
    beats = kaggle.build("mitbih", tmp_path, subset=True)
    expected = pd.read_csv(io.StringIO(text), header=None, dtype=str).map(float).to_numpy().astype(np.float32)
    assert_rows(beats, expected, other)
    assert beats.metadata.made_from["mitbih_train.csv"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("packing", ["archive", "archive itself", "folder in archive", "one each", "plain first"])
def test_zipped(packing, mitbih_rows, tmp_path, small_blocks):
    texts = dict(zip(NAMES["mitbih"], map(text_of, mitbih_rows), strict=True))
    write(tmp_path, "mitbih", *texts.values())
    expected = kaggle.build("mitbih", tmp_path, subset=True)
    folder = tmp_path / "zipped"
    folder.mkdir()
    source = folder
    if packing == "one each":
        for name, text in texts.items():
            with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(name, text)
        # neither a broken zip beside them nor a larger archive is in the way
        (folder / "a.zip").write_bytes(b"PK\x03\x04 half a file")
        with zipfile.ZipFile(folder / "b.zip", "w") as archive:
            archive.writestr("mitbih_train.csv", "not this one")
    else:
        with zipfile.ZipFile(folder / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._mitbih_train.csv", "not this one")
            for name, text in texts.items():
                prefix = "heartbeat/" if packing == "folder in archive" else ""
                archive.writestr(prefix + name, "not this one" if packing == "plain first" else text)
    if packing == "archive itself":
        source = folder / "archive.zip"
    if packing == "plain first":
        write(folder, "mitbih", *texts.values())
    before = sorted(folder.iterdir())
    beats = kaggle.build("mitbih", source, subset=True)
    assert beats.digest == expected.digest and beats.metadata == expected.metadata
    assert sorted(folder.iterdir()) == before


def test_ptb_split_has_the_sizes_of_the_original(tmp_path):
    write(tmp_path, "ptb", counted(4046, 0), counted(10_506, 1))
    beats = kaggle.build("ptb", tmp_path)
    train = beats.split == "train"
    assert np.bincount(beats.label[train]).tolist() == [3237, 8405]
    assert np.bincount(beats.label[~train]).tolist() == [809, 2101]
    assert beats.metadata.class_names == ("normal", "abnormal") and beats.metadata.rate_hz == 125.0
    # shuffled: the last fifth of the file is not the test set, and the same rows are drawn every time
    assert 100 < train[:4046][-809:].sum() < 809
    expected = np.random.RandomState(42).permutation(4046)[:3237]
    assert set(np.flatnonzero(train[:4046])) == set(expected)
    assert_rows(beats.take(np.array([1])), np.array([[1 / 4046] + [0.5] * 186 + [0]], dtype=np.float32))


def test_duplicate_rows_are_kept_and_counted(tmp_path):
    normal, abnormal = rows_of([0] * 5, seed=1), rows_of([1] * 5, seed=2)
    # one row three times; and one with the samples, but not the label, of another
    normal[3] = normal[4] = normal[0]
    abnormal[2, :-1] = normal[1, :-1]
    write(tmp_path, "ptb", text_of(normal), text_of(abnormal))
    beats = kaggle.build("ptb", tmp_path, subset=True)
    assert_rows(beats, normal, abnormal)
    assert beats.metadata.made_from["duplicate_rows"] == "2"


def replaced(row: int, column: int, value: str):
    def change(lines: list[str]) -> None:
        cells = lines[row - 1].split(",")
        cells[column - 1] = value
        lines[row - 1] = ",".join(cells)

    return change


FAULTS = {
    "short row": (lambda lines: lines.insert(16, "0.1,0.2,0"), "row 17 has 3 columns, expected 188"),
    "long row": (lambda lines: lines.__setitem__(2, lines[2] + ",0"), "row 3 has 189 columns, expected 188"),
    "short first row": (lambda lines: lines.__setitem__(0, "1,2"), "row 1 has 2 columns, expected 188"),
    "header": (lambda lines: lines.insert(0, ",".join(f"t{n}" for n in range(188))), "row 1 has 't0' in column 1"),
    "empty cell": (replaced(9, 30, ""), "row 9 has an empty cell in column 30"),
    "empty label": (replaced(40, 188, ""), "row 40 has an empty cell in column 188"),
    "NaN": (replaced(21, 187, "nan"), "row 21 has NaN in column 187"),
    "infinity": (replaced(21, 1, "inf"), "row 21 has inf in column 1, outside [0, 1]"),
    "word": (replaced(33, 2, "1.0.0"), "row 33 has '1.0.0' in column 2, which is not a number"),
    "quoted": (replaced(33, 2, '"0.5"'), "row 33 has '\"0.5\"' in column 2, which is not a number"),
    "binary": (replaced(33, 2, "\0\x1b[2J"), r"row 33 has '\x00\x1b[2J' in column 2, which is not a number"),
    "above 1": (replaced(12, 5, "1.5"), "row 12 has 1.5 in column 5, outside [0, 1]"),
    "above all 32-bit numbers": (
        replaced(12, 5, "1.000000000000000000e+50"),
        "row 12 has 1.000000000000000000e+50 in column 5, outside [0, 1]",
    ),
    "below 0": (replaced(38, 5, "-1e-3"), "row 38 has -1e-3 in column 5, outside [0, 1]"),
    "label too high": (
        replaced(7, 188, "5.0"),
        "row 7 has label 5.0, expected 0 or 1 or 2 or 3 or 4 in the last column",
    ),
    "label below 0": (replaced(7, 188, "-1"), "row 7 has label -1, expected"),
    "label not whole": (replaced(7, 188, "1.5"), "row 7 has label 1.5, expected"),
    "label NaN": (replaced(7, 188, "nan"), "row 7 has label nan, expected"),
    "after an empty line": (
        lambda lines: (lines.insert(4, ""), replaced(20, 3, "x")(lines)),
        "row 20 has 'x' in column 3",
    ),
    "two faults": (lambda lines: (replaced(35, 3, "x")(lines), replaced(6, 3, "2")(lines)), "row 6 has 2 in column 3"),
    "number only for Python": (replaced(20, 3, "0_1"), "row 20 has '0_1' in column 3, which is not a number"),
    "white space that only Python skips": (
        replaced(20, 3, "\v0.5"),
        "row 20 has '0.5' in column 3, which is not a number",
    ),
    "only zeros": (lambda lines: lines.__setitem__(28, "0.0," * 187 + "1.0"), "row 29 has no sample above 0"),
    "mark of the byte order": (
        lambda lines: (lines.__setitem__(0, "\ufeff" + lines[0]), replaced(20, 3, "x")(lines)),
        "row 20 has 'x' in column 3",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("block_bytes", [12_000, 4 << 20])
def test_fault_is_named_by_file_and_row(fault, zipped, block_bytes, mitbih_rows, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle, "_BLOCK_BYTES", block_bytes)
    change, message = FAULTS[fault]
    lines = text_of(mitbih_rows[0]).splitlines()
    change(lines)
    write(tmp_path, "mitbih", "\n".join(lines), text_of(mitbih_rows[1]))
    shown = tmp_path / "mitbih_train.csv"
    if zipped:
        with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(shown, shown.name)
        shown.unlink()
        shown = tmp_path / "archive.zip" / "mitbih_train.csv"
    refused("mitbih", tmp_path, f"{shown}: ", message, "download")


@pytest.mark.parametrize(("place", "label"), [(0, "1"), (1, "0")])
def test_ptb_label_of_the_other_file(place, label, tmp_path):
    texts = [text_of(rows_of([0] * 4)), text_of(rows_of([1] * 4))]
    lines = texts[place].splitlines()
    replaced(3, 188, label)(lines)
    texts[place] = "\n".join(lines)
    write(tmp_path, "ptb", *texts)
    refused("ptb", tmp_path, NAMES["ptb"][place], f"row 3 has label {label}, expected {1 - int(label)}")


def refused(dataset: str, folder: Path, *parts: str) -> None:
    """The folder is refused in one line that holds all of `parts`."""
    with pytest.raises(EcglibError) as caught:
        kaggle.build(dataset, folder, subset=True)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("content", ["", "\n", "\n\r\n\n"])
def test_file_without_rows(content, tmp_path):
    write(tmp_path, "mitbih", content, content)
    refused("mitbih", tmp_path, "mitbih_train.csv: has no rows")


def test_file_without_line_ends(tmp_path, small_blocks):
    write(tmp_path, "mitbih", text_of(rows_of([0])) + "0" * 100_000, "")
    refused("mitbih", tmp_path, "mitbih_train.csv: row 2 has 1 columns")


def test_file_cut_at_the_end_of_a_row(tmp_path):
    write(tmp_path, "ptb", counted(4046, 0), counted(10_505, 1))
    with pytest.raises(
        EcglibError, match=r"ptbdb_abnormal\.csv: has 10,505 rows, the published file 10,506; .*--subset"
    ):
        kaggle.build("ptb", tmp_path)
    assert len(kaggle.build("ptb", tmp_path, subset=True)) == 14_551
    with pytest.raises(EcglibError, match=r"ptbdb_abnormal\.csv: has 10,505 rows"):
        build_beats("ptb", "kaggle", tmp_path)


def test_train_and_test_exchanged(mitbih_rows, tmp_path, monkeypatch):
    published = [replace(file, rows=rows) for file, rows in zip(kaggle._FILES["mitbih"], (40, 6), strict=True)]
    monkeypatch.setitem(kaggle._FILES, "mitbih", published)
    write(tmp_path, "mitbih", *map(text_of, mitbih_rows))
    assert len(kaggle.build("mitbih", tmp_path)) == 46
    write(tmp_path, "mitbih", *map(text_of, reversed(mitbih_rows)))
    with pytest.raises(EcglibError, match=r"mitbih_train\.csv: has 6 rows, the published file 40; download it again"):
        kaggle.build("mitbih", tmp_path)


def test_subset_on_the_command_line(mitbih_rows, tmp_path, capsys):
    write(tmp_path, "mitbih", *map(text_of, mitbih_rows))
    out = tmp_path / "beats.parquet"
    command = ["data", "build", "mitbih", "--source", "kaggle", "--raw", str(tmp_path), "--out", str(out)]
    assert main(command) == 1
    assert not out.exists() and "mitbih_train.csv: has 40 rows, the published file 87,554" in capsys.readouterr().err
    assert main([*command, "--subset"]) == 0
    assert len(read_beats(out)) == 46


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([*range(186, -1, -1), 187], "most rows begin with 0 and do not end with it, as if reversed"),
        ([187, *range(187)], "the labels are in column 1, expected in the last one"),
    ],
)
def test_columns_in_another_order(order, message, data_folder, tmp_path):
    folder = data_folder / "kaggle_heartbeat"
    normal, abnormal = genuine(data_folder, "ptbdb_normal_100rows.csv"), folder / "ptbdb_abnormal_100rows.csv"
    write(tmp_path, "ptb", text_of(normal[:, order]), abnormal.read_text())
    refused("ptb", tmp_path, f"{tmp_path / 'ptbdb_normal.csv'}: {message}")


def test_train_file_is_the_test_file(mitbih_rows, tmp_path):
    write(tmp_path, "mitbih", text_of(mitbih_rows[0]), text_of(mitbih_rows[0]).replace("\n", "\r\n"))
    refused("mitbih", tmp_path, "mitbih_train.csv and mitbih_test.csv have the same rows")


def test_missing_file_says_what_was_looked_for(tmp_path, mitbih_rows):
    (tmp_path / "mitbih_train.csv").write_text(text_of(mitbih_rows[0]))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("other.csv", "1\n")
    refused("mitbih", tmp_path, f"{tmp_path}: neither mitbih_test.csv nor", "login", "--source physionet")
    refused("ptb", tmp_path / "nowhere", "nowhere: neither ptbdb_normal.csv nor")


def test_unknown_dataset(tmp_path):
    refused("ecg", tmp_path, "dataset ecg: Kaggle has no beats of it")


def test_file_that_is_no_zip(tmp_path):
    (tmp_path / "archive.zip").write_bytes(b"<html>log in first</html>" * 9)
    refused("mitbih", tmp_path, "archive.zip: damaged zip file", "download it again")


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_damaged_zip(damage, tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mitbih_train.csv", text_of(rows_of([0] * 60)))
    content = bytearray((tmp_path / "archive.zip").read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        # near the end, so that all rows but the last are sound and only the checksum tells
        content[-600] ^= 255
    (tmp_path / "archive.zip").write_bytes(content)
    with pytest.raises(EcglibError, match=r"archive\.zip") as caught:
        kaggle.build("mitbih", tmp_path, subset=True)
    assert "\n" not in str(caught.value) and "download" in str(caught.value)


def test_wrong_checksum_in_a_stored_zip(tmp_path):
    text = text_of(rows_of([0] * 9))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("mitbih_train.csv", text)
    content = (tmp_path / "archive.zip").read_bytes()
    # still a number in [0, 1], so that nothing but the checksum can tell
    altered = content.replace(text[:20].encode(), text[:19].encode() + (b"1" if text[19] != "1" else b"2"))
    assert altered != content
    (tmp_path / "archive.zip").write_bytes(altered)
    refused("mitbih", tmp_path, "archive.zip/mitbih_train.csv: damaged zip file", "Bad CRC-32")


def test_encrypted_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("mitbih_train.csv", "1")
    content = bytearray((tmp_path / "archive.zip").read_bytes())
    # bit 0 of the flags, in the local and in the central header
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "archive.zip").write_bytes(content)
    refused("mitbih", tmp_path, "archive.zip/mitbih_train.csv: damaged zip file", "encrypted")


def test_text_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle, "_BLOCK_BYTES", 100_000)
    text = text_of(rows_of([0] * 100)) * 40
    write(tmp_path, "mitbih", text, text_of(rows_of([0], seed=9)))
    size, arrays = len(text), 4001 * 187 * 4
    del text
    tracemalloc.start()
    try:
        beats = kaggle.build("mitbih", tmp_path, subset=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert beats.metadata.made_from["duplicate_rows"] == "3900"
    assert peak < arrays + 0.2 * size


def genuine(folder: Path, name: str) -> np.ndarray:
    with (folder / "kaggle_heartbeat" / name).open(newline="") as file:
        return np.array(list(csv.reader(file)), dtype=np.float64).astype(np.float32)


def test_genuine_ptb_rows(data_folder, tmp_path):
    names = ("ptbdb_normal_100rows.csv", "ptbdb_abnormal_100rows.csv")
    write(tmp_path, "ptb", *((data_folder / "kaggle_heartbeat" / name).read_text() for name in names))
    beats = kaggle.build("ptb", tmp_path, subset=True)
    assert_rows(beats, *(genuine(data_folder, name) for name in names))
    split = split_beats(beats)
    assert (len(split.train), len(split.validation), len(split.test)) == (128, 32, 40)


def test_genuine_mitbih_rows(data_folder, tmp_path):
    text = (data_folder / "kaggle_heartbeat" / "mitbih_train_500rows.csv").read_text()
    rows = genuine(data_folder, "mitbih_train_500rows.csv")
    write(tmp_path, "mitbih", text, "".join(reversed(text.splitlines(keepends=True))))
    assert_rows(kaggle.build("mitbih", tmp_path, subset=True), rows, rows[::-1])


def test_kaggle_and_physionet_give_the_same_beats(mitbih_beats, data_folder, tmp_path, small_blocks):
    """Genuine rows of Kaggle's file, and those that PhysioNet's records give, are one and the same."""
    rows = genuine(data_folder, "mitbih_train_500rows.csv")
    rebuilt = {row.tobytes(): number for number, row in enumerate(mitbih_beats.signal)}
    chosen = mitbih_beats.take(np.array([rebuilt[row[:-1].tobytes()] for row in rows]))
    genuine_text = (data_folder / "kaggle_heartbeat" / "mitbih_train_500rows.csv").read_text()
    write(tmp_path, "mitbih", genuine_text, text_of(np.column_stack([chosen.signal, chosen.label])[::-1]))
    beats = kaggle.build("mitbih", tmp_path, subset=True)
    np.testing.assert_array_equal(beats.signal[:500], beats.signal[:499:-1])
    np.testing.assert_array_equal(beats.label[:500], beats.label[:499:-1])
    np.testing.assert_array_equal(beats.signal[:500], chosen.signal)
    assert beats.metadata.class_names == mitbih.CLASS_NAMES == mitbih_beats.metadata.class_names
    assert beats.metadata.made_from["duplicate_rows"] == "500"


def test_duplicates_are_counted_as_sets_count_them(tmp_path):
    rows = rows_of([0, 1] * 300, seed=3)
    rows[np.random.default_rng(4).integers(600, size=90)] = rows[np.random.default_rng(5).integers(600, size=90)]
    # the same signal under another label is another row
    rows[1, :-1] = rows[0, :-1]
    write(tmp_path, "mitbih", text_of(rows), text_of(rows[:1]))
    beats = kaggle.build("mitbih", tmp_path, subset=True)
    distinct = {row.tobytes() for row in rows}
    assert beats.metadata.made_from["duplicate_rows"] == str(len(rows) + 1 - len(distinct))
