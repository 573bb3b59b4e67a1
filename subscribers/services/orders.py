"""Placing orders, and closing them together with their run.

Lock order of the room: order, account, subscription, charges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock, crypto, events, locks, numbers, permissions
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from catalog import pricing
from catalog import selectors as catalog
from catalog.choices import Process
from catalog.configuration import Chosen, Configuration, configure
from catalog.models import PlanVersion
from catalog.pricing import OptionChoice, Quote
from subscribers import contact as contacts
from subscribers import events as facts
from subscribers import payment as payments
from subscribers.choices import AccountState, ItemAction, OrderState, PaymentMethod, SubscriptionState
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.errors import AccountNotOpen, NothingToDeliver, ToldByMail
from subscribers.models import Account, Order, OrderItem, Subscription
from subscribers.normalise import address_keys
from subscribers.services import accounts, openings
from workflow.services import runs

FIRST_NUMBER = 10001
SUBJECT_KIND = "subscribers.order"


@service
def submit(
    *,
    actor: Actor,
    site: Site | None,
    plan_version: PlanVersion,
    contact: ContactDetails,
    payment: PaymentChoice,
    options: Sequence[OptionChoice] = (),
    chosen: Chosen | None = None,
    account: Account | None = None,
    payer: Account | None = None,
    key: str | None = None,
    channel: str = "",
) -> Order:
    """Take an order: account, subscription, order and its workflow run are written in one transaction, or nothing is.

    Without ``account`` a new one is opened. The same ``key`` (a form's, a client's) gives the first order again,
    also when two arrive at once. ``channel`` says where it came from ("portal", "console", "api"). Charges go to
    ``payer`` when there is one, for instance the owner of a building.
    Raises :class:`InvalidInput` with every wrong field at once, :class:`NothingToDeliver` when the plan has nothing
    to deliver, :class:`ToldByMail` to a visitor whose e-mail address is known already, and whatever the engine
    refuses the run with.
    """
    if key is not None:
        locks.hold(f"subscribers.order:{key}")
        first: Order | None = Order.objects.filter(submission_key=key).first()
        if first is not None:
            return first
    version = catalog.get_version(plan_version.pk)
    if account is not None:
        account = Account.objects.select_for_update().get(pk=account.pk)
    else:
        # Two orders of one newcomer may arrive at once: the second sees the first one's account, or its refusal.
        locks.hold(f"subscribers.newcomer:{contact.email.strip().lower()}")

    require(actor, "subscribers.place_order", account)
    if payer is not None:
        require(actor, "subscribers.change_account", payer)
    if account is not None:
        # Visitors may place orders, but on nobody's account.
        require(actor, "subscribers.view_account", account)

    site, details, configuration = _checked(actor, site, version, options, chosen, contact, payment, account, payer)
    if account is not None and account.state == AccountState.CLOSED:
        raise AccountNotOpen
    definition_key = version.workflows.get(Process.ACTIVATE, "")
    if not configuration.features or not definition_key:
        raise NothingToDeliver(plan=version.plan.key)

    if account is None:
        account = accounts.establish(actor=actor, contact=details, site=site)
    subscription = _subscribe(account, site, version, configuration, chosen)
    order = _write(account, subscription, version, configuration, details, payment, key, channel, payer)
    start_run(actor, order, definition_key, run_inputs(order, subscription, configuration))

    audit.record(
        actor=actor, action="order.submitted", subject=order, after={"plan": version.plan.key, "site": site.label}
    )
    events.publish(facts.OrderSubmitted(order_id=order.pk))
    return order


def quote(*, plan_version: PlanVersion, options: Sequence[OptionChoice] = ()) -> Quote:
    """What an order would cost. Raises :class:`InvalidInput` for options the plan does not have."""
    known = {option.key for option in plan_version.options.all()}
    unknown = {
        f"option.{option.key}": [_("This plan has no such option.")] for option in options if option.key not in known
    }
    if unknown:
        raise InvalidInput(fields=unknown)
    return pricing.quote(plan_version, options)


def run_inputs(order: Order, subscription: Subscription, configuration: Configuration) -> dict[str, Any]:
    """What the workflow of an order may use in its conditions and tasks."""
    return {
        **plain_inputs(order, subscription),
        "families": configuration.driver_families,
        "features": configuration.keys,
        "options": configuration.quantities,
        "port_in": "voice.portin" in configuration.keys,
        "port": next((one.characteristics for one in configuration.features if one.key == "voice.portin"), {}),
    }


def plain_inputs(order: Order, subscription: Subscription) -> dict[str, Any]:
    """What every order tells its run. ``wanted_at`` is the moment it is to take effect."""
    return {
        "order_id": order.pk,
        "account_id": order.account_id,
        "subscription_id": subscription.pk,
        "site_id": subscription.site_id,
        "payment": order.payment_method,
        "reason": order.reason,
        "wanted_at": f"{order.wanted_on.isoformat()}T00:00:00+00:00" if order.wanted_on else None,
    }


def start_run(actor: Actor, order: Order, definition_key: str, inputs: dict[str, Any]) -> None:
    """Begin the order and start its run, in the transaction that writes the order."""
    # Before the run: one that has nothing to wait for closes, and closes the order, while it is being started.
    order.begin()
    order.save(update_fields=["state"])
    run = runs.start(actor=actor, definition_key=definition_key, subject=(SUBJECT_KIND, order.pk), inputs=inputs)
    order.run_id, order.run_public_id = run.pk, run.public_id
    order.save(update_fields=["run_id", "run_public_id"])


@service
def close_with_run(*, actor: Actor, order: Order, end: str) -> Order:
    """Close the order as its run closed: ``completed`` or ``reversed``. Called in the run's closing transaction.

    After a reversal nothing of the order is in service: its subscriptions end, what it answered for at the account
    goes to another order or is taken back, and an account that was opened for it and never served is closed.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)

    require(actor, "subscribers.place_order", order.account)

    if order.is_closed:
        return order

    subscriptions = Subscription.objects.filter(items__order=order, state=SubscriptionState.PENDING)
    for subscription in subscriptions.select_for_update(of=("self",)).order_by("id"):
        if end == "completed":
            subscription.activate()
            subscription.active_from = clock.today()
        else:
            subscription.terminate()
            subscription.ended_on = clock.today()
        subscription.save(update_fields=["state", "active_from", "ended_on"])
    if end == "completed":
        order.complete()
    else:
        order.cancel()
    order.closed_at = clock.now()
    order.save(update_fields=["state", "closed_at"])
    ended = Subscription.objects.filter(
        items__order=order, items__action=ItemAction.DELETE, state=SubscriptionState.TERMINATED
    )
    if end != "completed":
        openings.give_up(actor=actor, order=order)
        _close_unused(actor, order.account, (AccountState.PENDING,))
    elif leaving := list(ended):
        for subscription in leaving:
            events.publish(facts.SubscriptionEnded(subscription_id=subscription.pk))
        _close_unused(actor, order.account, (AccountState.ACTIVE, AccountState.SUSPENDED))

    audit.record(actor=actor, action=f"order.{order.state}", subject=order, before={"state": OrderState.IN_PROGRESS})
    happened: object = facts.OrderCompleted(order.pk) if end == "completed" else facts.OrderReversed(order.pk)
    events.publish(happened)
    return order


