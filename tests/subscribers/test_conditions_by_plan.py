"""Promised times by what a customer has bought, by organization and by place."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core.problems import InvalidInput
from boss.tenancy.services import sites
from subscribers.models import Account
from ticketing.models import SlaTerm
from ticketing.services import categories, policies, tickets

HOUR = 3600


def promise(system, *rows: dict) -> None:
    policy = policies.create(actor=system, kind="sla", key="sla", name="Times")
    policies.draft(actor=system, policy=policy, rules={"rows": list(rows)})
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=None)


def hours_of(ticket) -> int:
    term = SlaTerm.objects.get(clock__ticket=ticket, clock__kind="resolve")
    return term.target // dt.timedelta(hours=1)


@pytest.fixture
def care(alpha, system):
    return categories.create(actor=system, key="care", name="Care", portal_visible=True)


def about(account: Account, system):
    subject = ("subscribers.account", account.pk)
    return tickets.open(actor=system, category_key="care", title="Slow", links=[subject])


def test_the_row_of_the_customers_plan_holds_from_the_opening_on(care, system, customer, site, plan):
    promise(
        system,
        {"plans": ["internet-100"], "targets": {"resolve": 4 * HOUR}},
        {"targets": {"resolve": 48 * HOUR}},
    )
    assert hours_of(about(customer("Maria", at=site, plan=plan), system)) == 4
    assert hours_of(about(customer("Nobody", email="n@home.example"), system)) == 48


def test_a_row_holds_for_one_organization_or_one_place(care, system, site):
    house = sites.create_organization(actor=system, name="Elm Court", kind="owner")
    promise(
        system,
        {"organizations": [house.public_id], "targets": {"resolve": HOUR}},
        {"sites": [site.public_id], "targets": {"resolve": 2 * HOUR}},
        {"targets": {"resolve": 3 * HOUR}},
    )
    given = [{"organization": house, "site": site}, {"site": site}, {}]
    opened = [tickets.open(actor=system, category_key="care", title="Dark", **each) for each in given]
    assert [hours_of(each) for each in opened] == [1, 2, 3]


def test_a_plan_there_is_none_of_is_refused_beside_its_field(care, system, plan):
    policy = policies.create(actor=system, kind="sla", key="sla", name="Times")
    for name in ("plans", "organizations", "sites"):
        with pytest.raises(InvalidInput) as refused:
            policies.draft(actor=system, policy=policy, rules={"rows": [{name: ["x"], "targets": {"resolve": HOUR}}]})
        assert list(refused.value.fields) == [f"rows.0.{name}"]
    policy.refresh_from_db()
    assert policy.draft is None
