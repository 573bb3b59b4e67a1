"""What is sold against what stands in the inventory: services nobody pays for, and paid ones that are not planned."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ipservices import sentences
from ipservices.choices import FindingKind, ServiceState
from ipservices.contracts import Difference
from ipservices.errors import NoBinding, NotDesigned
from ipservices.models import Binding, Service
from ipservices.services import bindings, design
from ipservices.services.design import Wanted
from ipservices.services.noting import Seen
from ipservices.services.set_aside import SetAside
from subscribers.choices import OrderState, SubscriptionState
from subscribers.models import OrderItem, Subscription

_SERVED = (SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED)


def of_services(rows: Sequence[Service]) -> dict[int, Seen]:
    """For services in use: what is not sold any more, or not as it is. Where an order is under way nothing is said."""
    ids = {row.subscription_id for row in rows}
    changing = under_way(ids)
    found = Subscription.objects.select_related("account", "site").filter(pk__in=ids - changing)
    subscriptions = {subscription.pk: subscription for subscription in found}
    wants = design.wanted_by_all([each for each in subscriptions.values() if each.state in _SERVED])
    said: dict[int, Seen] = {}
    aside = SetAside(wants)
    for row in rows:
        subscription = subscriptions.get(row.subscription_id)
        if subscription is None:
            continue
        if subscription.state == SubscriptionState.PENDING:
            continue
        seen = _of_service(row, wants.get(subscription.pk, Wanted({})), aside, ended=subscription.state not in _SERVED)
        if seen is not None:
            said[row.pk] = seen
    return said


def _of_service(row: Service, wants: Wanted, aside: SetAside, *, ended: bool) -> Seen | None:
    server = row.binding.name if row.binding else ""
    thing = sentences.named(row.full_kind, row.name)
    if wants.of(row) is None:
        why = "has ended" if ended else "does not ask for it any more"
        return Seen.of_service(
            FindingKind.UNSOLD, row, server, reason=f"The {thing} is in service, and its subscription {why}."
        )
    try:
        sold = design.as_sold(row, wants, aside)
    except NotDesigned as error:
        return Seen.of_service(FindingKind.OUTDATED, row, server, reason=str(error))
    differences = tuple(
        Difference(key, sold.get(key), row.desired.get(key))
        for key in sorted({*sold, *row.desired})
        if sold.get(key) != row.desired.get(key)
    )
    if not differences:
        return None
    words = ", ".join(one.field.replace("_", " ") for one in differences)
    return Seen.of_service(
        FindingKind.OUTDATED, row, server, reason=f"The {thing} is not as sold: {words}.", differences=differences
    )


def unplanned(binding: Binding, subscriptions: Sequence[Subscription]) -> list[Seen]:
    """What these subscriptions ask for, no service stands for, and ``binding`` would be chosen to provide."""
    ids = [subscription.pk for subscription in subscriptions]
    changing = under_way(ids)
    living: dict[int, set[tuple[str, str, int]]] = {}
    rows = Service.objects.filter(subscription__in=ids).exclude(state=ServiceState.TERMINATED)
    for row in rows.values_list("subscription_id", "feature_key", "kind", "ordinal"):
        living.setdefault(row[0], set()).add((row[1], row[2], row[3]))
    chosen: dict[tuple[str, str, str], int | None] = {}
    seen: list[Seen] = []
    wants = design.wanted_by_all([each for each in subscriptions if each.pk not in changing])
    for subscription in subscriptions:
        if subscription.pk not in wants:
            continue
        for key, planned in wants[subscription.pk].planned.items():
            if planned.family != binding.family or key in living.get(subscription.pk, set()):
                continue
            where = (planned.full_kind, key[0], subscription.site.technology)
            if where not in chosen:
                chosen[where] = _chosen(*where)
            if chosen[where] != binding.pk:
                continue
            seen.append(
                Seen(
                    kind=FindingKind.UNPLANNED,
                    place=f"{subscription.public_id}:{key[0]}:{key[1]}:{key[2]}",
                    full_kind=planned.full_kind,
                    name=planned.name,
                    reason=f"{planned.title} is sold to {subscription.account.number}, and no service stands for it.",
                    subscription_id=subscription.pk,
                )
            )
    return seen


def under_way(subscription_ids: Collection[int]) -> set[int]:
    """Of these subscriptions, those that an order is changing now."""
    rows = OrderItem.objects.filter(
        subscription__in=list(subscription_ids), order__state__in=(OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS)
    )
    return set(rows.values_list("subscription_id", flat=True))


def _chosen(full_kind: str, feature_key: str, technology: str) -> int | None:
    try:
        return bindings.choose(full_kind=full_kind, feature_key=feature_key, technology=technology).pk
    except NoBinding:
        return None
