"""R18: which tasks failed and came to people, and how long those took."""

from __future__ import annotations

import pytest

from boss.core.actors import Actor, Grant
from boss.core.problems import NotFound
from tests.cast import actor_of
from tests.workflow.workshop import Fail, chain, shop
from ticketing.models import Ticket
from ticketing.reports.asking import Wanted
from ticketing.reports.running import list_reports, run, tickets_behind
from ticketing.services import tickets, time


def test_failed_tasks_are_counted_by_task_and_error_and_open_their_tickets(begin, go, cast, system):
    alice = actor_of(cast.alice)
    shop.plans["b"] = [Fail("no answer from the server"), Fail("no answer from the server"), Fail("refused")]
    for number in range(3):
        begin(chain("a", "b"), key=f"test-{number % 2}")
        go()
    tickets.open(actor=system, category_key=Ticket.objects.first().category.key, title="Nothing to do with tasks")
    first = Ticket.objects.filter(subject_kind="workflow.task").order_by("id").first()
    time.add(actor=alice, ticket=first, seconds=600)
    tickets.resolve(actor=alice, ticket=first, outcome="done", values={})

    by_task, by_error = run(alice, "fallbacks", Wanted()).tables
    told = [(row.label, *(row.cells[key].value for key in ("n", "solved", "spent", "before"))) for row in by_task.rows]
    assert told == [("Test workflow › b", 3, 1, 600, 0)]
    assert sorted(row.cells["n"].value for row in by_error.rows) == [1, 2]
    assert any(row.label.endswith("refused") for row in by_error.rows)
    for table in (by_task, by_error):
        for row in table.rows:
            for cell in row.cells.values():
                if cell.counts and not cell.before:
                    assert tickets_behind(alice, "fallbacks", Wanted(), cell.cell).count() == cell.value
    with pytest.raises(NotFound):
        tickets_behind(alice, "fallbacks", Wanted(), "all:")


def test_it_takes_the_right_to_see_runs(alpha, cast):
    held = frozenset({"ticketing.view_savedreport", "ticketing.view_ticket", "ticketing.view_internal_message"})
    reader = Actor(alpha.pk, "user", "Rita", user_id=cast.bob.pk, grants=(Grant(held, "realm"),))
    assert "fallbacks" not in [each.key for each in list_reports(reader)]
    with pytest.raises(NotFound):
        run(reader, "fallbacks", Wanted())
