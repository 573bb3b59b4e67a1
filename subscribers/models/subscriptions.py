"""Subscriptions: a plan held by an account at a site."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable
from boss.tenancy.models import Site
from catalog.models import PlanVersion
from subscribers.choices import SubscriptionState
from subscribers.models.accounts import Account


class Subscription(FSMModelMixin, Addressable):
    """A plan version at a site, with what was chosen.

    ``options`` maps option keys to quantities; ``chosen`` is what the buyer typed, by feature; ``features`` is the
    resulting configuration (``catalog.configuration.ConfiguredFeature.to_json``), which provisioning reads.
    ``ended_by`` is the key of the task that ended it, so that undoing that task finds what it may take up again.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "organization": "account__organization_id",
        "site": "site_id",
        "own": "account__user_id",
    }
    portal_reads = True

    account = models.ForeignKey(Account, models.PROTECT, related_name="subscriptions")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    plan_version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="+")
    state = FSMField(
        _("state"), default=SubscriptionState.PENDING, choices=SubscriptionState.choices, protected=True, max_length=10
    )
    options = models.JSONField(_("options"), default=dict, blank=True)
    chosen = models.JSONField(_("chosen"), default=dict, blank=True)
    features = models.JSONField(_("features"), default=list, blank=True)
    # The site's address in two orders, for search: "412 elm st" and "elm st 412".
    address_key = models.CharField(max_length=200, editable=False, db_collation="C")
    street_key = models.CharField(max_length=200, editable=False, db_collation="C")
    created_at = models.DateTimeField(auto_now_add=True)
    active_from = models.DateField(_("active from"), null=True, editable=False)
    ended_on = models.DateField(_("ended on"), null=True, editable=False)
    ended_by = models.CharField(max_length=200, blank=True, default="", editable=False)

    class Meta(Addressable.Meta):
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes = [
            models.Index(fields=["realm_id", "address_key", "id"], name="subs_subscription_address"),
            models.Index(fields=["realm_id", "street_key", "id"], name="subs_subscription_street"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_version} · {self.account.number}"

    @transition(field=state, source=SubscriptionState.PENDING, target=SubscriptionState.ACTIVE)
    def activate(self) -> None:
        """Everything ordered is delivered."""

    @transition(field=state, source=SubscriptionState.ACTIVE, target=SubscriptionState.SUSPENDED)
    def suspend(self) -> None:
        """Service is limited until it is paid."""

    @transition(field=state, source=SubscriptionState.SUSPENDED, target=SubscriptionState.ACTIVE)
    def resume(self) -> None:
        """Service is full again."""

    @transition(field=state, source=SubscriptionState.TERMINATED, target=SubscriptionState.ACTIVE)
    def take_up_again(self) -> None:
        """Its ending was undone."""

    @transition(
        field=state,
        source=[SubscriptionState.PENDING, SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED],
        target=SubscriptionState.TERMINATED,
    )
    def terminate(self) -> None:
        """Ended, or never begun."""

    @property
    def families(self) -> list[str]:
        """Families of drivers the subscription needs, each once."""
        return list(dict.fromkeys(feature["driver_family"] for feature in self.features if feature["driver_family"]))
