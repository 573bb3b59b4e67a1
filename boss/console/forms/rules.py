"""One automation rule as people write it: what sets it off, conditions in rows, steps in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.forms.desk import offered_steps
from boss.core.actors import Actor
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from ticketing.automation.kinds import ActedBy, RuleEvent
from ticketing.choices import Priority, TicketState
from ticketing.services.macros import MOST_STEPS

MORE = 2
ROWS = 4
"""Conditions that fit into rows; what needs more is written as an expression."""
_BOOLEANS = ("ticket.assigned", "ticket.business", "event.verified")
_NUMBERS = ("ticket.priority", "before.priority")
_HOW = [
    ("==", gettext_lazy("is")),
    ("!=", gettext_lazy("is not")),
    ("<", gettext_lazy("is below")),
    (">", gettext_lazy("is above")),
    ("contains", gettext_lazy("contains")),
    ("empty", gettext_lazy("is empty")),
    ("filled", gettext_lazy("is not empty")),
]


def names() -> dict[str, Any]:
    """What a row may ask about, with its words."""
    return {
        "event.by": _("Who did it"),
        "event.verified": _("Sender verified"),
        "ticket.priority": _("Priority"),
        "before.priority": _("Priority before"),
        "ticket.state": _("State"),
        "before.state": _("State before"),
        "ticket.status": _("Status (key)"),
        "ticket.category": _("Category (key)"),
        "ticket.pool": _("Pool (key)"),
        "ticket.title": _("Title (small letters)"),
        "ticket.assigned": _("Somebody has it"),
        "ticket.business": _("Business customer"),
    }


def hints() -> list[tuple[str, str]]:
    """What values there are, for the box beside the form."""
    return [
        (_("Who did it"), ", ".join(f"{value} ({label})" for value, label in ActedBy.choices)),
        (_("Priority"), ", ".join(f"{value} ({label})" for value, label in Priority.choices)),
        (_("State"), ", ".join(f"{value} ({label})" for value, label in TicketState.choices)),
        (_("Somebody has it, business customer, sender verified"), _("yes or no")),
        (_("A field of the category"), _("its key after fields., for instance fields.symptom")),
    ]


class ExpressionField(forms.JSONField):
    """None is an empty box, not the word null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value in (None, "null") else super().prepare_value(value)


