"""What a realm asks of those who sign in: how long a session lasts, and which roles need a second factor.

Kept in ``Realm.settings["sign_in"]``; the house's own limits are the most a realm may allow.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from boss.tenancy import selectors
from boss.tenancy.models import Realm

KEY = "sign_in"
PLATFORM_OPERATOR = "platform_operator"
"""Stands for the people of the platform's realm, who hold no role."""

REAUTHENTICATION = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session lives without a visit, and at most."""

    idle: dt.timedelta
    absolute: dt.timedelta


_CUSTOMERS = Lasting(dt.timedelta(days=14), dt.timedelta(days=90))
LONGEST = {
    "staff": Lasting(dt.timedelta(minutes=30), dt.timedelta(hours=12)),
    "subscriber": _CUSTOMERS,
    "contact": _CUSTOMERS,
}
"""By kind of user. Contacts of organizations are customers' people at desks of their own (ADR 0113)."""


def lasting(realm_id: int, kind: str) -> Lasting:
    """The limits for ``kind`` (of :data:`LONGEST`) in the realm: its own where they are tighter.

    Where a realm sets none for contacts, they have what it set for subscribers. A kind nobody knows lasts shortest.
    """
    longest = LONGEST.get(kind, LONGEST["staff"])
    minutes = _rules(selectors.get_realm(realm_id)).get("minutes", {})
    own = minutes.get(kind, {})
    if kind == "contact":
        own = {**minutes.get("subscriber", {}), **own}
    return Lasting(_tighter(own.get("idle"), longest.idle), _tighter(own.get("absolute"), longest.absolute))


def roles_with_second_factor(realm_id: int) -> frozenset[str]:
    """Keys of the roles whose holders must have a second factor."""
    return frozenset(_rules(selectors.get_realm(realm_id)).get("second_factor_roles", []))


def _rules(realm: Realm) -> dict[str, Any]:
    rules = realm.settings.get(KEY, {})
    return rules if isinstance(rules, dict) else {}


def _tighter(minutes: Any, longest: dt.timedelta) -> dt.timedelta:
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
        return longest
    return min(dt.timedelta(minutes=minutes), longest)
