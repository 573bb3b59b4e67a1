"""What a ticket's panel says of a run: where it stands, and whether a person is needed."""

from __future__ import annotations

from tests.workflow.workshop import Fail, shop, task
from workflow import live
from workflow.models import TaskRun


def told(actor, run):
    card = live.runs(actor, [run.pk])[run.pk]
    return str(card.state), card.tone, card.lines


def test_a_run_says_how_far_it_is(begin, go, bob, charlie):
    run = begin([task("a"), task("b", "a")])
    assert told(bob, run) == ("Running", "busy", ("2 tasks to go",))
    assert live.runs(charlie, [run.pk]) == {} and live.identify_run(charlie, run.public_id) is None
    go()
    assert told(bob, run) == ("Completed", "ok", ())
    assert live.identify_run(bob, run.public_id) == run.pk
    assert [card.public_id for card in live.found_runs(bob, run.public_id)] == [run.public_id]


def test_a_run_that_is_stuck_says_so_and_its_task_too(begin, go, bob, charlie):
    shop.plans["a"] = [Fail("broken")]
    run = begin([task("a"), task("b", "a")])
    go()
    assert told(bob, run)[:2] == ("Needs a person", "bad")
    stuck = TaskRun.objects.get(run=run, key="a")
    card = live.tasks(bob, [stuck.pk])[stuck.pk]
    assert (card.tone, card.public_id) == ("bad", run.public_id) and live.tasks(charlie, [stuck.pk]) == {}
