"""What a manager types about what an hour of work costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from boss.tenancy.models import User
from ticketing.models import TalentPool
from ticketing.services.costs import MOST


class CostRateForm(BossForm):
    """``whose``: "all", "user:…" or "pool:…". ``per_hour`` left empty: none of their own from that day on."""

    whose = forms.ChoiceField(label=_("For whom"))
    per_hour = forms.DecimalField(
        label=_("Per hour"), max_digits=10, decimal_places=2, min_value=Decimal(0), max_value=MOST, required=False,
        help_text=_("Empty: they have no rate of their own from that day on, and the next one counts."),
        error_messages={"invalid": _("Enter an amount like 54.95.")},
    )  # fmt: skip
    valid_from = forms.DateField(
        label=_("Valid from"), widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": _("Choose the day."), "invalid": _("Choose the day.")},
    )  # fmt: skip

    def __init__(self, *args: Any, people: list[User], pools: list[TalentPool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {person.public_id: person for person in people}
        self.pools = {pool.key: pool for pool in pools}
        self.fields["whose"].choices = [  # type: ignore[attr-defined]
            ("all", _("Everybody")),
            (_("Talent pools"), [(f"pool:{pool.key}", pool.name) for pool in pools]),
            (_("People"), [(f"user:{person.public_id}", person.full_name) for person in people]),
        ]

    def given(self) -> dict[str, Any]:
        """The arguments of ``ticketing.services.costs.set_rate``."""
        kind, _colon, key = self.cleaned_data["whose"].partition(":")
        return {
            "per_hour": self.cleaned_data["per_hour"],
            "valid_from": self.cleaned_data["valid_from"],
            "user": self.people[key] if kind == "user" else None,
            "pool": self.pools[key] if kind == "pool" else None,
        }
