"""The graph on other machines: Snakemake's profiles, a sweep, and a job that a scheduler loses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ecglib import files
from ecglib.names import EcglibError
from ecglib.notebooks import nodes

# the first job is killed while it works; the scheduler says so when it is asked
SUBMIT = """#!/bin/bash
if mkdir "{folder}/lost" 2> /dev/null; then
    timeout --signal=KILL 2 bash "$1" > /dev/null 2>&1
    echo failed > "{folder}/$$"
else
    bash "$1" > "{folder}/log" 2>&1 && echo success > "{folder}/$$" || echo failed > "{folder}/$$"
fi
echo $$
"""


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(files.home() / "Snakefile")]
    environment = os.environ | {"ECGLIB_OUTPUT": str(folder), "PYTHONPATH": str(files.home())}
    command += ["--directory", str(folder), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_sweep_is_one_graph_of_all_combinations():
    sweep = {"seed": ["0", "1"], "design": ["report", "best"], "split": ["kaggle", "patient"]}
    swept, alone = nodes("demo", sweep), nodes("demo")
    assert len({node.parameters.label for node in swept}) == 8
    assert len({node.name for node in swept}) == len({node.executed for node in swept}) == len(swept)
    # notebook 08 compares with the split by patient, and is no part of a report that has this split
    assert len(swept) == 4 * len(alone) + 4 * (len(alone) - 1)
    assert all(node.name.isidentifier() for node in swept)
    # a notebook waits for those of its own combination
    assert all(path.parent == node.executed.parent for node in swept for path in node.after)
    assert [node.name for node in nodes("demo", {"seed": ["0"]})] == [node.name for node in alone]


def test_a_wrong_value_in_a_sweep_is_told_in_one_line(tmp_path):
    with pytest.raises(EcglibError, match="seed: 'x' is wrong"):
        nodes("demo", {"seed": ["0", "x"]})
    done = snakemake(tmp_path, "--cores", "1", "--dry-run", "--config", "profile=demo", "sweep={sed: [0]}")
    assert done.returncode == 1 and done.stderr.splitlines()[-1].endswith("did you mean 'seed'?")


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_profiles_hold_options_that_snakemake_knows(name, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs the extra slurm")
    arguments = ["--profile", str(files.home() / "profiles" / name), "--config", "profile=demo"]
    done = snakemake(tmp_path, *arguments, "--dry-run", "--quiet")
    assert done.returncode == 0, done.stderr
    stored = yaml.safe_load((files.home() / "profiles" / name / "config.yaml").read_text())
    assert stored["rerun-triggers"] == ["mtime", "params", "input"]


def test_a_lost_job_is_run_again(tmp_path):
    submit, status = tmp_path / "submit", tmp_path / "status"
    submit.write_text(SUBMIT.format(folder=tmp_path))
    status.write_text(f'#!/bin/bash\ncat "{tmp_path}/$1"\n')
    for script in (submit, status):
        script.chmod(0o755)
    rule = next(node for node in nodes("demo") if node.header.name == "00_data")
    arguments = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", str(submit)]
    arguments += ["--cluster-generic-status-cmd", str(status), "--jobs", "1", "--cores", "1", "--retries", "1"]
    arguments += ["--seconds-between-status-checks", "1", "--config", "profile=demo", "--until", rule.name]
    done = snakemake(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    assert (tmp_path / "lost").is_dir() and "Trying to restart" in done.stderr
    assert (tmp_path / "runs" / "demo" / "notebooks" / rule.executed.name).is_file()
    expected = {path.name for path in rule.header.outputs("demo", "mitbih")}
    assert {path.name for path in (tmp_path / "figures" / "demo").iterdir()} >= expected
