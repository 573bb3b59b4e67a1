"""What people type about workflow definitions outside of the drawing."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.look import once
from boss.look.forms import BossForm
from workflow.graph import Graph

LONGEST_YAML = 500_000


class NewWorkflowForm(BossForm):
    """A workflow drawn from nothing: its name is enough."""

    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=160,
        error_messages={"required": gettext_lazy("Please give it a title.")},
    )
    key = forms.RegexField(
        r"^[a-z][a-z0-9_.-]{0,79}$",
        label=gettext_lazy("Key"),
        required=False,
        help_text=gettext_lazy("How plans and the API name it. Left empty, it is made from the title."),
        error_messages={
            "invalid": gettext_lazy(
                "Lower-case letters, digits, dots, hyphens and underscores, beginning with a letter."
            )
        },
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("title") and not cleaned.get("key") and "key" not in self.errors:
            cleaned["key"] = slugify(cleaned["title"])[:80].lstrip("0123456789-_")
            if not cleaned["key"]:
                self.add_error("key", _("Please choose a key; none can be made from this title."))
        return cleaned


class ImportForm(BossForm):
    """A definition as YAML, pasted or from a file. It becomes a draft, so that it can be looked at first."""

    file = forms.FileField(label=gettext_lazy("File"), required=False)
    yaml = forms.CharField(
        label=gettext_lazy("or its text"),
        required=False,
        max_length=LONGEST_YAML,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None:
            if file.size > LONGEST_YAML:
                self.add_error("file", _("This is too long for a definition."))
                return cleaned
            try:
                cleaned["yaml"] = file.read().decode()
            except UnicodeDecodeError:
                self.add_error("file", _("This is not a text in UTF-8."))
                return cleaned
        if not cleaned.get("yaml", "").strip() and not self.errors:
            self.add_error("yaml", _("Please choose a file or paste the text."))
        return cleaned


class PlainField(forms.JSONField):
    """A list or an object as JSON; nothing is an empty box, not ``null``."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class StartForm(BossForm):
    """The inputs of a run somebody starts by hand."""

    once = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, graph: Graph, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"once": once.new_key()})
        super().__init__(*args, **kwargs)
        fields = {f"input_{key}": field for key, field in schema.form_fields(graph.inputs).items()}
        for item in graph.inputs:
            if item.unit:
                fields[f"input_{item.key}"].label = f"{item.title} ({item.unit})"
        for key, kind in graph.plain_inputs.items():
            label = key.replace("_", " ").capitalize()
            hint = _('A list as JSON: ["mail", "ip"]') if kind == "list" else _('An object as JSON: {"key": 1}')
            fields[f"input_{key}"] = PlainField(
                label=label, help_text=hint, required=False, widget=forms.Textarea(attrs={"rows": 2})
            )
        self.fields.update(fields)

    @property
    def is_long(self) -> bool:
        return len(self.fields) > 4

    @property
    def inputs(self) -> dict[str, Any]:
        """What was given, by input; what was left empty is left out."""
        given = {name.removeprefix("input_"): value for name, value in self.cleaned_data.items() if name != "once"}
        return {
            key: json.loads(json.dumps(value, default=str))
            for key, value in given.items()
            if value not in (None, "", [])
        }

    def add_problem(self, problem: Problem) -> None:
        fields = {name.replace("inputs.", "input_", 1): messages for name, messages in problem.fields.items()}
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)
