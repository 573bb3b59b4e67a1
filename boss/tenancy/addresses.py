"""Which addresses customers may not sign in with: the rooms above register their reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from boss.core.problems import InvalidInput
from boss.core.registry import Registry
from boss.tenancy.models import User


@dataclass(frozen=True, slots=True)
class AddressRule:
    """``refuses`` is asked with the address in lower case, inside the realm; it gives the reason in words, or ""."""

    key: str
    refuses: Callable[[str], str]


address_rules: Registry[AddressRule] = Registry("address rules", AddressRule)


def refusal(email: str, kind: str) -> str:
    """Why a person of this kind may not have this address; "" where nothing speaks against it. Staff may have any."""
    if kind == User.Kind.STAFF:
        return ""
    plain = email.strip().lower()
    return next((said for _key, rule in address_rules if (said := rule.refuses(plain))), "")


def refuse(email: str, kind: str) -> None:
    """Raises :class:`InvalidInput` with the field ``email``."""
    said = refusal(email, kind)
    if said:
        raise InvalidInput(fields={"email": [said]})
