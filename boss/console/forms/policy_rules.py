"""The rules of notification and closing policies, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from boss.core.problems import Problem
from boss.look.forms import BossForm
from ticketing import closing, telling
from ticketing.telling import Audience, Channel, Event, Row

MORE_ROWS = 2


class MatrixForm(BossForm):
    """Rows of event, audience and channels. A row without an event is left out."""

    def __init__(
        self, *args: Any, rules: Mapping[str, Any], calendars: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        given = rules or telling.USUAL.to_json()
        rows = list(given.get("rows", []))
        super().__init__(*args, **kwargs)
        self.count = min(telling.MOST_ROWS, len(rows) + MORE_ROWS)
        if self.is_bound:
            sent = str(self.data.get("count", "0"))
            self.count = min(telling.MOST_ROWS, max(self.count, int(sent) if sent.isdigit() else 0))
        self.hours = [("", _("Any time")), (telling.RECIPIENTS_OWN, _("The recipient's own hours")), *calendars]
        for index in range(self.count):
            self._add_row(index, rows[index] if index < len(rows) else {})
        self.fields["unassigned_after"] = forms.IntegerField(
            label=_("Minutes until nobody having it is an event"), min_value=1, max_value=telling.LONGEST_WAIT,
            initial=given.get("unassigned_after", telling.UNASSIGNED_AFTER),
        )  # fmt: skip

    def _add_row(self, index: int, row: Mapping[str, Any]) -> None:
        add = self.fields
        add[f"m{index}_event"] = forms.ChoiceField(
            label=_("What happens"), required=False, choices=[("", _("Nothing: leave the row out")), *Event.choices],
            initial=row.get("event", ""),
        )  # fmt: skip
        add[f"m{index}_audience"] = forms.ChoiceField(
            label=_("Who is told"), required=False, choices=Audience.choices, initial=row.get("audience", "requester")
        )
        add[f"m{index}_channels"] = forms.MultipleChoiceField(
            label=_("How"), required=False, choices=Channel.choices, initial=list(row.get("channels", ["mail"])),
            widget=forms.CheckboxSelectMultiple,
        )  # fmt: skip
        add[f"m{index}_wait"] = forms.IntegerField(
            label=_("After minutes"), required=False, min_value=0, max_value=telling.LONGEST_WAIT,
            initial=row.get("wait") or 0,
        )  # fmt: skip
        add[f"m{index}_hours"] = forms.ChoiceField(
            label=_("Only in"), required=False, choices=self.hours, initial=row.get("hours", "")
        )
        add[f"m{index}_wording"] = forms.CharField(
            label=_("Own words"), required=False, max_length=telling.LONGEST_WORDING,
            initial=row.get("wording", ""),
        )  # fmt: skip

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        names = ("event", "audience", "channels", "wait", "hours", "wording")
        return [[self[f"m{index}_{name}"] for name in names] for index in range(self.count)]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self["unassigned_after"]]

    @property
    def rules(self) -> dict[str, Any]:
        """As the service reads it. Call after validation."""
        given = self.cleaned_data
        self.kept = [index for index in range(self.count) if given[f"m{index}_event"]]
        rows = [
            Row(
                given[f"m{index}_event"], given[f"m{index}_audience"], tuple(given[f"m{index}_channels"]),
                given[f"m{index}_wait"] or 0, given[f"m{index}_hours"], given[f"m{index}_wording"],
            )
            for index in self.kept
        ]  # fmt: skip
        return telling.Matrix(tuple(rows), given["unassigned_after"]).to_json()

    def place_of(self, place: str) -> str | None:
        """The field a refusal of the service belongs to."""
        parts = place.split(".")
        if len(parts) == 3 and parts[1].isdigit() and int(parts[1]) < len(self.kept):
            return f"m{self.kept[int(parts[1])]}_{parts[2]}"
        return place


class ClosingForm(BossForm):
    """The numbers and conditions of the end of tickets. Nothing, or 0, is never."""

    reminder_1 = forms.IntegerField(required=False, min_value=1, max_value=closing.MOST_DAYS)
    reminder_2 = forms.IntegerField(required=False, min_value=1, max_value=closing.MOST_DAYS)
    resolve_after = forms.IntegerField(required=False, min_value=0, max_value=closing.MOST_DAYS)
    hours = forms.ChoiceField(required=False)
    close_after = forms.IntegerField(required=False, min_value=0, max_value=closing.MOST_HOURS)
    reopen_within = forms.IntegerField(required=False, min_value=0, max_value=closing.MOST_DAYS)
    codes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}))
    needs_code = forms.BooleanField(required=False)
    required = forms.CharField(required=False, max_length=500)
    no_children = forms.BooleanField(required=False)
    no_timers = forms.BooleanField(required=False)

    count = 0
    rows: tuple[list[forms.BoundField], ...] = ()
    kept: tuple[int, ...] = ()

    def __init__(
        self, *args: Any, rules: Mapping[str, Any], calendars: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        held = closing.read(rules) if rules else closing.USUAL
        days = (*held.reminders, None, None)
        kwargs["initial"] = {
            "reminder_1": days[0], "reminder_2": days[1], "resolve_after": held.resolve_after, "hours": held.hours,
            "close_after": held.close_after, "reopen_within": held.reopen_within, "needs_code": held.needs_code,
            "codes": "\n".join(f"{key} = {label}" for key, label in held.codes),
            "required": ", ".join(held.fields), "no_children": held.no_children, "no_timers": held.no_timers,
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        labels = {
            "reminder_1": _("Remind the customer after working days of waiting"),
            "reminder_2": _("Remind again after working days"),
            "resolve_after": _("Resolve after working days without an answer"),
            "hours": _("Working days are those of"),
            "close_after": _("Close hours after it was resolved"),
            "reopen_within": _("A customer's message opens it again within days of closing"),
            "codes": _("Resolution codes, one on each line: key = name"),
            "needs_code": _("A code must be chosen"),
            "required": _("Keys of fields that must be filled in, with commas"),
            "no_children": _("No child may be open"),
            "no_timers": _("No timer may run"),
        }
        for name, label in labels.items():
            self.fields[name].label = label
        self.fields["hours"].choices = [("", _("Every day")), *calendars]  # type: ignore[attr-defined]

    @property
    def others(self) -> list[forms.BoundField]:
        return list(self)

    @property
    def rules(self) -> dict[str, Any]:
        """As the service reads it. Call after validation."""
        given = self.cleaned_data
        pairs = [line.partition("=") for line in given["codes"].splitlines() if line.strip()]
        return {
            "hours": given["hours"],
            "reminders": [day for day in (given["reminder_1"], given["reminder_2"]) if day],
            **{name: given[name] or 0 for name in ("resolve_after", "close_after", "reopen_within")},
            "codes": [{"key": key.strip(), "label": label.strip() or key.strip()} for key, _sign, label in pairs],
            "fields": [key.strip() for key in given["required"].split(",") if key.strip()],
            **{name: given[name] for name in ("needs_code", "no_children", "no_timers")},
        }

    def place_of(self, place: str) -> str | None:
        """The field a refusal of the service belongs to."""
        return {"reminders": "reminder_1", "fields": "required"}.get(place, place.split(".")[0])


def add_problem(form: MatrixForm | ClosingForm, problem: Problem) -> None:
    """Show each refusal beside its field."""
    for place, texts in problem.fields.items():
        name = form.place_of(place)
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not problem.fields:
        form.add_error(None, str(problem))
