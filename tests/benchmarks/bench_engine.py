"""Durable workflow steps per second, beside bare Celery and beside the disk, in the same run on the same machine.

``make bench`` or ``BOSS_TEST_DURABLE=1 python3 manage.py test tests/benchmarks/bench_engine.py -s``;
``BOSS_BENCH_RUNS`` changes the number of runs. Five no-op steps a run; every step of the engine is committed with its
event, its attempt and what follows from it, while Celery's chain keeps nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest
from celery import chain
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses
from boss.platform.testing.processes import WorkerProcess
from tests.benchmarks import noop
from tests.benchmarks.frame import measure
from workflow.engine import bell
from workflow.models import Run
from workflow.services import definitions, runs

RUNS = int(os.environ.get("BOSS_BENCH_RUNS", "400"))
STEPS = 5
PATIENCE_SECONDS = 300

_CLIENT = """
import sys, time, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    done, end = 0, time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        connection.execute("INSERT INTO bench_commit (payload) VALUES ('x')")
        done += 1
print(done)
"""


def commits_per_second(database: str, seconds: float = 3.0, clients: int = 2) -> float:
    """Single-row commits per second with two clients: what the disk allows without any engine."""
    dsn = psycopg.conninfo.make_conninfo(addresses.admin_dsn(), dbname=database)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_commit (id bigserial PRIMARY KEY, payload text)")
        row = connection.execute("SHOW fsync").fetchone()
    if row is None or row[0] != "on":
        pytest.fail("Durable steps can only be measured on a durable Postgres: set BOSS_TEST_DURABLE=1.")
    arguments = [sys.executable, "-c", _CLIENT, dsn, str(seconds)]
    running = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
    return sum(int(client.communicate()[0]) for client in running) / seconds


@pytest.fixture
def crew(real_db: str, workers, tmp_path) -> Iterator[WorkerProcess]:
    """One worker with two processes that knows the no-op tasks. No clock: nothing is to be swept."""
    worker = WorkerProcess(tmp_path, concurrency=2)
    worker.child.argv = [*worker.child.argv, "--include", "tests.benchmarks.noop", "--loglevel", "WARNING"]
    workers.running.append(worker)
    worker.start()
    worker.wait()
    yield worker


def chains_per_second(count: int) -> float:
    """Five-step chains of bare Celery, results ignored."""
    noop.client().delete(noop.COUNTER)
    started = time.perf_counter()
    for _number in range(count):
        chain(*(noop.step.si() for _ in range(STEPS - 1)), noop.last.si()).apply_async()
    wait_until(lambda: int(noop.client().get(noop.COUNTER) or 0) >= count)
    return count / (time.perf_counter() - started)


def runs_per_second(realm_id: int, handler: str, count: int) -> tuple[float, float]:
    """Runs started per second, and five-step runs done per second: from the first wake-up to the last close."""
    system = Actor.system(realm_id)
    tasks = [
        {"key": f"s{n}", "title": f"Step {n}", "handler": handler, "after": [f"s{n - 1}"] if n else []}
        for n in range(STEPS)
    ]
    key = handler.replace(".", "-")
    with scoping.realm_transaction(realm_id):
        definitions.publish(actor=system, document={"key": key, "title": "Bench", "tasks": tasks})
        before = Run.objects.filter(version__definition__key=key).count()
    heard: list[int] = []
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        # Wake-ups are kept back, so that starting and doing can be timed apart.
        patch.setattr(bell, "ring_now", lambda realm_id, task_ids: heard.extend(task_ids))
        for _number in range(count):
            with scoping.realm_transaction(realm_id):
                runs.start(actor=system, definition_key=key)
    starts = count / (time.perf_counter() - began)

    def all_closed() -> bool:
        with scoping.realm_transaction(realm_id):
            closed = Run.objects.filter(version__definition__key=key, state="completed").count()
        return bool(closed >= before + count)

    began = time.perf_counter()
    bell.ring_now(realm_id, heard)
    wait_until(all_closed)
    return starts, count / (time.perf_counter() - began)


def wait_until(over) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not over():
        assert time.monotonic() < deadline, "it did not end"
        time.sleep(0.05)


@pytest.mark.timeout(900)
def test_steps_per_second(crew, cast, real_db):
    realm_id = cast.alpha.pk
    for handler in ("bench.local", "bench.remote"):
        runs_per_second(realm_id, handler, 60)  # warm: plans, caches, connections
    chains_per_second(20)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")  # what autovacuum does within a minute; plans made for empty tables are of no use

    commits = commits_per_second(real_db)
    celery = chains_per_second(RUNS) * STEPS
    measure("commits_single_row", commits, "1/s", "itself: two clients, this disk", 1)
    measure("celery_chain_steps", celery, "1/s", "commits_single_row", celery / commits)
    for handler in ("bench.local", "bench.remote"):
        starts, done = runs_per_second(realm_id, handler, RUNS)
        steps, kind = done * STEPS, handler.removeprefix("bench.")
        measure(f"engine_steps_{kind}", steps, "1/s", "commits_single_row", steps / commits)
        measure(f"engine_steps_{kind}_vs_celery", steps, "1/s", "celery_chain_steps", steps / celery)
        measure(f"engine_starts_{kind}", starts, "1/s", "commits_single_row", starts / commits)
