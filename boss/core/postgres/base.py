"""Django's PostgreSQL backend with the second wall: the realm is set as the first statement of every transaction.

``set_config(…, is_local => true)`` ends with the transaction, so nothing leaks through a connection pool. SQL of
the application role outside a transaction would run without a realm and is therefore refused loudly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from boss.core import scoping

_PUSH = "SELECT set_config('boss.realm_id', %s, true), set_config('boss.actor', %s, true)"


class OutsideTransaction(RuntimeError):
    """The application role ran SQL with no transaction open; wrap the work in ``scoping.realm_transaction``."""


def _inside_transaction_only(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if not context["connection"].in_atomic_block:
        raise OutsideTransaction(sql[:120])
    return execute(sql, params, many, context)


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def walled(self) -> bool:
        return bool(self.settings_dict["USER"] == "boss_app")

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.walled:
            self.push_scope()

    def push_scope(self) -> None:
        """Tell Postgres the current scope, for this transaction only."""
        scope = scoping.current()
        realm = "" if scope is None or scope.realm_id is None else str(scope.realm_id)
        with self.wrap_database_errors:
            self.connection.execute(_PUSH, (realm, "" if scope is None else scope.actor))

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if self.walled and _inside_transaction_only not in self.execute_wrappers:
            self.execute_wrappers.append(_inside_transaction_only)
