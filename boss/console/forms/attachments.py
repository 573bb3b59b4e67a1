"""How many files, and how large."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.file_limits import MOST


def _number(label: Any, most: int, help_text: Any = "", least: int = 1) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text, widget=widget)


class FileLimitsForm(BossForm):
    count = _number(_("Files with one message"), MOST.count)
    file_mib = _number(_("One file (MiB)"), MOST.file_mib)
    total_mib = _number(_("All files of one message (MiB)"), MOST.total_mib)
    mail_mib = _number(
        _("Of these go along with a mail (MiB)"), MOST.mail_mib, least=0,
        help_text=_("The rest is named in the mail and waits on the ticket's page. Many mail servers refuse more than "
                    "25 MiB, and in a mail a file grows by a third."),
    )  # fmt: skip
