"""The files that set the project up agree with each other."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest
import yaml

from ecglib import files

PYTORCH = {"torch": "pytorch", "snakemake": "snakemake-minimal", "playwright": "playwright-python"}


def project() -> dict:
    return tomllib.loads((files.home() / "pyproject.toml").read_text())


def direct_dependencies(*extras: str) -> list[str]:
    listed = project()["project"]
    return sum((listed["optional-dependencies"][extra] for extra in extras), list(listed["dependencies"]))


def entries(name: str = "requirements.lock") -> dict[str, str]:
    """Name to everything else that a lock says of it: version, markers, hashes."""
    found = re.findall(r"(?m)^([\w.-]+)==((?:.*\\\n)*.*)$", (files.home() / name).read_text())
    return {package.lower().replace("_", "-"): rest for package, rest in found}


def locked() -> dict[str, str]:
    return {name: re.match(r"[^\s;]+", rest)[0] for name, rest in entries().items()}


def test_conda_environment_lists_the_same_direct_dependencies():
    environment = yaml.safe_load((files.home() / "environment.yml").read_text())
    conda = set(environment["dependencies"]) - {"pip", "python>=3.11", "setuptools>=77"}
    renamed = {
        re.sub(r"^[a-z]+(?=>)", lambda m: PYTORCH.get(m[0], m[0]), line) for line in direct_dependencies("test", "lab")
    }
    assert conda == renamed
    assert project()["project"]["requires-python"] == ">=3.11"
    assert f"setuptools{project()['build-system']['requires'][0].removeprefix('setuptools')}" == "setuptools>=77"


def test_lock_pins_every_direct_dependency_within_its_range():
    pins = locked()
    for requirement in direct_dependencies("test"):
        name, lowest = requirement.split(">=")
        assert name in pins, f"{name} is not pinned"
        pinned = tuple(int(number) for number in re.findall(r"\d+", pins[name]))
        assert pinned >= tuple(map(int, lowest.split("."))), name


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-cuda.lock"])
def test_lock_has_hashes_of_everything(name):
    found = entries(name)
    lines = (files.home() / name).read_text().splitlines()
    assert len(found) == sum(not line.startswith(("#", " ")) for line in lines) > 10
    for package, rest in found.items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest), package
    # a CPU build of torch needs none of what a CUDA build does
    assert all((name != "requirements.lock") == package.startswith(("nvidia", "cuda", "triton")) for package in found)


def test_lock_has_the_cpu_builds_of_its_torch():
    makefile = (files.home() / "Makefile").read_text()
    told = re.search(r"# PyTorch's own builds of torch (\S+) (?:.*)\nTORCH_CPU := ((?:.*\\\n)*.*)\n", makefile)
    assert told[1] == locked()["torch"]
    assert all(digest in entries()["torch"] for digest in re.findall("[0-9a-f]{64}", told[2]))


def test_installed_versions_are_the_locked_ones():
    for name in ("torch", "numpy", "papermill", "snakemake"):
        assert version(name).split("+")[0] == locked()[name]


def test_importing_the_package_loads_nothing_heavy():
    check = "import sys, ecglib; print([m for m in ('torch', 'pandas', 'matplotlib', 'sklearn') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout.strip() == "[]"
