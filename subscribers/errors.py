"""Refusals of the subscribers' room."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from boss.core.problems import NotFound, Problem, WrongState


class NothingToDeliver(Problem):
    """The plan contains nothing to deliver, or names no workflow that would deliver it."""

    code = "subscribers.nothing_to_deliver"
    title = _("This plan cannot be delivered at the moment, so the order was not taken.")


class UnknownOrder(NotFound):
    code = "subscribers.unknown_order"
    title = _("There is no such order.")


class UnknownAccount(NotFound):
    code = "subscribers.unknown_account"
    title = _("There is no such account.")


class AccountNotOpen(WrongState):
    code = "subscribers.account_not_open"
    title = _("This account is closed.")


class AccountInUse(WrongState):
    code = "subscribers.account_in_use"
    title = _("The account still has subscriptions.")


class SubscriptionNotActive(WrongState):
    code = "subscribers.subscription_not_active"
    title = _("This subscription is not in service.")


class OrderUnderWay(WrongState):
    code = "subscribers.order_under_way"
    title = _("Another order for this subscription is under way. Let it end first.")


class UnitOccupied(WrongState):
    code = "subscribers.unit_occupied"
    title = _("Somebody else is still served in this unit.")


class NotUnderWay(WrongState):
    code = "subscribers.not_under_way"
    title = _("This order is closed: what it did stays so.")


class PaymentDeclined(Problem):
    """The card's bank said no. Asking again gives the same answer."""

    code = "subscribers.payment_declined"
    title = _("The card was declined.")


class CreditRefused(Problem):
    code = "subscribers.credit_refused"
    title = _("The credit check said no.")


class PortUnreachable(Problem):
    """The payment or credit service did not answer. What it did is unknown: ask again with the same key."""

    code = "subscribers.port_unreachable"
    status = 503
    title = _("The service did not answer.")
    retryable = True


class ToldByMail(Problem):
    """A stranger orders with an address that somebody signs in with or orders with already.

    Whose address it is, is told to its reader alone (``known_customers.tell``), never to whoever typed it.
    """

    code = "subscribers.told_by_mail"
    status = 409
    title = _("Please order on the sign-up page, or sign in first: how it goes on is told by mail.")
