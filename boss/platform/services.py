"""The long-running processes of `manage.py up` above the servers: web, worker, beat, and any extra ones."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from boss.core.lanes import Kind
from boss.platform import addresses
from boss.platform.options import Options
from boss.platform.processes import Child

WEB_PROCESSES = 2
WEB_THREADS = 4
WORKER_PROCESSES = {"quick": 2, "slow": 4}
"""Processes for each kind of work. Slow work waits for others most of the time, so it takes more of them."""


@dataclass
class Service:
    """Something that is kept running: how it is launched, and the child that runs now.

    One that ends by itself is launched again, at once the first time and then with a growing pause.
    """

    name: str
    launch: Callable[[], Child]
    child: Child | None = None
    ends: list[float] = field(default_factory=list)
    again_at: float | None = None

    def start(self) -> None:
        """Launch it."""
        self.child = self.launch()
        self.again_at = None


def environment() -> dict[str, str]:
    """What every process below `up` finds in its environment."""
    return {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "boss.settings.dev"),
        # They run below somebody who has installed the packages and started the servers.
        "BOSS_NO_BOOTSTRAP": "1",
        "BOSS_SERVERS_RUN": "1",
        # The checks ran in the builder; a worker would import every page of the web for them.
        "CELERY_SKIP_CHECKS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def python_child(name: str, arguments: list[str], log: Path, **options: object) -> Child:
    """Start one of BOSS's own processes in the checkout."""
    child = Child(
        name=name,
        argv=[sys.executable, *arguments],
        log=log,
        environment=environment(),
        cwd=addresses.ROOT,
        **options,  # type: ignore[arg-type]
    )
    child.start()
    return child


# Ours first, then what is imported late: the builder compiles from the other end, Django's core.
COMPILED_AHEAD = (
    "rest_framework",
    "celery",
    "kombu",
    "billiard",
    "drf_spectacular",
    "django_filters",
    "csp",
    "gunicorn",
)


def compiler(logs: Path) -> Child:
    """Compile what a first start will import soon, on the processor that has nothing to do yet."""
    packages = Path(sysconfig.get_path("purelib"))
    rooms = ("boss", "ticketing", "workflow", "catalog", "subscribers", "ipservices")
    places = [str(addresses.ROOT / room) for room in rooms] + [str(packages / name) for name in COMPILED_AHEAD]
    return python_child("compiler", ["-m", "compileall", "-q", *places], logs / "compiler.log")


def web(options: Options, logs: Path) -> Service:
    """The web server. `--preload` imports once for all its processes."""
    arguments = ["-m", "gunicorn", "boss.wsgi:application", "--preload", "--no-control-socket"]
    arguments += ["--logger-class", "boss.platform.web_log.WebLog"]
    arguments += ["--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS), "--graceful-timeout", "5"]
    if Path("/dev/shm").is_dir():
        # The heartbeat file must not wait for a disk.
        arguments += ["--worker-tmp-dir", "/dev/shm"]
    for bind in options.binds:
        arguments += ["--bind", bind]
    return Service("web", lambda: python_child("web", arguments, logs / "web.log"))


def worker(kind: Kind, logs: Path) -> Service:
    """One Celery worker with several processes for one kind of work: servers that hang hold up no quick step."""
    name = f"{kind} worker"
    arguments = ["-m", "celery", "-A", "boss", "worker", "--hostname", f"{kind}@boss", "--queues", kind]
    arguments += ["--concurrency", str(WORKER_PROCESSES[kind]), "--without-gossip", "--without-mingle"]
    arguments += ["--loglevel", "INFO"]
    return Service(name, lambda: python_child(name, arguments, logs / f"worker-{kind}.log", grace=20.0))


def mail_intake(port: int, logs: Path) -> Service:
    """The door by which a mail server delivers mail for tickets, on this machine only."""
    arguments = ["manage.py", "mail_intake", "--host", "127.0.0.1", "--port", str(port)]
    return Service("mail intake", lambda: python_child("mail intake", arguments, logs / "mail-intake.log"))


def beat(logs: Path) -> Service:
    """The clock that sends the periodic tasks; exactly one of them."""
    arguments = ["-m", "celery", "-A", "boss", "beat", "--pidfile", "", "--loglevel", "INFO"]
    return Service("beat", lambda: python_child("beat", arguments, logs / "beat.log", stop_signal=signal.SIGTERM))
