"""What is to be done on a ticket, point by point."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from ticketing.choices import ChecklistSource
from ticketing.models.tickets import Ticket


class ChecklistItem(Addressable):
    """One point. A required one must be done before the ticket is resolved; only a category's are required.

    ``key`` is that of the category's template, by which the same point is known again; empty for all others.
    """

    realm_only = "the desk's own work: customers read messages"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="checklist", db_index=False)
    position = models.PositiveSmallIntegerField(_("place"))
    text = models.CharField(_("what is to be done"), max_length=200)
    is_required = models.BooleanField(_("must be done before the ticket is resolved"), default=False)
    source = models.CharField(max_length=10, choices=ChecklistSource.choices)
    key = models.CharField(max_length=40, blank=True, default="", db_collation="C")
    added_by = models.CharField(max_length=200)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.CharField(_("done by"), max_length=200, blank=True, default="")

    class Meta(Addressable.Meta):
        verbose_name = _("point of a checklist")
        verbose_name_plural = _("points of checklists")
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at=None, done_by="") | (Q(done_at__isnull=False) & ~Q(done_by="")),
                name="ticketing_done_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["realm_id", "ticket", "key"], condition=~Q(key=""), name="ticketing_checklist_once"
            ),
        ]
        indexes = [models.Index(fields=["realm_id", "ticket", "position"], name="ticketing_checklist_in_order")]

    def __str__(self) -> str:
        return self.text
