"""The base of every form on a page: what was typed stays, and a refusal lands beside the field it speaks of."""

from __future__ import annotations

from typing import Any

from django import forms

from boss.core.problems import Problem


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
