"""The committed bundle of the workflow editor is the one its sources give."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

BOSS = Path(__file__).resolve().parents[2] / "boss"
EDITOR = BOSS / "console" / "editor"
BUNDLE = BOSS / "static" / "vendor" / "editor"


def test_the_bundle_was_built_from_the_sources_beside_it() -> None:
    """`make editor` writes the hash of the sources into the first line; build.mjs computes it the same way."""
    names = sorted([f"src/{path.name}" for path in (EDITOR / "src").iterdir()] + ["package.json", "package-lock.json"])
    lines = [f"{name} {hashlib.sha256((EDITOR / name).read_bytes()).hexdigest()}\n" for name in names]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    first = (BUNDLE / "editor.js").read_text().splitlines()[0]
    assert f"/* sources {expected} */" in first, "boss/console/editor has changed: run `make editor`"


def test_the_lock_names_versions_and_hashes_but_no_registry() -> None:
    lock = json.loads((EDITOR / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages and all("resolved" not in entry for entry in packages.values())
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    asked = json.loads((EDITOR / "package.json").read_text())
    wanted = asked["dependencies"] | asked["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values()), "exact versions only"


def test_everything_in_the_bundle_has_its_licence_beside_it() -> None:
    told = (BUNDLE / "LICENSES.txt").read_text()
    for name in ("@xyflow/react", "react", "react-dom", "zustand", "d3-zoom"):
        assert re.search(rf"^{re.escape(name)} \d+\.\d+\.\d+ \((MIT|ISC|BSD-3-Clause)\)$", told, re.MULTILINE), name
