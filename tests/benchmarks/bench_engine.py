"""The engine beside the disk, DBOS and bare Celery, in rounds that take turns, so that a drifting machine cancels out.

``make bench`` or ``BOSS_TEST_DURABLE=1 python3 manage.py test tests/benchmarks/bench_engine.py -n 0 -s``. Every step of
the engine is committed with its event, its attempt and what follows from it; DBOS keeps each step's result; Celery's
chain keeps nothing. Values and ratios are medians of the rounds. ``BOSS_BENCH_ROUNDS``, ``BOSS_BENCH_RUNS`` (a round)
and ``BOSS_BENCH_OPEN`` (runs that stand open) change the sizes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from celery import chain
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses, bootstrap
from boss.platform.testing.processes import WorkerProcess
from tests.benchmarks import noop
from tests.benchmarks.frame import measure, median, quantile
from workflow.engine import bell, sweeper
from workflow.engine.starting import Start
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs

ROUNDS = int(os.environ.get("BOSS_BENCH_ROUNDS", "5"))
RUNS = int(os.environ.get("BOSS_BENCH_RUNS", "150"))
OPEN = int(os.environ.get("BOSS_BENCH_OPEN", "100000"))
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


# The anchors


def commits_per_second(database: str, seconds: float = 1.5, clients: int = 2) -> float:
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


class Dbos:
    """Two processes of DBOS on a database of their own on the same server."""

    def __init__(self, database: str) -> None:
        name = f"{database}_dbos"
        with psycopg.connect(addresses.admin_dsn(), dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        info = psycopg.conninfo.conninfo_to_dict(addresses.admin_dsn())
        dsn = f"postgresql://{info['user']}@/{name}?host={info['host']}&port={info.get('port', 5432)}"
        program = Path(__file__).with_name("rival_dbos.py")
        command = [str(bootstrap.uv_program()), "run", "--isolated", "--frozen", "--only-group", "bench"]
        self.processes = []
        for number in range(2):
            process = subprocess.Popen(
                [*command, "python", str(program), dsn, f"rival-{number}"],
                cwd=addresses.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            self.processes.append(process)
            self._expect(process, "ready")  # one after the other: the first makes the tables

    def _expect(self, process: subprocess.Popen[str], word: str) -> None:
        for line in process.stdout or ():
            if line.strip() == word:
                return
        pytest.fail(f"DBOS did not say {word}")

    def runs_per_second(self, count: int) -> float:
        began = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"run {count // 2}\n")
            process.stdin.flush()
        for process in self.processes:
            self._expect(process, "done")
        return count / (time.perf_counter() - began)

    def stop(self) -> None:
        for process in self.processes:
            process.communicate()  # the end of its input is the end of it


def chains_per_second(count: int) -> float:
    """Five-step chains of bare Celery, results ignored: sent first, then counted from the first to the last end."""
    noop.client().delete(noop.COUNTER)
    began = time.perf_counter()
    for _number in range(count):
        chain(*(noop.step.si() for _ in range(STEPS - 1)), noop.last.si()).apply_async()
    wait_until(lambda: int(noop.client().get(noop.COUNTER) or 0) >= count)
    return count / (time.perf_counter() - began)


# The engine


@pytest.fixture
def crew(real_db: str, workers, tmp_path) -> Iterator[WorkerProcess]:
    """One worker with two processes that knows the no-op tasks. No clock: nothing is to be swept."""
    worker = WorkerProcess(tmp_path, concurrency=2)
    worker.child.argv = [*worker.child.argv, "--include", "tests.benchmarks.noop", "--loglevel", "WARNING"]
    workers.running.append(worker)
    worker.start()
    worker.wait()
    yield worker


@pytest.fixture
def dbos(real_db: str) -> Iterator[Dbos]:
    rival = Dbos(real_db)
    yield rival
    rival.stop()


def line(count: int, handler: str) -> list[dict[str, object]]:
    return [
        {"key": f"s{n}", "title": f"Step {n}", "handler": handler, "after": [f"s{n - 1}"] if n else []}
        for n in range(count)
    ]


def fan(handler: str) -> list[dict[str, object]]:
    """One, then four at once, then one that waits for all four."""
    branches = [f"b{n}" for n in range(4)]
    return [
        {"key": "first", "title": "First", "handler": handler},
        *({"key": key, "title": key, "handler": handler, "after": ["first"]} for key in branches),
        {"key": "join", "title": "Join", "handler": handler, "after": branches},
    ]


def publish(realm_id: int, key: str, tasks: list[dict[str, object]]) -> None:
    with scoping.realm_transaction(realm_id):
        document = {"key": key, "title": "Bench", "tasks": tasks}
        definitions.publish(actor=Actor.system(realm_id), document=document)


def start_one_by_one(realm_id: int, key: str, count: int) -> None:
    for _number in range(count):
        with scoping.realm_transaction(realm_id):
            runs.start(actor=Actor.system(realm_id), definition_key=key)


def start_in_bulk(realm_id: int, key: str, count: int) -> None:
    for first in range(0, count, 1000):
        starts = [Start(None, {})] * min(1000, count - first)
        with scoping.realm_transaction(realm_id):
            runs.start_many(actor=Actor.system(realm_id), definition_key=key, starts=starts)


def runs_per_second(
    realm_id: int, key: str, count: int, start: Callable[[int, str, int], None] = start_in_bulk
) -> tuple[float, float]:
    """Runs started per second, and runs done per second: from the first wake-up to the last close."""
    heard: list[Callable[[], None]] = []
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        # Wake-ups are kept back, so that starting and doing can be timed apart.
        ring_now = bell.ring_now
        patch.setattr(bell, "ring_now", lambda *given: heard.append(lambda: ring_now(*given)))
        start(realm_id, key, count)
    starts = count / (time.perf_counter() - began)

    def all_closed() -> bool:
        with scoping.realm_transaction(realm_id):
            return not Run.objects.filter(version__definition__key=key, state="running").exists()

    began = time.perf_counter()
    for ring in heard:
        ring()
    wait_until(all_closed)
    return starts, count / (time.perf_counter() - began)


def wait_until(over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not over():
        assert time.monotonic() < deadline, "it did not end"
        time.sleep(0.02)


def analyze() -> None:
    """What autovacuum does within a minute; plans made for empty tables are of no use."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")


