"""An authorization server on this machine, for tests: it guards one mailbox and is strict where real ones are.

Codes are good once and for the client, address and verifier they were made for; refresh tokens are good once and every
answer brings the next; access tokens are looked up by mail servers at ``/introspect`` (RFC 7662), as Dovecot does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

CLIENT_ID, SECRET = "boss at the desk", "s3cret/with:signs"


@dataclass
class Manners:
    """How the next answers are. ``refuses``: the token endpoint's error; ``repeats``: it quotes what it was sent."""

    lives_seconds: int = 3600
    rotates: bool = True
    refuses: str = ""
    repeats: bool = False
    status: int = 400
    answer: dict[str, Any] = field(default_factory=dict)  # laid over a good answer; None takes a member away


class AuthorizationServer:
    """One client is known: ``CLIENT_ID`` with ``SECRET``; ``redirect_uri`` is the only address it comes back to."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        self.manners = Manners()
        self.redirect_uri = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.access_tokens: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.looked_up = 0

    def arranged(self, **more: Any) -> dict[str, Any]:
        """What a provider writes about it into a form."""
        return {
            "way": "person", "authorization_endpoint": f"{self.root}/authorize?access_type=offline",
            "token_endpoint": f"{self.root}/token", "scope": "imap offline", "client_id": CLIENT_ID,
            "client_secret": SECRET, "secret_in_body": True, **more,
        }  # fmt: skip

    def visit(self, address: str, who: str, *, declines: bool = False) -> str:
        """What a person's browser does there. The address he is sent back to, with its query."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.root}/authorize?"), address
        assert query["response_type"] == "code" and query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256" and query["access_type"] == "offline"
        assert query["redirect_uri"] == self.redirect_uri
        if declines:
            return f"{self.redirect_uri}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(12)
        self.codes[code] = query | {"who": who}
        return f"{self.redirect_uri}?{urlencode({'code': code, 'state': query['state']})}"

    def withdraw(self) -> None:
        """The person, or his administrator, takes it all back."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def grant(self, who: str) -> str:
        """A refresh token, as if somebody had signed in elsewhere."""
        self.refresh_tokens[token := secrets.token_urlsafe(16)] = who
        return token

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(form)
        if self.manners.refuses:
            said = json.dumps(form) if self.manners.repeats else "as it was told to"
            return self.manners.status, {"error": self.manners.refuses, "error_description": said}
        if _client(form, authorization) != (CLIENT_ID, SECRET):
            return 401, {"error": "invalid_client"}
        who = self._whose(form)
        if who is None:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.access_tokens[access] = who
        given = {"access_token": access, "token_type": "Bearer", "expires_in": self.manners.lives_seconds}
        if form["grant_type"] != "client_credentials" and (
            self.manners.rotates or form["grant_type"] == "authorization_code"
        ):
            given["refresh_token"] = self.grant(who)
        given |= self.manners.answer
        return 200, {name: value for name, value in given.items() if value is not None}

    def _whose(self, form: dict[str, str]) -> str | None:
        if form["grant_type"] == "client_credentials":
            return form["scope"].removeprefix("mailbox:")
        if form["grant_type"] == "refresh_token":
            kept = self.refresh_tokens.get(form["refresh_token"])
            if self.manners.rotates:
                self.refresh_tokens.pop(form["refresh_token"], None)
            return kept
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or form["redirect_uri"] != begun["redirect_uri"] or challenge != begun["code_challenge"]:
            return None
        return begun["who"]


def _client(form: dict[str, str], authorization: str) -> tuple[str, str]:
    kind, _space, pair = authorization.partition(" ")
    if kind == "Basic":
        name, _colon, secret = base64.b64decode(pair).decode().partition(":")
        return unquote(name), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _handler(owner: AuthorizationServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if urlsplit(self.path).path == "/introspect":
                owner.looked_up += 1
                who = owner.access_tokens.get(form.get("token", ""))
                self._json(200, {"active": "true", "username": who} if who else {"active": "false"})
                return
            self._json(*owner.exchange(form, self.headers.get("Authorization", "")))

        def _json(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    return Handler


@contextmanager
def open_server() -> Iterator[AuthorizationServer]:
    owner = AuthorizationServer()
    thread = threading.Thread(target=owner.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield owner
    finally:
        owner.server.shutdown()
        owner.server.server_close()
        thread.join(5)
