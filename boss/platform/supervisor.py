"""`manage.py up`: start all of BOSS on this machine, keep it running, stop it on Ctrl-C.

The order is that of a quick first page: the servers start while the builder imports Django and the web server
preloads it; the schema and the least of the demo are made; then the first page is fetched, and only after it the
worker and the clock start and the rest of the demo streams in.
"""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from boss.platform import addresses, bootstrap, lab, lab_keeper, options, services
from boss.platform.addresses import AddressError
from boss.platform.build import Builder, Built, demo_fingerprint
from boss.platform.database import DatabaseRefused
from boss.platform.options import Options
from boss.platform.processes import Child, StartError
from boss.platform.screen import Screen
from boss.platform.servers import AlreadyRunning, Ownership, Servers, own, prepare_database
from boss.platform.services import Service
from ipservices.labs import LabError

FIRST_PAGE_SECONDS = 30.0
FIRST_TASK_SECONDS = 60.0
UNWRITABLE = {errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
LONGEST_PAUSE = 30.0
"""Longest pause before something that keeps ending is launched again, in seconds."""


class Stopped(BaseException):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, a closed terminal).

    Like KeyboardInterrupt no `Exception`, or a library that catches those at that moment would swallow it.
    """


asked_to_stop = threading.Event()
"""Set for good once a signal came: what is raised inside a finalizer is lost, however it is called."""


def main(arguments: Sequence[str]) -> int:
    """Run `manage.py up`; returns when it was stopped. The exit status."""
    chosen = options.parse(arguments)
    # The bootstrap notes when the command began, so that installing counts too.
    screen = Screen(bootstrap.began_at())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    try:
        with own("up") as ownership:
            options.refuse_busy_port(chosen)
            # A server named in DATABASE_URL is given its roles and their passwords here, without any settings.
            addresses.settle_secret()
            return Supervisor(chosen, screen, ownership).run()
    except AlreadyRunning as running:
        return say_running(running, screen)
    except (StartError, DatabaseRefused, AddressError) as trouble:
        screen.problem(str(trouble))
        return 1
    except OSError as trouble:
        if trouble.errno not in UNWRITABLE:
            raise
        screen.problem(f"{addresses.STATE} cannot be used: {trouble}. It must belong to you and have room.")
        return 1
    except Stopped:
        return 0


def stop_on_signal(number: int, _frame: FrameType | None) -> None:
    """Turn a signal into an exception at whatever point we are."""
    # A second Ctrl-C must not break the orderly stop that the first one began.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    asked_to_stop.set()
    raise Stopped(signal.Signals(number).name)


def say_running(running: AlreadyRunning, screen: Screen) -> int:
    """A second `up`: say where the first one is."""
    url = running.status.get("url")
    if url:
        screen.problem(f"BOSS is already running: {url} (process {running.status.get('pid')}). Ctrl-C there stops it.")
    else:
        screen.problem(str(running))
    return 1


class Supervisor:
    """All processes of one `up`."""

    def __init__(self, chosen: Options, screen: Screen, ownership: Ownership) -> None:
        self.options = chosen
        self.screen = screen
        self.ownership = ownership
        self.state = addresses.STATE / addresses.kind()
        self.logs = self.state / "log"
        self.built = Built(self.state, lab=chosen.lab, names=chosen.names)
        self.servers: Servers | None = None
        self.builder: Builder | None = None
        self.services: list[Service] = []
        self.web: Service | None = None
        self.compiler: Child | None = None
        self.demo: dict[str, Any] = {}
        self.mail_door = 0

    def run(self) -> int:
        """Start everything, then watch over it until a signal comes."""
        try:
            self.start()
            self.watch()
        except Stopped:
            self.screen.line()
            self.screen.step("Stopping ...")
            return 0
        finally:
            self.stop()
        return 0

    def start(self) -> None:
        """From nothing to the first task done. Raises StartError."""
        self.screen.line(f"BOSS starts in {addresses.ROOT}")
        refuse_settings()
        # Links in mail lead to the port we listen on.
        os.environ["BOSS_PORT"] = str(self.options.port)
        # The host of a request names the provider, so the demo's must know what else we are called by.
        os.environ["BOSS_HOSTS"] = " ".join(self.options.names)
        self.ownership.tell(url=self.options.url, port=self.options.port, lab=self.options.lab, ready=False)
        if self.options.reset:
            self.reset()
        self.start_servers()
        self.start_lab()
        self.build()
        self.start_web()
        self.start_workers()
        self.ownership.tell(ready=True)
        self.tell_people()
        self.grow_demo()

    def reset(self) -> None:
        """Throw away database, queues and mail of the embedded platform. Raises StartError on a given database."""
        if not addresses.is_embedded_database():
            raise StartError("--reset only throws away the embedded database, and DATABASE_URL names another one.")
        self.built.forget()
        from boss.platform.postgres import moved_root

        for place in (self.state / "postgres", self.state / "valkey", addresses.STATE / "mail", moved_root()):
            shutil.rmtree(place, ignore_errors=True)
            if place.exists():
                raise StartError(f"{place} could not be deleted; part of it belongs to somebody else. Delete it first.")
        self.screen.step("The former database is gone")

    def start_servers(self) -> None:
        """PostgreSQL and Valkey, and beside them the processes that import Django meanwhile."""
        self.servers = Servers(self.state)
        if self.servers.postgres and not self.servers.postgres.exists:
            self.built.forget()
        if not self.built.schema or (self.options.demo and not self.built.minimum):
            if not self.built.facts:
                self.compiler = services.compiler(self.logs)
            self.builder = Builder(self.logs / "builder.log")
        else:
            self.web = self.add(services.web(self.options, self.logs))
        self.servers.launch()
        self.servers.wait()
        prepare_database()
        self.ownership.tell(prepared=True)
        what = [f"PostgreSQL {self.servers.postgres.programs.major}"] if self.servers.postgres else []
        what += ["Valkey"] if self.servers.valkey else []
        if self.servers.postgres and self.servers.postgres.mode != "plain":
            what[0] += f" (mode {self.servers.postgres.mode})"
        self.screen.step(f"{' and '.join(what)} started" if what else "The given servers answer")

    def start_lab(self) -> None:
        """The real servers that are installed; before the demo, which may want to use them."""
        if not self.options.lab:
            return
        if lab_keeper.read():
            self.screen.step("The real servers of `lab up` are used")
            return
        for service in lab.services(self.screen.step):
            try:
                self.add(service)
            except LabError as trouble:
                raise StartError(str(trouble)) from trouble
            self.screen.step(f"Real server started: {service.name}")

    def build(self) -> None:
        """Schema and the least of the demo, unless they are there."""
        if self.builder:
            # Two that import the same for the first time would both compile it; the web follows on the builder's work.
            self.builder.wait_for("import")
            self.web = self.add(services.web(self.options, self.logs))
            if not self.built.schema:
                self.builder.do("schema", self._progress)
                self.built.remember(schema=self.built.fingerprint)
            self.screen.step("Schema up to date, row-level security checked")
            if self.options.demo:
                self.demo = self.builder.do("demo", self._progress)
                self.built.remember(
                    minimum=self.built.least, **{key: self.demo[key] for key in ("logins", "try_first")}
                )
                self.screen.step("Demo realm ready to look at")
        elif self.options.demo:
            self.demo = self.built.facts

    def _progress(self, facts: list[Any]) -> None:
        self.screen.moving(*facts)

    def start_web(self) -> None:
        """Wait for the first page."""
        assert self.web is not None
        web = self.web.child
        assert web is not None
        wanted = 200 if self.demo.get("logins") else None
        try:
            web.wait_until(lambda: answers(self.options, wanted), FIRST_PAGE_SECONDS)
        except StartError as trouble:
            raise StartError(
                f"The first page does not come (status {wanted or 'below 500'} was expected).\n{trouble}"
            ) from trouble
        self.screen.step(f"First page answers at {self.options.url}")

    def start_workers(self) -> None:
        """Workers and clock, and one task all the way through. Raises StartError."""
        worker = self.add(services.worker("quick", self.logs))
        self.add(services.beat(self.logs))
        assert worker.child is not None
        result = send_ping()
        worker.child.wait_until(result.ready, FIRST_TASK_SECONDS)
        self.screen.step("A worker took the first task and finished it")
        self.add(services.worker("slow", self.logs))
        self.mail_door = self.options.mail_door
        self.add(services.mail_intake(self.mail_door, self.logs))

    def add(self, service: Service) -> Service:
        """Start one more service and watch over it from now on."""
        service.start()
        self.services.append(service)
        self._tell_processes()
        return service

    def _tell_processes(self) -> None:
        running = {service.name: service.child.pid for service in self.services if service.child}
        self.ownership.tell(processes=running)

    def tell_people(self) -> None:
        """The addresses, the log-ins and what to try first."""
        say = self.screen.line
        places = {"url": self.options.url, "port": self.options.port}
        say()
        say(f"  BOSS is running at {self.options.url}   (logs: {os.path.relpath(self.logs)}; Ctrl-C stops it)")
        say(f"  Console {self.options.url}/console/    API reference {self.options.url}/api/docs/")
        say(f"  Mail for tickets is taken by LMTP at 127.0.0.1:{self.mail_door} (docs/how-to/receive-mail.md)")
        if self.demo.get("logins") and self.options.names:
            others = " or ".join(f"http://{name}:{self.options.port}" for name in self.options.names)
            say(f"  From other machines {others}")
        if self.demo.get("logins"):
            say()
            say("  Demo log-ins")
            width = max(len(who) for who, *_rest in self.demo["logins"])
            for who, email, password, path in self.demo["logins"]:
                where = path.format(**places)
                where = where if "://" in where else self.options.url + where
                say(f"    {who:<{width}}  {email}  password {password}  {where}")
        if self.demo.get("try_first"):
            say()
            say("  Try first")
            for line in self.demo["try_first"]:
                say(f"    - {line.format(**places)}")
        say()

    def grow_demo(self) -> None:
        """Let the rest of the demo stream in; the builder is not needed for anything else any more."""
        if self.options.demo and self.demo.get("logins") and not self.built.demo:
            self.builder = self.builder or Builder(self.logs / "builder.log")
            self.builder.tell("rest")
        elif self.builder:
            self.builder.stop()
            self.builder = None

    def watch(self) -> None:
        """Keep everything running and show how the demo grows. Ends with an exception only."""
        while True:
            if asked_to_stop.is_set():
                raise Stopped
            self.follow_builder()
            for service in self.services:
                self.revive(service)
            self.revive_servers()

    def follow_builder(self) -> None:
        """Show the builder's progress for a moment; without a builder, just let the moment pass."""
        if self.builder is None:
            time.sleep(0.2)
            return
        try:
            answer = self.builder.next_answer(0.2)
        except StartError as trouble:
            # People can go on with what is there.
            self.screen.problem(f"The demo did not grow to its full size; the next start goes on with it. {trouble}")
            self.builder.stop()
            self.builder = None
            return
        if answer and "progress" in answer:
            self._progress(answer["progress"])
        elif answer and answer.get("done") == "rest":
            self.built.remember(demo=demo_fingerprint())
            self.screen.step("The demo is complete")
            self.builder.stop()
            self.builder = None

    def revive(self, service: Service) -> None:
        """Launch a service again that ended by itself, after a pause that grows while it keeps ending."""
        now = time.monotonic()
        if service.child and not service.child.is_running and service.again_at is None:
            service.ends = [end for end in service.ends if now - end < 120] + [now]
            pause = 0.0 if len(service.ends) == 1 else min(2.0 ** (len(service.ends) - 2), LONGEST_PAUSE)
            service.again_at = now + pause
            status = service.child.process.returncode if service.child.process else None
            again = "again now" if pause == 0 else f"again in {pause:.0f} s; its log is {service.child.log}"
            self.screen.step(f"The {service.name} ended (status {status}); it starts {again}")
            # What its main process left of its group must not go on beside the new one.
            service.child.kill()
        if service.again_at is not None and now >= service.again_at:
            try:
                service.start()
            except LabError as trouble:
                # A real server that does not come back takes nobody else along.
                service.again_at = now + LONGEST_PAUSE
                self.screen.step(f"The {service.name} does not start: {trouble}")
                return
            self._tell_processes()

    def revive_servers(self) -> None:
        """Start PostgreSQL or Valkey again where it ended; the processes above reconnect by themselves."""
        if self.servers is None:
            return
        for name, server in (("PostgreSQL", self.servers.postgres), ("Valkey", self.servers.valkey)):
            if server and server.child and not server.child.is_running:
                self.screen.step(f"{name} ended unexpectedly; it starts again")
                server.child.kill()
                server.launch()
                server.wait()

    def stop(self) -> None:
        """Stop in the order in which nothing is lost: clock, worker, web, builder, and the servers last."""
        children = [service.child for service in reversed(self.services) if service.child]
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()
        for helper in (self.builder, self.compiler):
            if helper:
                helper.stop()
        if self.servers:
            self.servers.stop()
            self.screen.step("Stopped")


