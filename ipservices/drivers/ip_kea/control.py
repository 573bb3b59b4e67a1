"""Kea's control agent: commands as JSON over HTTP with basic authentication."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ipservices.contracts import Deadline, Invalid, Transient, Unreachable
from ipservices.transport import HttpTransport

Note = Callable[[Mapping[str, Any], Mapping[str, Any], float], None]
_EMPTY = 3
_UNSUPPORTED = 2


class Control:
    """Commands to one daemon behind the agent: ``dhcp4`` or ``dhcp6``."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Note,
        owner: tuple[int, int] | None = None,
    ) -> None:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._http = HttpTransport(
            url,
            headers={"Authorization": f"Basic {token}"},
            deadline=deadline,
            networks=networks,
            note=_without_configurations(note),
            owner=owner,
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, daemon: str, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """The command's answer; None where Kea says that there is nothing. Raises Invalid where it refuses."""
        body = {"command": command, "service": [daemon]} | ({"arguments": dict(arguments)} if arguments else {})
        answer = self._http.request("POST", "/", body)
        first = answer.body[0] if isinstance(answer.body, list) and answer.body else answer.body
        if not isinstance(first, dict) or "result" not in first:
            raise Transient(f"the control agent's answer to {command} is none: {answer.status}")
        words = str(first.get("text") or "")
        if first["result"] == _EMPTY:
            return None
        if first["result"] == _UNSUPPORTED:
            raise Invalid(f"{daemon} does not know {command}; is the hook library loaded? {words}")
        if first["result"] != 0:
            # The agent itself answers for a daemon that is down, with the same number as a refused command.
            if "unable to forward" in words or "server is likely to be offline" in words:
                raise Unreachable(words)
            raise Invalid(words or f"{command} was refused")
        return first.get("arguments") or {}


def _without_configurations(note: Note) -> Note:
    """A configuration holds the passwords of Kea's databases, which are not the binding's: it is not for the record."""

    def noted(request: Mapping[str, Any], answer: Mapping[str, Any], started: float) -> None:
        body = request.get("body")
        if isinstance(body, dict) and str(body.get("command", "")).startswith("config-"):
            request = {**request, "body": {key: value for key, value in body.items() if key != "arguments"}}
            shown = answer.get("body")
            if isinstance(shown, list):
                kept = [{k: v for k, v in one.items() if k != "arguments"} for one in shown if isinstance(one, dict)]
                answer = {**answer, "body": kept}
        note(request, answer, started)

    return noted
