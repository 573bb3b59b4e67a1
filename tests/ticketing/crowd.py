"""Many tickets of every kind, as two months of work would leave them: for reports, whose numbers are checked on them.

The rows are written as the desk would have written them; instants are moved into the past, which no service does.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from boss.core import clock
from boss.tenancy.models import Organization, Site, User
from ticketing.choices import Activity, MessageChannel, Priority, TicketState, TimeSource
from ticketing.models import Category, Message, SlaClock, TalentPool, Ticket, TimeEntry
from ticketing.sla.kinds import ClockKind, ClockState

DAYS = 70
_STATES = [TicketState.NEW, TicketState.OPEN, TicketState.WAITING_CUSTOMER, TicketState.RESOLVED]
_STATES += [TicketState.CLOSED, TicketState.CLOSED, TicketState.CANCELLED]


def gather(
    number: int, *, pools: list[TalentPool], categories: list[Category], people: list[User],
    organization: Organization | None = None, site: Site | None = None, seed: int = 1,
) -> list[Ticket]:  # fmt: skip
    """Write ``number`` tickets with their promises, messages and time."""
    chance, now = random.Random(seed), clock.now()
    tickets = [_ticket(chance, now, at, pools, categories, people, organization, site) for at in range(number)]
    opened = [ticket.opened_at for ticket in tickets]
    Ticket.objects.bulk_create(tickets)
    for ticket, at in zip(tickets, opened, strict=True):
        ticket.opened_at = at  # written anew by auto_now_add
    Ticket.objects.bulk_update(tickets, ["opened_at"])
    Message.objects.bulk_create(message for ticket in tickets for message in _messages(chance, ticket))
    SlaClock.objects.bulk_create(each for ticket in tickets for each in _clocks(chance, ticket, now))
    entries = [entry for ticket in tickets for entry in _time(chance, ticket, people)]
    TimeEntry.objects.bulk_create(entries)
    TimeEntry.objects.bulk_create(
        TimeEntry(
            ticket=entry.ticket, user=entry.user, pool=entry.pool, started_at=entry.started_at, seconds=-60,
            activity=entry.activity, is_billable=entry.is_billable, source=TimeSource.CORRECTION, corrects=entry,
            written_by="x",
        )
        for entry in entries[::5]
    )  # fmt: skip
    return tickets


def _ticket(
    chance: random.Random, now: dt.datetime, at: int, pools: Any, categories: Any, people: Any, organization: Any,
    site: Any,
) -> Ticket:  # fmt: skip
    opened = now - dt.timedelta(seconds=chance.randrange(60, DAYS * 86400))
    state = chance.choice(_STATES)
    ended = _later(chance, opened, now)
    there = chance.random() < 0.3
    return Ticket(
        number=f"CR-{seed_of(chance)}-{at}", category=chance.choice(categories), title=f"Ticket {at}", status=state,
        state=state, priority=chance.choice(Priority.values), pool=chance.choice([*pools, None]),
        assignee=chance.choice([*people, None]), opened_by="crowd", opened_at=opened,
        requester=chance.choice([*people, None]),
        organization=organization if there else None, site=site if there else None,
        first_response_at=_later(chance, opened, now) if chance.random() < 0.7 else None,
        resolved_at=ended if state in (TicketState.RESOLVED, TicketState.CLOSED) else None,
        closed_at=_later(chance, ended, now) if state in (TicketState.CLOSED, TicketState.CANCELLED) else None,
        due_at=now + dt.timedelta(minutes=chance.randrange(-600, 3000)) if state in _STATES[:3] and at % 4 else None,
    )  # fmt: skip


def seed_of(chance: random.Random) -> int:
    return chance.randrange(10**6)


def _later(chance: random.Random, since: dt.datetime, now: dt.datetime) -> dt.datetime:
    return since + (now - since) * chance.random() ** 3


def _messages(chance: random.Random, ticket: Ticket) -> list[Message]:
    if chance.random() < 0.2:
        return []
    by_mail = chance.random() < 0.4
    return [
        Message(
            ticket=ticket, seq=seq, body="…", author_kind="user", author_label="x",
            channel=MessageChannel.MAIL if by_mail else MessageChannel.WEB, from_customer=chance.random() < 0.6,
        )
        for seq in (1, 2)
    ]  # fmt: skip


def _clocks(chance: random.Random, ticket: Ticket, now: dt.datetime) -> list[SlaClock]:
    found = []
    for kind in chance.sample(ClockKind.values, 3):
        for number in range(1, 1 + chance.choice([1, 1, 3])):
            started = _later(chance, ticket.opened_at, now)
            due = started + dt.timedelta(hours=chance.randrange(1, 300))
            stopped = _later(chance, started, now)
            state = ClockState.MET if stopped <= due else ClockState.MISSED
            if number == 3 and chance.random() < 0.5:
                state, stopped = chance.choice([ClockState.RUNNING, ClockState.PAUSED, ClockState.VOID]), None
            if state == ClockState.VOID:
                stopped = now
            found.append(
                SlaClock(
                    ticket=ticket, kind=kind, round=number, state=state, started_at=started, stopped_at=stopped,
                    due_at=due,
                )
            )  # fmt: skip
    return found


def _time(chance: random.Random, ticket: Ticket, people: list[User]) -> list[TimeEntry]:
    return [
        TimeEntry(
            ticket=ticket, user=chance.choice([*people, None]), pool=ticket.pool,
            started_at=ticket.opened_at + dt.timedelta(minutes=at), seconds=chance.randrange(120, 7200),
            activity=chance.choice(Activity.values), is_billable=chance.random() < 0.5, source=TimeSource.MANUAL,
            written_by="x",
        )
        for at in range(chance.choice([0, 1, 2]))
    ]  # fmt: skip
