"""Runs scripts in the sandbox as a user who is not root, as production's workers do: a program of the tests.

``python -m tests.automation.as_ordinary_user``: what to run comes as JSON on standard input, what came of it goes out
the same way. Started by root it first becomes somebody; started by an ordinary user it stays who it is.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SOMEBODY = 64_217
"""A user that nobody is: nothing belongs to it, and nothing else runs as it."""

_NEW_MOUNTS = 0x00020000
_BIND_ALL = 0x1000 | 0x4000
_PRIVATE_ALL = (1 << 18) | 0x4000


def _libc(name: str, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, place: str, kind: str, flags: int) -> None:
    _libc("mount", source.encode(), place.encode(), kind.encode(), flags, None)


def _closed_above(place: Path) -> Path | None:
    """The uppermost directory on the way to ``place`` that others may not walk through."""
    return next((each for each in reversed([place, *place.parents]) if not each.stat().st_mode & 0o001), None)


def open_up(*places: Path) -> None:
    """Let others reach these directories, for this process and its children: Python may lie in root's home."""
    closed = {place: _closed_above(place) for place in places}
    needed = {place: above for place, above in closed.items() if above is not None}
    if not needed:
        return
    _libc("unshare", _NEW_MOUNTS)
    _mount("none", "/", "none", _PRIVATE_ALL)
    held = {place: os.open(place, os.O_PATH) for place in needed}
    for above in dict.fromkeys(needed.values()):
        _mount("none", str(above), "tmpfs", 0)
        os.chmod(above, 0o755)
    for place, descriptor in held.items():
        place.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{descriptor}", str(place), "none", _BIND_ALL)
        os.close(descriptor)


def become_somebody() -> None:
    """From here on: no root, no groups, no capabilities."""
    if os.geteuid() != 0:
        return
    checkout = Path(__file__).resolve().parents[2]
    open_up(Path(sys.base_prefix).resolve(), checkout)
    os.chdir(checkout)
    os.setgroups([])
    os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
    os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)


def main() -> None:
    become_somebody()
    from django.conf import settings

    settings.configure(USE_I18N=False)
    from boss.automation.sandbox import process, proof
    from boss.automation.sandbox.confinement import Limits, command

    def attack(asked: dict[str, Any]) -> dict[str, Any]:
        work = process.Work(asked["source"], "run", [asked["inputs"]], key="attack")
        return dataclasses.asdict(process.run(work, Limits(**asked["limits"])))

    attacks: dict[str, dict[str, Any]] = json.load(sys.stdin)
    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(attacks, pool.map(attack, attacks.values()), strict=True))
    answer = {
        "who": {"user": os.getuid(), "process": os.getpid(), "capabilities": _capabilities()},
        "line": command(Limits(), channel=3, filter_file=4, harness=""),
        "proof": dataclasses.asdict(proof.state(anew=True)),
        "results": results,
    }
    json.dump(answer, sys.stdout)


def _capabilities() -> int:
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["CapEff"], 16)


if __name__ == "__main__":
    main()
