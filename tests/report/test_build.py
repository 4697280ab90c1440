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
Path(os.environ["CALLS"]).with_name("job").write_text(str(job.pid))
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
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    if (tmp_path / "job").is_file() and is_there(job := int((tmp_path / "job").read_text())):
        os.kill(job, signal.SIGKILL)


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started_job(folder: Path) -> int:
    while not (folder / "job").is_file() or not (folder / "job").read_text():
        time.sleep(0.05)
    return int((folder / "job").read_text())


linux = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs /proc, which Linux has")


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_report_that_is_told_to_end_ends_with_its_notebooks(report, tmp_path, number):
    process = report(3600)
    job = started_job(tmp_path)
    process.send_signal(number)
    assert process.communicate()[1] == "ecglib: stopped; the same command goes on from here\n"
    assert process.returncode == 130 and not is_there(job)


@linux
def test_a_report_that_was_killed_is_in_nobodys_way(report, tmp_path):
    first = report(3600)
    job = started_job(tmp_path)
    locks = tmp_path / "é ü x" / ".snakemake" / "locks"
    locks.mkdir()
    (locks / "0.input.lock").write_text("as Snakemake leaves it")
    second = report(0)
    error = f"ecglib: {locks.parents[1]}: another process makes a report here; wait for it to end\n"
    assert second.communicate()[1] == error
    first.kill()
    first.wait()
    os.kill(job, signal.SIGKILL)
    assert report(0).communicate()[1] == "ecglib: a notebook failed\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.endswith("--unlock") for call in calls] == [False, True, False]
