"""How urgent a ticket is, which pool it waits in, and which category it is of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look.forms import BossForm
from ticketing.choices import Priority


class PriorityForm(BossForm):
    priority = forms.TypedChoiceField(label=_("Priority"), choices=Priority.choices, coerce=int)
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PoolForm(BossForm):
    pool = forms.ChoiceField(label=_("Talent pool"), error_messages={"required": _("Choose a pool.")})
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, pools: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pool"].choices = [("", _("Choose…")), *pools]  # type: ignore[attr-defined]


class CategoryForm(BossForm):
    category = forms.ChoiceField(label=_("Category"), error_messages={"required": _("Choose a category.")})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, categories: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("", _("Choose…")), *categories]  # type: ignore[attr-defined]
