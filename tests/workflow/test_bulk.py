"""One thing done to many runs: an outcome each, nothing twice, whatever dies."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.models import RoleGrant
from tests.cast import Cast, actor_of, make_user
from tests.workflow.workshop import Fail, chain, shop, task
from workflow import bulks, selectors
from workflow.engine import bell
from workflow.models import Bulk, Run, TaskRun
from workflow.services import bulk, definitions, runs


@pytest.fixture
def failed(begin: Any, go: Any) -> list[Run]:
    """Three runs of which each has a task that failed."""
    shop.plans["b"] = [Fail("no connection")] * 3
    begun = [begin(chain("a", "b", "c")) for _run in range(3)]
    go()
    return begun


def ids(runs_: list[Run]) -> list[str]:
    return [run.public_id for run in runs_]


def finish(asked: Bulk) -> dict[int, tuple[str, str]]:
    """What the workers do after commit."""
    bulk.go_on(asked.realm_id, asked.pk)
    return {item.run_id: (item.outcome, item.text) for item in asked.items.all()}


def state(run: Run) -> str:
    return str(Run.objects.get(pk=run.pk).state)


def test_failed_tasks_of_many_runs_are_tried_again(failed: list[Run], bob: Any, go: Any) -> None:
    asked = bulk.begin(actor=bob, kind="retry", public_ids=ids(failed))
    assert all(outcome == "done" for outcome, _text in finish(asked).values())
    go()
    assert [state(run) for run in failed] == ["completed"] * 3
    asked.refresh_from_db()
    assert asked.ended_at is not None and asked.due_at is None
    assert bulks.progress(asked) == bulks.Progress(total=3, done=3, refused=0, failed=0)


def test_many_runs_are_undone_with_one_reason_that_stands_in_every_journal(
    failed: list[Run], bob: Any, go: Any
) -> None:
    asked = bulk.begin(actor=bob, kind="reverse", public_ids=ids(failed), reason="the wrong price was published")
    finish(asked)
    go()
    assert [state(run) for run in failed] == ["reversed"] * 3 and shop.effects == {}
    assert set(Run.objects.values_list("reversal_reason", flat=True)) == {"the wrong price was published"}


def test_what_one_run_refuses_is_its_outcome_and_stops_no_other(failed: list[Run], bob: Any, system: Any) -> None:
    runs.reverse(actor=system, run=failed[1], reason="by somebody else")
    asked = bulk.begin(actor=bob, kind="reverse", public_ids=ids(failed), reason="x")
    outcomes = finish(asked)
    assert [outcomes[run.pk][0] for run in failed] == ["done", "refused", "done"]
    assert "reversed" in outcomes[failed[1].pk][1]


def test_an_error_at_one_run_is_its_outcome_and_leaves_nothing_half_done(
    failed: list[Run], bob: Any, monkeypatch: Any
) -> None:
    real = runs.reverse

    def breaks(**given: Any) -> Run:
        found = real(**given)
        if given["run"].pk == failed[0].pk:
            raise RuntimeError("the disk is full")
        return found

    monkeypatch.setattr(runs, "reverse", breaks)
    outcomes = finish(bulk.begin(actor=bob, kind="reverse", public_ids=ids(failed), reason="x"))
    assert outcomes[failed[0].pk] == ("failed", "the disk is full") and state(failed[0]) == "running"
    assert outcomes[failed[2].pk] == ("done", "")


def test_the_same_form_sent_twice_is_one_action(failed: list[Run], bob: Any, alice: Any) -> None:
    first = bulk.begin(actor=bob, kind="retry", public_ids=ids(failed), key="k")
    again = bulk.begin(actor=bob, kind="retry", public_ids=ids(failed), key="k")
    assert first == again and first.items.count() == 3
    assert bulk.begin(actor=alice, kind="retry", public_ids=ids(failed), key="k") != first


def test_two_workers_at_one_action_do_nothing_twice(failed: list[Run], bob: Any, go: Any) -> None:
    asked = bulk.begin(actor=bob, kind="retry", public_ids=ids(failed))
    finish(asked)
    finish(asked)
    go()
    retried = [event for run in failed for event in run.events.filter(kind="task.retried")]
    assert len(retried) == 3


def test_a_right_taken_away_meanwhile_is_gone(failed: list[Run], cast: Cast) -> None:
    dora = make_user(cast.alpha, "dora@alpha.example", "Dora Dent", "csr")
    asked = bulk.begin(actor=actor_of(dora), kind="reverse", public_ids=ids(failed), reason="x")
    RoleGrant.objects.filter(user=dora).delete()
    assert {outcome for outcome, _text in finish(asked).values()} == {"refused"}
    assert [state(run) for run in failed] == ["running"] * 3


def test_what_cannot_be_asked_for_is_refused_before_anything_happens(failed: list[Run], bob: Any, cast: Cast) -> None:
    tom = make_user(cast.alpha, "tom@alpha.example", "Tom Field", "field_technician")
    with pytest.raises(PermissionDenied):
        bulk.begin(actor=actor_of(tom), kind="reverse", public_ids=ids(failed), reason="x")
    for wrong in (
        {"kind": "explode", "public_ids": ids(failed)},
        {"kind": "retry", "public_ids": []},
        {"kind": "retry", "public_ids": ["0" * 12]},
        {"kind": "retry", "public_ids": [f"{n:012}" for n in range(501)]},
        {"kind": "reverse", "public_ids": ids(failed), "reason": " "},
    ):
        with pytest.raises(InvalidInput):
            bulk.begin(actor=bob, **wrong)
    assert not Bulk.objects.exists()


def test_charlie_can_neither_choose_runs_of_another_provider_nor_see_what_was_done(
    failed: list[Run], bob: Any, charlie: Any, in_beta: Any
) -> None:
    asked = bulk.begin(actor=bob, kind="retry", public_ids=ids(failed))
    with in_beta():
        with pytest.raises(InvalidInput):
            bulk.begin(actor=charlie, kind="retry", public_ids=ids(failed))
        assert list(bulks.list_all(charlie)) == []
        with pytest.raises(selectors.NotFound):
            bulks.get(charlie, asked.public_id)


def test_the_preview_sums_up_what_would_be_undone_what_stays_and_who_gets_work(
    begin: Any, go: Any, bob: Any, pool: Any, system: Any, django_assert_max_num_queries: Any
) -> None:
    tasks_ = [
        task("a"),
        task("b", "a", handler="tests.stubborn", undo="manual", pool="crew"),
        task("c", "b", handler="tests.stubborn", undo="none", point_of_no_return=True, follow_up="Write to him"),
        {"key": "wait", "title": "Wait", "kind": "wait", "after": ["c"], "signal": "go", "deadline_seconds": 10**6},
    ]
    begun = [begin(tasks_) for _run in range(4)]
    go(hurry=False)
    runs.reverse(actor=system, run=begun[0], reason="x")
    with django_assert_max_num_queries(6):
        told = bulk.preview(actor=bob, kind="reverse", public_ids=ids(begun))
    assert (told.chosen, told.able, told.tasks, told.kept) == (4, 3, 6, 3)
    assert dict(told.people) == {"crew": 3, "": 3}
    assert not Bulk.objects.exists() and TaskRun.objects.filter(run=begun[1], state="done").count() == 3


def test_chosen_runs_go_on_by_a_newer_version_and_what_stands_in_the_way_is_told_before(
    failed: list[Run], bob: Any, alice: Any, system: Any, begin: Any, go: Any
) -> None:
    other = begin(chain("x"), key="other")
    newer = definitions.publish(
        actor=system, document={"key": "test", "title": "Test workflow", "tasks": chain("a", "b", "c", "d")}
    )
    told = bulk.preview(actor=alice, kind="move", public_ids=ids(failed), version=newer.number)
    assert (told.able, told.obstacles) == (3, ())
    without = definitions.publish(actor=system, document={"key": "test", "title": "Test workflow", "tasks": chain("a")})
    told = bulk.preview(actor=alice, kind="move", public_ids=ids(failed), version=without.number)
    assert told.able == 0 and told.obstacles[0][1] == 3 and "does not exist" in told.obstacles[0][0]
    for wrong in ({"public_ids": ids([*failed, other]), "version": 1}, {"public_ids": ids(failed), "version": 99}):
        with pytest.raises(InvalidInput):
            bulk.begin(actor=alice, kind="move", **wrong)
    asked = bulk.begin(actor=alice, kind="move", public_ids=ids(failed[:2]), version=newer.number)
    assert [outcome for outcome, _text in finish(asked).values()] == ["done", "done"]
    finish(bulk.begin(actor=bob, kind="retry", public_ids=ids(failed)))
    go()
    assert [run.tasks.filter(key="d", state="done").count() for run in failed] == [1, 1, 0]


@pytest.mark.usefixtures("clean_workshop")
def test_an_action_whose_message_was_lost_is_rung_for_again(real_db: str, cast: Cast, monkeypatch: Any) -> None:
    rung: list[tuple[int, int]] = []
    monkeypatch.setattr(bell, "ring_bulk_now", lambda realm_id, bulk_id: rung.append((realm_id, bulk_id)))
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        system = Actor.system(cast.alpha.pk)
        definitions.publish(actor=system, document={"key": "t", "title": "T", "tasks": chain("a")})
        run = runs.start(actor=system, definition_key="t")
        asked = bulk.begin(actor=system, kind="reverse", public_ids=[run.public_id], reason="x")
    assert rung == [(cast.alpha.pk, asked.pk)]
    assert bulk.sweep() == 0
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        Bulk.objects.update(due_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert bulk.sweep() == 1 and len(rung) == 2
    assert bulk.go_on(*rung[1]) == 1
    assert bulk.sweep() == 0
