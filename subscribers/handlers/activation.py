"""From a pending account to a welcomed customer: users, charges, the welcome mail."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from boss.notify.services import messages
from boss.tenancy.services import invitations
from subscribers.choices import ChargeKind
from subscribers.handlers.loading import ORDER_ID, order_of
from subscribers.models import OrderItem
from subscribers.services import charges, openings
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler, UndoContext


def create_account_users(context: TaskContext) -> Outcome:
    """Activate the account and make the person who signs in for it."""
    order = order_of(context)
    user, made, activated = openings.ensure(actor=context.actor, order=order)
    return Done(
        {"user_id": user.pk, "user_made": made, "activated": activated},
        note=_("Account %(number)s is active; %(email)s can sign in.")
        % {"number": order.account.number, "email": user.email},
    )


def undo_account_users(context: UndoContext) -> Outcome:
    """Give up what this order answers for: another order that relies on it takes it over, else it is taken back."""
    if not context.finished:
        return Done(note=_("Nothing had been made."))
    order = order_of(context)
    if openings.give_up(actor=context.actor, order=order):
        return Done(note=_("Account %(number)s is as it was before.") % {"number": order.account.number})
    return Done(
        note=_("Account %(number)s is needed by another order, or was open before.") % {"number": order.account.number}
    )


def start_charges(context: TaskContext) -> Outcome:
    """Start what the customer pays."""
    order = order_of(context)
    started = charges.start(actor=context.actor, order=order)
    monthly = sum(charge.total for charge in started if charge.kind == ChargeKind.RECURRING)
    once = sum(charge.total for charge in started if charge.kind == ChargeKind.ONE_TIME)
    return Done(
        {"monthly": str(monthly), "once": str(once), "charges": len(started)},
        note=_("Charges started: %(monthly)s a month, %(once)s once.") % {"monthly": monthly, "once": once},
    )


def charges_differ(context: UndoContext) -> bool:
    """Whether the order costs something else by now."""
    order = order_of(context)
    items = OrderItem.objects.filter(order=order)
    ordered = {"monthly": sum(item.monthly for item in items), "once": sum(item.once for item in items)}
    return any(Decimal(str(context.outputs.get(name) or 0)) != total for name, total in ordered.items())


def reverse_charges(context: UndoContext) -> Outcome:
    """Take the charges back."""
    total = charges.reverse(actor=context.actor, order=order_of(context))
    return Done(note=_("Charges of %(total)s taken back.") % {"total": total})


def send_welcome(context: TaskContext) -> Outcome:
    """Send the welcome mail with the invitation to set a password. After this there is no way back, only forward."""
    order = order_of(context)
    account = order.account
    if account.user is None:
        return Fail(_("The account has nobody to welcome yet."))
    items = OrderItem.objects.filter(order=order).select_related("plan_version__plan").order_by("id")
    messages.send(
        actor=context.actor,
        template="welcome",
        to=[(account.user.email, account.user.full_name)],
        context={
            "name": account.user.full_name,
            "account_number": account.number,
            "order_number": order.number,
            "plans": [item.plan_version.title for item in items],
            "site": order.site.label,
            "link": invitations.link(account.user),
        },
        key=context.idempotency_key,
    )
    return Done({"sent_to": account.user.email}, note=_("Welcome mail to %(email)s.") % {"email": account.user.email})


HANDLERS = (
    TaskHandler(
        key="subscribers.create_account_users",
        title=gettext_lazy("Create account and users"),
        run=create_account_users,
        undo=undo_account_users,
        inputs=(ORDER_ID,),
        outputs=(
            Characteristic("user_id", "integer", "User"),
            Characteristic("user_made", "boolean", "The user was made by this task"),
            Characteristic("activated", "boolean", "The account was activated by this task"),
        ),
        local=True,
    ),
    TaskHandler(
        key="subscribers.start_charges",
        title=gettext_lazy("Start charges"),
        run=start_charges,
        undo=reverse_charges,
        differs=charges_differ,
        inputs=(ORDER_ID,),
        outputs=(
            Characteristic("monthly", "text", "A month"),
            Characteristic("once", "text", "Once"),
            Characteristic("charges", "integer", "Number of charges"),
        ),
        local=True,
    ),
    TaskHandler(
        key="subscribers.send_welcome",
        title=gettext_lazy("Send the welcome mail"),
        run=send_welcome,
        nothing_to_undo=True,
        inputs=(ORDER_ID,),
        outputs=(Characteristic("sent_to", "email", "Sent to"),),
        local=True,
    ),
)
