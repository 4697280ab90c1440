"""The rooms of the package: imports go one way along the data's way, and nothing draws where numbers are made."""

import ast
from pathlib import Path

import pytest

from ecglib import files

PACKAGE = files.home() / "ecglib"
# each may import from those before it, and from its own
ORDER = ["names", "files", "metrics", "parameters", "data", "models", "training", "designs", "runs", "experiment"]
ORDER += ["results", "figures", "predict", "publish", "search", "notebooks", "report", "cli"]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ".ipynb_checkpoints" not in path.parts)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The modules that a file imports, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_room_is_in_the_order():
    assert {room(path) for path in MODULES} == {*ORDER, "__init__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    here = room(path)
    allowed = ORDER[: ORDER.index(here) + 1] if here in ORDER else []
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == "ecglib" and rest.partition(".")[0] != "__version__":
            assert rest.partition(".")[0] in allowed, f"{path.name} imports {name}"


def test_results_draw_nothing_and_figures_know_no_experiment():
    of = {name: set().union(*(imports(path) for path in MODULES if room(path) == name)) for name in ORDER}
    assert not any(name.startswith(("matplotlib", "seaborn", "ecglib.figures")) for name in of["results"])
    assert not any(name.startswith("ecglib.experiment") for name in of["figures"])
