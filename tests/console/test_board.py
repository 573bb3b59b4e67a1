"""The board of runs: what is under way, where it stands, how much, and how it is found again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import F

from tests.cast import Cast
from tests.console.test_runs import MANUAL
from tests.workflow.conftest import begin, clean_workshop, go
from tests.workflow.workshop import Fail, Retry, chain, shop, task
from workflow import board
from workflow.board import Wanted
from workflow.models import Bulk, Run, TaskRun
from workflow.services import bulk

__all__ = ["begin", "clean_workshop", "go"]


@pytest.fixture
def crew(alpha: Any, system: Any) -> None:
    from ticketing.services import pools

    pools.create(actor=system, key="crew", name="Crew")


@pytest.fixture
def three(begin: Any, go: Any, crew: None) -> dict[str, Run]:
    """One run that failed, one that waits for a visit that is late, one that is being undone and failed at it."""
    shop.plans["b"] = [Fail("no connection to the mail server")]
    failed = begin(chain("a", "b", "c"), key="mail", title="Mail for a house")
    go()
    visit = begin([task("a"), {**MANUAL, "target_seconds": 60}], key="install", title="Installation")
    go()
    ticket = TaskRun.objects.get(run=visit, key="visit").ticket
    ticket.due_at -= dt.timedelta(days=1)
    ticket.save()
    return {"failed": failed, "visit": visit}


def found(actor: Any, **wanted: Any) -> list[str]:
    return [run.version.definition.key for run in board.list_runs(actor, Wanted(**wanted))]


def test_each_state_of_the_board_finds_the_runs_it_speaks_of(three: dict[str, Run], bob: Any, go: Any) -> None:
    assert found(bob) == ["install", "mail"]
    assert found(bob, state="attention") == ["mail"]
    assert found(bob, state="waiting") == ["install"]
    assert found(bob, state="late") == ["install"]
    assert found(bob, state="running") == []
    assert found(bob, state="reversing") == found(bob, state="closed") == []
    assert found(bob, state="all") == ["install", "mail"]


def test_runs_are_found_by_workflow_task_error_age_and_what_happened(three: dict[str, Run], bob: Any) -> None:
    assert found(bob, definition="mail") == ["mail"]
    assert found(bob, task="visit") == ["install"]
    assert found(bob, task="b") == ["mail"]
    assert found(bob, task="a") == []
    assert found(bob, error="MAIL SERVER") == ["mail"]
    assert found(bob, happened="fallout", state="all") == ["mail"]
    assert found(bob, happened="fallout", task="a", state="all") == []
    assert found(bob, older_seconds=3600) == []
    Run.objects.filter(pk=three["visit"].pk).update(started_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert found(bob, older_seconds=3600) == ["install"]


def test_a_task_that_goes_on_for_longer_than_its_target_is_late_by_its_own_version(
    begin: Any, go: Any, bob: Any
) -> None:
    shop.plans["a"] = [Retry(after_seconds=3600)]
    run = begin([task("a", target_seconds=60)])
    go(hurry=False)
    assert found(bob, state="late") == []
    TaskRun.objects.filter(run=run).update(started_at=F("started_at") - dt.timedelta(hours=1))
    assert found(bob, state="late") == ["test"]
    later = begin([task("a", target_seconds=86400)])
    shop.plans["a"] = [Retry(after_seconds=3600)]
    go(hurry=False)
    TaskRun.objects.filter(run=later).update(started_at=F("started_at") - dt.timedelta(hours=1))
    assert [found_.pk for found_ in board.list_runs(bob, Wanted(state="late"))] == [run.pk]
    assert board.counts(bob).late == 1


def test_the_counts_say_where_runs_stand_over_all_versions(
    three: dict[str, Run], begin: Any, go: Any, bob: Any
) -> None:
    begin([task("zero"), task("a"), {**MANUAL, "target_seconds": 60}], key="install", title="Installation")
    go()
    counts = board.counts(bob)
    assert (counts.open, counts.needs_people, counts.late, counts.waiting, counts.reversing) == (3, 1, 1, 2, 0)
    places = {(place.definition, place.task): (place.there, place.late, place.needs_people) for place in counts.places}
    assert places == {("install", "visit"): (2, 1, 0), ("mail", "b"): (1, 0, 1)}
    assert {definition.key: definition.open for definition in counts.definitions} == {"install": 2, "mail": 1}


def test_a_row_says_what_the_run_is_about_where_it_stands_and_that_it_needs_somebody(
    three: dict[str, Run], cast: Cast, browser_of: Any
) -> None:
    text = browser_of(cast.bob).get("/console/runs/").content.decode()
    assert "Order O-7" in text and "Mail for a house" in text and "no connection to the mail server" in text
    assert text.count("Needs a person</span>") >= 1 and "was due" in text
    assert f">{three['failed'].public_id}<" not in text


def test_the_numbers_open_their_runs(three: dict[str, Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    counts = bob.get("/console/runs/counts/")
    late = next(tile for tile in counts.context["tiles"] if tile.key == "late")
    assert late.number == 1 and len(bob.get(late.url).context["page"].rows) == 1
    for block in counts.context["blocks"]:
        for line in block.lines:
            assert len(bob.get(line.url).context["page"].rows) == line.there
            assert len(bob.get(line.people_url).context["page"].rows) == line.needs_people
            assert len(bob.get(line.late_url).context["page"].rows) == line.late


def test_charlie_sees_neither_runs_nor_numbers_of_another_provider(
    three: dict[str, Run], cast: Cast, browser_of: Any, charlie: Any, in_beta: Any
) -> None:
    page = browser_of(cast.charlie).get("/console/runs/", {"state": "all"})
    assert page.context["page"].rows == []
    assert browser_of(cast.charlie).get("/console/runs/counts/").context["tiles"][0].number == 0
    with in_beta():
        assert board.counts(charlie).open == 0
        assert list(board.list_runs(charlie, Wanted(state="late"))) == []


def test_a_filter_that_makes_no_sense_is_left_out_of_account(
    three: dict[str, Run], cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    for nonsense in ({"state": "what"}, {"age": "-1"}, {"definition": "nothing"}, {"after": "x"}, {"ended": "x"}):
        assert len(bob.get("/console/runs/", nonsense).context["page"].rows) == 2


def test_the_board_asks_a_fixed_number_of_statements_however_many_runs_it_shows(
    begin: Any, go: Any, crew: None, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    for _count in range(12):
        begin([task("a"), MANUAL], key="install")
    go()
    bob = browser_of(cast.bob)
    assert len(asked := statements_of(bob, "/console/runs/")) <= 6, "\n".join(asked)
    assert len(asked := statements_of(bob, "/console/runs/counts/")) <= 6, "\n".join(asked)


def test_chosen_runs_are_undone_together_after_their_sum_was_shown(
    three: dict[str, Run], go: Any, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    chosen = [three["failed"].public_id, three["visit"].public_id]
    shown = bob.post("/console/bulks/", {"action": "reverse", "run": chosen})
    assert shown.status_code == 200 and shown.context["told"].able == 2
    assert "2 runs are turned round." in shown.content.decode()
    once = shown.context["form"].initial["once"]
    refused = bob.post("/console/bulks/", {"action": "reverse", "run": chosen, "go": "1", "reason": "wrong price"})
    assert refused.status_code == 422 and "wrong price" in refused.content.decode()
    sent = {"action": "reverse", "run": chosen, "go": "1", "reason": "wrong price", "confirmed": "on", "once": once}
    begun = bob.post("/console/bulks/", sent)
    again = bob.post("/console/bulks/", sent)
    assert begun.status_code == 302 and begun["Location"] == again["Location"] and Bulk.objects.count() == 1
    page = begun["Location"]
    assert "0 of 2 done" in bob.get(page).content.decode() and 'hx-trigger="every 1s"' in bob.get(page).content.decode()
    assert bob.get(page, {"live": "1", "seen": "0"}).status_code == 204
    bulk.go_on(cast.alpha.pk, Bulk.objects.get().pk)
    over = bob.get(page, {"live": "1", "seen": "0"}).content.decode()
    assert "2 of 2 done" in over and "hx-trigger" not in over
    go()
    assert set(Run.objects.values_list("state", flat=True)) == {"reversed"}


def test_everything_that_was_found_can_be_chosen_at_once(three: dict[str, Run], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    shown = bob.post("/console/bulks/", {"action": "retry", "all": "1", "found": "state=attention"})
    assert shown.context["chosen"] == [three["failed"].public_id]
    assert bob.post("/console/bulks/", {"action": "retry"}).status_code == 302
    charlie = browser_of(cast.charlie)
    assert charlie.post("/console/bulks/", {"action": "retry", "run": shown.context["chosen"]}).status_code == 302
