"""A fingerprint of everything the database's schema is made from, to tell whether a migrated one still fits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from boss.platform.addresses import ROOT

_NOT_OURS = frozenset({".venv", ".boss", ".git", "node_modules", "staticfiles", "docs", "templates"})
_SOURCE_OF_WALLS = {("boss", "core"), ("boss", "tenancy")}


def sources() -> Iterator[Path]:
    """Migrations and models of every room, and all of core and tenancy: row-level security is raised from them."""
    for top in sorted(ROOT.iterdir()):
        if not top.is_dir() or top.name in _NOT_OURS or top.name == "tests":
            continue
        for path in sorted(top.rglob("*.py")):
            inside = path.relative_to(ROOT).parts
            if inside[:2] in _SOURCE_OF_WALLS or path.name == "models.py" or {"migrations", "models"} & set(inside):
                yield path
    yield ROOT / "boss" / "platform" / "database.py"


def fingerprint(files: Iterable[Path] | None = None) -> str:
    """Sixteen hexadecimal digits that change whenever `files` do; without any, whenever the schema might."""
    digest = hashlib.sha256()
    for path in sources() if files is None else files:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
