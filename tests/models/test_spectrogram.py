"""Spectrograms against SciPy, pictures against matplotlib's colour map and torch's resize in plain steps."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from scipy.signal import spectrogram as scipy_spectrogram

from ecglib.data import synthetic
from ecglib.models.pictures import RATE_HZ, colour_cells, decibels, enlarge, frequencies, segment_times


@pytest.fixture(scope="module")
def signal() -> torch.Tensor:
    beats = synthetic.build("mitbih", 400).signal
    # the extremes too: silence, a step, full-scale noise
    odd = np.zeros((3, 187), dtype=np.float32)
    odd[1, 90:] = 1
    odd[2] = np.random.default_rng(0).random(187)
    return torch.from_numpy(np.concatenate([beats, odd]))


def scipy_decibels(signal: torch.Tensor) -> np.ndarray:
    _, _, power = scipy_spectrogram(signal.double().numpy(), fs=125, window="blackman", nperseg=32, noverlap=4, nfft=32)
    return 10 * np.log10(power + 1e-10)


def test_decibels_equal_scipy(signal):
    assert decibels(signal).shape == (403, 17, 6)
    np.testing.assert_allclose(decibels(signal), scipy_decibels(signal), rtol=0, atol=1e-5)


def test_real_beats_too(mitbih_beats):
    signal = torch.tensor(mitbih_beats.signal[::500])
    np.testing.assert_allclose(decibels(signal), scipy_decibels(signal), rtol=0, atol=1e-5)


def test_axes_equal_scipy():
    expected, times, _ = scipy_spectrogram(np.ones(187), fs=125, window="blackman", nperseg=32, noverlap=4)
    np.testing.assert_allclose(frequencies(125), expected)
    np.testing.assert_allclose(segment_times(125), times)


def test_pictures_equal_one_by_one_with_matplotlib_colours(signal):
    some = signal[[0, 100, 401, 402]]
    for levels, picture in zip(scipy_decibels(some), enlarge(colour_cells(some)), strict=True):
        upright = levels[::-1]
        scaled = (upright - upright.min()) / (upright.max() - upright.min())
        coloured = torch.tensor(colormaps["viridis"](scaled)[..., :3]).permute(2, 0, 1)
        expected = F.interpolate(coloured[None], size=(128, 128), mode="bilinear")[0]
        assert picture.shape == (3, 128, 128)
        np.testing.assert_allclose(picture, expected, atol=1e-6)


def test_picture_has_no_border_and_high_frequencies_on_top():
    time = torch.arange(187) / RATE_HZ
    low_tone = (0.5 + 0.5 * torch.sin(2 * torch.pi * 8 * time)).unsqueeze(0)
    picture = enlarge(colour_cells(low_tone))[0]
    # viridis ends in yellow: strong red at the bottom, where 8 Hz is, and none at the top
    assert picture[0, 110:124].mean() > 0.5 > picture[0, :60].mean()
    assert not (picture == 1).all(dim=0).any()


def test_silence_gives_one_flat_colour():
    picture = enlarge(colour_cells(torch.zeros(1, 187)))
    assert torch.isfinite(picture).all()
    assert (picture.flatten(2).std(dim=2) < 1e-6).all()


def test_blocks_do_not_show(signal, monkeypatch):
    whole = colour_cells(signal)
    monkeypatch.setattr("ecglib.models.pictures._BLOCK", 50)
    # a sum rounded otherwise may change a colour by one of the map's 256 steps
    torch.testing.assert_close(whole, colour_cells(signal), rtol=0, atol=0.02)
