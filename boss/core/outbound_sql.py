"""PostgreSQL on other machines, through the one guard for what leaves the house (:mod:`boss.core.outbound`)."""

from __future__ import annotations

import select
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from boss.core import kept, outbound
from boss.core.kept import Kept, Shelf
from boss.core.outbound import Policy

Row = dict[str, Any]

_ENDS_IDLE_SESSIONS = 140000

TLS = ("verify-full", "require", "disable")
"""Certificate checked against the public authorities; encrypted, whoever answers; in clear. The last two need a
network that the operator of the installation listed."""


def connect(
    *,
    host: str,
    port: int,
    database: str,
    user: str,
    password: str,
    tls: str,
    policy: Policy,
    seconds: float,
    read_only: bool = False,
    open_within: float | None = None,
) -> psycopg.Connection[dict[str, Any]]:
    """A connection over TCP whose statements end within ``seconds``; rows are dictionaries.

    ``open_within``: how long opening it may take, where that is another time.

    Raises :class:`outbound.Forbidden`, :class:`outbound.NoAnswer` and :class:`psycopg.OperationalError`, whose words
    name user and host and never the password.
    """
    plain = tls != "verify-full"
    patience = seconds if open_within is None else open_within
    address = outbound.address_of(host, policy, plain=plain, seconds=patience)
    milliseconds = max(1000, int(seconds * 1000))
    return psycopg.connect(
        host=host,
        hostaddr=address,
        port=port,
        dbname=database,
        user=user,
        password=password,
        sslmode=tls,
        connect_timeout=max(2, int(patience)),
        application_name="boss",
        row_factory=dict_row,
        sslrootcert="system" if not plain else "",
        tcp_user_timeout=milliseconds,
        options=f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}"
        + (" -c default_transaction_read_only=on" if read_only else ""),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A database and who asks there: everything a connection is made of, so that one made of another is not used.

    ``owner`` says for whom (realm and binding); ``seconds`` is the deadline of a whole call.
    """

    owner: tuple[int, int]
    host: str
    port: int
    database: str
    user: str
    tls: str
    networks: tuple[str, ...]
    seconds: float


def take(place: Place, password: str) -> Kept[psycopg.Connection[Row]] | None:
    """A connection to the place that this process kept; None when a new one has to be opened."""
    return _shelf.take(kept.key_of(place, password))


def open_new(place: Place, password: str, *, within: float) -> Kept[psycopg.Connection[Row]]:
    """A new connection to the place, through the guard, that begins its transactions itself. Raises as connect."""
    connection = connect(
        host=place.host,
        port=place.port,
        database=place.database,
        user=place.user,
        password=password,
        tls=place.tls,
        policy=Policy(place.networks),
        seconds=place.seconds,
        open_within=within,
    )
    connection.autocommit = True
    if connection.info.server_version >= _ENDS_IDLE_SESSIONS:
        # A process that has nothing more to do looks at its shelf no more: then the server ends what lies there.
        connection.execute(f"SET idle_session_timeout = {int(2000 * kept.IDLE_SECONDS)}".encode())
    return Kept.new(connection, kept.key_of(place, password))


def lay_back(one: Kept[psycopg.Connection[Row]]) -> None:
    """Keep the connection for the next; one that is not at rest is closed."""
    if _is_sound(one.connection):
        _shelf.lay_back(one)
    else:
        one.connection.close()


def _is_sound(connection: psycopg.Connection[Row]) -> bool:
    """At rest, and nothing has come from the server: what comes unasked is its good-bye."""
    if connection.closed or connection.info.transaction_status is not TransactionStatus.IDLE:
        return False
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return not waiting.poll(0)


_shelf: Shelf[psycopg.Connection[Row]] = Shelf(close=lambda connection: connection.close(), is_sound=_is_sound)
