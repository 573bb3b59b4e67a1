"""Outages: what is out, whom it concerns, what they were told, and whether their service is back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import Addressable, RealmScoped
from boss.notify.models import Message
from boss.tenancy.models import Organization, Site
from ipservices.choices import BackAnswer, CameBy, NoticeState, OutageScopeKind, OutageUpdateKind
from ipservices.models.bindings import Binding
from ipservices.models.comparing import InTurns
from subscribers.models import Account
from ticketing.models import Category, Ticket

_WHOM = "whom it concerns is the provider's; those concerned are given the public text by ipservices.outages"


class Outage(Addressable):
    """Something that many accounts have lost, beside the ticket under which it is worked on.

    ``public_text`` and ``eta_at`` are those of the latest update: all that customers are ever shown of it. It is open
    until ``ended_at``. Who is asked then whether his service is back may answer until ``answer_until``; those who did
    not are settled by the clock, at ``settled_at``. ``trouble_category`` is that of tickets of people who say no.
    ``is_false_alarm``: it turned out to be none; nobody is asked, and it is settled as soon as it ends.
    """

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "answer_until", "settled_at")

    ticket = models.OneToOneField(Ticket, models.PROTECT, null=True, related_name="outage", verbose_name=_("ticket"))
    public_text = models.CharField(_("public text"), max_length=1000)
    eta_at = models.DateTimeField(_("expected back"), null=True, blank=True)
    started_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("back since"), null=True, blank=True)
    answer_until = models.DateTimeField(_("answers count until"), null=True, blank=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    trouble_category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("category of further trouble")
    )
    opened_by = models.CharField(_("opened by"), max_length=200)
    is_false_alarm = models.BooleanField(_("false alarm"), default=False, db_default=False)

    class Meta(Addressable.Meta):
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["-id"]
        permissions = [
            ("manage_outages", "Can open outages, tell of them and end them"),
            ("add_to_outage", "Can add tickets and accounts to outages"),
        ]
        indexes = [
            models.Index(fields=["realm_id", "-id"], name="ipservices_outage_recent"),
            models.Index(fields=["realm_id"], condition=Q(ended_at=None), name="ipservices_outage_open"),
            models.Index(
                fields=["answer_until"],
                condition=Q(settled_at=None, answer_until__isnull=False),
                name="ipservices_outage_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return str(self.ticket) if self.ticket else self.public_id

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class OutageScope(RealmScoped):
    """One thing that is out. A node, a postal code and a town are their own names in ``value``; others are rows."""

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT"

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="scopes", db_index=False)
    kind = models.CharField(_("kind"), max_length=12, choices=OutageScopeKind.choices)
    value = models.CharField(_("name"), max_length=80, blank=True, default="")
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="+", db_index=False)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+", db_index=False)
    binding = models.ForeignKey(Binding, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta(RealmScoped.Meta):
        verbose_name = _("part of an outage")
        verbose_name_plural = _("parts of outages")
        ordering = ["id"]
        indexes = [models.Index(fields=["realm_id", "outage"], name="ipservices_scope_of_outage")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(value="") | Q(site__isnull=False) | Q(organization__isnull=False)
                | Q(binding__isnull=False),
                name="ipservices_outage_scope_whole",
            ),
        ]  # fmt: skip

    @property
    def label(self) -> str:
        """Its name as people know it."""
        named = (self.site and self.site.label) or self.organization or self.binding
        return str(named or self.value)


class OutageMember(Addressable):
    """Whom an outage concerns: an account, or whoever asks in a ticket that belongs to no account.

    ``reported_at`` is when somebody there said himself that it concerns him. ``asked_at`` is when he was asked whether
    his service is back, ``answer`` what he said. Who was struck off by hand stays written down, at ``taken_out_at``:
    he is told nothing more, and does not come back by lying in what is out.
    """

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="members", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="outages", db_index=False)
    site = models.ForeignKey(Site, models.PROTECT, null=True, related_name="+")
    came_by = models.CharField(_("came by"), max_length=8, choices=CameBy.choices)
    joined_at = models.DateTimeField(_("belongs to it since"))
    reported_at = models.DateTimeField(_("reported"), null=True)
    asked_at = models.DateTimeField(_("asked"), null=True)
    answer = models.CharField(_("answer"), max_length=4, choices=BackAnswer.choices, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True)
    taken_out_at = models.DateTimeField(_("taken out"), null=True)

    class Meta(Addressable.Meta):
        verbose_name = _("member of an outage")
        verbose_name_plural = _("members of outages")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "outage", "account"],
                condition=Q(account__isnull=False),
                name="ipservices_outage_member_once",
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "outage", "id"], name="ipservices_outage_members"),
            models.Index(fields=["realm_id", "account"], name="ipservices_outages_of_account"),
        ]


class OutageTicket(RealmScoped):
    """A ticket about an outage, child of the outage's own, and whose it is."""

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT, DELETE"

    member = models.ForeignKey(OutageMember, models.PROTECT, related_name="tickets", db_index=False)
    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="outage_place")

    class Meta(RealmScoped.Meta):
        verbose_name = _("ticket of an outage")
        verbose_name_plural = _("tickets of outages")
        indexes = [models.Index(fields=["realm_id", "member"], name="ipservices_outage_tickets")]


class OutageUpdate(InTurns):
    """What was said of an outage at one moment, and how far telling it is: ``cursor`` is the last member told.

    Without ``by_mail`` it is said on portals and on tickets alone.
    """

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "due_at")
    dispatch_writes = ("due_at",)

    outage = models.ForeignKey(Outage, models.PROTECT, related_name="updates", db_index=False)
    seq = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=6, choices=OutageUpdateKind.choices)
    text = models.CharField(_("text"), max_length=1000)
    eta_at = models.DateTimeField(_("expected back"), null=True)
    by_mail = models.BooleanField(_("by e-mail"), default=True)
    written_by = models.CharField(_("written by"), max_length=200)
    written_at = models.DateTimeField(_("written"))
    cursor = models.BigIntegerField(default=0, editable=False)

    class Meta(InTurns.Meta):
        abstract = False
        verbose_name = _("update of an outage")
        verbose_name_plural = _("updates of outages")
        ordering = ["-seq"]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "outage", "seq"], name="ipservices_outage_update_once"),
        ]
        indexes = [
            # The sweep looks through all realms at once.
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ipservices_outage_update_due"),
        ]


class OutageNotice(RealmScoped):
    """That one member was told of one update, and how: written in the transaction that writes his mail."""

    realm_only = _WHOM
    database_rights: ClassVar[str] = "SELECT, INSERT"

    update = models.ForeignKey(OutageUpdate, models.PROTECT, related_name="notices", db_index=False)
    member = models.ForeignKey(OutageMember, models.PROTECT, related_name="notices")
    state = models.CharField(_("state"), max_length=10, choices=NoticeState.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    message = models.ForeignKey(Message, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(_("at"))

    class Meta(RealmScoped.Meta):
        verbose_name = _("notice of an outage")
        verbose_name_plural = _("notices of outages")
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "update", "member"], name="ipservices_outage_notice_once"),
        ]
