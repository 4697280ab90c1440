"""From a lead to beats: R peaks at known places, the crop rule, windows of 10 s."""

from __future__ import annotations

import re
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecglib.data.cut import RATE_HZ, WINDOW, UnusableRecord, r_peaks, record_beats, window_beats
from ecglib.data.table import BEAT_LENGTH
from ecglib.names import EcglibError

# uneven on purpose, and none where a window begins or ends: a filter needs some signal around a peak
PEAKS = np.array([60, 160, 255, 361, 460, 555, 660, 762, 859, 960, 1058, 1155])


def lead(peaks: np.ndarray, length: int = WINDOW, seed: int = 0) -> np.ndarray:
    """R and T waves on a wandering baseline, a little noise; every R peak is the highest sample near it."""
    time = np.arange(length)
    signal = 0.15 * np.sin(2 * np.pi * 0.2 * time / RATE_HZ) + 0.05 * np.sin(2 * np.pi * 0.05 * time / RATE_HZ)
    for peak in peaks:
        signal += np.exp(-0.5 * ((time - peak) / 1.3) ** 2) + 0.2 * np.exp(-0.5 * ((time - peak - 32) / 7) ** 2)
    return signal + np.random.default_rng(seed).uniform(-0.01, 0.01, length)


def expected_beats(window: np.ndarray, peaks: np.ndarray) -> tuple[list[list[float]], list[int]]:
    """The rule as it is told in words, one beat and one sample at a time."""
    intervals = sorted(after - before for before, after in pairwise(peaks.tolist()))
    middle = len(intervals) // 2
    twice = 2 * intervals[middle] if len(intervals) % 2 else intervals[middle - 1] + intervals[middle]
    # int(1.2 T) without a rounding of 1.2
    length = 6 * twice // 10
    beats, positions = [], []
    for peak in peaks.tolist():
        if peak + length > len(window):
            continue
        crop = window[peak : peak + length].tolist()
        scaled = [(value - min(crop)) / (max(crop) - min(crop)) for value in crop]
        beats.append((scaled + [0.0] * BEAT_LENGTH)[:BEAT_LENGTH])
        positions.append(peak)
    return beats, positions


def assert_beats(found: np.ndarray, expected: list[list[float]]) -> None:
    assert found.dtype == np.float32 and found.shape == (len(expected), BEAT_LENGTH)
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("seed", range(5))
def test_r_peaks_are_where_they_were_put(seed):
    assert r_peaks(lead(PEAKS, seed=seed)).tolist() == PEAKS.tolist()


def test_r_peaks_of_a_simulated_ecg():
    import neurokit2

    simulated = neurokit2.ecg_simulate(duration=10, sampling_rate=125, heart_rate=72, noise=0.0, random_state=3)
    simulated = np.asarray(simulated, dtype=np.float64)
    peaks = r_peaks(simulated)
    # 12 beats in 10 s; the detector needs some signal before its first
    assert len(peaks) in (11, 12) and np.abs(np.diff(peaks) / RATE_HZ - 60 / 72).max() < 0.1
    for peak in peaks:
        assert simulated[peak] == simulated[max(0, peak - 30) : peak + 31].max()


@settings(max_examples=25)
@given(st.lists(st.integers(70, 150), min_size=4, max_size=9), st.integers(0, 9))
def test_crops_follow_the_rule(intervals, seed):
    # to the window's end: where nothing is, the detector takes noise for peaks
    peaks = 60 + np.cumsum([0, *intervals * 5])
    peaks = peaks[peaks < WINDOW - 60]
    window = lead(peaks, seed=seed)
    signal, position = window_beats(window)
    expected, positions = expected_beats(window, peaks)
    assert position.tolist() == positions and position.dtype.kind == "i"
    assert_beats(signal, expected)


def test_a_half_integer_median():
    # intervals 100, 105: T = 102.5 and int(1.2 T) = 123, not the 122 of T = 102 or the 123.6 of T = 103
    peaks = np.array([60, 160, 265])
    signal, position = window_beats(lead(peaks, length=388))
    assert position.tolist() == [60, 160, 265]
    assert np.flatnonzero(signal.any(axis=0)).max() == 122


