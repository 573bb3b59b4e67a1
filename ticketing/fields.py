"""A category's own fields: what is asked, of whom, when it is shown, and who may read and write it.

A :class:`FieldDef` is a characteristic with what only the desk needs. Conditions (``visible_when``, ``editable_when``)
and computed fields are expressions of :mod:`boss.core.expressions`, evaluated on the server alone, on these names:
``fields.<key>``, ``status`` (the category's own key), ``state`` (the fixed class behind it) and ``role`` (who looks).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Literal

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext as _

from boss.core import expression_types, schema
from boss.core.expression_types import Type
from boss.core.expressions import ExpressionError, evaluate, names_in
from boss.core.problems import InvalidInput
from boss.core.schema import NUMBERS, Characteristic
from ticketing.choices import TicketState
from ticketing.languages import spoken

REFERENCES = ("site", "account", "service", "device", "user")
"""Types whose value is the public id of something of another room (``ticketing.registry.reference_kinds``)."""
DISPLAY_ONLY = ("section", "computed")
"""Never given: a section is a heading, a computed field comes from the others."""
TYPES = (*(kind for kind in schema.TYPES if kind != "secret"), *REFERENCES, "file", *DISPLAY_ONLY)
"""No secrets: ticket fields are shown, searched and exported. A file's value is the public id of its attachment."""

Level = Literal["none", "read", "write"]
Role = Literal["end_user", "site_owner", "staff", "system"]
LEVELS = ("none", "read", "write")
ROLES = ("end_user", "site_owner", "staff", "system")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a ticket, as far as its fields are concerned. ``pools``: the keys of the talent pools he is in."""

    role: Role
    pools: frozenset[str] = frozenset()


SYSTEM = Viewer("system")


@dataclass(frozen=True, slots=True)
class FieldDef(Characteristic):
    """One field of a category.

    ``required``: when the ticket is opened; ``required_in``: before it enters one of these statuses.
    ``end_user``, ``site_owner`` and ``staff`` say what each may do with it; with ``pools`` only members of these pools
    among the staff. ``staff_only`` is the short form of none for both kinds of customers.
    ``filterable``, ``reportable`` and ``searchable`` fields have a typed copy (``TicketFieldValue``).
    ``pii``: personal; its values are not written into journals. ``retired``: options no longer offered, still readable.
    ``compute``: the expression of a computed field. ``default_from``: the expression of what stands in a field that
    nobody fills in when the ticket is opened, where no constant ``default`` does. ``archived``: asked of nobody any
    more; what tickets hold stays readable. ``words``: label, help and choices (by key) in other languages.
    """

    required_in: tuple[str, ...] = ()
    visible_when: Any = None
    editable_when: Any = None
    end_user: str = "write"
    site_owner: str = "write"
    staff: str = "write"
    pools: tuple[str, ...] = ()
    filterable: bool = False
    reportable: bool = False
    searchable: bool = False
    pii: bool = False
    group: str = ""
    retired: tuple[tuple[str, str], ...] = ()
    compute: Any = None
    default_from: Any = None
    archived: bool = False
    words: Any = None

    known_types: ClassVar[tuple[str, ...]] = TYPES

    def __post_init__(self) -> None:
        Characteristic.__post_init__(self)  # super() of a class with slots is the class before it got them
        if self.staff_only:
            object.__setattr__(self, "end_user", "none")
            object.__setattr__(self, "site_owner", "none")
        elif self.end_user == self.site_owner == "none":
            object.__setattr__(self, "staff_only", True)
        for name in ("required_in", "pools"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "retired", tuple((str(key), str(label)) for key, label in self.retired))
        if strange := {self.end_user, self.site_owner, self.staff} - set(LEVELS):
            raise ImproperlyConfigured(f"field {self.key!r}: an audience does not {', '.join(sorted(strange))}")
        if self.type in ("section", "computed", "file") and (self.default is not None or self.default_from is not None):
            raise ImproperlyConfigured(f"field {self.key!r}: a {self.type} has no default")
        if self.type == "computed" and self.compute is None:
            raise ImproperlyConfigured(f"field {self.key!r}: a computed field needs an expression")

    def to_json(self) -> dict[str, Any]:
        plain = Characteristic.to_json(self)
        for name in ("required_in", "pools"):
            if name in plain:
                plain[name] = list(plain[name])
        if "retired" in plain:
            plain["retired"] = [list(option) for option in self.retired]
        return plain

    @property
    def is_given(self) -> bool:
        """Somebody fills it in."""
        return self.type not in DISPLAY_ONLY

    @property
    def is_projected(self) -> bool:
        return self.type not in ("section", "file") and (self.filterable or self.reportable or self.searchable)

    @property
    def labels(self) -> dict[str, str]:
        """Options by key, those of former versions among them."""
        return {**dict(self.retired), **dict(self.options)}

    def level(self, viewer: Viewer) -> str:
        """What ``viewer`` may do with it: none, read or write."""
        if viewer.role == "system":
            return "write"
        if viewer.role != "staff":
            return self.end_user if viewer.role == "end_user" else self.site_owner
        return self.staff if not self.pools or viewer.pools & set(self.pools) else "none"


def said(fields: Iterable[FieldDef]) -> list[FieldDef]:
    """The fields in the language spoken (:mod:`ticketing.languages`)."""
    language = spoken()
    return [_said(field, (field.words or {}).get(language) or {}) if language else field for field in fields]


def _said(field: FieldDef, words: Mapping[str, Any]) -> FieldDef:
    options: Mapping[str, str] = words.get("choices") or {}
    return replace(
        field,
        label=words.get("label") or field.label,
        help=words.get("help") or field.help,
        choices=tuple((key, options.get(key) or label) for key, label in field.choices),
        retired=tuple((key, options.get(key) or label) for key, label in field.retired),
    )


def from_json(items: Iterable[Characteristic | Mapping[str, Any]]) -> list[FieldDef]:
    """Fields as they are stored, or as other code describes them. Raises ImproperlyConfigured."""
    return schema.read([item.to_json() if isinstance(item, Characteristic) else dict(item) for item in items], FieldDef)


def json_schema(fields: Iterable[FieldDef]) -> dict[str, Any]:
    """The JSON Schema of the values, with what only the desk knows of a field under ``x-boss``."""
    every = list(fields)
    shape = schema.json_schema(field for field in every if field.is_given)
    for field in every:
        if field.is_given:
            shape["properties"][field.key]["x-boss"] = {
                "type": field.type,
                "audience": {
                    "end_user": field.end_user, "site_owner": field.site_owner, "staff": field.staff,
                    "pools": list(field.pools),
                },
                "required": {"on_create": field.required, "on_enter": list(field.required_in)},
                "conditional": field.visible_when is not None,
            }  # fmt: skip
            if field.words:
                shape["properties"][field.key]["x-boss"]["words"] = field.words
            if field.archived:
                shape["properties"][field.key]["deprecated"] = True
    # One that a condition may hide cannot be asked for by everybody who reads the schema.
    free = {field.key for field in every if field.visible_when is not None or field.archived}
    shape["required"] = [key for key in shape["required"] if key not in free]
    return shape


# What holds for a ticket


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a ticket stands, for conditions."""

    status: str = TicketState.NEW.value
    state: str = TicketState.NEW.value


