"""The demo providers, seeded once for all journeys; each test's own work is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from boss.core import scoping
from boss.platform.demo.highprairie import seed as highprairie
from boss.platform.demo.keystone import seed as keystone
from boss.platform.demo.trilakes import people
from boss.platform.testing import databases
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Realm
from tests.furniture import PROVIDERS
from tests.journeys.company import Company


@pytest.fixture(scope="module")
def _seeded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, int]]:
    with django_db_blocker.unblock(), databases.fresh_database(PROVIDERS):
        tenancy.forget_cached()
        with scoping.system_transaction("test"):
            realms = dict(Realm.objects.values_list("key", "pk"))
        yield realms
        tenancy.forget_cached()


@pytest.fixture
def _realms(_seeded: dict[str, int], django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, int]]:
    with django_db_blocker.unblock():
        outside: Any = transaction.atomic()
        outside._from_testcase = True  # drivers are called between transactions; this one does not count
        with outside:
            yield _seeded
            transaction.set_rollback(True)
        tenancy.forget_cached()


def _company(realm_id: int, domain: str, boss: str) -> Company:
    return Company(realm_id, domain, boss)


@pytest.fixture
def lakes(_realms: dict[str, int]) -> Company:
    """Tri-Lakes Cable."""
    return _company(_realms["trilakes"], people.DOMAIN, "rosa")


@pytest.fixture
def prairie(_realms: dict[str, int]) -> Company:
    """High Prairie Wireless."""
    return _company(_realms["highprairie"], highprairie.DOMAIN, "charlie")


@pytest.fixture
def stones(_realms: dict[str, int]) -> Company:
    """Keystone Community Networks."""
    return _company(_realms["keystone"], keystone.DOMAIN, "dora")
