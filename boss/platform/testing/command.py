"""Become pytest, with the arguments that pay."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from boss.platform.addresses import ROOT


def become_pytest(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by pytest. The plugin in `boss.platform.testing.plugin` brings the servers."""
    os.chdir(ROOT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "boss.settings.test"
    command = [sys.executable, "-m", "pytest", *spread(arguments), *arguments]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def spread(arguments: Sequence[str]) -> list[str]:
    """Two processes for the whole suite; one for a chosen part, whose start would cost more than it saves."""
    chooses = any(a in {"-n", "--numprocesses", "--dist", "--pdb", "no:xdist", "-h", "--help"} for a in arguments)
    chooses = chooses or any(a.startswith(("-n", "--numprocesses=")) for a in arguments)
    names_tests = any(not a.startswith("-") and (ROOT / a.split("::")[0]).exists() for a in arguments)
    return [] if chooses or names_tests else ["-n", "2", "--dist", "worksteal"]
