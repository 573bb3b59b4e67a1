"""Which client an address is for: the subscription's router, so that the DHCP server hands it what is reserved.

A router asks once for an IPv4 address and once for a prefix. So of the addresses of a subscription one of each version
follows the router, a static one before one out of the ranges; the others stay held and unbound. What people entered by
another mark of the client (``circuit_id:…``, ``client_id:…``, ``duid:…``) follows no router.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices import selectors
from ipservices.choices import AddressKind, ServiceState
from ipservices.errors import ClientTaken
from ipservices.models import Service

_BY_ROUTER = "mac:"
_IN_USE = (ServiceState.ACTIVE, ServiceState.SUSPENDED)


def fill_in(service: Service) -> dict[str, Any]:
    """For an address about to be set up: its client, when the router is known by now. Raises :class:`ClientTaken`."""
    mac = _router_mac(service.subscription_id)
    if not mac or not _follows(service):
        return {}
    chosen = _chosen([*(row for row in _addresses(service.subscription_id) if row.pk != service.pk), service])
    if service not in chosen:
        return {}
    _refuse_claimed(service, mac)
    return {"identifier": _BY_ROUTER + mac}


def moves(*, subscription_id: int, mac: str = "") -> list[tuple[int, str]]:
    """Which addresses in use have to change their client for the router with this MAC address (none given: the one the
    subscription has), as keys and identifiers, in the order in which it has to be done.

    Raises :class:`ClientTaken`. Nothing is changed.
    """
    mac = mac or _router_mac(subscription_id)
    if not mac:
        return []
    rows = [row for row in _addresses(subscription_id) if _follows(row)]
    chosen = _chosen(rows)
    found: list[tuple[int, str]] = []
    for row in rows:
        wanted = _BY_ROUTER + mac if row in chosen else ""
        if wanted != (row.desired.get("identifier") or ""):
            if wanted:
                _refuse_claimed(row, mac)
            found.append((row.pk, wanted))
    # First the one that lets go of the client, then the one that takes it.
    return sorted(found, key=lambda move: bool(move[1]))


@transactional
def bind(*, actor: Actor, service: Service | int, identifier: str) -> Service:
    """Give an address to a client, or (empty) to nobody yet. Whoever calls brings the service up."""
    key = service if isinstance(service, int) else service.pk
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=key)

    require(actor, "ipservices.change_service", row)

    before = row.desired.get("identifier") or ""
    if before == identifier:
        return row

    row.desired = {**row.desired, "identifier": identifier}
    row.revision += 1
    row.save()

    audit.record(
        actor=actor, action="service.changed", subject=row, before={"identifier": before},
        after={"identifier": identifier},
    )  # fmt: skip
    return row


def _router_mac(subscription_id: int) -> str:
    devices = selectors.list_services_for_subscription(subscription_id, "cpe")
    routers = [row for row in devices if row.desired.get("device_kind") == "router"]
    return next((str(row.desired["mac"]) for row in routers if row.desired.get("mac")), "")


def _addresses(subscription_id: int) -> list[Service]:
    rows = selectors.list_services_for_subscription(subscription_id, "ip")
    return [row for row in rows if row.kind == "assignment" and row.state in _IN_USE]


def _follows(row: Service) -> bool:
    return str(row.desired.get("identifier") or _BY_ROUTER).startswith(_BY_ROUTER)


def _chosen(rows: list[Service]) -> list[Service]:
    """One of each version."""
    first: dict[bool, Service] = {}
    for row in sorted(rows, key=lambda one: (one.feature_key != "ip.static", one.ordinal, one.pk)):
        first.setdefault(row.desired.get("address_kind") == AddressKind.DELEGATION, row)
    return list(first.values())


def _refuse_claimed(service: Service, mac: str) -> None:
    """One client has one reservation in a subnet: two services that claim it are a mistake somebody has to look at."""
    subnets = service.addresses.values("prefix")  # type: ignore[attr-defined]
    others = Service.objects.filter(
        family="ip", addresses__prefix__in=subnets, desired__identifier=_BY_ROUTER + mac
    ).exclude(subscription_id=service.subscription_id)
    claim = others.exclude(state=ServiceState.TERMINATED).select_related("account").first()
    if claim is not None:
        raise ClientTaken(
            _("The router %(mac)s already has %(address)s, of account %(account)s (%(owner)s). Compare the label.")
            % {"mac": mac, "address": claim.name, "account": claim.account.number, "owner": claim.account.name},
            service=claim.public_id,
        )
