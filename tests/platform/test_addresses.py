"""Where the servers are: a pure function of checkout and kind, or what the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from boss.platform import addresses


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "BOSS_DATABASE_NAME", "BOSS_REDIS_BLOCK", "BOSS_PLATFORM_KIND")
    for name in (*names, *(f"{role.upper()}_DB_PASSWORD" for role in addresses.ROLES)):
        monkeypatch.delenv(name, raising=False)


def test_sockets_fit_the_limit_and_differ_by_kind() -> None:
    run, test = addresses.socket_directory("run"), addresses.socket_directory("test-0a1b2c3d")

    assert run != test
    assert len(str(addresses.postgres_socket_directory("run") / ".s.PGSQL.5432")) < 107


def test_a_directory_that_is_not_ours_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    directory = addresses.socket_directory("test-stranger")
    directory.symlink_to(tmp_path)
    try:
        with pytest.raises(addresses.AddressError, match="does not belong to you"):
            addresses.socket_directory("test-stranger")
    finally:
        directory.unlink()


def test_the_embedded_database_needs_no_password() -> None:
    assert addresses.database()["NAME"] == "boss"
    assert addresses.database()["HOST"] == str(addresses.postgres_socket_directory())
    assert addresses.password("boss_app") == ""


def test_a_given_database_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin:p%40ss@db.example:6000/isp?sslmode=require")

    assert addresses.database() == {
        "NAME": "isp",
        "HOST": "db.example",
        "PORT": 6000,
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_database_that_vanishes_is_not_waited_for_forever() -> None:
    for alias in ("default", "system", "dispatch", "owner"):
        options = settings.DATABASES[alias]["OPTIONS"]
        assert options["connect_timeout"] <= 10 and options["tcp_user_timeout"] <= 60_000
        assert options["keepalives_idle"] + options["keepalives_count"] * options["keepalives_interval"] <= 60


def test_another_kind_of_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://db.example/isp")

    with pytest.raises(addresses.AddressError, match="needs PostgreSQL"):
        addresses.database()


def test_passwords_of_a_given_database_come_from_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin@db.example/isp")
    monkeypatch.setenv("BOSS_SECRET_KEY", "one")
    first = {role: addresses.password(role) for role in addresses.ROLES}
    monkeypatch.setenv("BOSS_SECRET_KEY", "two")

    assert len(set(first.values())) == len(addresses.ROLES)
    assert addresses.password("boss_app") != first["boss_app"]
    monkeypatch.setenv("BOSS_APP_DB_PASSWORD", "given")
    assert addresses.password("boss_app") == "given"


def test_no_secret_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin@db.example/isp")
    monkeypatch.delenv("BOSS_SECRET_KEY", raising=False)

    with pytest.raises(addresses.AddressError, match="BOSS_SECRET_KEY"):
        addresses.password("boss_app")


def test_a_given_redis_serves_cache_broker_and_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "rediss://:secret@cache.example:6380/7")

    assert addresses.redis_url(1) == "rediss://:secret@cache.example:6380/1"
    assert addresses.broker_url() == "rediss://:secret@cache.example:6380/0"
    monkeypatch.setenv("BROKER_URL", "amqp://rabbit.example")
    assert addresses.broker_url() == "amqp://rabbit.example"


def test_test_processes_do_not_share_numbered_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {addresses.redis_url(db) for db in range(addresses.REDIS_DATABASES_PER_BLOCK)}
    monkeypatch.setenv("BOSS_REDIS_BLOCK", "1")

    assert not mine & {addresses.redis_url(db) for db in range(addresses.REDIS_DATABASES_PER_BLOCK)}


def test_a_port_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://admin@db.example:eighty/isp")

    with pytest.raises(addresses.AddressError, match="DATABASE_URL cannot be read"):
        addresses.database()


def test_the_secret_nobody_gave_is_made_once_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(addresses, "STATE", tmp_path / ".boss")

    first = addresses.local_secret()

    assert len(first) > 48
    assert addresses.local_secret() == first
    assert (tmp_path / ".boss" / "secret").stat().st_mode & 0o077 == 0
