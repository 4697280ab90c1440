"""Where things lie, and how they are written: complete or not at all, and never in the working directory.

Three environment variables move them: ``ECGLIB_HOME`` the checkout, ``ECGLIB_OUTPUT`` what is written
(figures and runs), ``ECGLIB_DATA`` the folder of raw records that are already on the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecglib.names import EcglibError


def home() -> Path:
    """The checkout: the folder that holds ``params`` and ``notebooks``."""
    folder = Path(os.environ.get("ECGLIB_HOME") or Path(__file__).resolve().parents[1])
    if not (folder / "params").is_dir():
        raise EcglibError(f"{folder}: no folder 'params' here; set ECGLIB_HOME to the project's checkout")
    return folder


def params() -> Path:
    """The profiles, one YAML file each."""
    return home() / "params"


def notebooks() -> Path:
    """The notebooks, each a .py and a .ipynb."""
    return home() / "notebooks"


def figures(label: str) -> Path:
    """Figures and tables of one profile."""
    return _output() / "figures" / label


def runs(label: str) -> Path:
    """Weights, histories, predictions and executed notebooks of one profile."""
    return _output() / "runs" / label


def report(profile: str | None) -> Path:
    """The page of the report, or of one profile's report."""
    return _output() / "report" / ("index.html" if profile is None else f"{profile}.html")


def tables() -> Path:
    """Beat tables that were built once and are read ever after."""
    return home() / "data"


def outline(dataset: str, source: str) -> Path:
    """What is committed of a beat table: everything but the signals."""
    return home() / "runs" / "beats" / f"{dataset}-{source}.parquet"


def raw_data() -> Path | None:
    """The raw records that ``ECGLIB_DATA`` points at, or None where it is not set.

    Raises
    ------
    EcglibError
        It is set to something that is no folder.
    """
    value = os.environ.get("ECGLIB_DATA")
    if not value:
        return None
    folder = Path(value)
    if not folder.is_dir():
        raise EcglibError(f"ECGLIB_DATA={value}: no such folder; correct it, or unset it to download the records")
    return folder.resolve()


def _output() -> Path:
    return Path(os.environ.get("ECGLIB_OUTPUT") or home())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there takes its place if no error occurs.

    The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
