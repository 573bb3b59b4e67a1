"""Who had an address at a moment: exact where one range ends and the next begins, and told to few."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from ipservices.choices import AddressKind
from ipservices.contracts import LeaseEvent
from ipservices.models import AddressAssignment, Binding, LeaseHistory, ObservedLease
from ipservices.services import addresses, bindings, holders, leases_seen, prefixes

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ADDRESS = "203.0.113.7"


def at(minutes: float) -> dt.datetime:
    return NOON + dt.timedelta(minutes=minutes)


@pytest.fixture
def server(alpha: Any, system: Actor) -> Binding:
    prefixes.create(actor=system, network="203.0.113.0/24")
    return bindings.create(actor=system, family="ip", driver_key="simulator", name="DHCP", settings={"server": "DHCP"})


def event(opened: bool, minutes: float, mac: str = "mac:00:11:22:33:44:55", **more: Any) -> LeaseEvent:
    given = {"address": ADDRESS, "length": 32, "service_ref": "", **more}
    return LeaseEvent(opened=opened, identifier=mac, at=at(minutes), **given)


def keep(server: Binding, *events: LeaseEvent) -> int:
    return leases_seen._keep(server, events)


def seen(actor: Actor, minutes: float, address: str = ADDRESS) -> list[str]:
    return [one.identifier for one in holders.who_had(actor=actor, address=address, at=at(minutes))]


def test_a_lease_holds_from_its_first_moment_until_just_before_its_last(server: Binding, system: Actor) -> None:
    keep(server, event(True, 0, "mac:aa"), event(False, 10, "mac:aa"), event(True, 10, "mac:bb"))
    blink = 1 / 60 / 1_000_000

    assert seen(system, -blink) == []
    assert seen(system, 0) == ["mac:aa"]
    assert seen(system, 10 - blink) == ["mac:aa"]
    assert seen(system, 10) == ["mac:bb"]
    assert seen(system, 10_000) == ["mac:bb"]


def test_an_end_that_was_never_told_is_where_the_next_begins(server: Binding, system: Actor) -> None:
    keep(server, event(True, 0, "mac:aa"), event(True, 5, "mac:bb"))

    assert seen(system, 4) == ["mac:aa"]
    assert seen(system, 5) == ["mac:bb"]
    assert ObservedLease.objects.filter(valid_to=None).count() == 1


def test_an_end_without_a_beginning_changes_nothing(server: Binding, system: Actor) -> None:
    keep(server, event(False, 0))

    assert not ObservedLease.objects.exists()


def test_what_is_in_none_of_the_realms_networks_is_not_its_own_to_know(server: Binding) -> None:
    assert keep(server, event(True, 0, address="198.51.100.7")) == 0
    assert not ObservedLease.objects.exists()


def test_whoever_had_the_block_or_prefix_had_every_address_in_it(server: Binding, system: Actor) -> None:
    prefixes.create(actor=system, network="198.51.100.0/25", unit_length=29, purpose="static")
    prefixes.create(actor=system, network="2001:db8::/32", unit_length=56)
    block = addresses.assign(actor=system, kind=AddressKind.BLOCK, purpose="static", unit_length=29)
    keep(server, event(True, 0, "duid:aa", address="2001:db8:0:100::", length=56))
    now = block.assigned_at

    found = holders.who_had(actor=system, address="198.51.100.6", at=now)

    assert [(one.told_by, one.address) for one in found] == [("assigned", "198.51.100.0/29")]
    assert holders.who_had(actor=system, address="198.51.100.8", at=now) == []
    assert seen(system, 1, "2001:db8:0:1ff::9") == ["duid:aa"]
    assert seen(system, 1, "2001:db8:0:200::9") == []


def test_who_was_given_an_address_is_known_while_and_after_he_has_it(server: Binding, system: Actor) -> None:
    row = addresses.assign(actor=system)
    AddressAssignment.objects.filter(pk=row.pk).update(assigned_at=at(0))
    row.refresh_from_db()
    address = str(row.address)

    assert holders.who_had(actor=system, address=address, at=at(-1)) == []
    assert [one.valid_to for one in holders.who_had(actor=system, address=address, at=at(0))] == [None]

    addresses.release(actor=system, assignment=row)
    past = LeaseHistory.objects.get()

    [known] = holders.who_had(actor=system, address=address, at=at(0))
    assert (known.valid_from, known.valid_to) == (at(0), past.valid_to)
    assert holders.who_had(actor=system, address=address, at=past.valid_to) == []


def test_every_question_is_on_record_with_what_was_asked(server: Binding, system: Actor) -> None:
    for minutes in (1, 2):
        seen(system, minutes)

    asked = AuditEntry.objects.filter(action="address_holder.read").order_by("id")
    assert [entry.after["at"] for entry in asked] == [at(1).isoformat(), at(2).isoformat()]
    assert {entry.after["address"] for entry in asked} == {ADDRESS}


def test_who_may_not_is_told_nothing_and_nothing_is_kept_of_it(server: Binding, bob: Actor) -> None:
    keep(server, event(True, 0))

    with pytest.raises(PermissionDenied):
        holders.who_had(actor=bob, address=ADDRESS, at=at(1))
    assert not AuditEntry.objects.filter(action="address_holder.read").exists()


def test_another_provider_learns_nothing_of_it(server: Binding, charlie: Actor, in_beta: Callable[[], Any]) -> None:
    keep(server, event(True, 0))

    with in_beta():
        assert holders.who_had(actor=charlie, address=ADDRESS, at=at(1)) == []


@pytest.mark.parametrize(("address", "moment"), [("nonsense", NOON), (ADDRESS, NOON.replace(tzinfo=None))])
def test_what_cannot_be_asked_is_refused_beside_its_field(
    server: Binding, system: Actor, address: str, moment: dt.datetime
) -> None:
    with pytest.raises(InvalidInput) as caught:
        holders.who_had(actor=system, address=address, at=moment)
    assert list(caught.value.fields) == ["address" if address == "nonsense" else "at"]
