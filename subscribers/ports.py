"""What BOSS asks of a payment provider and of a credit bureau. An adapter per provider; the realm chooses.

Every call carries a key that stays the same when it is repeated: an adapter must answer a repeated key with the
first answer. A call that got no answer raises :class:`PortUnreachable`; then nothing is known, and asking again
with the same key is the way to find out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from boss.core.registry import Registry
from boss.tenancy import selectors as tenancy


@dataclass(frozen=True, slots=True)
class Authorization:
    """``reference`` is the provider's; ``reason`` says why not when it is not approved."""

    approved: bool
    reference: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CreditAnswer:
    approved: bool
    reference: str
    reason: str = ""


@runtime_checkable
class PaymentPort(Protocol):
    def preauthorize(self, *, token: str, amount: Decimal, currency: str, key: str) -> Authorization:
        """Hold ``amount`` on the card ``token`` stands for. Raises :class:`subscribers.errors.PortUnreachable`."""

    def void(self, *, key: str, reference: str) -> None:
        """Give back what was held under ``key``, if anything was; ``reference`` may be empty when it is unknown."""


@runtime_checkable
class KnowsTokens(Protocol):
    """What a payment adapter may offer besides: telling at once, without asking anybody, what is no card of its."""

    def knows(self, token: str) -> bool:
        """False only when ``token`` certainly stands for no card."""


@runtime_checkable
class CreditPort(Protocol):
    def check(self, *, full_name: str, email: str, address: str, key: str) -> CreditAnswer:
        """Whether this person may be served without a card. Raises :class:`subscribers.errors.PortUnreachable`."""


payment_ports: Registry[PaymentPort] = Registry("payment ports", PaymentPort)  # type: ignore[type-abstract]
credit_ports: Registry[CreditPort] = Registry("credit ports", CreditPort)  # type: ignore[type-abstract]

DEFAULT = "sandbox"


def payment_port(realm_id: int) -> PaymentPort:
    """The adapter the realm's setting ``payment_port`` names."""
    return payment_ports.get(tenancy.get_realm(realm_id).settings.get("payment_port", DEFAULT))


def may_be_card(realm_id: int, token: str) -> bool:
    """Whether ``token`` may stand for a card of the realm's provider. True, too, where only asking would tell."""
    port = payment_port(realm_id)
    return port.knows(token) if isinstance(port, KnowsTokens) else True


def credit_port(realm_id: int) -> CreditPort:
    """The adapter the realm's setting ``credit_port`` names."""
    return credit_ports.get(tenancy.get_realm(realm_id).settings.get("credit_port", DEFAULT))
