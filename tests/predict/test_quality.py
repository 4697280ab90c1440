"""What is excluded, under which name, and what is not: arrhythmias and fast rhythms are no noise."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from ecglib.predict.quality import Excluded, joined, problem, window_edges
from ecglib.predict.readers import open_lead


def lead_off(signal: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(signal)) > len(signal) / 2, 0.4, signal)


def with_gap(signal: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(signal)) == 77, np.nan, signal)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda signal: signal, None),
        (lambda signal: -1000 * signal, None),
        (lambda signal: np.zeros_like(signal), "flat"),
        (lead_off, "flat"),
        (with_gap, "samples missing"),
        (lambda signal: np.random.default_rng(0).standard_normal(len(signal)), "too noisy"),
        (lambda signal: signal + np.random.default_rng(0).standard_normal(len(signal)), "too noisy"),
    ],
)
@pytest.mark.parametrize("rate_hz", [128, 360, 1000])
def test_windows_are_named(invented, spoil, reason, rate_hz):
    assert problem(spoil(invented(10, rate_hz)), rate_hz) == reason


def test_clipping_is_told_from_an_isoelectric_line(invented):
    signal = invented(10)
    wide = np.exp(-0.5 * (((np.arange(3600) / 360) % 0.8 - 0.4) / 0.1) ** 2)
    assert problem(np.minimum(signal + wide, 0.7), 360) == "clipped"
    assert problem(np.maximum(-signal - wide, -0.7), 360) == "clipped"
    # coarse steps, whose lowest is the line between beats
    assert problem(np.round(np.maximum(signal, 0), 1), 360) is None


@pytest.mark.parametrize("rr_s", [0.27, 0.35, 0.5, 1.5, 2.4])
def test_fast_and_slow_rhythms_are_no_noise(invented, rr_s):
    time = np.arange(3600) / 360
    signal = np.exp(-0.5 * (((time + 0.1) % rr_s - rr_s / 2) / 0.015) ** 2)
    assert problem(signal + 0.02 * np.random.default_rng(0).standard_normal(3600), 360) is None


# bigeminy and couplets, pauses of up to six seconds, runs of ventricular tachycardia
@pytest.mark.parametrize("record", [106, 119, 200, 223, 232, 233])
def test_arrhythmias_are_no_noise(mitdb, record):
    lead = open_lead(mitdb / str(record), "1")
    edges = window_edges(lead.length, lead.rate_hz)
    found = [problem(lead.read(a, b), lead.rate_hz) for a, b in zip(edges[:-1:3], edges[1::3], strict=True)]
    assert found == [None] * len(found)


@pytest.mark.parametrize(("name", "share"), [("ma", 0.9), ("bw", 0.9), ("em", 0.1)])
def test_noise_of_the_stress_test_is_noise(data_folder, name, share):
    if not (data_folder / "nstdb").is_dir():
        pytest.skip("needs real noise: ECGLIB_DATA has no nstdb")
    signal = wfdb.rdrecord(str(data_folder / "nstdb" / name), channels=[0]).p_signal[:, 0]
    found = [problem(signal[start : start + 3600], 360) for start in range(0, len(signal) - 3600, 14_400)]
    assert np.mean([one == "too noisy" for one in found]) >= share


@given(length=st.integers(1, 10**6), rate_hz=st.floats(100, 2000))
def test_windows_cover_a_lead_once(length, rate_hz):
    edges = window_edges(length, rate_hz)
    size = round(10 * rate_hz)
    assert edges[0] == 0 and edges[-1] == length and (np.diff(edges) > 0).all()
    assert len(edges) == 2 or (size / 2 <= np.diff(edges)[-1] <= 1.5 * size and (np.diff(edges)[:-1] == size).all())


def test_neighbours_of_one_reason_are_one_stretch():
    parts = [
        Excluded(0, 10, "flat"),
        Excluded(10, 20, "flat"),
        Excluded(20, 30, "clipped"),
        Excluded(40, 50, "clipped"),
    ]
    assert joined(parts) == (Excluded(0, 20, "flat"), Excluded(20, 30, "clipped"), Excluded(40, 50, "clipped"))
    assert joined([]) == ()
