"""The tasks of an order: from a pending subscription to services that work, and all the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from boss.core import scoping
from catalog.pricing import OptionChoice
from ipservices import sealing, selectors
from ipservices.choices import CallOutcome, NumberState, ServiceState
from ipservices.contracts import Invalid, Safety, Unreachable
from ipservices.drivers.simulator import client
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.errors import LevelsOutOfRange, NotDesigned, NumberTaken, OutcomeUnknown
from ipservices.models import (
    AddressAssignment,
    ContainerLock,
    DriverCall,
    FormerState,
    PhoneNumber,
    Service,
    SimulatedEffect,
)
from ipservices.services import numbers, provisioning, reconciling, simulator
from tests.ipservices.conftest import HANDLERS, Network, subscribe
from workflow.contracts import Done
from workflow.errors import TimeLimitExceeded

FORWARD = (
    ("hold_port", {}),
    ("design_services", {}),
    ("reserve_address", {}),
    ("assign_number", {}),
    ("activate_family", {"family": "ip"}),
    ("activate_family", {"family": "dns"}),
    ("activate_family", {"family": "access"}),
    ("activate_family", {"family": "mail"}),
    ("load_e911", {}),
    ("activate_family", {"family": "voip"}),
    ("activate_family", {"family": "iptv"}),
    ("bind_equipment", {"router_mac": "00:11:22:aa:bb:cc", "router_serial": "R-1", "set_top_serials": "S-1"}),
    ("verify_levels", {}),
)


def deliver(network: Network, run: str = "run-1", mac: str = "00:11:22:aa:bb:cc") -> None:
    for key, inputs in FORWARD:
        given = {**inputs, "router_mac": mac} if "router_mac" in inputs else inputs
        outcome = network.run(key, run, **given)
        assert isinstance(outcome, Done), (key, outcome)
        network.outputs[key] = dict(outcome.outputs)


def take_back(network: Network, run: str = "run-1") -> None:
    for key, inputs in reversed(FORWARD):
        if key != "verify_levels":
            assert isinstance(network.undo(key, run, **inputs), Done)


def picture(network: Network) -> dict[str, Any]:
    with scoping.realm_transaction(network.realm.pk):
        return selectors.picture_of(network.subscription)


def test_an_order_brings_every_service_of_the_plan_to_life(network: Network, in_alpha: Callable[[], Any]) -> None:
    deliver(network)

    with in_alpha():
        rows = {row.full_kind: row for row in Service.objects.filter(subscription=network.subscription)}
        assert {row.state for row in rows.values()} == {ServiceState.ACTIVE}
        assert all(row.drift == [] and not row.is_behind for row in rows.values())
        assert rows["mail.mailbox"].name == "maria@alpha.example"
        assert rows["voip.line"].name == "+15555550100"
        assert rows["access.account"].desired["down_mbps"] == 300
        assert rows["dns.host"].desired["addresses"] == ["203.0.113.2"]
        number = PhoneNumber.objects.get(number="+15555550100")
        assert number.state == NumberState.ASSIGNED
        kinds = sorted(str(row) for row in AddressAssignment.objects.all())
        assert kinds == ["2001:db8::/56", "203.0.113.2"]
    assert client.can_use(network.realm.pk, "mail", "mail.mailbox", "maria@alpha.example", "submit")
    assert client.can_use(network.realm.pk, "voip", "voip.line", "+15555550100", "outgoing")


def test_a_reversed_order_leaves_everything_as_it_was(network: Network) -> None:
    before = picture(network), network.held()

    deliver(network)
    assert (picture(network), network.held()) != before
    take_back(network)

    assert (picture(network), network.held()) == before
    with scoping.realm_transaction(network.realm.pk):
        assert not PhoneNumber.objects.exclude(state=NumberState.AVAILABLE).exists()
        assert not FormerState.objects.filter(restored_at=None).exists()


def test_undoing_one_order_touches_nothing_of_another(network: Network) -> None:
    deliver(network)
    mine = picture(network), network.held()
    first = network.subscription
    with scoping.realm_transaction(network.realm.pk):
        network.subscription = subscribe(network.realm, network.plan, 2)

    deliver(network, "run-2", mac="00:11:22:aa:bb:dd")
    take_back(network, "run-2")

    network.subscription = first
    assert (picture(network), network.held()) == mine


def test_undoing_a_second_run_for_a_subscription_leaves_what_the_first_one_made(network: Network) -> None:
    """Everything is there already, so the second run makes nothing and has nothing to take back."""
    deliver(network)
    before = picture(network), network.held()

    deliver(network, "run-2")
    take_back(network, "run-2")

    assert (picture(network), network.held()) == before


def test_a_task_done_twice_does_its_work_once(network: Network) -> None:
    deliver(network)
    once = network.held(), changes_at(network)

    deliver(network)

    assert (network.held(), changes_at(network)) == once
    # Set up once each, and then the addresses were given to the router.
    assert set(once[1].values()) == {1, 2}
    assert {kind for (_server, kind, _name), times in once[1].items() if times == 2} == {"ip.assignment"}


def changes_at(network: Network) -> Counter[Any]:
    with scoping.realm_transaction(network.realm.pk):
        changed = SimulatedEffect.objects.filter(changed=True)
        return Counter(changed.values_list("server__name", "full_kind", "name"))


def test_undo_of_a_task_that_never_finished_takes_back_what_it_had_done(network: Network) -> None:
    network.run("design_services")
    network.run("reserve_address")
    before = network.held()
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=network.system, binding=network.bindings["mail"], fault="answer_lost", value=True)
    with pytest.raises(Unreachable):
        network.run("activate_family", family="mail")
    assert network.held() != before  # it happened, and nobody was told
    with scoping.realm_transaction(network.realm.pk):
        simulator.clear_faults(actor=network.system, binding=network.bindings["mail"])

    network.undo("activate_family", family="mail", finished=False)

    assert network.held() == before


def test_undo_of_what_was_never_tried_does_nothing(network: Network) -> None:
    network.run("design_services")

    assert isinstance(network.undo("activate_family", family="mail", finished=False), Done)
    assert network.held() == []


def test_an_answer_that_is_lost_is_made_up_for_by_the_next_attempt(network: Network) -> None:
    network.run("design_services")
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=network.system, binding=network.bindings["mail"], fault="answer_lost", value=True)
    with pytest.raises(Unreachable) as caught:
        network.run("activate_family", family="mail")
    assert caught.value.outcome_unknown
    assert caught.value.retryable
    with scoping.realm_transaction(network.realm.pk):
        simulator.clear_faults(actor=network.system, binding=network.bindings["mail"])

    network.run("activate_family", family="mail", attempt=2)

    with scoping.realm_transaction(network.realm.pk):
        assert SimulatedEffect.objects.filter(full_kind="mail.mailbox", changed=True).count() == 1
        outcomes = list(DriverCall.objects.order_by("id").values_list("outcome", flat=True))
        assert outcomes == [CallOutcome.UNKNOWN, CallOutcome.DONE]


def test_an_unsafe_change_of_unknown_outcome_is_for_people_and_never_repeated(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = SimulatorDriver.capabilities()
    monkeypatch.setattr(SimulatorDriver, "capabilities", classmethod(lambda cls: replace(able, safety=Safety.UNSAFE)))
    network.run("design_services")
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=network.system, binding=network.bindings["mail"], fault="answer_lost", value=True)

    with pytest.raises(OutcomeUnknown) as caught:
        network.run("activate_family", family="mail")

    assert not getattr(caught.value, "retryable", False)
    with scoping.realm_transaction(network.realm.pk):
        assert DriverCall.objects.get().outcome == CallOutcome.UNKNOWN


def test_a_server_that_refuses_for_good_says_so_and_nothing_is_half_done(network: Network) -> None:
    network.run("design_services")
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=network.system, binding=network.bindings["mail"], fault="refuses", value="invalid")

    with pytest.raises(Invalid) as caught:
        network.run("activate_family", family="mail")

    assert not caught.value.retryable
    assert network.held() == []
    with scoping.realm_transaction(network.realm.pk):
        row = Service.objects.get(family="mail")
        assert row.state == ServiceState.DESIGNED
        call = DriverCall.objects.get()
        assert call.outcome == CallOutcome.FAILED
        assert call.sentence.startswith("Could not set up the mailbox maria@alpha.example at mail server")


def test_no_secret_stands_in_any_record_of_a_call(network: Network) -> None:
    deliver(network)

    with scoping.realm_transaction(network.realm.pk):
        secrets = [
            secret
            for row in Service.objects.exclude(sealed_secrets="")
            for secret in sealing.open_secrets(row).values()
        ]
        assert len(secrets) >= 3
        for call in DriverCall.objects.all():
            written = f"{call.sentence} {call.request} {call.answer} {call.error}"
            assert not any(secret in written for secret in secrets)
        for row in Service.objects.all():
            assert not any(secret in f"{row.desired} {row.observed}" for secret in secrets)


def test_calls_are_sentences(network: Network) -> None:
    deliver(network)

    with scoping.realm_transaction(network.realm.pk):
        call = DriverCall.objects.filter(service__family="voip").first()
        assert call.sentence.startswith("Set up the voice line +15555550100 at voip server in ")
        assert call.request["attributes"]["number"] == "+15555550100"
        assert call.request["secrets"] == {"password": "••••"}
        assert call.answer[-1]["answer"]["status"] == "ok"


def test_a_line_without_a_number_waits_for_it(network: Network) -> None:
    network.run("design_services")

    with pytest.raises(NotDesigned) as caught:
        network.run("activate_family", family="voip")
    assert caught.value.retryable


def test_a_number_can_be_brought_along_and_goes_home_when_the_order_is_reversed(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        portin = {"number": "+15555559000", "losing_carrier": "RegionalVoice", "account_number": "77"}
        feature = {
            "key": "voice.portin", "title": "Keep your number", "family": "voip", "driver_family": "voip",
            "fulfilment": "driver", "quantity": 1, "characteristics": portin,
        }  # fmt: skip
        network.subscription.features = [*network.subscription.features, feature]
        network.subscription.save()

    deliver(network)
    with scoping.realm_transaction(network.realm.pk):
        number = PhoneNumber.objects.get(number="+15555559000")
        assert (number.state, number.losing_carrier) == (NumberState.ASSIGNED, "RegionalVoice")
    take_back(network)

    with scoping.realm_transaction(network.realm.pk):
        assert PhoneNumber.objects.get(number="+15555559000").state == NumberState.LEFT


def test_a_number_given_up_rests_and_an_undo_gets_exactly_that_one_back(network: Network) -> None:
    deliver(network)
    with scoping.realm_transaction(network.realm.pk):
        line = Service.objects.get(family="voip", kind="line")
        before = PhoneNumber.objects.get(service=line)
        Service.objects.filter(pk=line.pk).update(state=ServiceState.TERMINATED)

    given_up = network.run("release_replaced_number", "run-2")
    assert isinstance(given_up, Done)
    with scoping.realm_transaction(network.realm.pk):
        resting = PhoneNumber.objects.get(number=before.number)
        assert (resting.state, resting.service, resting.key) == (NumberState.QUARANTINED, None, "")

    network.outputs["release_replaced_number"] = given_up.outputs
    for _twice in range(2):
        assert isinstance(network.undo("release_replaced_number", "run-2"), Done)

    with scoping.realm_transaction(network.realm.pk):
        after = PhoneNumber.objects.get(number=before.number)
        assert (after.state, after.service_id, after.key) == (NumberState.ASSIGNED, line.pk, before.key)
        assert (after.available_from, after.former_key) == (None, "")


def test_an_undo_does_not_take_a_number_that_somebody_else_had_since(network: Network) -> None:
    deliver(network)
    with scoping.realm_transaction(network.realm.pk):
        line = Service.objects.get(family="voip", kind="line")
        row = PhoneNumber.objects.get(service=line)
        numbers.release(actor=network.system, number=row)
        numbers.end_rest(actor=network.system, number=row)
        numbers.release(actor=network.system, number=numbers.reserve(actor=network.system, number=row.number))

        with pytest.raises(NumberTaken):
            numbers.take_back(actor=network.system, number=row.number, service=line, key=row.key)

        assert PhoneNumber.objects.get(pk=row.pk).state == NumberState.QUARANTINED


def test_a_static_address_comes_from_its_own_range_and_is_known_to_the_access_server(
    network: Network, in_alpha: Callable[[], Any]
) -> None:
    with in_alpha():
        network.subscription = subscribe(network.realm, network.plan, 2, (OptionChoice("static-ip"),))

    deliver(network)

    with in_alpha():
        access = Service.objects.get(subscription=network.subscription, family="access")
        assert access.observed["attributes"]["static_address"] == "198.51.100.1"


def test_levels_below_what_was_sold_are_found(network: Network) -> None:
    deliver(network)
    with scoping.realm_transaction(network.realm.pk):
        login = Service.objects.get(family="access").name
    client.tamper(network.realm.pk, "access", "access.account", login, {"down_mbps": 50})

    with pytest.raises(LevelsOutOfRange) as caught:
        network.run("verify_levels")

    assert caught.value.retryable
    assert "sold 300 Mbps, found 50 Mbps" in str(caught.value)


def test_restricting_and_undoing_it_keeps_what_the_owner_switched_off(network: Network) -> None:
    deliver(network)
    with scoping.realm_transaction(network.realm.pk):
        box = Service.objects.get(family="mail")
        provisioning.switch(actor=network.system, service=box, switched_off=["pop"])
    reconciling.reconcile(realm_id=network.realm.pk, service_id=box.pk)
    before = network.held()

    network.run("restrict_services", "run-9", restriction="blocked", reason="non-payment")
    assert not client.can_use(network.realm.pk, "mail", "mail.mailbox", box.name, "imap")
    network.undo("restrict_services", "run-9", restriction="blocked")

    assert network.held() == before
    assert client.can_use(network.realm.pk, "mail", "mail.mailbox", box.name, "imap")
    assert not client.can_use(network.realm.pk, "mail", "mail.mailbox", box.name, "pop")
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(pk=box.pk).state == ServiceState.ACTIVE


def test_removing_and_undoing_it_brings_everything_back(network: Network) -> None:
    deliver(network)
    before = picture(network), network.held()

    network.run("remove_services", "run-9")
    assert network.held() == []
    network.undo("remove_services", "run-9")

    assert (picture(network), network.held()) == before


class WorkerLost(BaseException):
    """The process ends here: nothing in it writes anything down any more."""


def test_an_unsafe_change_whose_worker_was_lost_is_for_people_and_then_tried_when_they_say_so(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    able, establish = SimulatorDriver.capabilities(), SimulatorDriver.establish_from
    monkeypatch.setattr(SimulatorDriver, "capabilities", classmethod(lambda cls: replace(able, safety=Safety.UNSAFE)))
    network.run("design_services")
    asked: list[str] = []

    def lost_on_the_way(driver: SimulatorDriver, present: Any, desired: Any, *, key: str) -> Any:
        asked.append(key)
        if len(asked) == 1:
            raise WorkerLost
        return establish(driver, present, desired, key=key)

    monkeypatch.setattr(SimulatorDriver, "establish_from", lost_on_the_way)
    with pytest.raises(WorkerLost):
        network.run("activate_family", family="mail")
    with scoping.realm_transaction(network.realm.pk):
        ContainerLock.objects.all().delete()  # its lease ended by itself

    with pytest.raises(OutcomeUnknown):
        network.run("activate_family", family="mail", attempt=2)
    assert len(asked) == 1
    with scoping.realm_transaction(network.realm.pk):
        assert DriverCall.objects.get().outcome == CallOutcome.UNKNOWN

    network.run("activate_family", family="mail", attempt=3)
    assert len(asked) == 2


def test_an_unsafe_change_whose_answer_could_not_be_written_down_is_for_people(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = SimulatorDriver.capabilities()
    monkeypatch.setattr(SimulatorDriver, "capabilities", classmethod(lambda cls: replace(able, safety=Safety.UNSAFE)))
    network.run("design_services")

    def out_of_time(*_args: Any, **_named: Any) -> Any:
        raise TimeLimitExceeded("took longer than 60 s")

    monkeypatch.setattr(SimulatorDriver, "establish_from", out_of_time)
    with pytest.raises(OutcomeUnknown):
        network.run("activate_family", family="mail")


def test_the_servers_a_task_will_use_are_named_for_limits(network: Network, in_alpha: Callable[[], Any]) -> None:
    network.run("design_services")
    asked = {"subscription_id": network.subscription.pk}
    with in_alpha():
        mail = HANDLERS["ipservices.activate_family"].limits
        everything = HANDLERS["ipservices.remove_services"].limits
        assert mail is not None and everything is not None
        assert mail({**asked, "family": "mail"}) == [network.bindings["mail"].limit_key]
        assert network.bindings["voip"].limit_key in everything(asked)
        network.bindings["mail"].enabled = False
        network.bindings["mail"].save()
        assert mail({**asked, "family": "mail"}) == [], "without a server the task itself says so"
