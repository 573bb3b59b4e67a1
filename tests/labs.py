"""Real servers for tests: started when a test first asks for one, on the lab's own PostgreSQL, as `manage.py lab` does.

A server that is not installed is skipped with a loud reason; where everything is required (CI) the skip is a failure.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from boss.platform import lab as platform_lab
from boss.platform.postgres import Postgres
from ipservices.contracts import Connection
from ipservices.labs import Names, SqlServer
from ipservices.registry import drivers
from ipservices.services.strays import stub

ANY_NAMES = Names("subs.alpha.example", "alpha.example", "sip.alpha.example", ("203.0.113.0/24", "192.0.2.0/24"))


class Labs:
    """Every lab of this test process, by the driver's folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._postgres: Postgres | None = None
        self._started: dict[str, Any] = {}

    @property
    def sql(self) -> SqlServer:
        """The PostgreSQL of the real servers."""
        if self._postgres is None:
            # Durable: tests cut its power and ask afterwards what it had promised to keep.
            self._postgres = platform_lab.postgres(self.directory / "postgres")
            self._postgres.launch()
            self._postgres.wait()
        return platform_lab.sql_server(self._postgres)

    def kill_postgres(self) -> None:
        """A power cut at the servers' PostgreSQL."""
        assert self._postgres is not None and self._postgres.child is not None
        self._postgres.child.kill()

    def restart_postgres(self) -> None:
        """It is back, on the same port and data."""
        assert self._postgres is not None
        self._postgres.launch()
        self._postgres.wait()

    def of(self, folder: str, instance: str = "") -> Any:
        """The running lab of a driver; another ``instance`` is another server. Skips where it is not installed."""
        key = f"{folder}{instance}"
        if key not in self._started:
            module = platform_lab.modules()[folder]
            if not module.is_installed():
                pytest.skip(
                    f"{module.TITLE} IS NOT INSTALLED, ITS DRIVER IS NOT TESTED: apt-get install {module.PACKAGES}"
                )
            self._started[key] = module.start(self.directory / key, self.sql)
        lab = self._started[key]
        if not lab.is_running:
            lab.restart()
        return lab

    def empty(self, folder: str, instance: str = "") -> Any:
        """As ``of``, and nothing of BOSS's is left on it: the tests before may have ended in the middle."""
        lab = self.of(folder, instance)
        for bound in platform_lab.modules()[folder].bindings(lab.facts(), ANY_NAMES):
            connection = Connection(
                0, 0, bound.settings, bound.secrets, 8.0, networks=("127.0.0.0/8",), directories=(str(lab.directory),)
            )
            with drivers.get(bound.driver_key).driver(connection) as driver:
                for one in driver.list_all():
                    driver.take_away(stub(one.service_ref, f"{bound.family}.{one.kind}", one.name), key="sweep")
                left = list(driver.list_all())
            assert left == [], f"left at {bound.name} by a test before: {left}"
        return lab

    def stop(self) -> None:
        for lab in self._started.values():
            lab.stop()
            shutil.rmtree(getattr(lab, "home", lab.directory), ignore_errors=True)
        if self._postgres is not None:
            self._postgres.stop()


@pytest.fixture(scope="session")
def labs(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    """Real servers, started as they are asked for."""
    found = Labs(tmp_path_factory.mktemp("lab"))
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def powerdns_lab(labs: Labs) -> Any:
    """A real PowerDNS with nothing on it."""
    return labs.empty("dns_powerdns")
