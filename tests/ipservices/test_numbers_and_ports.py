"""Telephone numbers and ports: set aside once, given back once."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
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

    numbers.put_in_service(actor=system, number=first)
    numbers.release(actor=system, number=first)
    numbers.release(actor=system, number=first)
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
