"""How much at once, and how much in a minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from workflow.models.limits import MOST


class LimitForm(BossForm):
    """A limit of a server or of everything; an empty number allows any."""

    key = forms.ChoiceField(label=_("What is limited"), error_messages={"required": _("Choose one of these.")})
    most_at_once = forms.IntegerField(
        label=_("At most at once"), required=False, min_value=1, max_value=MOST,
        help_text=_("Tasks that may be at it at the same time. Empty: any number."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip
    most_per_minute = forms.IntegerField(
        label=_("At most begun in a minute"), required=False, min_value=1, max_value=MOST,
        help_text=_("Empty: any number."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip

    def __init__(self, *args: Any, keys: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = list(keys)  # type: ignore[attr-defined]
