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
    """Name to everything else that a lock says of it: version, markers, hashes; torch stands there twice."""
    found: dict[str, str] = {}
    for package, rest in re.findall(r"(?m)^([\w.-]+)==((?:.*\\\n)*.*)$", (files.home() / name).read_text()):
        key = package.lower().replace("_", "-")
        found[key] = found.get(key, "") + rest
    return found


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
    for requirement in direct_dependencies("test", "lab"):
        name, lowest = requirement.split(">=")
        assert name in pins, f"{name} is not pinned"
        pinned = tuple(int(number) for number in re.findall(r"\d+", pins[name]))
        assert pinned >= tuple(map(int, lowest.split("."))), name


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-cuda.lock"])
def test_lock_has_hashes_of_everything(name):
    lines = [line for line in (files.home() / name).read_text().splitlines() if not line.startswith("#")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) or (
            re.match(r"[\w.-]+==\S+ .*\\$", line) and following.startswith("    --hash=")
        ), line


def test_a_cpu_build_of_torch_is_allowed_and_what_a_cuda_build_needs_is_apart():
    makefile = (files.home() / "Makefile").read_text()
    told = re.search(r"# PyTorch's own builds of torch (\S+) (?:.*)\nTORCH_CPU := ((?:.*\\\n)*.*)\n", makefile)
    assert told[1] == locked()["torch"]
    builds = re.findall("[0-9a-f]{64}", told[2])
    assert builds and all(digest in entries()["torch"] for digest in builds)
    cuda = entries("requirements-cuda.lock")
    assert not any(package.startswith(("nvidia", "cuda", "triton")) for package in entries())
    assert any(package.startswith("nvidia") for package in cuda) and cuda["torch"].startswith(told[1])
    # both can be installed one after the other
    shared = cuda.keys() & locked().keys()
    assert {name: re.match(r"[^\s;]+", cuda[name])[0] for name in shared} == {name: locked()[name] for name in shared}


def test_installed_versions_are_the_locked_ones():
    for name in ("torch", "numpy", "papermill", "snakemake"):
        assert version(name).split("+")[0] == locked()[name]


def test_importing_the_package_loads_nothing_heavy():
    check = "import sys, ecglib; print([m for m in ('torch', 'pandas', 'matplotlib', 'sklearn') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout.strip() == "[]"
