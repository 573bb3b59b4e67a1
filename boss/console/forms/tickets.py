"""What staff type on a ticket. What may be done with it is the ticketing room's to decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.core.schema import Characteristic
from boss.look import once
from boss.look.forms import BossForm, ManyFilesField
from boss.tenancy.models import User
from ticketing import placeholders
from ticketing.closing import NOTHING, ClosingRules
from ticketing.contracts import Outcome
from ticketing.fields import FieldDef


class MessageForm(BossForm):
    """A reply to the customer, or a note for colleagues."""

    kind = forms.ChoiceField(
        label=_("Who reads it"),
        choices=[("public", _("The customer")), ("internal", _("Colleagues only"))],
        widget=forms.RadioSelect,
        initial="internal",
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Please write something.")},
    )
    files = ManyFilesField(label=_("Files"))  # type: ignore[assignment]  # the room's word
    once = forms.CharField(required=False, max_length=once.LONGEST, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, may_note: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_note:
            self.fields["kind"] = forms.ChoiceField(
                choices=[("public", "")], widget=forms.HiddenInput, initial="public"
            )

    def clean(self) -> dict[str, Any]:
        """What a text to insert has left open is filled in by hand before a customer reads it."""
        typed = super().clean() or {}
        if typed.get("kind") == "public" and (left := placeholders.left(typed.get("body", ""))):
            self.add_error("body", gettext("Still to be filled in: %(names)s.") % {"names": ", ".join(left)})
        return typed


class AssignForm(BossForm):
    """Choose a colleague."""

    user = forms.ChoiceField(label=_("Give it to"), error_messages={"required": _("Choose somebody.")})
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose…")), *((person.public_id, person.full_name) for person in people)]
        self.fields["user"].choices = choices  # type: ignore[attr-defined]


class WaitForm(BossForm):
    waiting_for = forms.ChoiceField(
        label=_("Waiting for"), choices=[("customer", _("The customer")), ("other", _("Somebody or something else"))]
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class FillForm(BossForm):
    """The ticket's own fields, those that customers do not see included."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    on_page = forms.CharField(required=False, max_length=10_000, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        asked: Iterable[FieldDef],
        held: dict[str, Any],
        deciding: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked = tuple(asked)
        self.deciding = deciding
        self.initial["on_page"] = ",".join(item.key for item in self.asked)
        known = {item.key: item for item in self.asked}
        for key, field in schema.form_fields(self.asked, held).items():
            _offer_held(field, known[key], held.get(key))
            if unit := getattr(field, "unit", ""):
                field.label = f"{field.label} ({unit})"
            self.fields[f"data.{key}"] = field  # the desk names its refusals so
            if known[key].type == "file" and held.get(key):
                field.required = field.widget.is_required = False
                field.help_text = _("A new file takes the place of the present one.")
                # Django's own name for the box of a file that goes.
                gone = forms.BooleanField(label=_("Take the present file away"), required=False)
                self.fields[f"data.{key}-clear"] = gone

    @property
    def boxes(self) -> list[tuple[forms.BoundField, bool]]:
        """Every box, and whether its answer decides what else is asked."""
        decides = {f"data.{key}" for key in self.deciding}
        return [(self[name], name in decides) for name in self.fields]

    @property
    def values(self) -> dict[str, Any]:
        return {item.key: self.cleaned_data.get(f"data.{item.key}") or None if item.type == "file" else
                self.cleaned_data.get(f"data.{item.key}") for item in self.asked}  # fmt: skip


def _offer_held(field: forms.Field, item: FieldDef, value: Any) -> None:
    """An older value whose option is not offered any more stays in the form until somebody chooses another."""
    values = {str(each) for each in (value if isinstance(value, list) else [value])}
    if gone := [(key, _("%(label)s (no longer offered)") % {"label": label}) for key, label in item.retired
                if key in values]:  # fmt: skip
        field.choices = [*field.choices, *gone]  # type: ignore[attr-defined]


