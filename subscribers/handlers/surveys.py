"""What a survey on site means for the order: go on, or give everything back and remember whom to call one day."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from subscribers.handlers.loading import ORDER_ID, order_of
from ticketing.services import tickets
from workflow import selectors as workflow
from workflow.contracts import Done, Fail, Outcome, TaskContext, TaskHandler
from workflow.services import runs

LEADS = "lead"


def judge_survey(context: TaskContext) -> Outcome:
    """Go on when the site can be served. When not, keep the household as a lead and turn the whole run round.

    Lead, reversal and this task's end are one transaction: the run never goes a step further.
    """
    if context.inputs["passed"]:
        return Done({"passed": True}, note=_("The site can be served."))
    order = order_of(context)
    why = str(context.inputs.get("reason") or _("No line of sight"))
    run = workflow.find_run(context.run_id)
    if run is None:
        return Fail(_("The run is gone."))
    lead = tickets.open(
        actor=context.actor,
        category_key=LEADS,
        title=_("%(why)s: %(name)s, %(site)s") % {"why": why, "name": order.contact_name, "site": order.site.label},
        body=_("Could not be served: %(why)s. Call when this changes: %(phone)s, %(email)s.")
        % {"why": why, "phone": order.contact_phone, "email": order.contact_email},
        links=[("subscribers.order", order.pk)],
        dedupe_key=f"subscribers.survey:{order.pk}",
        site=order.site,
    )
    runs.reverse(actor=context.actor, run=run, reason=why)
    return Done({"passed": False}, note=_("%(why)s. Kept as lead %(lead)s.") % {"why": why, "lead": lead.number})


HANDLERS = (
    TaskHandler(
        key="subscribers.judge_survey",
        title=gettext_lazy("Go by the survey"),
        run=judge_survey,
        nothing_to_undo=True,
        inputs=(
            ORDER_ID,
            Characteristic("passed", "boolean", "The site can be served", required=True),
            Characteristic("reason", "text", "If not, why", max_length=80),
        ),
        outputs=(Characteristic("passed", "boolean", "The site can be served"),),
        local=True,
    ),
)
