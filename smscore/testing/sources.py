"""What the modules of a package import, read from their source."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

__all__ = ["imports_of", "is_within", "sources_of"]


def sources_of(package: str) -> list[Path]:
    """The Python files of a package."""
    module = importlib.import_module(package)
    return sorted(Path(inspect.getfile(module)).parent.rglob("*.py"))


def is_within(path: Path, package: str, module: str) -> bool:
    """Whether a file is the module, or in the package, of this name."""
    root = Path(inspect.getfile(importlib.import_module(package))).parent
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__") == module or ".".join(parts).startswith(module + ".")


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a file imports; a name taken from a package counts as that package."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
