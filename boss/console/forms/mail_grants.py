"""Which authorization server guards a mailbox that signs in by OAuth 2."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.choices import GrantWay
from ticketing.mail.oauth import PRESETS
from ticketing.models import MailGrant

_NO_SPELLING = {"autocomplete": "off", "spellcheck": "false"}


class MailGrantForm(BossForm):
    """Where BOSS is registered. The secret is never shown."""

    way = forms.ChoiceField(label=_("How BOSS signs in"), choices=GrantWay.choices)
    client_id = forms.CharField(
        label=_("Client ID"), max_length=255, widget=forms.TextInput(attrs=_NO_SPELLING),
        help_text=_("As the mail provider gave it when you registered BOSS there."),
        error_messages={"required": _("Enter the ID the provider gave BOSS.")},
    )  # fmt: skip
    client_secret = forms.CharField(
        label=_("Client secret"), required=False, max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text=_("Kept sealed. Left empty, the one there is stays."),
    )  # fmt: skip
    authorization_endpoint = forms.CharField(
        label=_("Authorization address"), required=False, max_length=500, widget=forms.TextInput(attrs=_NO_SPELLING),
        help_text=_("Where somebody is sent to sign in. Not needed where BOSS has a right of its own."),
    )  # fmt: skip
    token_endpoint = forms.CharField(
        label=_("Token address"), max_length=500, widget=forms.TextInput(attrs=_NO_SPELLING),
        error_messages={"required": _("Enter where BOSS gets its tokens.")},
    )  # fmt: skip
    scope = forms.CharField(
        label=_("Scope"), required=False, max_length=500, widget=forms.TextInput(attrs=_NO_SPELLING),
        help_text=_("What is asked for: reading by IMAP, also while nobody is signed in (offline)."),
    )  # fmt: skip
    secret_in_body = forms.BooleanField(
        label=_("Send the secret in the request's body"), required=False,
        help_text=_("As Microsoft and Google have it. Other servers may want it as a password (HTTP Basic)."),
    )  # fmt: skip

    def __init__(self, *args: Any, grant: MailGrant | None = None, preset: str = "", **kwargs: Any) -> None:
        shown = [name for name in self.base_fields if name != "client_secret"]
        known = PRESETS.get(preset)
        kwargs["initial"] = {"secret_in_body": True}
        if grant is not None:
            kwargs["initial"] = {name: getattr(grant, name) for name in shown}
        if known is not None:
            by_itself = grant is not None and not grant.by_person and known.own_scope
            kwargs["initial"] |= {
                "authorization_endpoint": known.authorization_endpoint,
                "token_endpoint": known.token_endpoint,
                "scope": known.own_scope if by_itself else known.scope,
                "secret_in_body": True,
            }
        super().__init__(*args, **kwargs)
