"""The inbox holds what I should do, due first, and asks the database as often for a thousand tickets as for one."""

from __future__ import annotations

import datetime as dt

from boss.core import clock
from tests.cast import actor_of
from ticketing import selectors
from ticketing.services import pools, tickets

HOUR = dt.timedelta(hours=1)


def some(system, title, hours=None, priority=None, pool="noc"):
    due_at = clock.now() + hours * HOUR if hours else None
    return tickets.open(
        actor=system, category_key="office", title=title, due_at=due_at, priority=priority, pool_key=pool
    )


def titles(rows):
    return [ticket.title for ticket in rows]


def test_mine_and_the_unclaimed_of_my_pools_due_first(desk, system, nora, fred, bob, cast):
    some(system, "no date")
    some(system, "later", hours=5)
    some(system, "soon", hours=1)
    some(system, "urgent, no date", priority=1)
    some(system, "for the field", hours=1, pool="field")
    tickets.assign(actor=bob, ticket=some(system, "with fred", pool="noc"), user=fred)
    tickets.assign(actor=bob, ticket=some(system, "given to nora", hours=2, pool="field"), user=nora)
    tickets.resolve(actor=bob, ticket=some(system, "over", hours=1))
    assert titles(selectors.list_inbox(actor_of(nora))) == [
        "soon",
        "given to nora",
        "later",
        "urgent, no date",
        "no date",
    ]
    assert titles(selectors.list_inbox(actor_of(fred))) == ["for the field", "with fred"]
    assert not selectors.list_inbox(bob).exists()


def test_a_member_who_leaves_the_pool_keeps_only_what_he_claimed(desk, system, nora):
    kept, _left = some(system, "kept"), some(system, "left")
    tickets.claim(actor=actor_of(nora), ticket=kept)
    pools.remove_member(actor=system, pool=desk.noc, user=nora)
    assert titles(selectors.list_inbox(actor_of(nora))) == ["kept"]


def test_a_ticket_of_no_pool_waits_with_those_who_may_assign_it(desk, system, nora, bob):
    tickets.open(actor=system, category_key="office", title="of no pool")
    assert titles(selectors.list_inbox(bob)) == ["of no pool"]
    assert not selectors.list_inbox(actor_of(nora)).exists()


def test_a_machine_has_no_inbox(desk, system):
    some(system, "work")
    assert not selectors.list_inbox(system).exists()


def test_counts_per_pool_include_the_empty_and_the_overdue(desk, system, nora, bob):
    tickets.claim(actor=actor_of(nora), ticket=some(system, "claimed", hours=1))
    some(system, "late", hours=-1)
    tickets.open(actor=system, category_key="office", title="Of no pool")
    counts = [(c.pool.key if c.pool else None, c.open, c.unclaimed, c.overdue) for c in selectors.count_by_pool(bob)]
    assert counts == [("field", 0, 0, 0), ("noc", 2, 1, 1), (None, 1, 1, 0)]


def test_a_ticket_is_found_by_its_number_however_it_is_typed(desk, system, bob):
    ticket = some(system, "this one")
    assert selectors.find_by_number(bob, f" {ticket.number.lower()} ") == ticket
    assert selectors.find_by_number(bob, "AL-9") is None


def test_lists_ask_a_fixed_number_of_questions(desk, system, nora, bob, django_assert_num_queries):
    for index in range(5):
        tickets.claim(actor=actor_of(nora), ticket=some(system, f"work {index}"))
    who = actor_of(nora)
    with django_assert_num_queries(1):
        shown = [(t.number, t.category.name, t.pool.name, t.assignee.full_name) for t in selectors.list_inbox(who)]
    assert len(shown) == 5
    with django_assert_num_queries(1):
        list(selectors.list_tickets(bob))
    with django_assert_num_queries(2):
        selectors.count_by_pool(bob)
    with django_assert_num_queries(1):
        list(selectors.list_for_account(bob, 77))
