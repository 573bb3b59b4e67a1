"""Whether fields and statuses can be published, and the row that holds them afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from ticketing import fields as field_defs
from ticketing import languages, selectors
from ticketing import statuses as status_defs
from ticketing.errors import CategoryRefused
from ticketing.fields import FieldDef
from ticketing.models import Category, CategorySchema
from ticketing.points import Point
from ticketing.statuses import StatusDef

MOST_FIELDS = 100
_STATUS_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST_KEY = 60


def checked(
    fields: Iterable[Characteristic | Mapping[str, Any]],
    statuses: Iterable[StatusDef | Mapping[str, Any]],
    of: Category | None = None,
) -> tuple[list[FieldDef], list[StatusDef]]:
    """Both as they would be published for the category ``of``. Raises :class:`CategoryRefused`."""
    wanted, own, found = judged(fields, statuses, of)
    if found:
        raise CategoryRefused(fields=found)
    return wanted, own


def judged(
    fields: Iterable[Characteristic | Mapping[str, Any]],
    statuses: Iterable[StatusDef | Mapping[str, Any]],
    of: Category | None = None,
) -> tuple[list[FieldDef], list[StatusDef], dict[str, list[str]]]:
    """Both, with what forbids publishing them by place. What cannot be read at all is a fault of ``fields`` or
    ``statuses``."""
    found: dict[str, list[str]] = {}
    wanted: list[FieldDef] = []
    own: list[StatusDef] = []
    try:
        wanted = field_defs.from_json(fields)
    except (ImproperlyConfigured, TypeError, ValueError) as error:
        found["fields"] = [str(error)]
    try:
        own = status_defs.from_json(statuses)
    except (ImproperlyConfigured, TypeError, ValueError) as error:
        found["statuses"] = [str(error)]
    if found:
        return wanted, own, found
    if len(wanted) > MOST_FIELDS:
        found["fields"] = [_("At most %(n)s fields.") % {"n": MOST_FIELDS}]
    for field in wanted:
        if len(field.key) > _LONGEST_KEY:
            found[f"fields.{field.key}.key"] = [_("At most %(n)s characters.") % {"n": _LONGEST_KEY}]
    for status in own:
        if not _STATUS_KEY.fullmatch(status.key):
            found[f"statuses.{status.key}.key"] = [_("Small letters, digits and underscores, beginning with a letter.")]
    found |= field_defs.faults(wanted, [status.key for status in status_defs.effective(own)])
    found |= status_defs.faults(own, [field.key for field in wanted if field.is_given])
    if of is not None:
        with languages.speak(""):  # the options of earlier versions are kept in the first language, as all of them
            known = selectors.known(of).fields
        changed = [f.key for f in wanted if f.key in known and known[f.key].type != f.type]
        if changed:
            message = _("A field cannot change its type; give it a new key: %(keys)s.") % {"keys": ", ".join(changed)}
            found["fields"] = [message]
        wanted = field_defs.retire(wanted, known.values())
    return wanted, own, found


def write(
    category: Category,
    wanted: Sequence[FieldDef],
    own: Sequence[StatusDef],
    *,
    actor: Actor,
    note: str = "",
    points: Sequence[Point] = (),
) -> CategorySchema:
    """The next version of a locked category."""
    category.schema_version += 1
    category.save(update_fields=["schema_version"])
    published: CategorySchema = CategorySchema.objects.create(
        category=category,
        version=category.schema_version,
        characteristics=[field.to_json() for field in wanted],
        statuses=[status.to_json() for status in own],
        checklist=[point.to_json() for point in points],
        published_by=actor.label[:200],
        note=note.strip()[:500],
    )
    return published