def test_last_crop_that_does_not_fit_is_left_out():
    window = lead(PEAKS, 1300)
    last = PEAKS[-1]
    length = int(1.2 * np.median(np.diff(PEAKS)))
    # it fits up to the very last sample
    assert window_beats(window[: last + length])[1].tolist() == PEAKS.tolist()
    assert window_beats(window[: last + length - 1])[1].tolist() == PEAKS[:-1].tolist()


def test_scaled_by_the_whole_crop_also_where_it_is_longer_than_what_is_kept():
    peaks = np.array([60, 260, 460, 660, 860, 1060])
    window = lead(peaks)
    # sample 190 of the crop from 460 on, and in no other
    window[650] = -3.0
    signal, position = window_beats(window, "threshold")
    length = 240
    assert r_peaks(window, "threshold").tolist() == peaks.tolist() and 1.2 * 200 == length > BEAT_LENGTH
    row = position.tolist().index(460)
    # without what lies behind the 187 samples the lowest would be 0
    assert signal[row].min() > 0.6
    crop = window[460 : 460 + length]
    np.testing.assert_array_equal(signal[row], ((crop - crop.min()) / np.ptp(crop))[:BEAT_LENGTH].astype(np.float32))


def test_zeros_after_the_crop_only():
    signal, _ = window_beats(lead(PEAKS))
    length = int(1.2 * np.median(np.diff(PEAKS)))
    assert length < BEAT_LENGTH and (signal[:, length:] == 0).all()
    # each crop has its own lowest sample at 0 and its highest at 1
    assert (signal[:, :length].min(axis=1) == 0).all() and (signal[:, :length].max(axis=1) == 1).all()
    assert ((signal[:, :length] == 0).sum(axis=1) == 1).all()


@settings(max_examples=20)
@given(
    st.floats(1e-3, 1e4),
    st.floats(-1e3, 1e3),
    st.sampled_from(["neurokit", "threshold"]),
    st.integers(0, 9),
)
def test_gain_and_offset_do_not_matter(gain, offset, detector, seed):
    window = lead(PEAKS, seed=seed)
    signal, position = window_beats(window, detector)
    changed, changed_position = window_beats(gain * (window + offset), detector)
    assert changed_position.tolist() == position.tolist()
    np.testing.assert_allclose(changed, signal, atol=1e-6)


def test_windows_of_ten_seconds():
    long = lead(np.concatenate([PEAKS, WINDOW + PEAKS, 2 * WINDOW + PEAKS[:5]]), 3125)
    found = record_beats(long)
    assert found.skipped == {}
    expected = [window_beats(long[start : start + WINDOW]) for start in (0, WINDOW)]
    np.testing.assert_array_equal(found.signal, np.concatenate([signal for signal, _ in expected]))
    assert found.position.tolist() == [*expected[0][1], *(WINDOW + expected[1][1])]
    # no beat of the 5 s that are left over, and no crop across a window's end
    assert found.position.max() < 2 * WINDOW
    assert set(found.position) <= {*PEAKS, *(WINDOW + PEAKS)}


def test_shorter_than_ten_seconds_is_one_window():
    short = lead(PEAKS[:5], 600)
    signal, position = window_beats(short)
    found = record_beats(short)
    assert found.position.tolist() == position.tolist() and len(position) == 5
    np.testing.assert_array_equal(found.signal, signal)


