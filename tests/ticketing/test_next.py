"""The next ticket: what is due first in one's pools, and never the same one for two people."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from tests.cast import actor_of
from tests.racing import overlapping
from tests.ticketing.conftest import make_desk
from tests.ticketing.test_races import at_once
from ticketing.errors import NoRoom, OnlyPeopleClaim
from ticketing.models import PoolMember, Ticket
from ticketing.services import pools, skills, tickets


def opened(system: Actor, title: str, hours: int | None = None, **more) -> Ticket:
    due = {} if hours is None else {"due_at": clock.now() + dt.timedelta(hours=hours)}
    return tickets.open(actor=system, category_key="fallout", title=title, **due, **more)


def test_due_first_then_urgent_then_old(desk, nora, system):
    for title, hours, priority in (("old", None, 3), ("urgent", None, 1), ("later", 5, 3), ("soon", 1, 4)):
        opened(system, title, hours, priority=priority)
    given = []
    while (ticket := tickets.take_next(actor=actor_of(nora))) is not None:
        assert ticket.assignee_id == nora.pk
        given.append(ticket.title)
    assert given == ["soon", "later", "urgent", "old"]


def test_only_what_waits_in_ones_own_pools_and_can_be_worked_on(desk, nora, fred, bob, system):
    taken, waiting, elsewhere = (opened(system, title) for title in ("taken", "waiting", "elsewhere"))
    tickets.claim(actor=bob, ticket=taken)
    tickets.wait(actor=bob, ticket=waiting, waiting_for="customer")
    tickets.send_to_pool(actor=bob, ticket=elsewhere, pool=desk.field)
    assert tickets.take_next(actor=actor_of(nora)) is None
    assert tickets.take_next(actor=actor_of(fred)).title == "elsewhere"


def test_nobody_is_given_what_he_lacks_the_skill_for_nor_more_than_he_has_room_for(desk, nora, system):
    fibre = skills.define(actor=system, key="fibre", name="Fibre")
    skills.ask(actor=system, category=desk.fallout, skill=fibre, level=3)
    opened(system, "splice", 1)
    tickets.open(actor=system, category_key="trouble", title="slow", data={"symptom": "slow"}, pool_key="noc")
    PoolMember.objects.update(capacity=1)

    assert tickets.take_next(actor=actor_of(nora)).title == "slow"
    assert tickets.take_next(actor=actor_of(nora)) is None
    PoolMember.objects.update(skills={"fibre": 3})
    with pytest.raises(NoRoom):
        tickets.take_next(actor=actor_of(nora))
    PoolMember.objects.update(capacity=2)
    assert tickets.take_next(actor=actor_of(nora)).title == "splice"


def test_programs_and_customers_are_given_nothing(desk, system, dana):
    ticket = opened(system, "one")
    with pytest.raises(OnlyPeopleClaim):
        tickets.take_next(actor=system)
    with pytest.raises(PermissionDenied):
        tickets.take_next(actor=actor_of(dana))
    ticket.refresh_from_db()
    assert ticket.assignee_id is None and ticket.version == 1


def test_charlie_is_given_none_of_alphas(desk, system, charlie, in_beta):
    ticket = opened(system, "one")
    with in_beta():
        assert tickets.take_next(actor=charlie) is None
    ticket.refresh_from_db()
    assert ticket.assignee_id is None


@pytest.fixture
def waiting(real_db, cast) -> int:
    """A realm in which Alice and Bob are of one pool, and six tickets wait in it."""
    system = Actor.system(cast.alpha.pk)
    with scoping.realm_transaction(cast.alpha.pk):
        noc = make_desk(system).noc
        for user in (cast.alice, cast.bob):
            pools.add_member(actor=system, pool=noc, user=user)
        for n in range(6):
            opened(system, f"No. {n}")
    return cast.alpha.pk


def test_who_asks_while_another_is_being_given_one_gets_the_one_after_it(waiting, cast):
    alice, bob = actor_of(cast.alice), actor_of(cast.bob)
    first: list[Ticket] = []
    second = overlapping(
        waiting, lambda: first.append(tickets.take_next(actor=alice)), lambda: tickets.take_next(actor=bob)
    )
    # He did not wait for her: his answer is there, and it is another ticket.
    assert isinstance(second, Ticket)
    assert [first[0].title, second.title] == ["No. 0", "No. 1"]


def test_eight_askings_at_once_for_six_tickets_give_each_once(waiting, cast):
    alice, bob = actor_of(cast.alice), actor_of(cast.bob)
    given = at_once(waiting, *[lambda who=who: tickets.take_next(actor=who) for who in [alice, bob] * 4])
    titles = sorted(ticket.title for ticket in given if ticket is not None)
    assert len(titles) == len(set(titles))
    with scoping.realm_transaction(waiting):
        assert Ticket.objects.exclude(assignee=None).count() == len(titles)
        # Whoever met only locked ones asks once more; then none is left.
        while (more := tickets.take_next(actor=bob)) is not None:
            titles.append(more.title)
    assert sorted(titles) == [f"No. {n}" for n in range(6)]
