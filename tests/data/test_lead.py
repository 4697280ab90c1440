"""Reading one lead: what comes back, and why a damaged or unsuitable record does not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from ecglib.data import ptb
from ecglib.data.cut import UnusableRecord, check_signal, read_lead, require_some
from ecglib.names import EcglibError

RATE_HZ = 1000


def heart(seconds: float = 10) -> np.ndarray:
    """A beat every 0.8 s in ADC units; ndarray of int, shape (T,)."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = (time + 0.3) % 0.8
    wave = np.exp(-((phase - 0.35) ** 2) / 2e-4) + 0.2 * np.exp(-((phase - 0.65) ** 2) / 4e-3)
    return np.round(2000 * wave + 300 * np.sin(2 * np.pi * 0.23 * time)).astype(np.int64)


def write_record(
    stem: Path,
    adc: np.ndarray,
    leads: tuple[str, ...] = ("i", "ii"),
    rate_hz: int = RATE_HZ,
    comments: tuple[str, ...] = ("Reason for admission: Healthy control",),
) -> Path:
    """Write a WFDB record whose last lead is `adc`, and whose others are `adc` upside down."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        stem.name,
        fs=rate_hz,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        d_signal=np.stack([-adc] * (len(leads) - 1) + [adc], axis=1),
        fmt=["16"] * len(leads),
        adc_gain=[2000.0] * len(leads),
        baseline=[0] * len(leads),
        comments=list(comments),
        write_dir=str(stem.parent),
    )
    return stem


def good(stem: Path) -> Path:
    return write_record(stem, heart())


def no_header(stem: Path) -> None:
    good(stem).with_name(stem.name + ".hea").unlink()


def no_signal(stem: Path) -> None:
    good(stem).with_name(stem.name + ".dat").unlink()


def truncated(stem: Path) -> None:
    path = good(stem).with_name(stem.name + ".dat")
    path.write_bytes(path.read_bytes()[:20_001])


def empty_signal(stem: Path) -> None:
    good(stem).with_name(stem.name + ".dat").write_bytes(b"")


def one_bit(stem: Path) -> None:
    path = good(stem).with_name(stem.name + ".dat")
    content = bytearray(path.read_bytes())
    content[20_002] ^= 4
    path.write_bytes(content)


def first_sample(stem: Path) -> None:
    path = good(stem).with_name(stem.name + ".dat")
    # lead ii begins with another sample that a later one makes up for
    samples = np.fromfile(path, "<i2")
    samples[[1, 3]] += [1, -1]
    samples.tofile(path)


def no_checksum(stem: Path) -> None:
    path = good(stem).with_name(stem.name + ".hea")
    path.write_text(re.sub(r" -?\d+ 0 (?=i)", " ", path.read_text()))


def garbage_header(stem: Path) -> None:
    good(stem).with_name(stem.name + ".hea").write_bytes(np.random.default_rng(0).bytes(300))


def words_for_a_header(stem: Path) -> None:
    good(stem).with_name(stem.name + ".hea").write_text("<html>\n<p>404, no such page</p>\n</html>\n")


def empty_header(stem: Path) -> None:
    good(stem).with_name(stem.name + ".hea").write_text("")


def other_signal_file(stem: Path) -> None:
    path = good(stem).with_name(stem.name + ".hea")
    path.write_text(path.read_text().replace(".dat", "_moved.dat"))


def no_such_lead(stem: Path) -> None:
    write_record(stem, heart(), leads=("i", "iii"))


def other_rate(stem: Path) -> None:
    write_record(stem, heart(), rate_hz=500)


def missing_samples(stem: Path) -> None:
    signal = heart() / 2000
    signal[4000:4003] = np.nan
    wfdb.wrsamp(
        stem.name, fs=RATE_HZ, units=["mV"], sig_name=["ii"], p_signal=signal[:, None], fmt=["16"],
        write_dir=str(stem.parent),
    )  # fmt: skip


def flat(stem: Path) -> None:
    write_record(stem, np.full(10 * RATE_HZ, 17))


def clipped(stem: Path) -> None:
    adc = heart()
    adc[3000:3100] = adc.max() + 1
    write_record(stem, adc)


def clipped_below(stem: Path) -> None:
    adc = heart()
    adc[-100:] = adc.min() - 1
    write_record(stem, adc)


def too_short(stem: Path) -> None:
    write_record(stem, heart(0.99))


BAD = {
    no_header: "^no .hea file$",
    no_signal: "^no .dat file$",
    truncated: r"^damaged \(.+\)$",
    one_bit: r"^damaged \(its samples have another checksum than in its header\)$",
    first_sample: r"^damaged \(its first sample is -?\d+, -?\d+ by its header\)$",
    no_checksum: r"^damaged \(its header has no first value or no checksum\)$",
    empty_signal: r"^damaged \(.+\)$",
    garbage_header: r"^damaged \(.+\)$",
    words_for_a_header: r"^damaged \(.+\)$",
    empty_header: r"^damaged \(.+\)$",
    other_signal_file: r"^damaged \(.+\)$",
    no_such_lead: "^no lead ii among i, iii$",
    other_rate: "^500 samples a second instead of 1000$",
    missing_samples: "^3 missing samples$",
    flat: "^flat$",
    clipped: "^clipped, an extreme is held for 0.10 s$",
    clipped_below: "^clipped, an extreme is held for 0.10 s$",
    too_short: "^0.99 s long, too short for one beat$",
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_unusable_record_says_why(spoil, tmp_path):
    spoil(tmp_path / "s0001_re")
    with pytest.raises(UnusableRecord, match=BAD[spoil]) as caught:
        read_lead(tmp_path / "s0001_re", "ii", RATE_HZ)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_header(tmp_path):
    no_header(tmp_path / "s0001_re")
    (tmp_path / "s0001_re.hea").mkdir()
    with pytest.raises(UnusableRecord, match=r"^no \.hea file$"):
        read_lead(tmp_path / "s0001_re", "ii", RATE_HZ)


@pytest.mark.parametrize("written, asked", [("ii", "II"), ("II", "ii"), ("ii", "ii")])
def test_good_record_comes_back_in_adc_units(written, asked, tmp_path):
    adc = heart()
    # held for a sample less than an amplifier at its limit holds it
    adc[3000:3099] = adc.max() + 1
    comments = ("age: 33", "Reason for admission: Healthy control")
    stem = write_record(tmp_path / "patient001" / "s0001_re", adc, ("i", written), comments=comments)
    lead = read_lead(stem, asked, RATE_HZ)
    assert lead.signal.dtype == np.float64
    np.testing.assert_array_equal(lead.signal, adc)
    assert lead.comments == list(comments)
    np.testing.assert_array_equal(read_lead(stem, "i", RATE_HZ).signal, -adc)


def test_baseline_is_no_part_of_adc_units(tmp_path):
    adc = heart()
    stem = write_record(tmp_path / "s0001_re", adc)
    path = stem.with_name(stem.name + ".hea")
    path.write_text(path.read_text().replace("(0)/mV", "(700)/mV"))
    assert "(700)/mV" in path.read_text()
    np.testing.assert_array_equal(read_lead(stem, "ii", RATE_HZ).signal, adc)


@pytest.mark.parametrize(("record", "lead", "rate"), [("ptbdb/patient001/s0010_re", "ii", 1000), (None, "II", 500)])
def test_a_damaged_real_record_gives_no_other_samples(record, lead, rate, data_folder, tmp_path):
    if record is None:
        record = "ptb-xl/records500/00000/00001_hr"
    stem = tmp_path / Path(record).name
    for ending in (".hea", ".dat"):
        shutil.copyfile(f"{data_folder / record}{ending}", f"{stem}{ending}")
    header = stem.with_name(stem.name + ".hea").read_text().splitlines()
    width = sum(line.startswith(f"{stem.name}.dat ") for line in header)
    place = [line.split()[-1] for line in header[1 : 1 + width]].index(lead)
    path, random = stem.with_name(stem.name + ".dat"), np.random.default_rng(0)
    original = np.fromfile(path, "<i2").reshape(-1, width)
    for _ in range(20):
        # 1 to 40 samples in a row become others; two that changed places would keep their sum
        samples, start, count = original.copy(), random.integers(len(original) - 40), random.integers(1, 41)
        samples[start : start + count, place] = random.integers(-(2**15), 2**15, count)
        samples.tofile(path)
        with pytest.raises(UnusableRecord, match=r"^damaged"):
            read_lead(stem, lead, rate)


def test_real_record_comes_back_in_adc_units(data_folder):
    # the format is 16-bit little-endian, sample by sample, one lead after the other
    stem = data_folder / "ptbdb" / "patient001" / "s0010_re"
    header = stem.with_name("s0010_re.hea").read_text().splitlines()
    width = sum(line.startswith("s0010_re.dat ") for line in header)
    stored = np.fromfile(stem.with_name("s0010_re.dat"), dtype="<i2").reshape(-1, width)
    names = [line.split()[-1] for line in header[1 : 1 + width]]
    lead = read_lead(stem, "ii", RATE_HZ)
    np.testing.assert_array_equal(lead.signal, stored[:, names.index("ii")])
    assert "Reason for admission: Myocardial infarction" in lead.comments


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(1, 12)), min_size=2, max_size=12))
def test_clipping(held):
    signal = [value for value, count in held for _ in range(count)]
    signal = np.array((signal * 50)[:50], dtype=np.float64)
    runs = [0]
    for before, value in zip([None, *signal], signal, strict=False):
        if value in (signal.min(), signal.max()):
            runs.append(runs[-1] + 1 if value == before else 1)
    # at 50 samples a second a tenth of a second is 5 samples
    reason = "flat" if np.ptp(signal) == 0 else "clipped" if max(runs) >= 5 else ""
    if not reason:
        check_signal(signal, 50)
        return
    with pytest.raises(UnusableRecord, match=reason):
        check_signal(signal, 50)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(value):
    signal = heart().astype(np.float64)
    signal[[7, 70]] = value
    with pytest.raises(UnusableRecord, match=r"^2 missing samples$"):
        check_signal(signal, RATE_HZ)


def test_one_second_is_long_enough():
    check_signal(np.arange(RATE_HZ, dtype=np.float64), RATE_HZ)


def test_no_samples():
    with pytest.raises(UnusableRecord, match=r"^0\.00 s long"):
        check_signal(np.empty(0), RATE_HZ)


def test_require_some(tmp_path):
    require_some(1, {}, tmp_path)
    require_some(1, {"a": "flat"}, tmp_path)
    with pytest.raises(EcglibError) as caught:
        require_some(0, {"a": "flat", "b": "no .dat file"}, tmp_path)
    assert str(caught.value) == f"{tmp_path}: no usable record, 2 skipped, the first (a) because: flat"
    with pytest.raises(EcglibError, match=r"no usable record, 0 skipped$"):
        require_some(0, {}, tmp_path)


def write_bad_records(folder: Path) -> dict[str, str]:
    """Every bad record, each of a patient of its own; record to pattern of its reason."""
    reasons = {}
    for number, (spoil, reason) in enumerate(BAD.items(), start=1):
        name = f"patient{number:03d}/s{number:04d}_re"
        (folder / name).parent.mkdir()
        spoil(folder / name)
        reasons[name] = reason
    return reasons


def test_a_build_leaves_bad_records_out_and_names_them(tmp_path):
    reasons = write_bad_records(tmp_path)
    good(tmp_path / "patient100" / "s0100_re")
    (tmp_path / "RECORDS").write_text("\n".join([*reasons, "patient100/s0100_re", "patient101/s0101_re"]) + "\n")
    beats = ptb.build(tmp_path)
    assert set(beats.record) == {"patient100/s0100_re"} and set(beats.subject) == {"patient100"}
    assert np.isfinite(beats.signal).all()
    skipped = dict(beats.metadata.skipped)
    assert skipped.pop("patient101/s0101_re") == "no .hea file"
    assert list(skipped) == list(reasons)
    for name, reason in skipped.items():
        assert re.search(reasons[name], reason)


def test_a_build_of_bad_records_alone_fails_in_one_line(tmp_path):
    reasons = write_bad_records(tmp_path)
    (tmp_path / "RECORDS").write_text("\n".join(reasons) + "\n")
    with pytest.raises(EcglibError) as caught:
        ptb.build(tmp_path)
    expected = f"no usable record, {len(BAD)} skipped, the first (patient001/s0001_re) because: no .hea file"
    assert str(caught.value) == f"{tmp_path}: {expected}"
