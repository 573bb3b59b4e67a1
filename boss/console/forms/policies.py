"""Policies of tickets: what is promised by when, and what happens before and after that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.problems import Problem
from boss.look.forms import BossForm
from ticketing.choices import Priority, TicketState
from ticketing.models import Category
from ticketing.services.policies import OPEN_TICKETS
from ticketing.sla import words
from ticketing.sla.kinds import ClockKind, PolicyKind
from ticketing.sla.rules import CONDITIONS, MOST_ROWS, USUAL_PAUSES, WAITING

_PRIORITIES = {
    "": gettext_lazy("Any priority"),
    **{str(value): label for value, label in Priority.choices},
    "1,2": gettext_lazy("Critical or high"),
    "3,4": gettext_lazy("Normal or low"),
}
_CUSTOMERS = [
    ("", gettext_lazy("Any customer")),
    ("business", gettext_lazy("Business customers")),
    ("home", gettext_lazy("Private customers")),
]
_OPEN = dict(
    zip(
        OPEN_TICKETS,
        (
            gettext_lazy("Leave them as they were agreed"),
            gettext_lazy("What has passed stays, the new terms hold from now on"),
            gettext_lazy("Count everything anew from their start"),
        ),
        strict=True,
    )
)
MORE_ROWS = 2
MORE_STEPS = 2


class NewPolicyForm(BossForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Please give it a name.")}
    )
    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, error_messages={"required": gettext_lazy("Please give it a key.")}
    )
    kind = forms.ChoiceField(label=gettext_lazy("What it decides"), choices=PolicyKind.choices)


def open_tickets_field() -> forms.ChoiceField:
    """What a change means for the tickets that are open."""
    return forms.ChoiceField(
        label=gettext_lazy("Tickets that are open"), choices=list(_OPEN.items()), initial="leave",
        widget=forms.RadioSelect,
    )  # fmt: skip


class OpenTicketsForm(BossForm):
    """But for promised times (``steps``) there are two ways only: what is new holds for open tickets, too, or not.
    Where nothing is agreed for a ticket (``steps`` None) nothing is asked."""

    open_tickets = open_tickets_field()

    def __init__(self, *args: Any, steps: bool | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if steps is None:
            del self.fields["open_tickets"]
        elif steps:
            choices = [
                ("leave", _("Leave them with what they have")),
                ("from_now", _("Let this hold for them, too")),
            ]
            self.fields["open_tickets"].choices = choices  # type: ignore[attr-defined]


class PublishForm(OpenTicketsForm):
    note = forms.CharField(label=gettext_lazy("What changed"), required=False, max_length=200)

    field_order = ("note", "open_tickets")


class UseForm(OpenTicketsForm):
    category = forms.ChoiceField(label=gettext_lazy("Category"), required=False)

    field_order = ("category", "open_tickets")

    def __init__(self, *args: Any, categories: Iterable[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("All categories")), *((each.key, each.name) for each in categories)]
        self.fields["category"].choices = choices  # type: ignore[attr-defined]


class SlaForm(BossForm):
    """Rows of targets, the first that fits holds. A row without a target is left out."""

    def __init__(
        self,
        *args: Any,
        rules: Mapping[str, Any],
        calendars: Iterable[tuple[str, str]],
        conditions: Mapping[str, list[tuple[str, str]]],
        **kwargs: Any,
    ) -> None:
        rows = list(rules.get("rows", []))
        self.conditions = conditions
        super().__init__(*args, **kwargs)
        self.count = min(MOST_ROWS, len(rows) + MORE_ROWS)
        if self.is_bound:
            self.count = min(MOST_ROWS, max(self.count, int(self.data.get("count", "0") or 0)))
        hours = [("", _("Around the clock")), *calendars]
        for index in range(self.count):
            self._add_row(index, rows[index] if index < len(rows) else {}, hours)
        pauses = rules.get("pauses", USUAL_PAUSES)
        for state in WAITING:
            self.fields[f"pause_{state}"] = forms.MultipleChoiceField(
                label=_("Stands still while: %(state)s") % {"state": TicketState(state).label}, required=False,
                choices=ClockKind.choices, initial=list(pauses.get(state, [])), widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip

    def _add_row(self, index: int, row: Mapping[str, Any], hours: list[tuple[str, Any]]) -> None:
        chosen = ",".join(str(each) for each in row.get("priorities", []))
        choices = {**_PRIORITIES, **({chosen: chosen} if chosen not in _PRIORITIES else {})}
        self.fields[f"r{index}_priorities"] = forms.ChoiceField(
            label=_("Priority"), required=False, choices=list(choices.items()), initial=chosen
        )
        self.fields[f"r{index}_customers"] = forms.ChoiceField(
            label=_("Customers"), required=False, choices=_CUSTOMERS, initial=row.get("customers", "")
        )
        self.fields[f"r{index}_calendar"] = forms.ChoiceField(
            label=_("Time counts"), required=False, choices=hours, initial=row.get("calendar", "")
        )
        self._add_conditions(index, row)
        for kind, label in ClockKind.choices:
            self.fields[f"r{index}_{kind}"] = DurationField(label=label, initial=row.get("targets", {}).get(kind))

    def _add_conditions(self, index: int, row: Mapping[str, Any]) -> None:
        """Plans and organizations are chosen from lists, sites are named: there may be too many to list."""
        labels = {"plans": _("Plans"), "organizations": _("Organizations"), "sites": _("Sites, by their ids")}
        for name in CONDITIONS:
            held = list(row.get(name, []))
            if choices := self.conditions.get(name):
                self.fields[f"r{index}_{name}"] = forms.MultipleChoiceField(
                    label=labels[name], required=False, choices=choices, initial=held
                )
            else:
                self.fields[f"r{index}_{name}"] = forms.CharField(
                    label=labels[name], required=False, max_length=1500, initial=", ".join(held)
                )

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        names = ("priorities", "customers", *CONDITIONS, "calendar", *ClockKind.values)
        return [[self[f"r{index}_{name}"] for name in names] for index in range(self.count)]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[f"pause_{state}"] for state in WAITING]

    @property
    def rules(self) -> dict[str, Any]:
        """As the service reads it. Call after validation."""
        given, rows = self.cleaned_data, []
        self.kept = [
            index for index in range(self.count) if any(given.get(f"r{index}_{kind}") for kind in ClockKind.values)
        ]
        for index in self.kept:
            chosen = given[f"r{index}_priorities"]
            rows.append(
                {
                    "priorities": [int(each) for each in chosen.split(",")] if chosen else [],
                    "customers": given[f"r{index}_customers"],
                    **{name: _listed(given[f"r{index}_{name}"]) for name in CONDITIONS},
                    "calendar": given[f"r{index}_calendar"],
                    "targets": {
                        kind: given[f"r{index}_{kind}"] for kind in ClockKind.values if given[f"r{index}_{kind}"]
                    },
                }
            )
        return {"rows": rows, "pauses": {state: given[f"pause_{state}"] for state in WAITING}}


class DurationField(forms.CharField):
    """A span of time as people write it; cleaned to seconds, None when empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=30, **kwargs)
        self.widget.attrs["placeholder"] = "—"

    def prepare_value(self, value: Any) -> Any:
        return words.written(dt.timedelta(seconds=value)) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        span = words.duration(text)
        if span is None:
            raise forms.ValidationError(_("Write it like 30 min, 4 h or 2 d."))
        return int(span.total_seconds())


