"""Secrets of bindings and services, sealed to the row they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from boss.core import crypto
from ipservices.contracts import Observed
from ipservices.models import Binding, Finding, FormerState, Service


def _place(row: Binding | Service | Finding, field: str) -> str:
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


def stray_place(finding: Finding) -> str:
    """What the picture of an object left over is bound to."""
    return _place(finding, "former")


def seal_stray(finding: Finding, observed: Observed) -> str:
    """The same for what no service stands for."""
    return crypto.seal(json.dumps(observed.as_json()), bound_to=stray_place(finding))


def open_stray(finding: Finding) -> Observed | None:
    if not finding.sealed_former:
        return None
    opened: dict[str, Any] = json.loads(crypto.open_sealed(finding.sealed_former, bound_to=stray_place(finding)))
    return Observed.from_json(opened)
