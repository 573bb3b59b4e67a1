"""Publishing workflows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from boss.core import audit, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from workflow import checks, selectors
from workflow.errors import DefinitionRefused, NoSuchDefinition
from workflow.models import Definition, DefinitionVersion


@service
def publish(*, actor: Actor, document: Mapping[str, Any] | str) -> DefinitionVersion:
    """Publish a workflow (YAML text, or the same as a mapping) as the version new runs start on.

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
    )
    definition.title, definition.current, definition.is_archived = parsed["title"], version, False
    definition.save(update_fields=["title", "current", "is_archived"])

    audit.record(
        actor=actor, action="definition.published", subject=definition, after={"version": version.number, "new": made}
    )
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
def roll_back(*, actor: Actor, definition: Definition, number: int) -> Definition:
    """Let new runs start on an earlier version again. Raises :class:`NoSuchDefinition` for an unknown number and
    :class:`DefinitionRefused` where workflows would then run one another for ever."""
    definition = Definition.objects.select_for_update().get(pk=definition.pk)
    version = DefinitionVersion.objects.filter(definition=definition, number=number).first()

    require(actor, "workflow.publish_definition", definition)

    if version is None:
        raise NoSuchDefinition(number=number)
    if endless := checks.endless(version.document, selectors.surroundings(version.document)):
        raise DefinitionRefused(fields=endless)

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


def _read(document: Mapping[str, Any] | str) -> Any:
    if isinstance(document, str):
        try:
            document = yaml.safe_load(document)
        except yaml.YAMLError as error:
            raise DefinitionRefused(fields={"document": [str(error)]}) from None
    try:
        # As it will be stored: what JSON cannot say (dates, tuples, numbers as keys) is found here.
        return json.loads(json.dumps(document))
    except (TypeError, ValueError) as error:
        raise DefinitionRefused(fields={"document": [str(error)]}) from None
