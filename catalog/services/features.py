"""Defining features."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from boss.core import audit, locks, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from catalog.choices import Fulfilment, RelationKind
from catalog.errors import KeyTaken, UnknownFeature
from catalog.models import Feature, FeatureRelation


@service
def define(
    *,
    actor: Actor,
    key: str,
    family: str,
    title: str,
    characteristics: Sequence[schema.Characteristic] = (),
    description: str = "",
    fulfilment: str = Fulfilment.DRIVER,
    driver_family: str = "",
    health_note: str = "",
    usage_unit: str = "",
    depends_on: Sequence[str] = (),
    excludes: Sequence[str] = (),
) -> Feature:
    """Add a feature to the realm's catalog.

    ``depends_on`` and ``excludes`` are keys of features that exist. Raises :class:`KeyTaken`, :class:`UnknownFeature`
    and :class:`InvalidInput` (a characteristic named twice, a feature both needed and excluded).
    """
    others = {feature.key: feature for feature in Feature.objects.filter(key__in=[*depends_on, *excludes])}

    require(actor, "catalog.add_feature")

    locks.hold(f"catalog.feature:{key}")
    if Feature.objects.filter(key=key).exists():
        raise KeyTaken(key=key, fields={"key": [str(KeyTaken.title)]})
    for other in [*depends_on, *excludes]:
        if other not in others:
            raise UnknownFeature(key=other)
    names = [characteristic.key for characteristic in characteristics]
    if len(names) != len(set(names)):
        raise InvalidInput(fields={"characteristics": [_("Each characteristic may be named once.")]})
    if set(depends_on) & set(excludes):
        raise InvalidInput(fields={"excludes": [_("A feature cannot be both needed and excluded.")]})

    feature: Feature = Feature.objects.create(
        key=key,
        family=family,
        title=title,
        description=description,
        characteristics=[characteristic.to_json() for characteristic in characteristics],
        fulfilment=fulfilment,
        driver_family=driver_family,
        health_note=health_note,
        usage_unit=usage_unit,
    )
    kinds = [(RelationKind.DEPENDS_ON, other) for other in depends_on]
    kinds += [(RelationKind.EXCLUDES, other) for other in excludes]
    FeatureRelation.objects.bulk_create(
        FeatureRelation(feature=feature, other=others[other], kind=kind) for kind, other in kinds
    )

    audit.record(actor=actor, action="feature.defined", subject=feature, after={"key": key, "family": family})
    return feature
