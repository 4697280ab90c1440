"""Signals, files and models that more than one of these modules uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

# what a watch exports; nothing of the person in it may come out again
PERSON = ("Ingeborg Weissenfels", "Weissenfels", "3 Feb 1952", "03.02.1952")


def heart(seconds: float = 20.0, rate_hz: float = 360.0, rr_s: float = 0.8, seed: int = 0) -> np.ndarray:
    """An invented lead in mV: P, QRS and T every `rr_s`, a little noise; ndarray of float, shape (T,)."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = (time + 0.3) % rr_s - 0.35
    waves = ((-0.17, 0.02, 0.12), (-0.03, 0.01, -0.1), (0, 0.012, 1.1), (0.03, 0.011, -0.25), (0.27, 0.04, 0.3))
    signal = sum(height * np.exp(-0.5 * ((phase - place) / width) ** 2) for place, width, height in waves)
    return signal + 0.01 * np.random.default_rng(seed).standard_normal(len(time))


class FakeModel:
    """A model of MIT-BIH that says V where a beat's mean is above its middle, at once."""

    name, dataset, class_names = "fake:late", "mitbih", ("N", "S", "V", "F", "Q")

    def probabilities(self, beats: np.ndarray) -> np.ndarray:
        found = np.zeros((len(beats), 5), dtype=np.float32)
        found[np.arange(len(beats)), np.where(beats.mean(axis=1) > 0.5, 2, 0)] = 1
        return found


@pytest.fixture
def invented() -> Callable[..., np.ndarray]:
    return heart


@pytest.fixture
def fake_model() -> FakeModel:
    return FakeModel()


def _needed(data_folder: Path, name: str) -> Path:
    if not (data_folder / name).is_dir():
        pytest.skip(f"needs real records: ECGLIB_DATA has no {name}")
    return data_folder / name


@pytest.fixture(scope="session")
def mitdb(data_folder: Path) -> Path:
    return _needed(data_folder, "mitdb")


@pytest.fixture(scope="session")
def ptbdb(data_folder: Path) -> Path:
    return _needed(data_folder, "ptbdb")


@pytest.fixture(scope="session")
def ptbxl(data_folder: Path) -> Path:
    return _needed(data_folder, "ptb-xl")


@pytest.fixture
def write_edf() -> Callable[..., Path]:
    """Writes signals in mV as an EDF file whose header names a person."""
    import edfio

    def write(path: Path, leads: dict[str, np.ndarray], rate_hz: float, unit: str = "mV") -> Path:
        factor = {"mV": 1.0, "uV": 1000.0}[unit]
        signals = [
            edfio.EdfSignal(signal * factor, rate_hz, label=name, physical_dimension=unit)
            for name, signal in leads.items()
        ]
        patient = edfio.Patient(name=PERSON[0].replace(" ", "_"), code="4711")
        edfio.Edf(signals, patient=patient).write(path)
        return path

    return write


@pytest.fixture
def person() -> tuple[str, ...]:
    return PERSON


@pytest.fixture
def watch() -> Callable[..., str]:
    """The text of a watch's export."""

    def text(signal_mv: np.ndarray, rate: str = "512 hertz", decimal: str = ".", german: bool = False) -> str:
        keys = ("Name", "Date of Birth", "Recorded Date", "Classification", "Symptoms", "Device", "Sample Rate")
        if german:
            keys = ("Name", "Geburtsdatum", "Aufzeichnungsdatum", "Klassifizierung", "Symptome", "Gerät", "Messrate")
        values = (PERSON[0], f'"{PERSON[3 if german else 2]}"', "2024-02-05 09:14:40 +0100", "Sinus Rhythm", "",
                  '"Watch5,4"', rate)  # fmt: skip
        lines = [f"{key},{value}" for key, value in zip(keys, values, strict=True)]
        lines += [
            "",
            "",
            "Ableitung,Ableitung I" if german else "Lead,Lead I",
            "Einheit,µV" if german else "Unit,µV",
            "",
        ]
        lines += [f"{value:.3f}".rstrip("0").rstrip(".").replace(".", decimal) for value in 1000 * signal_mv]
        return "\n".join(lines) + "\n"

    return text
