"""What people type about orders: amending one, and changing, ending or bringing a number to what somebody has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.core.schema import Characteristic
from boss.look import once
from boss.look.forms import BossForm
from boss.look.plan_form import OptionsForm
from subscribers.choices import OrderReason


class _Once(forms.CharField):
    """Makes two clicks one act."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=once.LONGEST, widget=forms.HiddenInput, initial=once.new_key)


class ChangeForm(OptionsForm):
    """A plan's options for somebody who has it, filled in by staff."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, by_customer=False, **kwargs)
        self.fields["once"] = _Once()


class AmendForm(ChangeForm):
    """The options of an order under way, and why they change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"] = forms.CharField(
            label=_("Reason"), help_text=_("Goes into the journal; colleagues will read it."), max_length=200,
            required=False,
        )  # fmt: skip


class DisconnectForm(BossForm):
    """The end of a subscription: when, why, and that it is meant."""

    wanted_on = forms.DateField(
        label=_("Last day"),
        help_text=_("Today when left empty. Until it is done the customer can be won back."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reason = forms.ChoiceField(
        label=_("Why does the customer leave?"), required=False, choices=[("", _("Not said")), *OrderReason.choices]
    )
    confirmed = forms.BooleanField(
        label=_("Yes, end it and fetch the equipment."), error_messages={"required": _("Please confirm.")}
    )
    once = _Once()


class BringNumberForm(BossForm):
    """A number that comes from another provider, asked for as the feature describes it."""

    once = _Once()

    def __init__(self, *args: Any, asked: Iterable[Characteristic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = tuple(asked)
        for key, field in schema.form_fields(self.asked).items():
            field.required = True
            self.fields[key] = field

    @property
    def values(self) -> dict[str, str]:
        return {item.key: str(self.cleaned_data[item.key]) for item in self.asked}


class WinBackForm(BossForm):
    """The customer stays: why."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Goes into the journal; colleagues will read it."),
        max_length=200,
        required=False,
    )
