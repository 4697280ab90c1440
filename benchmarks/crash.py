"""Kills at random moments, full disks, several processes at once: in the end every result is that of a calm run."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd
import torch

from benchmarks.checkout import Checkout
from benchmarks.measure import publish
from ecglib import cli
from ecglib.experiment import Experiment
from ecglib.names import MODEL_TITLES, EcglibError
from ecglib.parameters import load_parameters

_REPORT = ("report", "crash", "--cores", "2")
_BUILD = ("data", "build", "mitbih", "--source", "synthetic", "--beats", "20000", "--out", "data/made.parquet")
_RUN = ("run", "02_cnn_transformer", "--profile", "crash")
# processes by a pattern of their command
_VICTIMS = {
    "": "all",
    "ipykernel_launcher": "the kernel",
    "-m snakemake": "Snakemake",
    "ecglib.cli report": "the report",
    "-m snakemake|ecglib.cli report": "all but notebooks",
}
_ROOM = "size=512m"


def killed(
    checkout: Checkout,
    arguments: Sequence[str],
    kills: int,
    generator: random.Random,
    victim: str = "",
    share: float = 0.25,
) -> dict[str, object]:
    """Kill a command so many times, let it end each time that it can, and compare with an undisturbed run.

    Parameters
    ----------
    checkout : Checkout
    arguments : sequence of str
        Of ``ecglib``.
    kills : int
    generator : random.Random
        Of the moments.
    victim : str
        A pattern in the commands of the processes that are killed, a key of `_VICTIMS`; by default all are. The others
        have to end by themselves, without a traceback.
    share : float
        How late the moments may be, of the undisturbed time; what is finished by then is kept.
    """
    seconds, expected = checkout.undisturbed(arguments)
    done, ends, differing = 0, 0, set()
    while done < kills or not ends:
        process = checkout.start(arguments)
        with suppress(subprocess.TimeoutExpired):
            process.wait(generator.uniform(0, seconds * share) if done < kills else None)
        if process.poll() is None:
            done += checkout.kill(victim)
            told = process.communicate()[1]
            if victim:
                _in_one_line(told)
            continue
        told = process.communicate()[1]
        checkout.settle()
        if process.returncode:
            if "another process" in told:
                # what outlived the last kill was still at work
                continue
            raise EcglibError(f"crash: after {done} kills: {told.strip().splitlines()[-1]}")
        ends += 1
        differing |= checkout.difference(expected)
        checkout.forget()
    what = f"{_VICTIMS[victim]} killed by SIGKILL: ecglib {' '.join(arguments[:2])}"
    return _row(what, done, ends, len(expected), differing)


def killed_at_work(
    checkout: Checkout, what: str, work: Callable[[], object], kills: int, generator: random.Random
) -> dict[str, object]:
    """As `killed`, of a function in a fork of this process: all is imported by then, so that the kills hit its work."""

    def start() -> multiprocessing.Process:
        process = multiprocessing.get_context("fork").Process(target=_alone, args=(checkout.folder, work))
        process.start()
        return process

    checkout.forget()
    began = time.perf_counter()
    start().join()
    seconds, expected = time.perf_counter() - began, checkout.results()
    checkout.forget()
    done, ends, differing = 0, 0, set()
    while done < kills or not ends:
        process = start()
        process.join(generator.uniform(0, seconds / 4) if done < kills else None)
        if process.is_alive():
            process.kill()
            process.join()
            done += 1
            continue
        if process.exitcode:
            raise EcglibError(f"crash: {what}: failed after {done} kills")
        ends += 1
        differing |= checkout.difference(expected)
        checkout.forget()
    return _row(f"killed by SIGKILL: {what}", done, ends, len(expected), differing)


def _alone(folder: Path, work: Callable[[], object]) -> None:
    """Work in a checkout, without a word."""
    os.environ |= {"ECGLIB_HOME": str(folder), "ECGLIB_OUTPUT": str(folder)}
    os.chdir(folder)
    with open(os.devnull, "w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        torch.set_num_threads(1)
        sys.exit(work())


def _build() -> int:
    return cli.main(_BUILD)


def _train() -> None:
    """All models of the profile, with checkpoints and the branches' outputs, twice."""
    experiment = Experiment(load_parameters("crash"), "mitbih")
    for name in MODEL_TITLES:
        experiment.runs(name)


def _in_one_line(told: str) -> None:
    if "Traceback" in told:
        raise EcglibError(f"crash: a traceback: {told.strip().splitlines()[-1]}")


def full(folder: Path, arguments: Sequence[str], times: int, generator: random.Random) -> dict[str, object]:
    """Run a command on disks with room for a random part of what it writes, then make room and run it again.

    A checkout is made in `folder`, on a file system in memory; mounting it needs the rights of root. Where there is no
    room the command has to end without a traceback.
    """
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", _ROOM, "ecglib", str(folder))
    try:
        checkout, refused, differing = Checkout(folder), 0, set()
        least = shutil.disk_usage(folder).used
        checkout.finish(arguments)
        expected, most = checkout.results(), shutil.disk_usage(folder).used
        for _ in range(times):
            checkout.forget()
            _mount("-o", f"remount,size={int(generator.uniform(least, most))}", str(folder))
            process = checkout.start(arguments)
            _in_one_line(process.communicate()[1])
            refused += process.returncode != 0
            checkout.settle()
            _mount("-o", f"remount,{_ROOM}", str(folder))
            checkout.finish(arguments)
            differing |= checkout.difference(expected)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
    what = f"disk full: ecglib {' '.join(arguments[:2])} ({refused} refused)"
    return _row(what, times, times, len(expected), differing)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EcglibError(f"crash: {done.stderr.strip()}")


def together(checkout: Checkout, arguments: Sequence[str], processes: int) -> dict[str, object]:
    """Start a command several times at once: each ends well or is refused, and the results are those of one alone."""
    _, expected = checkout.undisturbed(arguments)
    started = [checkout.start(arguments) for _ in range(processes)]
    told = [(process.communicate()[1], process.returncode) for process in started]
    wrong = [text for text, status in told if status and "another process" not in text]
    if wrong or all(status for _, status in told):
        raise EcglibError(f"crash: {processes} at once: {(wrong or told[0])[0].strip().splitlines()[-1]}")
    differing = checkout.difference(expected)
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
        faults = [
            lambda: killed_at_work(checkout, "ecglib data build", _build, kills, generator),
            lambda: killed_at_work(checkout, "training of all models, twice", _train, kills, generator),
            lambda: killed(checkout, _RUN, -(-kills // 10), generator, "ipykernel_launcher", share=1),
            lambda: together(checkout, _RUN, 2),
            lambda: together(checkout, _RUN, 8),
            lambda: together(checkout, _REPORT, 2),
            lambda: killed(checkout, _REPORT, -(-kills // 5), generator),
        ]
        faults += [
            lambda victim=victim: killed(checkout, _REPORT, -(-kills // 20), generator, victim)
            for victim in list(_VICTIMS)[2:]
        ]
        if os.geteuid() == 0:
            faults.insert(2, lambda: full(Path(name) / "disk", _RUN, -(-kills // 10), generator))
        for fault in faults:
            rows.append(fault())
            publish(pd.DataFrame(rows), f"a profile of 300 invented beats; moments drawn with seed {seed}", "crash")
    if wrong := [row["fault"] for row in rows if not row["outcome"].startswith("identical")]:
        raise EcglibError(f"crash: another outcome after {'; '.join(wrong)}")
