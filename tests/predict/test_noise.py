"""Noise as nst adds it, and the committed table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import wfdb

from ecglib import files
from ecglib.data.splits import DE_CHAZAL_TEST
from ecglib.predict.evaluation import GROSS, Annotated
from ecglib.predict.noise import NOISES, SNR_DB, noise_gain, readable, summed

FOLDER = files.home() / "figures" / "predict"


def test_gain_is_that_of_a_record_which_nst_made(data_folder):
    """118e_6 is 118 with the noise em at -6 dB; what it has of that noise is what nst multiplied it by."""
    if not (data_folder / "nstdb").is_dir():
        pytest.skip("needs real records: ECGLIB_DATA has no nstdb")
    stems = (data_folder / "mitdb" / "118", data_folder / "nstdb" / "em", data_folder / "nstdb" / "118e_6")
    clean, noise, noisy = (wfdb.rdrecord(str(stem), channels=[0]).p_signal[:, 0] for stem in stems)
    # the first two minutes that are noisy
    part = slice(300 * 360, 420 * 360)
    slope, _ = np.polyfit(noise[part], noisy[part] - clean[part], 1)
    # nst rounds the noise down to whole units before it measures it
    assert noise_gain(clean, Annotated.read(stems[0]), noise, 360, -6) == pytest.approx(slope, rel=0.01)


def test_gain_of_a_sine_is_that_of_its_definition():
    """Beats of 2 mV in all, noise of amplitude 1: power 1/2 each, so at 0 dB they are equal, at 20 dB a tenth."""
    signal = np.zeros(360 * 400)
    beats = np.arange(360, 360 * 320, 360)
    signal[beats], signal[beats + 3] = 1, -1
    annotated = Annotated(files.home(), beats, np.zeros(len(beats), dtype=int))
    noise = np.sin(2 * np.pi * 10 * np.arange(len(signal)) / 360) + 5
    assert noise_gain(signal, annotated, noise, 360, 0) == pytest.approx(1)
    assert noise_gain(signal, annotated, noise, 360, 20) == pytest.approx(0.1)


def test_committed_table_is_whole_and_readable():
    tidy = pd.read_csv(FOLDER / "table_noise.csv", dtype={"record": str})
    records = tidy[tidy["record"] != GROSS]
    assert len(records) == len(DE_CHAZAL_TEST) * (1 + len(NOISES) * len(SNR_DB))
    assert set(records["record"]) == set(map(str, DE_CHAZAL_TEST))
    counted = [name for name in tidy.columns if not name.endswith(("_se", "_ppv"))]
    pd.testing.assert_frame_equal(summed(records[counted]).round(6), tidy, check_dtype=False)
    text = readable(tidy).to_markdown(index=False, disable_numparse=True) + "\n"
    assert (FOLDER / "table_noise.md").read_text(encoding="utf-8") == text
