"""Servers of the conformance kit: one database with real commits and one real PowerDNS for the whole module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from boss.platform import addresses
from boss.platform.testing import databases
from boss.tenancy import selectors
from ipservices.drivers.dns_powerdns import lab as powerdns
from tests import cast as the_cast
from tests.drivers.benches import SAMPLES, Bench, PowerDnsBench, SimulatorBench

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

SIMULATED = [f"simulator {kind}" for kind in SAMPLES]
REAL = ["powerdns zone", "powerdns host"]


@pytest.fixture(scope="module")
def kit(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[the_cast.Cast]:
    """A fresh database with the cast, open for the whole module."""
    with django_db_blocker.unblock(), databases.fresh_database():
        selectors.forget_cached()
        yield the_cast.build()
        selectors.forget_cached()


@pytest.fixture(scope="session")
def powerdns_lab(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[powerdns.Lab]:
    """A real PowerDNS with its records in the test run's own PostgreSQL."""
    if not powerdns.is_installed():
        pytest.skip(f"POWERDNS IS NOT INSTALLED, ITS DRIVER IS NOT TESTED: apt-get install {powerdns.PACKAGES}")
    directory: Path = tmp_path_factory.mktemp("pdns")
    lab = powerdns.start(directory, addresses.postgres_socket_directory(), postgres_user=addresses.SUPERUSER)
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def benches(kit: the_cast.Cast) -> dict[str, Bench]:
    """Benches made so far in this module, by label."""
    return {}


@pytest.fixture
def bench(request: pytest.FixtureRequest, kit: the_cast.Cast, benches: dict[str, Bench]) -> Bench:
    """The server named by the test's parameter, empty of the object under test."""
    label: str = request.param
    if label not in benches:
        product, _space, kind = label.partition(" ")
        benches[label] = (
            SimulatorBench(kit.alpha, kind)
            if product == "simulator"
            else PowerDnsBench(kit.alpha, kind, request.getfixturevalue("powerdns_lab"))
        )
    found = benches[label]
    if isinstance(found, SimulatorBench):
        found.fault(down=False, slow=0, wrong=False, refuses="", answer_lost=False, service_dead=False)
    with found.driver() as driver:
        driver.take_away(found.desired(), key="kit:clean")
    return found
