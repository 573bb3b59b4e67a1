"""An order changed while its run is under way: only what differs is undone and done again."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from boss.core import audit, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.rehearsal import rehearsed
from boss.core.services import service
from catalog import pricing
from catalog import selectors as catalog
from catalog.configuration import Chosen, configure
from catalog.pricing import OptionChoice
from subscribers import events as facts
from subscribers.choices import ItemAction
from subscribers.errors import NotUnderWay
from subscribers.models import Order, OrderItem, Subscription
from subscribers.services import orders
from subscribers.terms import Change, of_item
from workflow import selectors as workflow
from workflow.services import runs


@service
def amend(
    *, actor: Actor, order: Order, options: Sequence[OptionChoice], chosen: Chosen | None = None, reason: str = ""
) -> Order:
    """Change the options of a new subscription's order, and what was chosen with them, while it is under way.

    ``options`` are all of them. The price is that of the plan version ordered. Raises :class:`InvalidInput` with every
    wrong field, :class:`NotUnderWay` when the order is closed or is about something that was there before, and what the
    engine refuses: :class:`workflow.errors.PastNoReturn` when, for instance, the customer was welcomed already,
    :class:`workflow.errors.AlreadyGoingBack` while an earlier amendment is being carried out.
    """
    amended, _change = _carry_out(actor, order, options, chosen, reason)
    return amended


def preview(*, actor: Actor, order: Order, options: Sequence[OptionChoice], chosen: Chosen | None = None) -> Change:
    """What amending would change, and what would be done again for it. Nothing is written. Raises as :func:`amend`."""
    with rehearsed():
        _order, change = _carry_out(actor, order, options, chosen, "")
    return change


def _carry_out(
    actor: Actor, order: Order, options: Sequence[OptionChoice], chosen: Chosen | None, reason: str
) -> tuple[Order, Change]:
    order = Order.objects.select_for_update(of=("self",)).select_related("account").get(pk=order.pk)

    require(actor, "subscribers.place_order", order.account)
    require(actor, "subscribers.view_account", order.account)

    items = OrderItem.objects.select_for_update(of=("self",)).select_related("plan_version__plan")
    item = items.filter(order=order, action=ItemAction.ADD).first()
    run = workflow.find_run(order.run_id) if order.run_id is not None else None
    if order.is_closed or item is None or run is None:
        raise NotUnderWay(order=order.number)
    version = catalog.get_version(item.plan_version_id)
    configured = configure(version, options, chosen)

    subscription = Subscription.objects.select_for_update(of=("self",)).get(pk=item.subscription_id)
    before = of_item(item, subscription.features)
    subscription.options = item.options = configured.quantities
    subscription.chosen = item.chosen = orders.plain(chosen)
    subscription.features = [feature.to_json() for feature in configured.features]
    subscription.save(update_fields=["options", "chosen", "features"])
    price = pricing.quote(version, [OptionChoice(name, count) for name, count in configured.quantities.items()])
    item.monthly, item.once = price.monthly, price.once
    item.save(update_fields=["options", "chosen", "monthly", "once"])
    # The right to place orders was asked for; what becomes of the run follows from it.
    redone = runs.amend(
        actor=Actor.system(actor.realm_id, actor.label), run=run,
        inputs={**run.inputs, **orders.run_inputs(order, subscription, configured)},
        reason=reason or _("The order was changed."),
    )  # fmt: skip

    audit.record(
        actor=actor, action="order.amended", subject=order,
        before={"options": before.options, "chosen": before.chosen},
        after={"options": item.options, "chosen": item.chosen, "reason": reason, "done_again": list(redone)},
    )  # fmt: skip
    events.publish(facts.OrderAmended(order_id=order.pk))
    return order, Change(before, of_item(item, subscription.features), redone)
