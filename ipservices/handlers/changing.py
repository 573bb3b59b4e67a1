"""What happens to services later: restricting, opening again, taking away. Undone like every other server work."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.core.schema import Characteristic
from ipservices import selectors
from ipservices.choices import RestrictionLevel, ServiceState
from ipservices.handlers.inputs import SUBSCRIPTION_ID, servers_of
from ipservices.handlers.servers import SERVICES_SET_UP, put_back
from ipservices.models import Service
from ipservices.services import establishing
from workflow.contracts import Done, Outcome, Retry, TaskContext, TaskHandler

_LEVELS = tuple((key, str(label)) for key, label in RestrictionLevel.choices)
RESTRICTION = Characteristic("restriction", "choice", "How much is shut", default="walled", choices=_LEVELS)


def restrict_services(context: TaskContext) -> Outcome:
    """Bring every service in use to a level: open (``none``) or shut to some degree. Sessions still open are cut."""
    level, reason = context.inputs["restriction"], str(context.inputs.get("reason") or "")
    names: list[str] = []
    for service in _in_use(context):
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
    """Take every service of the subscription off its server."""
    names: list[str] = []
    for service in _in_use(context):
        if not context.heartbeat():
            return Retry(error=_("Another worker has taken this task over."))
        establishing.take_down(
            actor=context.actor, service_id=service.pk, key=context.idempotency_key, attempt=context.attempt
        )
        names.append(str(service))
    return Done({"services": len(names), "names": ", ".join(names)}, note=_("%(n)s removed.") % {"n": len(names)})


def _in_use(context: TaskContext) -> list[Service]:
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        rows = selectors.list_services_for_subscription(context.inputs["subscription_id"])
        return list(rows.filter(state__in=[ServiceState.ACTIVE, ServiceState.SUSPENDED]))


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
        inputs=(SUBSCRIPTION_ID,),
        outputs=SERVICES_SET_UP,
    ),
)
