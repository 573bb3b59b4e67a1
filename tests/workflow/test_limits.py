"""Limits: never more at once than allowed however claims meet, and a slot is freed by whatever ends its task."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.api.conftest import Api, minted
from tests.workflow.test_real_database import at_once, begin, make_due, rung, task_of  # noqa: F401 - a fixture
from tests.workflow.workshop import Fail, chain, shop, task
from workflow.engine import claims, loop, slots, sweeper
from workflow.models import Limit, LimitSlot, LimitWaiter, TaskRun
from workflow.services import limits, runs


@pytest.fixture
def realm(cast, real_db, rung) -> Iterator[int]:  # noqa: F811
    yield cast.alpha.pk
    connections.close_all()


def allow(realm_id: int, key: str = "server:one", **numbers: int | None) -> Limit:
    with scoping.realm_transaction(realm_id):
        return limits.set_limit(actor=Actor.system(realm_id), key=key, **numbers)


def many(realm_id: int, count: int, handler: str = "tests.limited") -> list[int]:
    run = begin(realm_id, [task(f"t{number}", handler=handler, **WITH) for number in range(count)], key=f"many{count}")
    return [task_of(realm_id, run, f"t{number}").pk for number in range(count)]


WITH = {"with": {"name": "one"}}


def end(realm_id: int, claim: claims.Claim) -> None:
    """The claimed task ends by whatever means; here its worker's lease."""
    make_due(realm_id, claim.task_id, ago=1)
    sweeper.sweep()


def test_of_many_claimers_at_once_as_many_as_allowed_get_a_slot(realm):
    allow(realm, most_at_once=3)
    for _round in range(4):
        tasks = many(realm, 8)
        won = [claim for claim in at_once([lambda pk=pk: claims.take(realm, pk) for pk in tasks]) if claim]
        assert len(won) == 3
        for claim in won:
            end(realm, claim)
        with scoping.realm_transaction(realm):
            # What is left of the round goes away, so that the next one begins with every place free.
            TaskRun.objects.filter(pk__in=tasks).update(state="skipped", due_at=None)


def test_a_task_without_a_slot_stays_ready_uses_no_attempt_and_is_rung_when_one_is_freed(realm, rung):  # noqa: F811
    allow(realm, most_at_once=1)
    first, second, third = many(realm, 3)
    claim = claims.take(realm, first)
    assert claim and claims.take(realm, second) is None and claims.take(realm, third) is None
    with scoping.realm_transaction(realm):
        row = TaskRun.objects.get(pk=second)
        assert (row.state, row.attempt, row.failures) == ("ready", 0, 0)
        assert list(LimitWaiter.objects.order_by("id").values_list("task", flat=True)) == [second, third]
    rung.clear()
    loop.advance(realm, first)
    assert rung == [], "it is somebody else's"
    end(realm, claim)
    assert rung[-1:] == [second]
    rung.clear()
    assert loop.advance(realm, second) == 1
    assert rung == [third], "whoever ends a task wakes the next in line"
    assert loop.advance(realm, third) == 1
    with scoping.realm_transaction(realm):
        assert not LimitWaiter.objects.exists()


def test_a_slot_freed_at_the_very_moment_of_lining_up_is_not_missed(realm, monkeypatch):
    allow(realm, most_at_once=1)
    first, second = many(realm, 2)
    claim = claims.take(realm, first)
    real = slots.line_up

    def freed_meanwhile(*given):
        with scoping.realm_transaction(realm):
            TaskRun.objects.filter(pk=claim.task_id).update(state="done", due_at=None)
        real(*given)

    monkeypatch.setattr(slots, "line_up", freed_meanwhile)
    assert claims.take(realm, second) is not None


def test_a_limit_on_the_realm_counts_every_automated_task_and_no_other(realm):
    allow(realm, "realm", most_at_once=1)
    a, b = many(realm, 2, "tests.remote")
    assert claims.take(realm, a)
    assert claims.take(realm, b) is None
    wait = {"key": "w", "title": "W", "kind": "wait", "signal": "go", "deadline_seconds": 60}
    run = begin(realm, [wait], key="waits")
    assert loop.advance(realm, task_of(realm, run, "w").pk) == 1


def test_what_may_be_limited_is_not_gone_on_with_inline(realm, rung):  # noqa: F811
    allow(realm, most_at_once=1)
    (first,) = many(realm, 1)
    assert claims.take(realm, first)
    run = begin(realm, [task("a"), task("b", "a", handler="tests.limited", **WITH), task("c", "a")], key="inline")
    assert loop.advance(realm, task_of(realm, run, "a").pk) == 2
    assert (task_of(realm, run, "b").state, task_of(realm, run, "c").state) == ("ready", "done")
    assert task_of(realm, run, "b").pk in rung
    assert loop.advance(realm, task_of(realm, run, "b").pk) == 0


def test_no_more_than_so_many_begin_in_a_minute_and_the_minute_over_others_may(realm, rung):  # noqa: F811
    allow(realm, most_per_minute=2)
    tasks = many(realm, 4)
    assert [loop.advance(realm, pk) for pk in tasks] == [1, 1, 0, 0]
    rung.clear()
    sweeper.sweep()
    assert rung == []
    with scoping.realm_transaction(realm), connections["default"].cursor() as cursor:
        cursor.execute("UPDATE workflow_limitslot SET used_at = used_at - interval '61 seconds'")
    sweeper.sweep()
    assert rung == tasks[2:]
    assert [loop.advance(realm, pk) for pk in tasks[2:]] == [1, 1]


