"""Whether a choice of payment can be taken: by its form, and by what the realm's provider tells at once."""

from __future__ import annotations

from django.utils.translation import gettext as _

from subscribers import contact, ports
from subscribers.choices import PaymentMethod
from subscribers.contact import PaymentChoice


def faults(realm_id: int, payment: PaymentChoice, *, has_payer: bool = False) -> dict[str, list[str]]:
    """What is wrong with the payment, by field (``payment_method``, ``payment_token``). Asks no provider."""
    found = contact.payment_faults(payment, has_payer=has_payer)
    if found or payment.method != PaymentMethod.CARD or ports.may_be_card(realm_id, payment.token):
        return found
    return {"payment_token": [_("This card is not known to the payment provider. Please check it and try again.")]}
