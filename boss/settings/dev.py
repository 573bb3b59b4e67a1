"""The embedded platform: everything local, a secret kept beside the data it protects."""

from __future__ import annotations

import os

from boss.platform import addresses

os.environ.setdefault("BOSS_SECRET_KEY", addresses.local_secret())

# The lab's servers (`manage.py up --lab`) run beside the platform on this machine.
os.environ.setdefault("BOSS_DRIVER_NETWORKS", "127.0.0.0/8,::1/128")
os.environ.setdefault("BOSS_DRIVER_DIRECTORIES", str(addresses.STATE / addresses.kind() / "lab"))

from boss.settings.base import *  # noqa: F403
