"""SQL: named statements on somebody else's PostgreSQL. A script says which and with what values, never the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from django.utils.translation import gettext as _

from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallFailed, CallNotAllowed
from boss.core import outbound, outbound_sql
from boss.core.schema import Characteristic

_MOST_ROWS = 500
_NAMED = re.compile(r"^--\s*name:\s*([a-z][a-z0-9_]{0,39})(\s+\(reads\))?\s*$")
_PARAMETER = re.compile(r"%\(([a-z][a-z0-9_]*)\)s")
_PLAIN = (str, int, float, bool, type(None))

SETTINGS = (
    Characteristic("host", label=_("Host"), required=True, max_length=253),
    Characteristic("port", "integer", label=_("Port"), default=5432, minimum=1, maximum=65535),
    Characteristic("database", label=_("Database"), required=True, max_length=63),
    Characteristic("user", label=_("User"), required=True, max_length=63),
    Characteristic("tls", "choice", label=_("Encryption"), default="verify-full", choices=(
        ("verify-full", _("TLS, certificate checked")),
        ("require", _("TLS, whoever answers (allowed networks only)")),
        ("disable", _("none (allowed networks only)")))),
    Characteristic("statements", "long_text", label=_("Statements"), required=True, max_length=20_000,
                   help=_("Each below a line “-- name: find_port (reads)”; “(reads)” for what changes "
                                     "nothing. Values as %(port)s.")),
)  # fmt: skip
SECRETS = (Characteristic("password", "secret", label=_("Password"), max_length=1000),)


def statements_of(settings: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """Statements by name: text, and whether it only reads. Raises ValueError with what is wrong."""
    found: dict[str, tuple[str, bool]] = {}
    name, reads, lines = "", False, []  # type: ignore[var-annotated]
    for line in [*str(settings.get("statements", "")).splitlines(), "-- name: end"]:
        heading = _NAMED.match(line.strip())
        if heading is None:
            lines.append(line)
            continue
        text = "\n".join(lines).strip().rstrip(";").strip()
        if name and text:
            found[name] = (text, reads)
        elif name or text:
            raise ValueError(name or text[:40])
        if heading[1] in found:
            raise ValueError(heading[1])
        name, reads, lines = heading[1], bool(heading[2]), []
    return found


def check(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    try:
        found = statements_of(settings)
    except ValueError as error:
        return {"statements": [_("Every statement stands below a line with its own name: %(what)s") % {"what": error}]}
    if not found:
        return {"statements": [_("At least one statement: nothing may be asked otherwise.")]}
    for name, (text, _reads) in found.items():
        if "%" in _PARAMETER.sub("", text).replace("%%", ""):
            return {"statements": [_("%(name)s: values are written %%(name)s, a percent sign %%%%.") % {"name": name}]}
    return {}


def _asked(settings: Mapping[str, Any], request: Mapping[str, Any]) -> tuple[str, bool, dict[str, Any]]:
    found = statements_of(settings).get(str(request.get("statement")))
    if found is None:
        raise CallNotAllowed(_("The endpoint has no statement “%(name)s”.") % {"name": request.get("statement")})
    values = request.get("values") or {}
    wanted = set(_PARAMETER.findall(found[0]))
    if not isinstance(values, Mapping) or set(values) != wanted:
        raise CallNotAllowed(
            _("The statement takes the values %(names)s.") % {"names": ", ".join(sorted(wanted)) or "–"}
        )
    if not all(isinstance(value, _PLAIN) for value in values.values()):
        raise CallNotAllowed(_("A value is a text, a number, true, false or null."))
    return found[0], found[1], dict(values)


def _connect(target: Target, *, reads: bool) -> psycopg.Connection[dict[str, Any]]:
    settings = target.settings
    try:
        return outbound_sql.connect(
            host=str(settings["host"]), port=int(settings.get("port") or 5432), database=str(settings["database"]),
            user=str(settings["user"]), password=target.secrets.get("password", ""),
            tls=str(settings.get("tls") or "verify-full"), policy=target.policy, seconds=target.seconds,
            read_only=reads,
        )  # fmt: skip
    except outbound.Forbidden as error:
        raise CallNotAllowed(str(error)) from error
    except outbound.NoAnswer as error:
        raise CallFailed(str(error)) from error
    except psycopg.OperationalError as error:
        # Its words name user and host, and never the password.
        raise CallFailed(str(error).splitlines()[0][:300]) from error


def call(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """``statement`` and its ``values``. Gives ``rows`` (at most 500) and ``count``."""
    text, reads, values = _asked(target.settings, request)
    connection = _connect(target, reads=reads)
    committing = False
    try:
        with connection.cursor() as cursor:
            cursor.execute(text.encode(), values)
            rows = cursor.fetchmany(_MOST_ROWS + 1) if cursor.description else []
            if len(rows) > _MOST_ROWS:
                raise CallFailed(_("It gives more than %(n)s rows.") % {"n": _MOST_ROWS}, retryable=False)
            count = cursor.rowcount
            committing = True
            connection.commit()
    except psycopg.OperationalError as error:
        raise CallFailed(str(error).splitlines()[0][:300], unknown=committing and not reads) from error
    except psycopg.Error as error:
        raise CallFailed(str(error).splitlines()[0][:300], retryable=False) from error
    finally:
        connection.close()
    return {"rows": [{name: _json(value) for name, value in row.items()} for row in rows], "count": max(0, count)}


def _json(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


def changes(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return not statements_of(settings).get(str(request.get("statement")), ("", False))[1]


def repeatable(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return False


def test(target: Target) -> str:
    connection = _connect(target, reads=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version() AS version")
            row = cursor.fetchone() or {}
    finally:
        connection.close()
    return str(row.get("version", ""))[:80]


def sentence(request: Mapping[str, Any]) -> str:
    return str(request.get("statement", ""))[:60]


KIND = Kind("sql", _("SQL (PostgreSQL)"), SETTINGS, SECRETS, call, changes, repeatable, check, test, sentence)
