"""What the handlers of this room are about, and how they find it."""

from __future__ import annotations

from boss.core.schema import Characteristic
from subscribers.models import Subscription
from workflow.contracts import TaskContext

SUBSCRIPTION_ID = Characteristic("subscription_id", "integer", "Subscription", required=True)


def subscription_of(context: TaskContext) -> Subscription:
    """The subscription the task is about; call it inside a transaction of the realm."""
    found: Subscription = Subscription.objects.select_related("account", "site").get(
        pk=context.inputs["subscription_id"]
    )
    return found
