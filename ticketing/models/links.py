"""What binds tickets to one another: typed links, and merges with what is needed to undo them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable
from ticketing.choices import LinkType
from ticketing.models.tickets import Ticket


class TicketRelation(Addressable):
    """``ticket`` is the ``type`` of ``other``: the parent of it, a duplicate of it, …

    That parents and blockers lead in no circle cannot be said by a constraint: they are written under one lock for the
    realm, by the service that looks before.
    """

    realm_only = "how the desk orders its work; a customer reads his own tickets"
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="relations", db_index=False)
    type = models.CharField(_("type"), max_length=12, choices=LinkType.choices)
    other = models.ForeignKey(Ticket, models.PROTECT, related_name="relations_to", db_index=False)
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta(Addressable.Meta):
        verbose_name = _("link between tickets")
        verbose_name_plural = _("links between tickets")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "ticket", "type", "other"], name="ticketing_relation_once"),
            models.UniqueConstraint(
                fields=["realm_id", "other"], condition=Q(type=LinkType.PARENT_OF), name="ticketing_one_parent"
            ),
            models.CheckConstraint(condition=~Q(ticket=F("other")), name="ticketing_not_to_itself"),
        ]
        indexes = [models.Index(fields=["realm_id", "other", "type"], name="ticketing_relations_to")]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.type} {self.other_id}"


class TicketMerge(Addressable):
    """One merge: ``ticket`` went into ``target``. What it was before is kept for undoing it.

    ``target`` is the ticket that was chosen; where that was merged later, ``Ticket.merged_into`` names the survivor.
    ``joined`` are the participants that came to the target by it, ``excerpts`` the messages shown there since.
    """

    realm_only = "how the desk orders its work; a customer is led to the ticket that goes on"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="merges", db_index=False)
    target = models.ForeignKey(Ticket, models.PROTECT, related_name="merges_in", db_index=False)
    merged_at = models.DateTimeField(_("merged"), auto_now_add=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    state_before = models.CharField(max_length=20)
    status_before = models.CharField(max_length=40)
    joined = ArrayField(models.BigIntegerField(), default=list, blank=True)
    excerpts = ArrayField(models.BigIntegerField(), default=list, blank=True)

    class Meta(Addressable.Meta):
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "ticket"], condition=Q(undone_at=None), name="ticketing_merged_once"
            ),
            models.CheckConstraint(condition=~Q(ticket=F("target")), name="ticketing_not_into_itself"),
        ]
        indexes = [
            models.Index(fields=["realm_id", "target"], condition=Q(undone_at=None), name="ticketing_merges_in"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} into {self.target_id}"
