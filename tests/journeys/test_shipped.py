"""The eight shipped workflows from their real beginning to their end, at the three demo providers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from boss.core import clock, relay
from boss.notify.models import Message
from boss.portals import tracker
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Site
from catalog import selectors as catalog
from ipservices.adapters import sandbox_porting
from ipservices.models import AddressAssignment, PhoneNumber, PortHold, PortRequest, Service, SimulatedObject
from ipservices.services import porting
from subscribers.errors import OrderUnderWay, UnitOccupied
from subscribers.models import Account, Charge, Collection, Lease, Order, Subscription
from subscribers.services import billing, later_orders, leases
from tests.cast import sign_in
from tests.journeys import picture, starts
from tests.journeys.company import CARD, MARIA, OTHER_RADIO, Company
from ticketing.models import Ticket
from workflow.models import Run

API = "/api/v1/subscribers"


def client(company: Company, email: str, host: str) -> Client:
    """Somebody signed in at the provider's address."""
    browser = Client(headers={"host": host})
    with company.open():
        user = tenancy.find_user_by_email(email)
        assert user is not None, email
        sign_in(browser, user)
    return browser


def post(browser: Client, path: str, **body: Any) -> dict[str, Any]:
    answer = browser.post(path, body, content_type="application/json")
    assert answer.status_code in (200, 201), (answer.status_code, answer.content[:600])
    return answer.json()


@pytest.fixture
def rosa(lakes: Company) -> Client:
    return client(lakes, f"rosa@{lakes.domain}", "trilakes.localhost")


def on_server(company: Company, server: str) -> list[SimulatedObject]:
    with company.open():
        return list(SimulatedObject.objects.filter(server__name=server).order_by("name"))


def charged(company: Company, **whose: Any) -> dict[str, str]:
    with company.open():
        rows = Charge.objects.filter(state="active", **whose)
        return {charge.title: str(charge.total) for charge in rows}


# A. New triple play


def test_a_triple_play_with_a_number_brought_along_waits_for_its_firm_day(lakes):
    order = lakes.order("triple-300", "install", "port-in", chosen={"voice.portin": starts.OLD_NUMBER})
    lakes.until(order.run_id, "firm_day", "waiting")
    with lakes.open():
        request = PortRequest.objects.get()
        assert request.state == "confirmed" and request.firm_on > clock.today()
        assert lakes.task(order.run_id, "firm_day").due_at.date() == request.firm_on
    # Nothing else waits for it, but no call may come before.
    assert lakes.states(order.run_id)["voice_line"] == "pending"
    assert lakes.finish(order.run_id) == "completed"
    assert [row.attributes["routed_here"] for row in on_server(lakes, sandbox_porting.SERVER)] == [True]
    assert [row.name for row in on_server(lakes, "Voice switch")] == [starts.OLD_NUMBER["number"]]
    assert "Triple 300" in charged(lakes, order=order)


# A. Plan change


def test_a_plan_is_changed_on_the_api_in_seven_automatic_tasks(lakes, rosa):
    subscription = starts.subscriber(lakes, "internet-100")
    before = {row.name: row.secret_digests for row in on_server(lakes, "RADIUS")}
    answer = post(rosa, f"{API}/subscriptions/{subscription.public_id}/change/", plan="internet-600")
    with lakes.open():
        order = Order.objects.get(public_id=answer["public_id"])
    lakes.go()
    assert lakes.fresh(order).state == "completed", lakes.stuck(order.run_id)
    assert len(lakes.states(order.run_id)) == 7
    (login,) = on_server(lakes, "RADIUS")
    assert (login.attributes["down_mbps"], login.attributes["up_mbps"]) == (600, 25)
    assert {login.name: login.secret_digests} == before, "the log-in and its password stay"
    assert charged(lakes, account=subscription.account) == {
        "Internet 600": "84.95",
        "Self-installation kit": "14.95",  # paid with the first order, not again
    }
    with lakes.open():
        assert Subscription.objects.get(pk=subscription.pk).plan_version.plan.key == "internet-600"
        assert Message.objects.filter(template="plan_changed").count() == 1


def test_what_needs_a_visit_is_no_plan_change_and_two_orders_do_not_meet(lakes, rosa):
    subscription = starts.subscriber(lakes, "internet-100")
    path = f"{API}/subscriptions/{subscription.public_id}/change/"
    body = {"plan": "triple-300", "options": [{"key": "install"}]}
    refused = rosa.post(path, body, content_type="application/json")
    assert refused.status_code == 422 and "visit" in str(refused.json()["fields"]["plan"])
    post(rosa, path, plan="internet-300")
    with lakes.open(), pytest.raises(OrderUnderWay):
        later_orders.disconnect(actor=lakes.boss, subscription=subscription)


