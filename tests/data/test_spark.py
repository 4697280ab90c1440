"""Spark writes the tables that the built-in reader writes, byte for byte, and tells the same faults."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecglib.data import kaggle, mitbih, ptb
from ecglib.data.cut import Over
from ecglib.data.spark import spread
from ecglib.data.table import Beats, write_beats
from ecglib.names import EcglibError


@pytest.fixture(scope="module")
def over() -> Iterator[Over]:
    pytest.importorskip("pyspark", reason="needs PySpark: pip install 'ecg-hybrid-reproduction[spark]'")
    if not shutil.which("java"):
        pytest.skip("needs Java")
    with spread("local[2]") as over:
        yield over


def content(beats: Beats, path: Path) -> bytes:
    return write_beats(beats, path).read_bytes()


def write_csv(path: Path, labels: list[int], wrong: str = "") -> None:
    signal = np.random.default_rng(len(labels)).random((len(labels), 187))
    rows = [",".join(map(str, [*row, label])) + "\n" for row, label in zip(signal.tolist(), labels, strict=True)]
    path.write_text("".join(rows) + wrong)


@pytest.fixture
def csv_files(tmp_path, monkeypatch) -> Path:
    """Two files that are read in pieces of about five rows; empty lines are the last piece of one."""
    monkeypatch.setattr(kaggle, "_PIECE_BYTES", 20_000)
    write_csv(tmp_path / "mitbih_train.csv", [0, 1, 2, 3, 4] * 8, wrong="\n" * 50_000)
    write_csv(tmp_path / "mitbih_test.csv", [4, 3, 2, 1, 0, 0])
    return tmp_path


def test_kaggle_files(over, csv_files, tmp_path):
    assert len(list(kaggle._pieces(csv_files / "mitbih_train.csv"))) > 5
    spread_out = kaggle.build("mitbih", csv_files, True, over)
    builtin = kaggle.build("mitbih", csv_files, True)
    assert content(spread_out, tmp_path / "a") == content(builtin, tmp_path / "b")


def test_faults_are_told_as_without_spark(over, csv_files):
    write_csv(csv_files / "mitbih_train.csv", [0, 1, 2, 3, 4] * 8, wrong="0.5,0.5\n")
    told = []
    for each in (over, None):
        with pytest.raises(EcglibError, match="row 41 has 2 columns, expected 188") as caught:
            kaggle.build("mitbih", csv_files, True, each)
        told.append(str(caught.value))
    assert told[0] == told[1]
    shutil.make_archive(str(csv_files / "heartbeat"), "zip", csv_files, "mitbih_test.csv")
    (csv_files / "mitbih_test.csv").unlink()
    write_csv(csv_files / "mitbih_train.csv", [0, 1])
    with pytest.raises(EcglibError, match=r"mitbih_test\.csv: a zip file cannot be read in pieces"):
        kaggle.build("mitbih", csv_files, True, over)


def test_records(over, tmp_path):
    """Five usable records in the order of their list, one that lacks its signals."""
    names = [f"patient00{number}/s{number}" for number in range(6)]
    for number, name in enumerate(names):
        phase = np.arange(10_000) / 1000 % (0.7 + 0.05 * number)
        adc = np.round(2000 * np.exp(-((phase - 0.35) ** 2) / 2e-4) + 50 * np.sin(20 * phase)).astype(np.int64)
        (tmp_path / name).parent.mkdir()
        wfdb.wrsamp(
            Path(name).name,
            fs=1000,
            units=["mV"],
            sig_name=["ii"],
            d_signal=adc[:, None],
            fmt=["16"],
            adc_gain=[2000.0],
            baseline=[0],
            comments=[f"Reason for admission: {('Healthy control', 'Myocardial infarction')[number % 2]}"],
            write_dir=str(tmp_path / Path(name).parent),
        )
    (tmp_path / "RECORDS").write_text("\n".join(names))
    (tmp_path / names[3]).with_suffix(".dat").unlink()
    found = ptb.build(tmp_path, over=over)
    assert found.metadata.skipped == {names[3]: "no .dat file"} and len(set(found.record)) == 5
    assert content(found, tmp_path / "a") == content(ptb.build(tmp_path), tmp_path / "b")


def test_real_records(over, data_folder, mitbih_beats, tmp_path):
    found = mitbih.build(data_folder / "mitdb", over)
    assert found.digest == mitbih_beats.digest
    assert content(found, tmp_path / "a") == content(mitbih_beats, tmp_path / "b")


def test_missing_pyspark_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EcglibError, match=r"PySpark is missing; pip install"), spread():
        pass


def test_missing_java_is_told_in_one_line(monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EcglibError, match=r"Java is missing; install Java"), spread():
        pass
