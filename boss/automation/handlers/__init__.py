"""The tasks this room gives to workflows: a script, and each kind of endpoint directly."""

from __future__ import annotations

from boss.automation.handlers.direct import DIRECT
from boss.automation.handlers.scripts import RUN_SCRIPT

EVERY = (RUN_SCRIPT, *DIRECT)
