"""R peaks: where they lie in a lead that is turned over, drifts or is scaled, and against the reference of MIT-BIH."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.data.mitbih import LABEL_OF_SYMBOL
from ecglib.predict.evaluation import matched
from ecglib.predict.rpeaks import _moved_off_p, direction, moved_to_peaks, qrs_band, r_peaks


def expected(seconds: float, rate_hz: float) -> np.ndarray:
    return np.rint((np.arange(0.05, seconds, 0.8)) * rate_hz).astype(int)


@pytest.mark.parametrize("rate_hz", [125, 250, 360, 512, 1000])
@pytest.mark.parametrize("sign", [1, -1])
def test_peaks_of_an_invented_lead_either_way_up(invented, rate_hz, sign):
    peaks = r_peaks(sign * invented(20, rate_hz), rate_hz)
    # the first is at the very edge, where a detector may miss it
    true = expected(20, rate_hz)[1:]
    (_, found), missed, _ = matched(true, peaks, 2)
    assert len(missed) == 0 and len(peaks) <= len(true) + 1
    assert np.abs(peaks[found] - true).max() <= max(1, rate_hz / 250)


@given(factor=st.floats(1e-6, 1e6), offset=st.floats(-1e3, 1e3), drift=st.floats(0, 2))
@settings(max_examples=25)
def test_unit_offset_and_drift_change_nothing(factor, offset, drift):
    from_heart = np.sin(np.arange(7200) / 1500) * drift
    signal = _heart() + from_heart
    peaks = r_peaks(_heart(), 360)
    moved = r_peaks(factor * (signal + offset), 360)
    assert len(moved) == len(peaks) and np.abs(moved - peaks).max() <= 1


def _heart() -> np.ndarray:
    time = np.arange(7200) / 360
    phase = (time + 0.3) % 0.8 - 0.35
    return np.exp(-0.5 * (phase / 0.012) ** 2) + 0.2 * np.exp(-0.5 * ((phase - 0.27) / 0.04) ** 2)


def test_direction_is_that_of_most_complexes(invented):
    band = qrs_band(invented(20), 360)
    assert direction(band, 360) == 1 and direction(-band, 360) == -1


def test_a_beat_of_the_other_direction_keeps_its_own_peak(invented):
    signal = invented(20)
    # one ventricular beat, wide and downward, in the place of the tenth
    place = expected(20, 360)[10]
    signal[place - 60 : place + 60] = -1.6 * np.exp(-0.5 * (np.arange(-60, 60) / 14) ** 2)
    peaks = r_peaks(signal, 360)
    assert np.abs(peaks - place).min() <= 1
    assert np.abs(peaks - expected(20, 360)[9]).min() <= 1


def test_a_p_wave_does_not_stand_for_its_beat():
    signal, band = np.zeros(2000), np.zeros(2000)
    for place, height in ((500, 0.3), (545, 1.0), (900, 1.0)):
        band[place - 3 : place + 4] = signal[place - 3 : place + 4] = height * np.hanning(7)
    np.testing.assert_array_equal(_moved_off_p(band, np.array([500, 900]), 360.0), [545, 900])
    np.testing.assert_array_equal(moved_to_peaks(signal, band, np.array([540, 905]), 360.0), [545, 900])
    assert len(moved_to_peaks(signal, band, np.array([], dtype=int), 360.0)) == 0


def test_of_two_peaks_too_near_the_steeper_stays():
    signal = np.zeros(2000)
    # a broad one before and after a QRS complex, nearer than 0.18 s, and one at 0.2 s
    for place, width in ((440, 30), (500, 5), (560, 30), (632, 30)):
        signal[place - width : place + width + 1] += np.hanning(2 * width + 1)
    found = moved_to_peaks(signal, signal, np.array([440, 500, 560, 632]), 360.0)
    np.testing.assert_array_equal(found, [500, 632])


# 119: P waves that hide beats; 232: pauses; 208: wide beats that the detector passes over
@pytest.mark.parametrize(
    ("record", "sensitivity", "predictive", "near"),
    [(100, 0.999, 0.999, 0.99), (119, 0.995, 0.99, 0.97), (232, 0.995, 0.99, 0.95), (208, 0.97, 0.99, 0.8)],
)
def test_peaks_lie_at_the_reference(mitdb, record, sensitivity, predictive, near):
    signal = wfdb.rdrecord(str(mitdb / str(record)), channels=[0], physical=False).d_signal[:, 0].astype(float)
    annotation = wfdb.rdann(str(mitdb / str(record)), "atr")
    beat = np.array([symbol in LABEL_OF_SYMBOL for symbol in annotation.symbol])
    reference, peaks = annotation.sample[beat], r_peaks(signal, 360)
    (left, right), _, _ = matched(reference, peaks, 54)
    assert len(left) >= sensitivity * len(reference)
    assert len(left) >= predictive * len(peaks)
    assert np.mean(np.abs(reference[left] - peaks[right]) <= 3) >= near
