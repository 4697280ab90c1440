"""Rhythm, prematurity and P wave of a beat."""

import numpy as np
import wfdb

from ecglib import files
from ecglib.data.circumstances import HIDDEN, SEEN, p_deflection, record_circumstances
from ecglib.data.context import unpaced_beats


def test_a_p_wave_is_measured_by_its_qrs_complex():
    peaks = np.arange(150, 2800, 120)
    signal = np.zeros(3000)
    heights = np.where(np.arange(len(peaks)) % 2, 0.2, 0.0)
    for peak, height in zip(peaks, heights, strict=True):
        signal[peak - 4 : peak + 5] += np.hanning(9)
        signal[peak - 26 : peak - 13] += height * np.hanning(13)
    for sign in (1, -1):
        found = p_deflection(sign * 1000 * signal, peaks)
        # the filter takes more of a narrow QRS complex than of a P wave
        assert (found[heights > 0] > 0.15).all() and (found[heights == 0] < 0.05).all()


def test_circumstances_are_those_of_the_annotations(data_folder):
    stem = data_folder / "mitdb" / "202"
    beats = unpaced_beats()
    rows = np.flatnonzero(beats.record == "202")
    found = record_circumstances(stem, beats.sample[rows])
    annotation = wfdb.rdann(str(stem), "atr")
    rhythm, symbol, before = {}, {}, {}
    now, last = None, None
    for place, mark, note in zip(annotation.sample, annotation.symbol, annotation.aux_note, strict=True):
        now = note.strip("\x00")[1:] if note.startswith("(") else now
        if mark in "NLRejAaJSVEF/fQ":
            rhythm[place], symbol[place], before[place], last = now, mark, place - (last or place), place
    sample = beats.sample[rows]
    assert found["rhythm"].tolist() == [rhythm[one] for one in sample] and {"N", "AFIB", "AFL"} == set(rhythm.values())
    assert found["symbol"].tolist() == [symbol[one] for one in sample]
    soon = np.array([before[one] < 0.6 * 360 for one in sample])[1:]
    np.testing.assert_array_equal((found["p_wave"] == HIDDEN)[1:], soon)


def test_committed_circumstances_are_of_the_beats():
    import pandas as pd

    found, beats = pd.read_parquet(files.home() / "runs" / "context" / "circumstances.parquet"), unpaced_beats()
    assert len(found) == len(beats)
    premature = found["symbol"].isin(list("AaJS")).to_numpy()
    np.testing.assert_array_equal(premature, beats.label == 1)
    # premature beats are early, and most normal beats of sinus rhythm have a P wave
    early = found["early"].astype(float)
    assert early[premature].median() < 0.9 < early[beats.label == 0].median()
    sinus = found[(found["rhythm"] == "N") & (found["symbol"] == "N") & (found["p_wave"] != HIDDEN)]
    fibrillation = found[(found["rhythm"] == "AFIB") & (found["p_wave"] != HIDDEN)]
    assert (sinus["p_wave"] == SEEN).mean() > 0.8 and (fibrillation["p_wave"] == SEEN).mean() < 0.3
