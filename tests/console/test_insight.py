"""Learning: how long things take, what fails, what people do, and what will be late; every number opens its runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import F

from tests.cast import Cast
from tests.console.test_runs import MANUAL
from tests.workflow.conftest import begin, clean_workshop, go
from tests.workflow.workshop import Fail, Retry, chain, shop, task
from ticketing.models import Ticket, TicketEvent
from ticketing.services import pools, tickets
from workflow import insight
from workflow.graph import read
from workflow.models import Attempt, Definition, Run, TaskRun
from workflow.services import runs

__all__ = ["begin", "clean_workshop", "go"]

MINUTE = dt.timedelta(minutes=1)


def last(run: Run, key: str, minutes: float, *, work: float = 0) -> None:
    """Make a task of an ended run have taken so many minutes, ``work`` of them in its attempt."""
    tried = Attempt.objects.filter(task__run=run, task__key=key).order_by("number").first()
    began = tried.started_at if tried else TaskRun.objects.get(run=run, key=key).started_at
    # History is insert-only for the application: tests move the task's end instead.
    TaskRun.objects.filter(run=run, key=key).update(ended_at=began + minutes * MINUTE)


def whole(run: Run, minutes: float) -> None:
    """Make an ended run have taken so many minutes. Its end stays: only what has ended is learned from."""
    Run.objects.filter(pk=run.pk).update(started_at=F("ended_at") - minutes * MINUTE)


def opened(browser: Any, url: str) -> set[str]:
    """The runs that a number's link lists, over all its pages."""
    found: set[str] = set()
    after = ""
    while True:
        listed = browser.get(f"{url}&after={after}").context["page"]
        found |= {row.public_id for row in listed.rows}
        after = listed.older
        if not after:
            return found


@pytest.fixture
def history(begin: Any, go: Any) -> list[Run]:
    """Five completed runs of two parallel tasks and a last one; "b" is the long one."""
    document = [task("a"), task("b"), task("z", "a", "b")]
    begun = []
    for number in range(1, 6):
        run = begin(document)
        go()
        last(run, "a", number)
        last(run, "b", 10 * number)
        last(run, "z", 2)
        whole(run, 10 * number + 2)
        begun.append(run)
    return begun


def only(actor: Any, days: int = 30) -> insight.Learning:
    (learned,) = insight.learn(actor, days)
    return learned


def test_lead_times_and_their_parts_are_those_of_the_completed_runs(history: list[Run], bob: Any) -> None:
    learned = only(bob)
    assert (learned.ended, learned.undone, learned.fallen) == (5, 0, 0)
    assert learned.p50 == pytest.approx(32 * 60, rel=0.01) and learned.p90 == pytest.approx(48 * 60, rel=0.01)
    halves = {told.key: round(told.p50 / 60) for told in learned.tasks}
    assert halves == {"a": 3, "b": 30, "z": 2}
    assert learned.bottleneck is not None and learned.bottleneck.key == "b"
    assert {told.key for told in learned.tasks if told.on_path} == {"b", "z"}


def test_durations_of_a_definition_are_medians_for_those_who_simulate(history: list[Run]) -> None:
    found = insight.durations(Definition.objects.get(key="test"))
    assert {key: round(seconds / 60) for key, seconds in found.items()} == {"a": 3, "b": 30, "z": 2}


def test_failures_and_further_tries_are_counted_by_task_and_open_their_runs(
    begin: Any, go: Any, bob: Any, cast: Cast, browser_of: Any
) -> None:
    shop.plans["a"] = [Retry(error="busy")]
    shop.plans["b"] = [Fail("no")]
    for _run in range(2):
        begin(chain("a", "b"))
    go()
    stuck = TaskRun.objects.get(state="attention")
    runs.reverse(actor=bob, run=stuck.run, reason="x")
    go()
    learned = only(bob)
    assert (learned.ended, learned.undone, learned.fallen) == (2, 1, 1)
    assert {told.key: (told.retried, told.failed) for told in learned.tasks} == {"a": (1, 0), "b": (0, 1)}
    browser = browser_of(cast.bob)
    for row in browser.get("/console/insight/test/").context["rows"]:
        assert len(opened(browser, row.failed_url)) == row.failed
        assert len(opened(browser, row.retried_url)) == row.retried
        assert len(opened(browser, row.done_url)) == row.done
    summary = browser.get("/console/insight/").context["rows"][0]
    assert (summary.fallen, summary.undone) == ("50 %", "50 %")
    counted = ((summary.ended_url, 2), (summary.completed_url, 1), (summary.fallen_url, 1), (summary.undone_url, 1))
    for url, count in counted:
        assert len(opened(browser, url)) == count


