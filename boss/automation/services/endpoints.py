"""Setting endpoints up: their rules, their secrets (in and never out), and trying them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from boss.automation import sealing
from boss.automation.contracts import Kind
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.automation.kinds import KINDS
from boss.automation.models import Endpoint
from boss.automation.models.endpoints import KEY
from boss.automation.services import calls
from boss.core import audit, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service

_LONGEST_SECONDS = 60.0


@service
def create(
    *,
    actor: Actor,
    key: str,
    kind: str,
    title: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
    deadline_seconds: float = 10.0,
) -> Endpoint:
    """Set up an endpoint. Raises InvalidInput with the wrong fields."""
    require(actor, "automation.manage_endpoints")

    found = KINDS.get(kind)
    if found is None:
        raise InvalidInput(fields={"kind": [_("There is no such kind.")]})
    _refuse_bad_key(key)
    if Endpoint.objects.filter(key=key).exists():
        raise InvalidInput(fields={"key": [_("There is an endpoint of this key already.")]})
    cleaned, sealed = _cleaned(found, settings), _secrets(found, secrets or {})
    endpoint: Endpoint = Endpoint.objects.create(
        key=key, kind=kind, title=_title(title), settings=cleaned, deadline_seconds=_seconds(deadline_seconds)
    )
    endpoint.sealed_secrets = sealing.seal(endpoint, sealed)
    endpoint.save(update_fields=["sealed_secrets"])

    audit.record(
        actor=actor, action="endpoint.created", subject=endpoint,
        after={"key": key, "kind": kind, "settings": cleaned, "secrets": sorted(sealed)},
    )  # fmt: skip
    return endpoint


@service
def change(
    *,
    actor: Actor,
    endpoint: Endpoint,
    title: str | None = None,
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    deadline_seconds: float | None = None,
    enabled: bool | None = None,
) -> Endpoint:
    """Change what is given. Secrets that are given replace those of the same name; the others stay."""
    locked: Endpoint = Endpoint.objects.select_for_update().get(pk=endpoint.pk)

    require(actor, "automation.manage_endpoints", locked)

    kind = KINDS[locked.kind]
    before = _picture(locked)
    if title is not None:
        locked.title = _title(title)
    if settings is not None:
        locked.settings = _cleaned(kind, settings)
    replaced = {name: value for name, value in (secrets or {}).items() if value}
    if replaced:
        locked.sealed_secrets = sealing.seal(locked, {**sealing.opened(locked), **_secrets(kind, replaced)})
    if deadline_seconds is not None:
        locked.deadline_seconds = _seconds(deadline_seconds)
    locked.enabled = locked.enabled if enabled is None else enabled
    locked.save()

    audit.record(
        actor=actor, action="endpoint.changed", subject=locked, before=before,
        after={**_picture(locked), "secrets_replaced": sorted(replaced)},
    )  # fmt: skip
    return locked


@service
def try_out(*, actor: Actor, endpoint: Endpoint) -> tuple[bool, str]:
    """Ask one harmless question now. Whether it was answered, and a sentence on what was found."""
    require(actor, "automation.manage_endpoints", endpoint)

    target = calls.target_of(endpoint, key=f"test:{endpoint.public_id}", seconds=10.0)
    try:
        words, good = KINDS[endpoint.kind].test(target), True
    except (CallFailed, CallNotAllowed) as error:
        words, good = calls.without_secrets(str(error), target), False

    audit.record(
        actor=actor, action="endpoint.tested", subject=endpoint, after={"answered": good, "found": words[:300]}
    )
    return good, words


def _picture(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "title": endpoint.title, "settings": endpoint.settings, "deadline_seconds": endpoint.deadline_seconds,
        "enabled": endpoint.enabled,
    }  # fmt: skip


def _refuse_bad_key(key: str) -> None:
    try:
        KEY(key)
    except ValidationError as error:
        raise InvalidInput(fields={"key": [str(message) for message in error.messages]}) from error


def _title(title: str) -> str:
    if not title.strip():
        raise InvalidInput(fields={"title": [_("Please fill this in.")]})
    return title.strip()[:120]


def _seconds(seconds: float) -> float:
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise InvalidInput(fields={"deadline_seconds": [_("Enter a number from 1 to 60.")]})
    return seconds


def _cleaned(kind: Kind, settings: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = schema.validate(kind.settings, dict(settings), prefix="settings.")
    if faults := kind.check(cleaned):
        raise InvalidInput(fields={f"settings.{name}": messages for name, messages in faults.items()})
    return cleaned


def _secrets(kind: Kind, secrets: Mapping[str, str]) -> dict[str, str]:
    return schema.validate(kind.secrets, dict(secrets), prefix="secrets.")
