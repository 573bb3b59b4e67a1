"""What staff choose to bind tickets together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.look.forms import BossForm
from ticketing.choices import SUBJECT_LINKS, TICKET_LINKS
from ticketing.contracts import SubjectKind
from ticketing.fields import FieldDef
from ticketing.models import Category

TICKET = "ticket"


def children_field() -> forms.ChoiceField:
    """What becomes of a parent's open children; put into a form when the desk asks for it."""
    return forms.ChoiceField(
        label=_("Its open children"),
        choices=[("close", _("End with it")), ("leave", _("Go on"))],
        widget=forms.RadioSelect,
        required=False,
    )


class SoughtForm(BossForm):
    """What to link to: another ticket or a thing of some kind, by number or words."""

    what = forms.ChoiceField(label=_("What"), required=False)
    q = forms.CharField(
        label=_("Number, name or words"), required=False, max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, kinds: Iterable[SubjectKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            (TICKET, _("Another ticket")), *((kind.key, kind.title) for kind in kinds),
        ]  # fmt: skip


class LinkForm(BossForm):
    """One of what was found (``chosen``), and how the ticket stands to it."""

    chosen = forms.CharField(
        max_length=12, widget=forms.HiddenInput, error_messages={"required": _("Choose one of what was found.")}
    )
    type = forms.ChoiceField(label=_("This ticket"))

    def __init__(self, *args: Any, what: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = TICKET_LINKS if what == TICKET else SUBJECT_LINKS
        self.fields["type"].choices = [(each.value, each.label) for each in types]  # type: ignore[attr-defined]


class MergeForm(BossForm):
    """The other ticket, which of the two goes on, and that what it means was read."""

    other = forms.CharField(max_length=12, widget=forms.HiddenInput)
    way = forms.ChoiceField(
        label=_("Which goes on"), choices=[("into_other", ""), ("into_this", "")], widget=forms.RadioSelect,
        initial="into_other",
    )  # fmt: skip
    confirmed = forms.BooleanField(label=_("I have read this, and want it."), required=False)


class SplitForm(BossForm):
    """Messages and a note that become a ticket of their own. The category's own fields come with the category."""

    messages = forms.MultipleChoiceField(
        label=_("Messages"), required=False, widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Choose messages of this ticket.")},
    )  # fmt: skip
    body = forms.CharField(
        label=_("Note for colleagues"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    title = forms.CharField(
        label=_("Title"), max_length=200, error_messages={"required": _("Please say in a few words what it is about.")}
    )
    category_key = forms.ChoiceField(label=_("Category"), error_messages={"required": _("Choose a category.")})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, messages: Iterable[tuple[str, str]], categories: Iterable[Category],
        asked: Iterable[FieldDef] = (), **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["messages"].choices = list(messages)  # type: ignore[attr-defined]
        self.fields["category_key"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose…")), *((each.key, each.name) for each in categories),
        ]  # fmt: skip
        self.asked = tuple(asked)
        for key, field in schema.form_fields(self.asked).items():
            field.required = False  # the desk says what is missing, and when
            self.fields[f"data.{key}"] = field

    @property
    def data_given(self) -> dict[str, Any]:
        given = {item.key: self.cleaned_data.get(f"data.{item.key}") for item in self.asked}
        return {key: value for key, value in given.items() if value not in (None, "", [])}