# A. Number port-in


def test_a_rejected_port_is_corrected_by_people_as_often_as_it_takes(lakes):
    _before, run_id = starts.number_port_in(lakes)
    lakes.until(run_id, "collect_loa")
    for wrong in ("ACC-7770", "ACC-7780"):
        lakes.go(hurry=False)
        with lakes.open():
            ticket = Ticket.objects.get(subject_kind=porting.SUBJECT_KIND, state="new")
            assert "account number" in ticket.title and PortRequest.objects.get().state == "rejected"
        lakes.answers["fix_loa"] = {"account_number": wrong}
        assert lakes.answer_one()
    lakes.answers["fix_loa"] = {"account_number": "ACC-7001"}
    assert lakes.finish(run_id) == "completed", lakes.stuck(run_id)
    with lakes.open():
        request = PortRequest.objects.get()
        assert (request.state, request.tries) == ("completed", 4)
        assert PhoneNumber.objects.get(number=starts.OLD_NUMBER["number"]).state == "assigned"
        assert Message.objects.filter(template="number_ported").count() == 1
    assert [row.name for row in on_server(lakes, "Voice switch")] == [starts.OLD_NUMBER["number"]]
    assert [row.name for row in on_server(lakes, "Emergency location database")] == [starts.OLD_NUMBER["number"]]


def test_a_port_is_cancelled_before_its_firm_day_and_while_nobody_answers(lakes):
    subscription = starts.subscriber(lakes)
    before = lakes.picture()
    with lakes.open():
        silent = {**starts.OLD_NUMBER, "number": "+13125550155"}
        order = later_orders.bring_number(actor=lakes.boss, subscription=subscription, **silent)
    lakes.until(order.run_id, "collect_loa")
    lakes.go(hurry=False)
    assert lakes.task(order.run_id, "submit_port").state == "waiting"
    sandbox_porting.let_answer(lakes.realm_id, "+13125550155")
    with lakes.open():
        porting.heard(actor=lakes.person("pia"), request=PortRequest.objects.get())
    lakes.go(hurry=False)
    assert lakes.task(order.run_id, "submit_port").state == "done"
    assert lakes.reverse(order.run_id, "Customer changed his mind") == "reversed"
    assert picture.difference(before, lakes.picture()) == {}
    assert on_server(lakes, sandbox_porting.SERVER) == []


# A. Non-pay


@pytest.fixture
def behind(lakes: Company) -> tuple[Subscription, int, dict[str, Any]]:
    """Somebody whose statement was due ten days ago, and the case that was opened for him."""
    before, run_id = starts.non_pay(lakes)
    with lakes.open():
        return Subscription.objects.select_related("account").get(), run_id, before


@pytest.mark.parametrize(
    ("day", "task", "state"),
    [("10", "until_day_20", "waiting"), ("25", "until_day_45", "waiting"), ("50", "fetch_equipment", "waiting")],
)
def test_a_payment_at_any_time_brings_back_full_service(lakes, behind, rosa, day, task, state):
    subscription, run_id, before = behind
    lakes.until(run_id, task, state)
    served = {row.restriction for row in on_server(lakes, "RADIUS")}
    assert served == {"10": {"none"}, "25": {"walled"}, "50": set()}[day]
    with lakes.open():
        owed = billing.balance(subscription.account)
    account = subscription.account.public_id
    post(rosa, f"{API}/payments/", account=account, amount=str(owed), paid_by="card", key="bank-1")
    post(rosa, f"{API}/payments/", account=account, amount=str(owed), paid_by="card", key="bank-1")
    assert lakes.finish(run_id) == "reversed"
    after = lakes.picture()
    assert [row["amount"] for row in after.pop("Payment")] == [owed]
    assert picture.difference({**before, "Payment": []}, {**after, "Payment": []}) == {}
    with lakes.open():
        assert Collection.objects.get().state == "settled"


def test_a_part_of_it_is_no_payment(lakes, behind):
    subscription, run_id, _before = behind
    with lakes.open():
        billing.receive(actor=lakes.boss, account=subscription.account, amount=Decimal("1"), paid_by="cash")
    assert lakes.run(run_id).state == "running"


