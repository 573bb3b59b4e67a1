"""How much of a mail is taken in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.mail_limits import LEAST, MOST, MailLimits


def _number(name: str, label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=getattr(LEAST, name), max_value=getattr(MOST, name), help_text=help_text,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip


class MailLimitsForm(BossForm):
    raw_mib = _number(
        "raw_mib", _("A whole mail (MiB)"),
        _("A larger one is kept as it came, stands on its ticket as a note, and its sender is told once a day, with a "
          "link by which he can send the files. In a mail a file grows by a third."),
    )  # fmt: skip
    attachments = _number(
        "attachments",
        _("Files of one mail"),
        _("No more than messages on pages may have. What is over stands on the ticket by its name."),
    )
    attachment_mib = _number("attachment_mib", _("One file (MiB)"))
    text_kib = _number("text_kib", _("Text (KiB)"), _("What is longer is cut; the mail itself is kept as it came."))
    depth = _number("depth", _("Parts inside one another"), _("A mail that is over one of these goes to quarantine."))
    parts = _number("parts", _("Parts of one mail"))
    header_kib = _number("header_kib", _("Header (KiB)"))

    @property
    def limits(self) -> MailLimits:
        """What was typed. Call after validation."""
        return MailLimits(**self.cleaned_data)
