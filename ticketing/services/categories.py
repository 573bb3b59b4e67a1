"""Categories and their fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core import audit, locks, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from boss.core.services import service
from ticketing import selectors
from ticketing.choices import CategoryKind, Priority
from ticketing.errors import KeyTaken
from ticketing.models import Category, CategorySchema, TalentPool

Fields = Iterable[Characteristic | dict[str, Any]]


@service
def create(
    *,
    actor: Actor,
    key: str,
    name: str,
    kind: str = CategoryKind.SUPPORT,
    parent: Category | None = None,
    default_pool: TalentPool | None = None,
    priority: int = Priority.NORMAL,
    number_prefix: str = "",
    portal_visible: bool = False,
    first_reply_target: dt.timedelta | None = None,
    resolve_target: dt.timedelta | None = None,
    fields: Fields = (),
) -> Category:
    """Make a category, with version 1 of its fields when there are any.

    Raises :class:`KeyTaken`, and :class:`InvalidInput` with fields ``name``, ``parent``, ``fields``.
    """
    require(actor, "ticketing.manage_categories")

    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    if parent is not None and parent.parent_id is not None:
        raise InvalidInput(fields={"parent": [_("Categories have two levels: choose one of the first.")]})
    locks.hold(f"ticketing.category:{key}")
    if selectors.find_category(key) is not None:
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})
    wanted = _checked(fields)

    category: Category = Category(
        key=key,
        name=name.strip(),
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
    if wanted:
        _publish(category, wanted)

    audit.record(actor=actor, action="category.created", subject=category, after={"key": key, "kind": kind})
    return category


@service
def publish_fields(*, actor: Actor, category: Category, fields: Fields) -> CategorySchema:
    """Publish the next version of a category's fields. Tickets keep the version they were opened with.

    A key never changes its type: tickets of all versions are read together. Raises :class:`InvalidInput`.
    """
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    wanted = _checked(fields)
    former = selectors.find_schema(category)
    types = {field.key: field.type for field in former.fields()} if former else {}
    changed = [field.key for field in wanted if types.get(field.key, field.type) != field.type]
    if changed:
        message = _("A field cannot change its type; give it a new key: %(keys)s.") % {"keys": ", ".join(changed)}
        raise InvalidInput(fields={"fields": [message]})

    published = _publish(category, wanted)

    audit.record(
        actor=actor, action="category.fields_published", subject=category, after={"version": published.version}
    )
    return published


@service
def archive(*, actor: Actor, category: Category) -> Category:
    """Offer a category no longer. Its tickets stay as they are."""
    category = Category.objects.select_for_update().get(pk=category.pk)

    require(actor, "ticketing.manage_categories")

    category.is_archived = True
    category.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="category.archived", subject=category)
    return category


def _checked(fields: Fields) -> Sequence[Characteristic]:
    items = [field if isinstance(field, dict) else field.to_json() for field in fields]
    try:
        wanted = schema.from_json(items)
    except ImproperlyConfigured as error:
        raise InvalidInput(fields={"fields": [str(error)]}) from None
    if any(field.type == "secret" for field in wanted):
        # Ticket fields are shown, searched and exported; a secret has no place among them.
        raise InvalidInput(fields={"fields": [_("A ticket field cannot be a secret.")]})
    return wanted


def _publish(category: Category, wanted: Sequence[Characteristic]) -> CategorySchema:
    category.schema_version += 1
    category.save(update_fields=["schema_version"])
    published: CategorySchema = CategorySchema.objects.create(
        category=category,
        version=category.schema_version,
        characteristics=[field.to_json() for field in wanted],
    )
    return published
