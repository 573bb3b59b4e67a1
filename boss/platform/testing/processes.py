"""Real workers, a real beat and a real web server for tests, on the database the test uses."""

from __future__ import annotations

import itertools
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

from boss.celery import app
from boss.platform import addresses
from boss.platform.processes import Child
from boss.platform.testing.nursery import Nursling

READY_SECONDS = 120.0
_numbers = itertools.count(1)


class WorkerProcess:
    """One Celery worker in processes of its own."""

    def __init__(self, logs: Path, queues: str = "quick,slow", concurrency: int = 2) -> None:
        self.name = f"test{next(_numbers)}@{addresses.kind()}"
        self.child = Nursling(
            name=f"worker {self.name}",
            argv=[
                *(sys.executable, "-m", "celery", "-A", "boss", "worker", "--hostname", self.name),
                *("--queues", queues, "--concurrency", str(concurrency), "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle"),
            ],
            log=logs / f"worker-{self.name}.log",
            cwd=addresses.ROOT,
        )

    def start(self) -> None:
        """Start it without waiting."""
        self.child.start()

    def wait(self) -> None:
        """Wait until it answers. Raises StartError with the end of its log."""
        self.child.wait_until(self.answers, READY_SECONDS)

    def answers(self) -> bool:
        """True when the worker answers a ping over the broker."""
        return bool(app.control.ping(destination=[self.name], timeout=0.5))

    @property
    def pid(self) -> int:
        """The process id of the worker's main process."""
        return self.child.pid or 0

    @property
    def log(self) -> str:
        """The end of its log, for messages."""
        return self.child.last_words(60)

    def kill(self) -> None:
        """`kill -9` the worker with all its processes, as a power cut would."""
        self.child.kill()

    def stop(self) -> None:
        """Let it finish what it holds, then end it."""
        self.child.stop()


class Workers:
    """Starts as many workers as a test asks for and stops them all at its end."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: list[WorkerProcess] = []
        self._beat: Child | None = None

    def __call__(self, count: int = 1, *, queues: str = "quick,slow", concurrency: int = 2) -> list[WorkerProcess]:
        """Start `count` more workers and wait until each answers."""
        fresh = [WorkerProcess(self.logs, queues, concurrency) for _ in range(count)]
        for worker in fresh:
            self.running.append(worker)
            worker.start()
        for worker in fresh:
            worker.wait()
        return fresh

    def beat(self) -> Child:
        """Start the clock that sends the periodic tasks."""
        schedule = self.logs / f"beat-{next(_numbers)}"
        self._beat = Nursling(
            name="beat",
            argv=[
                *(sys.executable, "-m", "celery", "-A", "boss", "beat", "--loglevel", "INFO"),
                *("--schedule", str(schedule), "--pidfile", ""),
            ],
            log=schedule.with_suffix(".log"),
            cwd=addresses.ROOT,
        )
        self._beat.start()
        return self._beat

    def kill(self) -> None:
        """`kill -9` every worker that runs."""
        for worker in self.running:
            worker.kill()
        self.running.clear()

    def end(self) -> None:
        """`kill -9` beat and every worker: the test is over, and their last work would go into a dropped database."""
        if self._beat:
            self._beat.kill()
        self.kill()

    def stop(self) -> None:
        """Stop beat and every worker."""
        if self._beat:
            self._beat.stop()
        for worker in self.running:
            worker.child.ask_to_stop()
        for worker in self.running:
            worker.stop()
        self.running.clear()


class WebServer:
    """The web application under gunicorn on a free port."""

    def __init__(self, logs: Path) -> None:
        self.port = free_port()
        self.child = Nursling(
            name="web",
            argv=[*gunicorn(), "--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--threads", "4"],
            log=logs / f"web-{self.port}.log",
            cwd=addresses.ROOT,
        )

    @property
    def url(self) -> str:
        """Its address, without a slash at the end. `*.localhost` with the same port reaches it as well."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers anything at all. Raises StartError with the end of its log."""
        self.child.start()
        self.child.wait_until(self.answers, READY_SECONDS)

    def answers(self) -> bool:
        """True when it speaks HTTP, with whatever status: which hosts there are is the test's own business."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Stop it."""
        self.child.stop()

    def kill(self) -> None:
        """`kill -9` it with all its processes."""
        self.child.kill()


def gunicorn() -> list[str]:
    """The web server's command line without address and size."""
    memory = Path("/dev/shm")
    command = [sys.executable, "-m", "gunicorn", "boss.wsgi:application", "--no-control-socket"]
    command += ["--logger-class", "boss.platform.web_log.WebLog"]
    # The heartbeat file must not wait for a disk.
    return [*command, "--worker-tmp-dir", str(memory)] if memory.is_dir() else command


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
