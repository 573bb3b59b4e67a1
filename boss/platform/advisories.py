"""`python -m boss.platform.advisories`: no locked package has a known security advisory.

Asks a source that speaks OSV's protocol (https://google.github.io/osv.dev/post-v1-querybatch/) about every package of
`uv.lock` at once. Where none can be reached, that is said and nothing is refused: what was not asked is not known. With
``BOSS_ADVISORIES=required`` it is refused.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boss.platform.addresses import ROOT

SOURCE = "https://api.osv.dev"
SECONDS = 10.0
_MOST_AT_ONCE = 1000  # the protocol's own limit

ALLOWED: dict[str, str] = {}
"""Advisories that do not concern us, by id, with the reason."""


class Unreachable(Exception):
    """The source gave no usable answer."""


def locked(path: Path) -> list[tuple[str, str]]:
    """Name and version of every package in a lock that comes from an index, by name."""
    packages = tomllib.loads(path.read_text())["package"]
    return sorted((each["name"], each["version"]) for each in packages if "registry" in each.get("source", {}))


def known_about(packages: Sequence[tuple[str, str]], source: str = SOURCE) -> dict[tuple[str, str], list[str]]:
    """The advisories about each package that has any, without those that are allowed. Raises :class:`Unreachable`."""
    found: dict[tuple[str, str], list[str]] = {}
    for start in range(0, len(packages), _MOST_AT_ONCE):
        some = packages[start : start + _MOST_AT_ONCE]
        for package, result in zip(some, _asked(some, source), strict=True):
            ids = sorted({each["id"] for each in result.get("vulns", [])} - set(ALLOWED))
            if ids:
                found[package] = ids
    return found


def _asked(packages: Sequence[tuple[str, str]], source: str) -> list[dict[str, Any]]:
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    request = urllib.request.Request(
        f"{source}/v1/querybatch", json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            results: list[dict[str, Any]] = json.load(response)["results"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(str(error)) from error
    if not isinstance(results, list) or len(results) != len(packages):
        raise Unreachable(f"no answer for each of {len(packages)} questions")
    return results


def main(arguments: Sequence[str] = ()) -> int:
    """Print what is known. 1 if a package has an advisory, or none could be asked for though it is required."""
    source = arguments[0] if arguments else SOURCE
    packages = locked(ROOT / "uv.lock")
    try:
        found = known_about(packages, source)
    except Unreachable as error:
        print(f"NOT ASKED about {len(packages)} packages: {source} does not answer ({error})")
        return int(os.environ.get("BOSS_ADVISORIES") == "required")
    for (name, version), ids in found.items():
        print(f"{name} {version}: {', '.join(ids)}")
    print(f"{len(packages)} packages asked about, {len(found)} with advisories")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