class RuleForm(BossForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Please give it a name.")}
    )
    event = forms.ChoiceField(label=gettext_lazy("When"), choices=RuleEvent.choices)
    off = forms.BooleanField(label=gettext_lazy("Kept, but not looked at"), required=False)
    when = ExpressionField(
        label=gettext_lazy("Condition as an expression"), required=False,
        help_text=gettext_lazy("For what does not fit into the rows; it takes their place."),
    )  # fmt: skip

    def __init__(self, *args: Any, actor: Actor, rule: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        rule = rule or {}
        rows = _rows_of(rule.get("when"))
        initial = {"name": rule.get("name", ""), "event": rule.get("event", ""), "off": rule.get("off", False)}
        super().__init__(*args, initial={**initial, "when": rule.get("when") if rows is None else None}, **kwargs)
        for index in range(ROWS):
            row = rows[index] if rows and index < len(rows) else ("", "==", "")
            self._add_condition(index, row)
        steps: Sequence[Mapping[str, Any]] = rule.get("steps", [])
        self.count = min(MOST_STEPS, len(steps) + MORE)
        if self.is_bound:
            told = str(self.data.get("count", ""))
            self.count = min(MOST_STEPS, max(self.count, int(told) if told.isdecimal() and len(told) < 4 else 0))
        choices = offered_steps(actor, without=("assignee:me",))
        for index in range(self.count):
            step = steps[index] if index < len(steps) else {}
            chosen = f"{step['do']}:{step.get('value', '')}" if step else ""
            known = any(chosen in dict(group) for _title, group in choices[1:])
            gone = [(chosen, _("%(step)s (not there any more)") % {"step": chosen})] if chosen and not known else []
            self.fields[f"s{index}_do"] = forms.ChoiceField(
                label=_("What is done"), required=False, choices=[*choices, *gone], initial=chosen
            )
            self.fields[f"s{index}_text"] = forms.CharField(
                label=_("Text"), required=False, max_length=5000, initial=step.get("text", ""),
                widget=forms.Textarea(attrs={"rows": 2}),
            )  # fmt: skip

    def _add_condition(self, index: int, row: tuple[str, str, str]) -> None:
        known = names()
        what, how, value = row
        choices = [("", _("—")), *known.items()]
        self.fields[f"c{index}_what"] = forms.ChoiceField(
            label=_("If"), required=False, choices=choices, initial=what if what in known else ""
        )
        self.fields[f"c{index}_field"] = forms.CharField(
            label=_("or the field"), required=False, max_length=60,
            initial="" if what in known else what.removeprefix("fields."),
        )  # fmt: skip
        self.fields[f"c{index}_how"] = forms.ChoiceField(label=_("how"), choices=_HOW, initial=how, required=False)
        self.fields[f"c{index}_value"] = forms.CharField(
            label=_("value"), required=False, max_length=200, initial=value
        )

    @property
    def conditions(self) -> list[list[forms.BoundField]]:
        return [[self[f"c{index}_{name}"] for name in ("what", "field", "how", "value")] for index in range(ROWS)]

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"s{index}_do"], self[f"s{index}_text"]) for index in range(self.count)]

    @property
    def rule(self) -> dict[str, Any]:
        """As the service reads it. Call after validation."""
        typed = self.cleaned_data
        self.places: list[int] = []
        steps = []
        for index in range(self.count):
            chosen, text = typed.get(f"s{index}_do", ""), typed.get(f"s{index}_text", "")
            if chosen or text:
                do, _colon, value = chosen.partition(":")
                self.places.append(index)
                steps.append({"do": do, "value": value, "text": text})
        when = typed["when"]
        if when is None:
            parts = [part for index in range(ROWS) if (part := self._condition(index)) is not None]
            when = None if not parts else parts[0] if len(parts) == 1 else {"and": parts}
        return {"name": typed["name"], "event": typed["event"], "when": when, "steps": steps, "off": typed["off"]}

    def _condition(self, index: int) -> Any:
        typed = self.cleaned_data
        name = _asked(typed, index)
        if not name:
            return None
        how, value = typed[f"c{index}_how"] or "==", typed[f"c{index}_value"]
        var = {"var": name}
        if how in ("empty", "filled"):
            return {"empty": var} if how == "empty" else {"not": {"empty": var}}
        return {how: [var, _value(name, value)]}

    def _row_of(self, text: str) -> str:
        """The value box of the condition a refusal speaks of: the one whose name it says, else the first filled in."""
        asked = {index: name for index in range(ROWS) if (name := _asked(self.cleaned_data, index))}
        index = next((index for index, name in asked.items() if name in text), next(iter(asked), 0))
        return f"c{index}_value"

    def add_problem(self, problem: Problem, at: int = 0) -> None:
        """What is wrong with the rule of this place, beside its boxes; with another one, above the form."""
        fields: dict[str, list[str]] = {}
        for place, texts in problem.fields.items():
            own = place.removeprefix(f"rules.{at}.")
            parts = own.split(".")
            if own == place and place.startswith("rules."):
                own = ""
            elif parts[0] == "steps":
                row = self.places[int(parts[1]) - 1] if len(parts) == 3 and self.places else 0
                own = f"s{row}_{'text' if parts[-1] == 'text' else 'do'}"
            for text in texts:
                box = self._row_of(text) if own == "when" and self.cleaned_data.get("when") is None else own
                fields.setdefault(box if box in self.fields else "__all__", []).append(text)
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)


def _asked(typed: Mapping[str, Any], index: int) -> str:
    field = typed.get(f"c{index}_field", "")
    return str(typed.get(f"c{index}_what", "") or (f"fields.{field}" if field else ""))


def _value(name: str, value: str) -> Any:
    """As the name's type has it. A field's is read as people write it: yes, no and whole numbers are no texts."""
    if name in _BOOLEANS or (name.startswith("fields.") and value.lower() in ("yes", "no", "true", "false")):
        return value.lower() in ("yes", "true", _("yes"))
    if (name in _NUMBERS or name.startswith("fields.")) and value.lstrip("-").isdecimal():
        return int(value)
    return value


def _rows_of(when: Any) -> list[tuple[str, str, str]] | None:
    """A condition as rows, where it is one that fits into them; else None."""
    if when is None:
        return []
    parts = when["and"] if isinstance(when, Mapping) and set(when) == {"and"} else [when]
    found: list[tuple[str, str, str]] = []
    for part in parts if isinstance(parts, list) else [None]:
        match part:
            case {"empty": {"var": str(name)}}:
                found.append((name, "empty", ""))
            case {"not": {"empty": {"var": str(name)}}}:
                found.append((name, "filled", ""))
            case {**one} if len(one) == 1 and set(one) <= {"==", "!=", "<", ">", "contains"}:
                how, operands = next(iter(one.items()))
                match operands:
                    case [{"var": str(name)}, str() | int() as value] if name in names() or name.startswith("fields."):
                        shown = ("yes" if value else "no") if isinstance(value, bool) else str(value)
                        found.append((name, str(how), shown))
                    case _:
                        return None
            case _:
                return None
    return found if len(found) <= ROWS else None
