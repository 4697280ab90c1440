"""nbval executes the notebooks on the committed results, in a folder of their own, and trains nothing."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The kernel of a notebook starts in the setup of its first cell, and takes over the environment as it is then."""
    before = {name: os.environ.get(name) for name in ("ECGLIB_OUTPUT", "ECGLIB_TRAIN")}
    output = Path(tempfile.gettempdir()) / f"ecglib-nbval-{os.getpid()}"
    output.mkdir(exist_ok=True)
    if not (output / "runs").exists():
        (output / "runs").symlink_to(CHECKOUT / "runs")
    os.environ |= {"ECGLIB_OUTPUT": str(output), "ECGLIB_TRAIN": "never"}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
