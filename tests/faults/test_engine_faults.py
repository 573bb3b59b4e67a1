"""Real processes, real kills, and a judge from outside: the remote's own files and the run's own record."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.testing import databases
from tests.cast import Cast
from tests.faults.conftest import (
    RETRY,
    begin,
    children_of,
    cut_connections,
    forgive_frozen_transactions_only_for,
    in_a_run_of_its_own,
    wait_closed,
)
from tests.faults.judge import judge
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from workflow.models import Run, RunEvent, TaskRun
from workflow.services import runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.timeout(800)
def test_the_proof_of_reliability_in_small(tmp_path):
    """Forty runs under fifteen kills, with Postgres and Valkey killed too: a test run of its own, as it needs servers
    of its own to kill. The large one: ``python3 manage.py test tests/faults -m reliability``."""
    # It explains what stands still when its patience ends, is stopped by its own time limit two minutes later, and
    # in any case before the limit of this test.
    size = {"BOSS_FAULT_RUNS": "40", "BOSS_FAULT_KILLS": "15", "BOSS_FAULT_PATIENCE": "540"}
    seed = {"BOSS_FAULT_SEED": os.environ.get("BOSS_FAULT_SEED", "3")}
    told = in_a_run_of_its_own("tests/faults/test_reliability.py", seconds=720, **seed, **size)
    assert '"lost": 0, "recorded twice": 0, "otherwise wrong": 0' in told


def test_a_flushed_broker_and_cut_database_connections_only_cost_seconds(real_db, cast, crew, workers, remote):
    crew(1)
    workers.beat()
    run_ids = begin(cast, 30)
    databases.empty_valkey()
    wait_for_progress(cast, run_ids)
    cut_connections(real_db)
    connections.close_all()
    databases.empty_valkey()
    wait_closed(cast, run_ids, 240)
    assert judge(cast, run_ids, remote)["completed"] == 30


def wait_for_progress(cast: Cast, run_ids: list[int]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with scoping.realm_transaction(cast.alpha.pk):
            if TaskRun.objects.filter(run_id__in=run_ids, state="done").exists():
                return
        time.sleep(0.05)
    raise AssertionError("nothing was done")


def test_a_whole_machine_of_workers_lost_and_a_frozen_one_waking_late(real_db, cast, crew, workers, remote):
    forgive_frozen_transactions_only_for(real_db, 3)
    team = crew(1, concurrency=3)
    workers.beat()
    run_ids = begin(cast, 20)
    wait_for_progress(cast, run_ids)
    frozen = freeze_at_work(cast, team[0].pid)
    time.sleep(3)  # longer than a lease: others take over while these still believe they own their tasks
    crew(1)
    wait_for_takeover(cast, run_ids)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    team[0].kill()
    wait_closed(cast, run_ids, 240)
    assert judge(cast, run_ids, remote)["completed"] == 20


def freeze_at_work(cast: Cast, pid: int) -> list[int]:
    """Freeze the worker's children at a moment when one of them owns a task."""
    for _try in range(200):
        frozen = children_of(pid)
        for child in frozen:
            os.kill(child, signal.SIGSTOP)
        with scoping.realm_transaction(cast.alpha.pk):
            if TaskRun.objects.filter(state="running").exists():
                return frozen
        for child in frozen:
            os.kill(child, signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("no task was ever running")


def wait_for_takeover(cast: Cast, run_ids: list[int]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with scoping.realm_transaction(cast.alpha.pk):
            if RunEvent.objects.filter(run_id__in=run_ids, kind="task.lost").exists():
                return
        time.sleep(0.1)
    raise AssertionError("no lease was taken over")


def test_a_poison_task_ends_with_people_and_the_others_are_unaffected(cast, crew, workers, remote):
    crew(1)
    workers.beat()
    poison = begin(
        cast,
        1,
        [{"key": "bad", "title": "Bad", "handler": "faults.poison", "retry": {**RETRY, "attempts": 3}}],
        key="poison",
    )
    run_ids = begin(cast, 10)
    wait_closed(cast, run_ids, 240)
    deadline = time.monotonic() + 120
    while True:
        with scoping.realm_transaction(cast.alpha.pk):
            task = TaskRun.objects.get(run_id__in=poison)
            if task.state == "attention":
                break
        assert time.monotonic() < deadline, task.state
        time.sleep(0.2)
    with scoping.realm_transaction(cast.alpha.pk):
        assert task.attempt == 3 and Ticket.objects.filter(state__in=OPEN_STATES).count() == 1
        assert Run.objects.filter(pk__in=run_ids, state="completed").count() == 10


def test_workers_killed_at_every_boundary_of_a_step_forward_and_back(cast, crew, workers, remote):
    """Each step loses its worker before its effect and after it, then works; each undo the same."""
    crew(1)
    workers.beat()
    steps = [
        {"key": "one", "title": "One", "handler": "faults.mortal"},
        {"key": "two", "title": "Two", "handler": "faults.mortal", "after": ["one"]},
        {"key": "wait", "title": "Wait", "kind": "wait", "signal": "go", "deadline_seconds": 9999, "after": ["two"]},
    ]
    run_ids = begin(cast, 2, steps, key="mortal")
    wait_until_all(cast, run_ids, "wait", "waiting")
    with scoping.realm_transaction(cast.alpha.pk):
        for run in Run.objects.filter(pk__in=run_ids):
            runs.reverse(actor=Actor.system(cast.alpha.pk), run=run, reason="all the way back")
    wait_closed(cast, run_ids, 240)
    lines = Counter(verb for verb, _key in map(str.split, (remote / "log").read_text().splitlines()))
    assert lines == {"made": 4, "removed": 4} and not list((remote / "effects").iterdir())
    with scoping.realm_transaction(cast.alpha.pk):
        for run in Run.objects.filter(pk__in=run_ids):
            kinds = Counter(RunEvent.objects.filter(run=run).values_list("kind", flat=True))
            assert (kinds["task.done"], kinds["task.undone"], kinds["task.lost"]) == (2, 2, 8)
            assert run.state == "reversed"
        assert not Ticket.objects.exists()


def wait_until_all(cast: Cast, run_ids: list[int], key: str, state: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with scoping.realm_transaction(cast.alpha.pk):
            if TaskRun.objects.filter(run_id__in=run_ids, key=key, state=state).count() == len(run_ids):
                return
        time.sleep(0.1)
    raise AssertionError(f"{key} is not {state} everywhere")
