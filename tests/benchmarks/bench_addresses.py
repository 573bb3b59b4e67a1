"""Addresses handed out per second, against scan-and-pick and against an insert that looks for nothing.

``make bench ARGS="-k addresses"``; ``BOSS_BENCH_ROUNDS`` changes the 3, ``BOSS_BENCH_ADDRESSES`` the 240 of a round.
A /16 whose lowest addresses are taken to 0, 50 and 99 %, asked by 1, 4 and 8 clients: processes, each with a connection
of its own. The ways take turns in every round:

- *bare*: one INSERT of a row at an address nobody has to look for, committed by itself, into a table with the same
  columns and indexes as ours, without foreign keys and past the second wall.
- *an insert*: the same row written as BOSS writes anything: through the model, in a transaction of the realm.
- *the service*: ``addresses.assign`` as tasks call it: the prefix chosen, the address found and taken, its row and its
  entry in the audit trail written.
- *scan and pick*, as NetBox does: under one lock for all prefixes every assignment of the prefix is read as a model,
  the used addresses are subtracted from the whole, the first one left is inserted. It is kinder than NetBox, whose
  address objects and ``IPSet`` cost more than the numbers and the ``set`` here.

Exact and no matter of speed: nobody gets an address twice, nobody fails, free and used make up the whole.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from ipservices import selectors
from ipservices.choices import AddressKind
from ipservices.models import AddressAssignment, Prefix
from ipservices.services import addresses, prefixes
from tests.benchmarks.frame import measure, median

ROUNDS = int(os.environ.get("BOSS_BENCH_ROUNDS", "3"))
CLIENTS = (1, 4, 8)
USED = (0, 50, 99)
DELEGATED = (0, 10_000, 100_000)
ASKED = int(os.environ.get("BOSS_BENCH_ADDRESSES", "240"))
"""How many addresses all clients of a round ask for; fewer than the 655 that are left at 99 %. By scan and pick: one
each, for its lock lets one client after the other through."""
SLOW_SECONDS = 5.0
"""A scan that takes longer is not made again in the next round."""

LOCK = 100100
Way = Callable[["Pool", int, int], None]


class Pool:
    """A prefix of which the lowest units are taken."""

    def __init__(self, realm_id: int, network: str, unit_length: int, used: int) -> None:
        self.realm_id, self.used = realm_id, used
        self.actor = Actor.system(realm_id)
        with scoping.realm_transaction(realm_id):
            self.prefix: Prefix = prefixes.create(actor=self.actor, network=network, unit_length=unit_length)
        self.fill(used)

    def fill(self, count: int) -> None:
        """Take the lowest ``count`` units at once."""
        p = self.prefix
        shift = 1 if p.kind == AddressKind.ADDRESS else 0
        # 24 bits between a /32 and its /56: a word of the address, and the upper half of the next.
        delegated = f"('{str(p.ip_network[0])[:-2]}:' || to_hex(n >> 8) || ':' || to_hex((n & 255) << 8) || '::')::inet"
        address = delegated if p.version == 6 else f"'{p.ip_network[0]}'::inet + n"
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "INSERT INTO ipservices_addressassignment"
                ' (realm_id, public_id, prefix_id, vrf, address, length, "offset", key, assigned_at)'
                f" SELECT %s, 'b' || %s || '-' || n, %s, 'default', {address}, %s, n, '', now()"
                " FROM generate_series(%s, %s) n",
                [self.realm_id, p.pk, p.pk, p.unit_length, shift, count - 1 + shift],
            )
            top = count - 1 + shift
            cursor.execute("DELETE FROM ipservices_freerange WHERE prefix_id = %s AND hi <= %s", [p.pk, top])
            cursor.execute(
                "UPDATE ipservices_freerange SET lo = %s WHERE prefix_id = %s AND lo <= %s", [top + 1, p.pk, top]
            )
            cursor.execute("VACUUM ANALYZE ipservices_addressassignment, ipservices_freerange")
            cursor.execute("SELECT lo, hi FROM ipservices_freerange WHERE prefix_id = %s", [p.pk])
            self._ranges = cursor.fetchall()
        self.sound(count)

    def sound(self, used: int) -> None:
        """Free and used make up the whole, none twice, none both."""
        with connections["owner"].cursor() as cursor:
            cursor.execute(_SOUND, {"prefix": self.prefix.pk})
            rows, addresses_, offsets, both, overlaps = cursor.fetchone()
        assert (rows, addresses_, offsets, both, overlaps) == (used, used, used, 0, 0)
        with scoping.realm_transaction(self.realm_id):
            assert selectors.count_free(self.prefix) + used == self.prefix.size

    def back_to_start(self) -> None:
        """Undo what a round took; not measured."""
        shift = 1 if self.prefix.kind == AddressKind.ADDRESS else 0
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                'DELETE FROM ipservices_addressassignment WHERE prefix_id = %s AND "offset" >= %s',
                [self.prefix.pk, self.used + shift],
            )
            cursor.execute("DELETE FROM ipservices_freerange WHERE prefix_id = %s", [self.prefix.pk])
            cursor.executemany(
                "INSERT INTO ipservices_freerange (realm_id, prefix_id, lo, hi) VALUES (%s, %s, %s, %s)",
                [(self.realm_id, self.prefix.pk, lo, hi) for lo, hi in self._ranges],
            )
            cursor.execute("TRUNCATE bench_address")
            cursor.execute("VACUUM ANALYZE ipservices_addressassignment, ipservices_freerange")


_SOUND = """
WITH given AS (SELECT address, "offset" AS at FROM ipservices_addressassignment WHERE prefix_id = %(prefix)s),
     free AS (SELECT lo, hi, lag(hi) OVER (ORDER BY hi) AS before
                FROM ipservices_freerange WHERE prefix_id = %(prefix)s)
