"""What only real commits and more than one connection can show: parallel completions, sweepers, leases, limits."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from celery import Celery
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from tests.workflow.workshop import Done, Fail, Refused, chain, shop, task
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow.engine import bell, claims, draining, execution, leases, ledger, loop, pace, sql, sweeper
from workflow.models import Attempt, Run, TaskRun
from workflow.services import definitions, runs, tasks

BRANCHES = [f"b{number}" for number in range(6)]


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    """Task ids the bell was rung for, instead of a broker."""
    heard: list[int] = []
    monkeypatch.setattr(bell, "ring_now", lambda realm_id, task_ids, lane: heard.extend(task_ids))
    return heard


@pytest.fixture
def realm(cast, real_db, rung) -> Iterator[int]:
    yield cast.alpha.pk
    connections.close_all()


def begin(realm_id: int, tasks: list[dict], key: str = "real") -> Run:
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        definitions.publish(actor=system, document={"key": key, "title": "Real", "tasks": tasks})
        return runs.start(actor=system, definition_key=key)


def task_of(realm_id: int, run: Run, key: str) -> TaskRun:
    with scoping.realm_transaction(realm_id):
        return TaskRun.objects.get(run=run, key=key)


def at_once(calls: list) -> list:
    """Run all calls at the same moment, each in a thread with connections of its own."""
    barrier = threading.Barrier(len(calls))
    answers: list = [None] * len(calls)

    def one(index: int) -> None:
        barrier.wait()
        try:
            answers[index] = calls[index]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.parametrize("conditional", [False, True])
def test_parallel_branches_that_end_together_start_their_join_once_and_it_sees_all_of_them(realm, conditional):
    wanted = {"number": {"var": "tasks.b5.number"}, "name": {"var": "tasks.b0.receipt"}}
    join = task("join", *BRANCHES, **{"with": wanted})
    if conditional:
        join["when"] = {"and": [{"==": [{"var": f"tasks.{key}.number"}, 1]} for key in BRANCHES]}
    for _round in range(5):
        run = begin(realm, [*(task(key, handler="tests.local") for key in BRANCHES), join])
        taken = [claims.take(realm, task_of(realm, run, key).pk) for key in BRANCHES]
        following = at_once([lambda claim=claim: execution.perform(claim) for claim in taken])
        mine = [claim for claim in following if claim is not None]
        if conditional:
            assert mine == []
            loop.advance(realm, task_of(realm, run, "join").pk)
        else:
            assert len(mine) == 1
            assert execution.perform(mine[0]) is None
        with scoping.realm_transaction(realm):
            fresh = Run.objects.get(pk=run.pk)
            assert (fresh.state, fresh.open_tasks) == ("completed", 0)
            assert [e.sequence for e in fresh.events.order_by("sequence")] == list(range(1, fresh.sequence + 1))
        assert shop.contexts["join"].inputs == {"number": 1, "name": "receipt of b0"}


def test_of_many_claimers_one_wins(realm):
    run = begin(realm, chain("a"))
    task_id = task_of(realm, run, "a").pk
    won = [claim for claim in at_once([lambda: claims.take(realm, task_id)] * 8) if claim]
    assert len(won) == 1


def test_two_sweepers_find_what_lost_its_message_once(realm, rung):
    run = begin(realm, chain("a"))
    task_id = task_of(realm, run, "a").pk
    rung.clear()
    with scoping.realm_transaction(realm):
        TaskRun.objects.filter(pk=task_id).update(due_at=ledger.database_now())
    at_once([sweeper.sweep, sweeper.sweep])
    assert rung == [task_id]
    sweeper.sweep()
    assert rung == [task_id], "what was rung for is left alone for a while"


def ledger_now(realm_id: int) -> dt.datetime:
    with scoping.realm_transaction(realm_id):
        return ledger.database_now()


def make_due(realm_id: int, *task_ids: int, ago: float = 0.0) -> None:
    with scoping.realm_transaction(realm_id):
        then = ledger.database_now() - dt.timedelta(seconds=ago)
        TaskRun.objects.filter(pk__in=task_ids).update(due_at=then)


def test_the_sweeper_rings_for_the_first_of_every_realm_before_the_second_of_any(realm, cast, rung, monkeypatch):
    """However many wake-ups one realm has lost, and however little room there is for new ones."""
    monkeypatch.setattr(bell, "MOST_SWEPT", 4)
    flood = [task_of(realm, begin(realm, chain("a")), "a").pk for _number in range(9)]
    single = task_of(cast.beta.pk, begin(cast.beta.pk, chain("a")), "a").pk
    make_due(realm, *flood, ago=60)
    make_due(cast.beta.pk, single)
    rung.clear()
    sweeper.sweep()
    assert len(rung) == 4 and single in rung[:2]
    with scoping.realm_transaction(realm):
        soon = ledger.database_now() + dt.timedelta(seconds=5)
        assert TaskRun.objects.filter(pk__in=flood, due_at__lt=soon).count() == 6, "the others' turn comes soon"


def test_while_the_broker_is_silent_nothing_is_taken_for_rung(realm, rung, monkeypatch):
    row = task_of(realm, begin(realm, chain("a")), "a")
    make_due(realm, row.pk)
    rung.clear()
    monkeypatch.setattr(bell, "current_app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    sweeper.sweep()
    assert rung == []
    monkeypatch.undo()
    heard: list[int] = []
    monkeypatch.setattr(bell, "ring_now", lambda realm_id, task_ids, lane: heard.extend(task_ids))
    sweeper.sweep()
    assert heard == [row.pk]


def test_tasks_whose_runs_stay_busy_do_not_hide_the_next_one_from_the_sweeper(realm, monkeypatch):
    monkeypatch.setattr(sweeper, "MOST_AT_ONCE", 3)
    rows = [task_of(realm, begin(realm, chain("a")), "a") for _number in range(5)]
    for age, row in enumerate(reversed(rows)):
        assert claims.take(realm, row.pk)
        make_due(realm, row.pk, ago=age)
    owner = connections["owner"]
    owner.set_autocommit(False)
    try:
        with owner.cursor() as cursor:
            busy = [row.run_id for row in rows[:4]]
            cursor.execute("SELECT 1 FROM workflow_run WHERE id = ANY (%s) FOR UPDATE", (busy,))
        sweeper.sweep()
        sweeper.sweep()
        with scoping.realm_transaction(realm):
            assert TaskRun.objects.get(pk=rows[4].pk).state == "ready"
            assert TaskRun.objects.filter(pk__in=[row.pk for row in rows], state="running").count() == 4
    finally:
        owner.rollback()
        owner.set_autocommit(True)


def test_what_cannot_be_settled_is_looked_at_again_later_and_hides_nothing(realm, monkeypatch):
    row = task_of(realm, begin(realm, chain("a")), "a")
    assert claims.take(realm, row.pk)
    make_due(realm, row.pk)
    monkeypatch.setattr(sweeper.outcomes, "fail", lambda *_given, **_named: 1 / 0)
    sweeper.sweep()
    with scoping.realm_transaction(realm):
        fresh = TaskRun.objects.get(pk=row.pk)
        assert fresh.state == "running" and fresh.due_at > ledger.database_now()


def test_two_sweepers_take_a_dead_workers_task_over_once(realm):
    run = begin(realm, chain("a"))
    task_id = task_of(realm, run, "a").pk
    assert claims.take(realm, task_id)
    with scoping.realm_transaction(realm):
        TaskRun.objects.filter(pk=task_id).update(due_at=ledger.database_now())
    at_once([sweeper.sweep, sweeper.sweep])
    row = task_of(realm, run, "a")
    if row.state == "running":  # one found the run busy and put the task off before the other had read it
        assert row.failures == 0 and row.due_at <= ledger_now(realm) + dt.timedelta(seconds=sweeper.BUSY_SECONDS)
        make_due(realm, task_id)
        sweeper.sweep()
        row = task_of(realm, run, "a")
    assert (row.state, row.failures, row.attempt) == ("ready", 1, 1)
    assert row.due_at == row.not_before


def test_a_lease_is_kept_while_the_handler_works_and_no_longer_than_its_limit(realm, settings, monkeypatch):
    settings.WORKFLOW_LEASE_SECONDS = 0.9
    monkeypatch.setattr(leases, "_keeper", leases._Keeper())  # one that has not gone to sleep on the long lease
    seen: list[str] = []

    def slow(context):
        time.sleep(2.5)
        sweeper.sweep()
        seen.append(task_of(realm, run, "a").state)
        return Done()

    shop.plans["a"] = [slow]
    run = begin(realm, chain("a"))
    loop.advance(realm, task_of(realm, run, "a").pk)
    assert seen == ["running"]
    assert task_of(realm, run, "a").state == "done"
    claim = claims.take(realm, task_of(realm, begin(realm, chain("a")), "a").pk)
    with leases.held(claim, 0.1):
        time.sleep(1.5)
        sweeper.sweep()
    with scoping.realm_transaction(realm):
        assert TaskRun.objects.get(pk=claim.task_id).state == "ready"
    assert leases.extend(claim) is False


@pytest.mark.parametrize("handler", ["tests.remote", "tests.local"])
def test_a_handler_that_hangs_is_interrupted_at_its_limit(realm, handler):
    def hang(context):
        if handler == "tests.local":
            with connections[scoping.alias()].cursor() as cursor:
                cursor.execute("SELECT pg_sleep(20)")
        time.sleep(20)

    shop.plans["a"] = [hang]
    run = begin(realm, chain("a", handler=handler, retry={"time_limit_seconds": 0.3}))
    began = time.monotonic()
    loop.advance(realm, task_of(realm, run, "a").pk)
    assert time.monotonic() - began < 10
    row = task_of(realm, run, "a")
    assert row.state == "ready" and "longer than 0.3 s" in row.error


def test_a_worker_for_quick_work_leaves_slow_work_to_others(realm, rung):
    """And one for slow work goes on to a quick step by itself."""
    run = begin(realm, [task("a", handler="tests.local"), task("b", "a"), task("c", "b", handler="tests.local")])
    rung.clear()
    pace.serve("quick")
    try:
        assert loop.advance(realm, task_of(realm, run, "a").pk)
    finally:
        pace.serve("slow")
    slow = task_of(realm, run, "b")
    try:
        assert slow.state == "ready" and rung == [slow.pk]
        assert loop.advance(realm, slow.pk)
    finally:
        pace.serve("quick", "slow")
    assert [task_of(realm, run, key).state for key in "bc"] == ["done", "done"]


def test_of_successors_a_worker_for_quick_work_goes_on_with_the_quick_one(realm):
    run = begin(realm, [task("a", handler="tests.local"), task("b", "a"), task("c", "a", handler="tests.local")])
    pace.serve("quick")
    try:
        assert loop.advance(realm, task_of(realm, run, "a").pk)
    finally:
        pace.serve("quick", "slow")
    assert (task_of(realm, run, "b").state, task_of(realm, run, "c").state) == ("ready", "done")


def test_shutdown_drains_and_leaves_the_next_task_to_others(realm, rung):
    run = begin(realm, chain("a", "b"))
    rung.clear()
    draining.begin()
    try:
        assert loop.advance(realm, task_of(realm, run, "a").pk)
    finally:
        draining.end()
    following = task_of(realm, run, "b")
    assert following.state == "ready" and rung == [following.pk]


def test_a_long_run_is_handed_on_by_message_now_and_then(realm, rung, monkeypatch):
    monkeypatch.setattr(claims, "LONGEST_INLINE_SECONDS", 0)
    run = begin(realm, chain("a", "b"))
    rung.clear()
    assert loop.advance(realm, task_of(realm, run, "a").pk)
    assert rung == [task_of(realm, run, "b").pk]


def test_completion_looks_at_no_other_runs_rows(realm):
    """With statistics as any real table has them, every row is found by its whole key, however many runs there are."""
    for _number in range(60):
        run = begin(realm, chain("a", "b", "c", "d"))
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE workflow_run, workflow_taskrun")
    parameters = {
        "realm": realm, "run": run.pk, "version": run.version_id, "revision": run.revision,
        "task": task_of(realm, run, "a").pk, "attempt": 1, "key": "a", "after": [1],
        "mine": 1, "guarded": [], "outputs": {}, "inputs": {}, "data": {}, "worker": "w", "lease": 5.0, "grace": 1.0,
    }  # fmt: skip
    with scoping.realm_transaction(realm):
        plan = [row[0] for row in sql.execute("EXPLAIN " + sql.COMPLETE, parameters).fetchall()]
    successors = next(index for index, line in enumerate(plan) if "on workflow_taskrun s " in line and "Scan" in line)
    assert "run_id" in plan[successors + 1] and "position" in plan[successors + 1], "\n".join(plan)


def test_nobody_is_woken_for_what_was_rolled_back(realm, rung):
    system = Actor.system(realm)
    with scoping.realm_transaction(realm):
        definitions.publish(actor=system, document={"key": "r", "title": "R", "tasks": chain("a")})
    rung.clear()
    with pytest.raises(ZeroDivisionError), scoping.realm_transaction(realm):
        runs.start(actor=system, definition_key="r")
        raise ZeroDivisionError
    assert rung == []
    with scoping.realm_transaction(realm):
        assert Run.objects.count() == 0


def test_local_tasks_in_a_row_share_a_transaction_and_one_that_fails_takes_no_other_with_it(realm):
    """What is local is done together and simply done again, each for itself, when one of them has trouble."""
    transactions: dict[str, set[int]] = {}

    def look(context):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            transactions.setdefault(context.task_key, set()).add(cursor.fetchone()[0])
        return Done()

    keys = ["a", "b", "c"]
    shop.plans.update({key: [look] for key in keys})
    run = begin(realm, chain(*keys, handler="tests.local"))
    loop.advance(realm, task_of(realm, run, "a").pk)
    assert transactions["a"] == transactions["b"] == transactions["c"]
    assert task_of(realm, run, "c").state == "done"

    transactions.clear()
    shop.plans.update({"a": [look, look], "b": [look, look], "c": [ValueError("down")]})
    run = begin(realm, chain(*keys, handler="tests.local"))
    loop.advance(realm, task_of(realm, run, "a").pk)
    assert [task_of(realm, run, key).state for key in keys] == ["done", "done", "ready"]
    assert task_of(realm, run, "c").failures == 1
    # The first time in one transaction that was rolled back, the second time each in its own.
    assert len(transactions["a"] & transactions["b"]) == 1 and len(transactions["a"] | transactions["b"]) == 3
    with scoping.realm_transaction(realm):
        assert [e.sequence for e in Run.objects.get(pk=run.pk).events.order_by("sequence")] == [1, 2, 3, 4]


def test_local_tasks_done_together_do_not_wait_for_anybodys_lock(realm):
    """A transaction of several tasks holds what they locked, so it yields where one task alone would wait."""
    locked, may_go = threading.Event(), threading.Event()

    def touch(context):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(77)")
        return Done()

    def somebody() -> None:
        with scoping.realm_transaction(realm), connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(77)")
            locked.set()
            may_go.wait(30)

    shop.plans["b"] = [touch, touch]
    run = begin(realm, chain("a", "b", handler="tests.local"))

    def work() -> None:
        locked.wait(30)
        loop.advance(realm, task_of(realm, run, "a").pk)

    def watch() -> None:
        deadline = time.monotonic() + 20
        while task_of(realm, run, "a").state != "done":
            assert time.monotonic() < deadline, "the first task's end is held up by the second's wait"
            time.sleep(0.05)
        may_go.set()

    at_once([somebody, work, watch])
    assert [task_of(realm, run, key).state for key in "ab"] == ["done", "done"]
    assert shop.calls.count(("do", "b", 1)) == 2


class Dies(BaseException):
    """What no handler may catch: the process ends here."""


def test_a_local_task_that_kills_its_worker_is_found_out_though_it_was_done_together_with_others(realm):
    def die(context):
        raise Dies

    shop.plans["c"] = [die] * 20
    run = begin(realm, chain("a", "b", "c", handler="tests.local", retry={"attempts": 50}))
    for _turn in range(40):
        with scoping.realm_transaction(realm):
            TaskRun.objects.filter(run=run, state="running").update(due_at=ledger.database_now())
        sweeper.sweep()
        with scoping.realm_transaction(realm):
            TaskRun.objects.filter(run=run).update(not_before=None)
            due = list(TaskRun.objects.filter(run=run, state="ready"))
        for task_run in due:
            with contextlib.suppress(Dies):
                loop.advance(realm, task_run.pk)
    rows = {key: task_of(realm, run, key) for key in "abc"}
    assert {key: row.state for key, row in rows.items()} == {"a": "done", "b": "done", "c": "attention"}
    assert (rows["a"].failures, rows["b"].failures, rows["c"].failures) == (1, 0, 5)


def test_a_lost_connection_while_recording_does_not_lose_the_outcome(realm, real_db):
    """The effect is made and then the connection breaks: the outcome is recorded over a new one."""

    def cut(context):
        shop.effects[context.idempotency_key] = {}
        with scoping.realm_transaction(realm), connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
        connections["default"].connection.close()
        return Done()

    shop.plans["a"] = [cut]
    run = begin(realm, chain("a", "b"))
    loop.advance(realm, task_of(realm, run, "a").pk)
    with scoping.realm_transaction(realm):
        assert Run.objects.get(pk=run.pk).state == "completed"
    assert Counter(key for _do, key, _n in shop.calls) == {"a": 1, "b": 1}


def tickets_of(realm_id: int, row: TaskRun) -> list[Ticket]:
    with scoping.realm_transaction(realm_id):
        return list(Ticket.objects.filter(subject_kind="workflow.task", subject_id=row.pk).order_by("id"))


def within(realm_id: int, act: Callable[[], object]) -> Callable[[], str]:
    """``act`` in a transaction of the realm; how it ended, in a word."""

    def call() -> str:
        try:
            with scoping.realm_transaction(realm_id):
                act()
        except Problem as refusal:
            return type(refusal).__name__
        return "done"

    return call


def test_the_last_attempt_lost_under_two_sweepers_and_its_late_worker_opens_one_ticket(realm):
    """Sweepers and the worker that was believed dead meet at the end of the last attempt."""
    for _round in range(4):
        run = begin(realm, chain("a", retry={"attempts": 1}))
        row = task_of(realm, run, "a")
        claim = claims.take(realm, row.pk)
        shop.plans["a"] = [Fail("no")]
        with scoping.realm_transaction(realm):
            TaskRun.objects.filter(pk=row.pk).update(due_at=ledger.database_now())
        at_once([sweeper.sweep, sweeper.sweep, lambda claim=claim: execution.perform(claim)])
        assert task_of(realm, run, "a").state == "attention"
        assert len(tickets_of(realm, row)) == 1
        with scoping.realm_transaction(realm):
            assert Attempt.objects.filter(task=row).count() == 1


def test_after_every_retry_by_a_person_there_is_one_open_ticket_again(realm):
    system = Actor.system(realm)
    run = begin(realm, chain("a"))
    row = task_of(realm, run, "a")
    shop.plans["a"] = [Fail("no")] * 3
    loop.advance(realm, row.pk)
    for number in (1, 2):
        retry = within(realm, lambda: tasks.retry(actor=system, task=task_of(realm, run, "a")))
        resolve = within(
            realm, lambda: tickets.resolve(actor=system, ticket=tickets_of(realm, row)[-1], outcome="retry")
        )
        assert sorted(at_once([retry, resolve]))[-1] == "done"
        loop.advance(realm, row.pk)
        states = [ticket.state for ticket in tickets_of(realm, row)]
        assert sum(state in OPEN_STATES for state in states) == 1 and len(states) == number + 1


@pytest.mark.parametrize("outcome", ["done", "retry", "undo"])
def test_a_ticket_resolved_while_its_run_is_reversed_ends_one_way_and_nobody_waits_in_a_circle(realm, outcome):
    system = Actor.system(realm)
    values = {"reason": "no"} if outcome == "undo" else {}
    for _round in range(4):
        shop.plans["b"] = [Fail("no")]
        run = begin(realm, chain("a", "b", "c"))
        loop.advance(realm, task_of(realm, run, "a").pk)
        row = task_of(realm, run, "b")
        (ticket,) = tickets_of(realm, row)
        reverse = within(realm, lambda run=run: runs.reverse(actor=system, run=run, reason="no"))
        resolve = within(
            realm,
            lambda ticket=ticket: tickets.resolve(
                actor=system, ticket=ticket, outcome=outcome, values=values, confirmed=True
            ),
        )
        ends = at_once([reverse, resolve])
        assert None not in ends and "done" in ends
        for _turn in range(8):
            with scoping.realm_transaction(realm):
                due = list(TaskRun.objects.filter(run=run, state__in=["ready", "undo_ready"]))
            for task_run in due:
                loop.advance(realm, task_run.pk)
        with scoping.realm_transaction(realm):
            assert Run.objects.get(pk=run.pk).state == "reversed"
            assert not Ticket.objects.filter(state__in=OPEN_STATES).exists()
        assert shop.effects == {}


def test_completing_reversing_and_sweeping_at_the_same_moment_end_in_one_of_two_ways(realm):
    system = Actor.system(realm)
    for _round in range(5):
        run = begin(realm, [task("a"), task("b", "a"), task("c", "a")])
        claim = claims.take(realm, task_of(realm, run, "a").pk)
        reverse = within(realm, lambda run=run: runs.reverse(actor=system, run=run, reason="no"))
        at_once([lambda claim=claim: execution.perform(claim), reverse, sweeper.sweep])
        for _turn in range(8):
            with scoping.realm_transaction(realm):
                TaskRun.objects.filter(run=run, state__in=["running", "undoing"]).update(due_at=ledger.database_now())
            sweeper.sweep()
            with scoping.realm_transaction(realm):
                TaskRun.objects.filter(run=run).update(not_before=None)
                due = list(TaskRun.objects.filter(run=run, state__in=["ready", "undo_ready"]))
            for task_run in due:
                loop.advance(realm, task_run.pk)
        with scoping.realm_transaction(realm):
            fresh = Run.objects.get(pk=run.pk)
            assert fresh.state == "reversed"
            assert [e.sequence for e in fresh.events.order_by("sequence")] == list(range(1, fresh.sequence + 1))
        assert shop.effects == {}


def test_a_reversal_whose_end_is_refused_opens_one_ticket_and_goes_on_when_it_may(realm, monkeypatch):
    """The last worker of a run that is taken back is lost, and the room of the subject will not close."""

    def refuse(*_args):
        raise Refused("the order is locked")

    run = begin(realm, [task("a", handler="tests.check")])
    row = task_of(realm, run, "a")
    assert claims.take(realm, row.pk)
    within(realm, lambda: runs.reverse(actor=Actor.system(realm), run=run, reason="no"))()
    monkeypatch.setattr("workflow.engine.closing.closed", refuse)
    for _sweep in range(3):
        make_due(realm, row.pk)
        sweeper.sweep()
    with scoping.realm_transaction(realm):
        (ticket,) = Ticket.objects.all()
        assert ticket.messages.filter(body__contains="the order is locked").exists() and ticket.state in OPEN_STATES
        assert run.events.filter(kind="task.follow_up").count() == 1
    monkeypatch.undo()
    make_due(realm, row.pk)
    sweeper.sweep()
    with scoping.realm_transaction(realm):
        assert Run.objects.get(pk=run.pk).state == "reversed"
        assert not Ticket.objects.filter(state__in=OPEN_STATES).exists()


def test_a_wait_whose_end_is_refused_is_given_to_people_not_swept_for_ever(realm, monkeypatch):
    """The last task is a wait and the room of the subject will not close: somebody must hear of it."""

    def refuse(*_args):
        raise Refused("the order is locked")

    wait = {"key": "w", "title": "W", "kind": "wait", "until": 0}
    monkeypatch.setattr("workflow.engine.closing.closed", refuse)
    run = begin(realm, [{**wait, "until": 0.2}])
    row = task_of(realm, run, "w")
    loop.advance(realm, row.pk)
    time.sleep(0.3)
    sweeper.sweep()
    sweeper.sweep()
    assert (task_of(realm, run, "w").state, len(tickets_of(realm, row))) == ("attention", 1)
    monkeypatch.undo()
    within(
        realm, lambda: tickets.resolve(actor=Actor.system(realm), ticket=tickets_of(realm, row)[0], outcome="done")
    )()
    with scoping.realm_transaction(realm):
        assert Run.objects.get(pk=run.pk).state == "completed"
