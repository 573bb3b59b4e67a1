"""What people look for on the board of runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.look import once
from boss.look.forms import BossForm
from workflow import board, sample
from workflow.board import Wanted
from workflow.choices import BulkKind

AGES = [
    ("", _("Any age")),
    ("3600", _("Older than an hour")),
    ("86400", _("Older than a day")),
    ("604800", _("Older than a week")),
    ("2592000", _("Older than 30 days")),
    ("7776000", _("Older than 90 days")),
]
WINDOWS = [("", _("Ended at any time")), ("7", _("Ended within 7 days")), ("30", _("30 days")), ("90", _("90 days"))]


class BoardForm(BossForm):
    """Filters; whatever makes no sense is left out of account."""

    state = forms.ChoiceField(choices=[(state, state) for state in board.STATES], required=False)
    q = forms.CharField(label=_("Order, account, name or run"), required=False, max_length=120)
    definition = forms.ChoiceField(label=_("Workflow"), required=False)
    task = forms.ChoiceField(label=_("Stands at"), required=False)
    error = forms.CharField(label=_("Error contains"), required=False, max_length=120)
    age = forms.ChoiceField(label=_("Age"), choices=AGES, required=False)
    ended = forms.ChoiceField(label=_("Ended"), choices=WINDOWS, required=False)
    happened = forms.ChoiceField(
        label=_("It came to"),
        choices=[
            ("", _("Anything")),
            ("fallout", _("A failure for people")),
            ("retried", _("Another try")),
            ("done", _("The task was done")),
            ("people", _("People's time")),
        ],
        required=False,
    )

    sample = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, definitions: Iterable[tuple[str, str]], tasks: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["definition"].choices = [("", _("Every workflow")), *definitions]  # type: ignore[attr-defined]
        self.fields["task"].choices = [("", _("Any task")), *tasks]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        self.is_valid()
        given = self.cleaned_data
        return Wanted(
            state=given.get("state") or "open",
            text=given.get("q", ""),
            definition=given.get("definition", ""),
            task=given.get("task", ""),
            error=given.get("error", ""),
            happened=given.get("happened", ""),
            older_seconds=int(given["age"]) if given.get("age") else None,
            ended_days=int(given["ended"]) if given.get("ended") else None,
            sample=sample.read(given.get("sample", "")),
        )

    def narrowing(self) -> list[forms.BoundField]:
        """The filters beyond text and state; those about the past only when they were asked for."""
        names = ["definition", "task", "error", "age"]
        if not self.fields["task"].choices[1:]:  # type: ignore[attr-defined]
            names.remove("task")
        if self.cleaned_data.get("happened") or self.cleaned_data.get("ended"):
            names += ["happened", "ended"]
        return [self[name] for name in names]

    @property
    def is_narrowed(self) -> bool:
        """Whether more than a text and a state was asked for."""
        return any(value for name, value in self.cleaned_data.items() if name not in ("state", "q"))


class BulkForm(BossForm):
    """Doing something to chosen runs: why, and that it is meant. ``once`` makes two clicks one action."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Goes into the journal of every run."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Please say why.")},
    )
    confirmed = forms.BooleanField(
        label=_("Yes, undo everything these runs have made. I know that they do not go on afterwards."),
        error_messages={"required": _("Please confirm.")},
    )
    once = forms.CharField(required=False, max_length=once.LONGEST, widget=forms.HiddenInput)

    version = forms.TypedChoiceField(label=_("Version"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, action: str, versions: Iterable[tuple[int, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if action != BulkKind.REVERSE:
            del self.fields["reason"], self.fields["confirmed"]
        if action == BulkKind.MOVE:
            self.fields["version"].choices = list(versions)  # type: ignore[attr-defined]
        else:
            del self.fields["version"]
