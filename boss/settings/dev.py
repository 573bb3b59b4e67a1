"""The embedded platform: everything local, a secret kept beside the data it protects."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def _local_secret() -> str:
    path = Path(__file__).resolve().parent.parent.parent / ".boss" / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive creation: two processes starting at once agree on the first one's secret.
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


os.environ.setdefault("BOSS_SECRET_KEY", _local_secret())

# The lab's servers (`manage.py up --lab`) run beside the platform on this machine.
os.environ.setdefault("BOSS_DRIVER_NETWORKS", "127.0.0.0/8")

from boss.settings.base import *  # noqa: E402, F403
