"""The base of every form on a page: what was typed stays, and a refusal lands beside the field it speaks of."""

from __future__ import annotations

from typing import Any

from django import forms

from boss.core.problems import Problem


class ManyFilesInput(forms.ClearableFileInput):
    """A box for several files at once; without any script."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files. How many and how large is decided by the service that takes them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", ManyFilesInput)
        kwargs.setdefault("required", False)
        super().__init__(allow_empty_file=True, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """``initial``: files that were sent before and go along, too (``boss.look.kept_files``)."""
        one = super().clean
        given = data if isinstance(data, list | tuple) else [data]
        return [*(initial or ()), *(cleaned for each in given if (cleaned := one(each)))]


class BossForm(forms.Form):
    """A form whose errors may also come from a service, after its own validation passed."""

    # The server answers in the page's own words; the browser's bubbles vanish and cannot be read again.
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        # What `boss.look.kept_files` has for it: no browser sends the files of a form twice.
        self.kept_for = ""
        self.kept_files: dict[str, list[Any]] = {}

    def add_problem(self, problem: Problem) -> None:
        """Show a refusal of a service: each message beside its field, what has no field here at the top."""
        placed = False
        for name, messages in problem.fields.items():
            field = name if name in self.fields else None
            for message in messages:
                self.add_error(field, message if field else f"{name}: {message}")
                placed = True
        if not placed or problem.detail:
            self.add_error(None, str(problem))
