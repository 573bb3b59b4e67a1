"""`manage.py quality`, which is `make check`: everything that can be said about the code without running it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from boss.platform.addresses import ROOT

ROOMS = ("boss", "ticketing", "workflow", "catalog", "subscribers", "ipservices")


@dataclass(frozen=True)
class Step:
    """One check: a command that ends with status 0 when all is well."""

    name: str
    about: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    tells: bool = False
    """What it prints is shown when all is well, too."""


def steps() -> list[Step]:
    """All checks, the longest first."""
    tools = Path(sys.executable).parent
    manage = [sys.executable, "manage.py"]
    production = {"DJANGO_SETTINGS_MODULE": "boss.settings.prod", "BOSS_SECRET_KEY": secrets.token_urlsafe(48)}
    return [
        Step("types", "mypy, strict", [str(tools / "mypy"), *ROOMS]),
        Step("api", "docs/openapi.yaml fits the code", [*manage, "openapi", "--check"]),
        Step("deploy", "Django's checks under production settings", [*manage, *CHECK_DEPLOY], production),
        Step("migrations", "no model change without a migration", [*manage, "makemigrations", "--check", "--dry-run"]),
        Step("templates", "every template compiles", [*manage, "compile_templates"]),
        Step("imports", "the ladder of rooms", [str(tools / "lint-imports"), "--no-logo"]),
        Step("lint", "ruff", [str(tools / "ruff"), "check", "."]),
        Step("secrets", "no secret lies in a file", [sys.executable, "-m", "boss.platform.secret_scan"]),
        Step("format", "ruff format", [str(tools / "ruff"), "format", "--check", "."]),
        Step("lock", "requirements.txt fits uv.lock", [sys.executable, "-m", "boss.platform.requirements", "--check"]),
        Step("advisories", "of locked packages", [sys.executable, "-m", "boss.platform.advisories"], tells=True),
    ]


CHECK_DEPLOY = ("check", "--deploy", "--fail-level", "WARNING")


def main(arguments: Sequence[str]) -> int:
    """Run all checks, or those named; two at a time. The exit status."""
    chosen = steps()
    unknown = set(arguments) - {step.name for step in chosen}
    if unknown:
        names = ", ".join(step.name for step in chosen)
        print(f"boss: there is no check called {', '.join(sorted(unknown))}; there are: {names}", file=sys.stderr)
        return 2
    if arguments:
        chosen = [step for step in chosen if step.name in arguments]
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for step, done in zip(chosen, pool.map(run, chosen), strict=True):
            seconds, status, output = done
            print(f"{'ok    ' if status == 0 else 'FAILED'} {step.name:<11} {step.about} ({seconds:.1f} s)", flush=True)
            if status != 0:
                failed.append(step.name)
            if status != 0 or step.tells:
                print("\n".join(f"       {line}" for line in output.strip().splitlines()), flush=True)
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} checks passed"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


def run(step: Step) -> tuple[float, int, str]:
    """One check: seconds, exit status, output."""
    began = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=ROOT,
        env={**os.environ, "BOSS_NO_BOOTSTRAP": "1", "DJANGO_SETTINGS_MODULE": "boss.settings.dev", **step.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return time.monotonic() - began, done.returncode, done.stdout
