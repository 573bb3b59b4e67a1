"""Publishing workflows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from workflow import checks, diff, documents, selectors, simulation
from workflow.diff import Difference
from workflow.engine.ledger import database_now
from workflow.errors import DefinitionRefused
from workflow.models import Definition, DefinitionVersion
from workflow.simulation import Answer, Simulation


@service
def publish(*, actor: Actor, document: Mapping[str, Any] | str, note: str = "") -> DefinitionVersion:
    """Publish a workflow (YAML text, or the same as a mapping) as the version new runs start on; ``note`` says what
    changed.

    The same document again gives the version there is. Runs keep the version they started on. Raises
    :class:`DefinitionRefused`, whose ``fields`` name every fault at its place ("tasks.activate_dns.handler").
    """
    parsed = _read(document)

    require(actor, "workflow.publish_definition")

    if faults := checks.faults(parsed, selectors.surroundings(parsed)):
        raise DefinitionRefused(fields=faults)

    locks.hold(f"workflow.definition:{parsed['key']}")
    fingerprint = hashlib.sha256(json.dumps(parsed, sort_keys=True).encode()).hexdigest()
    definition, made = Definition.objects.get_or_create(key=parsed["key"], defaults={"title": parsed["title"]})
    if definition.current is not None and definition.current.fingerprint == fingerprint and not definition.is_archived:
        same: DefinitionVersion = definition.current
        return same
    version: DefinitionVersion = DefinitionVersion.objects.create(
        definition=definition,
        number=definition.versions.count() + 1,
        document=parsed,
        fingerprint=fingerprint,
        published_by=actor.label[:200],
        note=note.strip(),
    )
    definition.title, definition.current, definition.is_archived = parsed["title"], version, False
    definition.save(update_fields=["title", "current", "is_archived"])

    audit.record(
        actor=actor, action="definition.published", subject=definition,
        after={"version": version.number, "new": made, "note": version.note},
    )  # fmt: skip
    return version


@service
def archive(*, actor: Actor, definition: Definition) -> Definition:
    """No new runs start on it; those under way go on."""
    definition = Definition.objects.select_for_update().get(pk=definition.pk)

    require(actor, "workflow.publish_definition", definition)

    definition.is_archived = True
    definition.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="definition.archived", subject=definition)
    return definition


@service
def restore(*, actor: Actor, definition: Definition) -> Definition:
    """Let new runs start again on an archived definition. Raises :class:`DefinitionRefused` where workflows would then
    run one another for ever."""
    definition = Definition.objects.select_for_update().get(pk=definition.pk)

    require(actor, "workflow.publish_definition", definition)

    if definition.current is not None:
        _refuse_endless(definition.current)

    definition.is_archived = False
    definition.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="definition.restored", subject=definition)
    return definition


@service
def roll_back(*, actor: Actor, definition: Definition, number: int) -> Definition:
    """Let new runs start on an earlier version again. Raises :class:`NoSuchDefinition` for an unknown number and
    :class:`DefinitionRefused` where workflows would then run one another for ever."""
    definition = Definition.objects.select_for_update().get(pk=definition.pk)
    version = selectors.get_version(definition, number)

    require(actor, "workflow.publish_definition", definition)

    _refuse_endless(version)

    before = definition.current.number if definition.current else None
    definition.current = version
    definition.save(update_fields=["current"])

    audit.record(
        actor=actor,
        action="definition.rolled_back",
        subject=definition,
        before={"version": before},
        after={"version": number},
    )
    return definition


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be said about a document, by place: faults forbid publishing, warnings do not."""

    document: Any
    faults: checks.Faults
    warnings: checks.Faults


def _refuse_endless(version: DefinitionVersion) -> None:
    if endless := checks.endless(version.document, selectors.surroundings(version.document)):
        raise DefinitionRefused(fields=endless)


def check(*, actor: Actor, document: Mapping[str, Any] | str) -> Report:
    """Look through a document as publishing would. Changes nothing."""
    require(actor, "workflow.view_definition")

    try:
        parsed = _read(document)
    except DefinitionRefused as refused:
        return Report(None, refused.fields, {})
    return Report(parsed, checks.faults(parsed, selectors.surroundings(parsed)), checks.warnings(parsed))


def simulate(
    *,
    actor: Actor,
    document: Mapping[str, Any] | str,
    inputs: Mapping[str, Any] | None = None,
    answers: Mapping[str, Answer] | None = None,
    reverse_at: str | None = None,
    durations: Mapping[str, float] | None = None,
) -> Simulation:
    """Play a document through, published or not. Changes nothing.

    Raises :class:`DefinitionRefused` for one with faults, and :class:`boss.core.problems.InvalidInput`.
    """
    require(actor, "workflow.view_definition")

    parsed = _read(document)
    around = selectors.surroundings(parsed)
    if faults := checks.faults(parsed, around):
        raise DefinitionRefused(fields=faults)
    return simulation.simulate(
        parsed,
        inputs=inputs or {},
        answers=answers or {},
        around=around,
        starts=database_now(),
        reverse_at=reverse_at,
        durations=durations,
    )


def difference(
    *, actor: Actor, definition: Definition, before: int | None = None, after: int | None = None
) -> Difference:
    """What changed in behaviour from version ``before`` (the one before ``after``) to ``after`` (the current one).

    Raises :class:`NoSuchDefinition` for an unknown number.
    """
    require(actor, "workflow.view_definition", definition)

    new = selectors.get_version(definition, after)
    old = selectors.get_version(definition, max(1, new.number - 1) if before is None else before)
    return diff.between(old.document, new.document)


def _read(document: Mapping[str, Any] | str) -> Any:
    try:
        return documents.from_yaml(document) if isinstance(document, str) else documents.plain(document)
    except documents.Unreadable as error:
        raise DefinitionRefused(fields={"document": [str(error)]}) from None
