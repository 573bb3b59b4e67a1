"""Categories, and the versions of their fields and statuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from boss.core import audit, events, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, NotFound
from boss.core.schema import Characteristic
from boss.core.services import service
from ticketing import desk, selectors
from ticketing.choices import CategoryKind, Priority
from ticketing.errors import KeyTaken
from ticketing.events import CategoryPublished
from ticketing.fields import FieldDef
from ticketing.models import Category, CategorySchema, TalentPool, Ticket
from ticketing.points import Point
from ticketing.points import read as read_points
from ticketing.services import versions
from ticketing.services.tickets import projecting
from ticketing.statuses import StatusDef

Fields = Iterable[Characteristic | dict[str, Any]]
Statuses = Iterable[StatusDef | Mapping[str, Any]]
Points = Iterable[Point | Mapping[str, Any]]
_CHANGED = (
    "name", "names", "kind", "parent", "default_pool", "priority", "number_prefix", "portal_visible",
    "first_reply_target", "resolve_target",
)  # fmt: skip


@service
def create(
    *,
    actor: Actor,
    key: str,
    name: str,
    names: Mapping[str, str] | None = None,
    kind: str = CategoryKind.SUPPORT,
    parent: Category | None = None,
    default_pool: TalentPool | None = None,
    priority: int = Priority.NORMAL,
    number_prefix: str = "",
    portal_visible: bool = False,
    first_reply_target: dt.timedelta | None = None,
    resolve_target: dt.timedelta | None = None,
    fields: Fields = (),
    statuses: Statuses = (),
) -> Category:
    """Make a category, with version 1 of its fields and statuses when there are any.

    Raises :class:`KeyTaken`, :class:`CategoryRefused`, and :class:`InvalidInput` with fields ``name``, ``parent``.
    """
    require(actor, "ticketing.manage_categories")

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    if parent is not None and parent.parent_id is not None:
        raise InvalidInput(fields={"parent": [_("Categories have two levels: choose one of the first.")]})
    locks.hold(f"ticketing.category:{key}")
    if selectors.find_category(key) is not None:
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})
    wanted, own = versions.checked(fields, statuses)

    category: Category = Category(
        key=key,
        name=name.strip(),
        names=_names(actor, names),
        kind=kind,
        parent=parent,
        default_pool=default_pool,
        priority=priority,
        number_prefix=number_prefix.strip().upper(),
        portal_visible=portal_visible,
        first_reply_target=first_reply_target,
        resolve_target=resolve_target,
    )
    category.clean_fields()
    category.save()
    if wanted or own:
        versions.write(category, wanted, own, actor=actor)

    audit.record(actor=actor, action="category.created", subject=category, after={"key": key, "kind": kind})
    return category


@service
def change(
    *,
    actor: Actor,
    category: Category,
    name: str,
    kind: str,
    parent: Category | None,
    default_pool: TalentPool | None,
    priority: int,
    number_prefix: str,
    portal_visible: bool,
    first_reply_target: dt.timedelta | None,
    resolve_target: dt.timedelta | None,
    names: Mapping[str, str] | None = None,
) -> Category:
    """Set what is not versioned. Tickets that are open keep their pool, priority and promises. ``names``: by language
    of the realm; None leaves them as they are.

    Raises :class:`InvalidInput` with fields ``name``, ``parent``.
    """
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    if parent is not None and (parent.parent_id is not None or parent.pk == category.pk):
        raise InvalidInput(fields={"parent": [_("Categories have two levels: choose one of the first.")]})
    if parent is not None and Category.objects.filter(parent=category).exists():
        raise InvalidInput(fields={"parent": [_("This one has categories below it.")]})

    before = _told(category)
    if names is not None:
        category.names = _names(actor, names)
    category.name, category.kind, category.parent, category.default_pool = name.strip(), kind, parent, default_pool
    category.priority, category.number_prefix = priority, number_prefix.strip().upper()
    category.portal_visible = portal_visible
    category.first_reply_target, category.resolve_target = first_reply_target, resolve_target
    try:
        category.clean_fields()
    except ValidationError as error:
        raise InvalidInput(fields=error.message_dict) from None
    category.save(update_fields=list(_CHANGED))

    audit.record(actor=actor, action="category.changed", subject=category, before=before, after=_told(category))
    return category


@service
def publish_fields(
    *,
    actor: Actor,
    category: Category,
    fields: Fields,
    statuses: Statuses | None = None,
    checklist: Points | None = None,
    note: str = "",
) -> CategorySchema:
    """Publish the next version of a category's fields, statuses and checklist (as they are when None).

    Tickets go up to it when they are edited. A key never changes its type: tickets of all versions are read together.
    Options that are no longer offered stay readable. Raises :class:`CategoryRefused`, which names every fault at its
    place ("fields.<key>.visible_when").
    """
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    former = selectors.find_schema(category) if statuses is None or checklist is None else None
    if statuses is None:
        statuses = former.own_statuses() if former else ()
    wanted_points = read_points((former.points() if former else ()) if checklist is None else checklist)
    wanted, own = versions.checked(fields, statuses, of=category)
    used = {field.key for field in (*wanted, *_former_fields(category)) if field.is_projected}

    published = versions.write(category, wanted, own, actor=actor, note=note, points=wanted_points)

    audit.record(
        actor=actor, action="category.fields_published", subject=category,
        after={"version": published.version, "note": published.note},
    )  # fmt: skip
    if used and Ticket.objects.filter(category=category).exists():
        events.publish(CategoryPublished(category_id=category.pk, version=published.version))
    return published


@service
def revert(*, actor: Actor, category: Category, version: int) -> CategorySchema:
    """Publish what an earlier version said once more, as the next one: versions never change. Raises
    :class:`boss.core.problems.NotFound` for an unknown number."""
    require(actor, "ticketing.manage_categories")

    former = selectors.find_schema(category, version) if version > 0 else None
    if former is None:
        raise NotFound(version=version)
    return publish_fields(
        actor=actor, category=category, fields=former.characteristics, statuses=former.statuses,
        checklist=former.checklist, note=_("As in version %(n)s") % {"n": version},
    )  # fmt: skip


@service
def copy_values(*, actor: Actor, category: Category) -> int:
    """Make the typed copy of a category's ticket fields anew; how many tickets that were."""
    require(actor, "ticketing.manage_categories")

    done = projecting.copy_all(category)

    audit.record(actor=actor, action="category.values_copied", subject=category, after={"tickets": done})
    return done


