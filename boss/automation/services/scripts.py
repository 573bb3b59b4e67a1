"""Writing scripts: one person proposes a version, another publishes it; nothing is ever taken away."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from boss.automation import schemas, selectors
from boss.automation.errors import OwnVersion
from boss.automation.models import Endpoint, Script, ScriptVersion
from boss.automation.models.endpoints import KEY
from boss.automation.sandbox.process import Result
from boss.automation.services import running
from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service

_LONGEST_SOURCE = 60_000
_OPEN_OBJECT = {"type": "object", "properties": {}, "additionalProperties": False}
_LIMITS = {"wall_seconds": (1, 60), "memory_mb": (32, 512), "most_calls": (0, 200)}


@service
def create(*, actor: Actor, key: str, title: str, description: str = "") -> Script:
    """A script without a version yet. Raises InvalidInput."""
    require(actor, "automation.edit_script")

    try:
        KEY(key)
    except ValidationError as error:
        raise InvalidInput(fields={"key": [str(message) for message in error.messages]}) from error
    if Script.objects.filter(key=key).exists():
        raise InvalidInput(fields={"key": [_("There is a script of this key already.")]})
    if not title.strip():
        raise InvalidInput(fields={"title": [_("Please fill this in.")]})
    script: Script = Script.objects.create(key=key, title=title.strip()[:120], description=description[:2000])

    audit.record(actor=actor, action="script.created", subject=script, after={"key": key})
    return script


@service
def propose(
    *,
    actor: Actor,
    script: Script,
    source: str,
    input_schema: Mapping[str, Any] | None = None,
    output_schema: Mapping[str, Any] | None = None,
    endpoints: Sequence[str] = (),
    nothing_to_undo: bool = False,
    wall_seconds: int = 10,
    memory_mb: int = 128,
    most_calls: int = 20,
    note: str = "",
) -> ScriptVersion:
    """Write a new version down. It runs nowhere until another person publishes it. Raises InvalidInput.

    The same text with the same rules as the latest version is that version.
    """
    locked: Script = Script.objects.select_for_update().get(pk=script.pk)

    require(actor, "automation.edit_script", locked)

    rules: dict[str, Any] = {
        "input_schema": dict(input_schema or _OPEN_OBJECT), "output_schema": dict(output_schema or _OPEN_OBJECT),
        "endpoints": sorted(set(endpoints)), "nothing_to_undo": nothing_to_undo, "wall_seconds": wall_seconds,
        "memory_mb": memory_mb, "most_calls": most_calls,
    }  # fmt: skip
    source = source.replace("\r\n", "\n").rstrip() + "\n"
    if faults := _faults(source, rules):
        raise InvalidInput(fields=faults)

    digest = fingerprint(source, rules)
    latest = selectors.list_versions(locked).first()
    if latest is not None and latest.sha256 == digest:
        same: ScriptVersion = latest
        return same
    version: ScriptVersion = ScriptVersion.objects.create(
        script=locked, number=(latest.number if latest else 0) + 1, source=source, sha256=digest, note=note[:200],
        written_by=actor.label[:200], writer=person(actor), **rules,
    )  # fmt: skip

    audit.record(
        actor=actor, action="script.proposed", subject=locked, after={"version": version.number, "sha256": digest}
    )
    return version


@service
def publish(*, actor: Actor, script: Script, number: int) -> ScriptVersion:
    """Let workflow tasks run this version from now on. Raises :class:`OwnVersion` for whoever wrote it."""
    locked: Script = Script.objects.select_for_update().get(pk=script.pk)
    version = selectors.get_version(locked, number)

    require(actor, "automation.publish_script", locked)

    if version.writer == person(actor):
        raise OwnVersion
    before = locked.current.number if locked.current else None
    if version.published_at is None:
        version.published_at, version.published_by = clock.now(), actor.label[:200]
        version.save(update_fields=["published_at", "published_by"])
    locked.current, locked.is_archived = version, False
    locked.save(update_fields=["current", "is_archived"])

    audit.record(
        actor=actor, action="script.published", subject=locked, before={"version": before},
        after={"version": version.number, "sha256": version.sha256},
    )  # fmt: skip
    return version


@service
def archive(*, actor: Actor, script: Script) -> Script:
    """Let no task run it any more; what was made by it can still be undone by the version that made it."""
    locked: Script = Script.objects.select_for_update().get(pk=script.pk)

    require(actor, "automation.publish_script", locked)

    if not locked.is_archived:
        locked.is_archived = True
        locked.save(update_fields=["is_archived"])
        audit.record(actor=actor, action="script.archived", subject=locked)
    return locked


@service
def try_out(*, actor: Actor, version: ScriptVersion, inputs: Mapping[str, Any]) -> Result:
    """Run a version now with sample inputs, without its endpoints: what it would call is said in its log.

    Raises InvalidInput for inputs that do not fit, and :class:`NoSandboxHere`.
    """
    require(actor, "automation.edit_script", version.script)

    schemas.require(version.input_schema, dict(inputs), prefix="inputs")
    result = running.rehearse(version, inputs)

    audit.record(
        actor=actor, action="script.tried", subject=version.script,
        after={"version": version.number, "sha256": version.sha256, "outcome": result.outcome},
    )  # fmt: skip
    return result


def fingerprint(source: str, rules: Mapping[str, Any]) -> str:
    """What identifies a version: its text and all that decides how it runs."""
    return hashlib.sha256(json.dumps({"source": source, **rules}, sort_keys=True).encode()).hexdigest()


def person(actor: Actor) -> str:
    """Who it is beyond keys and sessions. A key acts for nobody in particular and is a person of its own."""
    return f"{actor.kind}:{actor.number or ''}"


def _faults(source: str, rules: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if wrong := _text_faults(source, nothing_to_undo=rules["nothing_to_undo"]):
        found["source"] = wrong
    for name in ("input_schema", "output_schema"):
        if wrong := schemas.faults(rules[name]):
            found[name] = wrong
    known = set(Endpoint.objects.filter(key__in=rules["endpoints"]).values_list("key", flat=True))
    if missing := set(rules["endpoints"]) - known:
        found["endpoints"] = [_("There is no endpoint %(names)s.") % {"names": ", ".join(sorted(missing))}]
    for name, (low, high) in _LIMITS.items():
        if not low <= rules[name] <= high:
            found[name] = [_("Enter a number from %(low)s to %(high)s.") % {"low": low, "high": high}]
    return found


def _text_faults(source: str, *, nothing_to_undo: bool) -> list[str]:
    if len(source) > _LONGEST_SOURCE:
        return [_("At most %(n)s characters.") % {"n": _LONGEST_SOURCE}]
    if "\x00" in source:
        return [_("The text holds a character that cannot be stored.")]
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return [_("Line %(line)s: %(error)s") % {"line": error.lineno or 1, "error": error.msg}]
    except (ValueError, RecursionError, MemoryError):
        return [_("This is not readable as Python.")]
    functions = {node.name: len(node.args.args) for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = []
    if functions.get("run") != 2:
        found.append(_("A script has a function run(inputs, boss)."))
    if "undo" in functions and functions["undo"] != 3:
        found.append(_("Undoing is a function undo(inputs, outputs, boss)."))
    if "undo" not in functions and not nothing_to_undo:
        found.append(_("How is it undone? Write undo(inputs, outputs, boss), or say that there is nothing to undo."))
    if "undo" in functions and nothing_to_undo:
        found.append(_("It says that there is nothing to undo, and has a function for it."))
    return found
