"""One server connection shared by two realms in turn: what one left behind, the other never meets.

PgBouncer in transaction mode is the real one from Debian. Django's own pool and a kept connection are asked, too.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction

from boss.core import scoping
from boss.platform import addresses
from boss.platform.processes import Child
from boss.platform.testing.processes import free_port
from boss.tenancy.models import User
from tests.cast import Cast

TURNS = 40
THREADS = 4
NOBODY = "65534"


@pytest.fixture
def pgbouncer(real_db: str, tmp_path: Path) -> Iterator[int]:
    """PgBouncer in transaction mode with a single server connection, in front of this test's database. Its port."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PGBOUNCER IS NOT INSTALLED, THE WALL IS NOT TRIED BEHIND IT: make lab")
    port = free_port()
    where = addresses.database()
    (tmp_path / "users").write_text(f'"{addresses.APP_ROLE}" "{addresses.password(addresses.APP_ROLE)}"\n')
    (tmp_path / "pgbouncer.ini").write_text(
        f"[databases]\n{real_db} = host={where['HOST']} port={where['PORT']} dbname={real_db}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {tmp_path / 'users'}\npool_mode = transaction\ndefault_pool_size = 1\nmax_client_conn = 50\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    argv = [program, str(tmp_path / "pgbouncer.ini")]
    if Path("/proc/self").stat().st_uid == 0:  # it refuses to run as root
        argv = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--", *argv]
    child = Child(name="PgBouncer", argv=argv, log=tmp_path / "log")
    child.start()

    def answers() -> bool:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=addresses.APP_ROLE, dbname=real_db).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        child.wait_until(answers, 20)
        yield port
    finally:
        child.stop()


@pytest.fixture
def through() -> Iterator[Callable[..., None]]:
    """``through(HOST=…, OPTIONS=…)``: the application connects so from now on."""
    settings = connections["default"].settings_dict
    before = dict(settings)

    def change(**changed: Any) -> None:
        connections["default"].close()
        settings.update(changed)

    yield change
    if connections["default"].settings_dict["OPTIONS"].get("pool"):
        connections["default"].close_pool()  # type: ignore[attr-defined]
    connections["default"].close()
    settings.update(before)


def in_turn(cast: Cast) -> tuple[set[int], list[str]]:
    """Alpha, beta and nobody one after the other, in several threads; the backends used and what was wrong."""
    own = {
        cast.alpha.pk: {"alice@alpha.example", "bob@alpha.example"},
        cast.beta.pk: {"charlie@beta.example"},
        None: set[str](),
    }
    backends: set[int] = set()

    def turn(number: int) -> list[str]:
        wrong = []
        realm_id = list(own)[number % 3]
        scope = None if realm_id is None else scoping.Scope(realm_id, "test")
        try:
            with scoping.enter(scope), transaction.atomic(), connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), current_setting('boss.realm_id', true)")
                backend, told = cursor.fetchone()
                backends.add(backend)
                seen = set(User.unscoped.values_list("email", flat=True))
                if seen != own[realm_id] or told != str(realm_id or ""):
                    wrong.append(f"turn {number}: realm {realm_id} was told {told!r} and saw {seen}")
                if number % 7 == 0:
                    transaction.set_rollback(True)  # a transaction that fails leaves nothing either
        finally:
            if number % 5 == 0:
                connections["default"].close()
        return wrong

    def turns(thread: int) -> list[str]:
        try:
            return [fault for number in range(thread, thread + TURNS) for fault in turn(number)]
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(THREADS) as pool:
        return backends, [fault for faults in pool.map(turns, range(THREADS)) for fault in faults]


@pytest.mark.lab
def test_behind_pgbouncer_two_realms_share_one_connection_and_never_a_row(real_db, cast, pgbouncer, through):
    through(HOST="127.0.0.1", PORT=pgbouncer, CONN_MAX_AGE=600)
    backends, wrong = in_turn(cast)
    assert wrong == []
    assert len(backends) == 1, "they did not share a connection"


@pytest.mark.lab
def test_a_setting_for_the_session_is_what_pgbouncer_would_hand_on(real_db, cast, pgbouncer, through):
    """Why the realm is set for the transaction only: set for the session, the next one would have it."""
    how = {"host": "127.0.0.1", "port": pgbouncer, "user": addresses.APP_ROLE, "dbname": real_db}
    with psycopg.connect(**how) as careless:
        careless.execute("SELECT set_config('boss.realm_id', %s, false)", [str(cast.alpha.pk)])
    with psycopg.connect(**how) as next_one:
        assert next_one.execute("SELECT count(*) FROM tenancy_user").fetchone() == (2,)
    through(HOST="127.0.0.1", PORT=pgbouncer)
    with scoping.enter(None), transaction.atomic():
        assert User.unscoped.count() == 0, "the application says that there is no realm, in every transaction"


def test_over_djangos_own_pool_two_realms_share_one_connection_and_never_a_row(real_db, cast, through):
    pool = {"min_size": 1, "max_size": 1, "timeout": 60}
    through(CONN_MAX_AGE=0, OPTIONS={**connections["default"].settings_dict["OPTIONS"], "pool": pool})
    backends, wrong = in_turn(cast)
    assert wrong == []
    assert len(backends) == 1, "they did not share a connection"


def test_a_pool_left_with_a_setting_gives_the_next_request_none_of_it(real_db, cast):
    connection = connections["default"]
    for _time in range(3):
        with scoping.realm_transaction(cast.alpha.pk):
            assert User.unscoped.count() == 2
        with scoping.enter(None), transaction.atomic():
            assert User.unscoped.count() == 0
        time.sleep(0)
    assert connection.connection is not None, "it was the same connection all along"
