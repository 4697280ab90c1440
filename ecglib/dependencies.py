"""Which modules of ``ecglib`` a notebook or module needs, read from its import statements.

The report's workflow re-runs a notebook when one of these changed, and only then.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def ecglib_modules(source: Path) -> list[Path]:
    """The files of all ``ecglib`` modules that a Python source imports, directly or not; sorted."""
    found: set[Path] = set()
    pending = [source]
    while pending:
        for module in _imported(pending.pop()) - found:
            found.add(module)
            pending.append(module)
    return sorted(found)


@cache
def _imported(source: Path) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from package import name": the name may be a module itself
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = set()
    for name in names:
        package, *parts = name.split(".")
        if package == "ecglib":
            module = PACKAGE.joinpath(*parts)
            files |= {file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()}
    return files
