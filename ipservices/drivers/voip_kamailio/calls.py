"""Live calls and registrations, through the server's JSON-RPC; and the record of a call that BOSS cuts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipservices.contracts import Transient
from ipservices.sql import SqlTransport
from ipservices.transport import HttpTransport

_PROFILE = "calls"
_NOT_THERE = ("not found", "no such", "dialog not", "wrong ident")

_RECORD = """
    INSERT INTO acc_cdrs (start_time, end_time, duration, service, caller, callee, callid, cut_by_boss)
    VALUES (to_timestamp(%(start)s) AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC',
            greatest(0, extract(epoch FROM now()) - %(start)s::float8),
            %(service)s, %(caller)s, %(callee)s, %(callid)s, %(key)s)
    ON CONFLICT (cut_by_boss) DO UPDATE SET end_time = excluded.end_time, duration = excluded.duration
"""


class Rpc:
    """JSON-RPC 2.0 over HTTP."""

    def __init__(self, http: HttpTransport, path: str = "/RPC") -> None:
        self._http = http
        self._path = path

    def ask(self, method: str, *params: Any, missing: tuple[str, ...] = ()) -> Any:
        """The result; None when the server answers with one of the words of ``missing``. Raises Transient."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        body = self._http.request("POST", self._path, asked).body
        if not isinstance(body, Mapping):
            raise Transient(f"{method}: the answer is no JSON-RPC: {str(body)[:200]}", outcome_unknown=True)
        if "error" in body:
            words = str(body["error"].get("message", "")) if isinstance(body["error"], Mapping) else str(body["error"])
            if any(word in words.lower() for word in missing):
                return None
            raise Transient(f"{method}: {words}")
        return body.get("result")


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the server is in the middle of. ``start`` is when it was answered, 0 while it rings."""

    entry: int
    id: int
    start: float
    callid: str
    caller: str
    callee: str
    service: str

    @property
    def key(self) -> str:
        return f"{self.callid}:{self.entry}:{self.id}"[:300]


class Calls:
    """The calls and registrations of one server's lines."""

    def __init__(self, rpc: Rpc, sql: SqlTransport) -> None:
        self._rpc = rpc
        self._sql = sql

    def of(self, aor: str) -> list[Call]:
        """The live calls of a line, at either end, without calls to emergency numbers: those are never cut."""
        found = self._rpc.ask("dlg.profile_list", _PROFILE, aor, missing=_NOT_THERE) or []
        return [_call(one) for one in (found if isinstance(found, list) else [found]) if isinstance(one, Mapping)]

    def is_quiet(self) -> bool:
        """Whether no line has a live call."""
        return self._rpc.ask("dlg.profile_get_size", _PROFILE, missing=_NOT_THERE) in (0, "0")

    def log_out(self, aor: str) -> None:
        """Remove every registration. No error when there is none."""
        self._rpc.ask("ul.rm", "location", aor, missing=("not found", "aor not"))

    def cut(self, call: Call) -> bool:
        """End a call, and see that its record is kept: the server writes none for a call ended from outside."""
        if call.start:
            values = {"start": call.start, "service": call.service, "caller": call.caller, "callee": call.callee,
                      "callid": call.callid, "key": call.key}  # fmt: skip
            with self._sql.transaction() as cursor:
                self._sql.run(cursor, _RECORD, values)
        return self._rpc.ask("dlg.end_dlg", call.entry, call.id, missing=_NOT_THERE) is not None


def _call(found: Mapping[str, Any]) -> Call:
    said: dict[str, str] = {}
    variables = found.get("variables") or []
    for one in variables if isinstance(variables, list) else [variables]:
        said |= {str(key): str(value) for key, value in one.items()}
    start = float(found.get("start_ts") or 0)
    with contextlib.suppress(KeyError, ValueError):
        # To the thousandth in a variable of the accounting; only then the record is as the server's own.
        start = float(said["start_time"]) if start else 0.0
    return Call(
        entry=int(found["h_entry"]),
        id=int(found["h_id"]),
        start=start,
        callid=str(found.get("call-id") or ""),
        caller=said.get("caller") or str(found.get("from_uri") or "").removeprefix("sip:"),
        callee=said.get("callee") or str(found.get("to_uri") or "").removeprefix("sip:"),
        service=said.get("service", ""),
    )
