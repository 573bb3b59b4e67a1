"""Whose turn it is: slow work never stands before quick, nor one realm's flood before another's single task."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.testing.processes import WorkerProcess
from tests.cast import Cast
from tests.faults.conftest import children_of
from workflow.models import Attempt, Run, TaskRun
from workflow.services import definitions, limits, runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Hire = Callable[..., WorkerProcess]


@pytest.fixture
def hire(workers: object, tmp_path: Path) -> Iterator[Hire]:
    """``hire("quick")`` starts a worker for these queues that knows the handlers of these tests."""
    from tests.faults import turns  # noqa: F401 - this process publishes definitions that name them

    def start(queues: str, concurrency: int = 1) -> WorkerProcess:
        worker = WorkerProcess(tmp_path, queues=queues, concurrency=concurrency)
        worker.child.argv = [*worker.child.argv, "--include", "tests.faults.turns"]
        workers.running.append(worker)  # type: ignore[attr-defined]
        worker.start()
        worker.wait()
        return worker

    yield start


def start(realm_id: int, handlers: list[str], *, key: str = "turns", count: int = 1, parallel: bool = False) -> list:
    """Start runs of a definition with one task per handler, one after the other or side by side. Their numbers."""
    system = Actor.system(realm_id)
    tasks = [
        {
            "key": f"t{n}",
            "title": f"T{n}",
            "handler": handler,
            "after": [] if parallel or n == 0 else [f"t{n - 1}"],
        }
        for n, handler in enumerate(handlers)
    ]
    with scoping.realm_transaction(realm_id):
        definitions.publish(actor=system, document={"key": key, "title": "Turns", "tasks": tasks})
    numbers = []
    for _number in range(count):
        with scoping.realm_transaction(realm_id):
            numbers.append(runs.start(actor=system, definition_key=key).pk)
    return numbers


def states(realm_id: int, run_ids: list[int]) -> list[str]:
    with scoping.realm_transaction(realm_id):
        rows = TaskRun.objects.filter(run_id__in=run_ids).order_by("run_id", "position")
        return list(rows.values_list("state", flat=True))


def wait_for(what: Callable[[], bool], seconds: float) -> float:
    """Wait until it holds; how long that took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "did not come true in time"
        time.sleep(0.05)
    return time.monotonic() - began


def test_servers_that_hang_hold_up_no_quick_step(cast: Cast, hire: Hire) -> None:
    """Every process for slow work hangs in a call, with more behind; quick steps, also of the same realm, go on."""
    realm = cast.alpha.pk
    hire("quick")
    hire("slow")
    hanging = start(realm, ["turns.quick", "turns.hang", "turns.quick"], key="hang", count=5)
    wait_for(lambda: states(realm, hanging).count("running") == 1, 30)
    wait_for(lambda: states(realm, hanging).count("done") == 5, 30)
    quick = start(realm, ["turns.quick"] * 3, key="quick", count=3)
    assert wait_for(lambda: set(states(realm, quick)) == {"done"}, 20) < 5
    assert states(realm, hanging).count("running") == 1, "the one process for slow work still hangs"


def test_one_worker_for_both_kinds_goes_through_a_run_by_itself(cast: Cast, hire: Hire) -> None:
    realm = cast.alpha.pk
    hire("quick,slow")
    runs_ = start(realm, ["turns.quick", "turns.slow", "turns.quick"], key="both")
    wait_for(lambda: set(states(realm, runs_)) == {"done"}, 30)
    with scoping.realm_transaction(realm):
        assert Attempt.objects.filter(task__run_id__in=runs_).values("worker").distinct().count() == 1


def test_a_flood_in_one_realm_lets_anothers_single_task_through_within_a_few_messages(cast: Cast, hire: Hire) -> None:
    # One at work, one fetched already, one of each lane that has messages before it is the calm one's turn, and what
    # is done between the run's own transaction and its message.
    assert overtaken(cast, hire, flood=10_000) <= 10


