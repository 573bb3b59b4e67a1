"""A run is amended, sent back or moved at the very moment when a worker claims or completes one of its tasks."""

from __future__ import annotations

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from tests.racing import overlapping
from tests.workflow.driving import drive
from tests.workflow.workshop import chain, clean, shop, task
from workflow.engine import bell, claims, execution, sweeper
from workflow.models import TaskRun
from workflow.services import definitions, runs

WAIT = {"key": "w", "title": "Wait", "kind": "wait", "signal": "go", "deadline_seconds": 1e6, "on_deadline": "done"}
NUMBER = {"with": {"number": {"var": "inputs.n"}}}


@pytest.fixture
def realm(cast, real_db, monkeypatch):
    clean()
    monkeypatch.setattr(bell, "ring_now", lambda realm_id, task_ids, lane: None)
    yield cast.alpha.pk
    connections.close_all()


def publish(realm, tasks, **inputs):
    declared = [
        {"key": key, "type": "boolean" if isinstance(value, bool) else "integer"} for key, value in inputs.items()
    ]
    document = {"key": "t", "title": "T", "inputs": declared, "tasks": tasks}
    with scoping.realm_transaction(realm):
        definitions.publish(actor=Actor.system(realm), document=document)


def begin(realm, **inputs):
    with scoping.realm_transaction(realm):
        return runs.start(actor=Actor.system(realm), definition_key="t", inputs=inputs)


def amend(realm, run, **inputs):
    runs.amend(actor=Actor.system(realm), run=run, inputs=inputs, reason="changed")


def move(realm, run):
    runs.move(actor=Actor.system(realm), run=run, number=2)


def row(realm, run, key):
    with scoping.realm_transaction(realm):
        return TaskRun.objects.get(run=run, key=key)


def test_a_task_claimed_while_its_run_is_amended_is_done_with_the_new_inputs(realm):
    publish(realm, [task("a", **NUMBER)], n=1)
    run = begin(realm, n=1)
    claim = overlapping(realm, lambda: amend(realm, run, n=2), lambda: claims.take(realm, row(realm, run, "a").pk))
    execution.perform(claim)
    assert shop.contexts["a"].inputs == {"number": 2}


def test_a_task_claimed_while_its_run_is_moved_is_done_as_the_new_version_has_it(realm):
    publish(realm, chain("a", "b"))
    run = begin(realm)
    publish(realm, [task("first"), *chain("a", "b")])
    claim = overlapping(realm, lambda: move(realm, run), lambda: claims.take(realm, row(realm, run, "a").pk))
    assert claim.spec.key == "a"
    execution.perform(claim)
    assert row(realm, run, "a").state == "done" and [key for _verb, key, _n in shop.calls] == ["a"]


def test_what_follows_a_task_that_was_at_work_while_its_run_was_amended_has_the_new_inputs(realm):
    publish(realm, [task("a"), task("b", "a", **NUMBER)], n=1)
    run = begin(realm, n=1)
    claim = claims.take(realm, row(realm, run, "a").pk)
    with scoping.realm_transaction(realm):
        amend(realm, run, n=2)
    while claim is not None:
        claim = execution.perform(claim)
    drive(realm)
    assert shop.contexts["b"].inputs == {"number": 2}


def test_a_task_wanted_since_an_amendment_is_not_left_behind_by_what_is_completed_at_that_moment(realm):
    publish(realm, [task("x", **NUMBER), task("s", "x", when={"var": "inputs.flag"}), WAIT], n=1, flag=False)
    run = begin(realm, n=1, flag=False)
    drive(realm, hurry=False)
    with scoping.realm_transaction(realm):
        amend(realm, run, n=2, flag=False)
    while row(realm, run, "x").state != "ready":
        drive(realm, hurry=False, most=1)
    claim = claims.take(realm, row(realm, run, "x").pk)
    overlapping(realm, lambda: amend(realm, run, n=2, flag=True), lambda: execution.perform(claim))
    drive(realm, hurry=False)
    assert row(realm, run, "x").state == row(realm, run, "s").state == "done"


def test_the_sweeper_rings_for_a_task_of_a_run_that_is_moved_at_that_moment(realm, monkeypatch):
    """It sees the task as the new version has it and the run as it was."""
    publish(realm, chain("a"))
    run = begin(realm)
    rung = []
    monkeypatch.setattr(bell, "room", lambda: {"quick": 10, "slow": 10})
    monkeypatch.setattr(bell, "ring_now", lambda realm_id, task_ids, lane: rung.extend(task_ids))
    with scoping.realm_transaction(realm):
        TaskRun.objects.filter(run=run).update(position=2, due_at="2000-01-01T00:00Z")
    assert sweeper.sweep() == 1 and rung == [row(realm, run, "a").pk]
