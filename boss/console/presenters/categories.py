"""The words of the category editor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters import definitions
from ticketing import fields as field_defs
from ticketing.fields import FieldDef

TYPES = {
    **{kind: definitions.TYPES[kind] for kind in field_defs.TYPES if kind in definitions.TYPES},
    "hostname": gettext_lazy("Host name"),
    "ipv4": gettext_lazy("IPv4 address"),
    "ipv6": gettext_lazy("IPv6 address"),
    "mac": gettext_lazy("MAC address"),
    "site": gettext_lazy("Site"),
    "account": gettext_lazy("Account"),
    "service": gettext_lazy("Service"),
    "device": gettext_lazy("Device"),
    "user": gettext_lazy("Person"),
    "file": gettext_lazy("File"),
    "section": gettext_lazy("Heading"),
    "computed": gettext_lazy("Computed"),
}
LEVELS = {
    "none": gettext_lazy("do not see it"),
    "read": gettext_lazy("read it"),
    "write": gettext_lazy("fill it in"),
}
OPERATORS = {
    "==": gettext_lazy("exactly"),
    "!=": gettext_lazy("anything but"),
    "contains": gettext_lazy("something with"),
    "filled": gettext_lazy("given"),
    "empty": gettext_lazy("not given"),
}
COLOURS = {
    "": gettext_lazy("That of its state"),
    "busy": gettext_lazy("Blue"),
    "wait": gettext_lazy("Amber"),
    "ok": gettext_lazy("Green"),
    "bad": gettext_lazy("Red"),
    "idle": gettext_lazy("Grey"),
}
CLOCKS = {
    "own": gettext_lazy("being taken"),
    "first": gettext_lazy("a first reply"),
    "next": gettext_lazy("a next reply"),
    "resolve": gettext_lazy("the resolution"),
    "inform": gettext_lazy("news in between"),
}
ROLES = {
    "staff": gettext_lazy("Staff"),
    "end_user": gettext_lazy("Customer"),
    "site_owner": gettext_lazy("Property owner"),
}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field in the list of the editor; ``faults`` forbid publishing."""

    key: str
    title: str
    type: str
    facts: list[str]
    archived: bool
    faults: list[str]


def field_rows(fields: list[FieldDef], faults: Mapping[str, list[str]], statuses: Mapping[str, str]) -> list[FieldRow]:
    return [
        FieldRow(
            field.key, field.title, str(TYPES.get(field.type, field.type)), _facts(field, statuses), field.archived,
            faults_at(faults, f"fields.{field.key}"),
        )
        for field in fields
    ]  # fmt: skip


def faults_at(faults: Mapping[str, list[str]], place: str) -> list[str]:
    return [text for key, texts in faults.items() if key.startswith(f"{place}.") for text in texts]


def _facts(field: FieldDef, statuses: Mapping[str, str]) -> list[str]:
    told: list[Any] = [_("archived")] if field.archived else []
    if field.required:
        told.append(_("asked for at once"))
    if field.required_in:
        told.append(_("needed for %(names)s") % {"names": ", ".join(statuses.get(k, k) for k in field.required_in)})
    if field.default is not None or field.default_from is not None:
        told.append(_("has a default"))
    if field.visible_when is not None:
        told.append(_("has a condition"))
    told.append(_("customers %(level)s") % {"level": LEVELS[field.end_user]})
    if field.site_owner != field.end_user:
        told.append(_("property owners %(level)s") % {"level": LEVELS[field.site_owner]})
    if field.pools:
        told.append(_("pools: %(names)s") % {"names": ", ".join(field.pools)})
    return [str(each) for each in told]
