"""What an hour of the staff's work costs the provider."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from boss.tenancy.models import User
from ticketing.models.pools import TalentPool


class CostRate(Addressable):
    """From ``valid_from`` on an hour costs ``per_hour``, in the realm's currency: of a person, for a pool, or of all.

    Without ``user`` and ``pool`` it is for all. Without ``per_hour`` those have none of their own from that day on.
    Never changed: a later row for the same day takes the place of an earlier one. Time that was written down keeps
    the rate it had then (``TimeEntry.cost_rate``).
    """

    realm_only = "what the provider's people cost"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    user = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("person")
    )
    pool = models.ForeignKey(
        TalentPool, models.PROTECT, null=True, related_name="+", db_index=False, verbose_name=_("pool")
    )
    per_hour = models.DecimalField(
        _("per hour"), max_digits=10, decimal_places=2, null=True, validators=[MinValueValidator(0)]
    )
    valid_from = models.DateField(_("valid from"))
    set_at = models.DateTimeField(auto_now_add=True)
    set_by = models.CharField(_("set by"), max_length=200)

    class Meta(Addressable.Meta):
        verbose_name = _("cost rate")
        verbose_name_plural = _("cost rates")
        default_permissions = ("add", "view")
        constraints = [
            models.CheckConstraint(condition=Q(user=None) | Q(pool=None), name="ticketing_cost_rate_of_one"),
            models.CheckConstraint(
                condition=Q(per_hour=None) | Q(per_hour__gte=0), name="ticketing_cost_rate_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "user", "pool", "-valid_from", "-id"], name="ticketing_cost_rate_of"),
        ]

    def __str__(self) -> str:
        # Never the amount: this stands in the audit trail, which more people read than may see costs.
        whose = self.user.full_name if self.user else str(self.pool or _("Everybody"))
        return f"{whose}, {self.valid_from}"
