"""Each kind of endpoint as a task of its own: what a definition hands to another machine needs no script.

What the task declares beyond a handler's own inputs is sent along (a body's members, a statement's values); what the
definition declares as the task's outputs is taken from the answer by name. Undoing is the request the task names for
it; without one a person undoes, and what only reads has nothing to undo.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.automation import selectors
from boss.automation.errors import CallFailed
from boss.automation.kinds import KINDS
from boss.automation.services import calls
from boss.core import scoping
from boss.core.schema import Characteristic
from workflow.contracts import Done, Fail, Outcome, Retry, TaskContext, TaskHandler, UndoContext

ENDPOINT = Characteristic("endpoint", label=_("Endpoint"), required=True, max_length=40)
_MOST_TEXT = 20_000

Request = Callable[[Mapping[str, Any]], dict[str, Any]]
Reader = Callable[[Mapping[str, Any]], dict[str, Any]]


def _further(inputs: Mapping[str, Any], own: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name not in own and value is not None}


def _call(context: TaskContext, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
    return calls.make(
        realm_id=context.realm_id, endpoint_key=str(context.inputs["endpoint"]), request=request,
        key=context.idempotency_key, by=f"{_('task')} {context.task_key}", kind=kind,
    )  # fmt: skip


def _run(kind: str, request_of: Request, read: Reader) -> Callable[[TaskContext], Outcome]:
    def run(context: TaskContext) -> Outcome:
        request = request_of(context.inputs)
        try:
            answer = _call(context, kind, request)
        except CallFailed as error:
            return Retry(error=str(error)) if error.retryable else Fail(str(error))
        return Done(read(answer), note=KINDS[kind].sentence(request))

    return run


def _undo(kind: str, request_of: Request, undoing: Request) -> Callable[[UndoContext], Outcome]:
    def undo(context: UndoContext) -> Outcome:
        with scoping.realm_transaction(context.realm_id, context.actor.label):
            endpoint = selectors.endpoint_in_use(str(context.inputs["endpoint"]))
        if not KINDS[kind].changes(endpoint.settings, request_of(context.inputs)):
            return Done(note=_("It only read: there is nothing to undo."))
        request = undoing({**context.inputs, **context.outputs})
        if not request:
            return Fail(_("The task names no request that undoes it."))
        try:
            _call(context, kind, request)
        except CallFailed as error:
            return Retry(error=str(error)) if error.retryable else Fail(str(error))
        return Done(note=KINDS[kind].sentence(request))

    return undo


# HTTP

_HTTP = ("endpoint", "method", "path", "undo_method", "undo_path")


def _http(inputs: Mapping[str, Any]) -> dict[str, Any]:
    method, sent = str(inputs.get("method") or "GET"), _further(inputs, _HTTP)
    request: dict[str, Any] = {"method": method, "path": str(inputs["path"])}
    if sent:
        request["query" if method in ("GET", "HEAD", "DELETE") else "json"] = sent
    return request


def _http_undo(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values.get("undo_path"):
        return {}
    return {"method": str(values.get("undo_method") or "DELETE"), "path": str(values["undo_path"])}


def _http_read(answer: Mapping[str, Any]) -> dict[str, Any]:
    body = answer.get("json")
    text = answer.get("text") or ("" if body is None else json.dumps(body))
    members: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
    return {**members, "status": answer["status"], "body": text[:_MOST_TEXT]}


# SQL

_SQL = ("endpoint", "statement", "undo_statement")


def _sql(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"statement": str(inputs["statement"]), "values": _further(inputs, _SQL)}


def _sql_undo(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values.get("undo_statement"):
        return {}
    own = (*_SQL, "count", "rows")
    return {"statement": str(values["undo_statement"]), "values": _further(values, own)}


def _sql_read(answer: Mapping[str, Any]) -> dict[str, Any]:
    first = answer["rows"][0] if answer["rows"] else {}
    return {**first, "count": answer["count"], "rows": json.dumps(answer["rows"])[:_MOST_TEXT]}


# LDAP

_SEARCH = ("endpoint", "base", "filter")
_MODIFY = ("endpoint", "dn")


def _search(inputs: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {"action": "search", "values": _further(inputs, _SEARCH)}
    return request | {name: str(inputs[name]) for name in ("base", "filter") if inputs.get(name)}


def _search_read(answer: Mapping[str, Any]) -> dict[str, Any]:
    entries = answer["entries"]
    first: dict[str, Any] = entries[0] if entries else {"dn": "", "attributes": {}}
    flat = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in first["attributes"].items()
        if value != []
    }
    return {**flat, "found": len(entries), "dn": first["dn"]}


def _modify(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"action": "modify", "dn": str(inputs["dn"]), "replace": _further(inputs, _MODIFY)}


# SSH

_SSH = ("endpoint", "command", "undo_command")


def _ssh(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"command": str(inputs["command"]), "values": _further(inputs, _SSH)}


def _ssh_undo(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values.get("undo_command"):
        return {}
    return {"command": str(values["undo_command"]), "values": _further(values, (*_SSH, "status", "output"))}


def _ssh_read(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {"status": answer["status"], "output": answer["output"][:_MOST_TEXT]}


# Tickets


def _ticket(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": str(inputs["title"]), "body": str(inputs.get("body") or "")}


def _leave(context: UndoContext) -> Outcome:
    return Done(
        note=_("Ticket %(number)s stays with those who have it.") % {"number": context.outputs.get("number", "–")}
    )


def _limits(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"endpoint:{inputs.get('endpoint', '')}",)


def _text(key: str, label: Any, *, required: bool = False, kind: str = "text") -> Characteristic:
    return Characteristic(key, kind, label=label, required=required, max_length=2000)


_METHODS = tuple((method, method) for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
_STATUS = Characteristic("status", "integer", label=_("Status"), required=True)

DIRECT = (
    TaskHandler(
        key="http.call", title=gettext_lazy("Ask an HTTP endpoint"),
        run=_run("http", _http, _http_read), undo=_undo("http", _http, _http_undo),
        inputs=(
            ENDPOINT, Characteristic("method", "choice", label=_("Method"), default="GET", choices=_METHODS),
            _text("path", _("Path"), required=True),
            Characteristic("undo_method", "choice", label=_("Method that undoes"), choices=_METHODS),
            _text("undo_path", _("Path that undoes")),
        ),
        outputs=(_STATUS, Characteristic("body", "long_text", label=_("Body"))),
        open=True, limits=_limits, time_limit_seconds=75,
    ),
    TaskHandler(
        key="sql.run", title=gettext_lazy("Run a named SQL statement"),
        run=_run("sql", _sql, _sql_read), undo=_undo("sql", _sql, _sql_undo),
        inputs=(
            ENDPOINT, _text("statement", _("Statement"), required=True),
            _text("undo_statement", _("Statement that undoes")),
        ),
        outputs=(
            Characteristic("count", "integer", label=_("Rows"), required=True),
            Characteristic("rows", "long_text", label=_("Rows as JSON")),
        ),
        open=True, limits=_limits, time_limit_seconds=75,
    ),
    TaskHandler(
        key="ldap.search", title=gettext_lazy("Search a directory"),
        run=_run("ldap", _search, _search_read), nothing_to_undo=True,
        inputs=(ENDPOINT, _text("filter", _("Filter"), required=True), _text("base", _("Base"))),
        outputs=(
            Characteristic("found", "integer", label=_("Entries found"), required=True),
            _text("dn", _("First entry's DN")),
        ),
        open=True, limits=_limits, time_limit_seconds=75,
    ),
    TaskHandler(
        key="ldap.modify", title=gettext_lazy("Change a directory's entry"),
        run=_run("ldap", _modify, lambda answer: {"changed": bool(answer["changed"])}),
        inputs=(ENDPOINT, _text("dn", _("Entry (DN)"), required=True)),
        outputs=(Characteristic("changed", "boolean", label=_("Changed"), required=True),),
        open=True, limits=_limits, time_limit_seconds=75,
    ),
    TaskHandler(
        key="ssh.run", title=gettext_lazy("Run a named command over SSH"),
        run=_run("ssh", _ssh, _ssh_read), undo=_undo("ssh", _ssh, _ssh_undo),
        inputs=(
            ENDPOINT, _text("command", _("Command"), required=True),
            _text("undo_command", _("Command that undoes")),
        ),
        outputs=(_STATUS, Characteristic("output", "long_text", label=_("Output"))),
        open=True, limits=_limits, time_limit_seconds=75,
    ),
    TaskHandler(
        key="ticket.open", title=gettext_lazy("Open a ticket"),
        run=_run("ticket", _ticket, lambda answer: {"number": str(answer["number"])}), undo=_leave,
        inputs=(
            ENDPOINT, _text("title", _("Title"), required=True),
            Characteristic("body", "long_text", label=_("Text")),
        ),
        outputs=(_text("number", _("Number"), required=True),),
        limits=_limits,
    ),
)  # fmt: skip
