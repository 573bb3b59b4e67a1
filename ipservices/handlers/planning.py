"""Planning the services of a subscription: touches only our tables, commits with its outcome."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from boss.core.schema import Characteristic
from ipservices.handlers.inputs import SUBSCRIPTION_ID, subscription_of
from ipservices.services import design
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler, UndoContext


def design_services(context: TaskContext) -> Outcome:
    """Plan every service of the subscription; nothing is done at any server yet."""
    made = design.design(actor=context.actor, subscription=subscription_of(context), key=context.idempotency_key)
    families = sorted({row.family for row in made})
    note = ngettext("%(count)s service planned.", "%(count)s services planned.", len(made)) % {"count": len(made)}
    return Done({"services": len(made), "families": ",".join(families)}, note=note)


def discard_design(context: UndoContext) -> Outcome:
    """Drop what this task planned. It commits with its outcome, so unfinished means nothing was planned."""
    if not context.finished:
        return Done(note=_("Nothing had been planned."))
    count = design.discard(actor=context.actor, subscription=subscription_of(context), key=context.forward_key)
    return Done(note=_("%(count)s planned services dropped.") % {"count": count})


HANDLERS = (
    TaskHandler(
        key="ipservices.design_services",
        title=gettext_lazy("Plan the services"),
        run=design_services,
        undo=discard_design,
        inputs=(SUBSCRIPTION_ID,),
        outputs=(
            Characteristic("services", "integer", "Services planned"),
            Characteristic("families", "text", "Families"),
        ),
        local=True,
    ),
)
