"""Ticket categories: what is set at once, and the fields and statuses of their drafts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.categories import CLOCKS, COLOURS, LEVELS, OPERATORS, TYPES
from boss.core import schema
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic, span_in_words
from boss.look.forms import BossForm
from ticketing.choices import CategoryKind, Priority, TicketState
from ticketing.fields import FieldDef
from ticketing.models import Category, TalentPool
from ticketing.statuses import StatusDef

_WORDS = re.compile(r"[^a-z0-9]+")


def key_of(label: str) -> str:
    """A key made of a name: "Wi-Fi complaint" is wi_fi_complaint."""
    key = _WORDS.sub("_", label.lower()).strip("_")[:40].rstrip("_")
    return key if key[:1].isalpha() else f"f_{key}"[:40]


class DurationInput(forms.CharField):
    """A length of time as people write it, in seconds."""

    def prepare_value(self, value: Any) -> Any:
        return span_in_words(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        try:
            return schema.validate([Characteristic("x", "duration")], {"x": text}).get("x")
        except InvalidInput as refused:
            raise ValidationError(refused.fields["x"]) from None


class CategoryForm(BossForm):
    """What is set at once and not versioned."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, error_messages={"required": gettext_lazy("Enter a name.")}
    )
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=40, required=False,
        help_text=gettext_lazy("How workflows and programs name it. Made of the name when empty; it never changes."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=CategoryKind.choices)
    parent = forms.ChoiceField(label=gettext_lazy("Below"), required=False)
    portal_visible = forms.BooleanField(label=gettext_lazy("Customers may open tickets of it"), required=False)
    default_pool = forms.ChoiceField(label=gettext_lazy("Talent pool"), required=False)
    new_pool = forms.CharField(
        label=gettext_lazy("A new talent pool"), max_length=80, required=False,
        help_text=gettext_lazy("Its name, when none of the pools does this work yet."),
    )  # fmt: skip
    priority = forms.TypedChoiceField(label=gettext_lazy("Priority"), choices=Priority.choices, coerce=int)
    number_prefix = forms.CharField(
        label=gettext_lazy("Letters before the number"), max_length=8, required=False,
        help_text=gettext_lazy("The provider's own when empty."),
    )  # fmt: skip
    first_reply = DurationInput(
        label=gettext_lazy("First reply within"), max_length=40, required=False, help_text=gettext_lazy("Like 30 min.")
    )
    resolve = DurationInput(
        label=gettext_lazy("Resolved within"), max_length=40, required=False, help_text=gettext_lazy("Like 1 d or 8 h.")
    )

    def __init__(
        self,
        *args: Any,
        pools: Iterable[TalentPool],
        parents: Iterable[Category],
        is_new: bool,
        languages: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.languages = languages
        named = {f"name.{tag}": _in_language(_("Name"), tag, max_length=80) for tag in languages}
        self.fields = {"name": self.fields["name"], **named, **self.fields}
        none = ("", _("None"))
        self.fields["parent"].choices = [none, *((one.key, one.name) for one in parents)]  # type: ignore[attr-defined]
        self.fields["default_pool"].choices = [none, *((p.key, p.name) for p in pools)]  # type: ignore[attr-defined]
        if not is_new:
            del self.fields["key"]

    @property
    def names(self) -> dict[str, str]:
        """Its name in other languages. Call after validation."""
        return {tag: self.cleaned_data[f"name.{tag}"] for tag in self.languages}


def _in_language(label: str, tag: str, *, max_length: int, lines: bool = False) -> forms.CharField:
    """A box for a text in another of the realm's languages."""
    widget = forms.Textarea(attrs={"rows": 4}) if lines else forms.TextInput()
    told = _("%(label)s (%(language)s)") % {"label": label, "language": tag}
    return forms.CharField(label=told, max_length=max_length, required=False, widget=widget)


def _lines(text: str) -> list[list[str]]:
    """Options, one a line: "wifi = Wi-Fi", or the label alone."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        key, sign, label = (part.strip() for part in line.partition("="))
        found.append([key, label] if sign else [key_of(key), key])
    return found


class FieldForm(BossForm):
    """One field of the draft. Empty boxes say nothing."""

    label = forms.CharField(
        label=gettext_lazy("Question"), max_length=120, error_messages={"required": gettext_lazy("Enter the question.")}
    )
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=60, required=False,
        help_text=gettext_lazy("Made of the question when empty. It never changes its type."),
    )  # fmt: skip
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(TYPES.items()))
    help = forms.CharField(label=gettext_lazy("Help"), max_length=300, required=False)
    choices = forms.CharField(
        label=gettext_lazy("Options"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line. In a tree: lan = Home network, below it lan/wifi = Wi-Fi."),
    )  # fmt: skip
    required = forms.BooleanField(label=gettext_lazy("Must be answered when the ticket is opened"), required=False)
    required_in = forms.MultipleChoiceField(
        label=gettext_lazy("Must be filled in before"), required=False, widget=forms.CheckboxSelectMultiple
    )
    end_user = forms.ChoiceField(label=gettext_lazy("Customers"), choices=list(LEVELS.items()), initial="none")
    site_owner = forms.ChoiceField(label=gettext_lazy("Property owners"), choices=list(LEVELS.items()), initial="none")
    staff = forms.ChoiceField(label=gettext_lazy("Staff"), choices=list(LEVELS.items()), initial="write")
    pools = forms.MultipleChoiceField(
        label=gettext_lazy("Of the staff only these pools"), required=False, widget=forms.CheckboxSelectMultiple
    )
    when_field = forms.ChoiceField(label=gettext_lazy("Shown only if"), required=False)
    when_operator = forms.ChoiceField(
        label=gettext_lazy("Is"), required=False, choices=list(OPERATORS.items()), initial="=="
    )
    when_value = forms.CharField(label=gettext_lazy("This value"), max_length=200, required=False)
    filterable = forms.BooleanField(label=gettext_lazy("Lists can be filtered and sorted by it"), required=False)
    reportable = forms.BooleanField(label=gettext_lazy("Reports may use it"), required=False)
    searchable = forms.BooleanField(label=gettext_lazy("Search finds it"), required=False)
    pii = forms.BooleanField(label=gettext_lazy("Personal: not written into journals"), required=False)
    unit = forms.CharField(label=gettext_lazy("Unit or currency"), max_length=20, required=False)
    minimum = forms.FloatField(label=gettext_lazy("At least"), required=False)
    maximum = forms.FloatField(label=gettext_lazy("At most"), required=False)
    max_length = forms.IntegerField(label=gettext_lazy("Longest"), min_value=1, max_value=10_000, required=False)
    pattern = forms.CharField(label=gettext_lazy("Pattern"), max_length=200, required=False)
    expects = forms.CharField(label=gettext_lazy("What the pattern wants, in words"), max_length=200, required=False)
    visible_when = forms.JSONField(label=gettext_lazy("Shown when (expression)"), required=False)
    editable_when = forms.JSONField(label=gettext_lazy("Can be changed when (expression)"), required=False)
    compute = forms.JSONField(label=gettext_lazy("Computed as (expression)"), required=False)
    default = forms.CharField(
        label=gettext_lazy("Default"), max_length=500, required=False,
        help_text=gettext_lazy(
            "What stands in it when the ticket is opened and nobody fills it in. Of options the key, of several with "
            "commas between."
        ),
    )  # fmt: skip
    default_from = forms.JSONField(
        label=gettext_lazy("Default (expression)"), required=False,
        help_text=gettext_lazy("In place of a fixed one: made of the fields above."),
    )  # fmt: skip

    BASICS = ("label", "key", "type", "help", "choices", "required", "required_in")
    AUDIENCE = ("end_user", "site_owner", "staff", "pools")
    CONDITION = ("when_field", "when_operator", "when_value")
    DEFAULT = ("default", "default_from")
    USE = ("filterable", "reportable", "searchable", "pii")
    MORE = (
        "unit", "minimum", "maximum", "max_length", "pattern", "expects", "visible_when", "editable_when", "compute",
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        above: Sequence[FieldDef],
        statuses: Sequence[StatusDef],
        pools: Iterable[TalentPool],
        field: FieldDef | None = None,
        languages: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, initial=_initial(field), **kwargs)
        self.languages = languages
        for tag in languages:
            self.fields[f"label.{tag}"] = _in_language(_("Question"), tag, max_length=120)
            self.fields[f"help.{tag}"] = _in_language(_("Help"), tag, max_length=300)
            self.fields[f"choices.{tag}"] = _in_language(_("Options"), tag, max_length=10_000, lines=True)
        self.above = {each.key: each for each in above if each.is_given}
        self.former = field
        self.fields["required_in"].choices = [(one.key, one.label) for one in statuses]  # type: ignore[attr-defined]
        self.fields["pools"].choices = [(pool.key, pool.name) for pool in pools]  # type: ignore[attr-defined]
        self.fields["when_field"].choices = [  # type: ignore[attr-defined]
            ("", _("Always shown")), *((key, each.title) for key, each in self.above.items()),
        ]  # fmt: skip
        if field is not None:
            self.fields["key"].disabled = self.fields["type"].disabled = True

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The boxes in folds, for the page: what is rarely needed comes last."""
        named = (
            (_("Who sees it"), self.AUDIENCE), (_("When it is shown"), self.CONDITION),
            (_("What stands in it at first"), self.DEFAULT),
            (_("What it is used for"), self.USE), (_("Limits and expressions"), self.MORE),
        )  # fmt: skip
        shown = [(title, [self[name] for name in names]) for title, names in named]
        if self.languages:
            words = [self[f"{name}.{tag}"] for tag in self.languages for name in ("label", "help", "choices")]
            shown.append((_("In other languages"), words))
        return shown

    def basics(self) -> list[forms.BoundField]:
        return [self[name] for name in self.BASICS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            self.made = FieldDef(**self._arguments(cleaned))
        except ImproperlyConfigured as error:
            self.add_error("choices" if cleaned["type"] in schema.CHOICES else None, str(error))
        return cleaned

    def _arguments(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        given = {
            name: cleaned[name]
            for name in ("label", "type", "help", "required", "required_in", "end_user", "site_owner", "staff", "pools",
                         "filterable", "reportable", "searchable", "pii", "unit", "minimum", "maximum", "max_length",
                         "pattern", "expects", "editable_when", "compute", "default_from")
        }  # fmt: skip
        given["choices"] = tuple((key, label) for key, label in _lines(cleaned["choices"]))
        given["visible_when"] = self._condition(cleaned)
        given["words"] = self._words(cleaned) or None
        if self.former is not None:
            given |= {"key": self.former.key, "type": self.former.type, "archived": self.former.archived}
        given["default"] = self._default(given, cleaned["default"])
        if self.former is not None:
            return given
        return {**given, "key": cleaned["key"] or key_of(cleaned["label"])}

    def _words(self, cleaned: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What was translated, by language; languages that the realm speaks no more keep theirs."""
        held = dict(self.former.words or {}) if self.former else {}
        for tag in self.languages:
            options = {line[0]: line[1] for line in _lines(cleaned[f"choices.{tag}"])}
            told = {"label": cleaned[f"label.{tag}"], "help": cleaned[f"help.{tag}"], "choices": options}
            held[tag] = {name: value for name, value in told.items() if value}
        return {tag: words for tag, words in held.items() if words}

    def _default(self, given: dict[str, Any], typed: str) -> Any:
        """The default as the field keeps it; what it would not take is said beside its box."""
        if not typed.strip():
            return None
        limits = ("type", "minimum", "maximum", "max_length", "pattern", "choices", "unit")
        told = {name: given[name] for name in limits}
        value: Any = typed
        if given["type"] == "multi_choice":
            value = [part.strip() for part in typed.split(",") if part.strip()]
        try:
            item = FieldDef("x", **told)
            return schema.validate([item], {"x": value}).get("x") if item.is_given else value
        except InvalidInput as refused:
            self.add_error("default", refused.fields["x"])
        except ImproperlyConfigured:  # said beside its own box
            pass
        return None

    def _condition(self, cleaned: dict[str, Any]) -> Any:
        key = cleaned["when_field"]
        if not key:
            return cleaned["visible_when"]
        name, operator = {"var": f"fields.{key}"}, cleaned["when_operator"]
        if operator in ("filled", "empty"):
            return {"empty": name} if operator == "empty" else {"not": {"empty": name}}
        value: Any = cleaned["when_value"]
        wanted = self.above[key]
        if wanted.type in (*schema.NUMBERS, "boolean"):  # a text is compared as it was typed
            try:
                value = schema.validate([Characteristic(key, wanted.type)], {key: value}).get(key, value)
            except InvalidInput as refused:
                self.add_error("when_value", refused.fields[key])
        return {operator: [name, value]}


def _initial(field: FieldDef | None) -> dict[str, Any]:
    if field is None:
        return {}
    told = {name: getattr(field, name) for name in FieldForm.base_fields if hasattr(field, name)}
    told["default"] = _as_typed(field)
    for tag, words in (field.words or {}).items():
        told |= {f"label.{tag}": words.get("label", ""), f"help.{tag}": words.get("help", "")}
        told[f"choices.{tag}"] = "\n".join(f"{key} = {label}" for key, label in (words.get("choices") or {}).items())
    told["choices"] = "\n".join(f"{key} = {label}" for key, label in field.choices)
    return told | _simple(field.visible_when)


def _as_typed(field: FieldDef) -> str:
    value = field.default
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    if field.type == "duration" and isinstance(value, int):
        return span_in_words(value)
    return "" if value is None else str(value)


def _simple(condition: Any) -> dict[str, Any]:
    """A condition in the three boxes, where it is one of those that fit into them."""
    text = json.dumps(condition)
    for operator in ("==", "!=", "contains"):
        match condition:
            case {**rest} if set(rest) == {operator}:
                match rest[operator]:
                    case [{"var": str(name)}, str() | int() | float() as value] if name.startswith("fields."):
                        shown = str(value).lower() if isinstance(value, bool) else str(value)
                        key = name.removeprefix("fields.")
                        found = {"when_field": key, "when_operator": operator, "when_value": shown}
                        return {**found, "visible_when": None}
    if match := re.fullmatch(r'\{"(?:not": \{")?empty": \{"var": "fields\.(\w+)"\}\}\}?', text):
        operator = "filled" if text.startswith('{"not"') else "empty"
        return {"when_field": match[1], "when_operator": operator, "visible_when": None}
    return {}


class StatusForm(BossForm):
    """One status of the draft."""

    label = forms.CharField(
        label=gettext_lazy("Name for staff"), max_length=60,
        error_messages={"required": gettext_lazy("Enter a name.")},
    )  # fmt: skip
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=40, required=False, help_text=gettext_lazy("Made of the name when empty.")
    )
    customer_label = forms.CharField(
        label=gettext_lazy("Name for customers"), max_length=60, required=False,
        help_text=gettext_lazy("The usual words for its state when empty."),
    )  # fmt: skip
    state = forms.ChoiceField(
        label=gettext_lazy("State"), choices=TicketState.choices,
        help_text=gettext_lazy("What promises and reports take it for."),
    )  # fmt: skip
    colour = forms.ChoiceField(label=gettext_lazy("Colour"), choices=list(COLOURS.items()), required=False)
    allowed_next = forms.MultipleChoiceField(
        label=gettext_lazy("It may be left only to"), required=False, widget=forms.CheckboxSelectMultiple
    )
    require_fields = forms.MultipleChoiceField(
        label=gettext_lazy("Must be filled in before it"), required=False, widget=forms.CheckboxSelectMultiple
    )
    pauses_clocks = forms.MultipleChoiceField(
        label=gettext_lazy("It pauses the promise of"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=list(CLOCKS.items()),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        statuses: Sequence[StatusDef],
        asked: Sequence[FieldDef],
        status: StatusDef | None = None,
        languages: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        initial = {name: getattr(status, name) for name in self.base_fields} if status else {}
        super().__init__(*args, initial=initial, **kwargs)
        self.languages = languages
        for tag in languages:
            words = (status.words or {}).get(tag, {}) if status else {}
            for name, label in (("label", _("Name for staff")), ("customer_label", _("Name for customers"))):
                self.fields[f"{name}.{tag}"] = _in_language(label, tag, max_length=60)
                self.initial[f"{name}.{tag}"] = words.get(name, "")
        self.former = status
        others = [(one.key, one.label) for one in statuses if status is None or one.key != status.key]
        self.fields["allowed_next"].choices = others  # type: ignore[attr-defined]
        self.fields["require_fields"].choices = [  # type: ignore[attr-defined]
            (field.key, field.title) for field in asked if field.is_given
        ]
        if status is not None:
            self.fields["key"].disabled = True

    def status(self) -> StatusDef:
        """What was typed. Call after validation."""
        given = {name: self.cleaned_data[name] for name in self.base_fields}
        key = self.former.key if self.former else given["key"] or key_of(given["label"])
        words = dict(self.former.words or {}) if self.former else {}
        for tag in self.languages:
            told = {name: self.cleaned_data[f"{name}.{tag}"] for name in ("label", "customer_label")}
            words[tag] = {name: text for name, text in told.items() if text}
        return StatusDef(**{**given, "key": key, "words": {tag: each for tag, each in words.items() if each} or None})
