"""What macros and rules of tickets may do with endpoints: tell one about the ticket, by a run of a workflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.automation.choices import EndpointKind
from boss.automation.models import Endpoint
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from ticketing.automation import trail
from ticketing.contracts import MacroStepKind, Text
from ticketing.models import Ticket
from ticketing.registry import macro_steps
from workflow import selectors as workflow
from workflow.services import definitions, runs

RIGHT = "workflow.start_run"
DEFINITION = "tell-endpoint"
METHODS = ("POST", "PUT", "PATCH")
_DOCUMENT = Path(__file__).resolve().parent / "definitions" / f"{DEFINITION}.yaml"


def _endpoints(actor: Actor) -> Sequence[tuple[str, Text]]:
    rows = Endpoint.objects.visible_to(actor).filter(kind=EndpointKind.HTTP, enabled=True).order_by("title", "id")
    return list(rows.values_list("key", "title"))


def _tell(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    """``text``: "POST /path", or the path alone. What the endpoint's rules allow is looked at when it is asked."""
    require(actor, RIGHT)
    method, _space, path = text.strip().rpartition(" ")
    method = (method or METHODS[0]).strip().upper()
    if method not in METHODS or not path.startswith("/"):
        raise InvalidInput(_("Write a path like /tickets, or POST /tickets; PUT and PATCH will do, too."))
    if not Endpoint.objects.filter(key=value, kind=EndpointKind.HTTP, enabled=True).exists():
        raise InvalidInput(_("The endpoint is not there any more, or switched off."))
    if workflow.find_definition(DEFINITION) is None:  # one that people have changed or archived stays
        definitions.publish(actor=Actor.system(actor.realm_id), document=_DOCUMENT.read_text())
    inputs: dict[str, Any] = {
        "endpoint": value, "method": method, "path": path, "ticket": ticket.public_id, "number": ticket.number,
        "title": ticket.title, "category": ticket.category.key, "state": str(ticket.state),
        "priority": ticket.priority,
    }  # fmt: skip
    if (rule_run := trail.acting()) is not None:
        inputs["rule_run"] = rule_run
    return runs.start(actor=actor, definition_key=DEFINITION, inputs=inputs)


def register() -> None:
    """Called once at start-up."""
    kind = MacroStepKind(
        "endpoint", gettext_lazy("Tell the endpoint"), _tell, _endpoints,
        text=gettext_lazy("Path"), needs_text=True, right=RIGHT, reaches_beyond=True,
    )  # fmt: skip
    macro_steps.register(kind.key, kind)
