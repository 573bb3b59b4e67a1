"""Databases for tests: cloned from the migrated template, switched to on every alias, dropped afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import connections

from boss.platform import addresses, database
from boss.platform.testing.environment import TEMPLATE, worker_name

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Furniture:
    """What several tests find already built in their databases; it is built once a run and copied from then on."""

    key: str
    build: Callable[[], object]

    def template(self) -> str:
        """The name of the database to copy. Whichever process of this run wants it first builds it, others wait."""
        name = f"{TEMPLATE}_{self.key}"
        with open(addresses.STATE / "test" / addresses.kind() / f"furniture-{self.key}", "a") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            if mark.tell() == 0:
                database.drop(addresses.admin_dsn(), name)  # half built by a test that failed there
                database.clone(addresses.admin_dsn(), TEMPLATE, name)
                empty_valkey()
                with switched_to(name):
                    self.build()
                _settle_sequences(name)
                mark.write("built\n")
        return name


def _settle_sequences(name: str) -> None:
    """Let every sequence write itself down anew at its next value.

    Postgres writes down 32 values of a sequence at a time. Copied in the middle of them, the copy uses up the rest and
    writes nothing down, and after a crash counts from where it was copied: keys would be given out twice.
    """
    with database.connect(addresses.admin_dsn(), name) as connection:
        connection.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, last_value)"
            " FROM pg_sequences WHERE last_value IS NOT NULL"
        )


@contextlib.contextmanager
def own_database() -> Iterator[str]:
    """The database this test process uses all along, for tests inside a rolled-back transaction."""
    name = f"boss_{worker_name()}"
    database.clone(addresses.admin_dsn(), TEMPLATE, name)
    try:
        with switched_to(name):
            yield name
    finally:
        database.drop(addresses.admin_dsn(), name)


@contextlib.contextmanager
def fresh_database(furniture: Furniture | None = None) -> Iterator[str]:
    """A database for one test with real commits on all aliases; child processes inherit it."""
    name = f"boss_{worker_name()}_{next(_numbers)}"
    database.clone(addresses.admin_dsn(), furniture.template() if furniture else TEMPLATE, name)
    empty_valkey()
    try:
        with switched_to(name):
            yield name
    finally:
        database.drop(addresses.admin_dsn(), name)


@contextlib.contextmanager
def switched_to(name: str) -> Iterator[None]:
    """Point every alias, and the environment of processes started from here, at database `name`."""
    before = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    environment_before = os.environ.get("BOSS_DATABASE_NAME")
    point_at(dict.fromkeys(before, name))
    os.environ["BOSS_DATABASE_NAME"] = name
    try:
        yield
    finally:
        point_at(before)
        if environment_before is not None:
            os.environ["BOSS_DATABASE_NAME"] = environment_before


def point_at(names: dict[str, str]) -> None:
    """Close all connections of this thread and let the next ones go to these databases."""
    for alias, name in names.items():
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
        settings.DATABASES[alias]["NAME"] = name


def empty_valkey() -> None:
    """Forget queues, results and cache of this test process; other processes have other numbered databases."""
    for number in range(addresses.REDIS_DATABASES_PER_BLOCK):
        with redis.Redis.from_url(addresses.redis_url(number)) as client:
            client.flushdb()