@pytest.mark.parametrize("silent, reason", [("flat", "^flat$"), ("ramp", "^0 R peaks found, two are needed$")])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_window_without_beats_is_named(number, silent, reason):
    long = np.concatenate([lead(PEAKS, seed=seed) for seed in range(3)])
    long[number * WINDOW : (number + 1) * WINDOW] = 0.5 if silent == "flat" else np.linspace(-1, 1, WINDOW)
    found = record_beats(long)
    assert list(found.skipped) == [number]
    assert re.search(reason, found.skipped[number])
    assert set(found.position // WINDOW) == {0, 1, 2} - {number}
    others = [lead(PEAKS, seed=seed) for seed in range(3) if seed != number]
    np.testing.assert_array_equal(found.signal, np.concatenate([window_beats(window)[0] for window in others]))


def test_no_window_with_beats():
    nothing = np.concatenate([np.zeros(WINDOW), np.linspace(-1, 1, WINDOW)])
    with pytest.raises(UnusableRecord, match=r"^flat$"):
        record_beats(nothing)


@given(st.lists(st.integers(0, 30), min_size=3, max_size=60).filter(lambda values: len(set(values)) > 1))
def test_threshold_rule(values):
    low, high = min(values), max(values)
    peaks = [
        t
        for t in range(1, len(values) - 1)
        # 10 (v - low) > 9 (high - low) is v > 0.9 without a rounding
        if values[t - 1] < values[t] >= values[t + 1] and 10 * (values[t] - low) > 9 * (high - low)
    ]
    # exactly 0.9 is the one place where the two ways of counting may differ
    exact = [t for t in range(len(values)) if 10 * (values[t] - low) == 9 * (high - low)]
    found = r_peaks(np.array(values, dtype=np.float64), "threshold").tolist()
    assert [t for t in found if t not in exact] == peaks


def test_threshold_rule_counts_a_plateau_once():
    window = np.array([0, 1, 5, 5, 5, 1, 4, 0, 5, 0], dtype=np.float64)
    assert r_peaks(window, "threshold").tolist() == [2, 8]


@pytest.mark.parametrize("detector", ["pantompkins", "", "NeuroKit"])
def test_unknown_detector(detector):
    with pytest.raises(EcglibError, match=r"is none of neurokit, threshold$") as caught:
        record_beats(lead(PEAKS), detector)
    assert repr(detector) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("detector", ["neurokit", "threshold"])
def test_one_r_peak_gives_no_interval(detector):
    window = np.exp(-0.5 * ((np.arange(WINDOW) - 600) / 1.3) ** 2)
    assert r_peaks(window, detector).tolist() == [600]
    with pytest.raises(UnusableRecord, match=r"^1 R peak found, two are needed$"):
        window_beats(window, detector)


@pytest.mark.parametrize("detector", ["neurokit", "threshold"])
@pytest.mark.parametrize("value", [0.0, -7.5, 1e9])
def test_flat_window(detector, value):
    with pytest.raises(UnusableRecord, match=r"^flat$"):
        window_beats(np.full(WINDOW, value), detector)


@pytest.mark.filterwarnings("error")
def test_flat_window_has_no_high_maximum():
    assert r_peaks(np.full(WINDOW, 2.0), "threshold").tolist() == []


def test_window_without_room_for_a_beat():
    with pytest.raises(UnusableRecord, match=r"^too short for one beat of 1\.92 s$"):
        # T = 200 samples, 240 are needed, 211 are left
        window_beats(lead(np.array([60, 260]), 271))


def test_flat_beat():
    # T = 2 and int(1.2 T) = 2: a plateau of two samples makes a crop without a range
    window = np.zeros(WINDOW)
    window[[100, 102, 104, 105]] = 1.0
    assert r_peaks(window, "threshold").tolist() == [100, 102, 104]
    with pytest.raises(UnusableRecord, match=r"^a beat of it is flat$"):
        window_beats(window, "threshold")


@pytest.mark.parametrize("length", [125, 130, 200, WINDOW])
@pytest.mark.parametrize("shape", ["noise", "ramp", "step", "spike", "spikes at both ends", "huge", "tiny"])
@pytest.mark.parametrize("detector", ["neurokit", "threshold"])
def test_whatever_the_signal_the_answer_is_beats_or_a_reason(detector, shape, length):
    time = np.arange(length)
    noise = np.random.default_rng(0).normal(size=length)
    window = {
        "noise": noise,
        "ramp": time.astype(np.float64),
        "step": (time > length // 2).astype(np.float64),
        "spike": (time == length // 2).astype(np.float64),
        # a QRS complex begins and none ends
        "spikes at both ends": 1.0 * (time == length // 2) + (time == 0) + 5.0 * (time == length - 1),
        "huge": 1e9 * noise + 1e12,
        "tiny": 1e-9 * noise,
    }[shape]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            signal, position = window_beats(window, detector)
        except UnusableRecord as reason:
            assert str(reason) and "\n" not in str(reason)
            return
    assert len(signal) == len(position) > 0 and signal.min() >= 0 and signal.max() == 1
    assert (np.diff(position) > 0).all() and position.min() >= 0 and position.max() < length
