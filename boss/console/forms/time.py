"""What staff type about their working time."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.choices import Activity


class SpentField(forms.Field):
    """Minutes ("90") or hours and minutes ("1:30", "1 h 30"), as seconds."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Time"))
        kwargs.setdefault("help_text", _("Minutes, or hours and minutes: 90 or 1:30."))
        kwargs.setdefault("error_messages", {"required": _("Enter how long it took.")})
        super().__init__(**kwargs)
        self.widget.attrs |= {"size": 8, "maxlength": 12}

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        whole = re.fullmatch(r"(\d{1,4})\s*(?:m|min)?", text)
        if whole:
            return int(whole[1]) * 60
        parts = re.fullmatch(r"(\d{1,2})\s*[:h]\s*(?:([0-5]?\d)\s*(?:m|min)?)?", text)
        if parts:
            return int(parts[1]) * 3600 + int(parts[2] or 0) * 60
        raise ValidationError(_("Enter minutes, or hours and minutes: 90 or 1:30."), code="invalid")


class TimeForm(BossForm):
    """Time to be written down; ``minutes`` may stay empty where a timer says it."""

    minutes = SpentField()
    activity = forms.ChoiceField(label=_("Activity"), choices=Activity.choices, initial=Activity.WORK)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)
    is_billable = forms.BooleanField(label=_("Can be billed"), required=False)

    def __init__(self, *args: Any, timed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if timed:
            self.fields["minutes"].required = False
            self.fields["minutes"].label = _("Time, if the timer is wrong")


class CorrectForm(BossForm):
    """What an entry really was."""

    minutes = SpentField(label=_("It really was"), help_text=_("Minutes, or hours and minutes. 0 takes it back."))
    note = forms.CharField(label=_("Why"), max_length=200, error_messages={"required": _("Say why.")})
