"""Secrets of endpoints, sealed to the row they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping

from boss.automation.models import Endpoint
from boss.core import crypto


def place(row: Endpoint) -> str:
    """What the ciphertext is bound to."""
    return f"{row._meta.label_lower}:{row.realm_id}:{row.pk}:secrets"


def seal(row: Endpoint, secrets: Mapping[str, str]) -> str:
    return crypto.seal(json.dumps(dict(secrets)), bound_to=place(row)) if secrets else ""


def opened(row: Endpoint) -> dict[str, str]:
    """The inverse. Raises :class:`boss.core.crypto.CannotOpen`."""
    if not row.sealed_secrets:
        return {}
    found: dict[str, str] = json.loads(crypto.open_sealed(row.sealed_secrets, bound_to=place(row)))
    return found
