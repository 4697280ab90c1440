"""The original's spectrogram against a slow loop over beats, segments and bins."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import get_window

from ecglib.data import synthetic
from ecglib.models.pictures import real_part_levels

WINDOW = get_window("blackman", 32, fftbins=False)


def slowly(beat: np.ndarray) -> np.ndarray:
    """One beat (187,), segment by segment and level by level; shape (32, 39)."""
    level = np.empty((32, 39))
    for column, start in enumerate(range(0, 153, 4)):
        transformed = np.fft.fft(beat[start : start + 32].astype(np.float64) * WINDOW)
        for row, frequency in enumerate(range(-16, 16)):
            power = transformed[frequency].real ** 2
            level[row, column] = 20 * math.log10(power) if power > 0 else -math.inf
    finite = [value if value > -math.inf else 0.0 for value in level.ravel()]
    mean = sum(finite) / len(finite)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in finite) / len(finite))
    return np.clip(level, mean, mean + 9 * deviation)


@pytest.fixture(scope="module")
def beats() -> np.ndarray:
    some = synthetic.build("mitbih", 400).signal[::40]
    noise = np.random.default_rng(0).random((1, 187), dtype=np.float32)
    return np.concatenate([some, noise])


def test_pictures_equal_a_slow_loop(beats):
    pictures = real_part_levels(torch.from_numpy(beats))
    assert pictures.shape == (len(beats), 1, 32, 39) and pictures.dtype == torch.float32
    for picture, beat in zip(pictures, beats, strict=True):
        np.testing.assert_allclose(picture[0], slowly(beat), atol=1e-3)


def test_beats_that_end_early_have_segments_of_nothing(beats):
    ended = beats[:1].copy()
    ended[:, 100:] = 0
    picture = real_part_levels(torch.from_numpy(ended))[0, 0]
    # all levels of minus infinity are cut at the mean, the lowest level there is
    assert torch.isfinite(picture).all() and (picture[:, 25:] == picture.min()).all()


def test_real_beats_too(mitbih_beats):
    some = mitbih_beats.signal[::2000]
    for picture, beat in zip(real_part_levels(torch.tensor(some)), some, strict=True):
        np.testing.assert_allclose(picture[0], slowly(beat), atol=1e-3)


def test_a_tone_is_in_its_two_rows():
    time = torch.arange(187) / 32
    picture = real_part_levels((0.5 + 0.5 * torch.cos(2 * torch.pi * 8 * time)).unsqueeze(0))[0, 0]
    mean = picture.mean(dim=1)
    # 0 Hz is the middle row, and three to each side; the tone is eight of them off
    mean[13:20] = -torch.inf
    assert mean.topk(2).indices.sort().values.tolist() == [8, 24]
