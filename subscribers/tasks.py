"""What the room does by the clock: it bills each month, follows up what is overdue, orders what begins today.

Each realm, and each account in it, is a transaction of its own: one that fails holds up no other.
"""

from __future__ import annotations

import datetime as dt

import structlog
from celery import shared_task

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from subscribers import selectors
from subscribers.models import Account, Lease
from subscribers.services import billing, collecting, leases

log = structlog.get_logger(__name__)

DUE_AFTER = dt.timedelta(days=15)


@shared_task(name="subscribers.bill")
def bill() -> int:
    """A statement for last month for every account that owes something for it."""
    first = clock.today().replace(day=1)
    period_from = (first - dt.timedelta(days=1)).replace(day=1)
    issued = 0
    for realm_id, account_id in selectors.accounts_everywhere():
        with scoping.realm_transaction(realm_id, "billing"):
            issued += (
                billing.issue(
                    actor=Actor.system(realm_id), account=Account.objects.get(pk=account_id), period_from=period_from,
                    period_to=first, due_on=first + DUE_AFTER,
                ) is not None
            )  # fmt: skip
    return issued


@shared_task(name="subscribers.collect")
def collect() -> int:
    """Open a case for every account that is overdue long enough. One with an open case keeps it."""
    today = clock.today()
    opened = 0
    for realm_id, account_id in selectors.accounts_overdue_everywhere(today - dt.timedelta(days=collecting.WARN_AFTER)):
        try:
            with scoping.realm_transaction(realm_id, "collections"):
                account = Account.objects.get(pk=account_id)
                late = billing.overdue(account, today)
                if late is not None and (today - late.since).days >= collecting.WARN_AFTER:
                    collecting.open(
                        actor=Actor.system(realm_id), account=account, overdue_since=late.since, amount=late.amount
                    )
                    opened += 1
        except Problem as error:  # a realm without a workflow for it, for instance
            log.warning("collection_not_opened", account=account_id, code=error.code, error=str(error))
    return opened


@shared_task(name="subscribers.move_in")
def move_in() -> int:
    """Order the service of residents whose lease begins today or has begun."""
    ordered = 0
    for realm_id, lease_id in selectors.leases_begun_everywhere(clock.today()):
        try:
            with scoping.realm_transaction(realm_id, "leases"):
                leases.move_in(actor=Actor.system(realm_id), lease=Lease.objects.get(pk=lease_id))
                ordered += 1
        except Problem as error:  # the unit is still served, for instance; the next round tries again
            log.warning("lease_not_ordered", lease=lease_id, code=error.code, error=str(error))
    return ordered
