"""Reads of the catalog. Statement counts are pinned by tests: a list costs the same however many plans there are."""

from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from boss.core import clock
from boss.core.actors import Actor
from boss.tenancy.models import Site
from catalog.choices import PlanVersionState
from catalog.errors import UnknownFeature, UnknownPlan
from catalog.models import Feature, FeatureRelation, Plan, PlanFeature, PlanOption, PlanPrice, PlanVersion


def list_features(actor: Actor) -> QuerySet[Feature]:
    """The features the actor may see, with their relations: 2 statements."""
    return whole_features().visible_to(actor)  # type: ignore[attr-defined, no-any-return]


def whole_features() -> QuerySet[Feature]:
    """Features of the realm as they are shown; the caller narrows them to an actor."""
    relations = FeatureRelation.objects.select_related("other")
    features: QuerySet[Feature] = Feature.objects.prefetch_related(Prefetch("relations", relations))
    return features


def get_feature(actor: Actor, key: str) -> Feature:
    """The feature with this key. Raises :class:`UnknownFeature`."""
    feature: Feature | None = list_features(actor).filter(key=key).first()
    if feature is None:
        raise UnknownFeature(key=key)
    return feature


def staff_only_keys() -> dict[str, frozenset[str]]:
    """By feature, the characteristics that are the staff's and not shown to customers. One statement."""
    by_feature = {
        feature.key: frozenset(item.key for item in feature.schema if item.staff_only)
        for feature in Feature.objects.all()
    }
    return {key: keys for key, keys in by_feature.items() if keys}


def whole_versions() -> QuerySet[PlanVersion]:
    """Plan versions of the entered realm with all that hangs on them: 6 statements for any number of rows."""
    relations = Prefetch("feature__relations", FeatureRelation.objects.select_related("other"))
    versions: QuerySet[PlanVersion] = PlanVersion.objects.select_related("plan").prefetch_related(
        Prefetch("features", PlanFeature.objects.select_related("feature").prefetch_related(relations)),
        Prefetch("options", PlanOption.objects.select_related("feature").prefetch_related(relations)),
        Prefetch("prices", PlanPrice.objects.select_related("option")),
    )
    return versions


def list_plans(actor: Actor) -> QuerySet[Plan]:
    """Every plan with its versions, newest first: for staff."""
    plans: QuerySet[Plan] = Plan.objects.visible_to(actor).prefetch_related(
        Prefetch("versions", PlanVersion.objects.order_by("-number"))
    )
    return plans


def get_plan(actor: Actor, public_id: str) -> Plan:
    """The plan of this address. Raises :class:`UnknownPlan`."""
    plan: Plan | None = list_plans(actor).filter(public_id=public_id).first()
    if plan is None:
        raise UnknownPlan(plan=public_id)
    return plan


def list_plans_on_sale(actor: Actor, site: Site | None = None) -> list[PlanVersion]:
    """Versions anyone with ``catalog.view_plans_on_sale`` may buy today, at ``site`` when one is given."""
    on_sale = on_sale_to(actor).order_by("plan__position", "plan__title")
    return [version for version in on_sale if site is None or is_sold_at(version, site)]


def get_plan_on_sale(actor: Actor, key: str) -> PlanVersion:
    """The version of plan ``key`` that is on sale today. Raises :class:`UnknownPlan`."""
    version = on_sale_to(actor).filter(plan__key=key).first()
    if version is None:
        raise UnknownPlan(key=key)
    return version


def get_plan_version(key: str) -> PlanVersion:
    """The published version of plan ``key``, for callers inside the house. Raises :class:`UnknownPlan`."""
    version = whole_versions().filter(plan__key=key, state=PlanVersionState.PUBLISHED).first()
    if version is None:
        raise UnknownPlan(key=key)
    return version


def get_version(version_id: int) -> PlanVersion:
    """A version by row id, whatever its state, for callers inside the house. Raises :class:`UnknownPlan`."""
    version = whole_versions().filter(pk=version_id).first()
    if version is None:
        raise UnknownPlan(id=version_id)
    return version


def is_on_sale(version: PlanVersion) -> bool:
    """Published, and today lies in its range of sale."""
    today = clock.today()
    return (
        version.state == PlanVersionState.PUBLISHED
        and (version.sold_from is None or version.sold_from <= today)
        and (version.sold_until is None or today < version.sold_until)
    )


def is_sold_at(version: PlanVersion, site: Site) -> bool:
    """The site's technology is one the version is sold on (an empty list means all)."""
    return not version.technologies or site.technology in version.technologies


def sold_over(versions: QuerySet[PlanVersion], technology: str) -> QuerySet[PlanVersion]:
    """Those of ``versions`` sold over ``technology``; an empty list of technologies means all."""
    return versions.filter(Q(technologies=[]) | Q(technologies__contains=[technology]))


def on_sale_to(actor: Actor) -> QuerySet[PlanVersion]:
    """What is on sale is no secret within a realm: whoever holds the right, in any scope, sees all of it."""
    today = clock.today()
    if not actor.holds("catalog.view_plans_on_sale"):
        return whole_versions().none()
    return whole_versions().filter(
        Q(sold_from=None) | Q(sold_from__lte=today),
        Q(sold_until=None) | Q(sold_until__gt=today),
        realm_id=actor.realm_id,
        state=PlanVersionState.PUBLISHED,
    )
