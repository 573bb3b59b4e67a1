"""What macros of tickets may do with workflows: start one, or send a signal to the run the ticket is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from ticketing.automation import trail
from ticketing.contracts import MacroStepKind, Text
from ticketing.models import Ticket
from ticketing.registry import macro_steps
from workflow import selectors
from workflow.engine.people import SUBJECT_KIND
from workflow.models import TaskRun
from workflow.services import runs, signals


def _definitions(actor: Actor) -> Sequence[tuple[str, Text]]:
    return [(one.key, one.title) for one in selectors.list_definitions(actor)]


def _start(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    """As *Start* on the workflow's page; the run knows the ticket as its input ``ticket``, and the rule that acts."""
    inputs: dict[str, Any] = {"ticket": ticket.public_id}
    if (rule_run := trail.acting()) is not None:
        inputs["rule_run"] = rule_run
    return runs.start_by_hand(actor=actor, definition_key=value, inputs=inputs)


def rule_run(task_run_id: int) -> int | None:
    """The run of the automation rule that has started the workflow this task is of."""
    task = TaskRun.objects.select_related("run").filter(pk=task_run_id).first()
    number = task.run.inputs.get("rule_run") if task is not None else None
    return number if isinstance(number, int) else None


def _signal(actor: Actor, ticket: Ticket, value: str, text: str) -> object:
    task = None
    if ticket.subject_kind == SUBJECT_KIND and ticket.subject_id is not None:
        task = TaskRun.objects.select_related("run").filter(pk=ticket.subject_id).first()
    if task is None:
        raise InvalidInput(_("This ticket is about no task of a workflow."))
    return signals.send(actor=actor, run=task.run, name=text.strip(), payload={"ticket": ticket.public_id})


def register() -> None:
    """Called once at start-up."""
    for kind in (
        MacroStepKind(
            "workflow", gettext_lazy("Start the workflow"), _start, _definitions,
            right="workflow.start_run", reaches_beyond=True,
        ),
        MacroStepKind(
            "signal", gettext_lazy("Signal to its workflow"), _signal, needs_value=False,
            text=gettext_lazy("Name of the signal"), needs_text=True, right="workflow.signal_run", reaches_beyond=True,
        ),
    ):  # fmt: skip
        macro_steps.register(kind.key, kind)
