"""What people type on a run: results of work done by hand, reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.core.schema import Characteristic
from boss.look.forms import BossForm


class ByHandForm(BossForm):
    """The typed results of a task somebody did himself."""

    note = forms.CharField(label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, asked: Iterable[Characteristic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = tuple(asked)
        results = {f"value_{key}": field for key, field in schema.form_fields(self.asked).items()}
        for field in results.values():
            if unit := getattr(field, "unit", ""):
                field.label = f"{field.label} ({unit})"
        self.fields = {**results, **self.fields}

    @property
    def values(self) -> dict[str, Any]:
        return {item.key: self.cleaned_data.get(f"value_{item.key}") for item in self.asked}

    def add_problem(self, problem: Problem) -> None:
        fields = {}
        for name, messages in problem.fields.items():
            key = f"value_{name.removeprefix('outputs.')}"
            fields[key if key in self.fields else name] = messages
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)


class ReverseForm(BossForm):
    """Turning a run round: why, and that it is meant."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Goes into the journal; colleagues will read it."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Please say why.")},
    )
    confirmed = forms.BooleanField(
        label=_("Yes, undo everything this run has made. I know that it does not go on afterwards."),
        error_messages={"required": _("Please confirm.")},
    )


class SendBackForm(BossForm):
    """Sending a run back to one of its tasks: why."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Goes into the journal; colleagues will read it."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Please say why.")},
    )


class SkipForm(BossForm):
    reason = forms.CharField(
        label=_("Why is it left out?"),
        max_length=500,
        error_messages={"required": _("Please say why.")},
    )
