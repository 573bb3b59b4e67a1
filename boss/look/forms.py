"""The base of every form on a page: what was typed stays, and a refusal lands beside the field it speaks of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from boss.core.file_types import clean_name
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
        one = super().clean
        given = data if isinstance(data, list | tuple) else [data]
        return [cleaned for each in given if (cleaned := one(each, initial))]


class FilesMixin(forms.Form):
    """Files with what is typed, and the word that they must be chosen again: no browser sends a form's files twice."""

    files_place = "files"

    def say_again(self) -> None:
        """Call when the form is shown again: what was typed is there, what was chosen is not."""
        chosen = self.files.getlist(self.files_place) if isinstance(self.files, MultiValueDict) else []
        names = [each.name for each in chosen]
        if names:
            told = _("Please choose your files again: %(names)s.") % {
                "names": ", ".join(clean_name(name or "") for name in names)
            }
            self.add_error(self.files_place, told)


class BossForm(forms.Form):
    """A form whose errors may also come from a service, after its own validation passed."""

    # The server answers in the page's own words; the browser's bubbles vanish and cannot be read again.
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

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
