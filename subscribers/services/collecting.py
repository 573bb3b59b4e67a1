"""Cases of accounts that are behind with paying: opened by the clock, settled by a payment, closed with their run.

The run warns on day 10, walls the services in on day 20 and disconnects on day 45 (or what the realm's workflow says).
A payment turns it round: full service comes back because everything the run did is undone (ADR 0081).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _

from boss.core import audit, clock, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from subscribers import events as facts
from subscribers.choices import AccountState, CollectionState, SubscriptionState
from subscribers.models import Account, Collection, Subscription
from subscribers.services import accounts
from workflow import selectors as workflow
from workflow.choices import RunState
from workflow.services import runs

SUBJECT_KIND = "subscribers.collection"
DEFINITION = "non-pay"
"""Unless the realm's settings name another under ``collection_workflow``."""

WARN_AFTER, WALL_AFTER, DISCONNECT_AFTER = 10, 20, 45
"""Days after the oldest unpaid statement was due. A case that is opened late gives as many days from its notice on."""


@service
def open(*, actor: Actor, account: Account, overdue_since: dt.date, amount: Decimal) -> Collection:
    """Open the account's case and start its run, or give the open one."""
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)

    require(actor, "subscribers.collect", account)

    present: Collection | None = Collection.objects.filter(account=account, state=CollectionState.OPEN).first()
    if present is not None:
        return present

    realm = tenancy.get_realm(actor.realm_id)
    warned_on = max(clock.today(), overdue_since + dt.timedelta(days=WARN_AFTER))
    case: Collection = Collection.objects.create(
        account=account, overdue_since=overdue_since, amount=amount, currency=realm.currency
    )
    run = runs.start(
        actor=actor,
        definition_key=realm.settings.get("collection_workflow", DEFINITION),
        subject=(SUBJECT_KIND, case.pk),
        inputs={
            "collection_id": case.pk,
            "account_id": account.pk,
            "amount": float(case.amount),
            "overdue_since": overdue_since.isoformat(),
            "wall_at": _midnight(warned_on, WALL_AFTER - WARN_AFTER),
            "disconnect_at": _midnight(warned_on, DISCONNECT_AFTER - WARN_AFTER),
        },
    )
    case.run_id, case.run_public_id = run.pk, run.public_id
    case.save(update_fields=["run_id", "run_public_id"])

    audit.record(
        actor=actor, action="collection.opened", subject=case,
        after={"since": overdue_since.isoformat(), "amount": str(case.amount)},
    )  # fmt: skip
    return case


@service
def settle(*, actor: Actor, account: Account) -> Collection | None:
    """The account has paid: turn the run of its open case round. None when there is no open case."""
    case: Collection | None = Collection.objects.filter(account=account, state=CollectionState.OPEN).first()

    require(actor, "subscribers.collect", account)

    run = workflow.find_run(case.run_id) if case is not None and case.run_id is not None else None
    if case is None or run is None:
        return None
    if run.state == RunState.RUNNING:
        # That a payment settles the case is the room's rule, not a right of whoever took the money.
        runs.reverse(actor=Actor.system(actor.realm_id, actor.label), run=run, reason=_("It was paid."))

    audit.record(actor=actor, action="collection.paid", subject=case)
    return case


@service
def close_with_run(*, actor: Actor, case: Collection, end: str) -> Collection:
    """Close the case as its run closed. After a disconnection nothing is served any more, and the account is closed."""
    case = Collection.objects.select_for_update(of=("self",)).select_related("account").get(pk=case.pk)

    require(actor, "subscribers.collect", case.account)

    if case.state != CollectionState.OPEN:
        return case

    if end == "completed":
        case.give_up()
    else:
        case.settle()
    case.closed_at = clock.now()
    case.save(update_fields=["state", "closed_at"])
    if end == "completed":
        ended = Subscription.objects.filter(
            account=case.account, ended_by=ending_key(case.pk), state=SubscriptionState.TERMINATED
        )
        for subscription in ended:
            events.publish(facts.SubscriptionEnded(subscription_id=subscription.pk))
        living = Subscription.objects.filter(account=case.account).exclude(state=SubscriptionState.TERMINATED)
        if case.account.state != AccountState.CLOSED and not living.exists():
            accounts.close(actor=actor, account=case.account)

    audit.record(actor=actor, action=f"collection.{case.state}", subject=case)
    return case


def ending_key(case_id: int) -> str:
    """Marks the subscriptions and charges that were ended because of a case."""
    return f"subscribers.collection:{case_id}"


def _midnight(day: dt.date, days_later: int) -> str:
    return f"{(day + dt.timedelta(days=days_later)).isoformat()}T00:00:00+00:00"
