"""Steps of macros and rules that reach the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from boss.core.actors import Actor
from tests.workflow.workshop import task
from ticketing.errors import MacroRefused
from ticketing.models import Message, Ticket
from ticketing.services import categories, macros, tickets
from workflow.models import Run, Signal

STEPS = [{"do": "note", "text": "Told"}, {"do": "signal", "text": "paid"}]
SURVEY = {"key": "survey", "title": "Survey", "kind": "manual", "pool": "crew", "undo": "none", "instructions": "Look."}
WAIT = {"key": "wait", "title": "Wait", "kind": "wait", "signal": "paid", "deadline_seconds": 999_999_999}


def test_a_macros_signal_lets_the_run_of_its_ticket_go_on(
    begin: Callable[..., Run], go: Callable[..., int], states: Any, pool: Any, system: Actor
) -> None:
    run = begin([SURVEY, WAIT, task("after", "wait")])
    go(hurry=False)
    assert states(run) == {"survey": "waiting", "wait": "waiting", "after": "pending"}
    macro = macros.create(actor=system, key="paid", name="Paid", steps=STEPS)
    macros.run(actor=system, macro=macro, ticket=Ticket.objects.get())
    go(hurry=False)
    assert states(run) == {"survey": "waiting", "wait": "done", "after": "done"}
    signal = Signal.objects.get(run=run)
    assert (signal.name, signal.payload) == ("paid", {"ticket": Ticket.objects.get().public_id})


def test_a_signal_of_a_ticket_that_is_about_no_task_refuses_the_whole_macro(alpha: Any, system: Actor) -> None:
    categories.create(actor=system, key="office", name="Office", kind="office")
    ticket = tickets.open(actor=system, category_key="office", title="Forms")
    macro = macros.create(actor=system, key="paid", name="Paid", steps=STEPS)
    with pytest.raises(MacroRefused) as refusal:
        macros.run(actor=system, macro=macro, ticket=ticket)
    assert refusal.value.data["step"] == 2
    assert not Message.objects.filter(ticket=ticket, kind="internal").exists()
    assert not Signal.objects.exists()
