"""My tasks: the workflow's work for people, one at a time, taken, done and followed by the next."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import Cast
from tests.console.test_runs import MANUAL
from tests.workflow.conftest import begin, clean_workshop, go
from tests.workflow.workshop import Fail, shop, task
from ticketing.models import Ticket
from ticketing.services import pools, tickets
from workflow.models import Run, TaskRun

__all__ = ["begin", "clean_workshop", "go"]

HOME = "/console/tasks/"


@pytest.fixture
def visits(begin: Any, go: Any, cast: Cast, system: Any) -> list[Run]:
    """Three runs that each wait for a visit by the crew, of which Bob is one."""
    crew = pools.create(actor=system, key="crew", name="Crew")
    pools.create(actor=system, key="office", name="Office")
    pools.add_member(actor=system, pool=crew, user=cast.bob)
    document = [task("a"), {**MANUAL, "with": {"street": {"var": "inputs.street"}, "password": {"var": "inputs.key"}}}]
    runs = [begin(document, inputs={"street": f"{n} Elm Street", "key": "hunter2secret"}) for n in range(1, 4)]
    go()
    return runs


def take(browser: Any) -> str:
    """Press "take the next task"; the address of the task that one has then."""
    return str(browser.post(f"{HOME}next/")["Location"])


def done(run: Run) -> str:
    return str(TaskRun.objects.get(run=run, key="visit").state)


def test_one_task_after_the_other_is_taken_and_finished(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    address = take(bob)
    assert Ticket.objects.get(assignee=cast.bob).subject_kind == "workflow.task"
    for run in visits:
        text = bob.get(address).content.decode()
        assert "Take a ladder." in text and "Signal level" in text and "Elm Street" in text
        assert "hunter2secret" not in text
        answer = bob.post(f"{address}finish/", {"outcome": "done", "value_level": "3"})
        assert answer.status_code == 302 and done(run) == "done"
        address = answer["Location"]
    assert address == HOME and "Nothing is waiting for you" in bob.get(address).content.decode()


def test_going_on_opens_what_was_begun_before_anything_new(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert take(bob) == take(bob)
    assert Ticket.objects.filter(assignee=cast.bob).count() == 1


def test_a_wrong_result_is_marked_and_what_was_typed_stays(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    address = take(bob)
    answer = bob.post(f"{address}finish/", {"outcome": "done", "value_level": "0", "note": "outlet in the hall"})
    text = answer.content.decode()
    assert answer.status_code == 422 and 'id="id_value_level_error"' in text and "outlet in the hall" in text
    assert done(visits[0]) == "waiting"


def test_finishing_twice_does_nothing_twice(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    address = take(bob)
    sent = {"outcome": "done", "value_level": "3"}
    bob.post(f"{address}finish/", sent)
    again = bob.post(f"{address}finish/", sent, follow=True)
    assert "already" in again.content.decode()
    assert [done(run) for run in visits].count("done") == 1


def test_a_task_that_cannot_be_done_ends_in_another_way(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    address = take(bob)
    assert "Skip this task" in bob.get(address).content.decode()
    unconfirmed = bob.post(f"{address}finish/", {"outcome": "undo", "value_reason": "no such house"})
    assert unconfirmed.status_code == 422 and Run.objects.get(pk=visits[0].pk).state == "running"
    bob.post(f"{address}finish/", {"outcome": "undo", "value_reason": "no such house", "confirmed": "on"})
    assert Run.objects.get(pk=visits[0].pk).state == "reversing"


def test_fallout_shows_what_went_wrong_and_how_often_it_was_tried(
    begin: Any, go: Any, cast: Cast, system: Any, browser_of: Any
) -> None:
    pool = pools.create(actor=system, key="noc", name="NOC")
    pools.add_member(actor=system, pool=pool, user=cast.bob)
    shop.plans["a"] = [Fail("no connection to the mail server")]
    begin([task("a", pool="noc")])
    go()
    bob = browser_of(cast.bob)
    text = bob.get(take(bob)).content.decode()
    assert "no connection to the mail server" in text and "Attempt 1" in text and "Try again" in text


def test_what_somebody_else_took_meanwhile_is_passed_over(
    visits: list[Run], cast: Cast, alice: Any, browser_of: Any
) -> None:
    first = Ticket.objects.order_by("id").first()
    tickets.claim(actor=alice, ticket=first)
    bob = browser_of(cast.bob)
    assert first.public_id not in take(bob)
    assert "Alice Able is at it." in bob.get(f"{HOME}{first.public_id}/").content.decode()


def test_the_pools_say_what_waits_since_when_and_what_was_done_today(
    visits: list[Run], cast: Cast, alice: Any, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    tickets.claim(actor=alice, ticket=Ticket.objects.order_by("-id").first())
    address = take(bob)
    bob.post(f"{address}finish/", {"outcome": "done", "value_level": "3"})
    pool = bob.get(HOME).context["pools"]
    assert [(row.name, row.waiting, row.taken, row.done, row.done_by_me) for row in pool] == [("Crew", 0, 2, 1, 1)]


def test_other_tickets_are_not_on_the_line(visits: list[Run], cast: Cast, system: Any, browser_of: Any) -> None:
    other = tickets.open(actor=system, category_key="workflow-work", title="Wash the van", pool_key="crew")
    bob = browser_of(cast.bob)
    assert "Wash the van" not in bob.get(HOME).content.decode()
    assert bob.get(f"{HOME}{other.public_id}/")["Location"] == f"/console/tickets/{other.public_id}/"


def test_charlie_gets_404_for_a_task_of_another_provider(visits: list[Run], cast: Cast, browser_of: Any) -> None:
    ticket = Ticket.objects.first()
    charlie = browser_of(cast.charlie)
    assert charlie.get(f"{HOME}{ticket.public_id}/").status_code == 404
    assert charlie.post(f"{HOME}{ticket.public_id}/take/").status_code == 404
    assert charlie.post(f"{HOME}{ticket.public_id}/finish/", {"outcome": "done", "value_level": "3"}).status_code == 404
    assert charlie.get(HOME).context["free"] == [] and done(visits[0]) == "waiting"


def test_the_line_asks_a_fixed_number_of_statements(
    visits: list[Run], cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    bob = browser_of(cast.bob)
    assert len(asked := statements_of(bob, HOME)) <= 7, "\n".join(asked)
    assert len(asked := statements_of(bob, take(bob))) <= 9, "\n".join(asked)