def names(values: Mapping[str, Any], viewer: Viewer, at: Situation) -> dict[str, Any]:
    return {"fields": dict(values), "status": at.status, "state": at.state, "role": viewer.role}


def shown(fields: Iterable[FieldDef], values: Mapping[str, Any], viewer: Viewer, at: Situation) -> list[FieldDef]:
    """The fields ``viewer`` sees of a ticket with these values, in their order."""
    return [
        field
        for field, seen in _walk(fields, values, viewer, at)
        if seen and field.level(viewer) != "none" and (not field.archived or field.key in values)
    ]


def asked(fields: Iterable[FieldDef], values: Mapping[str, Any], viewer: Viewer, at: Situation) -> list[FieldDef]:
    """The fields ``viewer`` may fill in now, and the headings between them."""
    found = [
        field
        for field in shown(fields, values, viewer, at)
        if not field.archived and (field.type == "section" or (field.is_given and may_write(field, values, viewer, at)))
    ]
    given = [field for field in found if field.is_given]
    return found if given else []


def may_write(field: FieldDef, values: Mapping[str, Any], viewer: Viewer, at: Situation) -> bool:
    return field.level(viewer) == "write" and _says(field.editable_when, names(values, viewer, at))


def is_visible(field: FieldDef, values: Mapping[str, Any], viewer: Viewer, at: Situation) -> bool:
    return _says(field.visible_when, names(values, viewer, at))


def _walk(
    fields: Iterable[FieldDef], values: Mapping[str, Any], viewer: Viewer, at: Situation
) -> Iterator[tuple[FieldDef, bool]]:
    """Each field and whether its condition holds. What is hidden counts as empty for the fields below it."""
    effective = dict(values)
    for field in fields:
        seen = is_visible(field, effective, viewer, at)
        if not seen:
            effective.pop(field.key, None)
        yield field, seen


def _says(condition: Any, known: Mapping[str, Any]) -> bool:
    if condition is None:
        return True
    try:
        return bool(evaluate(condition, known))
    except ExpressionError:  # a value of an older version that does not fit: closed
        return False


def computed(field: FieldDef, values: Mapping[str, Any], viewer: Viewer, at: Situation) -> Any:
    """The value of a computed field; None when it cannot be told."""
    try:
        return evaluate(field.compute, names(values, viewer, at))
    except ExpressionError:
        return None


def proposed(field: FieldDef, values: Mapping[str, Any], viewer: Viewer, at: Situation) -> Any:
    """What stands in an empty field of a ticket that is being opened: its default, as the fields above it are now."""
    if field.default is not None or field.default_from is None:
        return field.default
    try:
        return evaluate(field.default_from, names(values, viewer, at))
    except ExpressionError:
        return None


