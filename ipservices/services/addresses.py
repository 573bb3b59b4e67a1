"""Handing out addresses: the lowest free unit of the first range nobody else holds, in the caller's transaction.

How it is found is in :mod:`ipservices.services.free_ranges`. The unique constraint on (realm, routing table, address)
is the last line of defence.
"""

from __future__ import annotations

import ipaddress

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import one_write
from boss.core.services import service as transactional
from ipservices.choices import AddressKind
from ipservices.errors import AddressPoolExhausted, AddressTaken
from ipservices.models import AddressAssignment, LeaseHistory, Prefix, Service
from ipservices.services import free_ranges

# A range found locked may be gone when its holder commits; then the next one is looked for.
_PATIENCE = 100


@one_write
def assign(
    *,
    actor: Actor,
    kind: str = AddressKind.ADDRESS,
    purpose: str = "dynamic",
    version: int = 4,
    unit_length: int | None = None,
    service: Service | None = None,
    prefix: Prefix | None = None,
    key: str = "",
) -> AddressAssignment:
    """Hand out the next free unit. The same non-empty ``key`` gives the same address again.

    Raises :class:`AddressPoolExhausted` when no prefix of that kind and purpose has one.
    """
    require(actor, "ipservices.manage_addresses")

    wanted = free_ranges.Wanted(prefix, kind, purpose, version, unit_length)
    for _attempt in range(_PATIENCE):
        row = free_ranges.take(wanted, actor=actor, action="address.assigned", service=service, key=key)
        if row is not None:
            return row
        if not free_ranges.wait_and_cut(wanted):
            break
    raise AddressPoolExhausted(kind=str(kind), purpose=purpose, version=version)


@transactional
def assign_exactly(
    *, actor: Actor, prefix: Prefix, address: str, service: Service | None = None, key: str = ""
) -> AddressAssignment:
    """Hand out one particular unit. Raises :class:`AddressTaken`."""
    require(actor, "ipservices.manage_addresses")

    wanted = ipaddress.ip_address(address)
    offset = prefix.offset_of(address)
    if wanted not in prefix.ip_network or prefix.address_at(offset) != str(wanted):
        raise AddressTaken(_("%(address)s is not a unit of %(prefix)s.") % {"address": address, "prefix": prefix})
    if not free_ranges.take_exactly(prefix, offset):
        raise AddressTaken(_("%(address)s is not free.") % {"address": address})
    row = _write(prefix, offset, service, key)

    audit.record(actor=actor, action="address.assigned", subject=service or prefix, after={"address": str(row)})
    return row


@transactional
def release(*, actor: Actor, assignment: AddressAssignment) -> None:
    """Give an address back; who had it from when to when is kept. Giving back twice is no error."""
    require(actor, "ipservices.manage_addresses")
    row: AddressAssignment | None = (
        AddressAssignment.objects.select_for_update(of=("self",))
        .select_related("prefix", "service")
        .filter(pk=assignment.pk)
        .first()
    )
    if row is None:
        return

    LeaseHistory.objects.create(
        vrf=row.vrf,
        address=row.address,
        length=row.length,
        service=row.service,
        valid_from=row.assigned_at,
        valid_to=clock.now(),
    )
    AddressAssignment.objects.filter(pk=row.pk).delete()
    free_ranges.give_back(row.prefix, row.offset)

    audit.record(
        actor=actor, action="address.released", subject=row.service or row.prefix, before={"address": str(row)}
    )


def _write(prefix: Prefix, offset: int, service: Service | None, key: str) -> AddressAssignment:
    row: AddressAssignment = AddressAssignment.objects.create(
        prefix=prefix,
        vrf=prefix.vrf,
        address=prefix.address_at(offset),
        length=prefix.unit_length,
        offset=offset,
        service=service,
        key=key,
    )
    return row
