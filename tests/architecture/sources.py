"""The source of the rooms, parsed once in a test process for everybody who reads it."""

from __future__ import annotations

import ast
import functools
import gc
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("boss", "ticketing", "workflow", "catalog", "subscribers", "ipservices")
SOURCES = sorted(
    path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "migrations" not in path.relative_to(ROOT).parts
)
"""Every file but the migrations."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed() -> dict[str, ast.Module]:
    """Each file by its name. Nobody may change what he gets: others read it, too."""
    gc.disable()  # a million nodes, none of them garbage: looking for some takes a third of the time
    try:
        found = {name_of(path): ast.parse(path.read_text()) for path in SOURCES}
    finally:
        gc.enable()
    gc.freeze()  # and no later collection looks through them again
    return found


def trees(*, but: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.Module]]:
    """Name and tree of every file whose name does not begin with one of ``but``."""
    return ((name, tree) for name, tree in parsed().items() if not (but and name.startswith(but)))


@functools.cache
def walk(tree: ast.Module) -> list[ast.AST]:
    """Every node of a whole file, in the order of ``ast.walk``."""
    return list(ast.walk(tree))