class MoveForm(BossForm):
    """Another status of the category, with what it wants filled in first (``needed``)."""

    status = forms.ChoiceField(label=_("Status"), error_messages={"required": _("Choose a status.")})
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    on_page = forms.CharField(required=False, max_length=10_000, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        statuses: Iterable[tuple[str, str]],
        needed: Iterable[Characteristic] = (),
        rules: ClosingRules = NOTHING,
        deciding: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if rules.codes:  # only some of the statuses want it, so the service asks
            self.fields["resolution_code"] = _code_field(rules)
            self.fields["resolution_code"].required = False
        self.fields["status"].choices = [("", _("Choose…")), *statuses]  # type: ignore[attr-defined]
        self.needed = tuple(needed)
        self.fields |= _asked_for(self.needed)
        self.decide = {"status", *_decide(self, deciding)}

    @property
    def boxes(self) -> list[tuple[forms.BoundField, bool]]:
        """Every box, and whether its answer decides what else is asked."""
        return [(self[name], name in self.decide) for name in self.fields]

    @property
    def data_given(self) -> dict[str, Any]:
        return {item.key: self.cleaned_data.get(f"data.{item.key}") for item in self.needed}


def _code_field(rules: ClosingRules) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Resolution code"), required=rules.needs_code, choices=[("", _("Choose…")), *rules.codes],
        error_messages={"required": _("Choose a code.")},
    )  # fmt: skip


def _decide(form: MoveForm | ResolveForm, deciding: Collection[str]) -> set[str]:
    """The boxes of what the status wants whose answers decide what else is asked. That they are on the page goes along
    with the form: a box that is not ticked sends nothing."""
    on_page = ",".join(item.key for item in form.needed)
    form.initial["on_page"] = on_page
    if form.is_bound:
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data["on_page"] = on_page  # type: ignore[index]
    return {f"data.{item.key}" for item in form.needed if item.key in deciding}


def _asked_for(needed: Iterable[Characteristic]) -> dict[str, forms.Field]:
    """Boxes for fields a status wants filled in."""
    found = {}
    for key, field in schema.form_fields(needed).items():
        field.required = not isinstance(field, forms.BooleanField)
        field.error_messages["required"] = _("Please fill this in.")
        found[f"data.{key}"] = field
    return found


class ResolveForm(BossForm):
    """How a ticket ends: the results its outcome asks for, what the status wants filled in, and a note."""

    note = forms.CharField(
        label=_("Note for colleagues"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    on_page = forms.CharField(required=False, max_length=10_000, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        outcome: Outcome | None = None,
        needed: Iterable[Characteristic] = (),
        rules: ClosingRules = NOTHING,
        deciding: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.needed = tuple(needed)
        self.decide = _decide(self, deciding)
        if rules.codes:
            self.fields = {"resolution_code": _code_field(rules), **self.fields}
        self.asked = tuple(outcome.characteristics) if outcome else ()
        results = {f"value_{key}": field for key, field in schema.form_fields(self.asked).items()}
        for field in results.values():
            if unit := getattr(field, "unit", ""):
                field.label = f"{field.label} ({unit})"
        self.fields = {**results, **_asked_for(self.needed), **self.fields}
        if outcome and outcome.needs_confirmation:
            self.fields["confirmed"] = forms.BooleanField(
                label=_("Yes, I want this to happen."),
                error_messages={"required": _("Please confirm: this has effects beyond the ticket.")},
            )
            self.order_fields([*results, *(f"data.{item.key}" for item in self.needed), "note", "confirmed", "version"])

    @property
    def boxes(self) -> list[tuple[forms.BoundField, bool]]:
        """Every box, and whether its answer decides what else is asked."""
        return [(self[name], name in self.decide) for name in self.fields]

    @property
    def values(self) -> dict[str, Any]:
        """The results under their own keys."""
        return {item.key: self.cleaned_data.get(f"value_{item.key}") for item in self.asked}

    @property
    def data_given(self) -> dict[str, Any]:
        return {item.key: self.cleaned_data.get(f"data.{item.key}") for item in self.needed}

    def add_problem(self, problem: Problem) -> None:
        """Fields of the room are called ``values.<key>`` or ``<key>``; here they are ``value_<key>``."""
        fields = {}
        for name, messages in problem.fields.items():
            key = f"value_{name.removeprefix('values.').removeprefix('outputs.')}"
            fields[key if key in self.fields else name] = messages
        super().add_problem(InvalidInput(problem.detail, fields=fields) if fields else problem)
