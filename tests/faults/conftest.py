"""Real workers that can be killed, a remote to judge them by, and a way to wait for the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses
from boss.platform.servers import Servers
from boss.platform.testing.plugin import SERVERS
from tests.cast import Cast
from workflow.choices import RunState
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs

TASKS = [
    {"key": "one", "title": "One", "handler": "faults.remote"},
    {"key": "left", "title": "Left", "handler": "faults.remote", "after": ["one"]},
    {"key": "right", "title": "Right", "handler": "faults.local", "after": ["one"]},
    {"key": "join", "title": "Join", "handler": "faults.remote", "after": ["left", "right"]},
    {"key": "last", "title": "Last", "handler": "faults.remote", "after": ["join"]},
]
REMOTE = ("one", "left", "join", "last")
RETRY = {"attempts": 30, "backoff_seconds": 0.2, "max_seconds": 1}


@pytest.fixture
def own_servers(request: pytest.FixtureRequest) -> Servers:
    """The servers of this test run, which this process owns and may kill."""
    cluster = request.config.stash.get(SERVERS, None)
    assert cluster is not None and cluster.servers is not None, "run it with -n 0: it kills its own servers"
    found: Servers = cluster.servers
    return found


def in_a_run_of_its_own(test: str, *, seconds: float, **environment: str) -> str:
    """Run a test marked ``reliability`` in a test run with durable servers of its own; what it printed.

    Fails when the test does, and after ``seconds`` with a note of where every thread was.
    """
    proof = subprocess.Popen(
        [sys.executable, "-m", "pytest", test, "-m", "reliability", "-n", "0", "-s"],
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | environment,
        cwd=addresses.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        told, _nothing = proof.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        proof.send_signal(signal.SIGABRT)  # Python writes where every thread is, then it ends and all below it
        told, _nothing = proof.communicate(timeout=30)
    assert proof.returncode == 0, told[-20_000:]
    return told


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The remote's files: ``effects/`` as they are, ``log`` of how they came."""
    from tests.faults import remote as module

    (tmp_path / "effects").mkdir()
    (tmp_path / "log").touch()
    monkeypatch.setenv(module.PLACE, str(tmp_path))
    return tmp_path


@pytest.fixture
def crew(workers: object, remote: Path) -> Iterator[Callable[..., list[object]]]:
    """``crew(n)`` starts n workers that know the remote; ``wait=False`` while the broker may not answer."""
    from boss.platform.testing.processes import WorkerProcess

    def start(count: int, concurrency: int = 2, wait: bool = True) -> list[object]:
        fresh = [WorkerProcess(remote, concurrency=concurrency) for _ in range(count)]
        for worker in fresh:
            worker.child.argv = [*worker.child.argv, "--include", "tests.faults.remote"]
            workers.running.append(worker)  # type: ignore[attr-defined]
            worker.start()
        for worker in fresh if wait else ():
            worker.wait()
        return list(fresh)

    yield start


def begin(cast: Cast, count: int, tasks: list[dict[str, object]] = TASKS, key: str = "faults") -> list[int]:
    """Publish and start ``count`` runs, with real commits; their row numbers."""
    realm_id = cast.alpha.pk
    system = Actor.system(realm_id)
    document = {"key": key, "title": "Faults", "tasks": [{"retry": RETRY, **task} for task in tasks]}
    with scoping.realm_transaction(realm_id):
        definitions.publish(actor=system, document=document)
    started = []
    for _number in range(count):
        with scoping.realm_transaction(realm_id):
            started.append(runs.start(actor=system, definition_key=key).pk)
    return started


def wait_closed(cast: Cast, run_ids: list[int], seconds: float, meanwhile: Callable[[], None] | None = None) -> None:
    """Wait until all runs are closed; ``meanwhile`` is called again and again."""
    deadline = time.monotonic() + seconds
    while True:
        with scoping.realm_transaction(cast.alpha.pk):
            still = Run.objects.filter(pk__in=run_ids, state__in=[RunState.RUNNING, RunState.REVERSING])
            open_now = list(still.values_list("public_id", "state"))
        if not open_now:
            return
        assert time.monotonic() < deadline, f"{len(open_now)} runs still open: {describe(cast, run_ids)}"
        if meanwhile is not None:
            meanwhile()
        time.sleep(0.1)


def describe(cast: Cast, run_ids: list[int]) -> str:
    """The open runs' tasks, for messages."""
    with scoping.realm_transaction(cast.alpha.pk):
        still = TaskRun.objects.filter(run_id__in=run_ids, run__state__in=[RunState.RUNNING, RunState.REVERSING])
        rows = [f"{t.run_id} {t.key} {t.state} {t.attempt} {t.failures} {t.due_at} {t.error}" for t in still[:20]]
    return "\n".join(rows)


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill_a_child(pids: list[int]) -> bool:
    """``kill -9`` one of the processes that do the work, if there is one."""
    children = [child for pid in pids for child in children_of(pid)]
    if not children:
        return False
    victim = random.choice(children)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def forgive_frozen_transactions_only_for(name: str, seconds: int) -> None:
    """Shorten, for this test's database, how long a frozen process may keep its locks."""
    with psycopg.connect(addresses.admin_dsn(), dbname="postgres", autocommit=True) as connection:
        for role in ("boss_app", "boss_system", "boss_dispatch"):
            setting = f"SET idle_in_transaction_session_timeout = '{seconds}s'"
            connection.execute(f'ALTER ROLE {role} IN DATABASE "{name}" {setting}')


def cut_connections(name: str) -> int:
    """End every connection to the test's database, as a restart of Postgres does. How many there were."""
    with psycopg.connect(addresses.admin_dsn(), dbname="postgres", autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (name,)
        ).fetchone()
    return int(found[0]) if found else 0