def card_token(order: Order) -> str:
    """The payment provider's token the order was placed with; empty when it was not paid by card."""
    if not order.card_token_sealed:
        return ""
    return crypto.open_sealed(order.card_token_sealed, bound_to=token_place(order))


def _checked(
    actor: Actor,
    site: Site | None,
    version: PlanVersion,
    options: Sequence[OptionChoice],
    chosen: Chosen | None,
    contact: ContactDetails,
    payment: PaymentChoice,
    account: Account | None,
    payer: Account | None,
) -> tuple[Site, ContactDetails, Configuration]:
    """Everything an order needs, checked together so that all faults are shown at once."""
    faults: dict[str, list[str]] = {}
    if site is None:
        faults["site"] = [_("Choose the address to be served.")]
    elif not site.serviceable or not catalog.is_sold_at(version, site):
        faults["site"] = [_("%(plan)s cannot be delivered at this address.") % {"plan": version.plan.title}]
    if not catalog.is_on_sale(version):
        faults["plan"] = [_("This plan is not on sale any more. Please choose another.")]
    faults.update(contacts.faults(contact))
    faults.update(payments.faults(actor.realm_id, payment, has_payer=payer is not None))
    taken = _email_taken(contact.email) if account is None and "email" not in faults else {}
    if taken and actor.kind != "visitor":
        faults.update(taken)
    configuration = Configuration((), {})
    try:
        by_customer = not permissions.acts_for_realm(actor, "subscribers.place_order")
        configuration = configure(version, options, chosen, by_customer=by_customer)
    except InvalidInput as error:
        faults.update(error.fields)
    if faults or site is None:
        raise InvalidInput(fields=faults)
    if taken:  # not told to a stranger; last, so that only a whole order gets this far
        raise ToldByMail
    return site, contacts.tidied(contact), configuration


