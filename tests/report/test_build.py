"""The call of Snakemake: what ends it ends all of it, and what was killed is in nobody's way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecglib import files
from ecglib.report import build

# as Snakemake does: at SIGTERM it waits for its jobs, however long they take
STAND_IN = """\
import os, signal, subprocess, sys
from pathlib import Path
with open(os.environ["CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if "--unlock" in sys.argv:
    sys.exit()
signal.signal(signal.SIGTERM, lambda *_: None)
job = subprocess.Popen(["sleep", os.environ["JOB_S"]])
Path(os.environ["CALLS"]).with_name("job").write_text(f"{job.pid} {os.getpid()}")
job.wait()
print("ecglib: a notebook failed", file=sys.stderr)
sys.exit(1)
"""


@pytest.fixture
def report(tmp_path):
    """Starts ``ecglib report demo`` in a checkout "é ü x", with a stand-in for Snakemake whose job takes some time."""
    home, started = tmp_path / "é ü x", []
    (home / "params").mkdir(parents=True)
    shutil.copy(files.params() / "demo.yaml", home / "params")
    (home / "notebooks").symlink_to(files.notebooks())
    (tmp_path / "snakemake.py").write_text(STAND_IN)
    path = os.pathsep.join([str(tmp_path), str(files.home())])
    environment = {**os.environ, "PYTHONPATH": path, "ECGLIB_HOME": str(home), "CALLS": str(tmp_path / "calls")}

    def start(seconds: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ecglib.cli", "report", "demo", "--cores", "1"]
        environment["JOB_S"] = str(seconds)
        # a shell that puts its commands in the background lets them ignore SIGINT, and they hand that down
        heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, **heard))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    for left in filter(is_there, started_jobs(tmp_path) if (tmp_path / "job").is_file() else ()):
        os.kill(left, signal.SIGKILL)


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started_jobs(folder: Path) -> list[int]:
    """The job, and the stand-in that waits for it."""
    while not (folder / "job").is_file() or not (folder / "job").read_text():
        time.sleep(0.05)
    return [int(word) for word in (folder / "job").read_text().split()]


linux = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc, which Linux has")


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_report_that_is_told_to_end_ends_with_its_notebooks(report, tmp_path, number):
    process = report(3600)
    left = started_jobs(tmp_path)
    process.send_signal(number)
    assert process.communicate()[1] == "ecglib: stopped; the same command goes on from here\n"
    assert process.returncode == 130 and not any(map(is_there, left))


@linux
def test_a_report_that_was_killed_keeps_others_out_while_its_snakemake_works(report, tmp_path):
    first = report(3600)
    job, snakemake = started_jobs(tmp_path)
    locks = tmp_path / "é ü x" / ".snakemake" / "locks"
    locks.mkdir()
    (locks / "0.input.lock").write_text("as Snakemake leaves it")
    error = f"ecglib: {locks.parents[1]}: another process makes a report here; wait for it to end, or end it\n"
    assert report(0).communicate()[1] == error
    first.kill()
    first.wait()
    assert is_there(snakemake)
    assert report(0).communicate()[1] == error
    os.kill(job, signal.SIGKILL)
    while is_there(snakemake):
        time.sleep(0.05)
    assert report(0).communicate()[1] == "ecglib: a notebook failed\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.endswith("--unlock") for call in calls] == [False, True, False]


def test_what_is_trained_anew_is_shown_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGLIB_OUTPUT", str(tmp_path))
    for name in ("mitbih", "notebooks"):
        (tmp_path / "runs" / "reduced" / name).mkdir(parents=True)
    build._keep_aside("reduced")
    # Snakemake makes what is not there
    assert sorted(path.name for path in (tmp_path / "runs" / "reduced").iterdir()) == [
        "mitbih.kept-1",
        "notebooks.kept-1",
    ]
