"""Payment and credit without money or bureau: for practice realms, demos and tests.

The answer is a function of what is asked, so a repeated key gets the first answer, in any process.
Tokens: ``tok_ok`` is approved, ``tok_declined`` declined, ``tok_down`` never answers; any other is no card.
Credit: people whose last name is Declined are refused; Unreachable never gets an answer.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

from subscribers.errors import PortUnreachable
from subscribers.normalise import name_words
from subscribers.ports import Authorization, CreditAnswer

APPROVED, DECLINED, SILENT = "tok_ok", "tok_declined", "tok_down"


class SandboxPayment:
    def knows(self, token: str) -> bool:
        return token in (APPROVED, DECLINED, SILENT)

    def preauthorize(self, *, token: str, amount: Decimal, currency: str, key: str) -> Authorization:
        if token == SILENT:
            raise PortUnreachable
        if token == APPROVED:
            return Authorization(True, _reference("auth", key))
        reason = "Insufficient funds." if token == DECLINED else "Unknown card."
        return Authorization(False, _reference("auth", key), reason)

    def void(self, *, key: str, reference: str) -> None:
        """Nothing was held anywhere, so nothing is left."""


class SandboxCredit:
    def check(self, *, full_name: str, email: str, address: str, key: str) -> CreditAnswer:
        last = (name_words(full_name) or [""])[-1]
        if last == "unreachable":
            raise PortUnreachable
        if last == "declined":
            return CreditAnswer(False, _reference("credit", key), "Unpaid bills elsewhere.")
        return CreditAnswer(True, _reference("credit", key))


def _reference(kind: str, key: str) -> str:
    return f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
