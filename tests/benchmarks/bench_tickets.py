"""The queue, a ticket and every report beside a million tickets, against a bare indexed read of one in the same run.

``make bench ARGS="-k bench_tickets"``; ``BOSS_BENCH_TICKETS`` changes the 1,000,000, with ``BOSS_BENCH_EXPLAIN`` the
plan of the slowest statement of each page and report is printed. They lie
over two years, three of a hundred are open; each has a promise, one of four has time, one of five has messages, all
written by COPY. Pages are asked for as a browser asks, through middleware, permissions, templates and row-level
security.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.scoping import new_public_id
from boss.tenancy import selectors as tenancy
from tests.benchmarks.frame import measure, median, milliseconds, quantile
from tests.cast import sign_in
from ticketing.models import Category, TalentPool, Ticket
from ticketing.reports.asking import Wanted
from ticketing.reports.running import list_reports, run
from ticketing.services import categories, pools

TICKETS = int(os.environ.get("BOSS_BENCH_TICKETS", "1000000"))
DAYS = 730
SEED = 20261130
ROUNDS = 5
EXPLAIN = bool(os.environ.get("BOSS_BENCH_EXPLAIN"))
MONTH, YEAR = Wanted(days=30), Wanted(days=365)
MOST = {"queue": 30, "ticket": 60}
"""Statements of a page at most, whatever there is in the tables; what the frame says of the transaction is counted."""


class Desk:
    """Two years of tickets of one realm, as the services would have written them."""

    def __init__(self, realm_id: int, users: list[int], category_ids: list[int], pool_ids: list[int]) -> None:
        self.realm_id, self.users, self.categories, self.pools = realm_id, users, category_ids, pool_ids
        self.chance, self.now = random.Random(SEED), clock.now()
        self.samples: list[tuple[int, str]] = []

    def build(self) -> None:
        with connections["owner"].cursor() as cursor:
            first = self._reserve(cursor, "ticketing_ticket", TICKETS)
            clocks = self._reserve(cursor, "ticketing_slaclock", TICKETS)
            # In one pass, kept small: what hangs on a ticket is written from the few values it needs.
            known: list[tuple[int, dt.datetime, dt.datetime | None, str]] = []
            self._copy(cursor, "ticketing_ticket", self._tickets(first, known))
            self._copy(cursor, "ticketing_message", self._messages(known))
            self._copy(cursor, "ticketing_ticketevent", self._events(known))
            self._copy(cursor, "ticketing_slaclock", self._clocks(clocks, known))
            self._copy(cursor, "ticketing_slaterm", self._terms(clocks, known))
            self._copy(cursor, "ticketing_timeentry", self._time(known))
            cursor.execute("VACUUM ANALYZE")

    def _reserve(self, cursor: Any, table: str, count: int) -> int:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))")
        start = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {start + count})")
        return start

    def _copy(self, cursor: Any, table: str, rows: Iterator[dict[str, Any]]) -> None:
        head = next(rows)
        columns = ["realm_id", *head]
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            copy.write_row([self.realm_id, *head.values()])
            for row in rows:
                copy.write_row([self.realm_id, *row.values()])

    def _tickets(self, first: int, known: list[Any]) -> Iterator[dict[str, Any]]:
        chance, step = self.chance, dt.timedelta(days=DAYS) / TICKETS
        for at in range(TICKETS):
            opened = self.now - dt.timedelta(days=DAYS) + step * at
            # The newest are open more often than the old, as in life: three of a hundred in all.
            is_open = chance.random() < (0.4 if at > TICKETS * 0.95 else 0.01)
            ended = None if is_open else min(self.now, opened + dt.timedelta(hours=chance.expovariate(1 / 30)))
            answered = min(ended or self.now, opened + dt.timedelta(hours=chance.expovariate(1 / 3)))
            state = (
                chance.choice(["new", "open", "waiting_customer"]) if is_open else "closed" if at % 9 else "cancelled"
            )
            public_id = new_public_id()
            if at % (TICKETS // 200 or 1) == 0:  # with messages and events, as 20 divides what they lie apart
                self.samples.append((first + at, public_id))
            yield {
                "id": first + at, "public_id": public_id, "number": f"BM-{at}", "title": f"No internet at number {at}",
                "category_id": self.categories[int(len(self.categories) * chance.random() ** 2)], "schema_version": 0,
                "data": "{}", "state": state, "status": state, "priority": 1 + int(4 * chance.random() ** 0.5),
                "version": 3, "pool_id": self.pools[at % len(self.pools)],
                "assignee_id": self.users[at % len(self.users)] if at % 7 else None,
                "subject_kind": "", "dedupe_key": "", "opened_at": opened, "opened_by": "Bench",
                "due_at": opened + dt.timedelta(hours=48) if is_open else None,
                "first_response_at": answered if at % 10 else None, "outcome": "", "outcome_values": "{}",
                "resolved_at": ended if state == "closed" else None, "resolved_by": "",
                "closed_at": ended, "reopen_count": 0,
            }  # fmt: skip
            known.append((first + at, opened, ended, state))

    def _messages(self, known: list[Any]) -> Iterator[dict[str, Any]]:
        for ticket_id, opened, _ended, _state in known[::5]:
            for seq in (1, 2):
                yield {
                    "public_id": new_public_id(), "ticket_id": ticket_id, "seq": seq, "kind": "public",
                    "body": "It has been slow since this morning." * 3, "at": opened, "author_kind": "user",
                    "author_label": "Sue", "from_customer": seq == 1, "channel": "mail" if ticket_id % 3 else "web",
                }  # fmt: skip

    def _events(self, known: list[Any]) -> Iterator[dict[str, Any]]:
        for ticket_id, opened, _ended, _state in known[::20]:
            for seq, kind in enumerate(("opened", "claimed", "resolved"), 1):
                yield {
                    "ticket_id": ticket_id, "seq": seq, "at": opened, "type": kind, "actor_kind": "user",
                    "actor_label": "Bench", "before": "{}", "after": "{}",
                }  # fmt: skip

    def _clocks(self, first: int, known: list[Any]) -> Iterator[dict[str, Any]]:
        for at, (ticket_id, opened, ended, _state) in enumerate(known):
            kind = ("first", "next", "resolve")[at % 3]
            due = opened + dt.timedelta(hours=24 if at % 3 == 2 else 4)
            stopped = opened + dt.timedelta(hours=self.chance.expovariate(1 / 3)) if ended else None
            yield {
                "id": first + at, "ticket_id": ticket_id, "kind": kind, "round": 1,
                "state": "running" if stopped is None else "met" if stopped <= due else "missed",
                "started_at": opened, "stopped_at": stopped, "due_at": due, "pauses_in": "{}", "is_internal": False,
            }  # fmt: skip

    def _terms(self, first: int, known: list[Any]) -> Iterator[dict[str, Any]]:
        for at, (_ticket_id, opened, _ended, _state) in enumerate(known):
            target = dt.timedelta(hours=24 if at % 3 == 2 else 4)
            yield {"clock_id": first + at, "since": opened, "target": target, "reason": "", "written_at": opened}

    def _time(self, known: list[Any]) -> Iterator[dict[str, Any]]:
        for at, (ticket_id, opened, _ended, _state) in enumerate(known[::4]):
            yield {
                "public_id": new_public_id(), "ticket_id": ticket_id, "user_id": self.users[at % len(self.users)],
                "pool_id": self.pools[at % len(self.pools)], "started_at": opened, "seconds": 300 + at % 3000,
                "activity": ("work", "call", "visit", "travel", "meeting")[at % 5], "is_billable": at % 4 == 0,
                "source": "manual", "note": "", "written_at": opened, "written_by": "Bench",
            }  # fmt: skip


def timed(call: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    call()  # warm
    return [milliseconds(call) for _ in range(rounds)]


def explain(realm_id: int, what: str, call: Callable[[str], object]) -> None:
    """Print how Postgres answers the slowest question of ``what``; with ``BOSS_BENCH_EXPLAIN`` only."""
    with CaptureQueriesContext(connection) as seen:
        call(what)
    asked = [each for each in seen.captured_queries if each["sql"].startswith(("SELECT", "WITH", "("))]
    slowest = max(asked, key=lambda each: float(each["time"]))
    with scoping.realm_transaction(realm_id), connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + slowest["sql"])
        print(f"--- {what}: {slowest['time']} s", slowest["sql"], *(row[0] for row in cursor.fetchall()), sep="\n")


@pytest.mark.timeout(3000)
def test_pages_and_reports_against_an_indexed_read(real_db: str, cast: Any) -> None:
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        system = Actor.system(realm_id)
        made_pools = [pools.create(actor=system, key=f"p{n}", name=f"Pool {n}") for n in range(8)]
        made = [categories.create(actor=system, key=f"c{n}", name=f"Category {n}") for n in range(12)]
        pools.add_member(actor=system, pool=made_pools[0], user=cast.alice)
        ids = [[each.pk for each in some] for some in (made, made_pools)]
        assert Category.objects.count() >= 12 and TalentPool.objects.count() >= 8
    desk = Desk(realm_id, [cast.alice.pk, cast.bob.pk], *ids)
    desk.build()

    with scoping.realm_transaction(realm_id):
        reads = [milliseconds(functools.partial(Ticket.objects.get, pk=pk)) for pk, _public_id in desk.samples * 5]
        key = median(reads)
    against = f"reading one of {TICKETS:,} by its key, same ORM, p50 {key:.2f} ms"
    measure("tickets.read", key, "ms", against, 1)

    with scoping.realm_transaction(realm_id):
        client = Client(headers={"host": "alpha.localhost"})
        sign_in(client, cast.alice)

    def get(path: str) -> None:
        with scoping.enter(None):
            assert client.get(path).status_code == 200

    pages = {
        "queue": [f"/console/{path}" for path in ("tickets/", "tickets/?pool=p0", "tickets/?due=late", "inbox/")],
        "ticket": [f"/console/tickets/{public_id}/" for _pk, public_id in desk.samples[::10]],
    }  # fmt: skip
    for name, paths in pages.items():
        spent = [one for path in paths for one in timed(functools.partial(get, path), 3)]
        measure(f"tickets.{name}.p50", median(spent), "ms", against, median(spent) / key)
        measure(f"tickets.{name}.p95", quantile(spent, 0.95), "ms", against, quantile(spent, 0.95) / key)
        asked = []
        for path in paths[:4]:
            with CaptureQueriesContext(connection) as seen:
                get(path)
            asked.append(len(seen))
        for path in paths[:4]:
            once = median(timed(functools.partial(get, path), 3))
            measure(f"tickets.{name} {path if name == 'queue' else ''}".strip(), once, "ms", against, once / key)
            if EXPLAIN:
                explain(realm_id, path, get)
        measure(
            f"tickets.{name}.statements", max(asked), "statements", f"at most {MOST[name]}", max(asked) / MOST[name]
        )
        assert max(asked) <= MOST[name]

    with scoping.realm_transaction(realm_id):
        alice = tenancy.actor_for_user(cast.alice)
        for report in list_reports(alice):
            for span, wanted in (("month", MONTH), ("year", YEAR)):
                spent = timed(functools.partial(run, alice, report.key, wanted), 3)
                measure(f"tickets.report.{report.key}.{span}", median(spent), "ms", against, median(spent) / key)
            if EXPLAIN:
                explain(realm_id, report.key, lambda of: run(alice, of, YEAR))
        with CaptureQueriesContext(connection) as seen:
            run(alice, "volume", MONTH)
        measure("tickets.report.volume.statements", len(seen), "statements", "at most 5", len(seen) / 5)
        assert len(seen) <= 5
