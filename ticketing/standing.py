"""How addresses stand: whether our mail gets through to them, as far as mail servers have told us (rule O4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.db.models import Count, Max, Value
from django.utils.translation import gettext_lazy as _

from boss.core import clock
from ticketing.choices import ParticipantState
from ticketing.models import MailBreaker, Participant, SoftBounce, Ticket

SOFT_MOST = 3
SOFT_WITHIN = dt.timedelta(hours=72)


class Standing(models.TextChoices):
    """The first three stop what machines send there; a degraded address is still written to."""

    UNDELIVERABLE = "undeliverable", _("cannot be reached")
    COMPLAINT = "complaint", _("has complained")
    PAUSED = "too_many_automatic", _("paused")
    DEGRADED = "degraded", _("degraded")


@dataclass(frozen=True, slots=True)
class Trouble:
    """An address that does not stand well, and since when. Of one in good standing there is none."""

    address: str
    standing: Standing
    since: dt.datetime


def of(addresses: Iterable[str]) -> list[Trouble]:
    """Those of ``addresses`` that are in trouble, each once with the worst, in the order given. One statement."""
    wanted = list(dict.fromkeys(each.strip().lower() for each in addresses if each.strip()))
    if not wanted:
        return []
    now = clock.now()
    stopped = MailBreaker.objects.filter(address__in=wanted, until__gt=now).values_list(
        "address", "reason", "opened_at"
    )
    soft = (
        SoftBounce.objects.filter(address__in=wanted, at__gt=now - SOFT_WITHIN)
        .values("address")
        .annotate(reason=Value(Standing.DEGRADED.value), since=Max("at"), mails=Count("pk"))
        .filter(mails__gte=SOFT_MOST)
        .values_list("address", "reason", "since")
    )
    found: dict[str, Trouble] = {}
    for address, reason, since in stopped.union(soft, all=True):
        if reason in Standing.values:
            trouble = Trouble(address, Standing(reason), since)
            known = found.get(address)
            if known is None or _RANK[trouble.standing] < _RANK[known.standing]:
                found[address] = trouble
    return [found[address] for address in wanted if address in found]


_RANK = {standing: rank for rank, standing in enumerate(Standing)}


def of_ticket(ticket: Ticket) -> list[Trouble]:
    """Trouble with the addresses of those who are written to about a ticket. The caller may read what staff write."""
    people = Participant.objects.filter(ticket=ticket, state=ParticipantState.ACCEPTED)
    addresses = list(people.order_by("pk").values_list("email", flat=True))
    if ticket.requester is not None:
        addresses.insert(0, ticket.requester.email)
    return of(addresses)
