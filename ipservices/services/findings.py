"""What people do about a finding: repair it, adopt it, put it back. Each is a run of the engine, about that finding.

The run does the work at the server (``handlers/resolving``), is tried again, gives a ticket when it cannot, and can be
undone. When it closes, the finding closes with it, in one transaction.
"""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices.choices import FindingKind, FindingResolution, FindingWay, ServiceState
from ipservices.errors import NothingToDo
from ipservices.families import kinds
from ipservices.models import Finding, Service
from ipservices.services.design import SET_ASIDE
from ipservices.services.strays import was_moved_away
from workflow import selectors as workflow
from workflow.contracts import RunEnd
from workflow.services import definitions, runs

SUBJECT_KIND = "ipservices.finding"
REPAIR = "repair-finding"
SET_UP = "set-up-sold"
DEFINITIONS = Path(__file__).resolve().parent.parent / "definitions"

_RESOLVED = {
    FindingWay.REPAIR: FindingResolution.REPAIRED,
    FindingWay.ADOPT: FindingResolution.ADOPTED,
    FindingWay.PUT_BACK: FindingResolution.PUT_BACK,
}


def ways(finding: Finding) -> frozenset[FindingWay]:
    """What can be done about it now."""
    return frozenset(way for way in FindingWay if obstacle(finding, way) is None)


def obstacle(finding: Finding, way: FindingWay) -> str | None:
    """Why ``way`` cannot be gone; None when it can."""
    if finding.is_being_resolved:
        return _("A run is at it now.")
    if way == FindingWay.PUT_BACK:
        undone = finding.resolution in (FindingResolution.REPAIRED, FindingResolution.ADOPTED)
        if not undone or not finding.former_key:
            return _("There is nothing to put back.")
        return None
    if finding.resolved_at is not None:
        return _("It is resolved.")
    return _OBSTACLES[way](finding)


def _cannot_repair(finding: Finding) -> str | None:
    if finding.kind == FindingKind.ORPHAN and lives(finding) and not moved_away(finding):
        return _("A living service has this id: finish or roll back its migration, or end the service.")
    if finding.kind == FindingKind.DRIFT and any(one["field"] == "service_ref" for one in finding.differences):
        return _("On the server it belongs to something else; a person has to look there.")
    if finding.kind == FindingKind.OUTDATED and not finding.differences:
        return _("What it needs has not been set aside.")
    return None


def _cannot_adopt(finding: Finding) -> str | None:
    if finding.kind == FindingKind.ORPHAN:
        return None if heir_of(finding) is not None else _("No service without a server object has this name.")
    if finding.kind != FindingKind.DRIFT:
        return _("There is nothing to take over.")
    kind = kinds.find(finding.full_kind)
    known = set() if kind is None else {*kind.required, *kind.optional} - SET_ASIDE
    fields = {one["field"] for one in finding.differences}
    if fields - known:
        return _("Only values can be taken over, not: %(fields)s.") % {"fields": ", ".join(sorted(fields - known))}
    missing = [one["field"] for one in finding.differences if one["found"] is None]
    if kind is not None and set(missing) & set(kind.required):
        return _("The server lacks what is needed: %(fields)s.") % {"fields": ", ".join(missing)}
    return None


_OBSTACLES = {FindingWay.REPAIR: _cannot_repair, FindingWay.ADOPT: _cannot_adopt}


def lives(finding: Finding) -> bool:
    """Whether a living service has the id that stands in the object."""
    rows = Service.objects.filter(public_id=finding.service_ref.removeprefix("svc-"))
    return bool(rows.exclude(state=ServiceState.TERMINATED).exists())


def moved_away(finding: Finding) -> bool:
    """Whether the living service with this id has been moved to another server, so that this is what stayed behind."""
    return was_moved_away(finding.service_ref, finding.binding)


def heir_of(finding: Finding) -> Service | None:
    """The living service of this kind and name that could take the object over: it has none of its own."""
    if lives(finding):
        return None
    family, _dot, kind = finding.full_kind.partition(".")
    rows = Service.objects.filter(family=family, kind=kind, name=finding.name)
    row: Service | None = rows.exclude(state=ServiceState.TERMINATED).first()
    fits = row is not None and row.binding_id in (None, finding.binding_id)
    content = (known := kinds.find(finding.full_kind)) is not None and known.has_content
    # Taking over means making it anew under the other id: what its owner put there would be lost.
    return row if fits and not content else None


@transactional
def repair(*, actor: Actor, finding: Finding) -> Finding:
    """Bring the server to what BOSS wants: set up, change, or take away. Raises :class:`NothingToDo`."""
    return _begin(actor, finding, FindingWay.REPAIR)


@transactional
def adopt(*, actor: Actor, finding: Finding) -> Finding:
    """Take over what the server holds: its values as the desired ones, or an object left over for the service of that
    name. Raises :class:`NothingToDo`."""
    return _begin(actor, finding, FindingWay.ADOPT)


@transactional
def put_back(*, actor: Actor, finding: Finding) -> Finding:
    """Undo a repair or adoption: the server and the service are as they were found. Raises :class:`NothingToDo`."""
    return _begin(actor, finding, FindingWay.PUT_BACK)


def _begin(actor: Actor, finding: Finding, way: FindingWay) -> Finding:
    row: Finding = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)

    require(actor, "ipservices.change_service")

    if (why := obstacle(row, way)) is not None:
        raise NothingToDo(why, finding=row.public_id)

    before = {"resolution": row.resolution}
    sets_up = row.kind == FindingKind.UNPLANNED
    definition_key = SET_UP if sets_up else REPAIR
    _ship(actor, definition_key)
    row.way, row.asked_by = way, actor.label[:200]
    row.resolution, row.resolved_at = "", None
    row.save()
    inputs = {"finding_id": row.pk, "way": str(way)}
    run = runs.start(
        actor=actor,
        definition_key=definition_key,
        subject=(SUBJECT_KIND, row.pk),
        inputs={**inputs, "subscription_id": row.subscription_id} if sets_up else inputs,
    )
    row.run_id, row.run_public_id = run.pk, run.public_id
    row.save(update_fields=["run_id", "run_public_id"])

    audit.record(actor=actor, action=f"finding.{way}_asked", subject=row, before=before, after={"run": run.public_id})
    return row


def _ship(actor: Actor, key: str) -> None:
    """Publish the workflow where the realm has none of this key; one that people have changed or archived stays."""
    if workflow.find_definition(key) is None:
        system = Actor.system(actor.realm_id)
        definitions.publish(actor=system, document=(DEFINITIONS / f"{key}.yaml").read_text())


@transactional
def close_with_run(*, actor: Actor, finding: Finding, end: RunEnd) -> Finding:
    """Close the finding as its run closed; after a reversal it stands as it stood before somebody asked."""
    row: Finding = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)

    require(actor, "ipservices.change_service")

    if not row.is_being_resolved:
        return row

    way = FindingWay(row.way)
    row.run_id = None
    if end == "completed":
        row.resolution, row.resolved_at = _RESOLVED[way], clock.now()
    elif way == FindingWay.PUT_BACK:
        row.resolution, row.resolved_at = FindingResolution.REPAIRED, clock.now()
    row.save()

    audit.record(
        actor=actor, action=f"finding.{row.resolution or 'left_open'}", subject=row, after={"run": row.run_public_id}
    )
    return row
