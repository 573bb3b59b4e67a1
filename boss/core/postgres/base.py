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
_NARROW = (
    f"{_PUSH}, set_config('boss.user_id', %s, true), set_config('boss.organization_ids', %s, true),"
    " set_config('boss.site_ids', %s, true), set_config('boss.building_ids', %s, true),"
    " set_config('boss.reads', %s, true),"
    " set_config('role', 'boss_portal', true)"
)
_WIDEN = f"{_PUSH}, set_config('role', 'none', true)"


def _reach(customer: scoping.Customer) -> tuple[str, ...]:
    many = [
        ",".join(map(str, numbers)) for numbers in (customer.organization_ids, customer.site_ids, customer.building_ids)
    ]
    return ("" if customer.user_id is None else str(customer.user_id), *many, ",".join(customer.reads))


class OutsideTransaction(RuntimeError):
    """The application role ran SQL with no transaction open; wrap the work in ``scoping.realm_transaction``."""


def _inside_transaction_only(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if not context["connection"].in_atomic_block:
        raise OutsideTransaction(sql[:120])
    return execute(sql, params, many, context)


class DatabaseWrapper(base.DatabaseWrapper):
    narrowed = False

    @property
    def walled(self) -> bool:
        return bool(self.settings_dict["USER"] == "boss_app")

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.walled:
            self.narrowed = False  # a role set for one transaction ended with it
            self.push_scope()

    def push_scope(self) -> None:
        """Tell Postgres the current scope, for this transaction only."""
        scope = scoping.current()
        realm = "" if scope is None or scope.realm_id is None else str(scope.realm_id)
        said = (realm, "" if scope is None else scope.actor)
        customer = None if scope is None else scope.customer
        with self.wrap_database_errors:
            if customer is not None:
                self.connection.execute(_NARROW, (*said, *_reach(customer)))
            else:
                self.connection.execute(_WIDEN if self.narrowed else _PUSH, said)
        # Never forgotten within a transaction: a savepoint rolled back brings an earlier role back.
        self.narrowed = self.narrowed or customer is not None

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if self.walled and _inside_transaction_only not in self.execute_wrappers:
            self.execute_wrappers.append(_inside_transaction_only)
