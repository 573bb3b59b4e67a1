"""Entries of the audit trail as people read them: a sentence, a diff, a link to what it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from boss.console.presenters.words import label, plain
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.look import deeds
from ipservices.models import Service
from subscribers.models import Account, Order
from ticketing.models import Ticket
from workflow.models import Definition, Run

PAGES: dict[str, tuple[type[models.Model], str]] = {
    model._meta.label_lower: (model, f"console:{view}")
    for model, view in (
        (Account, "account"), (Order, "order"), (Run, "run"), (Service, "service"), (Ticket, "ticket"),
        (Definition, "workflow"),
    )
}  # fmt: skip

ACTORS: dict[str, str | Promise] = {
    "user": gettext_lazy("Person"),
    "api_key": gettext_lazy("API key"),
    "system": gettext_lazy("The system"),
    "visitor": gettext_lazy("Visitor"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One value that changed. ``before`` or ``after`` is empty where there was none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    what: str
    action: str
    who: str
    instead_of: str
    actor_kind: str | Promise
    address: str
    subject: str
    kind: str
    url: str
    changes: list[Change]
    request_id: str


def lines(actor: Actor, entries: Sequence[AuditEntry]) -> list[Line]:
    """A page of entries; one question a kind of subject for the links, however many entries there are."""
    urls = _urls(actor, entries)
    return [
        Line(
            at=entry.at,
            what=deeds.said(entry.action, entry.subject_label),
            action=entry.action,
            who=entry.actor_label,
            instead_of=entry.on_behalf_of_label,
            actor_kind=ACTORS.get(entry.actor_kind, entry.actor_kind),
            address=entry.address or "",
            subject=entry.subject_label,
            kind=entry.subject_kind,
            url=urls.get((entry.subject_kind, entry.subject_id), ""),
            changes=changes(entry.before, entry.after),
            request_id=entry.request_id,
        )
        for entry in entries
    ]


def _urls(actor: Actor, entries: Sequence[AuditEntry]) -> dict[tuple[str, int | None], str]:
    found: dict[tuple[str, int | None], str] = {}
    for kind, (model, view) in PAGES.items():
        ids = {entry.subject_id for entry in entries if entry.subject_kind == kind and entry.subject_id}
        if ids:
            rows = model.objects.visible_to(actor).filter(pk__in=ids)  # type: ignore[attr-defined]
            found |= {(kind, pk): reverse(view, args=[name]) for pk, name in rows.values_list("pk", "public_id")}
    return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs, value by value, nested members with their path; what is the same is left out."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return [
        Change(
            " › ".join(label(part) for part in path),
            plain(old[path]) if path in old else "",
            plain(new[path]) if path in new else "",
        )
        for path in dict.fromkeys([*old, *new])
        if path not in old or path not in new or old[path] != new[path]
    ]


def _flat(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value
