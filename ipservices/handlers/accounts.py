"""An account that does not pay: its services are walled in, later taken away. A payment brings all of it back."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.choices import RestrictionLevel
from ipservices.handlers.changing import RESTRICTION, restrict, take_away
from ipservices.handlers.inputs import servers_of_account
from ipservices.handlers.servers import SERVICES_SET_UP, put_back
from ipservices.models import Service
from subscribers.models import Account, Subscription
from subscribers.services import charges, collecting, subscriptions
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler, UndoContext

ACCOUNT_ID = Characteristic("account_id", "integer", "Account", required=True)


def limit_account(context: TaskContext) -> Outcome:
    """Shut every service of the account to a level, and mark account and subscriptions as suspended."""
    level = context.inputs.get("restriction") or RestrictionLevel.WALLED
    outcome = restrict(context, _in_use(context), level, str(context.inputs.get("reason") or _("Not paid")))
    if isinstance(outcome, Done):
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            subscriptions.suspend_all(actor=context.actor, account=_account(context))
    return outcome


def lift_limits(context: UndoContext) -> Outcome:
    """Open the services as they were, then the account."""
    outcome = put_back(context)
    if isinstance(outcome, Done):
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            subscriptions.resume_all(actor=context.actor, account=_account(context))
    return outcome


def disconnect_account(context: TaskContext) -> Outcome:
    """Take every service of the account off its server; end its subscriptions and what they cost.

    What the services held (addresses, numbers, ports) stays set aside until the run is over: until then a payment
    brings everything back as it was.
    """
    outcome = take_away(context, _in_use(context))
    if not isinstance(outcome, Done):
        return outcome
    key = collecting.ending_key(context.inputs["collection_id"])
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        for subscription in _subscriptions(context):
            charges.end(actor=context.actor, subscription=subscription, key=key)
            subscriptions.end(actor=context.actor, subscription=subscription, key=key)
    return outcome


def connect_again(context: UndoContext) -> Outcome:
    """Subscriptions and charges go on, the servers hold what they held."""
    key = collecting.ending_key(context.inputs["collection_id"])
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        subscriptions.take_up_again(actor=context.actor, key=key)
        charges.run_again(actor=context.actor, key=key)
    return put_back(context)


def _account(context: TaskContext) -> Account:
    account: Account = Account.objects.get(pk=context.inputs["account_id"])
    return account


def _subscriptions(context: TaskContext) -> list[Subscription]:
    rows = Subscription.objects.select_related("account").filter(account_id=context.inputs["account_id"])
    return list(rows.order_by("id"))


def _in_use(context: TaskContext) -> list[Service]:
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        return list(selectors.list_services_in_use(account_id=context.inputs["account_id"]))


HANDLERS = (
    TaskHandler(
        key="ipservices.limit_account",
        title=gettext_lazy("Limit every service of an account"),
        run=limit_account,
        limits=servers_of_account,
        undo=lift_limits,
        inputs=(ACCOUNT_ID, RESTRICTION, Characteristic("reason", "text", "Reason", max_length=120)),
        outputs=SERVICES_SET_UP,
        time_limit_seconds=300,
    ),
    TaskHandler(
        key="ipservices.disconnect_account",
        title=gettext_lazy("Disconnect an account"),
        run=disconnect_account,
        limits=servers_of_account,
        undo=connect_again,
        inputs=(
            ACCOUNT_ID,
            Characteristic("collection_id", "integer", "Collection case", required=True),
        ),
        outputs=SERVICES_SET_UP,
        time_limit_seconds=300,
    ),
)
