"""A small catalog: the standard features, and one plan on sale when a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from catalog import preload, templates
from catalog.models import PlanVersion
from catalog.services import plans
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft

WORKFLOWS = {"activate": "new_triple_play"}


def triple(**changes: Any) -> VersionDraft:
    """Triple play as of the templates, for 149.95 a month."""
    return templates.draft_from(templates.get_template("triple-play"), workflows=WORKFLOWS, **changes)


def small(**changes: Any) -> VersionDraft:
    """Internet with a static address on request and one of two ways of installation."""
    given: dict[str, Any] = {
        "features": [
            FeaturePart("data.access", {"down": 100, "up": 10}),
            FeaturePart("mail.mailbox", choosable=("address",), quantity=2),
        ],
        "monthly": {"Internet 100": "54.95"},
        "options": [
            OptionPart("static-ip", "Static IP", "ip.static", monthly="10.00", fixed={"size": "32"}),
            OptionPart("mailbox", "Another mailbox", "mail.mailbox", maximum=3, monthly="1.50"),
            OptionPart("install", "Technician", choice_group="installation", once="59.95"),
            OptionPart("self-install", "Kit", choice_group="installation", once=Decimal("14.95")),
        ],
        "workflows": WORKFLOWS,
        "technologies": ["hfc", "fibre"],
    }
    return VersionDraft(**{**given, **changes})


@pytest.fixture
def features(alpha: Any, system: Any) -> None:
    preload.load(system)


@pytest.fixture
def on_sale(features: None, system: Any) -> Callable[..., PlanVersion]:
    """``on_sale()`` publishes Internet 100; keywords change the draft."""

    def publish(key: str = "internet-100", **changes: Any) -> PlanVersion:
        return plans.publish_version(actor=system, key=key, title="Internet 100", version=small(**changes))

    return publish
