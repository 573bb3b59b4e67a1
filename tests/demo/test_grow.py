"""The bulk of the demo goes through the same doors as every later order, and finds out where it stopped."""

from __future__ import annotations

import itertools

import pytest

from boss.core import scoping
from boss.platform.demo.trilakes import accounts, places
from boss.platform.demo.trilakes import seed as trilakes
from boss.tenancy import selectors as tenancy
from ipservices.models import Service
from subscribers.models import Account, Order
from tests.furniture import TRI_LAKES


@pytest.fixture
def furniture():
    return TRI_LAKES


def test_the_first_accounts_are_served_and_a_second_start_adds_none(real_db, workers, monkeypatch):
    tenancy.forget_cached()
    workers(1)
    workers.beat()
    monkeypatch.setattr(accounts.places, "occupied", lambda first=places.occupied: itertools.islice(first(), 4))
    realm_id = tenancy.find_realm_id_by_host("localhost")

    last = list(trilakes.rest())[-1]
    assert (last.done, last.total) == (4, 4)

    def picture():
        with scoping.realm_transaction(realm_id):
            assert set(Order.objects.values_list("state", flat=True)) == {"completed"}
            assert set(Account.objects.values_list("state", flat=True)) == {"active"}
            assert set(Service.objects.values_list("state", flat=True)) == {"active"}
            return Order.objects.count(), Service.objects.count()

    before = picture()
    list(trilakes.rest())
    assert picture() == before
    assert before[0] == 4 and before[1] >= 4 * 6
