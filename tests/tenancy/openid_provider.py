"""An OpenID provider on this machine, for tests: keys of its own, a page that asks who you are, and bad manners on
demand. It is strict where a real one is: wrong redirect, client, secret, code or verifier are refused."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
CLIENT_ID, SECRET = "boss at work", "s3cret/with:signs"


@dataclass
class Manners:
    """How the next answers are wrong."""

    description: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)  # None takes a claim away
    key: Any = None  # ``KEY``
    algorithm: str = "RS256"
    token: Callable[[str], Any] | None = None  # what is given instead of the ID token
    status: int = 200
    delay_seconds: float = 0.0


class Provider:
    """One client is known: ``CLIENT_ID`` with ``SECRET``, coming back to ``redirect_uri``."""

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/corp"
        self.manners = Manners()
        self.people: dict[str, dict[str, Any]] = {}
        self.redirect_uri = ""
        self.codes: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def visit(self, address: str, subject: str, *, declines: bool = False) -> str:
        """What a person's browser does there: he says who he is. The address he is sent back to, with its query."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.issuer}/authorize?"), address
        assert query["response_type"] == "code" and query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256" and "openid" in query["scope"].split()
        assert query["redirect_uri"] == self.redirect_uri
        return self.answer_to(query, subject, declines=declines)

    def answer_to(self, query: dict[str, str], subject: str, *, declines: bool = False) -> str:
        if declines:
            told = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(12)
            self.codes[code] = query | {"subject": subject}
            told = {"code": code, "state": query["state"], "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(told)}"

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys?set=all",
            "authorization_response_iss_parameter_supported": True,
        } | self.manners.description

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        kind, _space, pair = authorization.partition(" ")
        name, _colon, secret = base64.b64decode(pair).decode().partition(":") if kind == "Basic" else ("", "", "")
        if (unquote(name), unquote(secret)) != (CLIENT_ID, SECRET):
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or form["redirect_uri"] != begun["redirect_uri"] or challenge != begun["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": begun["subject"], "iat": now, "exp": now + 300,
            "nonce": begun["nonce"], "auth_time": now, **self.people.get(begun["subject"], {}), **self.manners.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode({"alg": self.manners.algorithm, "kid": "one"}, claims, self.manners.key or KEY)
        return 200, {
            "access_token": "x", "token_type": "Bearer",
            "id_token": self.manners.token(token) if self.manners.token else token,
        }  # fmt: skip


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            provider.asked.append(path)
            time.sleep(provider.manners.delay_seconds)
            if path == "/corp/.well-known/openid-configuration":
                self._json(provider.manners.status, provider.description())
            elif path == "/corp/keys" and query == {"set": ["all"]}:
                self._json(200, KeySet([KEY]).as_dict(private=False))
            elif path == "/favicon.ico":
                self._send(200, "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>')
            elif path == "/corp/authorize":
                fields = "".join(
                    f'<input type="hidden" name="{name}" value="{value}">'
                    for name, value in parse_qsl(urlsplit(self.path).query)
                )
                self._send(
                    200, "text/html",
                    f'<title>Corp</title><form method="post">{fields}<label>Who are you?<input name="subject"></label>'
                    "<button>Sign in at Corp</button></form>".encode(),
                )  # fmt: skip
            else:
                self._json(404, {"error": "not_found"})

        def do_POST(self) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if path == "/corp/authorize":
                self.send_response(302)
                self.send_header("Location", provider.answer_to(form, form.pop("subject")))
                self.end_headers()
                return
            status, told = provider.exchange(form, self.headers.get("Authorization", ""))
            self._json(status, told)

        def _json(self, status: int, told: dict[str, Any]) -> None:
            self._send(status, "application/json", json.dumps(told).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    return Handler


@contextmanager
def open_provider() -> Iterator[Provider]:
    provider = Provider()
    thread = threading.Thread(target=provider.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        provider.server.server_close()
        thread.join(5)


__all__ = ["CLIENT_ID", "KEY", "OTHER_KEY", "SECRET", "Manners", "Provider", "open_provider"]
