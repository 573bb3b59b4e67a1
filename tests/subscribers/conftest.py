"""A realm that sells Internet 100 at one address, and ways to fill it with customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from boss.tenancy.models import Site
from boss.tenancy.services import sites
from catalog import preload
from catalog.models import PlanVersion
from catalog.pricing import OptionChoice
from catalog.services import plans
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Account, Subscription
from subscribers.normalise import address_keys
from subscribers.services import accounts
from tests.catalog.conftest import small

KIT = OptionChoice("self-install")
CARD = PaymentChoice("card", "tok_ok")
CASH = PaymentChoice("cash")
MARIA = ContactDetails("Maria Ortiz", "maria@home.example", "+1 (555) 555-0100")


@pytest.fixture
def site(alpha: Any, system: Any) -> Site:
    return sites.create(
        actor=system,
        street="412 Elm Street",
        city="Lakeview",
        postal_code="55001",
        technology="hfc",
        access_node="node-17",
    )


@pytest.fixture
def plan(alpha: Any, system: Any) -> PlanVersion:
    preload.load(system)
    return plans.publish_version(actor=system, key="internet-100", title="Internet 100", version=small())


@pytest.fixture
def customer(alpha: Any, system: Any) -> Callable[..., Account]:
    """``customer("Maria Ortiz", phone=…, at=site)`` opens an account, with a subscription when ``at`` a site."""

    def make(
        name: str,
        *,
        email: str = "somebody@home.example",
        phone: str = "5555550000",
        at: Site | None = None,
        plan: PlanVersion | None = None,
    ) -> Account:
        account = accounts.open(actor=system, contact=ContactDetails(name, email, phone), site=at)
        if at is not None and plan is not None:
            address_key, street_key = address_keys(at.street, at.unit)
            Subscription.objects.create(
                account=account, site=at, plan_version=plan, address_key=address_key, street_key=street_key
            )
        return account

    return make
