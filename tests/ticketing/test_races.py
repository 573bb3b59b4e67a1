"""Two people, two engines, one ticket: on a real database with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from tests.cast import actor_of
from tests.racing import overlapping
from tests.ticketing.conftest import make_desk, pump
from ticketing.errors import AlreadyClaimed, KeyTaken, TicketWrongState
from ticketing.models import Category, TalentPool, Ticket, TicketEvent
from ticketing.services import categories, pools, tickets


def at_once(realm_id: int, *calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that start together; each answer, or the Problem it was refused with."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            with scoping.realm_transaction(realm_id):
                answers[index] = call()
        except Problem as refused:
            answers[index] = refused
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.fixture
def realm_id(real_db, cast) -> int:
    with scoping.realm_transaction(cast.alpha.pk):
        make_desk(Actor.system(cast.alpha.pk))
    return cast.alpha.pk


def test_ten_engines_open_one_ticket(realm_id):
    system = Actor.system(realm_id)

    def open_it() -> int:
        return tickets.open(actor=system, category_key="fallout", title="Down", dedupe_key="task:1").pk

    assert len(set(at_once(realm_id, *[open_it] * 10))) == 1
    with scoping.realm_transaction(realm_id):
        assert Ticket.objects.count() == 1 and TicketEvent.objects.count() == 1


def test_two_people_claim_and_one_has_it(realm_id, cast):
    alice, bob = actor_of(cast.alice), actor_of(cast.bob)
    with scoping.realm_transaction(realm_id):
        ticket = tickets.open(actor=alice, category_key="office", title="Stapler")
    answers = at_once(
        realm_id,
        lambda: tickets.claim(actor=alice, ticket=ticket),
        lambda: tickets.claim(actor=bob, ticket=ticket),
    )
    assert {type(answer) for answer in answers} == {Ticket, AlreadyClaimed}


def test_a_double_click_resolves_once(realm_id, cast):
    bob, system = actor_of(cast.bob), Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        ticket = tickets.open(actor=system, category_key="fallout", title="Down", subject=("tests.pump", 5))

    def resolve() -> Ticket:
        return tickets.resolve(actor=bob, ticket=ticket, outcome="done", values={"pressure": 3})

    answers = at_once(realm_id, resolve, resolve)
    assert {type(answer) for answer in answers} == {Ticket, TicketWrongState}
    assert len(pump.told) == 1


def test_messages_written_at_once_all_stay_in_one_order(realm_id, cast):
    bob = actor_of(cast.bob)
    with scoping.realm_transaction(realm_id):
        ticket = tickets.open(actor=bob, category_key="office", title="Stapler")
    at_once(realm_id, *[lambda i=i: tickets.add_message(actor=bob, ticket=ticket, body=f"{i}") for i in range(8)])
    with scoping.realm_transaction(realm_id):
        ticket.refresh_from_db()
        assert ticket.version == 9
        assert sorted(ticket.messages.values_list("seq", flat=True)) == list(range(2, 10))


def test_one_key_names_one_category_and_one_pool(realm_id):
    system = Actor.system(realm_id)
    for create, model in ((categories.create, Category), (pools.create, TalentPool)):

        def make(name, create=create):
            return lambda: create(actor=system, key="roofs", name=name)

        refused = overlapping(realm_id, make("Roofs"), make("Other roofs"))
        assert isinstance(refused, KeyTaken) and "key" in refused.fields
        with scoping.realm_transaction(realm_id):
            assert model.objects.get(key="roofs").name == "Roofs"
