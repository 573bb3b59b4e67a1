"""``script.run``: one task, one script in its sandbox."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.automation import schemas, selectors
from boss.automation.models import ScriptVersion
from boss.automation.sandbox.process import Result, Work
from boss.automation.services import running
from boss.core import scoping
from boss.core.schema import Characteristic
from workflow import documents
from workflow.choices import RunState
from workflow.contracts import Done, Fail, Outcome, Retry, TaskContext, TaskHandler, UndoContext
from workflow.models import Run

_OWN = ("script", "version")
_LONGEST_SECONDS = 90


def run(context: TaskContext) -> Outcome:
    """Hand the inputs to the script's ``run`` and check what it gives back."""
    version = _version(context, context.inputs.get("version"))
    inputs = {name: value for name, value in context.inputs.items() if name not in _OWN}
    if wrong := schemas.misfits(version.input_schema, inputs):
        return Fail(
            _("%(script)s: the inputs do not fit: %(why)s") % {"script": name_of(version), "why": "; ".join(wrong)}
        )
    work = Work(version.source, "run", [inputs], key=context.idempotency_key, attempt=context.attempt)
    result = running.perform(version, work, by=name_of(version), wanted=lambda: _is_wanted(context))
    return _outcome(version, result)


def undo(context: UndoContext) -> Outcome:
    """Hand inputs and outputs to ``undo`` of the very version that ran."""
    number = context.outputs.get("script_version") or context.inputs.get("version")
    version = _version(context, number)
    if version.nothing_to_undo:
        return Done(note=_("%(script)s has nothing to undo.") % {"script": name_of(version)})
    inputs = {name: value for name, value in context.inputs.items() if name not in _OWN}
    outputs = {name: value for name, value in context.outputs.items() if not name.startswith("script_")}
    work = Work(
        version.source, "undo", [inputs, outputs], key=context.idempotency_key, attempt=context.attempt,
        finished=context.finished,
    )  # fmt: skip
    result = running.perform(version, work, by=name_of(version), wanted=context.heartbeat)
    outcome = _outcome(version, result, undo=True)
    return Done(note=outcome.note, log=outcome.log) if isinstance(outcome, Done) else outcome


def name_of(version: ScriptVersion) -> str:
    """The version by name, number and the beginning of its fingerprint, as journals and attempts show it."""
    return f"{version.script.key} v{version.number} ({version.sha256[:12]})"


def _version(context: TaskContext, number: Any) -> ScriptVersion:
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        return selectors.version_to_run(str(context.inputs["script"]), int(number) if number else None)


def _is_wanted(context: TaskContext) -> bool:
    """Whether the task is still ours and its run still goes forward: a run that is turned round needs no result."""
    if not context.heartbeat():
        return False
    with scoping.realm_transaction(context.realm_id, context.actor.label):
        return bool(Run.objects.filter(pk=context.run_id, state=RunState.RUNNING).exists())


def _outcome(version: ScriptVersion, result: Result, *, undo: bool = False) -> Outcome:
    name = name_of(version)
    if result.outcome == "ended":
        return Fail(_("%(script)s was stopped: %(why)s.") % {"script": name, "why": result.reason}, log=result.log)
    if result.outcome == "fail":
        return Fail(f"{name}: {result.words}", log=result.log)
    if result.outcome == "retry":
        return Retry(after_seconds=result.after_seconds, error=f"{name}: {result.words}", log=result.log)
    figures = _("%(script)s took %(seconds)s s, %(mb)s MB and %(calls)s calls.") % {
        "script": name, "seconds": f"{result.seconds:.1f}", "mb": result.peak_mb, "calls": result.calls,
    }  # fmt: skip
    note = f"{result.words} {figures}".strip()
    if undo:
        return Done(note=note, log=result.log)
    try:
        outputs = documents.plain(result.outputs)
    except documents.Unreadable as error:
        return Fail(_("%(script)s gave what cannot be kept: %(why)s") % {"script": name, "why": error}, log=result.log)
    if wrong := schemas.misfits(version.output_schema, outputs):
        return Fail(_("%(script)s: what it gave does not fit: %(why)s") % {"script": name, "why": "; ".join(wrong)},
                    log=result.log)  # fmt: skip
    if len(json.dumps(outputs)) > 90_000:
        return Fail(_("%(script)s gave more than can be kept.") % {"script": name}, log=result.log)
    return Done({**outputs, "script_version": version.number, "script_sha256": version.sha256}, note, result.log)


RUN_SCRIPT = TaskHandler(
    key="script.run",
    title=gettext_lazy("Run a script"),
    run=run,
    undo=undo,
    inputs=(
        Characteristic("script", label=_("Script"), required=True, max_length=40),
        Characteristic("version", "integer", label=_("Version"), minimum=1,
                       help=_("The current one unless another is named.")),
    ),
    outputs=(
        Characteristic("script_version", "integer", label=_("Version that ran"), required=True),
        Characteristic("script_sha256", label=_("Its fingerprint"), required=True),
    ),
    open=True,
    limits=lambda inputs: (f"script:{inputs.get('script', '')}",),
    time_limit_seconds=_LONGEST_SECONDS,
    describe=lambda inputs: str(_("Runs the script “%(key)s”.") % {"key": inputs.get("script", "")}),
)  # fmt: skip
