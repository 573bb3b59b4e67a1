"""What there is only so much of: addresses, telephone numbers, ports."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from boss.core.scoping import Addressable, RealmScoped
from ipservices.choices import AddressKind, HoldState, NumberState
from ipservices.models.services import Service
from subscribers.models import Subscription

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Prefix(Addressable):
    """A range to hand out from, in units of ``unit_length`` (32: single IPv4 addresses, 56: IPv6 delegations).

    What is free stands in :class:`FreeRange` as offsets counted in units from the first. Of single addresses the
    network, the broadcast and the gateway address are never free. ``purpose`` says for what: ``dynamic``, ``static``.
    """

    realm_only = "the provider's inventory"
    dispatch_reads = ("id", "realm_id")

    vrf = models.CharField(_("routing table"), max_length=40, default="default")
    network = models.CharField(_("network"), max_length=43)
    version = models.PositiveSmallIntegerField(_("IP version"))
    unit_length = models.PositiveSmallIntegerField(_("unit length"))
    kind = models.CharField(_("handed out as"), max_length=12, choices=AddressKind.choices)
    purpose = models.CharField(_("purpose"), max_length=20, default="dynamic")
    gateway = models.GenericIPAddressField(_("gateway"), null=True, blank=True)
    size = models.BigIntegerField(_("units"))
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("prefix")
        verbose_name_plural = _("prefixes")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "vrf", "network"], name="ipservices_prefix_once"),
            models.CheckConstraint(condition=Q(size__gt=0), name="ipservices_prefix_size"),
            models.CheckConstraint(condition=Q(version__in=[4, 6]), name="ipservices_prefix_version"),
        ]
        permissions = [("manage_addresses", "Can add prefixes and hand out addresses")]

    def __str__(self) -> str:
        return self.network

    @property
    def ip_network(self) -> Network:
        return ipaddress.ip_network(self.network)

    @property
    def unit_size(self) -> int:
        """Addresses in one unit."""
        return 1 << int(self.ip_network.max_prefixlen - self.unit_length)

    def address_at(self, offset: int) -> str:
        """The first address of the unit at ``offset``."""
        return str(self.ip_network.network_address + offset * self.unit_size)

    def offset_of(self, address: str) -> int:
        return (int(ipaddress.ip_address(address)) - int(self.ip_network.network_address)) // self.unit_size


class FreeRange(RealmScoped):
    """Units ``lo`` to ``hi`` of a prefix are free, both included.

    The index is on ``hi`` alone: handing out the lowest unit moves ``lo`` only, which Postgres then does in place.
    """

    realm_only = "the provider's inventory"

    prefix = models.ForeignKey(Prefix, models.CASCADE, related_name="free_ranges", db_index=False)
    lo = models.BigIntegerField()
    hi = models.BigIntegerField()

    class Meta(RealmScoped.Meta):
        verbose_name = _("free range")
        verbose_name_plural = _("free ranges")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "prefix", "hi"], name="ipservices_free_hi_once"),
            models.CheckConstraint(condition=Q(lo__lte=F("hi"), lo__gte=0), name="ipservices_free_order"),
        ]


class AddressAssignment(Addressable):
    """One unit of a prefix, handed out. Unique in its routing table, whatever the code above does."""

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "service__account__organization_id",
        "site": "service__site_id",
        "own": "service__account__user_id",
    }

    prefix = models.ForeignKey(Prefix, models.PROTECT, related_name="assignments", db_index=False)
    vrf = models.CharField(max_length=40)
    address = models.GenericIPAddressField(_("address"))
    length = models.PositiveSmallIntegerField(_("prefix length"))
    offset = models.BigIntegerField()
    service = models.ForeignKey(Service, models.PROTECT, related_name="addresses", null=True, blank=True)
    key = models.CharField(max_length=200, blank=True, default="")
    assigned_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "vrf", "address"], name="ipservices_address_once"),
            models.UniqueConstraint(fields=["realm_id", "prefix", "offset"], name="ipservices_offset_once"),
            models.UniqueConstraint(
                fields=["realm_id", "key"], condition=~Q(key=""), name="ipservices_address_key_once"
            ),
        ]

    def __str__(self) -> str:
        full = 32 if ":" not in str(self.address) else 128
        return str(self.address) if self.length == full else f"{self.address}/{self.length}"


class LeaseHistory(RealmScoped):
    """Who had an address when, ``[valid_from, valid_to)``. Written when it is given back."""

    realm_only = "who had an address when is told to few, and under law"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    vrf = models.CharField(max_length=40)
    address = models.GenericIPAddressField()
    length = models.PositiveSmallIntegerField()
    service = models.ForeignKey(Service, models.PROTECT, related_name="lease_history", null=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()

    class Meta(RealmScoped.Meta):
        verbose_name = _("past address")
        verbose_name_plural = _("past addresses")
        indexes = [models.Index(fields=["realm_id", "vrf", "address", "-valid_from"], name="ipservices_lease_who")]


class PhoneNumber(Addressable):
    """A telephone number the realm may give out, or one that a subscriber brings along. ``number`` is E.164.

    One that was in use rests before somebody else may have it: ``quarantined`` until ``available_from``. From then on
    it counts as free. ``former_key`` tells meanwhile whose it was, so that an undo finds exactly what was given up.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "service__account__organization_id",
        "site": "service__site_id",
        "own": "service__account__user_id",
    }

    number = models.CharField(_("number"), max_length=16)
    state = FSMField(
        _("state"), default=NumberState.AVAILABLE, choices=NumberState.choices, protected=True, max_length=12
    )
    area = models.CharField(_("rate area"), max_length=60, blank=True, default="")
    service = models.ForeignKey(Service, models.PROTECT, related_name="numbers", null=True, blank=True)
    key = models.CharField(max_length=200, blank=True, default="")
    losing_carrier = models.CharField(_("comes from"), max_length=80, blank=True, default="")
    available_from = models.DateTimeField(_("free from"), null=True, blank=True)
    former_key = models.CharField(max_length=200, blank=True, default="")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(Addressable.Meta):
        verbose_name = _("telephone number")
        verbose_name_plural = _("telephone numbers")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "number"], name="ipservices_number_once"),
            models.CheckConstraint(condition=Q(number__regex=r"^\+[1-9][0-9]{6,14}$"), name="ipservices_number_e164"),
            models.UniqueConstraint(
                fields=["realm_id", "key"], condition=~Q(key=""), name="ipservices_number_key_once"
            ),
            models.CheckConstraint(
                condition=Q(state="quarantined", available_from__isnull=False, service__isnull=True)
                | (~Q(state="quarantined") & Q(available_from__isnull=True)),
                name="ipservices_number_rests_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["realm_id", "number"],
                condition=Q(state__in=["available", "quarantined"]),
                name="ipservices_number_unused",
            ),
        ]
        permissions = [("manage_numbers", "Can add telephone numbers and give them out")]

    def __str__(self) -> str:
        return self.number

    @transition(field=state, source=[NumberState.AVAILABLE, NumberState.QUARANTINED], target=NumberState.RESERVED)
    def reserve(self) -> None:
        """Set aside for a service. Whether a resting one may be had is for the caller to know."""
        self.available_from, self.former_key = None, ""

    @transition(field=state, source=[NumberState.RESERVED, NumberState.PORTING_IN], target=NumberState.ASSIGNED)
    def assign(self) -> None:
        """Its line is in service."""

    @transition(field=state, source=NumberState.ASSIGNED, target=NumberState.RESERVED)
    def unassign(self) -> None:
        """Its line is out of service again, the number stays set aside."""

    @transition(field=state, source=[NumberState.RESERVED, NumberState.ASSIGNED], target=NumberState.AVAILABLE)
    def release(self) -> None:
        """Free for somebody else."""

    @transition(field=state, source=[NumberState.RESERVED, NumberState.ASSIGNED], target=NumberState.QUARANTINED)
    def rest(self, until: datetime) -> None:
        """Nobody's, but not free before ``until``: calls for the one who had it must not ring at somebody else's."""
        self.available_from, self.former_key = until, self.key

    @transition(field=state, source=NumberState.QUARANTINED, target=NumberState.AVAILABLE)
    def end_rest(self) -> None:
        """Free before its time."""
        self.available_from, self.former_key = None, ""

    @transition(
        field=state,
        source=[NumberState.PORTING_IN, NumberState.RESERVED, NumberState.ASSIGNED],
        target=NumberState.LEFT,
    )
    def give_back(self) -> None:
        """A number that was brought along goes back where it came from."""

    @transition(field=state, source=NumberState.LEFT, target=NumberState.PORTING_IN)
    def bring_again(self) -> None:
        """It comes along once more."""


class PortHold(RealmScoped):
    """A port of an access node set aside for a subscription. One living hold per port."""

    realm_only = "how the provider moves numbers"

    access_node = models.CharField(_("access node"), max_length=60)
    port = models.PositiveIntegerField(_("port"))
    subscription = models.ForeignKey(Subscription, models.PROTECT, related_name="port_holds")
    state = FSMField(_("state"), default=HoldState.HELD, choices=HoldState.choices, protected=True, max_length=10)
    held_at = models.DateTimeField(auto_now_add=True)
    released_at = models.DateTimeField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("port")
        verbose_name_plural = _("ports")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "access_node", "port"],
                condition=Q(state=HoldState.HELD),
                name="ipservices_port_once",
            ),
            models.UniqueConstraint(
                fields=["realm_id", "subscription"], condition=Q(state=HoldState.HELD), name="ipservices_one_port_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.access_node}/{self.port}"

    @transition(field=state, source=HoldState.HELD, target=HoldState.RELEASED)
    def release(self) -> None:
        """Free for somebody else."""
