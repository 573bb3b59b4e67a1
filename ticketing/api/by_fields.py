"""Lists of tickets by what their own fields hold: ``?category=wifi&field.speed=4.5``."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput, NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing import by_values, selectors
from ticketing.fields import FieldDef, as_kept

PREFIX = "field."


def narrowed(request: Any, rows: ScopedQuerySet) -> ScopedQuerySet:
    """Raises :class:`InvalidInput` for a field that is not filterable, or that the actor may not read."""
    given = {name: value for name, value in request.GET.items() if name.startswith(PREFIX)}
    if not given:
        return rows
    try:
        category = selectors.get_category(request.actor, request.GET.get("category", ""))
    except NotFound:
        raise InvalidInput(fields={"category": [_("Name the category whose fields are meant.")]}) from None
    known = {PREFIX + field.key: field for field in by_values.filterable_fields(request.actor, category)}
    strange = [name for name in given if name not in known]
    if strange:
        raise InvalidInput(fields={name: [_("There is no such field to filter by.")] for name in strange})
    wanted = {known[name].key: (known[name], _read(known[name], value, name)) for name, value in given.items()}
    return by_values.narrow(rows, category, wanted)


def _read(field: FieldDef, value: str, name: str) -> Any:
    try:
        return as_kept(field, value)
    except InvalidInput as refused:
        raise InvalidInput(fields={name: refused.fields[field.key]}) from None
