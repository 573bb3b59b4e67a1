"""Plans: drafting a version, publishing it, taking it off sale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from django.utils.translation import gettext as _

from boss.core import audit, clock, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from catalog import events as facts
from catalog import selectors
from catalog.choices import PlanVersionState, PriceKind, Process
from catalog.errors import PlanFrozen, PlanNotComplete, UnknownFeature
from catalog.models import Feature, Plan, PlanFeature, PlanOption, PlanPrice, PlanVersion


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """A feature in a plan: ``fixed`` values, names of ``choosable`` characteristics."""

    key: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    choosable: Sequence[str] = ()
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class OptionPart:
    """An option with its price: ``monthly`` and ``once`` are per unit, in the version's currency."""

    key: str
    title: str
    feature: str = ""
    minimum: int = 0
    maximum: int = 1
    choice_group: str = ""
    monthly: Decimal | str | None = None
    once: Decimal | str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    choosable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UsagePart:
    """``amount`` for each begun ``unit_size`` ``unit`` beyond ``included``, at most ``most`` a month (0: no limit)."""

    label: str
    amount: Decimal | str
    unit: str
    unit_size: int = 1
    included: int = 0
    most: Decimal | str = "0"


@dataclass(frozen=True, slots=True)
class VersionDraft:
    """Everything one version of a plan consists of. ``monthly`` and ``once`` (label → amount) are the plan's own."""

    features: Sequence[FeaturePart]
    monthly: Mapping[str, Decimal | str]
    once: Mapping[str, Decimal | str] = field(default_factory=dict)
    usage: Sequence[UsagePart] = ()
    options: Sequence[OptionPart] = ()
    workflows: Mapping[str, str] = field(default_factory=dict)
    technologies: Sequence[str] = ()
    currency: str = ""
    term_months: int = 0
    early_end_fee: Decimal | str = "0.00"
    sold_from: dt.date | None = None
    sold_until: dt.date | None = None


@service
def create(*, actor: Actor, key: str, title: str, summary: str = "", category: str = "", position: int = 100) -> Plan:
    """Name a plan. Idempotent by ``key``: a plan that is there already is given back unchanged."""
    require(actor, "catalog.add_plan")

    if not title.strip():
        raise InvalidInput(fields={"title": [_("Enter a title.")]})

    defaults = {"title": title.strip(), "summary": summary, "category": category, "position": position}
    plan, made = Plan.objects.get_or_create(key=key, defaults=defaults)

    if made:
        audit.record(actor=actor, action="plan.created", subject=plan, after={"key": key, "title": plan.title})
    return cast(Plan, plan)


@service
def draft(*, actor: Actor, plan: Plan, version: VersionDraft) -> PlanVersion:
    """Write a new draft version of ``plan``. Raises :class:`UnknownFeature`, :class:`InvalidInput`."""
    # The lock makes version numbers gapless when two people draft at once.
    Plan.objects.select_for_update().get(pk=plan.pk)
    features = _features_named(version)
    last = PlanVersion.objects.filter(plan=plan).order_by("-number").first()

    require(actor, "catalog.change_plan", plan)

    _check_parts(version, features)

    row: PlanVersion = PlanVersion.objects.create(
        plan=plan,
        number=last.number + 1 if last else 1,
        currency=version.currency or tenancy.get_realm(actor.realm_id).currency,
        technologies=list(version.technologies),
        workflows=dict(version.workflows),
        term_months=version.term_months,
        early_end_fee=Decimal(version.early_end_fee),
        sold_from=version.sold_from,
        sold_until=version.sold_until,
    )
    _write_features(row, version, features)
    options = _write_options(row, version, features)
    _write_prices(row, version, options)

    audit.record(actor=actor, action="plan.version_drafted", subject=row, after={"number": row.number})
    return row


@service
def publish(*, actor: Actor, version: PlanVersion) -> PlanVersion:
    """Put a draft on sale; the version sold until now is retired and stays with those who have it.

    Raises :class:`PlanFrozen` when it is no draft and :class:`PlanNotComplete` with what is missing.
    """
    Plan.objects.select_for_update().get(pk=version.plan_id)
    version = selectors.get_version(version.pk)

    require(actor, "catalog.publish_plan", version.plan)

    if version.state != PlanVersionState.DRAFT:
        raise PlanFrozen
    faults = _faults(version)
    if faults:
        raise PlanNotComplete(" ".join(faults))

    former = PlanVersion.objects.filter(plan_id=version.plan_id, state=PlanVersionState.PUBLISHED).first()
    if former is not None:
        _retire(actor, former)
    version.publish()
    version.published_at = clock.now()
    version.save(update_fields=["state", "published_at"])

    audit.record(actor=actor, action="plan.published", subject=version, after={"number": version.number})
    events.publish(facts.PlanPublished(plan_version_id=version.pk))
    return version


@service
def publish_version(
    *,
    actor: Actor,
    key: str,
    title: str,
    version: VersionDraft,
    summary: str = "",
    category: str = "",
    position: int = 100,
) -> PlanVersion:
    """Name the plan if it is new, draft ``version`` and put it on sale, in one transaction."""
    plan = create(actor=actor, key=key, title=title, summary=summary, category=category, position=position)
    return publish(actor=actor, version=draft(actor=actor, plan=plan, version=version))


