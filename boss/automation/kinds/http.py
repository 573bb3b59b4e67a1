"""HTTP: methods and paths of a rule, credentials added here, answers as JSON."""

from __future__ import annotations

import base64
import json
import posixpath
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from django.utils.translation import gettext as _

from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.core import outbound
from boss.core.schema import Characteristic

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SAFE = ("GET", "HEAD")
_ONCE_BY_NATURE = ("PUT", "DELETE")
_MOST_SENT = 256 * 1024
_MOST_ANSWERED = 1024 * 1024

SETTINGS = (
    Characteristic("url", label=_("Address"), required=True, max_length=300,
                   help=_("What every path is added to, for instance https://nms.example/api")),
    Characteristic("rules", "long_text", label=_("What may be asked"), required=True,
                   help=_("One rule a line: methods, then the beginning of the path: GET,POST /v1/ports/")),
    Characteristic("auth", "choice", label=_("Signs in with"), default="none", choices=(
        ("none", _("nothing")), ("bearer", _("a bearer token")),
        ("basic", _("name and password")), ("header", _("a header of its own")))),
    Characteristic("header", label=_("Header"), max_length=60, pattern=r"^[A-Za-z0-9-]{1,60}$",
                   help=_("For a header of its own, for instance X-API-Key")),
    Characteristic("honours_key", "boolean", label=_("Repeats do no harm"), default=False,
                   help=_("It honours the header Idempotency-Key: the same key has its effect once.")),
    Characteristic("trusted_ca", "long_text", label=_("Certificate authority (PEM)"), max_length=20_000,
                   help=_("For a server whose certificate no public authority signed.")),
)  # fmt: skip
SECRETS = (
    Characteristic("user", label=_("User name"), max_length=200),
    Characteristic("secret", "secret", label=_("Password, token or key"), max_length=4000),
)


