"""Accounts: the commercial relationship and its people."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable, RealmScoped
from boss.tenancy.models import Organization, Site
from subscribers.choices import AccountState


class Reachable(models.Model):
    """A name, an e-mail and a phone, each with its comparable form for search (see ``subscribers.normalise``).

    The comparable columns sort by bytes (collation C), so a plain B-tree answers "begins with" as a range, with
    operators that Postgres may use below row-level security. Never LIKE.
    """

    name = models.CharField(_("name"), max_length=160)
    email = models.EmailField(_("e-mail"), blank=True, default="")
    phone = models.CharField(_("phone"), max_length=24, blank=True, default="")
    name_key = models.CharField(max_length=200, editable=False, db_collation="C")
    name_key_back = models.CharField(max_length=200, editable=False, db_collation="C")
    email_key = models.CharField(max_length=254, editable=False, db_collation="C")
    phone_key = models.CharField(max_length=16, editable=False, db_collation="C")
    phone_key_back = models.CharField(max_length=16, editable=False, db_collation="C")

    class Meta:
        abstract = True


def _search_indexes(prefix: str) -> list[models.Index]:
    """Realm first, then the column that begins with what was typed, then the order in which rows are shown."""
    return [
        models.Index(fields=["realm_id", "name_key", "id"], name=f"{prefix}_name"),
        models.Index(fields=["realm_id", "name_key_back", "id"], name=f"{prefix}_name_back"),
        models.Index(fields=["realm_id", "email_key"], name=f"{prefix}_email"),
        models.Index(fields=["realm_id", "phone_key"], name=f"{prefix}_phone"),
        models.Index(fields=["realm_id", "phone_key_back"], name=f"{prefix}_phone_back"),
    ]


class Account(FSMModelMixin, Addressable, Reachable):
    """Who buys and pays. ``site`` is the main service address; ``user`` the person who signs in for it.

    ``pin_hash`` is what callers prove themselves with, hashed like a password; blank means none was set.
    ``opened_by`` is the order that answers for the account being active, ``user_made_by`` the one that answers for its
    user; when that order is reversed, another one that relies on them takes over, or they are taken back (ADR 0080).
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "organization_id",
        "site": "site_id",
        "own": "user_id",
    }
    portal_reads = True
    dispatch_reads = ("id", "realm_id", "state")

    number = models.CharField(_("number"), max_length=20, db_collation="C")
    state = FSMField(
        _("state"), default=AccountState.PENDING, choices=AccountState.choices, protected=True, max_length=10
    )
    language = models.CharField(_("language"), max_length=10, default="en")
    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organization")
    )
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user")
    )
    pin_hash = models.CharField(max_length=128, blank=True, default="", editable=False)
    opened_by = models.ForeignKey(
        "subscribers.Order", models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    user_made_by = models.ForeignKey(
        "subscribers.Order", models.PROTECT, null=True, editable=False, related_name="+", db_index=False
    )
    opened_at = models.DateTimeField(_("opened at"), auto_now_add=True)
    activated_at = models.DateTimeField(_("active since"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)

    class Meta(Addressable.Meta):
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.UniqueConstraint(fields=["realm_id", "number"], name="subscribers_account_number_once")]
        indexes = _search_indexes("subs_account")
        permissions = [
            ("open_account", "Can open accounts"),
            ("close_account", "Can close accounts"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @transition(field=state, source=AccountState.PENDING, target=AccountState.ACTIVE)
    def activate(self) -> None:
        """The first subscription is being delivered."""

    @transition(field=state, source=AccountState.ACTIVE, target=AccountState.PENDING)
    def return_to_pending(self) -> None:
        """A run that activated the account is undone."""

    @transition(field=state, source=AccountState.ACTIVE, target=AccountState.SUSPENDED)
    def suspend(self) -> None:
        """Its bills are not paid: service is limited."""

    @transition(field=state, source=AccountState.SUSPENDED, target=AccountState.ACTIVE)
    def resume(self) -> None:
        """It is served in full again."""

    @transition(
        field=state,
        source=[AccountState.PENDING, AccountState.ACTIVE, AccountState.SUSPENDED],
        target=AccountState.CLOSED,
    )
    def close(self) -> None:
        """The relationship has ended, or never began."""


class AccountContact(RealmScoped, Reachable):
    """Another person of an account, for instance a spouse, a bookkeeper or a school's technician."""

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "account__organization_id",
        "site": "account__site_id",
        "own": "account__user_id",
    }

    account = models.ForeignKey(Account, models.CASCADE, related_name="contacts")
    part = models.CharField(_("part"), max_length=60, blank=True, default="", help_text=_("For instance: billing."))

    class Meta(RealmScoped.Meta):
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = _search_indexes("subs_contact")

    def __str__(self) -> str:
        return self.name
