"""PostgreSQL on other machines, through the one guard for what leaves the house (:mod:`boss.core.outbound`)."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from boss.core import outbound
from boss.core.outbound import Policy

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
) -> psycopg.Connection[dict[str, Any]]:
    """A connection over TCP whose statements end within ``seconds``; rows are dictionaries.

    Raises :class:`outbound.Forbidden`, :class:`outbound.NoAnswer` and :class:`psycopg.OperationalError`, whose words
    name user and host and never the password.
    """
    plain = tls != "verify-full"
    address = outbound.address_of(host, policy, plain=plain, seconds=seconds)
    milliseconds = max(1000, int(seconds * 1000))
    return psycopg.connect(
        host=host,
        hostaddr=address,
        port=port,
        dbname=database,
        user=user,
        password=password,
        sslmode=tls,
        connect_timeout=max(2, int(seconds)),
        application_name="boss",
        row_factory=dict_row,
        sslrootcert="system" if not plain else "",
        tcp_user_timeout=milliseconds,
        options=f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}"
        + (" -c default_transaction_read_only=on" if read_only else ""),
    )
