"""The subscriber's side of a simulated server: what a mail program, a telephone or a set-top box would find.

The conformance kit and the demo prove with it that a door is open or shut; nothing here is a driver's business.
"""

from __future__ import annotations

from typing import Any

from ipservices.drivers.simulator import store
from ipservices.families import kinds
from ipservices.models import SimulatedObject

OUTGOING_DOORS = frozenset({"outgoing", "submit"})


def can_use(realm_id: int, server_name: str, full_kind: str, name: str, door: str = "") -> bool:
    """Whether the subscriber gets through ``door`` (one of the kind's switches; empty: the service as such)."""
    with store.request(realm_id, server_name) as server:
        if server.faults.get("down") or server.faults.get("service_dead"):
            return False
        row = store.find(server, full_kind, name)
        if row is None or row.restriction in ("blocked", "walled"):
            return False
        if row.restriction == "outgoing_barred" and door in OUTGOING_DOORS:
            return False
        return door not in row.switched_off


def open_session(realm_id: int, server_name: str, full_kind: str, name: str, *, amount: int = 1000) -> bool:
    """Use the service and stay connected; every counter of the kind moves by ``amount``."""
    if not can_use(realm_id, server_name, full_kind, name):
        return False
    with store.request(realm_id, server_name) as server:
        row = store.find(server, full_kind, name, lock=True)
        if row is None:
            return False
        kind = kinds.get(full_kind)
        row.sessions += int(kind.has_sessions)
        row.counters = {metric: row.counters.get(metric, 0) + amount for metric in kind.metrics}
        row.save(update_fields=["sessions", "counters"])
    return True


def sessions(realm_id: int, server_name: str, full_kind: str, name: str) -> int:
    """Live sessions of an object."""
    with store.request(realm_id, server_name) as server:
        row = store.find(server, full_kind, name)
        return row.sessions if row is not None else 0


def restart(realm_id: int, server_name: str) -> None:
    """The server restarts: sessions are gone, counters begin at zero."""
    with store.request(realm_id, server_name) as server:
        server.objects_held.update(sessions=0, counters={})  # type: ignore[attr-defined]


def tamper(realm_id: int, server_name: str, full_kind: str, name: str, attributes: dict[str, object]) -> None:
    """Somebody changes the object past BOSS."""
    with store.request(realm_id, server_name) as server:
        row = store.find(server, full_kind, name, lock=True)
        if row is not None:
            row.attributes = {**row.attributes, **attributes}
            row.save(update_fields=["attributes"])


def plant(realm_id: int, server_name: str, full_kind: str, name: str, service_ref: str, **attributes: Any) -> None:
    """Something stands on the server that BOSS did not make: what was left over, or somebody else's."""
    with store.request(realm_id, server_name) as server:
        SimulatedObject.objects.create(
            server=server, full_kind=full_kind, name=name, service_ref=service_ref, attributes=attributes
        )


def lose(realm_id: int, server_name: str, full_kind: str, name: str) -> None:
    """The object is gone from the server, past BOSS."""
    with store.request(realm_id, server_name) as server:
        server.objects_held.filter(full_kind=full_kind, name=name).delete()  # type: ignore[attr-defined]
