"""SQL for drivers whose server reads its settings from PostgreSQL: guarded, within the deadline, on the tape."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from django.utils.translation import gettext_noop as _

from boss.core import outbound, outbound_sql
from boss.core.outbound import Policy
from boss.core.schema import Characteristic
from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable

Cursor = psycopg.Cursor[dict[str, Any]]
Values = Mapping[str, Any]
T = TypeVar("T")

MOST_AT_ONCE = 500
"""Objects that one statement reads."""
_MASK = "•••"
_MOST_NOTED = 20
_RETRY = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
_REFUSED = (
    psycopg.errors.InvalidPassword,
    psycopg.errors.InvalidAuthorizationSpecification,
    psycopg.errors.InsufficientPrivilege,
)
_AUTH_WORDS = ("password authentication failed", "no password supplied", "authentication failed", "does not exist")


def settings(prefix: str = "sql_", *, database: str = "") -> tuple[Characteristic, ...]:
    """What a binding says of the server's database; its password is the secret ``<prefix>password``."""
    return (
        Characteristic(f"{prefix}host", label=_("Database host"), required=True, max_length=253),
        Characteristic(f"{prefix}port", "integer", label=_("Database port"), default=5432, minimum=1, maximum=65535),
        Characteristic(
            f"{prefix}database", label=_("Database name"), required=not database, default=database, max_length=63
        ),
        Characteristic(f"{prefix}user", label=_("Database user"), required=True, max_length=63),
        Characteristic(
            f"{prefix}tls", "choice", label=_("Database encryption"), default="verify-full", choices=(
                ("verify-full", _("TLS, certificate checked")),
                ("require", _("TLS, whoever answers (allowed networks only)")),
                ("disable", _("none (allowed networks only)")),
            ),
        ),
    )  # fmt: skip


def secret(prefix: str = "sql_") -> Characteristic:
    """The password that goes with :func:`settings`."""
    return Characteristic(f"{prefix}password", "secret", label=_("Database password"), required=True)


def parts(many: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as one statement is asked for."""
    for place in range(0, len(many), MOST_AT_ONCE):
        yield many[place : place + MOST_AT_ONCE]


class SqlTransport:
    """Transactions on one server's PostgreSQL, over one connection that is made when it is first needed."""

    def __init__(
        self,
        given: Mapping[str, Any],
        password: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
        prefix: str = "sql_",
    ) -> None:
        self._given = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
        self._password = password
        self._deadline = deadline
        self._networks = networks
        self._note = note
        self._connection: psycopg.Connection[dict[str, Any]] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """One transaction, committed at the end of the block and rolled back by whatever is raised in it.

        Raises Unreachable (``outcome_unknown`` when the connection broke during the commit), AuthFailed, Transient
        for a deadlock and the like, Invalid for values the database does not take.
        """
        connection = self._open()
        committing = False
        try:
            with connection.cursor() as cursor:
                yield cursor
            committing = True
            connection.commit()
        except BaseException as error:
            self._give_up(connection)
            if isinstance(error, psycopg.Error):
                raise _translated(error, committing=committing) from error
            raise

    def run(
        self, cursor: Cursor, statement: str, values: Values | None = None, *, hide: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """One statement; its rows, if it gives any. ``hide`` names values that are not for the record."""
        started = time.monotonic()
        words = " ".join(statement.split())
        shown = {key: _MASK if key in hide else _plain(value) for key, value in (values or {}).items()}
        try:
            left = max(1, int(self._deadline.left * 1000))
            if self._deadline.passed:
                raise Unreachable("no time left")
            cursor.execute(f"SET LOCAL statement_timeout = {left}".encode())
            cursor.execute(statement.encode(), values or None)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self._note({"sql": words, "values": shown}, {"error": _first_line(error)}, started)
            raise
        answer: dict[str, Any] = {"count": max(0, cursor.rowcount)}
        if rows:
            answer["rows"] = [
                {key: _MASK if key in hide else _plain(value) for key, value in row.items()}
                for row in rows[:_MOST_NOTED]
            ]
        self._note({"sql": words, "values": shown}, answer, started)
        return rows

    def many(self, cursor: Cursor, statement: str, rows: Sequence[Values], *, hide: Collection[str] = ()) -> None:
        """The same statement for each of ``rows``."""
        for values in rows:
            self.run(cursor, statement, values, hide=hide)

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._connection is not None:
            self._give_up(self._connection)

    def _open(self) -> psycopg.Connection[dict[str, Any]]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        started, given = time.monotonic(), self._given
        host = str(given["host"])
        try:
            self._connection = outbound_sql.connect(
                host=host,
                port=int(given.get("port") or 5432),
                database=str(given["database"]),
                user=str(given["user"]),
                password=self._password,
                tls=str(given.get("tls") or "verify-full"),
                policy=Policy(self._networks),
                seconds=self._deadline.left,
            )
        except outbound.Forbidden as error:
            raise Invalid(f"{error}; the platform operator can allow it", host=host) from error
        except outbound.NoAnswer as error:
            raise Unreachable(str(error)) from error
        except psycopg.OperationalError as error:
            words = _first_line(error)
            self._note({"connect": f"{host}/{given['database']}"}, {"error": words}, started)
            if any(sign in words for sign in _AUTH_WORDS):
                raise AuthFailed(words) from error
            raise Unreachable(words) from error
        return self._connection

    def _give_up(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        connection.close()
        self._connection = None


def _translated(error: psycopg.Error, *, committing: bool) -> Exception:
    words = _first_line(error)
    if isinstance(error, _RETRY):
        return Transient(words)
    if isinstance(error, _REFUSED):
        return AuthFailed(words)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Transient(words)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unreachable(words, outcome_unknown=committing)
    return Invalid(words)


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else str(value)
