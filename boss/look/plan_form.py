"""The form that a plan makes of itself: how many of each option, and the characteristics the buyer may choose.

Field names are those of the catalog's own refusals (``option.<key>``, ``choice.<group>``,
``<feature>.<characteristic>``), so that each of its messages lands beside its field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from boss.look.templatetags.look import money
from catalog import configuration
from catalog.choices import PriceKind
from catalog.models import PlanOption, PlanVersion
from catalog.pricing import OptionChoice

Questions = dict[str, list[schema.Characteristic]]


@dataclass(frozen=True, slots=True)
class Block:
    """A group of fields of one topic: a feature of the plan by its title, or one option with what it asks."""

    title: str
    fields: list[forms.BoundField] = field(default_factory=list)
    details: list[forms.BoundField] = field(default_factory=list)


class OptionsForm(BossForm):
    """Made from ``version``. ``quantities`` and ``chosen`` are what was accepted earlier. What is kept to the staff
    is asked only when it is not filled in ``by_customer``."""

    def __init__(
        self,
        data: Any,
        *,
        version: PlanVersion,
        quantities: dict[str, int],
        chosen: dict[str, dict[str, Any]],
        typed: dict[str, Any] | None = None,
        by_customer: bool = True,
    ) -> None:
        self.version, self._by_customer = version, by_customer
        self.options: list[PlanOption] = list(version.options.all())
        everything = [OptionChoice(option.key, option.maximum) for option in self.options]
        self.always: Questions = configuration.choosable(version, [], by_customer=self._by_customer)
        with_all = configuration.choosable(version, everything, by_customer=self._by_customer)
        self.with_options: Questions = _beyond(with_all, self.always)
        self._quantities, self._chosen = quantities, chosen
        super().__init__(data, initial=typed or {})
        self._add_questions(self.always, required=True)
        self._add_groups()
        self._add_quantities()
        self._add_questions(self.with_options, required=False)

    def _add_questions(self, questions: Questions, required: bool) -> None:
        for feature, asked in questions.items():
            for name, made in schema.form_fields(asked, self._chosen.get(feature, {})).items():
                made.required = made.required and required
                self.fields[f"{feature}.{name}"] = made

    def _add_groups(self) -> None:
        for group, members in self._groups().items():
            taken = [option.key for option in members if self._quantities.get(option.key)]
            self.fields[f"choice.{group}"] = forms.ChoiceField(
                label=group.replace("_", " ").replace("-", " ").capitalize(),
                choices=[(option.key, self.label(option)) for option in members],
                initial=taken[0] if taken else members[0].key if len(members) == 1 else None,
                error_messages={"required": _("Choose one of these."), "invalid_choice": _("Choose one of these.")},
                widget=forms.RadioSelect,
            )

    def _add_quantities(self) -> None:
        for option in self.options:
            if not option.choice_group and option.maximum > 0:
                count = self._quantities.get(option.key, 0)
                self.fields[f"option.{option.key}"] = self._quantity_field(option, max(count, option.minimum))

    def _quantity_field(self, option: PlanOption, count: int) -> forms.Field:
        """A tick box where at most one can be had, else a number between the option's minimum and maximum."""
        if option.maximum == 1:
            included = option.minimum == 1
            label = self.label(option)
            return forms.BooleanField(
                label=_("%(option)s, always included") % {"option": label} if included else label,
                required=False,
                initial=bool(count),
                disabled=included,
            )
        bounds = {"least": option.minimum, "most": option.maximum}
        return forms.IntegerField(
            label=self.label(option),
            help_text=_("From %(least)d to %(most)d.") % bounds,
            min_value=option.minimum,
            max_value=option.maximum,
            initial=count,
            required=option.minimum > 0,
            error_messages={
                "required": _("Choose between %(least)d and %(most)d.") % bounds,
                "invalid": _("Enter a whole number."),
                "min_value": _("Choose between %(least)d and %(most)d.") % bounds,
                "max_value": _("Choose between %(least)d and %(most)d.") % bounds,
            },
            widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        )

    def _groups(self) -> dict[str, list[PlanOption]]:
        groups: dict[str, list[PlanOption]] = {}
        for option in self.options:
            if option.choice_group:
                groups.setdefault(option.choice_group, []).append(option)
        return groups

    def label(self, option: PlanOption) -> str:
        """The option with what it costs, each."""
        words = {PriceKind.RECURRING: _("%(price)s a month"), PriceKind.ONE_TIME: _("%(price)s once")}
        currency = self.version.currency
        parts = [
            words[PriceKind(price.kind)] % {"price": money(price.amount, currency)}
            for price in self.version.prices.all()
            if price.option_id == option.pk and price.kind in words and price.amount
        ]
        return f"{option.title}: {', '.join(parts)}" if parts else f"{option.title}: {_('no extra cost')}"

    @property
    def blocks(self) -> list[Block]:
        """The fields as the page shows them. An option's own questions stand under the option."""
        found = []
        titles = {row.feature.key: row.feature.title for row in self.version.features.all()}
        for feature, asked in self.always.items():
            found.append(Block(titles[feature], [self[f"{feature}.{item.key}"] for item in asked]))
        taken_questions = dict(self.with_options)
        for group, members in self._groups().items():
            details = self._details(members, taken_questions)
            found.append(Block("", [self[f"choice.{group}"]], details))
        for option in self.options:
            if f"option.{option.key}" in self.fields:
                details = self._details([option], taken_questions)
                found.append(Block("", [self[f"option.{option.key}"]], details))
        return found

    def _details(self, members: Sequence[PlanOption], questions: Questions) -> list[forms.BoundField]:
        """The questions of these options' features; each is shown once, under the first option that asks it."""
        details = []
        for option in members:
            key = option.feature.key if option.feature is not None else ""
            details += [self[f"{key}.{item.key}"] for item in questions.pop(key, [])]
        return details

    def quantities(self) -> dict[str, int]:
        """How many of each option, only those of which there is one at least. Call after validation."""
        counts: dict[str, int] = {}
        for option in self.options:
            if option.choice_group:
                counts[option.key] = int(self.cleaned_data.get(f"choice.{option.choice_group}") == option.key)
            else:
                counts[option.key] = int(self.cleaned_data.get(f"option.{option.key}") or 0)
        return {key: count for key, count in counts.items() if count}

    def chosen(self) -> dict[str, dict[str, Any]]:
        """The values for what the picked options and the plan ask, by feature; the rest is not sent on."""
        found: dict[str, dict[str, Any]] = {}
        for feature, asked in configuration.choosable(
            self.version, self.picked(), by_customer=self._by_customer
        ).items():
            for item in asked:
                value = self.cleaned_data.get(f"{feature}.{item.key}")
                if value not in (None, "", []):
                    found.setdefault(feature, {})[item.key] = _plain(value)
        return found

    def clean(self) -> dict[str, Any]:
        """Ask the catalog itself whether this can be had together; its messages come back beside the fields."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                configuration.configure(self.version, self.picked(), self.chosen(), by_customer=self._by_customer)
            except InvalidInput as problem:
                for name, texts in problem.fields.items():
                    self.add_error(self._field_of(name), texts)
        return cleaned

    def _field_of(self, name: str) -> str | None:
        """The field a refusal belongs to: its own, or that of the option which brings the feature it names."""
        if name in self.fields:
            return name
        for option in self.options:
            if option.feature is not None and option.feature.key == name:
                return f"choice.{option.choice_group}" if option.choice_group else f"option.{option.key}"
        return None

    def picked(self) -> list[OptionChoice]:
        """The options as the rooms take them. Call after validation."""
        return [OptionChoice(key, count) for key, count in self.quantities().items()]

    def add_problem(self, problem: Problem) -> None:
        """What a service refuses: each message beside its field or that of the option it belongs to."""
        told = {name: texts for name, texts in problem.fields.items() if self._field_of(name)}
        for name, texts in told.items():
            self.add_error(self._field_of(name), texts)
        apart = [text for name, texts in problem.fields.items() if name not in told for text in texts]
        if apart:
            self.add_error(None, apart)
        elif not told:
            self.add_error(None, str(problem))

    def answers_in_words(self) -> list[tuple[str, str]]:
        """The accepted characteristics as label and value, for reading once more."""
        found = []
        for questions in (self.always, self.with_options):
            for feature, asked in questions.items():
                for item in asked:
                    value = self._chosen.get(feature, {}).get(item.key)
                    if value not in (None, "", []):
                        found.append((item.title, _in_words(item, value)))
        return found

    def typed(self) -> dict[str, Any]:
        """What was typed, as it was typed, for showing again."""
        if not self.is_bound:
            return {}
        raw: dict[str, Any] = {}
        for name, made in self.fields.items():
            value = made.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
            raw[name] = value[:1000] if isinstance(value, str) else value
        return raw


def _beyond(everything: Questions, base: Questions) -> Questions:
    """Questions that only an option brings."""
    found: Questions = {}
    for feature, asked in everything.items():
        known = {item.key for item in base.get(feature, [])}
        extra = [item for item in asked if item.key not in known]
        if extra:
            found[feature] = extra
    return found


def _in_words(item: schema.Characteristic, value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    labels = dict(item.choices)
    words = [labels.get(str(each), str(each)) for each in (value if isinstance(value, list) else [value])]
    return f"{', '.join(words)} {item.unit}".strip()


def _plain(value: Any) -> Any:
    """The value as JSON can keep it in the session."""
    return value.isoformat() if hasattr(value, "isoformat") else value