SELECT count(*), count(DISTINCT address), count(DISTINCT at),
       count(*) FILTER (WHERE EXISTS (SELECT FROM free WHERE at BETWEEN lo AND hi)),
       (SELECT count(*) FROM free WHERE before >= lo)
  FROM given
"""


def bare(pool: Pool, client: int, number: int) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_address"
            " (realm_id, public_id, prefix_id, vrf, address, length, \"offset\", key, assigned_at)"
            " VALUES (%s, %s, %s, 'default', %s, 32, %s, '', now())",
            [pool.realm_id, f"{client}.{number}", pool.prefix.pk, f"10.{client}.{number >> 8}.{number & 255}",
             client << 24 | number],
        )  # fmt: skip


def insert(pool: Pool, client: int, number: int) -> None:
    with scoping.realm_transaction(pool.realm_id):
        offset = pool.prefix.size - client * 80 - number  # where nobody is
        AddressAssignment.objects.create(
            prefix=pool.prefix, vrf=pool.prefix.vrf, address=pool.prefix.address_at(offset),
            length=pool.prefix.unit_length, offset=offset,
        )  # fmt: skip


def service(pool: Pool, client: int, number: int) -> None:
    with scoping.realm_transaction(pool.realm_id):
        addresses.assign(
            actor=pool.actor, kind=pool.prefix.kind, version=pool.prefix.version, unit_length=pool.prefix.unit_length
        )


def scan_and_pick(pool: Pool, client: int, number: int) -> None:
    p = pool.prefix
    with connections["owner"].cursor() as cursor:  # a lock of the session, held across the commit
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        with scoping.realm_transaction(pool.realm_id):
            units = AddressAssignment.objects.filter(prefix=p)
            width = p.ip_network.max_prefixlen - p.unit_length
            used = {int(ipaddress.ip_address(row.address)) - int(p.ip_network[0]) >> width for row in units}
            first = 1 if p.kind == AddressKind.ADDRESS else 0
            free = next(
                offset for offset in range(first, 1 << p.unit_length - p.ip_network.prefixlen) if offset not in used
            )
            AddressAssignment.objects.create(
                prefix=p, vrf=p.vrf, address=p.address_at(free), length=p.unit_length, offset=free
            )
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


WAYS: dict[str, Way] = {
    "bare": bare,
    "an insert": insert,
    "the service": service,
    "scan and pick": scan_and_pick,
}


def _client(way: Way, pool: Pool, client: int, times: int, barrier: Any, answers: Any) -> None:
    """A process: connects, waits for the others, asks, and says when it began and ended and what failed."""
    faults: list[str] = []
    with scoping.realm_transaction(pool.realm_id):
        list(Prefix.objects.filter(pk=pool.prefix.pk))
    connections["owner"].ensure_connection()
    barrier.wait(60)
    began = time.monotonic()
    for number in range(times):
        try:
            way(pool, client, number)
        except Exception as error:
            faults.append(repr(error))
    answers.put((began, time.monotonic(), faults))


def crowd(way: Way, pool: Pool, clients: int, times: int) -> float:
    """Addresses a second from so many processes at once."""
    connections.close_all()  # a forked child must not share a socket with us
    fork = multiprocessing.get_context("fork")
    barrier, answers = fork.Barrier(clients), fork.Queue()
    children = [
        fork.Process(target=_client, args=(way, pool, number, times, barrier, answers)) for number in range(clients)
    ]
    for child in children:
        child.start()
    said = [answers.get(timeout=240) for _child in children]
    for child in children:
        child.join()
    assert [fault for _began, _ended, faults in said for fault in faults] == []
    return clients * times / (max(ended for _b, ended, _f in said) - min(began for began, _e, _f in said))


def rounds(pool: Pool, clients: int, ways: dict[str, Way]) -> dict[str, float]:
    """The median of each way; they take turns, and none finds what another left."""
    found: dict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS):
        order = list(ways)
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            times = 1 if ways[name] is scan_and_pick else ASKED // clients
            if ways[name] is scan_and_pick and found[name] and clients * times / found[name][-1] > SLOW_SECONDS:
                continue  # seconds a piece: one of them says it, and the round would be nothing but waiting
            found[name].append(crowd(ways[name], pool, clients, times))
            if name == "the service":  # the others know no free ranges
                pool.sound(pool.used + clients * times)
            pool.back_to_start()
    return {name: median(values) for name, values in found.items()}


def tell(title: str, found: dict[str, float]) -> None:
    measure(f"{title}_bare", found["bare"], "1/s", "itself", 1)
    measure(f"{title}_insert", found["an insert"], "1/s", "bare durable insert", found["an insert"] / found["bare"])
    given = found["the service"]
    measure(f"{title}_service", given, "1/s", "bare durable insert", given / found["bare"])
    measure(f"{title}_service", given, "1/s", "an insert by BOSS", given / found["an insert"])
    if "scan and pick" in found:
        measure(f"{title}_service", given, "1/s", "scan and pick", given / found["scan and pick"])


@pytest.fixture
def realm_id(real_db: str, cast: Any) -> int:
    with connections["owner"].cursor() as cursor:
        cursor.execute("CREATE TABLE bench_address (LIKE ipservices_addressassignment INCLUDING ALL)")
    found: int = cast.alpha.pk
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("used", USED)
def test_addresses_of_a_16_per_second(realm_id: int, used: int) -> None:
    pool = Pool(realm_id, "100.64.0.0/16", 32, 65534 * used // 100)
    scanned = 0.0
    for clients in CLIENTS:
        # Nearly full it takes seconds a piece, and one client after the other: as fast as a single one.
        ways = {name: way for name, way in WAYS.items() if not (scanned and used == USED[-1] and way is scan_and_pick)}
        found = {"scan and pick": scanned} | rounds(pool, clients, ways)
        scanned = found["scan and pick"]
        tell(f"addresses_{used}_percent_{clients}_clients", found)


@pytest.mark.timeout(1800)
def test_delegations_of_56_cost_the_same_however_many_there_are(realm_id: int) -> None:
    alone: dict[int, float] = {}
    for number, used in enumerate(DELEGATED):
        pool = Pool(realm_id, f"2001:{number + 1}::/32", 56, used)
        with scoping.realm_transaction(realm_id):
            Prefix.objects.exclude(pk=pool.prefix.pk).update(purpose="full")
        for clients in (1, 8):
            # Beside 100,000 scan and pick takes seconds a piece.
            found = rounds(
                pool, clients, {name: way for name, way in WAYS.items() if clients == 1 or way is not scan_and_pick}
            )
            tell(f"delegations_beside_{used}_{clients}_clients", found)
            if clients == 1:
                alone[used] = found["the service"]
    for used in DELEGATED[1:]:
        measure(f"delegations_beside_{used}_flat", alone[used], "1/s", "beside none", alone[used] / alone[0])
