"""What this room does when a worker starts: prove, beside its work, that scripts can be confined here."""

from __future__ import annotations

import platform
import threading
from typing import Any

from celery.signals import worker_ready
from django.core.cache import cache

from boss.automation.sandbox import proof

KNOWN = "automation:sandbox"
_KEPT_SECONDS = 30 * 24 * 3600


def prove(**_told: Any) -> None:
    """Try the sandbox once and remember the answer for people; each process asks for itself before its first script."""
    threading.Thread(target=_prove, name="boss-sandbox-proof", daemon=True).start()


def _prove() -> None:
    found = proof.state(anew=True)
    known = cache.get(KNOWN) or {}
    cache.set(KNOWN, {**known, platform.node(): (found.works, found.why)}, _KEPT_SECONDS)


worker_ready.connect(prove, dispatch_uid="automation.prove", weak=False)
