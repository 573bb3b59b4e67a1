"""Who takes part in a ticket: who is written to, and whose answers are let onto it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from boss.tenancy.models import User
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.models.tickets import Ticket


class Participant(Addressable):
    """One address on a ticket. Whoever a customer put in copy is ``held`` until somebody of the staff lets him in.

    The tokens of reply addresses are made from its ``public_id``. It gives no right to the ticket's page: that is the
    requester's and, by grants, others'.
    """

    realm_only = "the desk's list of who is written to; a customer sees himself"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="participants", db_index=False)
    role = models.CharField(_("role"), max_length=10, choices=ParticipantRole.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=ParticipantState.choices, default=ParticipantState.ACCEPTED
    )
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="participations")
    email = models.CharField(_("e-mail"), max_length=254, db_collation="C")
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    added_by = models.CharField(_("added by"), max_length=200)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "ticket", "email"], name="ticketing_participant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email