def _email_taken(email: str) -> dict[str, list[str]]:
    """One e-mail signs in once in a realm: told now, not by a run that cannot make the user."""
    if tenancy.find_user_by_email(email) is not None:
        return {"email": [_("Somebody already signs in with this e-mail address. Please sign in to order.")]}
    waiting = Account.objects.filter(email_key=email.strip().lower(), state=AccountState.PENDING)
    if waiting.filter(orders__state=OrderState.IN_PROGRESS).exists():
        return {"email": [_("An order for this e-mail address is under way already.")]}
    return {}


def _subscribe(
    account: Account, site: Site, version: PlanVersion, configuration: Configuration, chosen: Chosen | None
) -> Subscription:
    address_key, street_key = address_keys(site.street, site.unit)
    subscription: Subscription = Subscription.objects.create(
        account=account,
        site=site,
        plan_version=version,
        options=configuration.quantities,
        chosen=plain(chosen),
        features=[feature.to_json() for feature in configuration.features],
        address_key=address_key,
        street_key=street_key,
    )
    return subscription


def _write(
    account: Account,
    subscription: Subscription,
    version: PlanVersion,
    configuration: Configuration,
    contact: ContactDetails,
    payment: PaymentChoice,
    key: str | None,
    channel: str,
    payer: Account | None,
) -> Order:
    order: Order = Order.objects.create(
        number=f"O-{numbers.draw('order', first=FIRST_NUMBER)}",
        account=account,
        site=subscription.site,
        payment_method=payment.method,
        contact_name=contact.full_name,
        contact_email=contact.email,
        contact_phone=contact.phone,
        submission_key=key,
        channel=channel,
        payer=payer,
    )
    if payment.method == PaymentMethod.CARD:
        order.card_token_sealed = crypto.seal(payment.token, bound_to=token_place(order))
        order.save(update_fields=["card_token_sealed"])
    choices = [OptionChoice(option, quantity) for option, quantity in configuration.quantities.items()]
    price = pricing.quote(version, choices)
    OrderItem.objects.create(
        order=order,
        action=ItemAction.ADD,
        plan_version=version,
        subscription=subscription,
        options=configuration.quantities,
        chosen=subscription.chosen,
        monthly=price.monthly,
        once=price.once,
        currency=version.currency,
    )
    return order


def _close_unused(actor: Actor, account: Account, states: Sequence[str]) -> None:
    """Close an account in one of ``states`` on which nothing hangs any more."""
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)
    others = Subscription.objects.filter(account=account).exclude(state=SubscriptionState.TERMINATED)
    if account.state in states and not others.exists():
        accounts.close(actor=actor, account=account)


def token_place(order: Order) -> str:
    """What an order's sealed card token is bound to."""
    return f"subscribers.order:{order.realm_id}:{order.pk}:card_token"


def plain(chosen: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """What was chosen, in values JSON can hold."""
    return {
        feature: {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}
        for feature, values in (chosen or {}).items()
        if values
    }
