"""What becomes of a subscription that is there: another plan, limited service, the end. Each with its way back.

Lock order of the room: order, account, subscription, charges.
"""

from __future__ import annotations

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from subscribers.choices import AccountState, ItemAction, SubscriptionState
from subscribers.errors import SubscriptionNotActive
from subscribers.models import Account, Order, OrderItem, Subscription

_SERVED = (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED)


@service
def switch_plan(*, actor: Actor, order: Order) -> Subscription:
    """Give the subscription the plan the order asks for; what it was before is kept with the order's item.

    Doing it twice does nothing. Raises :class:`SubscriptionNotActive`.
    """
    item = _changed_item(order)
    subscription = _locked(item.subscription)

    require(actor, "subscribers.change_account", order.account)

    if item.former:
        return subscription
    if subscription.state != SubscriptionState.ACTIVE:
        raise SubscriptionNotActive(state=subscription.state)

    item.former = {
        "plan_version": subscription.plan_version_id,
        "options": subscription.options,
        "chosen": subscription.chosen,
        "features": subscription.features,
    }
    item.save(update_fields=["former"])
    before = str(subscription.plan_version)
    subscription.plan_version = item.plan_version
    subscription.options, subscription.chosen, subscription.features = item.options, item.chosen, item.features
    subscription.save(update_fields=["plan_version", "options", "chosen", "features"])

    audit.record(
        actor=actor, action="subscription.plan_changed", subject=subscription, before={"plan": before},
        after={"plan": str(item.plan_version)},
    )  # fmt: skip
    return subscription


@service
def switch_back(*, actor: Actor, order: Order) -> Subscription:
    """Undo of :func:`switch_plan`: plan, options and features exactly as they were."""
    item = _changed_item(order)
    subscription = _locked(item.subscription)

    require(actor, "subscribers.change_account", order.account)

    former = item.former
    if not former:
        return subscription

    subscription.plan_version_id = former["plan_version"]
    subscription.options, subscription.chosen = former["options"], former["chosen"]
    subscription.features = former["features"]
    subscription.save(update_fields=["plan_version", "options", "chosen", "features"])
    item.former = {}
    item.save(update_fields=["former"])

    audit.record(actor=actor, action="subscription.plan_change_undone", subject=subscription)
    return subscription


@service
def suspend_all(*, actor: Actor, account: Account) -> bool:
    """Account and subscriptions are served in a limited way from now on. False when they are so already."""
    account = _locked_account(account)

    require(actor, "subscribers.change_account", account)

    if account.state != AccountState.ACTIVE:
        return False

    account.suspend()
    account.save(update_fields=["state"])
    for subscription in _subscriptions(account, SubscriptionState.ACTIVE):
        subscription.suspend()
        subscription.save(update_fields=["state"])

    audit.record(actor=actor, action="account.suspended", subject=account, after={"state": account.state})
    return True


@service
def resume_all(*, actor: Actor, account: Account) -> bool:
    """Undo of :func:`suspend_all`. False when the account is not suspended."""
    account = _locked_account(account)

    require(actor, "subscribers.change_account", account)

    if account.state != AccountState.SUSPENDED:
        return False

    account.resume()
    account.save(update_fields=["state"])
    for subscription in _subscriptions(account, SubscriptionState.SUSPENDED):
        subscription.resume()
        subscription.save(update_fields=["state"])

    audit.record(actor=actor, action="account.resumed", subject=account, after={"state": account.state})
    return True


@service
def end(*, actor: Actor, subscription: Subscription, key: str) -> bool:
    """End a subscription that is served, today. ``key`` says which task ended it. False when it has ended already."""
    subscription = _locked(subscription)

    require(actor, "subscribers.change_account", subscription.account)

    if subscription.state not in _SERVED:
        return False

    before = subscription.state
    subscription.terminate()
    subscription.ended_on, subscription.ended_by = clock.today(), key
    subscription.save(update_fields=["state", "ended_on", "ended_by"])

    audit.record(actor=actor, action="subscription.ended", subject=subscription, before={"state": before})
    return True


@service
def take_up_again(*, actor: Actor, key: str) -> int:
    """Undo of :func:`end`: what was ended under ``key`` goes on, limited where its account is suspended. How many."""
    rows = Subscription.objects.select_for_update(of=("self",)).select_related("account")
    ended = list(rows.filter(ended_by=key, state=SubscriptionState.TERMINATED).order_by("id"))

    for subscription in ended:
        require(actor, "subscribers.change_account", subscription.account)

        subscription.take_up_again()
        if subscription.account.state == AccountState.SUSPENDED:
            subscription.suspend()
        subscription.ended_on, subscription.ended_by = None, ""
        subscription.save(update_fields=["state", "ended_on", "ended_by"])

        audit.record(actor=actor, action="subscription.end_undone", subject=subscription)
    return len(ended)


def _changed_item(order: Order) -> OrderItem:
    # The order's row serialises two workers at the same order.
    Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
    item: OrderItem = (
        OrderItem.objects.select_related("plan_version__plan", "subscription")
        .filter(order=order, action=ItemAction.MODIFY)
        .order_by("id")[0]
    )
    return item


def _subscriptions(account: Account, state: str) -> list[Subscription]:
    rows = Subscription.objects.select_for_update(of=("self",)).filter(account=account, state=state)
    return list(rows.order_by("id"))


def _locked(subscription: Subscription) -> Subscription:
    rows = Subscription.objects.select_for_update(of=("self",)).select_related("account", "plan_version__plan")
    row: Subscription = rows.get(pk=subscription.pk)
    return row


def _locked_account(account: Account) -> Account:
    row: Account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
    return row