def refuse_settings() -> None:
    """Raise StartError when the settings somebody chose cannot be used; ours of every day need no look."""
    name = os.environ.get("DJANGO_SETTINGS_MODULE", "boss.settings.dev")
    if name == "boss.settings.dev":
        return
    from django.core.exceptions import ImproperlyConfigured

    try:
        chosen = importlib.import_module(name)
    except (ImportError, ImproperlyConfigured) as trouble:
        raise StartError(f"The settings {name} (DJANGO_SETTINGS_MODULE) cannot be used: {trouble}.") from trouble
    storage = str(getattr(chosen, "STORAGES", {}))
    if "Manifest" in storage and not (Path(chosen.STATIC_ROOT) / "staticfiles.json").exists():
        raise StartError(f"The settings {name} want the static files collected: python3 manage.py collectstatic")


def answers(chosen: Options, wanted: int | None) -> bool:
    """True when the first page is there: with status `wanted`, or any answer that is not a server's fault."""
    host = "127.0.0.1" if chosen.host in {"localhost", "0.0.0.0"} else chosen.host
    host = f"[{host}]" if ":" in host else host
    # Production settings send everybody to HTTPS who did not come through the proxy that speaks it.
    headers = {"Host": f"localhost:{chosen.port}", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(f"http://{host}:{chosen.port}/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return bool(response.status == (wanted or response.status))
    except urllib.error.HTTPError as answer:
        return wanted is None and answer.code < 500
    except OSError:
        return False


def send_ping() -> Any:
    """Send one task with a client that knows nothing of Django; its pending result."""
    from celery import Celery

    client = Celery("boss-supervisor", broker=addresses.broker_url(), backend=addresses.result_url())
    token = uuid.uuid4().hex
    return client.send_task("platform.ping", [token], queue="quick", ignore_result=False)
