"""An existing mailbox elsewhere, fetched by IMAP."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.choices import SourceAfter, SourceSecurity, SourceSignIn
from ticketing.mail.oauth import PRESETS
from ticketing.models import MailSource
from ticketing.services.mail.sources import LONGEST, SHORTEST


class MailSourceForm(BossForm):
    """Where it is, how to get in, and what becomes of mail there."""

    host = forms.CharField(
        label=_("Mail server"), max_length=200, error_messages={"required": _("Enter the name of a mail server.")}
    )
    security = forms.ChoiceField(label=_("Encryption"), choices=SourceSecurity.choices)
    port = forms.IntegerField(label=_("Port"), initial=993, min_value=1, max_value=65535)
    certificate_sha256 = forms.CharField(
        label=_("Its certificate (SHA-256)"), required=False, max_length=200,
        help_text=_(
            "Only for a server whose certificate no public authority vouches for. Compare it with what its owner gives"
            " you; another one is refused from then on."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    username = forms.CharField(
        label=_("User name"), max_length=200,
        error_messages={"required": _("Enter the user name at the mail server.")},
    )  # fmt: skip
    sign_in = forms.ChoiceField(
        label=_("Signs in"), choices=SourceSignIn.choices, initial=SourceSignIn.PASSWORD,
        help_text=_("With OAuth 2 the next page asks where."),
    )  # fmt: skip
    password = forms.CharField(
        label=_("Password"), required=False, max_length=500, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text=_("Kept sealed. Left empty, the one there is stays. With OAuth 2 there is none."),
    )  # fmt: skip
    folder = forms.CharField(label=_("Folder"), max_length=200, initial="INBOX")
    takes_old = forms.BooleanField(
        label=_("Take what lies there already"), required=False,
        help_text=_("Otherwise only mail that arrives from now on becomes tickets."),
    )  # fmt: skip
    after = forms.ChoiceField(label=_("Once a mail is kept here"), choices=SourceAfter.choices)
    move_to = forms.CharField(label=_("Folder it is moved to"), required=False, max_length=200)
    every_seconds = forms.IntegerField(
        label=_("Look every (seconds)"), initial=60, min_value=SHORTEST, max_value=LONGEST
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, source: MailSource | None = None, preset: str = "", **kwargs: Any) -> None:
        if source is not None:
            kwargs["initial"] = {name: getattr(source, name) for name in self.base_fields if name != "password"}
        elif preset in PRESETS:
            kwargs["initial"] = {"host": PRESETS[preset].host, "sign_in": SourceSignIn.OAUTH}
        super().__init__(*args, **kwargs)
