"""Leases as owners of buildings announce them: who moves into which unit, and when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable
from boss.tenancy.models import Organization, Site
from subscribers.choices import LeaseState
from subscribers.models.orders import Order


class Lease(FSMModelMixin, Addressable):
    """One line of an owner's lease feed. ``reference`` is the owner's own number of it: sent twice, it counts once.

    The owner knows who moves in, so he may read this; what the resident has besides is no business of his.
    """

    scope_paths: ClassVar[dict[str, str]] = {"organization": "organization_id", "site": "site_id"}
    portal_reads = True
    dispatch_reads = ("id", "realm_id", "state", "order_id", "starts_on")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", verbose_name=_("owner"))
    reference = models.CharField(_("owner's reference"), max_length=60)
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", verbose_name=_("unit"))
    state = FSMField(
        _("state"), default=LeaseState.ANNOUNCED, choices=LeaseState.choices, protected=True, max_length=10
    )
    resident_name = models.CharField(_("resident"), max_length=160)
    resident_email = models.EmailField(_("e-mail"))
    resident_phone = models.CharField(_("phone"), max_length=24)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)
    order = models.OneToOneField(Order, models.PROTECT, null=True, editable=False, related_name="lease")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("lease")
        verbose_name_plural = _("leases")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "organization", "reference"], name="subscribers_lease_once")
        ]
        indexes = [
            models.Index(
                fields=["realm_id", "starts_on"],
                condition=models.Q(state=LeaseState.ANNOUNCED, order=None),
                name="subs_lease_coming",
            )
        ]
        permissions = [("announce_lease", "Can announce leases of the owner's units")]

    def __str__(self) -> str:
        return f"{self.reference}: {self.site.label}"

    @transition(field=state, source=LeaseState.ANNOUNCED, target=LeaseState.MOVED_IN)
    def move_in(self) -> None:
        """The resident is served."""

    @transition(field=state, source=LeaseState.ANNOUNCED, target=LeaseState.WITHDRAWN)
    def withdraw(self) -> None:
        """Nobody moves in after all."""