class LadderForm(BossForm):
    """Steps before and after a promise is due. A step without a time is left out."""

    def __init__(
        self,
        *args: Any,
        rules: Mapping[str, Any],
        calendars: Iterable[tuple[str, str]],
        pools: Iterable[tuple[str, str]],
        roles: Iterable[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        steps = list(rules.get("steps", []))
        super().__init__(*args, **kwargs)
        self.count = min(12, len(steps) + MORE_STEPS)
        if self.is_bound:
            self.count = min(12, max(self.count, int(self.data.get("count", "0") or 0)))
        self.audiences = [
            ("", _("Nobody")),
            ("assignee", _("Its owner")),
            ("pool", _("Its talent pool")),
            ("supervisor", _("Supervisors")),
            ("on_call", _("Who is on call")),
            *((f"role:{key}", name) for key, name in roles),
        ]
        self.pools = [("", _("Leave it in its pool")), *pools]
        self.fields["hours"] = forms.ChoiceField(
            label=_("People are told in these hours"), required=False, initial=rules.get("hours", ""),
            choices=[("", _("At any time")), *calendars], help_text=_("Outside of them only by steps that page."),
        )  # fmt: skip
        for index in range(self.count):
            self._add_step(index, steps[index] if index < len(steps) else {})

    def _add_step(self, index: int, step: Mapping[str, Any]) -> None:
        acts = list(step.get("acts", []))
        told = [each["to"] for each in acts if each["act"] == "notify"]
        at = f"{step['percent']}%" if "percent" in step else str(step["minutes"]) if "minutes" in step else ""
        held = {each["act"]: each["to"] for each in acts}
        add = self.fields
        add[f"s{index}_clock"] = forms.ChoiceField(
            label=_("Promise"), choices=ClockKind.choices, initial=step.get("clock", "resolve"), required=False
        )
        add[f"s{index}_at"] = forms.CharField(
            label=_("When"), required=False, max_length=10, initial=at,
            help_text=_("80% of the time, or minutes after it is due; -30 is before."),
        )  # fmt: skip
        for number in (1, 2):
            add[f"s{index}_tell{number}"] = forms.ChoiceField(
                label=_("Tell") if number == 1 else _("and"), required=False, choices=self.audiences,
                initial=told[number - 1] if len(told) >= number else "",
            )  # fmt: skip
        add[f"s{index}_page"] = forms.BooleanField(
            label=_("At any hour"), required=False, initial=bool(step.get("page"))
        )
        add[f"s{index}_raise"] = forms.BooleanField(
            label=_("Raise the priority"), required=False, initial="raise_priority" in held
        )
        add[f"s{index}_move"] = forms.ChoiceField(
            label=_("Move to"), required=False, choices=self.pools, initial=held.get("move", "")
        )
        add[f"s{index}_note"] = forms.CharField(
            label=_("Note"), required=False, max_length=500, initial=held.get("note", "")
        )

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        names = ("clock", "at", "tell1", "tell2", "page", "raise", "move", "note")
        return [[self[f"s{index}_{name}"] for name in names] for index in range(self.count)]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self["hours"]]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for index in range(self.count):
            text = str(cleaned.get(f"s{index}_at", "")).replace(" ", "")
            if text and not text.removesuffix("%").lstrip("+-").isdigit():
                self.add_error(f"s{index}_at", _("Write it like 80% or -30."))
        return cleaned

    @property
    def rules(self) -> dict[str, Any]:
        """As the service reads it. Call after validation."""
        given = self.cleaned_data
        self.kept = [index for index in range(self.count) if given[f"s{index}_at"]]
        return {"hours": given["hours"], "steps": [self._step(index) for index in self.kept]}

    def _step(self, index: int) -> dict[str, Any]:
        given = self.cleaned_data
        at = given[f"s{index}_at"].replace(" ", "")
        told = [given[f"s{index}_tell{number}"] for number in (1, 2)]
        acts = [{"act": "notify", "to": who} for who in told if who]
        if given[f"s{index}_raise"]:
            acts.append({"act": "raise_priority", "to": ""})
        acts += [{"act": act, "to": given[f"s{index}_{act}"]} for act in ("move", "note") if given[f"s{index}_{act}"]]
        when = {"percent": int(at[:-1])} if at.endswith("%") else {"minutes": int(at)}
        return {"clock": given[f"s{index}_clock"], **when, "page": given[f"s{index}_page"], "acts": acts}


def _listed(given: Any) -> list[str]:
    return [one.strip() for one in given.split(",") if one.strip()] if isinstance(given, str) else list(given)


def add_problem(form: SlaForm | LadderForm, problem: Problem) -> None:
    """Show each refusal beside the field of its row: ``rows.0.targets.first`` is the first row that was kept."""
    names = {"percent": "at", "minutes": "at", "acts": "tell1", "targets": "first"}
    letter = "r" if isinstance(form, SlaForm) else "s"
    for place, texts in problem.fields.items():
        parts = place.split(".")
        name: str | None = place if place in form.fields else None
        if len(parts) > 2 and parts[1].isdigit() and int(parts[1]) < len(form.kept):
            name = f"{letter}{form.kept[int(parts[1])]}_{names.get(parts[-1], parts[-1])}"
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not problem.fields:
        form.add_error(None, str(problem))
