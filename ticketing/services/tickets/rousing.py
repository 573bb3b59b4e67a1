"""An event that rules may wait for is put before them: as a fact, written with it and looked at after commit."""

from __future__ import annotations

from boss.core import events
from ticketing import policies
from ticketing.automation import judging, rules, trail
from ticketing.events import TicketChanged
from ticketing.models import Ticket, TicketEvent
from ticketing.sla.kinds import PolicyKind


def rouse(ticket: Ticket, event: TicketEvent) -> None:
    """One statement more than the event itself where the realm has no rules; nothing for what no rule can wait for."""
    kinds = judging.may_set_off(event)
    if not kinds:
        return
    version = policies.version_for(PolicyKind.AUTOMATION, ticket.category_id)
    if version is None or not any(rule.event in kinds and not rule.is_off for rule in rules.read(version.rules)):
        return
    events.publish(TicketChanged(ticket_id=ticket.pk, event_id=event.pk, rule_run_id=trail.acting()))
