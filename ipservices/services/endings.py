"""What a subscription that has ended for good gives back: its addresses, numbers and port.

Not before: while the run of the end can still be turned round, all of it stays set aside, so that whoever stays after
all gets exactly what he had (ADR 0082).
"""

from __future__ import annotations

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service as transactional
from ipservices.models import AddressAssignment, PhoneNumber
from ipservices.services import addresses, numbers, ports
from subscribers.models import Subscription


@transactional
def give_back(*, actor: Actor, subscription: Subscription) -> None:
    """Free everything set aside for the subscription. Doing it twice does nothing."""
    require(actor, "ipservices.change_service")

    held = AddressAssignment.objects.filter(service__subscription=subscription).order_by("id")
    freed = [str(row) for row in held]
    for row in held:
        addresses.release(actor=actor, assignment=row)
    lines = PhoneNumber.objects.filter(service__subscription=subscription)
    for number in lines.exclude(state__in=numbers.NOBODYS).order_by("number"):
        freed.append(number.number)
        numbers.release(actor=actor, number=number)
    ports.release(actor=actor, subscription=subscription)

    if freed:
        audit.record(actor=actor, action="subscription.resources_freed", subject=subscription, after={"freed": freed})
