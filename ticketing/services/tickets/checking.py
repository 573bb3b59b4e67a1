"""What is given to a ticket's own fields, looked through: types, conditions, audience, what must not be missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from boss.core import schema
from boss.core.actors import Actor
from boss.core.files import Upload
from boss.core.problems import InvalidInput
from ticketing import fields as defs
from ticketing.fields import REFERENCES, FieldDef, Situation, Viewer
from ticketing.registry import reference_kinds
from ticketing.services import attaching

PREFIX = "data."


def cleaned(
    asked: Sequence[FieldDef],
    *,
    actor: Actor,
    viewer: Viewer,
    at: Situation,
    given: Mapping[str, Any],
    held: Mapping[str, Any] | None = None,
    needed: Collection[str] = (),
) -> dict[str, Any]:
    """The ticket's values with ``given`` put in; ``held`` None for a ticket that is being opened.

    What is not given, or given as it was, stays as it is, whatever became of the field's options. What a condition
    hides is neither asked for nor taken. ``needed`` are the keys that must not be missing, whoever fills them in.
    Raises :class:`InvalidInput` with fields ``data.<key>``: a field the viewer may not write is one that is not there.
    """
    opening = held is None
    kept: dict[str, Any] = dict(held or {})
    wrong: dict[str, list[str]] = {}
    effective: dict[str, Any] = {}
    known = {field.key: field for field in asked}
    for key in given:
        field = known.get(key)
        is_asked = field is not None and field.is_given and field.level(viewer) == "write"
        if field is None or not is_asked or (field.archived and not _same(field, given[key], kept.get(key))):
            wrong[PREFIX + key] = [_("There is no such field here.")]
    for field in asked:
        place = PREFIX + field.key
        if not field.is_given or place in wrong or not defs.is_visible(field, effective, viewer, at):
            continue
        if field.archived:
            if field.key in kept:
                effective[field.key] = kept[field.key]
            continue
        writes = field.level(viewer) == "write"
        if writes and (field.key in given or (opening and not actor.is_system)):
            wanted = given.get(field.key)
            if opening and wanted in (None, "", []):
                wanted = defs.proposed(field, effective, viewer, at)
            if opening or not _same(field, wanted, kept.get(field.key)):
                if not defs.may_write(field, {**kept, **effective}, viewer, at):
                    wrong[place] = [_("This cannot be changed now.")]
                    continue
                must = field.required and not (actor.is_system and field.key not in given)
                try:
                    kept.pop(field.key, None)
                    kept.update(
                        _file(field, wanted, actor, must)
                        if field.type == "file"
                        else _checked(field, wanted, required=must)
                    )
                    _refuse_unknown(field, kept, actor)
                except InvalidInput as refused:
                    wrong |= refused.fields
                    continue
        elif opening and field.key not in given:
            kept.update(_by_default(field, effective, viewer, at))
        if field.key in needed and (writes or not opening) and kept.get(field.key) in (None, "", []):
            wrong[place] = [_("Please fill this in.")]
        if field.key in kept:
            effective[field.key] = kept[field.key]
    if wrong:
        raise InvalidInput(fields=wrong)
    for field in asked:
        if field.type == "computed":
            kept.pop(field.key, None)
            if (value := defs.computed(field, effective, viewer, at)) is not None:
                kept[field.key] = value
    return kept


def _by_default(field: FieldDef, values: Mapping[str, Any], viewer: Viewer, at: Situation) -> dict[str, Any]:
    """What stands in a field that is not for whoever opens the ticket; nothing where the field would not take it."""
    value = defs.proposed(field, values, viewer, at)
    if value is None:
        return {}
    try:
        return _checked(field, value, required=False)
    except InvalidInput:
        return {}


def _same(field: FieldDef, wanted: Any, now: Any) -> bool:
    """Given as it was: a form that shows an older value sends it back."""
    if wanted in (None, "", []):
        return now in (None, "", [])
    if wanted == now:
        return True
    if field.type == "file":
        return False
    try:
        return _checked(field, wanted, required=False) == {field.key: now}
    except InvalidInput:
        return False


def _checked(field: FieldDef, value: Any, *, required: bool) -> dict[str, Any]:
    return schema.validate([replace(field, required=required)], {field.key: value}, prefix=PREFIX)


def _file(field: FieldDef, wanted: Any, actor: Actor, required: bool) -> dict[str, Any]:
    """A file is brought, never named: what was typed in its place could be another ticket's."""
    place = PREFIX + field.key
    if wanted in (None, "", []):
        if required:
            raise InvalidInput(fields={place: [_("Please fill this in.")]})
        return {}
    if not isinstance(wanted, Upload):
        raise InvalidInput(fields={place: [_("Choose a file.")]})
    attaching.check([wanted], realm_id=actor.realm_id, place=place)
    return {field.key: wanted.public_id}


def _refuse_unknown(field: FieldDef, values: Mapping[str, Any], actor: Actor) -> None:
    if field.type not in REFERENCES or field.key not in values:
        return
    kind = reference_kinds.find(field.type)
    if kind is None or kind.find(actor, str(values[field.key])) is None:
        raise InvalidInput(fields={PREFIX + field.key: [_("There is no such thing here, or you may not see it.")]})
