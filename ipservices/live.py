"""How services stand now, for the panel beside a ticket: what is wanted, and what the server was last seen to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.actors import Actor
from ipservices.choices import RestrictionLevel, ServiceState
from ipservices.models import Service
from subscribers.account_search import search_accounts
from ticketing.contracts import LiveCard

MOST_FOUND = 12
_TONES: dict[str, Any] = {
    ServiceState.RESERVED: "busy", ServiceState.ACTIVE: "ok", ServiceState.SUSPENDED: "wait",
}  # fmt: skip


def services(actor: Actor, service_ids: Sequence[int]) -> Mapping[int, LiveCard]:
    """State, restriction, and whether the server does what is wanted. One statement; no server is asked."""
    rows = Service.objects.visible_to(actor).filter(pk__in=service_ids).select_related("account")
    return {service.pk: _card(service) for service in rows}


def found_services(actor: Actor, text: str) -> Sequence[LiveCard]:
    """The living services of the accounts that are meant."""
    meant = [account.pk for account in search_accounts(actor, text, MOST_FOUND)]
    rows = Service.objects.visible_to(actor).filter(account_id__in=meant).exclude(state=ServiceState.TERMINATED)
    return [_card(service) for service in rows.select_related("account").order_by("account_id", "id")[:MOST_FOUND]]


def identify_service(actor: Actor, public_id: str) -> int | None:
    rows = Service.objects.visible_to(actor).filter(public_id=public_id)
    found: int | None = rows.values_list("pk", flat=True).first()
    return found


def _card(service: Service) -> LiveCard:
    lines = []
    state, tone = str(service.get_state_display()), _TONES.get(service.state, "idle")
    if service.restriction != RestrictionLevel.NONE:
        state, tone = str(service.get_restriction_display()), "wait"
    if service.switched_off:
        lines.append(_("Switched off by its owner"))
    if service.is_behind:
        lines.append(_("The server has not confirmed the last change"))
    if service.drift:
        lines.append(_("The server differs from what is wanted"))
        tone = "bad"
    if service.observed_at is not None:
        lines.append(_("seen %(long)s ago") % {"long": timesince(service.observed_at, clock.now(), depth=1)})
    elif service.state == ServiceState.ACTIVE:
        lines.append(_("not looked at yet"))
    return LiveCard(
        service.public_id, str(service), f"/console/accounts/{service.account.public_id}/", state, tone, tuple(lines)
    )
