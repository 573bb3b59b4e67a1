"""What the people of an organization type. What may be done with it is decided by the rooms below."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from boss.tenancy.models import Role
from subscribers.selectors import Building


class ColleagueForm(BossForm):
    """A colleague, and which of the buildings he sees."""

    full_name = forms.CharField(
        label=_("Name"), max_length=120, error_messages={"required": _("Please type the name.")}
    )
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The invitation goes there."),
        error_messages={"required": _("Please type the e-mail address.")},
    )
    role = forms.ChoiceField(label=_("Role"))
    buildings = forms.MultipleChoiceField(
        label=_("Which buildings?"),
        required=False,
        help_text=_("Tick none to show all of them, also those that come later, and let the colleague invite others."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, roles: list[Role], buildings: list[Building], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {each.public_id: each for each in buildings}
        self.fields["role"].choices = [(role.key, role.name) for role in roles]  # type: ignore[attr-defined]
        self.fields["buildings"].choices = [  # type: ignore[attr-defined]
            (key, f"{each.street}, {each.city}") for key, each in self.places.items()
        ]

    def given(self) -> dict[str, Any]:
        """Arguments for the service. Call after validation."""
        cleaned = self.cleaned_data
        return {
            "full_name": cleaned["full_name"],
            "email": cleaned["email"],
            "role_key": cleaned["role"],
            "sites": [site for key in cleaned["buildings"] for site in self.places[key].sites],
        }
