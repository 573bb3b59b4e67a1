"""What the handlers of this room are about, and how they find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.errors import NoBinding
from ipservices.models import Binding, Service
from ipservices.services import bindings
from subscribers.models import Subscription
from workflow.contracts import TaskContext

SUBSCRIPTION_ID = Characteristic("subscription_id", "integer", "Subscription", required=True)


def subscription_of(context: TaskContext) -> Subscription:
    """The subscription the task is about; call it inside a transaction of the realm."""
    found: Subscription = Subscription.objects.select_related("account", "site").get(
        pk=context.inputs["subscription_id"]
    )
    return found


def servers_of(*families: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """What a handler for these families (none: that of its input, else all) names as ``limits``: its servers' keys."""

    def limits(inputs: Mapping[str, Any]) -> list[str]:
        chosen = families or ((inputs["family"],) if "family" in inputs else ())
        rows = selectors.list_services_for_subscription(inputs["subscription_id"], *chosen).select_related(
            "binding", "site"
        )
        return sorted({server.limit_key for row in rows if (server := _server_of(row)) is not None})

    return limits


def _server_of(row: Service) -> Binding | None:
    """The server a service has, or would be given now; where there is none the task itself says so."""
    if row.binding is not None:
        return row.binding
    try:
        return bindings.choose(full_kind=row.full_kind, feature_key=row.feature_key, technology=row.site.technology)
    except NoBinding:
        return None
