"""Beats are those of the training data: bit by bit where the record is of that kind, and alike at any other rate."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb

from ecglib.data import ptb, ptbxl
from ecglib.data.cut import UnusableRecord, r_peaks, read_lead, record_beats
from ecglib.predict.beats import PEAK_RATE_HZ, at_rate, beats_of, ratio_of_rates
from ecglib.predict.readers import open_lead
from ecglib.predict.rpeaks import r_peaks as found_peaks


def test_reference_peaks_give_the_beats_of_the_table_bit_by_bit(mitdb, mitbih_beats):
    for record in np.unique(mitbih_beats.record):
        rows = mitbih_beats.record == record
        lead = open_lead(mitdb / record, "1")
        # all annotations, since RR is measured to whatever symbol follows
        sample = wfdb.rdann(str(mitdb / record), "atr").sample
        which, beats = beats_of(lead.read(0, lead.length), lead.rate_hz, sample, "mitbih")
        chosen = np.isin(sample[which], mitbih_beats.sample[rows])
        np.testing.assert_array_equal(sample[which][chosen], mitbih_beats.sample[rows])
        np.testing.assert_array_equal(beats[chosen], mitbih_beats.signal[rows], err_msg=record)


@pytest.mark.parametrize("name", ["ptbxl", "ptbdb"])
def test_beats_of_the_two_class_records_are_those_of_their_tables(request, name):
    folder = request.getfixturevalue(name)
    module, dataset = (ptbxl, "ptbxl") if name == "ptbxl" else (ptb, "ptb")
    compared = 0
    for header in sorted(folder.rglob("*.hea"))[:20]:
        stem = header.with_suffix("")
        try:
            signal = read_lead(stem, module.LEAD, module.RECORD_RATE_HZ).signal
            lead = ptbxl.to_beat_rate(signal) if dataset == "ptbxl" else signal[:: ptb.DECIMATION]
            table = record_beats(lead)
        except UnusableRecord:
            continue
        starts = range(0, max(len(lead) // 1250 * 1250, 1), 1250)
        peaks = np.concatenate([start + r_peaks(lead[start : start + 1250]) for start in starts])
        if any(lead[peak] < lead[max(0, peak - 10) : peak + 11].max() for peak in peaks):
            # a second search within 80 ms would go on from there
            continue
        at_360 = np.rint(peaks * PEAK_RATE_HZ / 125).astype(int)
        which, beats = beats_of(signal, module.RECORD_RATE_HZ, at_360, dataset)
        np.testing.assert_array_equal(beats[np.isin(peaks[which], table.position)], table.signal)
        compared += len(table.signal)
    assert compared > 50


@pytest.mark.parametrize("rate_hz", [125.0, 250.0, 500.0, 511.422, 1000.0])
def test_beats_at_other_rates_are_alike(invented, rate_hz):
    # drawn from one curve at both rates
    reference, other = invented(30, 360.0), invented(30, rate_hz)
    peaks = found_peaks(reference, 360)
    _, expected = beats_of(reference, 360.0, peaks, "mitbih")
    _, beats = beats_of(other, rate_hz, peaks, "mitbih")
    number = min(len(beats), len(expected)) - 1
    assert number > 30
    # white noise, and at 125 Hz the tip of R, differ
    assert np.abs(beats[1:number, :100] - expected[1:number, :100]).max() < (0.35 if rate_hz == 125 else 0.12)


def test_resampling_keeps_what_fits_and_stops_what_would_fold_back():
    time = np.arange(20_000) / 1000
    inside, outside = np.sin(2 * np.pi * 30 * time), np.sin(2 * np.pi * 330 * time)
    made = at_rate(inside + outside, 1000, 360)
    assert len(made) == 7200
    np.testing.assert_allclose(made[100:-100], np.sin(2 * np.pi * 30 * np.arange(7200) / 360)[100:-100], atol=0.01)
    signal = np.arange(9.0)
    assert at_rate(signal, 360.0, 360.0) is signal and ratio_of_rates(511.422, 360) == ratio_of_rates(511.422, 360.0)


@pytest.mark.parametrize("dataset", ["mitbih", "ptb", "ptbxl"])
@pytest.mark.parametrize("count", [0, 1])
def test_no_beat_without_an_rr_interval(invented, dataset, count):
    which, beats = beats_of(invented(20), 360.0, np.array([700])[:count], dataset)
    assert len(which) == 0 and beats.shape == (0, 187) and beats.dtype == np.float32
