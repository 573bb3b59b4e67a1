"""The bundled PostgreSQL: what it says about data that is not its own, and a database given by DATABASE_URL."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from boss.platform import addresses, database, postgres, servers
from boss.platform.postgres import NOBODY, Postgres
from boss.platform.processes import StartError


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A PostgreSQL of this test alone, not started yet."""
    monkeypatch.setenv("BOSS_PLATFORM_KIND", f"test-{secrets.token_hex(4)}")
    server = Postgres(state=tmp_path / "state", durable=False)
    yield server
    server.stop()
    shutil.rmtree(addresses.socket_directory(), ignore_errors=True)
    shutil.rmtree(postgres.moved_root(), ignore_errors=True)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_directory_with_something_else_in_it_is_explained(cluster: Postgres) -> None:
    put(cluster.data / "holiday.jpg", "")

    with pytest.raises(StartError, match="not a PostgreSQL database"):
        cluster.launch()

    assert (cluster.data / "holiday.jpg").exists()


def test_data_of_another_version_is_explained(cluster: Postgres) -> None:
    put(cluster.data / "PG_VERSION", "15\n")
    put(cluster.data / "global" / "pg_control", "")

    with pytest.raises(StartError, match=r"written by PostgreSQL 15.*BOSS_PG_BIN"):
        cluster.launch()


def test_it_recovers_from_a_power_cut_and_a_stale_lock_file(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    assert cluster.child is not None
    cluster.child.kill()
    # The number in the lock file now belongs to a process that is not PostgreSQL: ours.
    lock = cluster.data / "postmaster.pid"
    lock.write_text("\n".join([str(os.getpid()), *lock.read_text().split("\n")[1:]]))

    cluster.launch()
    cluster.wait()

    assert postgres.answers()


def test_a_statement_that_outlives_its_killed_server_does_not_keep_the_next_from_starting(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    assert cluster.child is not None and cluster.child.pid is not None
    busy = psycopg.connect(addresses.admin_dsn(), autocommit=True)
    # Sent without waiting for the answer: a backend that computes never looks whether its server still lives.
    busy.pgconn.send_query(
        b"SELECT sum(a::bigint * b) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"
    )
    os.kill(cluster.child.pid, signal.SIGKILL)
    cluster.child.kill()

    cluster.launch()
    cluster.wait()

    assert postgres.answers()
    busy.close()


def test_an_empty_lock_file_is_no_obstacle(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text("")

    cluster.launch()
    cluster.wait()

    assert postgres.answers()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_without_namespaces_runs_it_as_nobody(
    cluster: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "namespaces_allowed", lambda: False)
    server = Postgres(state=tmp_path / "of-nobody", durable=False)
    try:
        server.launch()
        server.wait()

        assert server.mode == "nobody"
        assert server.data.stat().st_uid == NOBODY
        # tmp_path is closed to others, so it had to move out of it.
        assert not server.data.is_relative_to(tmp_path)
    finally:
        server.stop()


def test_an_installer_that_is_no_superuser_is_enough(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.launch()
    cluster.wait()
    with psycopg.connect(addresses.admin_dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE installer LOGIN CREATEROLE CREATEDB")
    sockets = addresses.postgres_socket_directory()
    monkeypatch.setenv("DATABASE_URL", f"postgresql://installer@/isp?host={sockets}")
    monkeypatch.setenv("BOSS_SECRET_KEY", "a secret")

    for _again in range(2):
        database.prepare(addresses.admin_dsn(), "isp")

    with psycopg.connect(host=str(sockets), dbname="isp", user="boss_app") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("boss_app",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id int)")
    with psycopg.connect(host=str(sockets), dbname="isp", user="boss_owner") as connection:
        assert database.missing_extensions(connection, database.EXTENSIONS) == []
        connection.execute("CREATE TABLE ours (id int)")


def test_a_database_with_other_tables_is_left_alone(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    with psycopg.connect(addresses.admin_dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE payroll")
    with psycopg.connect(addresses.admin_dsn("payroll"), autocommit=True) as connection:
        connection.execute("CREATE TABLE wages (id int)")

    with pytest.raises(database.DatabaseRefused, match="not BOSS's"):
        database.prepare(addresses.admin_dsn(), "payroll")


def test_a_role_that_could_climb_the_wall_is_refused(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    with psycopg.connect(addresses.admin_dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE boss_app LOGIN BYPASSRLS")

    with pytest.raises(database.DatabaseRefused, match="bypasses row-level security"):
        database.prepare(addresses.admin_dsn(), "boss")


def test_a_login_without_rights_is_told_what_it_lacks(cluster: Postgres) -> None:
    cluster.launch()
    cluster.wait()
    with psycopg.connect(addresses.admin_dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE weak LOGIN")

    with pytest.raises(database.DatabaseRefused, match="CREATEROLE CREATEDB"):
        database.prepare(addresses.admin_dsn().replace("boss@", "weak@"), "boss")


def test_an_address_that_is_none_is_told(cluster: Postgres) -> None:
    with pytest.raises(database.DatabaseRefused, match="DATABASE_URL cannot be used"):
        database.prepare("postgresql://admin@127.0.0.1/isp?nonsense=1", "isp")


def test_a_server_that_is_too_old_is_refused(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.launch()
    cluster.wait()
    monkeypatch.setattr(database, "OLDEST_SERVER", 99)

    with pytest.raises(database.DatabaseRefused, match="BOSS needs 99 or newer"):
        database.prepare(addresses.admin_dsn(), "boss")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0?nonsense=1"])
def test_a_redis_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)

    with pytest.raises(StartError, match="REDIS_URL cannot be used"):
        servers.refuse_silent_redis()
