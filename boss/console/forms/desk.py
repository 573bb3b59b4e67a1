"""Texts to insert, macros, and the points of a category's checklist, as people type them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from ticketing.contracts import MacroStepKind
from ticketing.points import MOST, Point
from ticketing.registry import macro_steps
from ticketing.services.macros import MOST_STEPS

MORE = 3
"""Empty rows below those that are filled in."""
OWN = "-own"


class SnippetForm(BossForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Please give it a name.")}
    )
    home = forms.ChoiceField(label=gettext_lazy("For whom"), required=False)
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, languages: Sequence[str], homes: Sequence[tuple[str, Any]] = (),
        texts: Mapping[str, str] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.languages = languages
        if homes:
            self.fields["home"].choices = list(homes)  # type: ignore[attr-defined]
        else:
            del self.fields["home"]
        for tag in languages:
            label = _("Text (%(language)s)") % {"language": tag} if len(languages) > 1 else _("Text")
            self.fields[f"texts.{tag}"] = forms.CharField(
                label=label, required=False, max_length=10_000, initial=(texts or {}).get(tag, ""),
                widget=forms.Textarea(attrs={"rows": 6, "lang": tag}),
            )  # fmt: skip

    @property
    def texts(self) -> dict[str, str]:
        return {tag: self.cleaned_data.get(f"texts.{tag}", "") for tag in self.languages}

    @property
    def boxes(self) -> list[forms.BoundField]:
        return [self[f"texts.{tag}"] for tag in self.languages]


class MacroForm(BossForm):
    """Name, for whom, and rows of steps: what is done with what, and a text. An empty row is left out."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Please give it a name.")}
    )
    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, error_messages={"required": gettext_lazy("Please give it a key.")},
        help_text=gettext_lazy("How the log and programs name it; it never changes."),
    )  # fmt: skip
    pool = forms.ChoiceField(label=gettext_lazy("For whom"), required=False)
    note = forms.CharField(label=gettext_lazy("What changed"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, actor: Actor, pools: Iterable[tuple[str, str]], steps: Sequence[Mapping[str, Any]] = (),
        is_new: bool, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["pool"].choices = [("", _("All staff")), *pools]  # type: ignore[attr-defined]
        del self.fields["note" if is_new else "key"]
        self.count = min(MOST_STEPS, len(steps) + MORE)
        if self.is_bound:
            told = str(self.data.get("count", ""))
            self.count = min(MOST_STEPS, max(self.count, int(told) if told.isdecimal() and len(told) < 4 else 0))
        choices = offered_steps(actor)
        for index in range(self.count):
            step = steps[index] if index < len(steps) else {}
            chosen = f"{step['do']}:{step.get('value', '')}" if step else ""
            gone = [] if any(chosen in dict(group) for _title, group in choices[1:]) or not chosen else [
                (chosen, _("%(step)s (not there any more)") % {"step": chosen})
            ]  # fmt: skip
            self.fields[f"s{index}_do"] = forms.ChoiceField(
                label=_("What is done"), required=False, choices=[*choices, *gone], initial=chosen
            )
            self.fields[f"s{index}_text"] = forms.CharField(
                label=_("Text"), required=False, max_length=5000, initial=step.get("text", ""),
                widget=forms.Textarea(attrs={"rows": 2}),
            )  # fmt: skip

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"s{index}_do"], self[f"s{index}_text"]) for index in range(self.count)]

    @property
    def steps(self) -> list[dict[str, str]]:
        self.places: list[int] = []
        found = []
        for index in range(self.count):
            chosen, text = self.cleaned_data.get(f"s{index}_do", ""), self.cleaned_data.get(f"s{index}_text", "")
            if chosen or text:
                do, _colon, value = chosen.partition(":")
                self.places.append(index)
                found.append({"do": do, "value": value, "text": text})
        return found

    def add_problem(self, problem: Problem) -> None:
        """``steps.<n>.<member>`` counts the steps that were given; here the rows are counted, empty ones too."""
        fields: dict[str, list[str]] = {}
        for name, messages in problem.fields.items():
            parts = name.split(".")
            if len(parts) == 3:
                row = self.places[int(parts[1]) - 1]
                name = f"s{row}_{'text' if parts[2] == 'text' else 'do'}"
            fields.setdefault(name, []).extend(messages)
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)


def offered_steps(actor: Actor, *, without: Sequence[str] = ()) -> list[tuple[Any, Any]]:
    """One choice for what is done and with what, so that a row works without a script."""
    groups: list[tuple[Any, Any]] = [("", _("Choose…"))]
    for key, kind in macro_steps:
        choices = (
            [(f"{key}:{value}", f"{kind.title}: {label}") for value, label in kind.choices(actor)]
            if kind.needs_value
            else []
        )
        if not kind.needs_value:
            choices = [(f"{key}:", _hint(kind))]
        choices = [one for one in choices if one[0] not in without]
        if choices:
            groups.append((str(kind.title), choices))
    return groups


def _hint(kind: MacroStepKind) -> str:
    return _("%(step)s (%(text)s)") % {"step": kind.title, "text": kind.text}


class ChecklistForm(BossForm):
    """The points of a category's checklist, in order. An empty row is left out."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, points: Sequence[Point], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count = min(MOST, len(points) + MORE)
        if self.is_bound:
            told = str(self.data.get("count", ""))
            self.count = min(MOST, max(self.count, int(told) if told.isdecimal() and len(told) < 4 else 0))
        for index in range(self.count):
            point = points[index] if index < len(points) else Point("", "")
            self.fields[f"p{index}_text"] = forms.CharField(
                label=_("Point %(n)s") % {"n": index + 1}, required=False, max_length=200, initial=point.text
            )
            self.fields[f"p{index}_required"] = forms.BooleanField(
                label=_("must be done before a ticket is resolved"), required=False, initial=point.required
            )
            self.fields[f"p{index}_key"] = forms.CharField(
                required=False, max_length=40, initial=point.key, widget=forms.HiddenInput
            )

    @property
    def rows(self) -> list[tuple[forms.BoundField, ...]]:
        return [tuple(self[f"p{index}_{name}"] for name in ("text", "required", "key")) for index in range(self.count)]

    @property
    def points(self) -> list[dict[str, Any]]:
        typed = self.cleaned_data
        return [
            {"key": typed[f"p{n}_key"], "text": typed[f"p{n}_text"], "required": typed[f"p{n}_required"]}
            for n in range(self.count)
            if typed[f"p{n}_text"].strip()
        ]
