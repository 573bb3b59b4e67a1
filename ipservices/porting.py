"""What BOSS asks of a clearing house that moves telephone numbers between providers. The realm chooses the adapter.

Every call that changes something carries a key that stays the same when it is repeated, and a repeated key gets the
first answer. A call that got no answer raises :class:`ipservices.errors.PortingUnreachable`: ask again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from boss.core.registry import Registry
from boss.tenancy import selectors as tenancy


@dataclass(frozen=True, slots=True)
class PortAnswer:
    """Where a request stands. ``firm_on`` is the firm order commitment (FOC): the day the number comes."""

    state: Literal["pending", "rejected", "confirmed"]
    code: str = ""
    reason: str = ""
    firm_on: dt.date | None = None


@runtime_checkable
class PortingPort(Protocol):
    def submit(
        self, *, number: str, losing_carrier: str, account_number: str, pin: str, key: str, replaces: str = ""
    ) -> str:
        """Ask the losing carrier to let the number go. Gives the clearing house's reference.

        ``replaces`` is the reference of a rejected request that this one corrects.
        """

    def status(self, *, reference: str) -> PortAnswer:
        """What the losing carrier has said so far."""

    def activate(self, *, reference: str, key: str) -> None:
        """The number is ours from now on: calls are routed here."""

    def give_back(self, *, reference: str, key: str) -> None:
        """Undo of :meth:`activate`: calls are routed to the losing carrier again."""

    def cancel(self, *, reference: str, key: str) -> None:
        """Withdraw what was submitted under ``key``, and the request ``reference`` if one is known; content when there
        is none."""


porting_ports: Registry[PortingPort] = Registry("porting ports", PortingPort)  # type: ignore[type-abstract]

DEFAULT = "sandbox"


def porting_port(realm_id: int) -> PortingPort:
    """The adapter the realm's setting ``porting_port`` names."""
    return porting_ports.get(tenancy.get_realm(realm_id).settings.get("porting_port", DEFAULT))
