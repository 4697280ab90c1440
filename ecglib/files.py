"""Where things lie, and how they are written: complete or not at all, and never in the working directory.

Three environment variables move them: ``ECGLIB_HOME`` the checkout, ``ECGLIB_OUTPUT`` what is written
(figures and runs), ``ECGLIB_DATA`` the folder of raw records that are already on the machine.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

    The folder is made where it is missing, and what killed processes left half-written in it is removed.

    Raises
    ------
    EcglibError
        The folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{platform.node()}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_over(path.parent)
        yield temporary
        with temporary.open("r+b") as file:
            # else a machine that loses its power may have the new name, but not what belongs to it
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        raise EcglibError(f"{path}: cannot be written ({reason}); make room or choose another place") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _remove_left_over(folder: Path) -> None:
    """Delete the temporary files of processes of this machine that live no more."""
    name = re.compile(rf"\..+\.{re.escape(platform.node())}\.(\d+)\.part")
    for path in folder.glob(".*.part"):
        if (found := name.fullmatch(path.name)) and not _lives(int(found[1])):
            path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    if os.name != "posix":
        # where signal 0 is no question but an interrupt
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file that can be made again, with its SHA-256 at its end."""
    with replacing(path) as temporary:
        temporary.write_bytes(content + hashlib.sha256(content).digest())


def read_sealed(path: Path) -> bytes | None:
    """What `write_sealed` wrote; None where there is no such file, or it was altered, which is told in a line."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    content, seal = content[:-32], content[-32:]
    if hashlib.sha256(content).digest() == seal:
        return content
    print(f"{path}: damaged; it is made anew", flush=True)
    return None
