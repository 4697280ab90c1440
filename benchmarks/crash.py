"""Kills at random moments, and two processes at once: in the end every result is the one of an undisturbed run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from safetensors.numpy import load_file

from benchmarks.measure import CHECKOUT, publish
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
_REPORT = ("report", "crash", "--cores", "2")
_BUILD = ("data", "build", "mitbih", "--source", "synthetic", "--beats", "20000", "--out", "data/made.parquet")
_RUN = ("run", "02_cnn_transformer", "--profile", "crash")


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
        # a session of its own, so that all of it can be killed at once
        return subprocess.Popen(command, cwd=self.folder, env=environment, text=True, start_new_session=True, **pipes)

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


def killed(checkout: Checkout, arguments: Sequence[str], kills: int, generator: random.Random) -> dict[str, object]:
    """Kill a command so many times, let it end each time that it can, and compare with an undisturbed run.

    Parameters
    ----------
    checkout : Checkout
    arguments : sequence of str
        Of ``ecglib``.
    kills : int
    generator : random.Random
        Of the moments; up to a quarter of the undisturbed time, since what is finished by then is kept.
    """
    seconds, expected = checkout.undisturbed(arguments)
    done, ends, differing = 0, 0, set()
    while True:
        process = checkout.start(arguments)
        try:
            process.wait(generator.uniform(0, seconds / 4) if done < kills else None)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            done += 1
            continue
        told = process.communicate()[1]
        if process.returncode:
            raise EcglibError(f"crash: after {done} kills: {told.strip().splitlines()[-1]}")
        found, ends = checkout.results(), ends + 1
        differing |= {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}
        checkout.forget()
        if done >= kills:
            break
    what = f"killed by SIGKILL: ecglib {' '.join(arguments[:2])}"
    return _row(what, done, ends, len(expected), differing)


def together(checkout: Checkout, arguments: Sequence[str], processes: int) -> dict[str, object]:
    """Start a command several times at once: each ends well or is refused, and the results are those of one alone."""
    _, expected = checkout.undisturbed(arguments)
    started = [checkout.start(arguments) for _ in range(processes)]
    told = [(process.communicate()[1], process.returncode) for process in started]
    wrong = [text for text, status in told if status and "another process" not in text]
    if wrong or all(status for _, status in told):
        raise EcglibError(f"crash: {processes} at once: {(wrong or told[0])[0].strip().splitlines()[-1]}")
    found = checkout.results()
    differing = {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}
    refused = sum(status != 0 for _, status in told)
    what = f"{processes} at once: ecglib {' '.join(arguments[:2])} ({refused} refused)"
    return _row(what, processes, processes - refused, len(expected), differing)


def _row(fault: str, times: int, ends: int, compared: int, differing: set[str]) -> dict[str, object]:
    print(f"{fault}: {times} times, {ends} ends, {len(differing)} of {compared} files differ", flush=True)
    for name in sorted(differing)[:10]:
        print(f"    {name}")
    outcome = "identical, nothing left behind" if not differing else f"{len(differing)} files differ or are left"
    return {"fault": fault, "times": times, "ends": ends, "files compared": compared, "outcome": outcome}


def run(kills: int, seed: int) -> None:
    """Try all faults; writes ``figures/benchmarks/crash`` (.csv, .md).

    Raises
    ------
    EcglibError
        A result differs from that of an undisturbed run, or a file was left behind.
    """
    generator, rows = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        checkout = Checkout(Path(name) / "checkout")
        for fault in (
            lambda: killed(checkout, _BUILD, kills, generator),
            lambda: together(checkout, _RUN, 2),
            lambda: together(checkout, _REPORT, 2),
            lambda: killed(checkout, _REPORT, kills, generator),
        ):
            rows.append(fault())
            publish(pd.DataFrame(rows), f"a profile of 300 invented beats; moments drawn with seed {seed}", "crash")
    if wrong := [row["fault"] for row in rows if not row["outcome"].startswith("identical")]:
        raise EcglibError(f"crash: another outcome after {'; '.join(wrong)}")
