"""How each shipped workflow really starts: an order, an overdue balance, a lease feed, a person.

Each gives the picture before, and the run.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from boss.core import clock
from boss.tenancy.models import Organization, Site
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.contact import ContactDetails
from subscribers.models import Subscription
from subscribers.services import billing, collecting, later_orders, leases
from tests.journeys.company import CASH, OTHER_RADIO, Company
from workflow.services import runs

Started = tuple[dict[str, Any], int]

OLD_NUMBER = {"number": "+13125550177", "losing_carrier": "RegionalVoice", "account_number": "ACC-7001"}


def new_triple_play(company: Company) -> Started:
    before = company.picture()
    return before, company.order("triple-300", "install", "set-top", "static-ip").run_id


def new_triple_play_with_port(company: Company) -> Started:
    before = company.picture()
    order = company.order("triple-300", "install", "port-in", chosen={"voice.portin": OLD_NUMBER}, payment=CASH)
    return before, order.run_id


def subscriber(company: Company, plan: str = "triple-300") -> Subscription:
    """Somebody with everything; his mailbox has an alias of his own making."""
    return company.served(plan, "install" if plan != "internet-100" else "self-install")


def plan_change(company: Company) -> Started:
    subscription = subscriber(company, "internet-100")
    before = company.picture()
    with company.open():
        order = later_orders.change_plan(
            actor=company.boss, subscription=subscription, plan_version=catalog.get_plan_version("internet-600"),
            options=[*_options("self-install", "static-ip", "wifi")], chosen={"wifi.network": {"ssid": "Ortiz"}},
        )  # fmt: skip
    return before, order.run_id


def number_port_in(company: Company) -> Started:
    subscription = subscriber(company)
    before = company.picture()
    # The first letter has a wrong account number: the losing carrier rejects it once.
    company.answers["collect_loa"] = {**company.answers["collect_loa"], "account_number": "ACC-7000"}
    with company.open():
        order = later_orders.bring_number(actor=company.boss, subscription=subscription, **OLD_NUMBER)
    return before, order.run_id


def owe(company: Company, subscription: Subscription, days_overdue: int = 10) -> None:
    """A statement that was due ``days_overdue`` days ago."""
    today = clock.today()
    with company.open():
        billing.issue(
            actor=company.system, account=subscription.account, period_from=today - dt.timedelta(days=60),
            period_to=today + dt.timedelta(days=1), due_on=today - dt.timedelta(days=days_overdue),
        )  # fmt: skip


def non_pay(company: Company) -> Started:
    subscription = subscriber(company)
    owe(company, subscription)
    before = company.picture()
    with company.open():
        late = billing.overdue(subscription.account, clock.today())
        assert late is not None and late.amount > Decimal("0")
        case = collecting.open(
            actor=company.system, account=subscription.account, overdue_since=late.since, amount=late.amount
        )
    return before, case.run_id


def disconnect(company: Company) -> Started:
    subscription = subscriber(company)
    before = company.picture()
    company.answers["restock"] = {"not_returned": 40}
    with company.open():
        order = later_orders.disconnect(
            actor=company.boss, subscription=subscription, wanted_on=clock.today() + dt.timedelta(days=3),
            reason="moving",
        )  # fmt: skip
    return before, order.run_id


def new_wireless_install(company: Company) -> Started:
    company.answers.update(OTHER_RADIO)
    before = company.picture()
    return before, company.order("prairie-50", "install-24").run_id


def resident_move_in(company: Company) -> Started:
    before = company.picture()
    with company.open():
        owner = Organization.objects.get(name="Alder Residential")
        unit = Site.objects.filter(organization=owner).order_by("id")[3]
        lease = leases.receive(
            actor=company.boss, organization=owner, reference="L-2026-17", site=unit, starts_on=clock.today(),
            resident=ContactDetails("Ines Duarte", "ines.duarte@mail.example", "+1 555 555 0171"),
        )  # fmt: skip
    assert lease.order is not None
    return before, lease.order.run_id


def property_turn_up(company: Company) -> Started:
    before = company.picture()
    with company.open():
        owner = Organization.objects.get(name="Alder Residential")
        run = runs.start_by_hand(
            actor=company.boss,
            definition_key="property-turn-up",
            inputs={
                "organization": owner.public_id,
                "property": "Alder Mills",
                "city": "Keystone",
                "buildings": [
                    {"street": "1 Mill Yard", "units": "101, 102, 201"},
                    {"street": "2 Mill Yard", "units": "101, 102"},
                ],
            },
        )
    return before, run.pk


def _options(*keys: str) -> list[Any]:
    return [OptionChoice(key) for key in keys]
