"""What rules would have done with tickets: told from their journals, changing nothing.

Each event on record is put before the rules as if it happened now. Priority, state and status are those the ticket had
then (the journal says what each event changed); pool, category, person and fields are those it has today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.tenancy.models import User
from ticketing.automation import judging, rules
from ticketing.automation.kinds import RuleEvent
from ticketing.automation.rules import Rule
from ticketing.models import Message, Ticket, TicketEvent
from ticketing.services import macros

TICKETS = 100
MOST_EVENTS = 50
"""Of one ticket; the newest are looked at."""
_TOLD = ("priority", "state", "status")


@dataclass(frozen=True, slots=True)
class WouldDo:
    """One rule and one event: what it would have done, or (``done`` "") why not."""

    event: TicketEvent
    rule: str
    what: str
    done: str
    why_not: str


def of(actor: Actor, tickets: Sequence[Ticket], told: Mapping[str, Any]) -> dict[int, list[WouldDo]]:
    """By ticket, the newest event first. Four statements, whatever the number of tickets."""
    wanted = [rule for rule in rules.read(told) if not rule.is_off]
    keys = [ticket.pk for ticket in tickets]
    events: dict[int, list[TicketEvent]] = defaultdict(list)
    for event in TicketEvent.objects.filter(ticket_id__in=keys).order_by("ticket_id", "-seq"):
        if len(events[event.ticket_id]) < MOST_EVENTS:
            events[event.ticket_id].append(event)
    said = {(each.ticket_id, each.seq): each for each in Message.objects.filter(ticket_id__in=keys).defer("body")}
    people = {event.actor_id for found in events.values() for event in found if event.actor_kind == "user"}
    kinds = dict(User.objects.filter(pk__in=people).values_list("pk", "kind"))
    words = macros.Words(actor)
    steps = {rule.name: "; ".join(words.step(step).words for step in rule.steps) for rule in wanted}
    return {
        ticket.pk: list(_look(ticket, events[ticket.pk], wanted, said, kinds, steps)) for ticket in tickets
    }  # fmt: skip


def _look(
    ticket: Ticket, events: Sequence[TicketEvent], wanted: Sequence[Rule],
    said: Mapping[tuple[int, int], Message], kinds: Mapping[int | None, str], steps: Mapping[str, str],
) -> Iterator[WouldDo]:  # fmt: skip
    at: dict[str, Any] = {"priority": ticket.priority, "state": str(ticket.state), "status": ticket.status}
    for event in events:
        message = said.get((event.ticket_id, event.seq))
        found = judging.set_off(event, message)
        by_rule = event.actor_kind == "system" and event.actor_label.startswith(_("Rule: %(name)s") % {"name": ""})
        by = judging.acted_by(event, message, kinds.get(event.actor_id, ""), by_rule=by_rule)
        names = judging.names_of(ticket, event, message, by=by, at=at)
        for rule in wanted:
            if rule.event not in found:
                continue
            fits, unclear = judging.holds(rule.when, names)
            why = unclear or ("" if fits else str(_("its condition did not hold")))
            what = str(RuleEvent(rule.event).label)
            yield WouldDo(event, rule.name, what, "" if why else steps[rule.name], why)
        at |= {name: event.before[name] for name in _TOLD if event.before.get(name) is not None}
