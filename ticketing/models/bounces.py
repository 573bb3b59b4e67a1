"""What mail servers reported of addresses that could not be reached for the moment (rule O4)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from boss.notify.models import Delivery


class SoftBounce(RealmScoped):
    """A mail of ours that did not get through for the moment. Each mail counts once, however often it is reported.

    What is older than the time in which bounces are counted is deleted when the next one comes.
    """

    realm_only = "what was sent to whom is the provider's record"

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="+", db_index=False)
    address = models.CharField(_("address"), max_length=254, db_collation="C")
    at = models.DateTimeField(_("reported"))
    said = models.CharField(_("what was reported"), max_length=300, blank=True, default="")

    class Meta(RealmScoped.Meta):
        verbose_name = _("soft bounce")
        verbose_name_plural = _("soft bounces")
        constraints = [models.UniqueConstraint(fields=["realm_id", "delivery"], name="ticketing_soft_bounce_once")]
        indexes = [models.Index(fields=["realm_id", "address", "at"], name="ticketing_soft_by_address")]

    def __str__(self) -> str:
        return self.address
