"""What happens to services later: restricting, opening again, taking away. Undone like every other server work."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.choices import RestrictionLevel, ServiceState
from ipservices.handlers.inputs import SUBSCRIPTION_ID, servers_of, subscription_of
from ipservices.handlers.servers import SERVICES_SET_UP, follow_router, put_back
from ipservices.models import Service
from ipservices.services import design, establishing
from workflow.contracts import Done, Outcome, Retry, TaskContext, TaskHandler

_LEVELS = tuple((key, str(label)) for key, label in RestrictionLevel.choices)
RESTRICTION = Characteristic("restriction", "choice", "How much is shut", default="walled", choices=_LEVELS)


def restrict_services(context: TaskContext) -> Outcome:
    """Bring every service in use to a level: open (``none``) or shut to some degree. Sessions still open are cut."""
    return restrict(context, _in_use(context), context.inputs["restriction"], str(context.inputs.get("reason") or ""))


def restrict(context: TaskContext, services: list[Service], level: str, reason: str) -> Outcome:
    """Bring ``services`` to a level, one after the other, keeping what was before each."""
    names: list[str] = []
    for service in services:
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        # Before the row changes, so that what is kept for undo is the row as it was.
        establishing.keep_former(actor=context.actor, service_id=service.pk, key=context.idempotency_key)
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            _set_level(service.pk, level, reason)
        establishing.bring_up(
            actor=context.actor, service_id=service.pk, key=context.idempotency_key, attempt=context.attempt
        )
        names.append(str(service))
    return Done({"services": len(names), "names": ", ".join(names)}, note=_("%(n)s services.") % {"n": len(names)})


def _set_level(service_id: int, level: str, reason: str) -> None:
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=service_id)
    if row.restriction == level:
        return
    if level == RestrictionLevel.NONE:
        row.resume()
    elif row.state == ServiceState.ACTIVE:
        row.suspend()
    row.restriction, row.restriction_reason = level, reason[:120]
    row.revision += 1
    row.save()


def remove_services(context: TaskContext) -> Outcome:
    """Take the services of the subscription off their servers, all or those of some families."""
    wanted = [family for family in str(context.inputs.get("families") or "").replace(",", " ").split() if family]
    return take_away(context, [row for row in _in_use(context) if not wanted or row.family in wanted])


def take_away(context: TaskContext, services: list[Service]) -> Outcome:
    """Take ``services`` off their servers, one after the other, keeping what was before each."""
    names: list[str] = []
    for service in services:
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        establishing.take_down(
            actor=context.actor, service_id=service.pk, key=context.idempotency_key, attempt=context.attempt
        )
        names.append(str(service))
    return Done({"services": len(names), "names": ", ".join(names)}, note=_("%(n)s removed.") % {"n": len(names)})


def change_services(context: TaskContext) -> Outcome:
    """Bring the services to what the subscription says now: changed ones, then new ones, then away with the others.

    Names, addresses and what the owner set himself stay. Undo restores the former profile exactly.
    """
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        subscription = subscription_of(context)
        wanted = design.wanted(subscription)
        rows = list(selectors.list_services_for_subscription(subscription.pk))
    staying = [row for row in rows if wanted.keeps(row)]
    changed: list[str] = []
    for row in staying:
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        in_use = row.state in (ServiceState.ACTIVE, ServiceState.SUSPENDED)
        if in_use and not row.is_behind and not design.differs(row, wanted):
            continue  # an attempt that failed at the server has changed the row, and leaves it behind
        if in_use:
            # Before the row changes, so that what is kept for undo is the row as it was.
            establishing.keep_former(actor=context.actor, service_id=row.pk, key=context.idempotency_key)
            with scoping.realm_transaction(context.realm_id, context.actor.label):
                design.adapt(actor=context.actor, service=row, wanted=wanted)
        establishing.bring_up(
            actor=context.actor, service_id=row.pk, key=context.idempotency_key, attempt=context.attempt
        )
        changed.append(str(row))
    dropped = [row for row in rows if row not in staying and row.state in (ServiceState.ACTIVE, ServiceState.SUSPENDED)]
    outcome = take_away(context, dropped)
    if not isinstance(outcome, Done):
        return outcome
    # A static address that came or went makes another one the router's.
    if (moved := follow_router(context)) is not None:
        return moved
    return Done(
        {"services": len(changed), "names": ", ".join(changed)},
        note=_("%(changed)s changed, %(gone)s taken away.") % {"changed": len(changed), "gone": len(dropped)},
    )


def _in_use(context: TaskContext) -> list[Service]:
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        return list(selectors.list_services_in_use(subscription_id=context.inputs["subscription_id"]))


HANDLERS = (
    TaskHandler(
        key="ipservices.restrict_services",
        title=gettext_lazy("Restrict or open the services"),
        run=restrict_services,
        limits=servers_of(),
        undo=put_back,
        inputs=(SUBSCRIPTION_ID, RESTRICTION, Characteristic("reason", "text", "Reason", max_length=120)),
        outputs=SERVICES_SET_UP,
    ),
    TaskHandler(
        key="ipservices.remove_services",
        title=gettext_lazy("Remove the services"),
        run=remove_services,
        limits=servers_of(),
        undo=put_back,
        inputs=(SUBSCRIPTION_ID, Characteristic("families", "text", "Only these families", max_length=200)),
        outputs=SERVICES_SET_UP,
    ),
    TaskHandler(
        key="ipservices.change_services",
        title=gettext_lazy("Change the services to the new plan"),
        run=change_services,
        limits=servers_of(),
        undo=put_back,
        inputs=(SUBSCRIPTION_ID,),
        outputs=SERVICES_SET_UP,
        time_limit_seconds=180,
    ),
)