def test_who_never_pays_is_warned_walled_in_disconnected_and_closed(lakes, behind):
    subscription, run_id, _before = behind
    with lakes.open():
        case = Collection.objects.get()
    assert lakes.run(run_id).inputs["wall_at"][:10] == (case.overdue_since + dt.timedelta(days=20)).isoformat()
    assert lakes.run(run_id).inputs["disconnect_at"][:10] == (case.overdue_since + dt.timedelta(days=45)).isoformat()
    assert lakes.finish(run_id) == "completed"
    relay.deliver_due(lakes.realm_id)
    with lakes.open():
        assert Collection.objects.get().state == "disconnected"
        assert Account.objects.get(pk=subscription.account_id).state == "closed"
        assert Subscription.objects.get(pk=subscription.pk).state == "terminated"
        assert not Charge.objects.filter(kind="recurring", state="active").exists()
        assert not AddressAssignment.objects.exists() and not PortHold.objects.filter(state="held").exists()
        assert not PhoneNumber.objects.exclude(state__in=["available", "quarantined"]).exists()
        assert Message.objects.filter(template="overdue").count() == 1


# A. Disconnect and recover


def test_who_leaves_is_shut_charged_for_the_term_and_everything_is_free_again(lakes):
    _before, run_id = starts.disconnect(lakes)
    with lakes.open():
        order = Order.objects.get(reason="moving")
    lakes.until(run_id, "book_pick_up")
    assert lakes.states(run_id)["shut_services"] == "done"
    assert {row.restriction for row in on_server(lakes, "RADIUS")} == {"blocked"}
    lakes.until(run_id, "remove_services")
    with lakes.open():
        assert AddressAssignment.objects.exists(), "nothing is given to others while he may still stay"
    assert lakes.finish(run_id) == "completed"
    relay.deliver_due(lakes.realm_id)
    assert charged(lakes, order=order) == {"Early end of the term": "120.00", "Equipment not returned": "40.00"}
    with lakes.open():
        assert Account.objects.get(pk=order.account_id).state == "closed"
        assert not Service.objects.exclude(state="terminated").exists()
        assert not AddressAssignment.objects.exists()
        assert not PhoneNumber.objects.exclude(state__in=["available", "quarantined"]).exists()


def test_a_win_back_stops_it(lakes, rosa):
    subscription = starts.subscriber(lakes)
    before = lakes.picture()
    answer = post(rosa, f"{API}/subscriptions/{subscription.public_id}/disconnect/", reason="price")
    with lakes.open():
        order = Order.objects.get(public_id=answer["public_id"])
    lakes.until(order.run_id, "charge_the_end")
    with lakes.open():
        assert "ending your service" in tracker.track(order).headline
    post(rosa, f"{API}/orders/{order.public_id}/win-back/", reason="Two months free")
    assert lakes.finish(order.run_id) == "reversed"
    assert picture.difference(before, lakes.picture()) == {}
    with lakes.open():
        assert tracker.track(lakes.fresh(order)).text == "Your service goes on as before."
    gone = rosa.post(f"{API}/orders/{order.public_id}/win-back/", {}, content_type="application/json")
    assert gone.status_code == 409


# B. New wireless install


def test_a_survey_that_fails_gives_everything_back_and_keeps_a_lead(prairie):
    prairie.answers["survey_visit"] = {"passed": False, "obstruction": "Cottonwoods"}
    before = prairie.picture()
    order = prairie.order("prairie-50", "install-24")
    prairie.until(order.run_id, "survey_visit")
    with prairie.open():
        assert order.card_holds.get().amount == Decimal("75.00")
    assert prairie.finish(order.run_id) == "reversed", prairie.stuck(order.run_id)
    assert picture.difference(before, prairie.picture()) == {}
    with prairie.open():
        assert order.card_holds.get().state == "voided"
        lead = Ticket.objects.get(category__key="lead")
        assert "No line of sight" in lead.title and MARIA.full_name in lead.title
    assert prairie.states(order.run_id)["create_account"] == "skipped"


@pytest.mark.parametrize("method", ["card", "cash"])
def test_a_survey_that_passes_ends_on_the_roof(prairie, method):
    prairie.answers.update(OTHER_RADIO)
    payment = CARD if method == "card" else starts.CASH
    order = prairie.order("prairie-100", "install-free", payment=payment)
    assert prairie.finish(order.run_id) == "completed", prairie.stuck(order.run_id)
    assert prairie.states(order.run_id)["hold_deposit"] == ("done" if method == "card" else "skipped")
    assert prairie.states(order.run_id)["take_deposit"] == ("skipped" if method == "card" else "done")
    assert charged(prairie, order=order) == {"Prairie 100": "85.00", "Installation, no term": "249.00"}
    (router,) = on_server(prairie, _server_of(prairie, "cpe"))
    assert router.attributes["serial"] == "HPR-1"


def _server_of(company: Company, family: str) -> str:
    with company.open():
        binding = Service.objects.filter(family=family).select_related("binding").first().binding
        return f"binding-{binding.pk}"


# C. Resident move-in


@pytest.fixture
def manager(stones: Company) -> Client:
    """The manager of Alder Residential."""
    return client(stones, "manager@alder.example", "keystone.localhost")


