"""Files to leads: what comes back, and one line for what cannot be read, in which nobody is named."""

from __future__ import annotations

import traceback
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.names import EcglibError
from ecglib.predict.lead import OpenLead, array_lead, choose_lead
from ecglib.predict.readers import open_lead


def everything(lead: OpenLead) -> np.ndarray:
    return lead.read(0, lead.length)


def refused(path: Path, *arguments: object) -> str:
    with pytest.raises(EcglibError) as caught:
        open_lead(path, *arguments)
    shown = "".join(traceback.format_exception(caught.value))
    assert "Weissenfels" not in shown and "1952" not in shown
    message = str(caught.value)
    assert message.startswith(str(path).removesuffix(".hea")) and "\n" not in message
    return message


def write_wfdb(folder: Path, signals: np.ndarray, names: list[str], rate_hz: float, name: str = "rec") -> Path:
    wfdb.wrsamp(
        name, fs=rate_hz, units=["mV"] * len(names), sig_name=names, p_signal=signals, fmt=["16"] * len(names),
        comments=["Name: Ingeborg Weissenfels, 03.02.1952"], write_dir=str(folder),
    )  # fmt: skip
    return folder / name


# -- WFDB ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
def test_real_record_comes_back_in_adc_units(mitdb, ending):
    lead = open_lead(mitdb / f"100{ending}")
    assert (lead.name, lead.rate_hz, lead.length, lead.per_mv) == ("MLII", 360, 650_000, 200)
    stored = wfdb.rdrecord(str(mitdb / "100"), channels=[0], physical=False).d_signal[:, 0]
    np.testing.assert_array_equal(everything(lead), stored)
    np.testing.assert_array_equal(lead.read(12_345, 54_321), stored[12_345:54_321])
    second = open_lead(mitdb / "100", "v5")
    assert second.name == "V5"
    np.testing.assert_array_equal(
        second.read(0, 9), wfdb.rdrecord(str(mitdb / "100"), 0, 9, channels=[1], physical=False).d_signal[:, 0]
    )


def test_missing_samples_of_a_record_are_nan(tmp_path, invented):
    signal = invented(10)
    signal[100:103] = np.nan
    lead = open_lead(write_wfdb(tmp_path, signal[:, None], ["II"], 360))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(everything(lead))), [100, 101, 102])


@pytest.mark.parametrize("spoil", ["no signal file", "garbage", "long", "cut short", "words", "endless"])
def test_damaged_records_are_told_in_one_line(tmp_path, invented, spoil):
    stem = write_wfdb(tmp_path, invented(10)[:, None], ["II"], 360)
    header, signal = stem.with_name("rec.hea"), stem.with_name("rec.dat")
    if spoil == "no signal file":
        signal.unlink()
    elif spoil == "garbage":
        header.write_bytes(b"Weissenfels \xff\xfe\0 1952 garbage\n" * 9)
    elif spoil == "long":
        header.write_bytes(b"# Weissenfels\n" * 200_000)
    elif spoil == "cut short":
        signal.write_bytes(signal.read_bytes()[:1001])
    elif spoil == "endless":
        header.write_text(header.read_text().replace(" 360 3600", " 360 360000000000000"))
    else:
        header.write_text("<html>\n<p>Weissenfels: 404</p>\n</html>\n")
    message = refused(header)
    assert spoil not in ("no signal file", "cut short", "endless") or "missing, cut short or damaged" in message


# -- EDF ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "unit"), [(250, "mV"), (500, "uV"), (1000, "mV")])
def test_edf_comes_back_in_its_units(tmp_path, invented, write_edf, rate_hz, unit):
    signal = invented(20, rate_hz)
    path = write_edf(tmp_path / "x.edf", {"EEG Fpz": signal[::-1], "ECG II": signal}, rate_hz, unit)
    lead = open_lead(path)
    assert (lead.name, lead.rate_hz, lead.length) == ("ECG II", rate_hz, len(signal))
    step = np.ptp(signal) / 65_535
    np.testing.assert_allclose(everything(lead) / lead.per_mv, signal, atol=step)
    np.testing.assert_array_equal(lead.read(123, 4567), everything(lead)[123:4567])
    assert open_lead(path, "ii").name == "ECG II" and open_lead(path, "1").name == "EEG Fpz"
    assert "no lead 'V7'; there is EEG Fpz, ECG II" in refused(path, "V7")
    assert "leave --rate out" in refused(path, None, 250.0)


def test_edf_without_an_ecg_asks_which(tmp_path, invented, write_edf):
    path = write_edf(tmp_path / "x.edf", {"Fpz": invented(), "Cz": invented(seed=1)}, 360)
    assert "which one is the ECG? choose with --lead: Fpz, Cz" in refused(path)