@service
def retire(*, actor: Actor, version: PlanVersion) -> PlanVersion:
    """Take a version off sale. Subscriptions that hold it keep it."""
    version = PlanVersion.objects.select_for_update().select_related("plan").get(pk=version.pk)

    require(actor, "catalog.publish_plan", version.plan)

    if version.state != PlanVersionState.PUBLISHED:
        raise PlanFrozen(_("Only a version on sale can be taken off sale."))

    return _retire(actor, version)


def _retire(actor: Actor, version: PlanVersion) -> PlanVersion:
    version.retire()
    version.retired_at = clock.now()
    version.save(update_fields=["state", "retired_at"])
    audit.record(actor=actor, action="plan.retired", subject=version, after={"number": version.number})
    events.publish(facts.PlanRetired(plan_version_id=version.pk))
    return version


def _features_named(version: VersionDraft) -> dict[str, Feature]:
    keys = {part.key for part in version.features} | {option.feature for option in version.options if option.feature}
    features = {feature.key: feature for feature in Feature.objects.filter(key__in=keys)}
    for key in sorted(keys - set(features)):
        raise UnknownFeature(key=key)
    return features


def _check_parts(version: VersionDraft, features: dict[str, Feature]) -> None:
    parts: list[tuple[str, FeaturePart | OptionPart]] = [(part.key, part) for part in version.features]
    parts += [(option.feature, option) for option in version.options if option.feature]
    faults: dict[str, list[str]] = {}
    for key, part in parts:
        known = {characteristic.key for characteristic in features[key].schema}
        for name in sorted((set(part.fixed) | set(part.choosable)) - known):
            faults.setdefault("features", []).append(
                _("%(feature)s has no characteristic %(name)s.") % {"feature": key, "name": name}
            )
        for characteristic in features[key].schema:
            if characteristic.type == "secret" and characteristic.key in part.choosable:
                # An order is read by many people; a secret is set afterwards, where it can be sealed.
                faults.setdefault("features", []).append(
                    _("%(name)s of %(feature)s is a secret and cannot be chosen with an order.")
                    % {"feature": key, "name": characteristic.key}
                )
    unknown = sorted(set(version.workflows) - set(Process.values))
    if unknown:
        faults["workflows"] = [_("There is no process %(name)s.") % {"name": unknown[0]}]
    if faults:
        raise InvalidInput(fields=faults)


def _faults(version: PlanVersion) -> list[str]:
    """What keeps a draft from being sold, in sentences."""
    faults = []
    if not version.features.all():
        faults.append(_("It contains no feature."))
    if not version.prices.all():
        faults.append(_("It has no price."))
    if not version.workflows.get(Process.ACTIVATE):
        faults.append(_("It names no workflow that activates it."))
    present = {row.feature.key for row in version.features.all()}
    offered = present | {row.feature.key for row in version.options.all() if row.feature is not None}
    for row in version.features.all():
        for relation in row.feature.relations.all():
            names = {"feature": row.feature.title, "other": relation.other.title}
            if relation.kind == "depends_on" and relation.other.key not in offered:
                faults.append(_("%(feature)s needs %(other)s.") % names)
            if relation.kind == "excludes" and relation.other.key in present:
                faults.append(_("%(feature)s cannot be had together with %(other)s.") % names)
    return faults


def _write_features(row: PlanVersion, version: VersionDraft, features: dict[str, Feature]) -> None:
    PlanFeature.objects.bulk_create(
        PlanFeature(
            plan_version=row,
            feature=features[part.key],
            quantity=part.quantity,
            fixed=dict(part.fixed),
            choosable=list(part.choosable),
            position=position,
        )
        for position, part in enumerate(version.features)
    )


def _write_options(row: PlanVersion, version: VersionDraft, features: dict[str, Feature]) -> dict[str, PlanOption]:
    options = PlanOption.objects.bulk_create(
        PlanOption(
            plan_version=row,
            key=part.key,
            title=part.title,
            feature=features[part.feature] if part.feature else None,
            minimum=part.minimum,
            maximum=part.maximum,
            choice_group=part.choice_group,
            fixed=dict(part.fixed),
            choosable=list(part.choosable),
            position=position,
        )
        for position, part in enumerate(version.options)
    )
    return {option.key: option for option in options}


def _write_prices(row: PlanVersion, version: VersionDraft, options: dict[str, PlanOption]) -> None:
    prices = [
        PlanPrice(plan_version=row, kind=PriceKind.RECURRING, label=label, amount=Decimal(amount))
        for label, amount in version.monthly.items()
    ]
    prices += [
        PlanPrice(plan_version=row, kind=PriceKind.ONE_TIME, label=label, amount=Decimal(amount))
        for label, amount in version.once.items()
    ]
    prices += [
        PlanPrice(
            plan_version=row,
            kind=PriceKind.USAGE,
            label=part.label,
            amount=Decimal(part.amount),
            unit=part.unit,
            unit_size=part.unit_size,
            included=part.included,
            most=Decimal(part.most),
        )
        for part in version.usage
    ]
    for part in version.options:
        for kind, given in ((PriceKind.RECURRING, part.monthly), (PriceKind.ONE_TIME, part.once)):
            if given is not None:
                prices.append(
                    PlanPrice(
                        plan_version=row,
                        option=options[part.key],
                        kind=kind,
                        label=part.title,
                        amount=Decimal(given),
                    )
                )
    for position, price in enumerate(prices):
        price.position = position
    PlanPrice.objects.bulk_create(prices)
