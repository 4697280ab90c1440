"""PTB-XL: classes from its statements, beats at 125 Hz, folds by patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib.data import ptbxl
from ecglib.data.splits import arrange, split_beats
from ecglib.names import EcglibError

STATEMENTS = "code,diagnostic,diagnostic_class\nNORM,1,NORM\nIMI,1,MI\nINJAS,1,MI\nNDT,1,STTC\nSR,,\nLVOLT,,\n"


def write_tables(folder: Path, codes: list[str], fold: object = 1) -> None:
    rows = [
        f'{number},{100.0 + number},"{code}",{fold},records500/00000/{number:05d}_hr'
        for number, code in enumerate(codes, start=1)
    ]
    text = "\n".join(["ecg_id,patient_id,scp_codes,strat_fold,filename_hr", *rows])
    (folder / "ptbxl_database.csv").write_text(text + "\n")
    (folder / "scp_statements.csv").write_text(STATEMENTS)


def write_record(folder: Path, number: int, signal: np.ndarray, leads: list[str], rate_hz: int = 500) -> None:
    target = folder / "records500" / "00000"
    target.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        f"{number:05d}_hr",
        fs=rate_hz,
        units=["mV"] * len(leads),
        sig_name=leads,
        p_signal=signal.reshape(len(signal), len(leads)),
        fmt=["16"] * len(leads),
        adc_gain=[1000.0] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(target),
    )


def lead(seconds: float = 10, beat_s: float = 0.8) -> np.ndarray:
    """R peaks every `beat_s`, with T waves, in mV at 500 Hz."""
    time = np.arange(round(seconds * 500)) / 500
    phase = (time + 0.3) % beat_s
    baseline = 0.2 * np.sin(2 * np.pi * 0.23 * time)
    return np.exp(-((phase - 0.35) ** 2) / 2e-4) + 0.2 * np.exp(-((phase - 0.65) ** 2) / 4e-3) + baseline


def test_classes_follow_the_statements(tmp_path):
    codes = [
        "{'NORM': 100.0, 'SR': 0.0}",
        "{'NORM': 80.0, 'LVOLT': 0.0, 'SR': 0.0}",
        "{'NORM': 50.0, 'NDT': 0.0}",
        "{'IMI': 15.0, 'NDT': 100.0}",
        "{'INJAS': 0.0}",
        "{'NDT': 100.0}",
        "{'SR': 0.0}",
        "{}",
    ]
    write_tables(tmp_path, codes)
    # neither: another diagnosis beside NORM, another diagnosis alone, no diagnosis at all
    assert ptbxl.classify(ptbxl.read_tables(tmp_path)).tolist() == [0, 0, -1, 1, 1, -1, -1, -1]


def test_beats_of_an_invented_record(tmp_path):
    write_tables(tmp_path, ["{'NORM': 100.0}", "{'IMI': 100.0}"], fold=10)
    write_record(tmp_path, 1, lead(), ["II"])
    # lead II stands by its name, wherever it is
    write_record(tmp_path, 2, np.stack([-lead(), lead(beat_s=1.0)], axis=1), ["I", "II"])
    beats = ptbxl.build(tmp_path)
    assert set(beats.record) == {"00001_hr", "00002_hr"} and set(beats.subject) == {"101", "102"}
    for record, label, rr in (("00001_hr", 0, 400), ("00002_hr", 1, 500)):
        rows = beats.record == record
        assert set(beats.label[rows]) == {label}
        assert set(np.diff(beats.sample[rows])) == {rr}
        # int(1.2 T) samples at 125 Hz, from the peak on
        length = int(1.2 * rr / 4)
        assert (beats.signal[rows, 0] > 0.75).all()
        assert not beats.signal[rows, length:].any() and beats.signal[rows, rr // 4].min() > 0.75
    assert set(beats.fold) == {10} and set(beats.split) == {"test"}
    assert beats.metadata.skipped == {}


def test_resampling_keeps_what_is_below_50_hz_and_stops_what_would_fold_back():
    time = np.arange(5000) / 500
    sweep = np.concatenate([np.arange(1, 61, 1.3), np.arange(75, 250, 3.7)])
    for frequency in sweep:
        phases = [ptbxl.to_beat_rate(np.cos(2 * np.pi * frequency * time + phase)) for phase in (0, np.pi / 2)]
        assert len(phases[0]) == 1250
        # away from the ends, where the filter sees the padding
        inner = slice(50, -50)
        amplitude = np.hypot(phases[0][inner], phases[1][inner])
        if frequency <= 50:
            assert np.abs(amplitude - 1).max() < 0.005, frequency
            # no delay: sample k is that of 4 k
            np.testing.assert_allclose(
                phases[0][inner], np.cos(2 * np.pi * frequency * time[::4])[inner], atol=0.006, err_msg=str(frequency)
            )
        elif frequency >= 75:
            assert amplitude.max() < 10 ** (-50 / 20), frequency


def test_bad_records_are_named_and_the_good_one_stays(tmp_path):
    write_tables(tmp_path, ["{'NORM': 100.0}"] * 6)
    write_record(tmp_path, 1, lead(), ["II"])
    write_record(tmp_path, 2, lead(), ["V1"])
    write_record(tmp_path, 3, lead(), ["II"], rate_hz=1000)
    missing = lead()
    missing[7] = np.nan
    write_record(tmp_path, 4, missing, ["II"])
    write_record(tmp_path, 5, np.zeros(5000), ["II"])
    beats = ptbxl.build(tmp_path)
    assert set(beats.record) == {"00001_hr"}
    assert beats.metadata.skipped == {
        "00002_hr": "no lead II among v1",
        "00003_hr": "1000 samples a second instead of 500",
        "00004_hr": "1 missing samples",
        "00005_hr": "flat",
        "00006_hr": "no .hea file",
    }
    (tmp_path / "records500" / "00000" / "00001_hr.dat").unlink()
    with pytest.raises(EcglibError, match=r"no usable record, 6 skipped, the first \(00001_hr\) because: no .dat file"):
        ptbxl.build(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("strat_fold", "fold"), "column 'strat_fold' is missing"),
        (lambda text: text.replace("{'NORM': 100.0}", "NORM", 1), "line 2: scp_codes 'NORM' is no dict"),
        (lambda text: text.replace("{'NORM': 100.0}", "['NORM']", 1), "line 2: scp_codes .* is no dict"),
        (lambda text: text.replace("102.0", "?"), r"line 3: patient_id '\?' is no whole number"),
        (lambda text: text.replace("102.0", ""), "line 3: patient_id 'nan' is no whole number"),
        (lambda text: "", "cannot be read"),
        (
            lambda text: text.replace("101.0", "102.0").replace(",1,", ",2,", 1),
            "line 3: patient_id '102' is in two folds",
        ),
        (
            lambda text: text + text.splitlines()[2] + "\n",
            "line 5: filename_hr 'records500/00000/00002_hr' stands there ",
        ),
        (lambda text: text.replace("3,103", "2,103"), "line 4: ecg_id '2' stands there twice"),
        (lambda text: text.replace(",1,", ",11,", 1), "line 2: strat_fold '11' is no fold of 1 to 10"),
        (
            lambda text: text.replace("records500/00000/00002_hr", ""),
            "line 3: filename_hr '' is no path of a record",
        ),
        (lambda text: text.replace("records500/00000/00002_hr", "../x"), "line 3: filename_hr '../x' is no path"),
        (lambda text: text.replace("records500/00000/00002_hr", "/etc/x"), "line 3: filename_hr '/etc/x' is no path"),
    ],
)
def test_damaged_table_is_told_in_one_line(tmp_path, change, told):
    write_tables(tmp_path, ["{'NORM': 100.0}"] * 3)
    path = tmp_path / "ptbxl_database.csv"
    path.write_text(change(path.read_text()))
    with pytest.raises(EcglibError, match=told) as caught:
        ptbxl.read_tables(tmp_path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_missing_table(tmp_path):
    with pytest.raises(EcglibError, match=r"ptbxl_database.csv: missing; point --raw at a PTB-XL folder"):
        ptbxl.build(tmp_path)


@pytest.fixture(scope="module")
def real(data_folder):
    folder = data_folder / "ptb-xl"
    if not folder.is_dir():
        pytest.skip("needs PTB-XL records: ECGLIB_DATA has no ptb-xl")
    return ptbxl.read_tables(folder), ptbxl.build(folder)


def test_real_table(real):
    tables, beats = real
    row = tables.records.set_index(tables.records["filename_hr"].str.rpartition("/")[2])
    first_of_record = np.unique(beats.record, return_index=True)[1]
    assert len(first_of_record) + len(beats.metadata.skipped) == (ptbxl.classify(tables) >= 0).sum()
    for position in first_of_record[::40]:
        stored = row.loc[beats.record[position]]
        codes = stored["scp_codes"]
        assert (str(stored["patient_id"]), stored["strat_fold"]) == (beats.subject[position], beats.fold[position])
        infarction = any(tables.statements.loc[code, "diagnostic_class"] == "MI" for code in codes)
        assert infarction == bool(beats.label[position])
        assert infarction or "NORM" in codes
    # ten seconds at up to 200 beats a minute, of which the last is never whole
    count = pd.Series(beats.record).value_counts()
    assert count.max() < 33 and 9 < count.mean() < 12
    # at 30 or more, but for a few records whose QRS complex points down, where the detector misses beats
    assert (count < 4).mean() < 0.005


def test_real_folds_keep_patients_apart(real):
    beats = arrange(real[1], "fold")
    split = split_beats(beats, kind="fold")
    subjects = [set(beats.subject[rows]) for rows in (split.train, split.validation, split.test)]
    assert not (subjects[0] & subjects[1] or subjects[0] & subjects[2] or subjects[1] & subjects[2])


def test_real_beats_are_the_recipe_written_plainly(real, data_folder):
    """A record's beats again, from the crop rule as the papers tell it, with no code shared but the R peaks."""
    _, beats = real
    name = beats.record[0]
    signal = wfdb.rdrecord(str(data_folder / "ptb-xl" / "records500" / "00000" / name)).p_signal[:, 0]
    quarter = ptbxl.to_beat_rate(signal)
    rows = np.flatnonzero(beats.record == name)
    peaks = beats.sample[rows] // 4
    for row, peak in zip(rows, peaks, strict=True):
        assert quarter[peak] == quarter[max(0, peak - 10) : peak + 11].max()
        length = int(np.flatnonzero(beats.signal[row]).max()) + 1
        crop = quarter[peak : peak + length]
        expected = (crop - crop.min()) / (crop.max() - crop.min())
        np.testing.assert_allclose(beats.signal[row, :length], expected, atol=1e-6)