@given(st.binary(max_size=600))
@settings(max_examples=60)
def test_broken_edf_names_nobody(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("edf") / "x.edf"
    path.write_bytes(b"0       Weissenfels".ljust(168) + content)
    refused(path)


# -- text ---------------------------------------------------------------------------------------------------


@given(
    separator=st.sampled_from([",", ";", "\t", " "]),
    decimal=st.sampled_from([".", ","]),
    header=st.booleans(),
    time=st.sampled_from([None, "s", "ms", "clock"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]),
    rate_hz=st.sampled_from([125, 250, 360, 500, 512, 1000]),
)
@settings(max_examples=60)
def test_tables_of_text_come_back(tmp_path_factory, separator, decimal, header, time, end, encoding, rate_hz):
    if separator == decimal or time is None:
        # one column with decimal commas could be two with whole numbers
        decimal = "."
    values = np.round(np.random.default_rng(0).normal(size=3000), 3)
    if time == "ms" and rate_hz == 1000:
        # a column without a name that counts one by one could be the samples' numbers
        header = True
    columns = [[f"{value:.3f}" for value in values]]
    names = ["ECG_[µV]"]
    if time is not None:
        seconds = np.arange(len(values)) / rate_hz
        shown = {"s": "{:.6f}", "ms": "{:.3f}", "clock": "{}"}[time]
        moments = [
            f"0:{int(s // 60):02}:{s % 60:06.3f}"
            if time == "clock"
            else shown.format(s * (1000 if time == "ms" else 1))
            for s in seconds
        ]
        columns, names = [moments, *columns], ["time", *names]
    rows = [separator.join(row).replace(".", decimal) for row in zip(*columns, strict=True)]
    path = tmp_path_factory.mktemp("text") / "x.csv"
    path.write_bytes((end.join([separator.join(names), *rows] if header else rows) + end).encode(encoding))
    lead = open_lead(path, None, None if time else float(rate_hz))
    assert lead.rate_hz == pytest.approx(rate_hz, rel=1e-9)
    np.testing.assert_allclose(everything(lead), values)
    assert lead.per_mv == (1000 if header else None)


@pytest.mark.parametrize("german", [False, True])
def test_a_watch_says_its_rate_and_unit_and_nobody_learns_whose_it_is(tmp_path, invented, watch, german):
    signal = invented(10, 511.422)
    rate, decimal = ("511,422 hertz", ",") if german else ("511.422 hertz", ".")
    path = tmp_path / "ecg.csv"
    path.write_text(watch(signal, rate, decimal, german), encoding="utf-8")
    lead = open_lead(path)
    assert (lead.rate_hz, lead.per_mv, lead.length) == (511.422, 1000, len(signal))
    assert lead.name == ("Ableitung I" if german else "Lead I")
    np.testing.assert_allclose(everything(lead), np.round(1000 * signal, 3))
    assert "Weissenfels" not in repr(lead) and "1952" not in repr(lead)


def test_a_damaged_export_of_a_watch_names_nobody(tmp_path, invented, watch):
    path = tmp_path / "ecg.csv"
    text = watch(invented(4, 512))
    path.write_text(text.replace("\n\n", "\n", 1) + "Ingeborg Weissenfels\n1\n", encoding="utf-8")
    row = len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert f"row {row}, column 1 is no number" in refused(path)
    # a header that never ends, and one without a table
    path.write_text("Name,Ingeborg Weissenfels\n" * 9000 + "1\n2\n", encoding="utf-8")
    assert "no table of numbers begins in its first 64 KiB" in refused(path)
    path.write_text(text[: text.index("Lead,")], encoding="utf-8")
    refused(path)
    # a name right above the numbers is no column's name
    path.write_text("Weissenfels\n" + "\n".join(map(str, range(900))), encoding="utf-8")
    assert open_lead(path, None, 250.0).name == ""
    path.write_text("Weissenfels,Ingeborg\n" + "\n".join(f"{i % 7},{i % 5}" for i in range(900)), encoding="utf-8")
    assert "choose with --lead: number 1, number 2" in refused(path, None, 250.0)


def test_physionets_own_csv(tmp_path):
    lines = ["'sample #','MLII','V5'", "'','mV','mV'"] + [f"{n},{0.1 * (n % 9):.3f},{n % 5}" for n in range(2000)]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    lead = open_lead(tmp_path / "x.csv", None, 360.0)
    assert (lead.name, lead.per_mv, lead.read(0, 3).tolist()) == ("MLII", 1.0, [0, 0.1, 0.2])
    assert open_lead(tmp_path / "x.csv", "V5", 360.0).read(3, 6).tolist() == [3, 4, 0]
    assert "no lead 'V1'; there is MLII, V5" in refused(tmp_path / "x.csv", "V1", 360.0)
    assert "rate is unknown" in refused(tmp_path / "x.csv")
    lines = ["'Elapsed time','MLII'", "'hh:mm:ss.mmm','mV'"]
    (tmp_path / "y.csv").write_text("\n".join(lines + [f"0:{n / 360:06.3f},{n % 7}" for n in range(5000)]))
    assert open_lead(tmp_path / "y.csv").rate_hz == 360


def test_missing_and_endless_values_are_nan(tmp_path):
    cells = ["1.5", "", "NaN", "inf", "-", "2.5", "null", "3"] * 200
    (tmp_path / "x.csv").write_text("time,ecg\n" + "\n".join(f"{n / 250},{cell}" for n, cell in enumerate(cells)))
    values = everything(open_lead(tmp_path / "x.csv"))
    np.testing.assert_array_equal(np.isfinite(values[:8]), [True, False, False, False, False, True, False, True])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["0,1"] * 50 + ["0,Weissenfels"] + ["0,1"] * 9, "row 52, column 2 is no number"),
        (["0,1"] * 50 + ["0,1,2"] + ["0,1"] * 9, "row 52 has 3 columns instead of 2"),
    ],
)
def test_a_wrong_cell_is_named_by_its_place(tmp_path, rows, message):
    (tmp_path / "x.csv").write_text("\n".join(["index,ecg", *rows]))
    assert message in refused(tmp_path / "x.csv", "ecg", 250.0)


