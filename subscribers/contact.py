"""Who orders and how they pay: values as they come from a form, and their checks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from subscribers.choices import PaymentMethod
from subscribers.normalise import name_words, phone_digits


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """A person as typed. Field names are those of the forms and of the API."""

    full_name: str
    email: str
    phone: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PaymentChoice:
    """``method`` is ``card`` or ``cash``, or ``owner`` where somebody else pays. ``token`` stands for the card at the
    payment provider; never a number."""

    method: str
    token: str = ""


def faults(contact: ContactDetails) -> dict[str, list[str]]:
    """What is wrong with the details, by field; empty when all is well."""
    found: dict[str, list[str]] = {}
    if not name_words(contact.full_name):
        found["full_name"] = [_("Enter a name.")]
    elif len(contact.full_name.strip()) > 120:
        found["full_name"] = [_("Enter at most 120 characters.")]
    try:
        validate_email(contact.email.strip())
    except ValidationError:
        found["email"] = [_("Enter an e-mail address, for instance name@example.com.")]
    if not _is_phone(contact.phone):
        found["phone"] = [_("Enter a phone number with area code, for instance +1 555 555 0100.")]
    return found


def payment_faults(payment: PaymentChoice, *, has_payer: bool = False) -> dict[str, list[str]]:
    """What is wrong with the payment, by field. That the owner pays is said by the house, never by a customer."""
    owner_pays = payment.method == PaymentMethod.OWNER
    if payment.method not in PaymentMethod.values or owner_pays != has_payer:
        return {"payment_method": [_("Choose how to pay.")]}
    if payment.method == PaymentMethod.CARD and not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", payment.token):
        return {"payment_token": [_("The card could not be read. Please enter it again.")]}
    return {}


def tidied(contact: ContactDetails) -> ContactDetails:
    """The details as they are stored. Raises :class:`InvalidInput`."""
    found = faults(contact)
    if found:
        raise InvalidInput(fields=found)
    return replace(
        contact,
        full_name=" ".join(contact.full_name.split()),
        email=contact.email.strip(),
        phone=f"{'+' if contact.phone.strip().startswith('+') else ''}{phone_digits(contact.phone)}",
    )


def _is_phone(text: str) -> bool:
    """E.164 in any usual spelling: 7 to 15 digits, an optional + in front, separators between."""
    if not re.fullmatch(r"\+?[0-9 ().\-/]{7,30}", text.strip()):
        return False
    return 7 <= len(re.sub(r"\D", "", text)) <= 15
