"""What the handlers of this room are about, and how they find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.errors import NoBinding
from ipservices.models import Binding, Service
from ipservices.services import bindings, design
from subscribers.models import Subscription
from workflow.contracts import TaskContext, UndoContext

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
        return _limit_keys(selectors.list_services_for_subscription(inputs["subscription_id"], *chosen))

    return limits


def servers_of_account(inputs: Mapping[str, Any]) -> list[str]:
    """The ``limits`` of a handler for everything an account has in use."""
    return _limit_keys(selectors.list_services_in_use(account_id=inputs["account_id"]))


def _limit_keys(services: QuerySet[Service]) -> list[str]:
    rows = services.select_related("binding", "site")
    return sorted({server.limit_key for row in rows if (server := _server_of(row)) is not None})


def _server_of(row: Service) -> Binding | None:
    """The server a service has, or would be given now; where there is none the task itself says so."""
    if row.binding is not None:
        return row.binding
    try:
        return bindings.choose(full_kind=row.full_kind, feature_key=row.feature_key, technology=row.site.technology)
    except NoBinding:
        return None


def catch_up(context: TaskContext, *families: str) -> None:
    """Make what is planned what the subscription wants now: its order may have been amended since it was planned."""
    design.catch_up(
        actor=context.actor, subscription=subscription_of(context), families=families, key=context.idempotency_key
    )


def leave_behind(context: UndoContext) -> None:
    """Take back what :func:`catch_up` planned for the task, and what nobody wants any more."""
    subscription = subscription_of(context)
    design.discard(actor=context.actor, subscription=subscription, key=context.forward_key)
    design.drop_unwanted(actor=context.actor, subscription=subscription)


def differs_in(*families: str) -> Callable[[UndoContext], bool]:
    """For ``TaskHandler.differs``: whether services of these families (of all, when none is named, or of the one the
    task is told) are other than the subscription wants."""

    def differs(context: UndoContext) -> bool:
        told = [context.inputs["family"]] if "family" in context.inputs else list(families)
        behind = design.families_behind(subscription_of(context))
        return bool(behind.intersection(told) if told else behind)

    return differs
