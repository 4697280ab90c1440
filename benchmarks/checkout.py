"""A copy of the checkout in which a small profile is made, disturbed or not, and its files compared."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
from safetensors.numpy import load_file

from benchmarks.measure import CHECKOUT
from ecglib.names import EcglibError

# small, but with every step: beats, both branches, all fusions, repetitions, tables, figures, the page
PROFILE = """# Invented beats; is killed.
profile: crash
datasets: [mitbih]
source: synthetic
synthetic_beats: 300
training_set: all
repetitions: 2
threads: 1
batch_size: 8
cnn_transformer_epochs: 2
noam_factor: 0.02
noam_warm_up_steps: 100
cnn2d_epochs: 2
fusion_epochs: 2
by_patient: false
"""
# what a result says of time, machine and commit, and the digests that cover it
_CLOCKS = {"train_s", "test_s", "cpu_s", "hardware", "software", "origin", "sha256"}
_TIMED = re.compile(r"table[36]_|table_epochs_|fig00_\w+_epochs")
_PATIENCE_S = 600


class Checkout:
    """A copy of what a report needs, in which nothing else works."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("ecglib", "notebooks", "params"):
            shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(CHECKOUT / "Snakefile", folder)
        (folder / "params" / "crash.yaml").write_text(PROFILE)
        self.before = self.names()
        self.known: dict[Sequence[str], tuple[float, dict[str, str]]] = {}

    def names(self) -> set[str]:
        """All files but those that Python and Snakemake keep for themselves."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {str(path) for path in found if not {".snakemake", "__pycache__"} & set(path.parts)}

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ECGLIB_")}
        environment |= {"PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "ecglib.cli", *arguments]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, env=environment, text=True, **pipes)

    def processes(self, pattern: str = "") -> list[psutil.Process]:
        """All that work here, of commands with that pattern; Snakemake and kernels have sessions of their own."""
        found = psutil.process_iter(["environ", "cmdline"])
        here = [one for one in found if (one.info["environ"] or {}).get("PYTHONPATH") == str(self.folder)]
        return [one for one in here if re.search(pattern, " ".join(one.info["cmdline"] or ()))]

    def kill(self, pattern: str = "") -> bool:
        """SIGKILL to all of `processes` until there are none; whether there were any."""
        killed = False
        while found := self.processes(pattern):
            killed = True
            for one in found:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        return killed

    def settle(self) -> None:
        """Wait until what outlived a kill has ended by itself."""
        until = time.monotonic() + _PATIENCE_S
        while self.processes():
            if time.monotonic() > until:
                raise EcglibError(f"crash: something still runs {_PATIENCE_S} s after a kill")
            time.sleep(0.1)

    def finish(self, arguments: Sequence[str]) -> float:
        """Run a command to its end; its seconds."""
        started = time.perf_counter()
        process = self.start(arguments)
        told = process.communicate()[1]
        if process.returncode:
            raise EcglibError(f"crash: {' '.join(arguments)}: {told.strip().splitlines()[-1]}")
        return time.perf_counter() - started

    def undisturbed(self, arguments: Sequence[str]) -> tuple[float, dict[str, str]]:
        """Seconds and results of a command that nothing disturbs; it is run once."""
        if arguments not in self.known:
            self.forget()
            self.known[arguments] = (self.finish(arguments), self.results())
        self.forget()
        return self.known[arguments]

    def forget(self) -> None:
        """Delete all that was made."""
        for name in self.names() - self.before:
            (self.folder / name).unlink()
        shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)

    def results(self) -> dict[str, str]:
        """File to digest, of all that was made, without what tells of time; executed notebooks by their names."""
        return {name: _digest(self.folder / name) for name in sorted(self.names() - self.before)}

    def difference(self, expected: dict[str, str]) -> set[str]:
        """The files that are others than in `results` of before, or are there on one side alone."""
        found = self.results()
        return {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}


def _digest(path: Path) -> str:
    if "notebooks" in path.parts or "report" in path.parts or _TIMED.match(path.name):
        # these hold clock times
        return "there"
    content = path.read_bytes()
    if path.name == "run.json":
        told = {key: value for key, value in json.loads(content).items() if key not in _CLOCKS}
        content = json.dumps(told, sort_keys=True).encode()
    elif path.suffix == ".safetensors":
        # its metadata may hold seconds
        content = b"".join(name.encode() + value.tobytes() for name, value in sorted(load_file(path).items()))
    elif path.name == "history.csv":
        content = pd.read_csv(path).filter(regex="^(?!.*seconds)").to_csv().encode()
    return hashlib.sha256(content).hexdigest()