def depends(fields: Iterable[FieldDef]) -> frozenset[str]:
    """The keys of fields that decide what else is shown."""
    read = {name for field in fields for name in names_in(field.visible_when) | names_in(field.editable_when)}
    return frozenset(name.removeprefix("fields.") for name in read if name.startswith("fields."))


# Versions


def retire(wanted: Sequence[FieldDef], former: Iterable[FieldDef]) -> list[FieldDef]:
    """``wanted`` with the options that ``former`` offered and it does not, so that old values keep their words."""
    known = {field.key: field for field in former}
    found = []
    for field in wanted:
        options = dict(field.options)
        before = known[field.key].labels if field.key in known else dict(field.retired)
        gone = tuple((key, label) for key, label in before.items() if key not in options)
        found.append(replace(field, retired=gone))
    return found


Faults = dict[str, list[str]]


def faults(fields: Sequence[FieldDef], statuses: Collection[str]) -> Faults:
    """What forbids publishing these fields beside statuses of these keys, by place ("fields.<key>.visible_when")."""
    found: Faults = {}
    above: dict[str, Type] = {}
    every = {field.key: field for field in fields if field.is_given}
    texts = {
        "status": Type("text", values=frozenset(statuses)),
        "state": Type("text", values=frozenset(TicketState.values)),
        "role": Type("text", values=frozenset(ROLES)),
    }
    whole = {key: expression_types.of_characteristic(field).or_null() for key, field in every.items()}
    for field in fields:
        place = f"fields.{field.key}"
        if strange := sorted(set(field.required_in) - set(statuses)):
            found[f"{place}.required_in"] = [_("There is no status %(keys)s.") % {"keys": ", ".join(strange)}]
        if field.visible_when is not None:
            known = expression_types.record({**texts, "fields": expression_types.record(above)})
            if problems := expression_types.condition_problems(field.visible_when, known):
                hint = _("A condition sees the fields above its own.")
                found[f"{place}.visible_when"] = [*problems, hint]
        if fault := _default_fault(field, expression_types.record({**texts, "fields": expression_types.record(above)})):
            found[f"{place}.{fault[0]}"] = fault[1]
        known = expression_types.record({**texts, "fields": expression_types.record(whole)})
        if field.editable_when is not None and (
            problems := expression_types.condition_problems(field.editable_when, known)
        ):
            found[f"{place}.editable_when"] = problems
        if field.compute is not None:
            given, problems = expression_types.type_of(field.compute, known)
            if not problems and given.kind in ("list", "object"):
                problems = [_("A computed field is a text, a number, or a yes or no.")]
            if problems:
                found[f"{place}.compute"] = problems
        if field.type == "file" and (field.filterable or field.reportable or field.searchable):
            found[f"{place}.filterable"] = [_("Lists, reports and search do not look into files.")]
        if field.is_given:
            above[field.key] = whole[field.key]
    return found


def _default_fault(field: FieldDef, known: Type) -> tuple[str, list[str]] | None:
    """Where and why its default is none it would take itself."""
    if field.default is not None and field.is_given:
        try:
            schema.validate([replace(field, default=None)], {field.key: field.default})
        except InvalidInput as refused:
            return "default", refused.fields[field.key]
    if field.default_from is None:
        return None
    given, problems = expression_types.type_of(field.default_from, known)
    misfit = "" if problems else expression_types.misfit(given, expression_types.of_characteristic(field).or_null())
    problems = [*problems, *([misfit] if misfit else [])]
    return ("default_from", problems) if problems else None


# The typed copy

LONGEST = 200
"""How many letters of a text are copied, and compared."""


def typed(field: FieldDef, value: Any) -> dict[str, Any]:
    """The column and value under which a value is kept, also when it is looked for."""
    if isinstance(value, bool):
        return {"v_bool": value}
    if field.type in NUMBERS or (field.type == "computed" and isinstance(value, int | float)):
        return {"v_num": round(Decimal(str(value)), 6)}
    if field.type in ("date", "datetime"):
        moment = dt.datetime.fromisoformat(str(value))
        return {"v_ts": moment if moment.tzinfo else timezone.make_aware(moment, dt.UTC)}
    return {"v_text": str(value).lower()[:LONGEST]}


def column_of(field: FieldDef) -> str:
    """The column that a field's values are sorted by."""
    if field.type in NUMBERS or field.type == "computed":
        return "v_num"
    if field.type == "boolean":
        return "v_bool"
    return "v_ts" if field.type in ("date", "datetime") else "v_text"


def as_kept(field: FieldDef, text: str) -> Any:
    """A value as people type it into a filter, as the field keeps it. Raises :class:`boss.core.problems.InvalidInput`
    at the field's key."""
    if field.type == "computed":
        return {"true": True, "false": False}.get(text.lower(), text)
    kind = "choice" if field.type == "multi_choice" else field.type
    asked = replace(field, type=kind, required=True, choices=(*field.choices, *field.retired))
    return schema.validate([asked], {field.key: text})[field.key]