def rules_of(settings: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """The rules as (methods, beginning of the path). Raises ValueError with the line that is none."""
    found = []
    for line in str(settings.get("rules", "")).splitlines():
        if not line.strip():
            continue
        methods, _space, prefix = line.strip().partition(" ")
        names = tuple(name.strip().upper() for name in methods.split(","))
        if not set(names) <= set(_METHODS) or not prefix.strip().startswith("/"):
            raise ValueError(line.strip())
        found.append((names, prefix.strip()))
    return found


def check(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    try:
        outbound.Session(str(settings.get("url", "")), policy=outbound.Policy())
    except (outbound.Forbidden, ValueError) as error:
        faults["url"] = [str(error)]
    try:
        outbound.trust(str(settings.get("trusted_ca") or ""))
    except (OSError, ValueError, TypeError):
        faults["trusted_ca"] = [_("This is no certificate in PEM form.")]
    try:
        if not rules_of(settings):
            faults["rules"] = [_("At least one rule: nothing may be asked otherwise.")]
    except ValueError as error:
        faults["rules"] = [_("This is no rule: %(line)s") % {"line": error}]
    if settings.get("auth") == "header" and not settings.get("header"):
        faults["header"] = [_("Which header?")]
    return faults


def _path(request: Mapping[str, Any]) -> str:
    """The path as the server will see it. Raises CallNotAllowed for what two readers may read differently."""
    path = request.get("path", "/")
    if not isinstance(path, str) or not path.startswith("/") or len(path) > 2000 or not path.isascii():
        raise CallNotAllowed(_("A path begins with a slash and is plain ASCII."))
    plain = unquote(path.partition("?")[0])
    if "\\" in plain or "//" in plain or any(ord(letter) <= 32 for letter in path + plain):
        raise CallNotAllowed(_("The path holds what two readers may read differently."))
    if posixpath.normpath(plain) != plain.rstrip("/") and plain != "/":
        raise CallNotAllowed(_("A path goes straight to its end, without “..” and “.”."))
    if any(text in path.lower() for text in ("%2f", "%5c", "%2e", "#", "%25")):
        raise CallNotAllowed(_("The path holds what two readers may read differently."))
    return path


def _method(request: Mapping[str, Any]) -> str:
    return str(request.get("method", "GET")).upper()


def call(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """``method``, ``path``, ``query`` (names and values), ``json``. Gives ``status``, ``json`` (or ``text``)."""
    method, path = _method(request), _path(request)
    plain = unquote(path.partition("?")[0])
    if not any(method in methods and _below(plain, prefix) for methods, prefix in rules_of(target.settings)):
        raise CallNotAllowed(
            _("%(method)s %(path)s is none of the endpoint's rules.") % {"method": method, "path": path}
        )
    if unknown := set(request) - {"method", "path", "query", "json"}:
        raise CallNotAllowed(_("There is no such part of a call: %(names)s.") % {"names": ", ".join(sorted(unknown))})
    query = request.get("query") or {}
    if not isinstance(query, Mapping):
        raise CallNotAllowed(_("A query is names and values."))
    if query:
        path += ("&" if "?" in path else "?") + urlencode({str(name): str(value) for name, value in query.items()})
    content = None if request.get("json") is None else json.dumps(request["json"]).encode()
    if content is not None and len(content) > _MOST_SENT:
        raise CallNotAllowed(_("At most %(n)s kB are sent.") % {"n": _MOST_SENT // 1024})
    headers = {"Accept": "application/json", "Idempotency-Key": target.idempotency_key, **_credentials(target)}
    if content is not None:
        headers["Content-Type"] = "application/json"
    answer = _exchange(target, method, path, content, headers)
    if answer.status in (401, 403):
        raise CallFailed(_("It answered %(status)s: our credentials are not accepted.") % {"status": answer.status},
                         retryable=False)  # fmt: skip
    if answer.status == 429 or answer.status >= 500:
        raise CallFailed(_("It answered %(status)s.") % {"status": answer.status}, unknown=answer.status >= 500)
    if 300 <= answer.status < 400:
        raise CallFailed(_("It answered %(status)s; redirects are not followed.") % {"status": answer.status},
                         retryable=False)  # fmt: skip
    return {"status": answer.status, **_body(answer)}


def _below(path: str, prefix: str) -> bool:
    """``/v1/ports`` covers itself and what lies below it, but not ``/v1/portscan``."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def _exchange(
    target: Target, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
) -> outbound.Answer:
    policy = outbound.Policy(target.policy.networks, _MOST_ANSWERED)
    try:
        with outbound.Session(
            str(target.settings["url"]), policy=policy, trusted_ca=str(target.settings.get("trusted_ca") or "")
        ) as session:
            return session.request(method, path, seconds=target.seconds, content=content, headers=headers)
    except outbound.Forbidden as error:
        raise CallNotAllowed(str(error)) from error
    except outbound.NoAnswer as error:
        raise CallFailed(str(error), unknown=error.sent and method not in _SAFE) from error


def _credentials(target: Target) -> dict[str, str]:
    auth, secret = target.settings.get("auth", "none"), target.secrets.get("secret", "")
    if auth == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if auth == "basic":
        pair = f"{target.secrets.get('user', '')}:{secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {str(target.settings["header"]): secret} if auth == "header" else {}


def _body(answer: outbound.Answer) -> dict[str, Any]:
    if not answer.content:
        return {"json": None}
    try:
        return {"json": json.loads(answer.content)}
    except (ValueError, RecursionError):
        return {"json": None, "text": answer.content[:20_000].decode(errors="replace")}


def changes(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return _method(request) not in _SAFE


def repeatable(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return _method(request) in _ONCE_BY_NATURE or bool(settings.get("honours_key"))


def test(target: Target) -> str:
    """Asks the first rule's beginning with GET or HEAD, whatever it answers."""
    prefix = next((prefix for methods, prefix in rules_of(target.settings) if set(methods) & set(_SAFE)), "/")
    answer = _exchange(target, "GET", prefix, None, {"Accept": "application/json", **_credentials(target)})
    if answer.status in (401, 403):
        raise CallFailed(_("It answered %(status)s: our credentials are not accepted.") % {"status": answer.status},
                         retryable=False)  # fmt: skip
    return _("It answered %(status)s.") % {"status": answer.status}


def sentence(request: Mapping[str, Any]) -> str:
    return f"{_method(request)} {str(request.get('path', '/')).partition('?')[0]}"


KIND = Kind("http", _("HTTP"), SETTINGS, SECRETS, call, changes, repeatable, check, test, sentence)
