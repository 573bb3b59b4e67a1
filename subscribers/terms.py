"""What somebody has or would have of a plan, and what it costs: for comparing before a change is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from subscribers.models import OrderItem


@dataclass(frozen=True, slots=True)
class Terms:
    """``options`` maps keys to quantities, ``chosen`` features to values; ``features`` is the configuration
    (``ConfiguredFeature.to_json``) by key. Money is in ``currency``; ``once`` is what the order itself costs."""

    plan: str
    currency: str
    monthly: Decimal
    once: Decimal
    options: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    features: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """From what to what. ``done_again`` are the keys of tasks of the order's run that are undone for it and then done
    again, in the order of the run."""

    before: Terms
    after: Terms
    done_again: tuple[str, ...] = ()


def of_item(item: OrderItem, features: list[dict[str, Any]]) -> Terms:
    """The terms an order item asks for."""
    return Terms(
        plan=item.plan_version.title,
        currency=item.currency,
        monthly=item.monthly,
        once=item.once,
        options=dict(item.options),
        chosen=dict(item.chosen),
        features={feature["key"]: feature for feature in features},
    )
