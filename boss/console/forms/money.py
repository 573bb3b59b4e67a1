"""Money that came in, as somebody writes it down."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look import once
from boss.look.forms import BossForm
from subscribers.choices import PaidBy


class PaymentForm(BossForm):
    """One payment. ``once`` is its key: sent twice it counts once."""

    amount = forms.DecimalField(
        label=_("Amount"), max_digits=12, decimal_places=2, min_value=Decimal("0.01"),
        error_messages={
            "required": _("Enter an amount above zero."),
            "invalid": _("Enter an amount like 54.95."),
            "min_value": _("Enter an amount above zero."),
        },
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    paid_by = forms.ChoiceField(label=_("Paid by"), choices=PaidBy.choices)
    reference = forms.CharField(
        label=_("Reference"), required=False, max_length=100, help_text=_("Of the bank, the cheque or the receipt.")
    )
    once = forms.CharField(required=False, max_length=once.LONGEST, widget=forms.HiddenInput, initial=once.new_key)
