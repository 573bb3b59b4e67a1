"""Who answers for an account being active and for its user: the opening of an account (ADR 0080).

The first order that needs the account active opens it and answers for it. When that order is reversed while another
one relies on the account, the opening passes to that one; only the last takes it back. So an undo never takes away
what somebody else's order stands on, and what nobody needs any more never stays.
"""

from __future__ import annotations

from django.db.models import Q

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from boss.tenancy.models import User
from subscribers.choices import ItemAction, OrderState, SubscriptionState
from subscribers.models import Account, Order
from subscribers.services import accounts, portal_users


@service
def ensure(*, actor: Actor, order: Order) -> tuple[User, bool, bool]:
    """Make the order's account active with a user; what is made now, the order answers for.

    Gives the user, whether it was made, and whether the account was activated. Raises
    :class:`boss.tenancy.errors.EmailTaken`.
    """
    account = _locked(order.account)

    require(actor, "subscribers.change_account", account)

    activated = accounts.activate(actor=actor, account=account)
    user, made = portal_users.ensure(actor=actor, account=account)
    answers = {"opened_by": order} if activated else {}
    if made:
        answers["user_made_by"] = order
    if answers:
        _put_down(account, **answers)
    return user, made, activated


@service
def give_up(*, actor: Actor, order: Order) -> bool:
    """The order is undone: hand what it answers for to another order that relies on it, or take it back.

    True when something was taken back. Doing it twice does nothing.
    """
    account = _locked(order.account)

    require(actor, "subscribers.change_account", account)

    opened, made_user = account.opened_by_id == order.pk, account.user_made_by_id == order.pk
    if not opened and not made_user:
        return False

    heir = _heir(account, order)
    if made_user:
        if heir is None and account.user_id is not None:
            portal_users.withdraw(actor=actor, account=account, user_id=account.user_id)
        _put_down(account, user_made_by=heir)
    if opened:
        if heir is None:
            accounts.return_to_pending(actor=actor, account=account)
        _put_down(account, opened_by=heir)

    if heir is not None:
        audit.record(
            actor=actor, action="account.opening_passed_on", subject=account, before={"order": order.number},
            after={"order": heir.number},
        )  # fmt: skip
    return heir is None


def _heir(account: Account, order: Order) -> Order | None:
    """The oldest other order that needs the account: under way, or delivered and still served."""
    served = Q(state=OrderState.COMPLETED) & ~Q(items__subscription__state=SubscriptionState.TERMINATED)
    others = Order.objects.filter(account=account, items__action=ItemAction.ADD).exclude(pk=order.pk)
    heir: Order | None = others.filter(Q(state=OrderState.IN_PROGRESS) | served).order_by("id").first()
    return heir


def _put_down(account: Account, **answers: Order | None) -> None:
    Account.objects.filter(pk=account.pk).update(**answers)
    for name, order in answers.items():
        setattr(account, name, order)


def _locked(account: Account) -> Account:
    row: Account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
    return row
