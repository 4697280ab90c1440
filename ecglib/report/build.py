"""The whole report in one call: the graph of notebooks, then the page made of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import lock_descriptor

from ecglib import files
from ecglib.experiment import Experiment
from ecglib.names import EcglibError
from ecglib.notebooks import Node, nodes
from ecglib.parameters import load_parameters
from ecglib.runs import hardware, origin, set_aside

_PATIENCE_S = 20
_STARTED = re.compile(r"(?:local)?rule (\w+):")
_FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)")


def build_report(profile: str | None = None, cores: int | None = None, retrain: bool = False) -> Path:
    """Run what has to be run of a report, and write its page.

    Parameters
    ----------
    profile : str, optional
        By default the report as it is told, from committed results, in which nothing is trained.
    cores : int, optional
        By default those of the machine, at most eight.
    retrain : bool
        Keep the profile's finished runs aside and train them anew; those of changed parameters (by patient, with a
        slip) are other runs and stay.

    Returns
    -------
    Path
        The page: ``report/index.html``, or ``report/<profile>.html``.

    Raises
    ------
    EcglibError
        A notebook failed, or another process makes a report here.
    """
    started = time.perf_counter()
    chosen = nodes(profile)
    state = files.home() / ".snakemake"
    state.mkdir(exist_ok=True)
    with (state / "report.lock").open("a") as lock:
        # unlike Snakemake's own lock it ends with the processes that have the file open, however they end
        if not lock_descriptor(lock.fileno(), blocking=False):
            raise EcglibError(f"{files.home()}: another process makes a report here; wait for it to end, or end it")
        if retrain:
            _keep_aside(profile)
        page = files.report(profile)
        if _run_graph(profile, cores, [node.name for node in chosen], lock.fileno()) or not page.is_file():
            _write(chosen, profile, page)
    shown = {files.figures(node.parameters.label) for node in chosen}
    print(f"figures and tables: {', '.join(sorted(str(folder) for folder in shown))}")
    print(f"page: {page}  ({time.perf_counter() - started:.0f} s)")
    return page


def _keep_aside(profile: str | None) -> None:
    if profile is None:
        raise EcglibError("--retrain: name the profile to train, such as 'ecglib report reduced --retrain'")
    parameters = load_parameters(profile)
    # without its executed notebooks too, the graph would find nothing to do
    for name in (*parameters.datasets, "notebooks"):
        folder = files.runs(parameters.label) / name
        if folder.exists():
            print(f"{folder}: kept as {set_aside(folder).name}")


def snakemake_command(profile: str | None, cores: int | None) -> list[str]:
    """How Snakemake is called for a report."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(files.home() / "Snakefile")]
    command += ["--directory", str(files.home()), "--cores", str(cores or min(os.cpu_count() or 1, 8))]
    command += ["--rerun-triggers", "mtime", "params", "input", "--rerun-incomplete", "--nocolor"]
    return command if profile is None else [*command, "--config", f"profile={profile}"]


def _run_graph(profile: str | None, cores: int | None, rules: Sequence[str], lock: int) -> bool:
    """Let Snakemake run what is out of date, a line a notebook; whether there was anything to run.

    Snakemake shares the file descriptor `lock`: it may outlive this process, and nobody else is to work here meanwhile.
    """
    command = snakemake_command(profile, cores)
    locked = files.home() / ".snakemake" / "locks"
    if locked.is_dir() and any(locked.iterdir()):
        # nobody else makes a report here, so that these are left from one that was killed
        subprocess.run([*command, "--unlock"], check=False, capture_output=True)
    began: dict[str, float] = {}
    total, count, kept = 0, 0, []
    # in a session of its own, so that all of it can be ended at once
    own = {"start_new_session": True, "pass_fds": [lock] if os.name == "posix" else []}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, bufsize=1, **own) as process:
        try:
            for line in process.stderr:
                kept = [*kept[-40:], line.rstrip()]
                if found := _STARTED.match(line.strip()):
                    began[found[1]] = time.perf_counter()
                elif found := _FINISHED.match(line.strip()):
                    name = found[1]
                    if name in rules:
                        count += 1
                        seconds = time.perf_counter() - began.get(name, time.perf_counter())
                        print(f"notebook {count} of {max(total, count)}: {name}, {seconds:.0f} s", flush=True)
                elif not total and (found := re.match(r"total\s+(\d+)", line.strip())):
                    total = max(int(found[1]) - 1, 0)
        except KeyboardInterrupt:
            _stop(process)
            raise
        status = process.wait()
    if status:
        told = [line for line in kept if line.startswith("ecglib: ")] or [line for line in kept if line][-1:]
        raise EcglibError(told[-1].removeprefix("ecglib: ") if told else "Snakemake failed without a word")
    return count > 0


def _stop(process: subprocess.Popen[str]) -> None:
    """End Snakemake and the notebooks that it runs; alone it would wait for them, up to hours of training."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
            return


def _data_words(node: Node) -> str:
    """The digest of the beats that a notebook was run on."""
    beats = Experiment(node.parameters, node.dataset).beats
    metadata = beats.metadata
    return f"{metadata.dataset} from {metadata.source}, {len(beats):,} beats, SHA-256 {beats.digest[:12]}"


def _write(chosen: Sequence[Node], profile: str | None, out: Path) -> None:
    # imported here, because nbconvert takes seconds, and an unchanged report needs none of it
    from ecglib.report.explorer import explorer_panels
    from ecglib.report.front import front_of, parts
    from ecglib.report.material import Executed, exhibits_of
    from ecglib.report.page import write_page

    commit = origin()["commit"]
    notebooks = []
    # first the report as it is told, then what it is shown for besides, a profile after the other
    order = {label: place for place, label in enumerate(dict.fromkeys(parts(node, profile) for node in chosen))}
    for node in sorted(chosen, key=lambda node: order[parts(node, profile)]):
        told = json.loads(node.executed.with_suffix(".json").read_text(encoding="utf-8"))
        label = node.parameters.label
        made = {"profile": label, "data": _data_words(node), "commit": commit}
        made |= {"machine": hardware(), "seconds": told["seconds"]}
        exhibits = exhibits_of(files.figures(label))
        notebooks.append(Executed(node.executed, made, exhibits, profile=label, part=parts(node, profile)))
    made = {"commit": commit, "date": datetime.now(UTC).date().isoformat()}
    write_page(notebooks, out, front_of(profile, made), panels=explorer_panels(chosen))
