"""Outages as the subject of tickets: the ticket under which one is worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from ipservices.errors import OutageIsOpen
from ipservices.models import Outage
from ticketing.contracts import Outcome, SubjectCard, SubjectKind
from ticketing.models import Ticket


def outage_url(outage: Outage) -> str:
    return f"/console/outages/of/{outage.public_id}/"


def _find(outage_id: int) -> Outage | None:
    row: Outage | None = Outage.objects.filter(pk=outage_id).first()
    return row


def describe(outage_id: int) -> SubjectCard:
    row = _find(outage_id)
    if row is None:
        return SubjectCard(label=_("An outage that is gone"))
    state = _("Open: its page says whom it concerns and ends it.") if row.is_open else _("Over")
    return SubjectCard(label=_("Outage"), url=outage_url(row), lines=(state, row.public_text))


def outcomes(ticket: Ticket) -> Sequence[Outcome]:
    """While it is open its ticket ends with it; afterwards it is a ticket like others."""
    row = _find(ticket.subject_id) if ticket.subject_id is not None else None
    if row is None or not row.is_open:
        return ()
    return (Outcome("restored", gettext_lazy("Service is back"), help=gettext_lazy("Is said on the outage's page.")),)


def resolved(actor: Actor, ticket: Ticket, outcome_key: str, values: Mapping[str, Any]) -> None:
    """Raises :class:`OutageIsOpen`: nobody would be told."""
    row = _find(ticket.subject_id) if ticket.subject_id is not None else None
    if row is not None and row.is_open:
        raise OutageIsOpen


def lock(outage_id: int) -> None:
    Outage.objects.select_for_update(of=("self",)).filter(pk=outage_id).first()


OUTAGE = SubjectKind(
    key="ipservices.outage",
    title=gettext_lazy("Outage"),
    describe=describe,
    outcomes=outcomes,
    resolved=resolved,
    lock=lock,
)
