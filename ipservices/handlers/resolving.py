"""Doing something about a finding: repairing, adopting, putting back. One task, undone like all work at servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.schema import Characteristic
from ipservices.choices import FindingWay
from ipservices.models import Finding
from ipservices.services import resolving
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler, UndoContext


def resolve_finding(context: TaskContext) -> Outcome:
    """Go the way that was asked for."""
    return _go(context, FindingWay(context.inputs["way"]), context.idempotency_key)


def _go(context: TaskContext, way: FindingWay, key: str) -> Outcome:
    finding_id = context.inputs["finding_id"]
    if way == FindingWay.PUT_BACK:
        former_key = resolving.former_key_of(actor=context.actor, finding_id=finding_id)
        names = resolving.put_back(
            actor=context.actor, finding_id=finding_id, former_key=former_key, key=key, attempt=context.attempt
        )
        return Done({"name": ", ".join(names)}, note=_("As before: %(names)s.") % {"names": ", ".join(names)})
    do = resolving.repair if way == FindingWay.REPAIR else resolving.adopt
    name = do(actor=context.actor, finding_id=finding_id, key=key, attempt=context.attempt)
    note = _("Repaired: %(name)s.") if way == FindingWay.REPAIR else _("Taken over: %(name)s.")
    return Done({"name": name}, note=note % {"name": name})


def undo(context: UndoContext) -> Outcome:
    """Put back what this task changed. What it had put back itself is left to the next comparison."""
    if FindingWay(context.inputs["way"]) == FindingWay.PUT_BACK:
        return Done(note=_("What was put back stays so; the next comparison lists it again."))
    names = resolving.put_back(
        actor=context.actor,
        finding_id=context.inputs["finding_id"],
        former_key=context.forward_key,
        key=context.idempotency_key,
        attempt=context.attempt,
    )
    if not names:
        return Done(note=_("There was nothing to put back."))
    return Done(note=_("As before: %(names)s.") % {"names": ", ".join(names)})


def _server(inputs: Mapping[str, Any]) -> list[str]:
    finding = Finding.objects.select_related("binding").filter(pk=inputs["finding_id"]).first()
    return [] if finding is None else [finding.binding.limit_key]


HANDLERS = (
    TaskHandler(
        key="ipservices.resolve_finding",
        title=gettext_lazy("Repair, adopt or put back a finding"),
        run=resolve_finding,
        undo=undo,
        limits=_server,
        inputs=(
            Characteristic("finding_id", "integer", "Finding", required=True),
            Characteristic("way", "text", "What is done", required=True, max_length=10),
        ),
        outputs=(Characteristic("name", "text", "Object"),),
        time_limit_seconds=180,
    ),
)
