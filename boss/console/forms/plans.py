"""Which workflow does what for a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from boss.look.forms import BossForm
from catalog.choices import Process


class PlanWorkflowsForm(BossForm):
    """One workflow, or none, for each process of a plan."""

    def __init__(
        self, *args: Any, workflows: Mapping[str, str], definitions: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        known = list(definitions)
        for process in Process:
            now = workflows.get(process, "")
            # One that is archived or gone stays as long as nobody chooses another.
            gone = [(now, now)] if now and now not in dict(known) else []
            self.fields[process.value] = forms.ChoiceField(
                label=process.label, choices=[("", _("None")), *gone, *known], initial=now,
                required=process == Process.ACTIVATE,
                error_messages={"required": _("A plan needs a workflow that activates it.")},
            )  # fmt: skip

    @property
    def workflows(self) -> dict[str, str]:
        return {process.value: self.cleaned_data[process.value] for process in Process}
