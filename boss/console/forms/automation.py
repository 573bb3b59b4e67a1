"""What people write about scripts and endpoints."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.automation.choices import EndpointKind
from boss.automation.contracts import Kind
from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm

_CODE = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off", "class": "code"}

FIRST_TEXT = '''def run(inputs, boss):
    """Does the task. What it returns are the task's outputs."""
    boss.note("Done.")
    return {}


def undo(inputs, outputs, boss):
    """Takes back what run() made, and only that."""
'''
_OPEN = json.dumps({"type": "object", "properties": {}, "additionalProperties": False}, indent=2)


class NewScriptForm(BossForm):
    title = forms.CharField(label=_("Title"), max_length=120)
    key = forms.CharField(label=_("Key"), max_length=40, help_text=_("How workflow tasks name it."))
    description = forms.CharField(
        label=_("What it is for"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class VersionForm(BossForm):
    """A version: text, types, limits."""

    source = forms.CharField(
        label=_("Text (Python)"), max_length=60_000, strip=False, widget=forms.Textarea(attrs={"rows": 22, **_CODE})
    )
    input_schema = forms.JSONField(label=_("Inputs (JSON Schema)"), widget=forms.Textarea(attrs={"rows": 8, **_CODE}))
    output_schema = forms.JSONField(label=_("Outputs (JSON Schema)"), widget=forms.Textarea(attrs={"rows": 8, **_CODE}))
    endpoints = forms.MultipleChoiceField(
        label=_("Endpoints it may call"), required=False, widget=forms.CheckboxSelectMultiple
    )
    nothing_to_undo = forms.BooleanField(label=_("There is nothing to undo"), required=False)
    wall_seconds = forms.IntegerField(label=_("Seconds it may take"), min_value=1, max_value=60)
    memory_mb = forms.IntegerField(label=_("MB of memory it may use"), min_value=32, max_value=512)
    most_calls = forms.IntegerField(label=_("Calls it may make"), min_value=0, max_value=200)
    note = forms.CharField(label=_("What changed"), max_length=200, required=False)

    def __init__(self, *args: Any, endpoints: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["endpoints"].choices = endpoints  # type: ignore[attr-defined]
        if not endpoints:
            del self.fields["endpoints"]

    @staticmethod
    def first() -> dict[str, Any]:
        """What a script without a version begins with."""
        return {
            "source": FIRST_TEXT, "input_schema": json.loads(_OPEN), "output_schema": json.loads(_OPEN),
            "wall_seconds": 10, "memory_mb": 128, "most_calls": 20,
        }  # fmt: skip


class TryForm(BossForm):
    """Sample inputs for one version."""

    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    inputs = forms.JSONField(
        label=_("Sample inputs (JSON)"), required=False, widget=forms.Textarea(attrs={"rows": 4, **_CODE})
    )

    def clean_inputs(self) -> dict[str, Any]:
        given = self.cleaned_data["inputs"] or {}
        if not isinstance(given, dict):
            raise forms.ValidationError(_('An object as JSON: {"key": 1}'))
        return given


class KindForm(BossForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=EndpointKind.choices)


class EndpointForm(BossForm):
    """An endpoint of one kind. Secrets are never shown; an empty one stays as it is."""

    key = forms.CharField(label=_("Key"), max_length=40, help_text=_("How scripts and tasks name it."))
    title = forms.CharField(label=_("Title"), max_length=120)

    def __init__(
        self, *args: Any, kind: Kind, is_new: bool, initial: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        initial = initial or {}
        settings = initial.pop("settings", {})
        super().__init__(*args, initial=initial, **kwargs)
        if not is_new:
            del self.fields["key"]
        for key, field in schema.form_fields(kind.settings, settings).items():
            self.fields[f"settings_{key}"] = field
        for key, field in schema.form_fields(kind.secrets).items():
            field.required = False
            if not is_new:
                field.help_text = _("Left empty, it stays as it is.")
            self.fields[f"secrets_{key}"] = field
        self.fields["deadline_seconds"] = forms.FloatField(
            label=_("Seconds a call may take"), min_value=0.1, max_value=60, initial=initial.get("deadline_seconds", 10)
        )
        if not is_new:
            self.fields["enabled"] = forms.BooleanField(
                label=_("In use"), required=False, initial=initial.get("enabled", True)
            )
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs.update(_CODE, rows=3 if name.startswith("secrets_") else 5)

    def given(self, part: str) -> dict[str, Any]:
        """The values of ``settings`` or ``secrets``, without what was left empty."""
        found = {
            name.removeprefix(f"{part}_"): value
            for name, value in self.cleaned_data.items()
            if name.startswith(f"{part}_")
        }
        return {name: value for name, value in found.items() if value not in (None, "")}

    def add_problem(self, problem: Problem) -> None:
        fields = {name.replace(".", "_", 1): messages for name, messages in problem.fields.items()}
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)
