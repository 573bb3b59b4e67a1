"""Workers and web servers of tests, without the start of Python.

Four of five seconds a worker needs to start it imports Django, Celery and the application, every time the same. One
process a test run does so and forks; the child then runs the very command line it would have been started with, as
``python -m`` does. The nursery opens no connection and has no second thread, so a child begins as empty as any other.

What a program reads from its environment while it is imported cannot be changed afterwards. A child whose environment
differs in more than ``LATE`` is therefore started in the ordinary way.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from boss.platform import addresses
from boss.platform.processes import Child, die_with_parent

LATE = ("BOSS_DATABASE_NAME", "BOSS_TEST_", "PYTEST_", "DJANGO_ALLOW_ASYNC_UNSAFE")
"""Beginnings of the names that are looked at only when they are needed, or that ``become`` sees to."""


def early(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment must be as it is before anything is imported."""
    return {name: value for name, value in environment.items() if not name.startswith(LATE)}


class Nursling(Child):
    """A child that is forked where that is the same, and started otherwise."""

    def start(self) -> None:
        """Start it in a session of its own."""
        environment = {**os.environ, **self.environment}
        if self.argv[:2] != [sys.executable, "-m"] or self.user is not None or early(environment) != Nursery.early:
            super().start()
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        nursery = Nursery.of_this_process()
        born = nursery.ask(argv=list(self.argv[2:]), environment=environment, log=str(self.log), cwd=str(self.cwd))
        self.process = cast("subprocess.Popen[bytes]", Forked(nursery, int(born)))


class Forked:
    """What of ``subprocess.Popen`` a :class:`Child` uses, for a process that is the nursery's child."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        if self.returncode is None:
            self.returncode = self.nursery.ask(ended=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.02)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Nursery:
    """The process that has imported everything, seen from the tests."""

    early: dict[str, str] = early(os.environ)
    """As it is when the first of these modules is imported: before any test changed it."""
    _one: Nursery | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        ours, its = socket.socketpair()
        with its:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(its.fileno())],
                env=self.early,
                cwd=addresses.ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        self._talk = ours.makefile("rw")

    @classmethod
    def of_this_process(cls) -> Nursery:
        """The one of this test process, opened when it is first wanted; it ends with us."""
        if cls._one is None:
            cls._one = cls()
        return cls._one

    def ask(self, **question: Any) -> Any:
        """Ask it for one thing. Raises RuntimeError when it has gone."""
        with self._lock:
            self._talk.write(json.dumps(question) + "\n")
            self._talk.flush()
            answer = self._talk.readline()
        if not answer:
            raise RuntimeError(f"the nursery ended with status {self.process.wait()}")
        return json.loads(answer)


# The nursery itself


def serve(number: int) -> None:
    """Import everything, then fork and tell of the dead until nobody asks any more."""
    import_everything()
    gc.collect()
    gc.freeze()  # a child's collections need not copy what they only look at
    if threading.active_count() != 1:
        raise RuntimeError(f"a nursery forks, and these threads would be missing: {threading.enumerate()}")
    with socket.socket(fileno=number) as asked, asked.makefile("rw") as talk:
        for line in talk:
            question = json.loads(line)
            answer = ended(question["ended"]) if "ended" in question else fork(asked, **question)
            talk.write(json.dumps(answer) + "\n")
            talk.flush()


def import_everything() -> None:
    """What a worker, the clock and a web server import, as far as they share it."""
    import celery.apps.beat
    import celery.apps.worker
    import celery.bin.celery
    import celery.concurrency.prefork
    import celery.worker.consumer
    import django
    import gunicorn.app.wsgiapp
    import gunicorn.workers.gthread

    import boss.celery
    import boss.wsgi

    django.setup()
    from django.urls import get_resolver

    boss.celery.app.loader.import_default_modules()
    _everything = get_resolver().url_patterns, celery, gunicorn


def ended(pid: int) -> int | None:
    """The exit status of a child as ``subprocess`` writes it, None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def fork(asked: socket.socket, *, argv: Sequence[str], environment: dict[str, str], log: str, cwd: str) -> int:
    """Fork a child that runs the module `argv[0]`; answers its process id when it has a session of its own."""
    with_the_parent = die_with_parent(signal.SIGTERM)
    ready, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        asked.close()
        os.setsid()
        if with_the_parent:
            with_the_parent()
        os.close(tells)
        become(argv, environment, log, cwd)
    os.close(tells)
    os.read(ready, 1)  # ends when the child has closed its side
    os.close(ready)
    return pid


def become(argv: Sequence[str], environment: dict[str, str], log: str, cwd: str) -> NoReturn:
    """Be what ``python -m argv`` would be with this environment, and end as it ends."""
    with open(os.devnull) as nothing, open(log, "ab") as lines:
        os.dup2(nothing.fileno(), 0)
        os.dup2(lines.fileno(), 1)
        os.dup2(lines.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    point_at_the_database(environment["BOSS_DATABASE_NAME"])
    sys.argv = list(argv)
    sys.path[0] = cwd
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    raise SystemExit(0)


def point_at_the_database(name: str) -> None:
    """Let every alias go to the database of the test."""
    from django.conf import settings
    from django.db import connections

    from boss.platform.testing.databases import point_at

    point_at(dict.fromkeys(connections, name))
    assert {one["NAME"] for one in settings.DATABASES.values()} == {name}


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    serve(int(sys.argv[1]))
