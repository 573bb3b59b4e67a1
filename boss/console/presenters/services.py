"""Provisioned services and servers as the console shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from boss.console.presenters.marks import CALL, SERVICE, mark
from boss.console.presenters.words import pairs
from boss.core.actors import Actor
from boss.look.marks import Mark
from ipservices.families import families
from ipservices.models import Binding, DriverCall, Service
from subscribers import selectors as orders
from subscribers.models import Order

_ICONS = {
    "access": "plug-connected",
    "ip": "network",
    "dns": "world",
    "mail": "mail",
    "voip": "device-landline-phone",
    "iptv": "device-tv",
    "cpe": "router",
    "web": "world",
    "file": "stack-2",
}


def url_of(service: Service) -> str:
    return reverse("console:service", args=[service.public_id])


def family_title(key: str) -> str:
    family = families.find(key)
    return str(family.title) if family else key


@dataclass(frozen=True, slots=True)
class ServiceRow:
    subscription_id: int
    title: str
    name: str
    family: str
    icon: str
    state: Mark
    note: str
    url: str
    server: str
    account: str
    account_url: str


def row(service: Service) -> ServiceRow:
    note = ""
    if service.drift:
        note = _("The server differs from what is wanted.")
    elif service.is_behind and service.state in ("active", "suspended"):
        note = _("The server has not confirmed the latest change.")
    return ServiceRow(
        subscription_id=service.subscription_id,
        title=service.title,
        name=service.name,
        family=family_title(service.family),
        icon=_ICONS.get(service.family, "server"),
        state=mark(SERVICE, service.state),
        note=note,
        url=url_of(service),
        server=service.binding.name if service.binding else "",
        account=service.account.name,
        account_url=reverse("console:account", args=[service.account.public_id]),
    )


def observed(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What the server was seen to hold: its attributes, and what matters of the rest."""
    if not values:
        return []
    shown = dict(values.get("attributes") or {})
    shown |= {key: values[key] for key in ("restriction", "switched_off", "sessions") if values.get(key)}
    return pairs(shown)


@dataclass(frozen=True, slots=True)
class CallRow:
    """A driver call: the sentence first, the exchange for whoever unfolds it."""

    sentence: str
    mark: Mark
    at: datetime
    milliseconds: int | None
    server: str
    who: str
    error: str
    service: str
    service_url: str
    exchange: str
    attempt: int
    run_url: str
    order: str
    order_url: str


def call_rows(actor: Actor, calls: Sequence[DriverCall]) -> list[CallRow]:
    """The calls of a page, with the orders whose runs made them: one statement for all."""
    wanted = {call.run_public_id for call in calls} - {""}
    known = orders.by_run(actor, wanted) if wanted and actor.holds("subscribers.view_order") else {}
    sees_runs = actor.holds("workflow.view_run")
    return [_call_row(call, known.get(call.run_public_id), sees_runs) for call in calls]


def _call_row(call: DriverCall, order: Order | None, sees_runs: bool) -> CallRow:
    exchange = json.dumps({"request": call.request, "answer": call.answer}, indent=2, ensure_ascii=False)
    return CallRow(
        sentence=call.sentence,
        mark=mark(CALL, call.outcome),
        at=call.started_at,
        milliseconds=call.milliseconds,
        server=call.binding.name,
        who=call.actor_label,
        error=call.error,
        service=str(call.service) if call.service else "",
        service_url=url_of(call.service) if call.service else "",
        exchange=exchange,
        attempt=call.attempt,
        run_url=reverse("console:run", args=[call.run_public_id]) if call.run_public_id and sees_runs else "",
        order=order.number if order else "",
        order_url=reverse("console:order", args=[order.public_id]) if order else "",
    )


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A server of the realm and how it is."""

    name: str
    family: str
    icon: str
    health: Mark
    detail: str
    public_id: str
    is_enabled: bool


def server_row(binding: Binding, detail: str = "") -> ServerRow:
    if not binding.enabled:
        health = Mark(_("Switched off"), "ban", "idle")
    elif binding.healthy is None:
        health = Mark(_("Not looked at yet"), "help", "idle")
    elif binding.healthy:
        health = Mark(_("Healthy"), "heartbeat", "ok")
    else:
        health = Mark(_("Not healthy"), "alert-triangle", "bad")
    return ServerRow(
        name=binding.name,
        family=family_title(binding.family),
        icon=_ICONS.get(binding.family, "server"),
        health=health,
        detail=detail,
        public_id=binding.public_id,
        is_enabled=binding.enabled,
    )
