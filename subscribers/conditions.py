"""Promised times by plan: which plans a ticket's customer holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Plan
from subscribers.choices import SubscriptionState
from subscribers.models import Subscription
from ticketing.contracts import ConditionKind, Text
from ticketing.models import Ticket


def _choices() -> Sequence[tuple[str, Text]]:
    return list(Plan.objects.order_by("title").values_list("key", "title"))


def _existing(keys: Collection[str]) -> Collection[str]:
    return set(Plan.objects.filter(key__in=list(keys)).values_list("key", flat=True))


def _of(tickets: Sequence[Ticket], accounts: Sequence[Collection[int]]) -> Sequence[frozenset[str]]:
    """The plans of the accounts a ticket is linked to, else of its requester's; where one of them is held at the
    ticket's site, those there alone. One statement."""
    linked = {account for each in accounts for account in each}
    asking = {each.requester_id for each in tickets if each.requester_id is not None}
    rows = Subscription.objects.filter(Q(account__in=linked) | Q(account__user__in=asking)).exclude(
        state=SubscriptionState.TERMINATED
    )
    held = list(rows.values_list("account_id", "account__user_id", "site_id", "plan_version__plan__key"))
    found = []
    for ticket, named in zip(tickets, accounts, strict=True):
        mine = [
            (site, plan)
            for account, user, site, plan in held
            if (account in named if named else ticket.requester_id is not None and user == ticket.requester_id)
        ]
        there = [plan for site, plan in mine if ticket.site_id is not None and site == ticket.site_id]
        found.append(frozenset(there or (plan for _site, plan in mine)))
    return found


PLANS = ConditionKind("plans", _("Plans"), _choices, _existing, _of)
