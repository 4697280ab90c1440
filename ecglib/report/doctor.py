"""What `ecglib doctor` tells: versions, device, disk, records, programs, and what `make report` would do."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

from ecglib import __version__, files
from ecglib.data.sources import table_path
from ecglib.names import DATASETS, EcglibError
from ecglib.report.build import snakemake_command
from ecglib.report.pdf import BROWSERS
from ecglib.runs import hardware

_PACKAGES = ("torch", "numpy", "snakemake", "papermill", "jupyterlab")


def diagnose() -> Iterator[str]:
    """One line a finding; the last one takes some seconds."""
    yield f"ecglib {__version__} in {files.home()}"
    yield f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield f"device: {hardware()}, {os.cpu_count()} cores in this machine"
    yield f"disk: {shutil.disk_usage(files.home()).free / 1e9:.0f} GB free"
    yield from _records()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    yield f"browser: {browser or 'none of ' + ', '.join(BROWSERS)} (for make pdf, and for two kinds of tests)"
    yield f"make report: {_planned()}"


def _records() -> Iterator[str]:
    try:
        data = files.raw_data()
    except EcglibError as error:
        yield f"records: {error}"
        return
    yield f"ECGLIB_DATA: {data or 'not set'}"
    for dataset, facts in DATASETS.items():
        table = table_path(dataset, "physionet")
        if table.is_file():
            where = f"beat table at hand, {table.relative_to(files.home())}"
        elif data is not None and (data / facts.folder).is_dir():
            where = f"a training would read {data / facts.folder}"
        elif data is not None:
            where = f"a training would end with an error, since {data} has no folder {facts.folder}"
        else:
            where = f"a training would download it from PhysioNet into {files.tables() / 'raw' / facts.folder}"
        yield f"{facts.title}: {where}"


def _planned() -> str:
    command = [*snakemake_command(None, 1), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "its graph cannot be planned; see 'ecglib report'"
    total = re.search(r"^total\s+(\d+)", done.stdout + done.stderr, re.MULTILINE)
    return (
        f"would execute {int(total[1]) - 1} notebooks and write the page" if total else "nothing to do, page is there"
    )
