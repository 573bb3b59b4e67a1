"""A provider through which staff signs in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from boss.tenancy.services.single_sign_on import FLAGS


class SignInProviderForm(BossForm):
    """What the provider was told about BOSS, and what BOSS is told about the provider."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("Stands on the button: “Staff: sign in with …”. Say it as your people do."),
        max_length=60,
    )
    issuer = forms.CharField(
        label=_("Issuer"),
        help_text=_("The provider's own address, for example https://accounts.google.com. It is asked when you save."),
        max_length=300,
    )
    client_id = forms.CharField(label=_("Client ID"), max_length=255)
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=500,
        error_messages={"required": _("Paste the secret the provider gave you.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
    )
    links_by_email = forms.BooleanField(
        label=_("The first time, know people by their e-mail address"),
        help_text=_(
            "Only addresses the provider vouches for count. Without this, everybody connects his account himself, "
            "signed in with his password."
        ),
        required=False,
    )
    counts_as_second = forms.BooleanField(
        label=_("It asks for a second step itself"),
        help_text=_("Then nobody who comes from there is asked for one here."),
        required=False,
    )
    only_way = forms.BooleanField(
        label=_("Whoever is connected signs in this way only"),
        help_text=_("Whoever is locked out there is locked out here. Administrators keep their password."),
        required=False,
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, stands: bool = False, **kwargs: Any) -> None:
        """``stands``: it is set up already, and an empty secret keeps the present one."""
        super().__init__(*args, **kwargs)
        if stands:
            self.fields["client_secret"].required = False
            self.fields["client_secret"].help_text = _("Leave it empty to keep the present one.")

    def given(self) -> dict[str, Any]:
        """All but the secret. Call after validation."""
        return {name: self.cleaned_data[name] for name in ("name", "issuer", "client_id", *FLAGS)}
