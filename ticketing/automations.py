"""Reads of automation: what rules have done, and where they are stopped."""

from __future__ import annotations

import datetime as dt

from django.db.models import Sum

from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from ticketing.automation.kinds import RuleResult
from ticketing.models import Policy, RuleBreaker, RuleRun, Ticket
from ticketing.models.thread import VIEW_INTERNAL

MINUTE = dt.timedelta(minutes=1)


def list_runs(actor: Actor, *, ticket: Ticket | None = None, policy: Policy | None = None) -> ScopedQuerySet:
    """What rules were looked at and what came of it, newest first. For staff."""
    rows: ScopedQuerySet = RuleRun.objects.visible_to(actor, VIEW_INTERNAL)
    if ticket is not None:
        rows = rows.filter(ticket=ticket)
    if policy is not None:
        rows = rows.filter(policy_version__policy=policy)
    return rows.select_related("ticket", "policy_version__policy").order_by("-at", "-id")


def find_breaker(ticket: Ticket) -> RuleBreaker | None:
    """The stop of rules on a ticket, while it lasts."""
    found: RuleBreaker | None = RuleBreaker.objects.filter(ticket=ticket, closed_at=None).first()
    return found


def actions_lately(ticket: Ticket, now: dt.datetime) -> int:
    """Steps that rules have taken on a ticket in the last minute, since a person last let them act again."""
    since = now - MINUTE
    released = RuleBreaker.objects.filter(ticket=ticket, closed_at__gt=since).order_by("-closed_at").first()
    if released is not None:
        since = released.closed_at
    done = RuleRun.objects.filter(ticket=ticket, result=RuleResult.DONE, at__gt=since)
    return int(done.aggregate(n=Sum("actions"))["n"] or 0)
