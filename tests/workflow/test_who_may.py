"""Who may do what to runs and tasks; Charlie of another realm sees none of it."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.core.services import ForeignActor
from tests.cast import actor_of, make_user
from tests.workflow.workshop import Fail, chain, shop
from workflow import selectors
from workflow.models import Run, Signal, TaskRun
from workflow.services import runs, signals, tasks


@pytest.fixture
def stuck(begin, go):
    """A run whose only task needs people."""
    shop.plans["a"] = [Fail("no")]
    run = begin(chain("a"))
    go()
    return run, TaskRun.objects.get(run=run)


@pytest.fixture
def auditor(cast):
    return actor_of(make_user(cast.alpha, "aud@alpha.example", "Audrey", "auditor"))


def test_who_only_reads_changes_nothing(stuck, auditor):
    run, task = stuck
    assert selectors.get_run(auditor, run.public_id) == run
    for act in (
        lambda: runs.reverse(actor=auditor, run=run, reason="x"),
        lambda: tasks.retry(actor=auditor, task=task),
        lambda: tasks.complete_by_hand(actor=auditor, task=task),
        lambda: tasks.skip(actor=auditor, task=task),
        lambda: signals.send(actor=auditor, run=run, name="x"),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert Run.objects.get(pk=run.pk).state == "running"
    assert TaskRun.objects.get(pk=task.pk).state == "attention"
    assert Signal.objects.count() == 0


def test_charlie_sees_nothing_and_cannot_act(stuck, charlie, in_beta):
    run, task = stuck
    with pytest.raises(ForeignActor):
        runs.reverse(actor=charlie, run=run, reason="x")
    assert not selectors.list_runs(charlie).exists()
    with in_beta():
        with pytest.raises(NotFound):
            selectors.get_run(charlie, run.public_id)
        with pytest.raises(Run.DoesNotExist):
            runs.reverse(actor=charlie, run=run, reason="x")
        assert not selectors.list_tasks_visible(charlie).exists()
    assert TaskRun.objects.get(pk=task.pk).state == "attention"


def test_a_reversal_needs_a_reason(stuck, bob):
    run, _task = stuck
    with pytest.raises(InvalidInput) as refused:
        runs.reverse(actor=bob, run=run, reason="  ")
    assert "reason" in refused.value.fields
    assert Run.objects.get(pk=run.pk).state == "running"


def test_the_api_shows_a_run_and_acts_like_the_services(stuck, browser_of, cast):
    run, _task = stuck
    client = browser_of(cast.bob)
    base = "/api/v1/workflow"
    assert client.get(f"{base}/runs/{run.public_id}/").json()["state"] == "running"
    graph = client.get(f"{base}/runs/{run.public_id}/graph/").json()
    assert [node["state"] for node in graph["nodes"]] == ["attention"]
    assert "needs people" in str(client.get(f"{base}/runs/{run.public_id}/journal/").json())
    listed = client.get(f"{base}/tasks/", {"state": "attention"}).json()["results"]
    assert [row["address"] for row in listed] == [f"{run.public_id}-a"]
    plan = client.get(f"{base}/runs/{run.public_id}/preview/").json()
    assert plan["steps"][0]["how"] == "undone"
    refused = client.post(f"{base}/tasks/{run.public_id}-a/skip/", {}, "application/json")
    assert refused.status_code == 403
    complete = f"{base}/tasks/{run.public_id}-a/complete/"
    answered = client.post(complete, {"outputs": {"number": "x"}}, "application/json")
    assert answered.status_code == 422 and "outputs.number" in answered.json()["fields"]
    answered = client.post(complete, {"outputs": {"number": 4}}, "application/json")
    assert (answered.status_code, answered.json()["state"]) == (200, "done")
    assert Run.objects.get(pk=run.pk).state == "completed"
    assert client.post(f"{base}/runs/{run.public_id}/reverse/", {"reason": "x"}, "application/json").status_code == 409
    stranger = browser_of(cast.charlie)
    for path in (f"runs/{run.public_id}/", f"runs/{run.public_id}/journal/", f"tasks/{run.public_id}-a/"):
        assert stranger.get(f"{base}/{path}").status_code == 404
