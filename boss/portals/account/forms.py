"""What a person types about his own sign-in."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm


class AppForm(BossForm):
    """The code that proves the app has understood the secret."""

    code = forms.CharField(
        label=_("Code shown by the app"),
        help_text=_("Six digits; they change every half minute."),
        max_length=12,
        error_messages={"required": _("Please type the code your app shows.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code"}),
    )


class NewPasswordForm(BossForm):
    password = forms.CharField(
        label=_("New password"),
        help_text=_("At least 12 characters. A few words in a row are easy to remember and hard to guess."),
        max_length=1000,
        strip=False,
        error_messages={"required": _("Please choose a password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False),
    )


class NewEmailForm(BossForm):
    email = forms.EmailField(
        label=_("New e-mail address"),
        help_text=_("We send a link there. Your address changes when you open it."),
        max_length=254,
        error_messages={
            "required": _("Please type the new address."),
            "invalid": _("This is not an e-mail address. It should look like name@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email", "autocapitalize": "none"}),
    )
