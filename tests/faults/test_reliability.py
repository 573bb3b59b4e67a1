"""The proof at scale: hundreds of runs under hundreds of ``kill -9``, with both servers killed and restarted meanwhile.

``python3 manage.py test tests/faults -m reliability`` (some minutes; only when asked for by its marker, as it
restarts the servers of its own test run). ``BOSS_FAULT_RUNS`` and ``BOSS_FAULT_KILLS`` change its size;
``test_engine_faults`` runs a small one every time. The figures are kept in ``docs/reliability.md``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.processes import Child
from boss.platform.servers import Servers
from boss.platform.testing import databases
from boss.platform.testing.processes import WorkerProcess, Workers
from tests.cast import Cast
from tests.faults.clock import step_clock
from tests.faults.conftest import begin, children_of, forgive_frozen_transactions_only_for, kill_a_child
from tests.faults.explain import explain
from tests.faults.judge import look
from tests.faults.remote import remove as take_away
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow.models import Attempt, Run, RunEvent, TaskRun
from workflow.services import runs

RUNS = int(os.environ.get("BOSS_FAULT_RUNS", "500"))
KILLS = int(os.environ.get("BOSS_FAULT_KILLS", "200"))
SEED = int(os.environ.get("BOSS_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
PATIENCE_SECONDS = int(os.environ.get("BOSS_FAULT_PATIENCE", "3000"))
OPEN_AT_ONCE = 60
FROZEN_SECONDS = 4.0  # twice a lease
PEOPLE_SECONDS = 2.0  # how often somebody looks for tasks that were given to people

# It says itself what stands still when its patience ends; the time limit is for what it waits for without an end.
pytestmark = [pytest.mark.slow, pytest.mark.reliability, pytest.mark.timeout(PATIENCE_SECONDS + 120)]


@pytest.fixture
def clocks(real_db: str, tmp_path: Path) -> Iterator[list[Child]]:
    """Two clocks, so that every sweep is sent twice."""
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()
    owners = [Workers(place) for place in places]
    yield [owner.beat() for owner in owners]
    for owner in owners:
        owner.stop()


class Trouble:
    """Kills and restarts, in step with the work, so that there is no quiet part of the test."""

    def __init__(
        self, cast: Cast, crew: Callable[..., list[WorkerProcess]], servers: Servers, clocks: list[Child]
    ) -> None:
        self.cast, self.crew, self.servers, self.clocks = cast, crew, servers, clocks
        self.dice = random.Random(SEED)
        self.team = crew(2, wait=False)
        self.done: Counter[str] = Counter()
        self._next = self._people_look = time.monotonic() + 1.0
        self._frozen: list[tuple[int, float]] = []
        self._due = self._programme()

    def _programme(self) -> dict[int, list[Callable[[], None]]]:
        """What happens beside the kills, by how many kills there were."""
        rare = [
            self.restart_postgres, self.restart_valkey, self.flush_broker, self.step_clock, self.kill_whole_worker,
            self.restart_both, self.step_clock, self.flush_broker, self.restart_postgres, self.kill_whole_worker,
        ]  # fmt: skip
        due: dict[int, list[Callable[[], None]]] = {}
        for index, act in enumerate(rare):
            due.setdefault(1 + (KILLS - 2) * index // len(rare), []).append(act)
        return due

    @property
    def children(self) -> list[Child]:
        """All that a supervisor looks after."""
        return [worker.child for worker in self.team] + self.clocks

    def revive(self) -> None:
        """Start anew what ended by itself, as every supervisor of such processes does."""
        for child in self.children:
            if not child.is_running:
                print(f"{child.name} ended by itself:\n{child.last_words(6)}", flush=True)
                child.kill()  # what it left of its group
                child.start()
                self.done["ended by themselves and started anew"] += 1

    def help_out(self) -> None:
        """What people have to do: try again what lost its worker five times in a row, and look for what a worker left
        that came back after its task was undone."""
        if time.monotonic() < self._people_look:
            return
        self._people_look = time.monotonic() + PEOPLE_SECONDS
        system = Actor.system(self.cast.alpha.pk)
        with scoping.realm_transaction(system.realm_id):
            for ticket in Ticket.objects.filter(state__in=OPEN_STATES, dedupe_key__startswith="workflow.task:"):
                task = TaskRun.objects.select_related("run").get(pk=int(ticket.dedupe_key.split(":")[1]))
                if ticket.dedupe_key.endswith(":late"):
                    self.done["late effects taken away by people"] += 1
                    take_away(f"wf-{system.realm_id}-{task.run.public_id}-{task.key}")
                    tickets.resolve(actor=system, ticket=ticket, outcome="", values={}, confirmed=True)
                elif task.state in ("attention", "undo_attention"):
                    self.done["tried again by people"] += 1
                    tickets.resolve(actor=system, ticket=ticket, outcome="retry", values={}, confirmed=True)

    def end(self) -> None:
        """Let go on what is frozen, and deal with what it comes back with."""
        self.thaw(all_of_them=True)
        time.sleep(PEOPLE_SECONDS)
        patiently(self.help_out)

    def make(self) -> None:
        self.revive()
        self.thaw(all_of_them=self.done["kills"] >= KILLS)
        if self.done["kills"] >= KILLS or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.dice.uniform(0.05, 0.5)
        if kill_a_child([worker.pid for worker in self.team]):
            self.done["kills"] += 1
            for act in self._due.pop(self.done["kills"], ()):
                act()
            if self.done["kills"] % 8 == 4:
                self.freeze()

    def restart_postgres(self) -> None:
        """As a power cut: every process of the server is killed, then it recovers."""
        postgres = self.servers.postgres
        assert postgres is not None and postgres.child is not None
        postgres.child.kill()
        postgres.launch()
        postgres.wait()
        connections.close_all()
        self.done["Postgres killed and restarted"] += 1

    def restart_valkey(self) -> None:
        """It keeps nothing: every message is lost."""
        valkey = self.servers.valkey
        assert valkey is not None and valkey.child is not None
        valkey.child.kill()
        valkey.launch()
        valkey.wait()
        self.done["Valkey killed and restarted"] += 1

    def restart_both(self) -> None:
        self.restart_valkey()
        self.restart_postgres()

    def flush_broker(self) -> None:
        databases.empty_valkey()
        self.done["broker flushed"] += 1

    def step_clock(self) -> None:
        """The clock of the database leaps a minute ahead or back: the same as every stored time moving."""
        seconds = self.dice.choice((-60, 60))
        step_clock(self.cast.alpha.pk, seconds)
        self.done[f"clock stepped {seconds:+d} s"] += 1
        if seconds < 0:
            # Leases and retries would stand still for that minute; it is over when the clock is right again.
            time.sleep(2)
            step_clock(self.cast.alpha.pk, 60)

    def freeze(self) -> None:
        """Stop a process for longer than a lease: it wakes in the belief that it still owns its task."""
        children = [child for worker in self.team for child in children_of(worker.pid)]
        if children:
            self._frozen.append((self.dice.choice(children), time.monotonic() + FROZEN_SECONDS))
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._frozen[-1][0], signal.SIGSTOP)
            self.done["processes frozen beyond their lease"] += 1

    def thaw(self, *, all_of_them: bool = False) -> None:
        """Let go on what was frozen long enough."""
        for frozen in list(self._frozen):
            if all_of_them or time.monotonic() > frozen[1]:
                self._frozen.remove(frozen)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(frozen[0], signal.SIGCONT)

    def kill_whole_worker(self) -> None:
        victim = self.team.pop(0)
        victim.kill()
        self.team += self.crew(1, wait=False)
        self.done["whole workers killed"] += 1


def patiently(look: Callable[[], Any]) -> Any:
    """Look again when the server was just restarted."""
    for _try in range(20):
        try:
            return look()
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(0.2)
    return look()


def test_hundreds_of_runs_under_hundreds_of_kills(
    real_db, cast, crew, workers, remote, own_servers, clocks, record_property
):
    forgive_frozen_transactions_only_for(real_db, 5)
    realm_id = cast.alpha.pk
    trouble = Trouble(cast, crew, own_servers, clocks)
    began = time.monotonic()
    started: list[int] = []

    def open_now() -> int:
        with scoping.realm_transaction(realm_id):
            return int(Run.objects.filter(state__in=["running", "reversing"]).count())

    while True:
        trouble.make()
        patiently(trouble.help_out)
        still = patiently(open_now)
        # New runs come only as kills go on, so that the last run meets trouble as the first did.
        allowed = min(RUNS, OPEN_AT_ONCE + RUNS * trouble.done["kills"] // KILLS)
        fresh = min(allowed - len(started), OPEN_AT_ONCE - still, 20)
        if fresh > 0:
            started += begin(cast, fresh)
            for run_id in trouble.dice.sample(started[-OPEN_AT_ONCE:], 2):
                turn_round(realm_id, run_id)
        if len(started) >= RUNS and still == 0:
            break
        if time.monotonic() - began > PATIENCE_SECONDS:
            trouble.thaw(all_of_them=True)
            print(explain(cast, real_db, started, trouble.children), flush=True)
            pytest.fail(f"{still} of {len(started)} runs are open after {PATIENCE_SECONDS} s: {dict(trouble.done)}")
        time.sleep(0.05)

    trouble.end()
    seconds = time.monotonic() - began
    verdict = look(cast, started, remote)
    with scoping.realm_transaction(realm_id):
        late = RunEvent.objects.filter(kind="task.late").count()
        lost = RunEvent.objects.filter(kind="task.lost").count()
        attempts = Attempt.objects.count()
        given = RunEvent.objects.filter(kind="task.ticket").count()
    calls = Counter(line.split()[0] for line in (remote / "log").read_text().splitlines())
    figures = {
        "runs": len(started), "runs closed": verdict.ends["completed"] + verdict.ends["reversed"],
        "runs completed": verdict.ends["completed"], "runs reversed": verdict.ends["reversed"],
        "lost": len(verdict.lost), "recorded twice": len(verdict.twice), "otherwise wrong": len(verdict.wrong),
        **trouble.done, "leases of dead workers taken over": lost, "late results refused": late,
        "attempts": attempts, "calls of the remote": calls["called"], "effects made": calls["made"],
        "effects undone": calls["removed"], "tasks given to people": given, "seconds": round(seconds),
    }  # fmt: skip
    print(json.dumps({"seed": SEED, **figures}), flush=True)
    record_property("tally", figures)
    assert (verdict.lost, verdict.twice, verdict.wrong) == ([], [], [])
    assert figures["runs closed"] == RUNS and trouble.done["kills"] >= KILLS
    assert trouble.done["Postgres killed and restarted"] and trouble.done["Valkey killed and restarted"]


def turn_round(realm_id: int, run_id: int) -> None:
    """Reverse a run while it goes on."""
    with scoping.realm_transaction(realm_id):
        run = Run.objects.select_for_update().filter(pk=run_id, state="running").first()
        if run is not None:
            runs.reverse(actor=Actor.system(realm_id), run=run, reason="in the middle")
