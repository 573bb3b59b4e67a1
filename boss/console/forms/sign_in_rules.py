"""The realm's rules for signing in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm


class SignInRulesForm(BossForm):
    """Roles that must have a second factor, and how soon sessions end (minutes; empty: the house's own limit)."""

    second_factor_roles = forms.MultipleChoiceField(
        label=_("Roles that need a second step"),
        help_text=_("Who holds one and has no second step is led to set it up before anything else opens."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    staff_idle = forms.IntegerField(
        label=_("Staff: minutes without a visit"), help_text=_("At most 30"), required=False
    )
    staff_absolute = forms.IntegerField(
        label=_("Staff: minutes in all"), help_text=_("At most 720, which is 12 hours"), required=False
    )
    subscriber_idle = forms.IntegerField(
        label=_("Customers: minutes without a visit"), help_text=_("At most 20160, which is 14 days"), required=False
    )
    subscriber_absolute = forms.IntegerField(
        label=_("Customers: minutes in all"), help_text=_("At most 129600, which is 90 days"), required=False
    )

    contact_idle = forms.IntegerField(
        label=_("Contacts of organizations: minutes without a visit"),
        help_text=_("At most 20160; empty: as for customers"),
        required=False,
    )
    contact_absolute = forms.IntegerField(
        label=_("Contacts of organizations: minutes in all"),
        help_text=_("At most 129600; empty: as for customers"),
        required=False,
    )

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["second_factor_roles"].choices = roles  # type: ignore[attr-defined]

    def minutes(self) -> dict[str, dict[str, int]]:
        """By kind and limit, what was filled in. Call after validation."""
        given: dict[str, dict[str, int]] = {}
        for kind in ("staff", "subscriber", "contact"):
            typed = {limit: self.cleaned_data.get(f"{kind}_{limit}") for limit in ("idle", "absolute")}
            given[kind] = {limit: value for limit, value in typed.items() if value is not None}
        return given
