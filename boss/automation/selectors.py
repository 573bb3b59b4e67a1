"""Reads of scripts, endpoints and calls."""

from __future__ import annotations

from typing import Any

from boss.automation.errors import UnknownEndpoint, UnknownScript
from boss.automation.models import Endpoint, EndpointCall, Script, ScriptVersion
from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet


def whole_scripts() -> ScopedQuerySet:
    found: ScopedQuerySet = Script.objects.select_related("current")
    return found


def list_scripts(actor: Actor) -> ScopedQuerySet:
    return whole_scripts().visible_to(actor)


def get_script(actor: Actor, public_id: str) -> Script:
    """Raises NotFound."""
    found: Script | None = list_scripts(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def list_versions(script: Script) -> Any:
    """Newest first. Whoever calls it has checked that its reader may see the script."""
    return ScriptVersion.objects.filter(script=script).order_by("-number")


def get_version(script: Script, number: int) -> ScriptVersion:
    """Raises NotFound."""
    found: ScriptVersion | None = ScriptVersion.objects.filter(script=script, number=number).first()
    if found is None:
        raise NotFound
    return found


def version_to_run(key: str, number: int | None = None) -> ScriptVersion:
    """The current version of a script that is in use, or a published one by number. Raises :class:`UnknownScript`."""
    versions = ScriptVersion.objects.select_related("script").filter(script__key=key, published_at__isnull=False)
    script = Script.objects.filter(key=key, is_archived=False).first()
    wanted = versions.filter(number=number) if number else versions.filter(pk=script.current_id if script else None)
    found: ScriptVersion | None = wanted.first()
    if found is None or (script is None and number is None):
        raise UnknownScript(key=key)
    return found


def whole_endpoints() -> ScopedQuerySet:
    found: ScopedQuerySet = Endpoint.objects.all()
    return found


def list_endpoints(actor: Actor) -> ScopedQuerySet:
    return whole_endpoints().visible_to(actor)


def get_endpoint(actor: Actor, public_id: str) -> Endpoint:
    """Raises NotFound."""
    found: Endpoint | None = list_endpoints(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def endpoint_in_use(key: str) -> Endpoint:
    """Raises :class:`UnknownEndpoint`."""
    found: Endpoint | None = Endpoint.objects.filter(key=key, enabled=True).first()
    if found is None:
        raise UnknownEndpoint(key=key)
    return found


def latest_calls(endpoint: Endpoint, most: int = 25) -> list[EndpointCall]:
    return list(EndpointCall.objects.filter(endpoint=endpoint).order_by("-id")[:most])
