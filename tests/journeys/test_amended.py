"""An order changed while its run is under way: only what differs is undone and done again."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import relay
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy import selectors as tenancy
from catalog.pricing import OptionChoice
from ipservices.models import Service
from subscribers.errors import NotUnderWay
from subscribers.models import Charge, Order, OrderItem
from subscribers.services import amending
from tests.journeys.company import Company
from workflow.models import Attempt, TaskRun


def amend(company: Company, order: Order, *options: str, actor: Any = None, chosen: Any = None) -> None:
    with company.open():
        amending.amend(
            actor=actor or company.boss, order=order, options=[OptionChoice(one) for one in options], chosen=chosen
        )
    relay.deliver_due(company.realm_id)


def attempts(company: Company, order: Order) -> dict[str, int]:
    """How often each task was tried, forward and back."""
    with company.open():
        found: dict[str, int] = {}
        for key in Attempt.objects.filter(task__run=order.run_id).values_list("task__key", flat=True):
            found[key] = found.get(key, 0) + 1
        return found


def living(company: Company, order: Order) -> set[str]:
    with company.open():
        rows = Service.objects.filter(subscription__items__order=order).exclude(state="terminated")
        return {f"{row.feature_key} {row.state}" for row in rows}


@pytest.fixture
def visit(lakes: Company) -> Order:
    """Everything that needs no visit is done; the technician is still to come."""
    order = lakes.order("triple-300", "install")
    lakes.until(order.run_id, "install_visit", "waiting")
    return order


def test_premium_channels_added_before_the_visit_touch_television_only(lakes: Company, visit: Order) -> None:
    before = attempts(lakes, visit)
    amend(lakes, visit, "install", "premium")
    lakes.go()
    after = attempts(lakes, visit)
    assert {key for key in after if after[key] != before[key]} == {"tv_entitlements"}
    assert lakes.finish(visit.run_id) == "completed"
    with lakes.open():
        item = OrderItem.objects.get(order=visit)
        titles = set(Charge.objects.filter(order=visit, state="active").values_list("title", flat=True))
        television = [row.observed for row in Service.objects.filter(subscription__items__order=visit, family="iptv")]
    assert "premium" in item.options and "Premium channels" in titles and "premium" in str(television)


def test_a_preview_says_what_would_be_done_again_and_does_nothing(lakes: Company, visit: Order) -> None:
    tried, before = attempts(lakes, visit), lakes.picture()
    with lakes.open():
        change = amending.preview(
            actor=lakes.boss, order=visit, options=[OptionChoice("install"), OptionChoice("premium")]
        )
        item = OrderItem.objects.get(order=visit)
        assert "premium" in change.after.options and "premium" not in item.options
        assert change.after.monthly > change.before.monthly == item.monthly
        assert change.done_again == ("tv_entitlements",)
        assert TaskRun.objects.get(run=visit.run_id, key="tv_entitlements").state == "done"
    lakes.go()
    assert (attempts(lakes, visit), lakes.picture()) == (tried, before)
    assert lakes.finish(visit.run_id) == "completed"


def test_what_was_added_and_taken_out_again_leaves_nothing(lakes: Company, visit: Order) -> None:
    plain = living(lakes, visit)
    amend(lakes, visit, "install", "premium", "static-ip")
    lakes.go()
    assert living(lakes, visit) > plain
    amend(lakes, visit, "install")
    lakes.go()
    assert living(lakes, visit) == plain
    assert lakes.finish(visit.run_id) == "completed"


def test_an_address_of_ones_own_is_followed_by_name_and_log_in(lakes: Company, visit: Order) -> None:
    before = attempts(lakes, visit)
    amend(lakes, visit, "install", "static-ip")
    lakes.go()
    after = attempts(lakes, visit)
    touched = {key for key in after if after[key] != before[key]}
    assert touched == {"reserve_address", "address_lease", "dns_record", "access_account"}
    with lakes.open():
        login = Service.objects.get(subscription__items__order=visit, family="access")
        own = Service.objects.get(subscription__items__order=visit, feature_key="ip.static")
        assert login.desired["static_address"] == own.desired["address"], (login.desired, own.desired)
        assert login.drift == [] and not login.is_behind
    assert lakes.finish(visit.run_id) == "completed"


def test_an_amended_order_is_reversed_without_a_trace(lakes: Company) -> None:
    before = lakes.picture()
    order = lakes.order("triple-300", "install")
    lakes.until(order.run_id, "install_visit", "waiting")
    amend(lakes, order, "install", "premium", "static-ip")
    lakes.go()
    assert lakes.reverse(order.run_id) == "reversed"
    assert lakes.picture() == before


def test_an_order_amended_before_anything_was_done_is_simply_the_other_order(lakes: Company) -> None:
    order = lakes.order("triple-300", "install", "premium")
    amend(lakes, order, "install")
    assert lakes.finish(order.run_id) == "completed"
    assert not [row for row in living(lakes, order) if "premium" in row]


def test_planned_and_not_wanted_any_more_is_planned_no_more(lakes: Company) -> None:
    order = lakes.order("triple-300", "install", "premium")
    lakes.until(order.run_id, "design_services")
    amend(lakes, order, "install")
    assert lakes.finish(order.run_id) == "completed"
    assert {row for row in living(lakes, order) if not row.endswith("active")} == set()
    assert not [row for row in living(lakes, order) if "premium" in row]


def test_amending_is_refused_with_nothing_changed(lakes: Company, visit: Order) -> None:
    def same() -> tuple[Any, ...]:
        with lakes.open():
            return (
                OrderItem.objects.get(order=visit).options,
                list(TaskRun.objects.filter(run=visit.run_id).values_list("state", "generation")),
            )

    before = same()
    with pytest.raises(InvalidInput) as refused:
        amend(lakes, visit, "install", "no-such-option")
    assert set(refused.value.fields) == {"option.no-such-option"}
    with lakes.open():
        nobody = tenancy.visitor(lakes.realm_id)
    with pytest.raises(PermissionDenied):
        amend(lakes, visit, "install", "premium", actor=nobody)
    assert same() == before

    assert lakes.finish(visit.run_id) == "completed"
    with pytest.raises(NotUnderWay):
        amend(lakes, visit, "install", "premium")


def test_charges_that_began_are_taken_back_and_begin_with_the_new_price(lakes: Company) -> None:
    order = lakes.order("triple-300", "install")
    lakes.until(order.run_id, "start_charges")
    with lakes.open():
        before = OrderItem.objects.get(order=order).monthly
    amend(lakes, order, "install", "premium")
    assert lakes.finish(order.run_id) == "completed"
    with lakes.open():
        item = OrderItem.objects.get(order=order)
        charged = {charge.title: charge.total for charge in Charge.objects.filter(order=order, state="active")}
    assert item.monthly > before and sum(charged.values()) == item.monthly + item.once