@service
def archive(*, actor: Actor, category: Category) -> Category:
    """Offer a category no longer. Its tickets stay as they are."""
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    category.is_archived = True
    category.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="category.archived", subject=category, after={"key": category.key})
    return category


@service
def restore(*, actor: Actor, category: Category) -> Category:
    """Offer an archived category again."""
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    category.is_archived = False
    category.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="category.restored", subject=category, after={"key": category.key})
    return category


def _names(actor: Actor, names: Mapping[str, str] | None) -> dict[str, str]:
    """Names by language. Raises :class:`InvalidInput` for a language the realm does not speak."""
    known = desk.languages_of(actor.realm_id)[1:]
    kept = {tag: name.strip()[:80] for tag, name in (names or {}).items() if name.strip()}
    if strange := sorted(set(kept) - set(known)):
        raise InvalidInput(fields={"names": [_("Not a language of the provider: %(tags)s") % {"tags": strange[0]}]})
    return kept


def _former_fields(category: Category) -> list[FieldDef]:
    former = selectors.find_schema(category)
    return former.fields() if former else []


def _told(category: Category) -> dict[str, Any]:
    """What the audit trail says of a category."""
    return {
        "name": category.name,
        "names": category.names,
        "kind": category.kind,
        "parent": category.parent.key if category.parent else None,
        "default_pool": category.default_pool.key if category.default_pool else None,
        "priority": category.priority,
        "number_prefix": category.number_prefix,
        "portal_visible": category.portal_visible,
        "first_reply_target": str(category.first_reply_target or ""),
        "resolve_target": str(category.resolve_target or ""),
    }
