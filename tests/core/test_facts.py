"""A fact is told if and only if what it says was committed, and every handler hears it in the end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import transaction
from django.db.models.functions import Now

from boss.core import events, relay, scoping
from boss.core.events import fact, handle, publish
from boss.core.models import Fact, FactDelivery

heard: list[tuple[str, int]] = []


@fact("tests.bell_rung")
@dataclass(frozen=True)
class BellRung:
    times: int


def _ear(name: str, fails: int = 0):
    left = [fails]

    def listen(happened: BellRung) -> None:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("not listening")
        heard.append((name, happened.times))

    return listen


handle("tests.first_ear", BellRung, _ear("first"))
handle("tests.deaf_ear", BellRung, _ear("deaf", fails=1))


@pytest.fixture
def bells(real_db, cast, monkeypatch):
    heard.clear()
    monkeypatch.setattr(events, "wake", [])
    return cast.alpha.pk


def test_a_fact_rolled_back_is_never_told(bells):
    with pytest.raises(ZeroDivisionError), scoping.realm_transaction(bells):
        publish(BellRung(1))
        _ = 1 / 0
    assert relay.deliver_due(bells) == 0 and heard == []


def test_a_failing_handler_holds_up_no_other_and_is_tried_again(bells):
    with scoping.realm_transaction(bells):
        publish(BellRung(2))
    relay.deliver_due(bells)
    assert heard == [("first", 2)]
    with scoping.realm_transaction(bells):
        late = FactDelivery.objects.get(delivered_at=None)
        assert late.handler == "tests.deaf_ear" and "not listening" in late.error and late.attempts == 1
        FactDelivery.objects.update(due_at=Now())
    assert relay.realms_with_due() == [bells]
    relay.deliver_due(bells)
    assert heard == [("first", 2), ("deaf", 2)]
    assert relay.realms_with_due() == []


def test_what_a_failing_handler_wrote_is_taken_back(bells):
    def writes_and_fails(happened: BellRung) -> None:
        Fact.objects.create(name="half", payload={})
        raise RuntimeError

    handle("tests.half_ear", BellRung, writes_and_fails)
    try:
        with scoping.realm_transaction(bells):
            publish(BellRung(3))
        relay.deliver_due(bells)
        with scoping.realm_transaction(bells):
            assert not Fact.objects.filter(name="half").exists()
    finally:
        del events.handlers._items["tests.half_ear"]


def test_facts_wake_the_relay_after_commit_only(bells, monkeypatch):
    woken: list[int] = []
    monkeypatch.setattr(events, "wake", [woken.append])
    with scoping.realm_transaction(bells):
        publish(BellRung(4))
        assert woken == []
    assert woken == [bells]


def test_delivered_facts_are_not_delivered_again(bells):
    with scoping.realm_transaction(bells):
        publish(BellRung(5))
    with transaction.atomic(using="system"):
        pass
    relay.deliver_due(bells)
    told = len(heard)
    assert relay.deliver_due(bells) == 0 and len(heard) == told
