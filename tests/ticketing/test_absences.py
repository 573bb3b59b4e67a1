"""Who is away too long: his open tickets go back to their pool, by the clock, and it is said why."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from boss.tenancy.services import calendars
from tests.cast import actor_of, make_user
from tests.ticketing.conftest import make_desk
from tests.ticketing.test_sla_promises import MONDAY, WEEK, Hand
from ticketing import tasks
from ticketing.assignment.presence import absent_since
from ticketing.events import TicketWaits
from ticketing.handlers import place_waiting
from ticketing.models import StaffPresence, Ticket, TicketEvent
from ticketing.services import absences, pools, presence, tickets

DAY = dt.timedelta(hours=12)
"""A day of the desk's hours: 8 to 20."""


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


@pytest.fixture
def ana(hand, cast, desk, system):
    """In the network's pool, which takes back what people have who are away for more than a day of its hours."""
    week = calendars.define(actor=system, key="desk", name="Desk hours", time_zone="UTC", weekly=WEEK)
    pools.configure(actor=system, pool=desk.noc, name="Network", calendar=week, absent_after=DAY)
    user = make_user(cast.alpha, "ana@alpha.example", "Ana Ash", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=user)
    presence.set_presence(actor=actor_of(user), state="available")
    return user


@pytest.fixture
def hers(ana, system) -> list[Ticket]:
    """Two open tickets that Ana has, one of them waiting for its customer, and one that she has ended."""
    found = [tickets.open(actor=system, category_key="fallout", title=title) for title in ("One", "Two", "Three")]
    for ticket in found:
        tickets.assign(actor=system, ticket=ticket, user=ana)
    tickets.wait(actor=system, ticket=found[1], waiting_for="customer")
    tickets.resolve(actor=system, ticket=found[2])
    return found


def owners(found: list[Ticket]) -> list[str | None]:
    for ticket in found:
        ticket.refresh_from_db()
    return [ticket.assignee.full_name if ticket.assignee else None for ticket in found]


@pytest.fixture
def look(desk, system):
    """What the clock does when the pool is due: how many tickets were put back."""
    return lambda: absences.put_back(actor=system, pool_id=desk.noc.pk)


def away(user, state: str = "away", **more) -> None:
    presence.set_presence(actor=actor_of(user), state=state, **more)


@pytest.mark.parametrize("state", ["away", "offline"])
def test_open_tickets_go_back_when_somebody_is_away_longer_than_the_pool_allows(ana, hers, hand, look, state):
    away(ana, state)
    hand.on(hours=10)
    assert look() == 0 and owners(hers) == ["Ana Ash"] * 3
    hand.on(days=1)  # the night between does not count: eleven hours on Monday, and ten and more on Tuesday
    assert look() == 2
    assert owners(hers) == [None, None, "Ana Ash"]
    for ticket in hers[:2]:
        line = TicketEvent.objects.filter(ticket=ticket, type="released").get()
        assert line.after["reason"] == "Ana Ash is away since 2026-11-30 09:00"
        assert AuditEntry.objects.filter(action="ticket.released", subject_id=ticket.pk).count() == 1
    hand.on(minutes=6)
    assert look() == 0  # once


def test_nights_and_weekends_are_no_absence(ana, hers, hand, look):
    hand.set(MONDAY + dt.timedelta(days=5, hours=10))  # Saturday at 19
    away(ana, "available")
    away(ana, "offline")
    hand.on(hours=37, minutes=59)  # Monday at 8:59: an hour of Saturday, and one of Monday
    assert look() == 0 and owners(hers)[0] == "Ana Ash"


def test_who_is_here_or_busy_or_has_come_back_keeps_his(ana, hers, hand, look):
    away(ana, "away")
    hand.on(days=2)
    away(ana, "busy")
    assert look() == 0
    hand.on(minutes=6)
    away(ana, "available")
    assert look() == 0 and owners(hers)[0] == "Ana Ash"


def test_silence_is_an_absence_and_who_never_said_where_he_is_has_none(ana, hers, hand, look, fred, system, desk):
    other = tickets.open(actor=system, category_key="fallout", title="Freds")
    tickets.assign(actor=system, ticket=other, user=fred)
    hand.on(days=3)
    assert look() == 2
    assert owners([*hers, other]) == [None, None, "Ana Ash", fred.full_name]


