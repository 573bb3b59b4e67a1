"""Telling servers which networks a realm hands out of."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from boss.core import scoping
from ipservices.contracts import Network
from ipservices.models import Binding, Prefix
from ipservices.registry import drivers
from ipservices.services import calls, leases

CONTAINER = "networks"

# Set by ``apps``: has a worker publish a realm's networks; the clock does what was not heard.
wake: list[Callable[[int], None]] = []


def changed(realm_id: int) -> None:
    """A prefix or a server is new: servers are told after the commit."""
    transaction.on_commit(lambda: [call(realm_id) for call in wake], using=scoping.alias())


def publish(*, realm_id: int, binding_id: int) -> int:
    """Make one server serve the realm's prefixes; how many it did not know. Nothing for one that need not know.

    A prefix's own number goes with it, so that the server can use it as its permanent id. Raises the driver's errors.
    """
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(realm_id, "networks"):
        binding: Binding = Binding.objects.get(pk=binding_id)
        roads = calls.roads_of(binding)
        known = [
            Network(row.pk, row.network, str(row.gateway or "")) for row in Prefix.objects.order_by("position", "id")
        ]
    if not drivers.get(binding.driver_key).capabilities.networks:
        return 0
    count = 0
    with leases.hold(binding, CONTAINER):
        for road in roads:  # every node has a configuration of its own
            with calls.open_driver(binding, road.connection) as driver:
                count += driver.publish_networks(known)
    return count
