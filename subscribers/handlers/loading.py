"""How a handler finds its order: the definition may hand it over, else it is what the run is about."""

from __future__ import annotations

from boss.core.schema import Characteristic
from subscribers.errors import UnknownOrder
from subscribers.models import Order
from workflow.contracts import TaskContext

ORDER_ID = Characteristic("order_id", "integer", "Order", help="Blank: the order the run is about.")


def order_of(context: TaskContext) -> Order:
    """The order of the task, with account and site. Raises :class:`UnknownOrder`."""
    order_id = context.inputs.get("order_id")
    if order_id is None and context.subject is not None and context.subject[0] == "subscribers.order":
        order_id = context.subject[1]
    order: Order | None = Order.objects.select_related("account", "site").filter(pk=order_id).first()
    if order is None:
        raise UnknownOrder(order=order_id)
    return order
