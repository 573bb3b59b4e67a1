"""What an account that is behind is told. What it loses is the services' room's work."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from boss.notify.services import messages
from subscribers.models import Collection
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler

COLLECTION_ID = Characteristic("collection_id", "integer", "Collection case", required=True)


def warn_overdue(context: TaskContext) -> Outcome:
    """Say what is owed, since when, and what happens on which day."""
    case: Collection = Collection.objects.select_related("account").get(pk=context.inputs["collection_id"])
    account = case.account
    messages.send(
        actor=context.actor,
        template="overdue",
        to=[(account.email, account.name)],
        context={
            "name": account.name,
            "account_number": account.number,
            "amount": f"{case.amount} {case.currency}",
            "since": case.overdue_since,
            "limited_on": str(context.inputs.get("limited_on") or "")[:10],
            "ends_on": str(context.inputs.get("ends_on") or "")[:10],
        },
        key=context.idempotency_key,
    )
    return Done({"sent_to": account.email}, note=_("Notice to %(email)s.") % {"email": account.email})


HANDLERS = (
    TaskHandler(
        key="subscribers.warn_overdue",
        title=gettext_lazy("Send notice of what is owed"),
        run=warn_overdue,
        nothing_to_undo=True,
        inputs=(
            COLLECTION_ID,
            Characteristic("limited_on", "text", "Limited from"),
            Characteristic("ends_on", "text", "Disconnected on"),
        ),
        outputs=(Characteristic("sent_to", "email", "Sent to"),),
        local=True,
    ),
)
