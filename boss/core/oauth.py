"""What BOSS asks of authorization servers (OAuth 2, RFC 6749): through the guard, within a deadline, and JSON alone.

Nothing of a database and of no purpose of its own: single sign-on and mailboxes use it. Neither what is sent nor what
is answered is written to the log.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from boss.core import outbound

MOST_BYTES = 512 * 1024
"""Bytes of an answer that are read."""


class NotGranted(Exception):
    """No usable answer; the text is for people. ``error``: the server's code for it (RFC 6749, 5.2) and ``detail`` its
    words, both "" when it said nothing."""

    def __init__(self, words: str, *, error: str = "", detail: str = "") -> None:
        super().__init__(words)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where one client gets tokens. Without a secret it is a public client and only names itself (RFC 6749, 2.1)."""

    address: str
    client_id: str
    client_secret: str = field(repr=False)
    secret_in_body: bool
    policy: outbound.Policy


def exchange(endpoint: TokenEndpoint, form: Mapping[str, str], until: float) -> dict[str, Any]:
    """The answer to a grant. ``until``: of :func:`time.monotonic`. Raises :class:`NotGranted`."""
    sent = dict(form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if not endpoint.client_secret:
        sent |= {"client_id": endpoint.client_id}
    elif endpoint.secret_in_body:
        sent |= {"client_id": endpoint.client_id, "client_secret": endpoint.client_secret}
    else:
        headers["Authorization"] = _basic(endpoint)
    return ask("POST", endpoint.address, endpoint.policy, until, headers, urlencode(sent).encode())


def ask(
    method: str, address: str, policy: outbound.Policy, until: float, headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One JSON object. Raises :class:`NotGranted`."""
    parts = urlsplit(address)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    policy = outbound.Policy(policy.networks, MOST_BYTES)
    try:
        with outbound.Session(f"{parts.scheme}://{parts.netloc}", policy=policy) as session:
            answer = session.request(method, path, seconds=until - time.monotonic(), content=content, headers=headers)
    except (outbound.Forbidden, outbound.NoAnswer) as error:
        raise NotGranted(f"{parts.hostname}: {error}") from error
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    if answer.status != 200 or not isinstance(found, dict):
        told = found if isinstance(found, dict) else {}
        error_code, detail = (str(told.get(name) or "")[:200] for name in ("error", "error_description"))
        words = f"{parts.hostname} answered {answer.status} {error_code}".strip()[:200]
        raise NotGranted(words, error=error_code, detail=detail)
    return found


def _basic(endpoint: TokenEndpoint) -> str:
    # RFC 6749, 2.3.1: both are form-encoded first.
    pair = f"{quote(endpoint.client_id, safe='')}:{quote(endpoint.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
