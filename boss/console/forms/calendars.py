"""When a provider works: the hours of each day of the week, and days on which it is closed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.forms.policies import open_tickets_field
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from boss.tenancy.models import Calendar
from boss.tenancy.models.calendars import WEEKDAYS, interval

DAYS = dict(
    zip(
        WEEKDAYS,
        (
            gettext_lazy("Monday"),
            gettext_lazy("Tuesday"),
            gettext_lazy("Wednesday"),
            gettext_lazy("Thursday"),
            gettext_lazy("Friday"),
            gettext_lazy("Saturday"),
            gettext_lazy("Sunday"),
        ),
        strict=True,
    )
)
MOST_HOLIDAYS = 400


class CalendarForm(BossForm):
    """One calendar. Hours are typed as people write them: "08:00-12:00, 13:00-17:00", nothing on closed days."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Please give it a name.")}
    )
    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, help_text=gettext_lazy("How workflows and policies name it."),
        error_messages={"required": gettext_lazy("Please give it a key.")},
    )  # fmt: skip
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"), required=False, max_length=60,
        help_text=gettext_lazy("For example America/Chicago. Empty: the provider's own."),
    )  # fmt: skip

    def __init__(
        self, *args: Any, calendar: Calendar | None = None, asks_about_tickets: bool = False, **kwargs: Any
    ) -> None:
        initial: dict[str, Any] = {f"day_{day}": "08:00-17:00" for day in WEEKDAYS[:5]}
        if calendar is not None:
            hours = {day: calendar.weekly.get(day, []) for day in WEEKDAYS}
            initial = {
                "name": calendar.name,
                "time_zone": calendar.time_zone,
                "holidays": "\n".join(day.isoformat() for day in calendar.holidays),
                **{f"day_{day}": ", ".join([told] if isinstance(told, str) else told) for day, told in hours.items()},
            }
        super().__init__(*args, initial=initial, **kwargs)
        if calendar is not None:
            del self.fields["key"]
        if asks_about_tickets:
            self.fields["open_tickets"] = open_tickets_field()
        for day, word in DAYS.items():
            self.fields[f"day_{day}"] = forms.CharField(label=word, required=False, max_length=120)
        self.fields["holidays"] = forms.CharField(
            label=_("Closed days"), required=False, max_length=20 * MOST_HOLIDAYS,
            help_text=_("One day a line, like 2026-12-25."), widget=forms.Textarea(attrs={"rows": 6}),
        )  # fmt: skip

    @property
    def days(self) -> list[forms.BoundField]:
        return [self[f"day_{day}"] for day in WEEKDAYS]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        weekly: dict[str, list[str]] = {}
        for day in WEEKDAYS:
            hours = [part.strip() for part in cleaned.get(f"day_{day}", "").split(",") if part.strip()]
            hours = [part.replace("–", "-").replace(" ", "") for part in hours]
            try:
                for part in hours:
                    interval(part)
            except ValidationError as error:
                self.add_error(f"day_{day}", error)
            if hours:
                weekly[day] = hours
        cleaned["weekly"] = weekly
        cleaned["closed"] = self._closed(cleaned.get("holidays", ""))
        return cleaned

    def _closed(self, text: str) -> list[dt.date]:
        found = []
        for line in text.split():
            try:
                found.append(dt.date.fromisoformat(line))
            except ValueError:
                self.add_error("holidays", _("%(line)s is no day like 2026-12-25.") % {"line": line[:40]})
                break
        return found

    @property
    def values(self) -> dict[str, Any]:
        """As the service takes them. Call after validation."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "time_zone": given["time_zone"].strip(),
            "weekly": given["weekly"],
            "holidays": given["closed"],
        }

    def add_problem(self, problem: Problem) -> None:
        """What is wrong with the week as a whole is told at its first day."""
        fields = {f"day_{WEEKDAYS[0]}" if name == "weekly" else name: texts for name, texts in problem.fields.items()}
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)
