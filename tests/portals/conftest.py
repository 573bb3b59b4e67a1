"""A small shop in Alice's realm: two addresses, two plans with options, a waiting list, a topic to ask about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.test import Client

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.schema import Characteristic
from boss.tenancy.models import Realm, Site, User
from boss.tenancy.services import sites
from catalog import preload
from catalog.services import features, plans
from catalog.services.plans import FeaturePart, OptionPart, UsagePart, VersionDraft
from tests.cast import Cast, make_user
from tests.portals.visiting import Visitor
from ticketing.services import categories, pools
from workflow.services import definitions

SET_UP = {
    "key": "set-up",
    "title": "Set up",
    "inputs": [{"key": "order_id", "type": "integer", "required": True}],
    "tasks": [
        {
            "key": "verify",
            "title": "Verify address",
            "kind": "automated",
            "handler": "subscribers.verify_address",
            "with": {"order_id": {"var": "inputs.order_id"}},
        },
        {
            "key": "users",
            "title": "Create account and users",
            "kind": "automated",
            "handler": "subscribers.create_account_users",
            "with": {"order_id": {"var": "inputs.order_id"}},
            "after": ["verify"],
        },
        {
            "key": "charges",
            "title": "Start charges",
            "kind": "automated",
            "handler": "subscribers.start_charges",
            "with": {"order_id": {"var": "inputs.order_id"}},
            "after": ["users"],
        },
    ],
}

SOLD = ("data.access", "mail.mailbox", "cpe.router", "wifi.network", "tv.tier", "tv.dvr")


@dataclass(frozen=True)
class Shop:
    """What a visitor finds."""

    elm_1: Site
    elm_2: Site
    dark: Site  # known, not served


def open_shop(realm: Realm) -> Shop:
    """Write the shop. Called inside the realm."""
    system = Actor.system(realm.pk)
    pool = pools.create(actor=system, key="csr", name="Customer service")
    categories.create(actor=system, key="lead", name="Lead", kind="lead", default_pool=pool, portal_visible=True)
    categories.create(
        actor=system,
        key="internet",
        name="Internet",
        default_pool=pool,
        portal_visible=True,
        fields=[
            Characteristic(
                "light", "choice", "Modem light", required=True, choices=(("green", "Green"), ("red", "Red"))
            ),
            Characteristic("credit", "decimal", "Credit given", required=True, staff_only=True),
        ],
    )
    for feature in preload.STANDARD:
        if feature.key in SOLD:
            features.define(
                actor=system,
                key=feature.key,
                family=feature.family,
                title=feature.title,
                characteristics=feature.characteristics,
                driver_family=feature.driver_family,
                depends_on=feature.depends_on,
            )
    definitions.publish(actor=system, document=SET_UP)
    _plan(
        system,
        "internet-300",
        "Internet 300",
        VersionDraft(
            features=(
                FeaturePart("data.access", {"down": 300, "up": 20, "cap": 1500}),
                FeaturePart("mail.mailbox", choosable=("address",), quantity=2),
                FeaturePart("cpe.router"),
            ),
            monthly={"Internet 300": "69.95"},
            usage=(UsagePart("Extra data", "10.00", "GB", unit_size=100, included=1500, most="50.00"),),
            options=(
                OptionPart("install", "Technician", choice_group="installation", once=Decimal("59.95")),
                OptionPart("self-install", "Self-installation kit", choice_group="installation", once=Decimal("14.95")),
                OptionPart("wifi", "Managed Wi-Fi", "wifi.network", monthly=Decimal("6.00"), choosable=("ssid",)),
                OptionPart("recording", "Recording", "tv.dvr", monthly=Decimal("12.00")),
                OptionPart("outlet", "Extra outlet", maximum=3, once=Decimal("25.00")),
            ),
            workflows={"activate": "set-up"},
            term_months=12,
        ),
    )
    _plan(
        system,
        "internet-100",
        "Internet 100",
        VersionDraft(
            features=(FeaturePart("data.access", {"down": 100, "up": 10, "cap": 1000}),),
            monthly={"Internet 100": "54.95"},
            workflows={"activate": "set-up"},
        ),
    )
    _plan(
        system,
        "fibre-1000",
        "Fibre 1000",
        VersionDraft(
            features=(FeaturePart("data.access", {"down": 1000, "up": 1000, "cap": 0}),),
            monthly={"Fibre 1000": "99.95"},
            workflows={"activate": "set-up"},
            technologies=("fibre",),
        ),
    )
    return Shop(
        elm_1=sites.create(actor=system, street="14 Elm St", unit="1", city="Springfield", technology="hfc"),
        elm_2=sites.create(actor=system, street="14 Elm St", unit="2", city="Springfield", technology="hfc"),
        dark=sites.create(actor=system, street="99 Far Rd", city="Springfield", technology="hfc", serviceable=False),
    )


def _plan(system: Actor, key: str, title: str, draft: VersionDraft) -> None:
    plan = plans.create(actor=system, key=key, title=title, summary=f"{title} for homes")
    plans.publish(actor=system, version=plans.draft(actor=system, plan=plan, version=draft))


@pytest.fixture
def shop(cast: Cast) -> Shop:
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        return open_shop(cast.alpha)


@pytest.fixture
def maria(cast: Cast) -> User:
    """A subscriber of alpha."""
    return make_user(cast.alpha, "maria@example.com", "Maria Ortiz", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def door(cast: Cast) -> Client:
    """A browser on alpha's host."""
    return Visitor(cast.alpha.pk).client
