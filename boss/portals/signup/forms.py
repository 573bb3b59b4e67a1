"""The questions of sign-up. They check what was typed; what may be sold to whom is decided by the rooms below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from boss.tenancy import addresses
from boss.tenancy.models import User
from subscribers import contact, payment
from subscribers.contact import ContactDetails, PaymentChoice


def looks_like_card_number(text: str) -> bool:
    """13 to 19 digits that satisfy the Luhn check: a real card number, which must not come near our memory."""
    digits = re.sub(r"[ \-]", "", text)
    if not re.fullmatch(r"[0-9]{13,19}", digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def contact_details(typed: dict[str, Any]) -> ContactDetails:
    """The three contact fields as the subscribers' room takes them."""
    return ContactDetails(*(str(typed.get(name, "")) for name in ("full_name", "email", "phone")))


class AddressForm(BossForm):
    address = forms.CharField(
        label=_("Street address"),
        help_text=_("Number and street, and the unit if there is one. For example: 14 Elm St, Unit 3"),
        max_length=200,
        error_messages={
            "required": _("Please type the address where you want service."),
            "max_length": _("That is longer than an address can be (%(limit_value)d characters)."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "street-address", "autocapitalize": "words"}),
    )

    def clean_address(self) -> str:
        address = " ".join(self.cleaned_data["address"].split())
        if len(address) < 3:
            raise forms.ValidationError(_("Please type at least the number and the street."), code="short")
        return address


class PersonMixin(BossForm):
    """Who somebody is and how to reach them."""

    full_name = forms.CharField(
        label=_("Full name"),
        max_length=120,
        error_messages={"required": _("Please tell us your name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name", "autocapitalize": "words"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        error_messages={
            "required": _("Please tell us your e-mail address."),
            "invalid": _("This is not an e-mail address. It should look like name@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        help_text=_("We call or text only about your order."),
        max_length=24,
        error_messages={"required": _("Please tell us a phone number.")},
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )


class YouForm(PersonMixin):
    """Who orders and how it is paid. The card field takes the payment provider's token, never a card number."""

    method = forms.ChoiceField(
        label=_("How do you want to pay?"),
        choices=[
            ("card", _("Card: we reserve a small amount now and charge when your service works")),
            ("cash", _("Cash or invoice: needs a short credit check")),
        ],
        error_messages={"required": _("Please choose how you want to pay.")},
        widget=forms.RadioSelect,
    )
    card_token = forms.CharField(
        label=_("Card token"),
        help_text=_("Practice payment page: no real card. Type tok_ok (accepted) or tok_declined (refused)."),
        max_length=100,
        error_messages={"required": _("Please give the card token.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, realm_id: int, kept_token: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.realm_id = realm_id
        self.kept_token = kept_token
        by_card = not self.is_bound or self.data.get("method") == "card"
        self.fields["card_token"].required = by_card and not kept_token

    def clean_card_token(self) -> str:
        token = str(self.cleaned_data["card_token"]).strip()
        if looks_like_card_number(token):
            raise forms.ValidationError(
                _("Never type a card number here, only the token. What you typed was thrown away."), code="card_number"
            )
        return token or self.kept_token

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if said := addresses.refusal(email, User.Kind.SUBSCRIBER):
            raise forms.ValidationError(said, code="refused")
        return email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        faults = contact.faults(contact_details(cleaned))
        if cleaned.get("method") == "card" and "card_token" in cleaned:
            faults |= by_field(payment.faults(self.realm_id, PaymentChoice("card", cleaned["card_token"])))
        for name, texts in faults.items():
            if name in cleaned:  # what the field itself refused has its message already
                self.add_error(name, texts)
        if cleaned.get("method") == "cash":
            cleaned["card_token"] = ""
        return cleaned


def by_field(faults: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Refusals of an order under the names of this page's fields."""
    names = {"payment_method": "method", "payment_token": "card_token"}
    return {names.get(name, name): texts for name, texts in faults.items()}


class WaitlistForm(PersonMixin):
    """Leave word where there is no service yet."""

    phone = forms.CharField(
        label=_("Phone"),
        max_length=24,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )
    note = forms.CharField(
        label=_("Anything we should know?"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReviewForm(BossForm):
    agree = forms.BooleanField(
        label=_("I have read the prices and terms above and I agree to them."),
        error_messages={"required": _("Please tick this box to place the order.")},
    )


class PlanForm(BossForm):
    plan = forms.ChoiceField(
        label=_("Plan"),
        error_messages={
            "required": _("Please choose a plan."),
            "invalid_choice": _("This plan is not sold at your address. Please choose another."),
        },
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, plans: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = list(plans)  # type: ignore[attr-defined]
