"""From a lead to its table: real records at three rates, in chunks or whole, and what cannot be classified."""

from __future__ import annotations

import numpy as np
import pytest

import ecglib
from ecglib.designs.context import least_sure
from ecglib.names import EcglibError
from ecglib.predict.lead import OpenLead, array_lead, clock
from ecglib.predict.prediction import predict_lead
from ecglib.predict.pretrained import load_pretrained
from ecglib.predict.readers import open_lead


def real_file(folder, name):
    return {
        "mitdb": folder / "mitdb" / "100",
        "ptb-xl": next(iter(sorted(folder.glob("ptb-xl/records500/*/*.hea"))), None),
        "ptbdb": folder / "ptbdb" / "patient001" / "s0010_re",
    }[name]


@pytest.mark.parametrize(("name", "rate_hz", "rows"), [("mitdb", 360, 2000), ("ptb-xl", 500, 5), ("ptbdb", 1000, 30)])
@pytest.mark.parametrize("model", ["best", "ptbxl", "context"])
def test_real_records_of_three_rates(data_folder, name, rate_hz, rows, model):
    path = real_file(data_folder, name)
    if path is None or not path.parent.is_dir():
        pytest.skip(f"needs real records: ECGLIB_DATA has no {name}")
    found = ecglib.predict(path, model=model)
    table = found.table
    probabilities = table[[f"p_{one}" for one in found.class_names]]
    assert found.lead.rate_hz == rate_hz and len(table) >= rows
    assert list(table.columns) == ["time_s", "sample", "label", *probabilities.columns, "rr_s"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (table["label"] == [found.class_names[number] for number in probabilities.to_numpy().argmax(axis=1)]).all()
    np.testing.assert_allclose(table["time_s"], table["sample"] / rate_hz)
    assert (np.diff(found.r_peaks) > 0).all() and np.isin(table["sample"], found.r_peaks).all()
    assert np.nanmin(table["rr_s"]) > 0.2


def test_declining_is_off_and_counts_by_ds1(invented):
    signal = invented(60)
    certain, declined = (ecglib.predict(signal, 360.0, decline=share) for share in (0.0, 0.05))
    assert certain.least == 0 and declined.least == least_sure(0.05)
    unsure = declined.table[["p_N", "p_S", "p_V"]].max(axis=1) < declined.least
    assert ((declined.table["label"] == "not sure") == unsure).all()
    assert (declined.table["label"][~unsure] == certain.table["label"][~unsure]).all()


@pytest.mark.parametrize("rate_hz", [250, 1000])
def test_context_sees_the_same_at_another_rate(mitdb, rate_hz):
    from scipy.signal import resample_poly

    # longer than what is resampled at once
    signal = open_lead(mitdb / "119").read(0, 360 * 640)
    model = load_pretrained("context")
    reference = predict_lead(array_lead(signal, 360.0), model)
    found = predict_lead(array_lead(resample_poly(signal, rate_hz, 360), float(rate_hz)), model)
    assert len(found.table) == len(reference.table)
    assert np.mean(found.table["label"].to_numpy() == reference.table["label"].to_numpy()) > 0.99
    assert reference.counts["V"] > 100


def test_the_same_ecg_at_another_rate_in_another_file(tmp_path, mitdb, write_edf):
    from scipy.signal import resample_poly

    model = load_pretrained("best:cnn_transformer")
    lead = open_lead(mitdb / "119")
    signal = lead.read(0, 360 * 120) / 200
    reference = predict_lead(array_lead(signal, 360.0), model)
    edf = open_lead(write_edf(tmp_path / "x.edf", {"ECG": signal}, 360.0))
    time = np.arange(len(signal)) / 360
    (tmp_path / "x.csv").write_text(
        "time,mlii_mV\n" + "\n".join(f"{t:.5f},{v:.3f}" for t, v in zip(time, signal, strict=True))
    )
    others = {"edf": edf, "csv": open_lead(tmp_path / "x.csv")}
    others |= {str(rate): array_lead(resample_poly(signal, rate, 360), float(rate)) for rate in (500, 1000)}
    for name, other in others.items():
        found = predict_lead(other, model)
        assert len(found.table) == len(reference.table), name
        np.testing.assert_allclose(found.table["time_s"], reference.table["time_s"], atol=0.006, err_msg=name)
        assert np.mean(found.table["label"].to_numpy() == reference.table["label"].to_numpy()) > 0.97, name


def test_no_beat_is_lost_or_found_twice_where_chunks_meet(mitdb, fake_model):
    lead = open_lead(mitdb / "100")
    whole = predict_lead(lead, fake_model)
    assert len(whole.table) == 2272 and np.isnan(whole.rr_s).sum() == 1
    np.testing.assert_allclose(np.diff(whole.r_peaks) / 360, whole.rr_s[1:], atol=1e-9)
    # with other chunks, which meet at other beats
    later = OpenLead("MLII", 360.0, lead.length - 9000, 200.0, lambda start, stop: lead.read(start + 9000, stop + 9000))
    shifted = predict_lead(later, fake_model)
    np.testing.assert_array_equal(shifted.r_peaks + 9000, whole.r_peaks[whole.r_peaks >= 9000])


def test_a_day_is_read_piece_by_piece(invented, fake_model):
    minute, sizes = invented(64, 128.0), []

    def read(start: int, stop: int) -> np.ndarray:
        sizes.append(stop - start)
        return minute[np.arange(start, stop) % len(minute)]

    hours = 3
    found = predict_lead(OpenLead("II", 128.0, hours * 3600 * 128, 1.0, read), fake_model)
    # a minute, and twenty seconds to each side
    assert max(sizes) <= 100 * 128 and len(sizes) == hours * 60
    assert len(found.table) == pytest.approx(hours * 3600 / 0.8, rel=0.001)
    assert np.nanmax(found.rr_s) < 0.9 and np.isnan(found.rr_s).sum() == 1


def test_spoiled_stretches_are_named_and_left_out(invented, fake_model):
    signal = invented(60)
    signal[3600 * 1 : 3600 * 2] = 0.2
    signal[3600 * 3 + 50] = np.nan
    signal[3600 * 4 : 3600 * 5] = np.random.default_rng(0).standard_normal(3600)
    found = predict_lead(array_lead(signal, 360.0), fake_model)
    assert [(one.start_s, one.end_s, one.reason) for one in found.excluded] == [
        (10, 20, "flat"),
        (30, 40, "samples missing"),
        (40, 50, "too noisy"),
    ]
    usable = (found.table["time_s"] // 10).isin([0, 2, 5])
    assert usable.all() and np.isnan(found.rr_s).sum() == 3
    assert found.pauses == []
    assert "not classified: 30 of 60 s (0:10 to 0:20 flat, 0:30 to 0:40 samples missing" in found.summary()


def test_summary_counts_beats_rate_and_pauses(invented, fake_model):
    signal = np.concatenate(
        [invented(20, rr_s=0.75), 0.01 * np.random.default_rng(1).standard_normal(900), invented(20)]
    )
    found = predict_lead(array_lead(signal, 360.0), fake_model)
    assert sum(found.counts.values()) == len(found.table)
    (at, length), *others = found.pauses
    assert not others and at == pytest.approx(19.55, abs=0.3) and 2 < length < 4
    summary = found.summary().splitlines()
    assert summary[0].startswith(f"{len(found.table)} beats by fake:late: N ")
    assert "a minute" in summary[1] and summary[2].startswith("pauses above 2 s: 1, the longest ")
    assert summary[3] == "not classified: nothing"
    assert "Research software, not a medical device." in found._repr_html_()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda heart: heart(2), "2.00 s long; 3 s are the least"),
        (lambda heart: np.zeros(36_000), "nothing can be classified: 100 of 100 s (0:00 to 1:40 flat)"),
        (lambda heart: np.full(3600, np.nan), "samples missing"),
        (lambda heart: np.random.default_rng(0).standard_normal(7200), "too noisy"),
        (lambda heart: heart(5, rr_s=4.0), "R peaks? found, 3 in a row are needed"),
        (lambda heart: np.append(np.zeros(3600), heart(5, rr_s=4.0)), "not looked at: 10 of 15 s (0:00 to 0:10 flat)"),
    ],
)
def test_what_has_too_little_is_told(invented, fake_model, make, message):
    with pytest.raises(EcglibError, match=message.replace("(", r"\(").replace(")", r"\)")) as caught:
        predict_lead(array_lead(make(invented), 360.0), fake_model)
    assert "\n" not in str(caught.value)


def test_clock():
    assert [clock(seconds) for seconds in (0, 65.9, 3600, 90_061)] == ["0:00", "1:05", "1:00:00", "25:01:01"]