def test_a_members_own_hours_count_before_the_pools(ana, hers, hand, look, system, desk):
    short = calendars.define(actor=system, key="short", name="Short", time_zone="UTC", weekly={"mon": ["08:00-10:00"]})
    pools.change_member(actor=system, pool=desk.noc, user=ana, calendar=short)
    away(ana, "away")
    hand.on(days=14)
    assert look() == 0  # two Mondays of two hours
    hand.on(days=35)
    assert look() == 2


def test_a_pool_that_gives_tickets_out_gives_them_to_somebody_else(ana, hers, hand, look, cast, system, desk):
    ben = make_user(cast.alpha, "ben@alpha.example", "Ben Birch", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=ben)
    pools.configure(
        actor=system, pool=desk.noc, name="Network", calendar=desk.noc.calendar, strategy="round_robin",
        absent_after=DAY,
    )  # fmt: skip
    away(ana, "away")
    hand.on(days=2)
    away(ben, "available")
    assert look() == 2
    for ticket in hers[:2]:
        place_waiting(TicketWaits(ticket_id=ticket.pk))
    assert owners(hers)[:2] == ["Ben Birch", "Ben Birch"]


def test_without_a_limit_and_in_another_pool_nothing_is_taken_off(ana, hers, hand, look, system, desk, fred):
    pools.configure(actor=system, pool=desk.noc, name="Network")
    away(ana, "away")
    hand.on(days=20)
    assert look() == 0 and owners(hers) == ["Ana Ash"] * 3


def test_many_are_put_back_a_part_at_a_time_and_the_rest_at_once(ana, hers, hand, look, monkeypatch):
    monkeypatch.setattr(absences, "MOST_AT_ONCE", 1)
    away(ana, "away")
    hand.on(days=2)
    assert [look() for _time in range(3)] == [1, 1, 0]


def test_the_clock_finds_the_pools_that_are_due_in_every_realm(real_db, cast, monkeypatch):
    hand = Hand(monkeypatch)
    with scoping.realm_transaction(cast.alpha.pk):
        system = Actor.system(cast.alpha.pk)
        desk = make_desk(system)
        pools.configure(actor=system, pool=desk.noc, name="Network", absent_after=DAY)
        away(cast.bob)
        ticket = tickets.open(actor=system, category_key="fallout", title="One")
        tickets.assign(actor=system, ticket=ticket, user=cast.bob)
    hand.on(hours=13)
    tasks.escalate()
    with scoping.realm_transaction(cast.alpha.pk):
        assert owners([ticket]) == [None]
    assert absences.sweep() == 0  # until it is due again


@pytest.mark.parametrize("hours", [0.5, 24 * 31])
def test_a_limit_that_cannot_be_is_refused_and_changes_nothing(desk, system, hours):
    with pytest.raises(InvalidInput) as refused:
        pools.configure(actor=system, pool=desk.noc, name="Network", absent_after=dt.timedelta(hours=hours))
    assert list(refused.value.fields) == ["absent_after"]
    desk.noc.refresh_from_db()
    assert desk.noc.absent_after is None and desk.noc.absence_look_at is None


def test_the_limit_is_set_on_the_page_and_on_the_api(cast, desk, browser_of):
    alice = browser_of(cast.alice)
    typed = {"name": "Network", "strategy": "manual", "absent_after": "16"}
    assert alice.post("/console/pools/of/noc/", typed).status_code == 302
    assert 'value="16"' in alice.get("/console/pools/of/noc/").content.decode()
    address = "/api/v1/ticketing/pools/noc/"
    assert alice.get(address).json()["absent_after"] == "16:00:00"
    body = {"name": "Network", "absent_after": "2 00:00:00"}
    assert alice.post(f"{address}configure/", body, content_type="application/json").status_code == 200
    desk.noc.refresh_from_db()
    assert desk.noc.absent_after == dt.timedelta(days=2) and desk.noc.absence_look_at is not None


@given(
    state=st.sampled_from(["available", "busy", "away", "offline"]), since=st.integers(0, 90),
    until=st.none() | st.integers(1, 120), seen=st.integers(0, 90), now=st.integers(90, 200),
)  # fmt: skip
def test_an_absence_never_begins_before_it_was_said_and_never_in_the_future(state, since, until, seen, now):
    def at(minutes: int) -> dt.datetime:
        return MONDAY + dt.timedelta(minutes=minutes)

    seen = max(seen, since)
    began = absent_since(state, at(since), None if until is None else at(since + until), at(seen), at(now))
    assert began is None or at(since) <= began <= at(now)
    row = StaffPresence(state=state, since=at(since), seen_at=at(seen))
    assert began is not None or row.state != "offline"
