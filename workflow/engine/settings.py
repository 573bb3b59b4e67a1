"""The engine's few numbers, each with its reason. Overridable in Django's settings for tests with short leases."""

from __future__ import annotations

import os
import socket

from django.conf import settings


def lease_seconds() -> float:
    """How long a claim holds without a heartbeat: the longest a killed worker's task stands still."""
    return float(getattr(settings, "WORKFLOW_LEASE_SECONDS", 15.0))


def message_grace_seconds() -> float:
    """After this a ready task that nobody claimed counts as having lost its message."""
    return float(getattr(settings, "WORKFLOW_MESSAGE_GRACE_SECONDS", 3.0))


def rering_seconds() -> float:
    """A task rung for again is left alone this long: with a backlog its first message may only be late."""
    return float(getattr(settings, "WORKFLOW_RERING_SECONDS", 20.0))


LONGEST_INLINE_SECONDS = 10.0
"""How long one message may be gone on with inline: after it the worker asks its lanes again whose turn it is."""

MOST_CRASHES = 5
"""A task whose worker was lost this often is parked for people even if its rule would allow more attempts."""


def worker_name() -> str:
    return f"{socket.gethostname()[:80]}:{os.getpid()}"
