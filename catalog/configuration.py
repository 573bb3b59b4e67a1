"""Turns a plan version and a buyer's choices into the features to deliver, or says what is wrong beside each field.

Pure over the version and its prefetches. Names of fields in errors: ``option.<key>`` for a quantity, the group's
name ``choice.<group>`` for alternatives, ``<feature>.<characteristic>`` for a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from boss.core import schema
from boss.core.problems import InvalidInput
from catalog.choices import Fulfilment, RelationKind
from catalog.models import Feature, PlanFeature, PlanOption, PlanVersion
from catalog.pricing import OptionChoice

Chosen = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ConfiguredFeature:
    """One feature as sold: how many of it and the values of its characteristics known so far."""

    key: str
    title: str
    family: str
    driver_family: str
    fulfilment: str
    quantity: int
    characteristics: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "title": self.title,
            "family": self.family,
            "driver_family": self.driver_family,
            "fulfilment": self.fulfilment,
            "quantity": self.quantity,
            "characteristics": self.characteristics,
        }


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one subscription consists of."""

    features: tuple[ConfiguredFeature, ...]
    quantities: dict[str, int]

    @property
    def keys(self) -> list[str]:
        return [feature.key for feature in self.features]

    @property
    def driver_families(self) -> list[str]:
        """Families that need a driver, each once, in the order of the plan."""
        return list(
            dict.fromkeys(
                feature.driver_family
                for feature in self.features
                if feature.driver_family and feature.fulfilment == Fulfilment.DRIVER
            )
        )


@dataclass(slots=True)
class _Part:
    feature: Feature
    quantity: int
    fixed: dict[str, Any]
    choosable: list[str] = field(default_factory=list)


def configure(
    plan_version: PlanVersion,
    options: Sequence[OptionChoice] = (),
    chosen: Chosen | None = None,
    *,
    by_customer: bool = False,
) -> Configuration:
    """The features of ``plan_version`` with ``options`` and ``chosen`` values (feature → characteristic → value).

    ``by_customer``: the values are a customer's own, so those kept to the staff cannot be among them.
    Raises :class:`InvalidInput` with every fault at once.
    """
    faults: dict[str, list[str]] = {}
    quantities = _quantities(plan_version, options, faults)
    parts = _parts(plan_version, quantities)
    _check_relations(parts, faults)
    values = _values(parts, chosen or {}, faults, by_customer)
    if faults:
        raise InvalidInput(fields=faults)
    return Configuration(
        features=tuple(
            ConfiguredFeature(
                key=key,
                title=part.feature.title,
                family=part.feature.family,
                driver_family=part.feature.driver_family,
                fulfilment=part.feature.fulfilment,
                quantity=part.quantity,
                characteristics={**values[key], **part.fixed},
            )
            for key, part in parts.items()
        ),
        quantities={key: quantity for key, quantity in quantities.items() if quantity},
    )


def choosable(
    plan_version: PlanVersion, options: Sequence[OptionChoice] = (), *, by_customer: bool = False
) -> dict[str, list[schema.Characteristic]]:
    """What the buyer has to be asked, by feature: for building the form. Features without a question are left out."""
    parts = _parts(plan_version, _quantities(plan_version, options, {}))
    questions = {key: _questions(part, by_customer) for key, part in parts.items()}
    return {key: asked for key, asked in questions.items() if asked}


def _quantities(
    plan_version: PlanVersion, options: Sequence[OptionChoice], faults: dict[str, list[str]]
) -> dict[str, int]:
    known: dict[str, PlanOption] = {option.key: option for option in plan_version.options.all()}
    quantities = dict.fromkeys(known, 0)
    for choice in options:
        if choice.key not in known:
            faults[f"option.{choice.key}"] = [_("This plan has no such option.")]
        elif choice.quantity < 0:
            faults[f"option.{choice.key}"] = [_("Enter 0 or more.")]
        else:
            quantities[choice.key] += choice.quantity
    groups: dict[str, list[str]] = {}
    for key, option in known.items():
        if option.choice_group:
            groups.setdefault(option.choice_group, []).append(key)
        if f"option.{key}" not in faults and not option.minimum <= quantities[key] <= option.maximum:
            faults[f"option.{key}"] = [_range_text(option)]
    for group, keys in groups.items():
        if sum(1 for key in keys if quantities[key]) != 1:
            faults[f"choice.{group}"] = [_("Choose one of these.")]
    return quantities


def _range_text(option: PlanOption) -> str:
    if option.minimum == option.maximum:
        return _("Exactly %(count)d is needed.") % {"count": option.maximum}
    return _("Choose between %(least)d and %(most)d.") % {"least": option.minimum, "most": option.maximum}


def _parts(plan_version: PlanVersion, quantities: dict[str, int]) -> dict[str, _Part]:
    parts: dict[str, _Part] = {}
    for row in plan_version.features.all():
        _add(parts, row, row.quantity)
    for option in plan_version.options.all():
        if option.feature is not None and quantities.get(option.key):
            _add(parts, option, quantities[option.key])
    return parts


def _add(parts: dict[str, _Part], row: PlanFeature | PlanOption, quantity: int) -> None:
    """An option of a feature the plan already has adds to its quantity; its own fixed values win."""
    feature = row.feature
    assert feature is not None  # callers pass rows with a feature only
    part = parts.get(feature.key)
    if part is None:
        parts[feature.key] = _Part(feature, quantity, dict(row.fixed), list(row.choosable))
        return
    part.quantity += quantity
    part.fixed.update(row.fixed)
    part.choosable += [key for key in row.choosable if key not in part.choosable]


def _check_relations(parts: dict[str, _Part], faults: dict[str, list[str]]) -> None:
    for key, part in parts.items():
        for relation in part.feature.relations.all():
            present = relation.other.key in parts
            names = {"feature": part.feature.title, "other": relation.other.title}
            if relation.kind == RelationKind.DEPENDS_ON and not present:
                faults.setdefault(key, []).append(_("%(feature)s needs %(other)s.") % names)
            elif relation.kind == RelationKind.EXCLUDES and present:
                faults.setdefault(key, []).append(_("%(feature)s cannot be had together with %(other)s.") % names)


def _questions(part: _Part, by_customer: bool) -> list[schema.Characteristic]:
    open_ones = [asked for asked in part.feature.schema if asked.key in part.choosable and asked.key not in part.fixed]
    return schema.for_customers(open_ones) if by_customer else open_ones


def _values(
    parts: dict[str, _Part], chosen: Chosen, faults: dict[str, list[str]], by_customer: bool
) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {key: {} for key in parts}
    for key, given in chosen.items():
        asked = {question.key for question in _questions(parts[key], by_customer)} if key in parts else set()
        for name in given:
            if name not in asked:
                faults[f"{key}.{name}"] = [_("This cannot be chosen with this plan.")]
    for key, part in parts.items():
        questions = _questions(part, by_customer)
        names = {question.key for question in questions}
        given = {name: value for name, value in chosen.get(key, {}).items() if name in names}
        try:
            values[key] = schema.validate(questions, given, prefix=f"{key}.")
        except InvalidInput as error:
            faults.update(error.fields)
    return values
