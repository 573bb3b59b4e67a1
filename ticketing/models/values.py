"""A typed copy of what tickets' own fields hold, for filters, sorting, search and reports."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from ticketing.models.categories import Category
from ticketing.models.tickets import Ticket


class TicketFieldValue(RealmScoped):
    """One value of one field of one ticket; a field of several choices has a row for each.

    Written with the ticket, in its transaction, and made anew from its ``data`` at any time. A row has exactly one of
    the four values; texts are in small letters, whole up to 200 letters.
    """

    realm_only = "staff filter by it; customers are shown the ticket itself"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="field_values", db_index=False)
    category = models.ForeignKey(Category, models.PROTECT, related_name="+", db_index=False)
    field = models.CharField(max_length=60, db_collation="C")
    ordinal = models.PositiveSmallIntegerField(default=0)
    v_text = models.CharField(max_length=200, null=True, db_collation="C")
    v_num = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    v_bool = models.BooleanField(null=True)
    v_ts = models.DateTimeField(null=True)
    searchable = models.BooleanField(default=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("field value")
        verbose_name_plural = _("field values")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "ticket", "field", "ordinal"], name="ticketing_value_once"),
            models.CheckConstraint(
                condition=(
                    Q(v_text__isnull=False, v_num=None, v_bool=None, v_ts=None)
                    | Q(v_text=None, v_num__isnull=False, v_bool=None, v_ts=None)
                    | Q(v_text=None, v_num=None, v_bool__isnull=False, v_ts=None)
                    | Q(v_text=None, v_num=None, v_bool=None, v_ts__isnull=False)
                ),
                name="ticketing_value_is_one",
            ),
        ]
        indexes = [
            models.Index(
                fields=["realm_id", "category", "field", value, "ticket"],
                condition=Q(**{f"{value}__isnull": False}),
                name=f"ticketing_by_{value}",
            )
            for value in ("v_text", "v_num", "v_bool", "v_ts")
        ] + [
            models.Index(fields=["realm_id", "v_text"], condition=Q(searchable=True), name="ticketing_value_search"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.field} of {self.ticket_id}"
