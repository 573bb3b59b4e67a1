"""HTTP for drivers: JSON through the house's guard (:mod:`boss.core.outbound`), one deadline for a whole call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boss.core import outbound
from boss.core.kept import Kept
from boss.core.outbound import MOST_BYTES, Policy
from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and decoded body (None when empty, text when it is not JSON)."""

    status: int
    body: Any


def reachable_address(host: str, networks: tuple[str, ...], *, seconds: float = 5.0) -> str:
    """Resolve ``host`` once to an address a driver may connect to. Raises Unreachable or Invalid."""
    try:
        return outbound.address_of(host, Policy(networks), plain=False, seconds=seconds)
    except outbound.NoAnswer as error:
        raise Unreachable(str(error)) from error
    except outbound.Forbidden as error:
        raise Invalid(f"{error}; the platform operator can allow it", host=host) from error


class HttpTransport:
    """JSON over HTTP to one server, under one deadline for all requests of one driver call."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
        owner: tuple[int, int] | None = None,
    ) -> None:
        """``owner``: for whom (see :attr:`Connection.owner`); the connection is then kept for the owner's next call."""
        try:
            self._session = outbound.Session(base_url, policy=Policy(networks, MOST_BYTES), headers=headers)
        except outbound.Forbidden as error:
            raise Invalid(str(error)) from error
        self._owner = owner
        self._held: Kept[outbound.Session] | None = None
        self._deadline = deadline
        self._note = note

    def request(
        self, method: str, path: str, body: Any = None, *, shown: Callable[[Any], Any] = lambda body: body
    ) -> Answer:
        """One exchange. Raises AuthFailed on 401 and 403, Transient on 429 and 5xx, Unreachable without an answer.

        ``shown`` picks what of the answer's body is for the record: of a container that many share only what the call
        is about.
        """
        if self._owner is not None and self._held is None:
            self._held = outbound.kept_like(self._session, self._owner)
            self._session = self._held.connection
        started = time.monotonic()
        written = {"method": method, "path": path} | ({"body": body} if body is not None else {})
        content = None if body is None else json.dumps(body).encode()
        try:
            found = self._session.request(
                method,
                path,
                seconds=self._deadline.left,
                content=content,
                headers={"Content-Type": "application/json"} if content is not None else {},
            )
        except outbound.Forbidden as error:
            raise Invalid(f"{error}; the platform operator can allow it") from error
        except outbound.TooLarge as error:
            self._note(written, {"error": str(error)}, started)
            raise Transient(str(error), outcome_unknown=method != "GET") from error
        except outbound.NoAnswer as error:
            self._note(written, {"error": str(error)}, started)
            raise Unreachable(str(error), outcome_unknown=method != "GET" and error.sent) from error
        answer = Answer(found.status, _decoded(found.content))
        self._note(written, {"status": answer.status, "body": shown(answer.body)}, started)
        if answer.status in (401, 403):
            raise AuthFailed(f"the server answered {answer.status}")
        if answer.status == 429 or answer.status >= 500:
            raise Transient(f"the server answered {answer.status}: {answer.body}", outcome_unknown=answer.status >= 500)
        if 300 <= answer.status < 400:
            raise Invalid(f"the server answered {answer.status}; redirects are not followed")
        return answer

    def close(self) -> None:
        """Be done with the connection. May be called twice."""
        held, self._held = self._held, None
        if held is not None:
            outbound.lay_back(held)
            self._owner = None
        elif self._owner is None:
            self._session.close()


def _decoded(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content[:2000].decode(errors="replace")