def test_times_that_jump_are_refused(tmp_path):
    seconds = np.arange(5000) / 250
    seconds[3000:] += 2
    (tmp_path / "x.csv").write_text("time,ecg\n" + "\n".join(f"{s:.3f},{n % 9}" for n, s in enumerate(seconds)))
    assert "jump" in refused(tmp_path / "x.csv")
    assert open_lead(tmp_path / "x.csv", None, 250.0).length == 5000


# -- anything else ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.xml", b"<AnnotatedECG>", "save2gdf -f=EDF x.xml out.edf"),
        ("x.scp", b"\1\2\3", "save2gdf -f=EDF x.scp out.edf"),
        ("x.pdf", b"%PDF-1.7", "a PDF is a picture"),
        ("x.csv", b"%PDF-1.7 Weissenfels", "a PDF is a picture"),
        ("x.csv", b"PK\3\4", "unpack it"),
        ("x.docx", b"whatever", "unknown format; WFDB records, EDF, CSV and text are read"),
        ("x.csv", b"", "empty"),
        ("x.csv", bytes(range(256)) * 40, "no text"),
        ("x.csv", b"Weissenfels" * 20_000, "no table of numbers"),
        ("x.csv", b"\n\n\n", "no table of numbers"),
    ],
)
def test_other_formats_are_told_how_to_convert(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert message in refused(tmp_path / name)


@pytest.mark.parametrize("rate_hz", [0.0, -250.0, 5.0, 1e6, float("nan"), float("inf")])
def test_absurd_rates_are_refused(tmp_path, rate_hz):
    (tmp_path / "x.txt").write_text("\n".join(str(n % 9) for n in range(900)))
    assert "samples a second; from 100 to 20,000 can be used" in refused(tmp_path / "x.txt", None, rate_hz)
    with pytest.raises(EcglibError, match="samples a second"):
        array_lead(np.zeros(9), rate_hz)


def test_what_is_not_there_or_is_no_file(tmp_path):
    assert "no such file" in refused(tmp_path / "gone.csv")
    assert "no such file" in refused(tmp_path / "gone.hea")
    assert "is a folder" in refused(tmp_path)
    with pytest.raises(EcglibError):
        open_lead(Path(""))


@given(content=st.binary(max_size=400), ending=st.sampled_from([".csv", ".txt", ".edf", ".dat", "", ".hea"]))
@settings(max_examples=80)
def test_any_bytes_are_a_lead_or_one_line(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("any") / f"x{ending}"
    path.write_bytes(content)
    try:
        lead = open_lead(path, "1", 250.0 if ending in (".csv", ".txt", "") else None)
    except EcglibError as error:
        assert "\n" not in str(error)
    else:
        assert everything(lead).shape == (lead.length,)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (["V5", "MLII"], None, 1),
        (["I", "II", "III"], None, 1),
        (["SaO2", "V2", "V5"], None, 1),
        (["x"], None, 0),
        (["I", "aVR"], "AVR", 1),
        (["ECG I", "ECG II"], "ii", 1),
        (["a", "b"], "2", 1),
        (["2", "1"], "1", 1),
    ],
)
def test_choice_of_a_lead(names, wanted, chosen):
    assert choose_lead(names, wanted, "x") == chosen


def test_arrays_that_are_no_lead():
    with pytest.raises(EcglibError, match="rate: missing"):
        array_lead(np.zeros(9), None)
    with pytest.raises(EcglibError, match=r"shape \(2, 9\)"):
        array_lead(np.zeros((2, 9)), 250)
    with pytest.raises(EcglibError, match="not all of it are numbers"):
        array_lead(np.array(["a"]), 250)
