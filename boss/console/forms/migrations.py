"""What somebody is asked who moves services to another server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm


class MigrationForm(BossForm):
    """From where, to where, how many at a time."""

    source = forms.ChoiceField(label=_("From"))
    target = forms.ChoiceField(label=_("To"))
    most = forms.IntegerField(
        label=_("At most"), min_value=1, max_value=10_000_000, required=False, help_text=_("Blank: all services.")
    )
    batch_size = forms.IntegerField(label=_("Services in a batch"), min_value=1, max_value=10_000, initial=100)
    pause_seconds = forms.IntegerField(label=_("Seconds between batches"), min_value=0, max_value=86_400, initial=0)
    renew_secrets = forms.BooleanField(
        label=_("Make new passwords where BOSS does not know the present one"), required=False,
        help_text=_("Otherwise such services stay. Their owners have to be told the new ones."),
    )  # fmt: skip
    content_moved = forms.BooleanField(
        label=_("Mail and files have been copied to the new server"), required=False,
        help_text=_(
            "Without this, mail servers that can hand mailboxes over to one another do so; services whose content"
            " cannot be taken along stay. With it, BOSS moves the service and nothing of what its owner has put there."
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, servers: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *servers]
        for end in ("source", "target"):
            self.fields[end].choices = choices  # type: ignore[attr-defined]