def lease_of(stones: Company, unit: int = 3, **more: Any) -> dict[str, Any]:
    with stones.open():
        owner = Organization.objects.get(name="Alder Residential")
        site = Site.objects.filter(organization=owner).order_by("id")[unit]
    return {
        "organization": owner.public_id, "site": site.public_id, "reference": "L-17",
        "starts_on": clock.today().isoformat(),
        "resident": {"full_name": "Ines Duarte", "email": "ines@mail.example", "phone": "+1 555 555 0171"},
        **more,
    }  # fmt: skip


def test_the_owners_lease_feed_moves_a_resident_in_without_a_hand(stones, manager):
    answer = post(manager, f"{API}/leases/", **lease_of(stones))
    again = post(manager, f"{API}/leases/", **lease_of(stones))
    assert again["public_id"] == answer["public_id"]
    stones.go()
    with stones.open():
        lease = Lease.objects.select_related("order__account", "organization").get()
        order = lease.order
        assert (lease.state, order.state) == ("moved_in", "completed"), stones.stuck(order.run_id)
        assert len(stones.states(order.run_id)) == 6
        charge = Charge.objects.select_related("account").get(order=order)
        assert (charge.account.organization, str(charge.total)) == (lease.organization, "24.00")
        assert charge.account_id != order.account_id, "the owner pays"
        assert order.account.user.email == "ines@mail.example"
        assert SimulatedObject.objects.filter(full_kind="cpe.device", attributes__has_key="ssid").exists()
    # He sees the leases he announced, and nothing of what his residents have.
    assert [row["reference"] for row in manager.get(f"{API}/leases/").json()["results"]] == ["L-17"]
    assert manager.get(f"{API}/accounts/").status_code == 403
    assert manager.get(f"{API}/charges/").status_code == 403


def test_a_lease_of_tomorrow_is_ordered_tomorrow_and_no_unit_is_served_twice(stones, manager):
    tomorrow = (clock.today() + dt.timedelta(days=1)).isoformat()
    post(manager, f"{API}/leases/", **lease_of(stones, starts_on=tomorrow))
    with stones.open():
        lease = Lease.objects.get()
        assert lease.order is None
        with clock.moved(dt.timedelta(days=1)):
            order = leases.move_in(actor=stones.system, lease=lease).order
            assert leases.move_in(actor=stones.system, lease=lease).order == order
    stones.go()
    second = lease_of(stones, reference="L-18", starts_on=tomorrow)
    second["resident"]["email"] = "next@mail.example"
    post(manager, f"{API}/leases/", **second)
    with stones.open(), pytest.raises(UnitOccupied):
        leases.move_in(actor=stones.system, lease=Lease.objects.get(reference="L-18"))


def test_an_owner_announces_nothing_in_other_peoples_buildings(stones, manager):
    with stones.open():
        other = Organization.objects.get(name="Ellison Trust")
    refused = manager.post(
        f"{API}/leases/", lease_of(stones, organization=other.public_id), content_type="application/json"
    )
    assert refused.status_code == 422 and not stones.picture()["Lease"]


# C. New property turn-up


def test_a_property_is_built_building_by_building_and_then_lived_in(stones):
    _before, run_id = starts.property_turn_up(stones)
    stones.until(run_id, "order_equipment")
    assert stones.finish(run_id) == "completed", stones.stuck(run_id)
    with stones.open():
        parts = Run.objects.filter(parent__run_id=run_id).order_by("index")
        assert [part.state for part in parts] == ["completed", "completed"]
        units = tenancy.list_units("1 Mill Yard", "Keystone")
        assert [unit.unit for unit in units] == ["101", "102", "201"]
        assert all(unit.serviceable and unit.access_node == "mdf-07" for unit in units)
        manual = [task for run in [stones.run(run_id), parts[0]] for task in run.tasks.all() if task.kind == "manual"]
        assert len(manual) == 12
        owner = units[0].organization
        lease = leases.receive(
            actor=stones.boss, organization=owner, reference="first", site=units[0], starts_on=clock.today(),
            resident=MARIA,
        )  # fmt: skip
    stones.go()
    with stones.open():
        assert Lease.objects.get(pk=lease.pk).state == "moved_in"


# Across the providers


def test_plans_name_the_workflows_their_orders_start(lakes, prairie, stones):
    with lakes.open():
        assert catalog.get_plan_version("triple-300").workflows == {
            "activate": "new-triple-play", "change": "plan-change", "port_in": "number-port-in",
            "disconnect": "disconnect-recover",
        }  # fmt: skip
    with prairie.open():
        assert catalog.get_plan_version("prairie-50").workflows == {"activate": "new-wireless-install"}
    with stones.open():
        assert catalog.get_plan_version("bulk-100").workflows == {"activate": "resident-move-in"}
