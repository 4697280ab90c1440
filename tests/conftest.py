"""Fixtures that more than one test module uses."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from ecglib.data import mitbih
from ecglib.data.table import BEAT_LENGTH, BeatMetadata, Beats

# a busy machine is no failure
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    # wfdb's own use of pandas; nothing that this project could change
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:wfdb.io.annotation")
    # each process trains for itself, in a folder of its own, also where nbval runs the notebooks
    os.environ["ECGLIB_OUTPUT"] = tempfile.mkdtemp(prefix="ecglib-tests-")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["ECGLIB_OUTPUT"], ignore_errors=True)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trained models, figures and tables go to a folder of the module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGLIB_OUTPUT", str(tmp_path_factory.mktemp("output")))
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real records, laid out as on PhysioNet."""
    value = os.environ.get("ECGLIB_DATA")
    if not value:
        pytest.skip("needs real records: set ECGLIB_DATA to a folder that holds mitdb")
    return Path(value)


@pytest.fixture(scope="session")
def mitbih_beats(data_folder: Path) -> Beats:
    """The MIT-BIH table, built once from the real records."""
    return mitbih.build(data_folder / "mitdb")


@pytest.fixture(scope="session")
def make_beats() -> Callable[..., Beats]:
    """Makes small random two-class tables; keyword arguments replace columns."""

    def make(count: int = 10, seed: int = 0, **columns: object) -> Beats:
        row = np.arange(count)
        made = {
            "signal": np.random.default_rng(seed).random((count, BEAT_LENGTH), dtype=np.float32),
            "label": row % 2,
            "record": np.array([f"record {number}" for number in row], dtype=np.str_),
            "subject": np.full(count, ""),
            "sample": row.astype(np.int32) - 1,
            "split": np.where(row % 5 == 0, "test", "train"),
            "metadata": BeatMetadata(
                dataset="ptb",
                source="synthetic",
                class_names=("normal", "abnormal"),
                rate_hz=125.0,
                recipe="random numbers",
                made_from={"seed": str(seed)},
            ),
        }
        return Beats(**made | columns)

    return make
