"""Secrets of bindings and services, sealed to the row they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from boss.core import crypto
from ipservices.contracts import Observed
from ipservices.models import Binding, Finding, FormerState, MigrationItem, Service


def _place(row: Binding | Service | Finding | MigrationItem, field: str) -> str:
    return f"{row._meta.label_lower}:{row.realm_id}:{row.pk}:{field}"


def secrets_place(row: Binding | Service) -> str:
    """What the secrets of a row are bound to."""
    return _place(row, "secrets")


def former_place(former: FormerState) -> str:
    """What a former state's picture is bound to."""
    return _place(former.service, f"former:{former.key}")


def seal_secrets(row: Binding | Service, secrets: Mapping[str, str]) -> str:
    """The secrets of a saved row as one sealed text; empty for none."""
    return crypto.seal(json.dumps(dict(secrets)), bound_to=_place(row, "secrets")) if secrets else ""


def open_secrets(row: Binding | Service) -> dict[str, str]:
    """The inverse. Raises :class:`boss.core.crypto.CannotOpen`."""
    if not row.sealed_secrets:
        return {}
    opened: dict[str, str] = json.loads(crypto.open_sealed(row.sealed_secrets, bound_to=_place(row, "secrets")))
    return opened


def seal_observed(service: Service, key: str, observed: Observed | None) -> str:
    """A native picture may hold password hashes, so it is kept sealed. Empty where there was nothing."""
    if observed is None:
        return ""
    return crypto.seal(json.dumps(observed.as_json()), bound_to=_place(service, f"former:{key}"))


def open_observed(former: FormerState) -> Observed | None:
    if not former.sealed_observed:
        return None
    opened: dict[str, Any] = json.loads(crypto.open_sealed(former.sealed_observed, bound_to=former_place(former)))
    return Observed.from_json(opened)


def held_place(row: Finding | MigrationItem) -> str:
    """What the picture of what a server held is bound to, where it stands by a finding or a move."""
    return _place(row, "former")


def seal_held(row: Finding | MigrationItem, observed: Observed) -> str:
    """The same by a finding (of what no service stands for) or by a move."""
    return crypto.seal(json.dumps(observed.as_json()), bound_to=held_place(row))


def open_held(row: Finding | MigrationItem) -> Observed | None:
    if not row.sealed_former:
        return None
    opened: dict[str, Any] = json.loads(crypto.open_sealed(row.sealed_former, bound_to=held_place(row)))
    return Observed.from_json(opened)
