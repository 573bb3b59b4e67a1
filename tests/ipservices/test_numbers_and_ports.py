"""Telephone numbers and ports: set aside once, given back once."""

from __future__ import annotations

import concurrent.futures
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.models import Realm
from ipservices import selectors
from ipservices.choices import HoldState, NumberState
from ipservices.errors import NoPortFree, NumbersExhausted, NumberTaken
from ipservices.models import PhoneNumber, PortHold
from ipservices.services import numbers, ports
from tests.ipservices.conftest import Network, subscribe


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("+1 (555) 555-0100", "+15555550100"), ("555-555-0100", "+15555550100"), ("15555550100", "+15555550100")],
)
def test_numbers_are_understood_as_people_type_them(typed: str, meant: str) -> None:
    assert numbers.e164(typed) == meant


@pytest.mark.parametrize("typed", ["", "abc", "+0123", "+1555555010012345678"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        numbers.e164(typed)


def test_the_lowest_free_number_is_set_aside_and_comes_back(alpha: Any, system: Actor) -> None:
    assert numbers.add_block(actor=system, first="+15555550100", count=2) == 2
    assert numbers.add_block(actor=system, first="+15555550100", count=3) == 1

    first = numbers.reserve(actor=system, key="a")
    assert numbers.reserve(actor=system, key="a") == first
    second = numbers.reserve(actor=system)
    assert [first.number, second.number] == ["+15555550100", "+15555550101"]

    numbers.release(actor=system, number=first, rest=False)
    numbers.release(actor=system, number=first, rest=False)
    assert numbers.reserve(actor=system).number == first.number


def test_a_number_in_use_cannot_be_had(alpha: Any, system: Actor) -> None:
    numbers.add_block(actor=system, first="+15555550100", count=1)
    numbers.reserve(actor=system, number="+15555550100")

    with pytest.raises(NumberTaken):
        numbers.reserve(actor=system, number="+15555550100")
    with pytest.raises(NumberTaken):
        numbers.bring_along(actor=system, number="+15555550100", losing_carrier="Other")
    with pytest.raises(NumbersExhausted):
        numbers.reserve(actor=system)


@pytest.fixture
def resting(alpha: Realm, system: Actor) -> PhoneNumber:
    """The only number there is; its line has just gone."""
    numbers.add_block(actor=system, first="+15555550100", count=1)
    row = numbers.reserve(actor=system, key="hers")
    numbers.put_in_service(actor=system, number=row)
    numbers.release(actor=system, number=row)
    return PhoneNumber.objects.get(pk=row.pk)


def rests_for(realm: Realm, days: Any) -> None:
    realm.settings = realm.settings | {"provisioning": {"number_quarantine_days": days}}
    realm.save()


def test_a_number_that_was_in_use_rests_before_anybody_gets_it(resting: PhoneNumber, system: Actor) -> None:
    assert resting.state == NumberState.QUARANTINED
    assert resting.available_from is not None
    assert timedelta(days=59) < resting.available_from - timezone.now() <= timedelta(days=60)
    assert selectors.count_free_numbers() == 0

    with pytest.raises(NumbersExhausted):
        numbers.reserve(actor=system)
    with pytest.raises(NumberTaken):
        numbers.reserve(actor=system, number=resting.number)
    with pytest.raises(NumberTaken):
        numbers.bring_along(actor=system, number=resting.number, losing_carrier="Other")
    numbers.release(actor=system, number=resting)
    untouched = PhoneNumber.objects.get(pk=resting.pk)
    assert (untouched.state, untouched.available_from) == (NumberState.QUARANTINED, resting.available_from)


def test_a_number_that_has_rested_long_enough_is_given_out(resting: PhoneNumber, system: Actor) -> None:
    PhoneNumber.objects.filter(pk=resting.pk).update(available_from=timezone.now() - timedelta(seconds=1))

    assert selectors.count_free_numbers() == 1
    again = numbers.reserve(actor=system, key="his")

    assert (again.pk, again.state, again.available_from, again.former_key) == (
        resting.pk, NumberState.RESERVED, None, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "rest"), [(0, 0), (7, 7), (3650, 3650), (-1, 60), ("soon", 60), (True, 60), (None, 60)]
)
def test_a_realm_says_how_long_numbers_rest(alpha: Realm, system: Actor, days: Any, rest: int) -> None:
    rests_for(alpha, days)
    numbers.add_block(actor=system, first="+15555550100", count=1)
    row = numbers.reserve(actor=system)
    numbers.release(actor=system, number=row)

    row = PhoneNumber.objects.get(pk=row.pk)
    if rest == 0:
        assert (row.state, row.available_from) == (NumberState.AVAILABLE, None)
    else:
        assert row.available_from is not None
        assert timedelta(0) <= timedelta(days=rest) - (row.available_from - timezone.now()) < timedelta(minutes=5)


def test_somebody_who_may_ends_a_rest_and_it_is_on_record(resting: PhoneNumber, system: Actor, bob: Actor) -> None:
    with pytest.raises(PermissionDenied):
        numbers.end_rest(actor=bob, number=resting)
    assert PhoneNumber.objects.get(pk=resting.pk).state == NumberState.QUARANTINED

    numbers.end_rest(actor=system, number=resting)
    numbers.end_rest(actor=system, number=resting)

    assert AuditEntry.objects.filter(action="number.rest_ended").count() == 1
    assert numbers.reserve(actor=system, number=resting.number).pk == resting.pk


def test_the_database_holds_that_a_resting_number_has_a_day(resting: PhoneNumber) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PhoneNumber.objects.filter(pk=resting.pk).update(available_from=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        PhoneNumber.objects.filter(pk=resting.pk).update(state=NumberState.AVAILABLE)


def test_a_number_brought_along_goes_back_where_it_came_from(alpha: Any, system: Actor) -> None:
    row = numbers.bring_along(actor=system, number="+15555559000", losing_carrier="RegionalVoice", key="k")
    assert numbers.bring_along(actor=system, number="+15555559000", losing_carrier="RegionalVoice", key="k") == row

    numbers.release(actor=system, number=row)

    assert PhoneNumber.objects.get(pk=row.pk).state == NumberState.LEFT
    again = numbers.bring_along(actor=system, number="+15555559000", losing_carrier="Other")
    assert (again.pk, again.state) == (row.pk, NumberState.PORTING_IN)


def test_only_who_may_gives_out_numbers(alpha: Any, bob: Actor) -> None:
    with pytest.raises(PermissionDenied):
        numbers.add_block(actor=bob, first="+15555550100", count=5)
    assert not PhoneNumber.objects.exists()


def test_ten_at_once_get_ten_different_numbers_and_ports(real_db: str, network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        numbers.add_block(actor=network.system, first="+15555550200", count=5)
        crowd_of = [subscribe(network.realm, network.plan, number) for number in range(2, 12)]

    def take(subscription: Any) -> tuple[str, str]:
        try:
            with scoping.realm_transaction(network.realm.pk):
                number = numbers.reserve(actor=network.system)
                return number.number, str(ports.hold(actor=network.system, subscription=subscription)[0])
        finally:
            connections.close_all()

    with concurrent.futures.ThreadPoolExecutor(10) as crowd:
        taken = list(crowd.map(take, crowd_of))

    assert len({number for number, _port in taken}) == 10
    assert {port for _number, port in taken} == {f"node-17/{port}" for port in range(1, 11)}


def test_a_subscription_keeps_its_port_until_it_gives_it_back(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        held, made = ports.hold(actor=network.system, subscription=network.subscription)
        assert made
        assert ports.hold(actor=network.system, subscription=network.subscription) == (held, False)

        ports.release(actor=network.system, subscription=network.subscription)
        ports.release(actor=network.system, subscription=network.subscription)

        assert not PortHold.objects.filter(state=HoldState.HELD).exists()
        assert ports.hold(actor=network.system, subscription=network.subscription)[0].port == held.port


def test_an_address_without_a_node_has_no_port(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        network.subscription.site.access_node = ""

        with pytest.raises(NoPortFree):
            ports.hold(actor=network.system, subscription=network.subscription)
