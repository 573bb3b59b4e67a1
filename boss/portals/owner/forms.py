"""What the people of an organization type. What may be done with it is decided by the rooms below."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from boss.portals.selfhelp.forms import TicketForm
from boss.tenancy.models import Role, Site
from subscribers.selectors import Building


class OwnersTicketForm(TicketForm):
    """A request of an organization's person: about a place of his, or (``everywhere``) about none of them alone."""

    site = forms.ChoiceField(
        label=_("Where is it?"),
        error_messages={
            "required": _("Please choose the place."),
            "invalid_choice": _("Please choose one of your places."),
        },
    )

    def __init__(self, *args: Any, buildings: list[Building], everywhere: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = {site.public_id: site for building in buildings for site in building.sites}
        first = ("", _("Not one place alone") if everywhere else _("Choose…"))
        places = [
            (f"{each.street}, {each.city}", [(site.public_id, site.label) for site in each.sites])
            for each in buildings
        ]  # fmt: skip
        self.fields["site"].choices = [first, *places]  # type: ignore[attr-defined]
        self.fields["site"].required = not everywhere
        if len(self.offered) == 1 and not everywhere:
            self.initial.setdefault("site", next(iter(self.offered)))

    def place(self) -> Site | None:
        """Where it is. Call after validation."""
        return self.offered.get(self.cleaned_data["site"])


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
