"""SQL for drivers whose server reads its settings from PostgreSQL: guarded, within the deadline, on the tape."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from django.utils.translation import gettext_noop as _
from psycopg.pq import TransactionStatus

from boss.core import outbound, outbound_sql
from boss.core.kept import Kept
from boss.core.schema import Characteristic
from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable

Cursor = psycopg.Cursor[dict[str, Any]]
Values = Mapping[str, Any]
T = TypeVar("T")

MOST_AT_ONCE = 500
"""Objects that one statement reads."""
_MASK = "•••"
_MOST_NOTED = 20
_SLACK_SECONDS = 0.25
"""By how much a statement may outlast the deadline before the database is told the shorter time that is left."""
_RETRY = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)
_REFUSED = (
    psycopg.errors.InvalidPassword,
    psycopg.errors.InvalidAuthorizationSpecification,
    psycopg.errors.InsufficientPrivilege,
)
_IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
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
    """Transactions on one server's PostgreSQL, over one connection: one that was kept, else one that is opened."""

    def __init__(
        self,
        given: Mapping[str, Any],
        password: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
        prefix: str = "sql_",
        owner: tuple[int, int] | None = None,
    ) -> None:
        """``owner``: for whom (see :attr:`Connection.owner`); the connection is then kept for the owner's next call."""
        self._given = {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}
        self._password = password
        self._deadline = deadline
        self._networks = networks
        self._note = note
        self._owner = owner
        self._held: Kept[psycopg.Connection[dict[str, Any]]] | None = None
        self._told = 0.0

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """One transaction, committed at the end of the block and rolled back by whatever is raised in it.

        Raises Unreachable (``outcome_unknown`` when the connection broke during the commit), AuthFailed, Transient
        for a deadlock and the like, Invalid for values the database does not take.
        """
        connection = self._begun()
        committing = False
        try:
            with connection.cursor() as cursor:
                yield cursor
            committing = True
            connection.commit()
        except psycopg.Error as error:
            self._give_up()
            raise _translated(error, committing=committing) from error
        except BaseException:
            self._roll_back()
            raise

    def read(self, statement: str, values: Values | None = None, *, hide: Collection[str] = ()) -> list[dict[str, Any]]:
        """One statement that only reads, in one exchange instead of three. Raises as :meth:`transaction`.

        Where the connection was kept and turns out to be dead it is asked again over a new one: it changes nothing.
        """
        while self._deadline.seconds - self._left() < _SLACK_SECONDS:  # else the database must be told what is left
            connection, is_new = self._ready()
            self._told = self._deadline.left
            try:
                with connection.cursor() as cursor:
                    return self.run(cursor, statement, values, hide=hide)
            except psycopg.Error as error:
                is_dead = bool(connection.closed)
                self._give_up()
                if is_new or not is_dead:
                    raise _translated(error, committing=False) from error
            except BaseException:
                self._give_up()
                raise
        with self.transaction() as cursor:
            return self.run(cursor, statement, values, hide=hide)

    def run(
        self, cursor: Cursor, statement: str, values: Values | None = None, *, hide: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """One statement; its rows, if it gives any. ``hide`` names values that are not for the record."""
        started = time.monotonic()
        words = " ".join(statement.split())
        shown = {key: _MASK if key in hide else _plain(value) for key, value in (values or {}).items()}
        try:
            left = self._left()
            if left < self._told - _SLACK_SECONDS:
                cursor.execute(f"SET LOCAL {_limit(left)}".encode(), prepare=False)
                self._told = left
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
        """Be done with the connection. May be called twice."""
        held, self._held = self._held, None
        if held is None:
            return
        if self._owner is None:
            held.connection.close()
        else:
            outbound_sql.lay_back(held)

    def _begun(self) -> psycopg.Connection[dict[str, Any]]:
        """A connection in a transaction. A kept one that is dead shows it here, where nothing is lost."""
        while True:
            left = self._left()
            connection, is_new = self._ready()
            started = time.monotonic()
            try:
                connection.execute(f"BEGIN; SET LOCAL {_limit(left)}".encode(), prepare=False)
            except psycopg.Error as error:
                self._give_up()
                if is_new or not isinstance(error, psycopg.OperationalError):
                    self._note({"sql": "BEGIN"}, {"error": _first_line(error)}, started)
                    raise _translated(error, committing=False) from error
            else:
                self._told = left
                return connection

    def _ready(self) -> tuple[psycopg.Connection[dict[str, Any]], bool]:
        """A connection to use, and whether it was opened just now."""
        if self._held is None and self._owner is not None:
            self._held = outbound_sql.take(self._place(), self._password)
        return (self._opened(), True) if self._held is None else (self._held.connection, False)

    def _opened(self) -> psycopg.Connection[dict[str, Any]]:
        started, place = time.monotonic(), self._place()
        try:
            self._held = outbound_sql.open_new(place, self._password, within=self._deadline.left)
        except outbound.Forbidden as error:
            raise Invalid(f"{error}; the platform operator can allow it", host=place.host) from error
        except outbound.NoAnswer as error:
            raise Unreachable(str(error)) from error
        except psycopg.OperationalError as error:
            words = _first_line(error)
            self._note({"connect": f"{place.host}/{place.database}"}, {"error": words}, started)
            if any(sign in words for sign in _AUTH_WORDS):
                raise AuthFailed(words) from error
            raise Unreachable(words) from error
        return self._held.connection

    def _place(self) -> outbound_sql.Place:
        given = self._given
        return outbound_sql.Place(
            owner=self._owner or (0, 0),
            host=str(given["host"]),
            port=int(given.get("port") or 5432),
            database=str(given["database"]),
            user=str(given["user"]),
            tls=str(given.get("tls") or "verify-full"),
            networks=self._networks,
            seconds=self._deadline.seconds,
        )

    def _left(self) -> float:
        if self._deadline.passed:
            raise Unreachable("no time left")
        return self._deadline.left

    def _roll_back(self) -> None:
        """Take back what was done, where the connection is fit for it; one that waits for an answer is not."""
        try:
            if self._held is not None and self._held.connection.info.transaction_status in _IN_TRANSACTION:
                self._held.connection.rollback()
                return
        except psycopg.Error:
            pass  # it is not to be used again
        self._give_up()

    def _give_up(self) -> None:
        if self._held is not None:
            self._held.connection.close()
        self._held = None


def _limit(seconds: float) -> str:
    return f"statement_timeout = {max(1, int(seconds * 1000))}"


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
