"""The audit trail as its readers look at it: filters for page, API and export alike, the state of the chain."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.lookups import Lookup

from boss.core import permissions
from boss.core.actors import Actor
from boss.core.models import AuditCheck, AuditEntry, AuditSeal

VIEW = "core.view_auditentry"


@models.GenericIPAddressField.register_lookup
class Within(Lookup):  # type: ignore[type-arg] # generic for the type checker alone
    """``address__within="10.0.0.0/8"``: the address lies in the network, or is the address."""

    lookup_name = "within"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return "%s", (str(value),)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} <<= {right}::inet", (*left_params, *right_params)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader looks for; empty members narrow nothing.

    ``person`` and ``subject`` are parts of names; ``kind`` is a subject's kind ("subscribers.account"), with
    ``subject_id`` one subject; ``action`` begins the action ("account" finds "account.opened"); ``address`` is one
    address or a network; ``since`` and ``until`` are days (UTC), both included.
    """

    person: str = ""
    action: str = ""
    subject: str = ""
    kind: str = ""
    address: str = ""
    since: str = ""
    until: str = ""

    @staticmethod
    def of(given: Mapping[str, Any]) -> Wanted:
        """From a query string or a stored filter; what cannot be read narrows nothing."""
        texts = {name: str(given.get(name) or "").strip()[:120] for name in Wanted.__slots__}
        if network(texts["address"]) is None:
            texts["address"] = ""
        for name in ("since", "until"):
            if day(texts[name]) is None:
                texts[name] = ""
        return Wanted(**texts)

    def named(self) -> dict[str, str]:
        """The members that narrow something."""
        return {name: value for name, value in asdict(self).items() if value}


def network(text: str) -> str | None:
    """An address or network in Postgres's spelling; None for what is none."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return None


def day(text: str) -> dt.date | None:
    """A day written like 2026-11-30; None for what is none, or one that no timestamp reaches."""
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 9000 else None


def find(actor: Actor, wanted: Wanted) -> models.QuerySet[AuditEntry]:
    """Entries the actor may read that fit, in no order."""
    return narrow(AuditEntry.objects.visible_to(actor), wanted)


def narrow(rows: models.QuerySet[AuditEntry], wanted: Wanted) -> models.QuerySet[AuditEntry]:
    """``rows`` that fit."""
    if wanted.person:
        rows = rows.filter(actor_label__icontains=wanted.person)
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.subject:
        rows = rows.filter(subject_label__icontains=wanted.subject)
    if wanted.kind:
        rows = rows.filter(subject_kind=wanted.kind)
    if wanted.address:
        rows = rows.filter(address__within=network(wanted.address))
    since, until = day(wanted.since), day(wanted.until)
    if since:
        rows = rows.filter(at__gte=_midnight(since))
    if until:
        rows = rows.filter(at__lt=_midnight(until) + dt.timedelta(days=1))
    return rows


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the realm's trail is sealed and checked, and where it is broken (see ``boss.core.sealing``)."""

    seals: int
    sealed_until: dt.datetime | None
    head: str
    checked_at: dt.datetime | None
    checked_until: dt.datetime | None
    breaks: list[dict[str, Any]]


def chain(actor: Actor) -> Chain:
    """The state of the chain. Raises PermissionDenied without the right to read the trail."""
    permissions.require(actor, VIEW)
    newest = AuditSeal.objects.order_by("-number").first()
    check = AuditCheck.objects.first()
    return Chain(
        seals=newest.number if newest else 0,
        sealed_until=newest.until_at if newest else None,
        head=bytes(newest.hash).hex() if newest else "",
        checked_at=check.at if check else None,
        checked_until=check.until_at if check else None,
        breaks=list(check.breaks) if check else [],
    )


def of_person(user_id: int, subjects: Mapping[str, list[int]], actions: tuple[str, ...]) -> models.QuerySet[AuditEntry]:
    """What a person did, and what was done to his ``subjects``, among ``actions``. Whoever calls it is that person,
    or has checked that its reader may see him."""
    mine = Q(actor_kind="user", actor_id=user_id)
    for kind, ids in subjects.items():
        mine |= Q(subject_kind=kind, subject_id__in=ids)
    rows: models.QuerySet[AuditEntry] = AuditEntry.objects.filter(mine, action__in=actions)
    return rows
