"""The fixtures themselves: what a test gets from them is real."""

from __future__ import annotations

import os

import httpx
import pytest
from django.db import connections

from boss.platform.tasks import ping
from boss.platform.testing.processes import WorkerProcess, Workers


def test_the_application_cannot_bypass_the_wall(real_db: str) -> None:
    with connections["default"].cursor() as _unused:
        pass
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        assert cursor.fetchone() == (real_db, "boss_owner")
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'boss\\_%%' AND (rolsuper OR rolbypassrls OR rolcreatedb)"
        )
        assert cursor.fetchall() == []


def test_each_test_has_a_database_of_its_own(real_db: str) -> None:
    assert os.environ["BOSS_DATABASE_NAME"] == real_db
    assert {connections[alias].settings_dict["NAME"] for alias in connections} == {real_db}


def test_a_real_worker_takes_a_task(worker: WorkerProcess) -> None:
    assert ping.delay("hello").get(timeout=30) == "hello"


def test_a_killed_worker_is_gone_and_another_takes_over(workers: Workers) -> None:
    workers(1)
    workers.kill()
    workers(1)

    assert ping.delay("again").get(timeout=30) == "again"


def test_the_web_answers_over_http(live_url: str) -> None:
    answer = httpx.get(live_url, timeout=30)

    assert answer.status_code < 500


@pytest.mark.django_db
def test_an_ordinary_test_runs_as_the_application() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        assert cursor.fetchone() == ("boss_app", os.environ["BOSS_DATABASE_NAME"])
