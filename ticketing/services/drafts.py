"""The working copy of a category's fields and statuses, and what publishing it would do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from boss.core.services import service
from ticketing import fields as field_defs
from ticketing import points, selectors, statuses
from ticketing.errors import DraftChanged
from ticketing.fields import SYSTEM, FieldDef
from ticketing.models import Category, CategoryDraft, CategorySchema, Ticket
from ticketing.services import categories, versions
from ticketing.services.tickets import checking
from ticketing.statuses import StatusDef

RECENT = 20
MOST = 100
PERMISSION = "ticketing.manage_categories"
Fields = Iterable[Characteristic | Mapping[str, Any]]
Statuses = Iterable[StatusDef | Mapping[str, Any]]
Points = Iterable[points.Point | Mapping[str, Any]]


@service
def save(
    *,
    actor: Actor,
    category: Category,
    fields: Fields | None = None,
    statuses: Statuses | None = None,
    checklist: Points | None = None,
    revision: int | None = None,
) -> CategoryDraft:
    """Keep fields, statuses, checklist or several as the category's draft, begun from what is published where there is
    none.

    A draft may be faulty, but must be readable: raises :class:`boss.core.problems.InvalidInput` with ``fields``,
    ``statuses`` or ``checklist``. With ``revision`` (0: none yet) it refuses to overwrite what somebody else has kept
    meanwhile: :class:`DraftChanged`.
    """
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, PERMISSION)

    draft = selectors.find_draft(category)
    if revision is not None and revision != (draft.revision if draft else 0):
        raise DraftChanged(revision=draft.revision if draft else 0)
    made = draft is None
    if draft is None:
        published = selectors.find_schema(category)
        draft = CategoryDraft(
            category=category,
            characteristics=published.characteristics if published else [],
            statuses=published.statuses if published else [],
            checklist=published.checklist if published else [],
            revision=0,
        )
    wanted, own, found = versions.judged(
        draft.characteristics if fields is None else fields, draft.statuses if statuses is None else statuses
    )
    unreadable: dict[str, list[str]] = {place: found[place] for place in ("fields", "statuses") if place in found}
    if unreadable:
        raise InvalidInput(fields=unreadable)
    draft.characteristics = [field.to_json() for field in wanted]
    draft.statuses = [status.to_json() for status in own]
    if checklist is not None:
        draft.checklist = [point.to_json() for point in points.read(checklist)]
    draft.revision, draft.updated_by = draft.revision + 1, actor.label[:200]
    draft.save()

    audit.record(
        actor=actor, action="category.draft_saved", subject=category, after={"revision": draft.revision, "new": made}
    )
    return draft


@service
def discard(*, actor: Actor, category: Category) -> None:
    """Throw the draft away; what is published stays."""
    require(actor, PERMISSION)

    deleted, _of = CategoryDraft.objects.filter(category=category).delete()
    if deleted:
        audit.record(actor=actor, action="category.draft_discarded", subject=category, after={})


@service
def publish(*, actor: Actor, category: Category, revision: int | None = None, note: str = "") -> CategorySchema:
    """Publish the draft as the next version; it is gone then. Raises :class:`DraftChanged` when it is not the one that
    was looked at, and :class:`CategoryRefused` with every fault at its place."""
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, PERMISSION)

    draft = selectors.find_draft(category)
    if draft is None:
        raise InvalidInput(_("There is no draft to publish."))
    if revision is not None and revision != draft.revision:
        raise DraftChanged(revision=draft.revision)

    published = categories.publish_fields(
        actor=actor,
        category=category,
        fields=draft.characteristics,
        statuses=draft.statuses,
        checklist=draft.checklist,
        note=note,
    )
    draft.delete()
    return published


# What it would do


@dataclass(frozen=True, slots=True)
class Effect:
    """What publishing would mean for one ticket when it is next edited. ``lost``: values that no field shows any more;
    ``retired``: values whose option is not offered any more; ``wrong``: values the fields would not take again;
    ``missing``: fields its present status would ask for; ``status``: the status it would have."""

    ticket: Ticket
    lost: tuple[str, ...]
    retired: tuple[str, ...]
    wrong: tuple[str, ...]
    missing: tuple[str, ...]
    status: StatusDef
    status_changes: bool

    @property
    def is_harmless(self) -> bool:
        return not (self.lost or self.retired or self.wrong or self.missing or self.status_changes)


def dry_run(*, actor: Actor, category: Category) -> list[Effect]:
    """What the draft would mean for the category's newest tickets that the actor sees. Changes nothing."""
    require(actor, PERMISSION)

    draft = selectors.find_draft(category)
    if draft is None:
        return []
    wanted, own, _found = versions.judged(draft.characteristics, draft.statuses, category)
    known = statuses.effective(own)
    former = selectors.known(category).fields
    recent = selectors.list_tickets(actor).filter(category=category)[:RECENT]
    return [_effect(actor, ticket, wanted, known, former) for ticket in recent]


def _effect(
    actor: Actor,
    ticket: Ticket,
    wanted: Sequence[FieldDef],
    known: Sequence[StatusDef],
    former: Mapping[str, FieldDef],
) -> Effect:
    fields = {field.key: field for field in wanted}
    status = statuses.find(known, ticket.status) or statuses.first_of(known, ticket.state)
    at = field_defs.Situation(status.key, ticket.state)
    lost, retired, wrong = [], [], []
    for key, value in ticket.data.items():
        if key == selectors.ORPHANS:
            continue
        field = fields.get(key)
        title = former[key].title if key in former else key
        if field is None:
            lost.append(title)
            continue
        values = value if isinstance(value, list) else [value]
        if any(one in dict(field.retired) for one in values if isinstance(one, str)):
            retired.append(field.title)
        elif field.is_given and not _takes(field, value, actor, at):
            wrong.append(field.title)
    asked = statuses.needed(wanted, status)
    missing = [
        field.title
        for field in field_defs.shown(wanted, ticket.data, SYSTEM, at)
        if field.key in asked and ticket.data.get(field.key) in (None, "", [])
    ]
    return Effect(
        ticket, tuple(lost), tuple(retired), tuple(wrong), tuple(missing), status, status.key != ticket.status
    )


def _takes(field: FieldDef, value: Any, actor: Actor, at: field_defs.Situation) -> bool:
    if field.type == "file":
        return True
    try:
        checking.cleaned([field], actor=actor, viewer=SYSTEM, at=at, given={field.key: value})
    except InvalidInput:
        return False
    return True