def test_a_number_opens_the_runs_it_was_made_from_and_no_others(
    history: list[Run], begin: Any, go: Any, cast: Cast, browser_of: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("workflow.sample.MOST_RUNS", 3)
    browser = browser_of(cast.bob)
    summary = browser.get("/console/insight/").context["rows"][0]
    rows = browser.get("/console/insight/test/").context["rows"]
    # What ends afterwards was not counted, and is not among what a number opens.
    begin([task("a"), task("b"), task("z", "a", "b")])
    go()
    newest = {run.public_id for run in history[-3:]}
    assert summary.ended == 3
    for url in (summary.ended_url, summary.completed_url, summary.bottleneck_url, *(row.done_url for row in rows)):
        assert opened(browser, url) == newest
    told = browser.get(summary.ended_url).content.decode()
    assert "the newest 3 at most" in told and 'name="sample"' in told


def test_an_address_that_names_no_sample_leaves_nothing_out(history: list[Run], cast: Cast, browser_of: Any) -> None:
    browser = browser_of(cast.bob)
    for nonsense in ("x", "7", "7-", "-7-1", "0-1", "7-1e9", f"7-{'9' * 18}", "99999999-1"):
        assert len(opened(browser, f"/console/runs/?state=closed&sample={nonsense}")) == 5


def test_peoples_time_goes_from_taking_a_task_to_finishing_it(
    begin: Any, go: Any, bob: Any, alice: Any, system: Any, cast: Cast, browser_of: Any
) -> None:
    pools.create(actor=system, key="crew", name="Crew")
    first = begin([task("a"), MANUAL])
    go()
    ticket = Ticket.objects.get()
    tickets.claim(actor=alice, ticket=ticket)
    tickets.resolve(actor=alice, ticket=ticket, outcome="done", values={"level": 3})
    taken_at = TicketEvent.objects.get(ticket=ticket, type="claimed").at
    Ticket.objects.filter(pk=ticket.pk).update(resolved_at=taken_at + 90 * MINUTE)
    go()
    people = {told.key: round(told.people_seconds / 60) for told in only(bob).tasks}
    assert people == {"a": 0, "visit": 90}
    # One that nobody took first costs no time that is known: it is not among what the minutes open.
    begin([task("a"), MANUAL])
    go()
    tickets.resolve(actor=alice, ticket=Ticket.objects.latest("id"), outcome="done", values={"level": 3})
    go()
    browser = browser_of(cast.bob)
    page = browser.get("/console/insight/test/").context
    visit = next(row for row in page["rows"] if row.key == "visit")
    assert page["summary"].ended == 2
    assert opened(browser, visit.people_url) == opened(browser, page["summary"].people_url) == {first.public_id}


def test_an_open_run_that_is_on_the_way_to_be_late_is_told_with_where_it_stands(
    history: list[Run], begin: Any, go: Any, bob: Any, cast: Cast, browser_of: Any
) -> None:
    definition = Definition.objects.get(key="test")
    shop.plans["b"] = [Retry(after_seconds=10**6)] * 2
    early, late = begin([task("a"), task("b"), task("z", "a", "b")]), begin([task("a"), task("b"), task("z", "a", "b")])
    go(hurry=False)
    assert insight.jeopardy(bob, definition, only(bob)) == []
    # It began 40 minutes ago and its long task has only just been tried: 30 and 2 more will be too much.
    Run.objects.filter(pk=late.pk).update(started_at=F("started_at") - 40 * MINUTE)
    (found,) = insight.jeopardy(bob, definition, only(bob))
    assert found.run.pk == late.pk != early.pk
    assert round(found.expected_seconds / 60) == 72 and round(found.over_seconds / 60) == 24
    (line,) = browser_of(cast.bob).get("/console/insight/test/").context["late"]
    assert line.title == "Order O-7" and line.place == "B"


def test_little_history_says_nothing_about_what_will_be_late(begin: Any, go: Any, bob: Any) -> None:
    begin(chain("a"))
    go()
    assert insight.jeopardy(bob, Definition.objects.get(key="test"), only(bob)) == []


def test_only_what_ended_within_the_window_is_looked_at(history: list[Run], bob: Any) -> None:
    Run.objects.filter(pk=history[0].pk).update(ended_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert only(bob, 7).ended == 4


def test_the_longest_way_is_found_through_joins() -> None:
    graph = read({"key": "g", "title": "G", "tasks": [task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")]})
    assert insight.remaining(graph, {"a": 1, "b": 5, "c": 2, "d": 1}) == [7, 6, 3, 1]
    assert insight.critical_path(graph, {"a": 1, "b": 5, "c": 2, "d": 1}) == {"a", "b", "d"}


def test_charlie_learns_nothing_of_another_provider(
    history: list[Run], cast: Cast, browser_of: Any, charlie: Any, in_beta: Any
) -> None:
    assert browser_of(cast.charlie).get("/console/insight/").context["rows"] == []
    assert browser_of(cast.charlie).get("/console/insight/test/").status_code == 404
    with in_beta():
        assert insight.learn(charlie, 30) == []


def test_learning_asks_a_fixed_number_of_statements(
    history: list[Run], cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    bob = browser_of(cast.bob)
    assert len(asked := statements_of(bob, "/console/insight/")) <= 8, "\n".join(asked)
    assert len(asked := statements_of(bob, "/console/insight/test/")) <= 13, "\n".join(asked)
    listed = bob.get("/console/insight/").context["rows"][0].ended_url
    assert len(asked := statements_of(bob, listed)) <= 12, "\n".join(asked)
