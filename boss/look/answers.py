"""What somebody has answered in a form so far, for the conditions that decide what else it asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.http import QueryDict

from boss.core import schema
from boss.core.problems import InvalidInput
from ticketing.fields import FieldDef

PREFIX = "data."


def so_far(
    every: Iterable[FieldDef], typed: QueryDict, held: Mapping[str, Any], *, on_page: Collection[str] | None = None
) -> dict[str, Any]:
    """The values of ``held`` with what was typed in their place. What cannot be read yet counts as not given: it is
    said beside its box when the form is sent.

    ``on_page``: the keys whose boxes stood in the form, as a box that is not ticked sends nothing; None: all.
    """
    values = dict(held)
    for item in every:
        if not item.is_given or item.type == "file" or (on_page is not None and item.key not in on_page):
            continue
        widget = schema.form_fields([item])[item.key].widget
        raw = widget.value_from_datadict(typed, {}, PREFIX + item.key)  # type: ignore[arg-type]
        values.pop(item.key, None)
        try:
            values |= schema.validate([replace(item, required=False, default=None)], {item.key: raw})
        except InvalidInput:
            continue
    return values