def overtaken(cast: Cast, hire: Hire, *, flood: int) -> int:
    """How many tasks of a flooded realm began between the start of another's run and that of its single task."""
    flooded, calm = cast.alpha.pk, cast.beta.pk
    run_ids = start(flooded, ["turns.quick"] * 500, key="flood", count=flood // 500, parallel=True)
    assert states(flooded, run_ids).count("ready") == flood
    hire("quick,slow")
    wait_for(lambda: states(flooded, run_ids).count("done") > 50, 60)
    (single,) = start(calm, ["turns.quick"])
    wait_for(lambda: states(calm, [single]) == ["done"], 30)
    with scoping.realm_transaction(calm):
        run, task = Run.objects.get(pk=single), TaskRun.objects.get(run_id=single)
    with scoping.realm_transaction(flooded):
        done = TaskRun.objects.filter(run_id__in=run_ids, state="done").count()
        before = Attempt.objects.filter(started_at__gt=run.started_at, started_at__lt=task.started_at).count()
    assert done < flood / 2, "the flood was over before it could be overtaken"
    return int(before)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from tests.faults import turns

    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv(turns.PLACE, str(log))
    return log


def spans(log: Path, killed_at: float | None = None) -> list[tuple[float, float]]:
    """When each call began and ended; one that never ended was killed."""
    lines = [line.split() for line in log.read_text().splitlines()]
    ends = {name: float(at) for word, name, at in lines if word == "ends"}
    began = [(name, float(at)) for word, name, at in lines if word == "begins"]
    return [(at, ends.get(name) or killed_at or at) for name, at in began]


def most_at_once(of: list[tuple[float, float]]) -> int:
    changes = sorted([(start, 1) for start, _end in of] + [(end, -1) for _start, end in of])
    now, most = 0, 0
    for _at, change in changes:
        now += change
        most = max(most, now)
    return most


def test_a_server_never_has_more_calls_than_its_limit_and_is_kept_busy(
    cast: Cast, hire: Hire, workers: object, calls: Path
) -> None:
    """Eight processes want the three places; one of them is killed in the middle of a call."""
    realm, most = cast.alpha.pk, 3
    with scoping.realm_transaction(realm):
        limits.set_limit(actor=Actor.system(realm), key="server:one", most_at_once=most)
    workers.beat()  # type: ignore[attr-defined]
    hire("quick")
    first, _second = hire("slow", 4), hire("slow", 4)
    run_ids = start(realm, ["turns.call"] * 30, parallel=True, count=2)
    wait_for(lambda: states(realm, run_ids).count("done") >= 10, 60)
    wait_for(lambda: kill_one_at_work(realm, first), 30)
    killed_at = time.time()
    wait_for(lambda: set(states(realm, run_ids)) == {"done"}, 120)
    found = spans(calls, killed_at)
    assert most_at_once(found) == most
    before = [span for span in found if span[1] < killed_at]
    busy = sum(end - start for start, end in before)
    assert busy > 0.6 * most * (before[-1][1] - before[0][0]), "the places were left empty"
    assert len(found) <= 61, "at most the killed call was made again"


def kill_one_at_work(realm_id: int, worker: WorkerProcess) -> bool:
    """``kill -9`` a process of this worker that is in the middle of a task."""
    with scoping.realm_transaction(realm_id):
        names = list(TaskRun.objects.filter(state="running").values_list("worker", flat=True))
    at_work = {int(name.rpartition(":")[2]) for name in names}
    for pid in at_work.intersection(children_of(worker.pid)):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def test_a_worker_told_to_end_finishes_its_task_and_leaves_the_next_to_others(
    cast: Cast, hire: Hire, calls: Path
) -> None:
    """A real SIGTERM in the middle of a call: nothing is lost, nothing is done twice, and it does not take long."""
    realm = cast.alpha.pk
    worker = hire("quick,slow")
    run_ids = start(realm, ["turns.call"] * 20)
    wait_for(lambda: "running" in states(realm, run_ids) and "done" in states(realm, run_ids), 30)
    os.kill(worker.pid, signal.SIGTERM)
    wait_for(lambda: not worker.child.is_running, 20)
    left = states(realm, run_ids)
    assert left.count("ready") == 1 and left.count("running") == 0 and left.count("pending") > 0
    assert len(spans(calls)) == left.count("done")
    hire("quick,slow")
    wait_for(lambda: set(states(realm, run_ids)) == {"done"}, 60)
    with scoping.realm_transaction(realm):
        outcomes = list(Attempt.objects.filter(task__run_id__in=run_ids).values_list("outcome", flat=True))
    assert outcomes == ["done"] * 20 and len(spans(calls)) == 20