def settle() -> None:
    """What Postgres does in the minutes after a load: the dead rows go, hints are set, the pages are written. Else
    the first rounds after it pay for the load."""
    database = str(connections["owner"].settings_dict["NAME"])
    dsn = psycopg.conninfo.make_conninfo(addresses.admin_dsn(), dbname=database)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


class Rounds:
    """Values by name, one a round; reported as medians, and as medians of the ratios within each round."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        self.values[name].append(value)

    def tell(self, name: str, against: str, unit: str = "1/s") -> float:
        pairs = zip(self.values[name], self.values[against], strict=True)
        ratio = median(value / anchor for value, anchor in pairs)
        label = name if against == name or against == "commits" else f"{name}_vs_{against}"
        measure(f"engine_{label}", median(self.values[name]), unit, against, ratio)
        return ratio


@pytest.mark.timeout(1800)
def test_steps_per_second(crew, cast, real_db, dbos):
    realm_id = cast.alpha.pk
    shapes = {"steps_local": line(STEPS, "bench.local"), "steps_remote": line(STEPS, "bench.remote")}
    shapes |= {"fan_in_local": fan("bench.local"), "fan_in_remote": fan("bench.remote")}
    for key, tasks in shapes.items():
        publish(realm_id, key, tasks)
        runs_per_second(realm_id, key, 30)  # warm: plans, caches, connections
    chains_per_second(20)
    dbos.runs_per_second(20)
    analyze()

    rounds = Rounds()
    for _round in range(ROUNDS):
        rounds.add("commits", commits_per_second(real_db))
        rounds.add("celery", chains_per_second(RUNS) * STEPS)
        rounds.add("dbos", dbos.runs_per_second(RUNS) * STEPS)
        for key, tasks in shapes.items():
            single = key == "steps_local"
            starts, done = runs_per_second(realm_id, key, RUNS, start_one_by_one if single else start_in_bulk)
            rounds.add(key, done * len(tasks))
            if single:
                rounds.add("runs_local", done)
                rounds.add("starts_single", starts)
            elif key == "steps_remote":
                rounds.add("runs_remote", done)
        began = time.perf_counter()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bell, "ring_now", lambda *given: None)
            start_in_bulk(realm_id, "steps_local", 1000)
        rounds.add("starts_bulk", 1000 / (time.perf_counter() - began))
        with connections["owner"].cursor() as cursor:
            cursor.execute("UPDATE workflow_run SET state = 'completed', open_tasks = 0 WHERE state = 'running'")
            cursor.execute("UPDATE workflow_taskrun SET state = 'skipped', due_at = NULL WHERE state = 'ready'")
    for name in ("commits", "celery", "dbos", *shapes, "runs_local", "runs_remote", "starts_single", "starts_bulk"):
        rounds.tell(name, "commits")
    for name in ("steps_local", "steps_remote"):
        rounds.tell(name, "celery")
        rounds.tell(name, "dbos")


@pytest.mark.timeout(900)
def test_latency_from_one_task_to_the_next(crew, cast, real_db):
    """By the database's clock: from the end of the last predecessor to the beginning of the attempt. On a quiet engine:
    runs come one after the other, so this is the way and no queue."""
    realm_id = cast.alpha.pk
    for handler in ("bench.local", "bench.remote"):
        key = f"latency-{handler.removeprefix('bench.')}"
        publish(realm_id, key, fan(handler))
        runs_per_second(realm_id, key, 20)
        analyze()
        for _number in range(RUNS):
            runs_per_second(realm_id, key, 1)
        inline, by_message = [], []
        with scoping.realm_transaction(realm_id):
            rows: dict[int, dict[str, TaskRun]] = defaultdict(dict)
            for row in TaskRun.objects.filter(run__version__definition__key=key):
                rows[row.run_id][row.key] = row
        for tasks in list(rows.values())[20:]:
            first = tasks["first"].ended_at
            waits = sorted((tasks[f"b{n}"].started_at - first).total_seconds() * 1000 for n in range(4))
            inline.append(waits[0])
            by_message += waits[1:]
        commit = 1000 / commits_per_second(real_db, clients=1)
        for name, values in (("inline", inline), ("by_message", by_message)):
            for share in (0.5, 0.99):
                value = quantile(values, share)
                measure(f"engine_{key}_{name}_p{share * 100:g}", value, "ms", "one durable commit", value / commit)


@pytest.mark.timeout(900)
def test_cost_of_long_runs(crew, cast, real_db):
    """A run of a hundred tasks costs at most twelve times one of ten."""
    realm_id = cast.alpha.pk
    for handler in ("bench.local", "bench.remote"):
        kind = handler.removeprefix("bench.")
        for length in (10, 100):
            publish(realm_id, f"{kind}-{length}", line(length, handler))
            runs_per_second(realm_id, f"{kind}-{length}", 4)
        analyze()
        rounds = Rounds()
        for _round in range(ROUNDS):
            rounds.add("short", 1000 / runs_per_second(realm_id, f"{kind}-10", 40)[1])
            rounds.add("long", 1000 / runs_per_second(realm_id, f"{kind}-100", 8)[1])
        ratio = median(a / b for a, b in zip(rounds.values["long"], rounds.values["short"], strict=True))
        measure(f"engine_run_of_100_{kind}", median(rounds.values["long"]), "ms", "a run of ten tasks", ratio)


@pytest.mark.timeout(3600)
def test_a_hundred_thousand_open_runs(crew, cast, real_db):
    """What stands open costs what works nothing: steps per second before and after, and a look of the sweeper."""
    realm_id = cast.alpha.pk
    publish(realm_id, "busy", line(STEPS, "bench.local"))
    wait = {"key": "wait", "title": "Wait", "kind": "wait", "signal": "go", "deadline_seconds": 10**8}
    publish(realm_id, "open", [wait, {"key": "then", "title": "Then", "handler": "bench.local", "after": ["wait"]}])
    runs_per_second(realm_id, "busy", 50)
    analyze()
    before = median(runs_per_second(realm_id, "busy", RUNS)[1] * STEPS for _round in range(ROUNDS))
    began = time.perf_counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bell, "ring_now", lambda *given: None)
        start_in_bulk(realm_id, "open", OPEN)
    starts = OPEN / (time.perf_counter() - began)
    with connections["owner"].cursor() as cursor:
        # As if a worker had begun every wait.
        cursor.execute(
            "UPDATE workflow_taskrun SET state = 'waiting', attempt = 1, waiting_for = 'go',"
            " due_at = clock_timestamp() + interval '3 years' WHERE key = 'wait'"
        )
    settle()
    measure("engine_starts_of_open_runs", starts, "1/s", "a thousand a second", starts / 1000)
    after = median(runs_per_second(realm_id, "busy", RUNS)[1] * STEPS for _round in range(ROUNDS))
    measure(f"engine_steps_beside_{OPEN}_open_runs", after, "1/s", "the same without them", after / before)
    began = time.perf_counter()
    sweeper.sweep()
    look = (time.perf_counter() - began) * 1000
    measure(f"engine_sweep_beside_{OPEN}_open_runs", look, "ms", "the two seconds between sweeps", look / 2000)
