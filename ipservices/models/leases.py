"""Who really had an address, as servers saw it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ipservices.models.bindings import Binding
from ipservices.models.services import Service


class ObservedLease(RealmScoped):
    """A client had an address at a server, ``[valid_from, valid_to)``; it still has it while ``valid_to`` is empty.

    Beside :class:`LeaseHistory`, which says whom BOSS gave the address to: a subscriber may have it and not use it.
    """

    realm_only = "who had an address when is told to few, and under law"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    binding = models.ForeignKey(Binding, models.PROTECT, related_name="leases", db_index=False)
    vrf = models.CharField(max_length=40)
    address = models.GenericIPAddressField()
    length = models.PositiveSmallIntegerField()
    identifier = models.CharField(max_length=300)
    service = models.ForeignKey(Service, models.PROTECT, related_name="observed_leases", null=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("observed lease")
        verbose_name_plural = _("observed leases")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "binding", "address", "length"],
                condition=Q(valid_to=None),
                name="ipservices_observed_open_once",
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="ipservices_observed_order"
            ),
        ]
        indexes = [models.Index(fields=["realm_id", "vrf", "address", "-valid_from"], name="ipservices_observed_who")]
        permissions = [("see_address_holder", "Can see who had an address at a time")]