def test_a_start_is_not_used_up_by_a_task_that_finds_no_place(realm):
    allow(realm, most_at_once=1, most_per_minute=5)
    first, *others = many(realm, 4)
    assert claims.take(realm, first)
    assert [claims.take(realm, pk) for pk in others] == [None] * 3
    with scoping.realm_transaction(realm):
        assert LimitSlot.objects.filter(is_place=False, used_at__isnull=False).count() == 1


def test_a_handler_that_cannot_name_its_limits_fails_and_says_so(realm):
    allow(realm, most_at_once=1)
    run = begin(realm, [task("a", handler="tests.limited", **{"with": {"name": "boom"}})], key="boom")
    assert loop.advance(realm, task_of(realm, run, "a").pk) == 1
    row = task_of(realm, run, "a")
    assert row.failures == 1 and "no such server" in row.error


def test_undoing_counts_as_well(realm):
    run = begin(realm, [task("a", handler="tests.limited", **WITH), *chain("b")], key="undo")
    shop.plans["b"] = [Fail("no")]
    for key in ("a", "b"):
        loop.advance(realm, task_of(realm, run, key).pk)
    allow(realm, most_at_once=1)
    (other,) = many(realm, 1)
    holder = claims.take(realm, other)
    with scoping.realm_transaction(realm):
        runs.reverse(actor=Actor.system(realm), run=run, reason="no")
    undoing = task_of(realm, run, "b")
    loop.advance(realm, undoing.pk)
    assert task_of(realm, run, "a").state == "undo_ready"
    assert loop.advance(realm, task_of(realm, run, "a").pk) == 0
    end(realm, holder)
    assert loop.advance(realm, task_of(realm, run, "a").pk) == 1
    assert task_of(realm, run, "a").state == "undone"


def test_a_lifted_limit_lets_go_of_all_who_waited(realm, rung):  # noqa: F811
    limit = allow(realm, most_at_once=1)
    tasks = many(realm, 3)
    assert claims.take(realm, tasks[0])
    assert [claims.take(realm, pk) for pk in tasks[1:]] == [None, None]
    with scoping.realm_transaction(realm):
        limits.lift(actor=Actor.system(realm), limit=limit)
    rung.clear()
    sweeper.sweep()
    assert sorted(rung) == sorted(tasks[1:])
    assert all(claims.take(realm, pk) for pk in tasks[1:])


def test_a_raised_limit_wakes_as_many_more_and_a_lowered_one_takes_no_new(realm, rung):  # noqa: F811
    allow(realm, most_at_once=1)
    tasks = many(realm, 5)
    assert claims.take(realm, tasks[0])
    assert [claims.take(realm, pk) for pk in tasks[1:]] == [None] * 4
    allow(realm, most_at_once=3)
    rung.clear()
    sweeper.sweep()
    assert rung == tasks[1:3]
    assert all(claims.take(realm, pk) for pk in tasks[1:3])
    allow(realm, most_at_once=1)
    assert claims.take(realm, tasks[3]) is None


def test_who_reverses_a_run_takes_its_tasks_out_of_the_line(realm):
    allow(realm, most_at_once=1)
    (first,) = many(realm, 1)
    assert claims.take(realm, first)
    run = begin(realm, [task("a", handler="tests.limited", **WITH)], key="leaves")
    assert loop.advance(realm, task_of(realm, run, "a").pk) == 0
    with scoping.realm_transaction(realm):
        runs.reverse(actor=Actor.system(realm), run=run, reason="no")
    sweeper.sweep()
    with scoping.realm_transaction(realm):
        assert not LimitWaiter.objects.exists()


@pytest.mark.parametrize(
    ("numbers", "field"),
    [({}, "most_at_once"), ({"most_at_once": 0}, "most_at_once"), ({"most_per_minute": 1001}, "most_per_minute")],
)
def test_a_limit_must_make_sense(alpha, system, numbers, field):
    with pytest.raises(InvalidInput) as refused:
        limits.set_limit(actor=system, key="server:one", **numbers)
    assert field in refused.value.fields


def test_only_who_may_changes_limits(alpha, alice, bob):
    limit = limits.set_limit(actor=alice, key="realm", most_at_once=5)
    with pytest.raises(PermissionDenied):
        limits.set_limit(actor=bob, key="realm", most_at_once=6)
    with pytest.raises(PermissionDenied):
        limits.lift(actor=bob, limit=limit)


def test_the_api_sets_shows_and_lifts_a_limit(realm):
    api = Api("alpha.localhost", minted(realm))
    made = api.post("workflow/limits/", {"key": "server:one", "most_at_once": 1})
    assert made.status_code == 201
    tasks = many(realm, 3)
    claims.take(realm, tasks[0])
    assert claims.take(realm, tasks[1]) is None
    shown = {
        "public_id": made.json()["public_id"], "key": "server:one", "most_at_once": 1, "most_per_minute": None,
        "running": 1, "waiting": 1,
    }  # fmt: skip
    assert api.get("workflow/limits/").json()["results"] == [shown]
    again = api.post("workflow/limits/", {"key": "server:one", "most_at_once": 2, "most_per_minute": 60}).json()
    assert (again["public_id"], again["most_at_once"], again["most_per_minute"]) == (shown["public_id"], 2, 60)
    assert api.post("workflow/limits/", {"key": "server:one"}).status_code == 422
    assert api.delete(f"workflow/limits/{shown['public_id']}/").status_code == 204
    assert api.get("workflow/limits/").json()["results"] == []
