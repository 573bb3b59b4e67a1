"""Keeping who really had an address when, as servers tell it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from boss.core import scoping
from ipservices.contracts import LeaseEvent
from ipservices.models import Binding, ObservedLease, Prefix, Service
from ipservices.models.inventories import Network
from ipservices.registry import drivers
from ipservices.services import calls

_MOST_READINGS = 50


def read(*, realm_id: int, binding_id: int) -> int:
    """Read what one server saw since last time and keep it; how many events were of this realm's addresses.

    The cursor moves in the transaction that writes the rows, so nothing is kept twice or lost. A server may serve
    several realms: what is in none of this realm's prefixes is not its own to know.
    """
    calls.refuse_inside_transaction()
    count = 0
    for _reading in range(_MOST_READINGS):
        kept, more = _read_once(realm_id, binding_id)
        count += kept
        if not more:
            break
    return count


def _read_once(realm_id: int, binding_id: int) -> tuple[int, bool]:
    with scoping.realm_transaction(realm_id, "leases"):
        binding: Binding = Binding.objects.get(pk=binding_id)
        connection = calls.connection_of(binding)
    if not drivers.get(binding.driver_key).capabilities.leases:
        return 0, False
    with calls.open_driver(binding, connection) as driver:
        reading = driver.lease_events(binding.lease_cursor)
    if not reading.events:
        return 0, False
    with scoping.realm_transaction(realm_id, "leases"):
        fresh: Binding = Binding.objects.select_for_update().get(pk=binding_id)
        if fresh.lease_cursor != binding.lease_cursor:
            return 0, False  # another reader was quicker; its rows stand
        kept = _keep(fresh, reading.events)
        Binding.objects.filter(pk=binding_id).update(lease_cursor=dict(reading.cursor))
    return kept, True


def _keep(binding: Binding, events: Sequence[LeaseEvent]) -> int:
    networks = [(prefix.ip_network, prefix.vrf) for prefix in Prefix.objects.order_by("position", "id")]
    refs = {event.service_ref.removeprefix("svc-") for event in events if event.service_ref}
    services = dict(Service.objects.filter(public_id__in=refs).values_list("public_id", "pk"))
    kept = 0
    for event in events:
        vrf = _vrf_of(event, networks)
        if vrf is not None:
            _write(binding, event, vrf, services)
            kept += 1
    return kept


def _vrf_of(event: LeaseEvent, networks: Sequence[tuple[Network, str]]) -> str | None:
    address = ipaddress.ip_address(event.address)
    return next((vrf for network, vrf in networks if address in network), None)


def _write(binding: Binding, event: LeaseEvent, vrf: str, services: Mapping[str, int]) -> None:
    now_open = ObservedLease.objects.select_for_update(of=("self",)).filter(
        binding=binding, address=event.address, length=event.length, valid_to=None
    )
    for row in now_open:
        if event.opened and row.identifier == event.identifier and row.valid_from == event.at:
            return
        # What began ends where the next begins: an end that was not told is no reason for two to have it.
        row.valid_to = max(row.valid_from, event.at)
        row.save(update_fields=["valid_to"])
    if event.opened:
        ObservedLease.objects.create(
            binding=binding,
            vrf=vrf,
            address=event.address,
            length=event.length,
            identifier=event.identifier[:300],
            service_id=services.get(event.service_ref.removeprefix("svc-")),
            valid_from=event.at,
        )
