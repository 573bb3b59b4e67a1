"""Suspending, resuming, switching, ending: what people ask for, and what a worker then does at the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry, Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from ipservices import selectors, tasks
from ipservices.choices import ServiceState
from ipservices.contracts import Unreachable
from ipservices.drivers.simulator import client, store
from ipservices.errors import NoBinding, NotPractice, ServiceWrongState
from ipservices.models import Binding, DriverCall, HealthSample, Service, UsageRecord
from ipservices.services import bindings, calls, establishing, looking, provisioning, reconciling, simulator
from tests.cast import actor_of, make_user
from tests.ipservices.conftest import Network

BOX = "maria@alpha.example"


@pytest.fixture
def box(network: Network) -> Service:
    """Maria's mailbox, in service."""
    network.run("design_services")
    network.run("activate_family", family="mail")
    with scoping.realm_transaction(network.realm.pk):
        return Service.objects.get(family="mail")


def works(network: Network, door: str = "imap") -> bool:
    return client.can_use(network.realm.pk, "mail", "mail.mailbox", BOX, door)


def reconcile(network: Network, service: Service) -> None:
    reconciling.reconcile(realm_id=network.realm.pk, service_id=service.pk)


def test_suspend_and_resume_reach_the_server_after_commit(network: Network, box: Service, alice: Actor) -> None:
    assert client.open_session(network.realm.pk, "mail", "mail.mailbox", BOX)
    with scoping.realm_transaction(network.realm.pk):
        row = provisioning.suspend(actor=alice, service=box, restriction="blocked", reason="non-payment")
        assert row.is_behind
    assert works(network)  # nothing leaves the process inside the transaction

    reconcile(network, box)
    assert not works(network)
    assert client.sessions(network.realm.pk, "mail", "mail.mailbox", BOX) == 0

    with scoping.realm_transaction(network.realm.pk):
        provisioning.resume(actor=alice, service=box)
    reconcile(network, box)
    assert works(network)
    with scoping.realm_transaction(network.realm.pk):
        actions = list(
            AuditEntry.objects.filter(subject_kind="ipservices.service").order_by("id").values_list("action", flat=True)
        )
        assert actions[-2:] == ["service.suspended", "service.resumed"]
        assert Fact.objects.filter(name="ipservices.service_suspended").exists()


def test_resuming_leaves_the_owners_switches_alone(network: Network, box: Service, alice: Actor) -> None:
    for change in (
        lambda: provisioning.switch(actor=alice, service=box, switched_off=["pop"]),
        lambda: provisioning.suspend(actor=alice, service=box),
        lambda: provisioning.resume(actor=alice, service=box),
    ):
        with scoping.realm_transaction(network.realm.pk):
            change()
        reconcile(network, box)

    assert works(network, "imap")
    assert not works(network, "pop")


def test_a_service_that_ended_is_gone_from_its_server(network: Network, box: Service, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        provisioning.terminate(actor=alice, service=box)
    reconcile(network, box)
    reconcile(network, box)

    assert network.held() == []
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(pk=box.pk).state == ServiceState.TERMINATED
        with pytest.raises(ServiceWrongState):
            provisioning.suspend(actor=alice, service=box)


def test_what_no_worker_was_woken_for_the_sweep_finds(
    real_db: str, network: Network, box: Service, alice: Actor
) -> None:
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=alice, service=box)

    assert selectors.services_behind() == [(network.realm.pk, box.pk)]
    tasks.reconcile(network.realm.pk, box.pk)
    assert selectors.services_behind() == []


def test_a_worker_brings_the_change_to_the_server(worker: Any, network: Network, box: Service, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=alice, service=box)

    ends = time.monotonic() + 20
    while works(network) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not works(network)


def test_a_server_that_is_down_leaves_the_service_behind_and_a_sentence(
    network: Network, box: Service, alice: Actor
) -> None:
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=alice, binding=network.bindings["mail"], fault="down", value=True)
        provisioning.suspend(actor=alice, service=box)

    with pytest.raises(Unreachable):
        reconcile(network, box)

    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(pk=box.pk).is_behind
        call = DriverCall.objects.order_by("-id").first()
        assert call.sentence == (
            "Could not restrict the mailbox maria@alpha.example at mail server: no connection to mail"
        )


def test_a_driver_is_never_called_inside_a_transaction(network: Network, box: Service) -> None:
    with scoping.realm_transaction(network.realm.pk), pytest.raises(calls.InsideTransaction):
        establishing.bring_up(actor=network.system, service_id=box.pk, key="k")


def test_drift_is_found_said_and_repaired_only_when_asked(network: Network, box: Service) -> None:
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})

    drift = reconciling.check_drift(realm_id=network.realm.pk, service_id=box.pk)

    assert drift == [{"field": "quota_mb", "wanted": 2048, "found": 1}]
    with scoping.realm_transaction(network.realm.pk):
        assert Fact.objects.filter(name="ipservices.drift_found").exists()
    reconcile(network, box)
    assert reconciling.check_drift(realm_id=network.realm.pk, service_id=box.pk) == []


def test_what_the_server_holds_can_be_looked_at(network: Network, box: Service, alice: Actor, bob: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        found = looking.observe_now(actor=bob, service=Service.objects.get(pk=box.pk))
        assert found is not None
        assert found.name == BOX
        assert DriverCall.objects.filter(operation="observe", actor_label="Bob Baker").exists()


def test_health_tells_a_dead_service_from_a_dead_control(network: Network, alice: Actor) -> None:
    binding = network.bindings["mail"]
    states = []
    for fault in (None, "service_dead", "down"):
        with scoping.realm_transaction(network.realm.pk):
            simulator.clear_faults(actor=alice, binding=binding)
            if fault:
                simulator.set_fault(actor=alice, binding=binding, fault=fault, value=True)
        found = bindings.check_health(realm_id=network.realm.pk, binding_id=binding.pk)
        states.append((found.control, found.service))

    assert states == [(True, True), (True, False), (False, False)]
    with scoping.realm_transaction(network.realm.pk):
        assert HealthSample.objects.filter(binding=binding).count() == 3
        assert Binding.objects.get(pk=binding.pk).healthy is False
        assert Fact.objects.filter(name="ipservices.binding_health_changed").count() == 2


def test_usage_is_read_once_and_survives_a_counter_reset(network: Network, box: Service) -> None:
    binding = network.bindings["mail"]
    client.open_session(network.realm.pk, "mail", "mail.mailbox", BOX, amount=700)
    assert bindings.read_usage(realm_id=network.realm.pk, binding_id=binding.pk) == 3
    assert bindings.read_usage(realm_id=network.realm.pk, binding_id=binding.pk) == 0
    client.restart(network.realm.pk, "mail")
    client.open_session(network.realm.pk, "mail", "mail.mailbox", BOX, amount=50)

    bindings.read_usage(realm_id=network.realm.pk, binding_id=binding.pk)

    with scoping.realm_transaction(network.realm.pk):
        used = UsageRecord.objects.filter(service=box, metric="messages_in").order_by("id")
        assert [row.amount for row in used] == [700, 50]


def test_the_binding_is_chosen_by_order_and_rules(network: Network, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        hosts = bindings.create(
            actor=alice, family="dns", driver_key="simulator", name="hosts", position=1, rules={"kinds": ["dns.host"]}
        )
        assert bindings.choose(full_kind="dns.host") == hosts
        assert bindings.choose(full_kind="dns.zone") == network.bindings["dns"]
        bindings.change(actor=alice, binding=hosts, enabled=False)
        assert bindings.choose(full_kind="dns.host") == network.bindings["dns"]
        with pytest.raises(NoBinding):
            bindings.choose(full_kind="web.site")


def test_secrets_of_a_server_are_sealed_and_used(network: Network, box: Service, alice: Actor) -> None:
    with store.request(network.realm.pk, "mail") as server:
        server.secret = "open sesame"
        server.save()
    with scoping.realm_transaction(network.realm.pk):
        bindings.change(actor=alice, binding=network.bindings["mail"], secrets={"secret": "open sesame"})
        stored = Binding.objects.get(pk=network.bindings["mail"].pk)
        assert "sesame" not in stored.sealed_secrets
        assert "sesame" not in str(list(AuditEntry.objects.values("before", "after")))

    assert reconciling.check_drift(realm_id=network.realm.pk, service_id=box.pk) == []


def test_settings_a_driver_does_not_know_are_refused_beside_the_field(alpha: Any, alice: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        bindings.create(
            actor=alice, family="dns", driver_key="dns_powerdns", settings={"api_url": "http://x", "zoo": 1}
        )

    assert {"settings.zoo", "settings.dns_host"} <= set(caught.value.fields)
    assert not Binding.objects.exists()


def test_faults_are_for_simulated_servers_and_those_who_may(
    alpha: Any, alice: Actor, bob: Actor, charlie: Actor, in_beta: Callable[[], Any]
) -> None:
    practice = bindings.create(actor=alice, family="mail", driver_key="simulator")
    real = bindings.create(
        actor=alice,
        family="dns",
        driver_key="dns_powerdns",
        settings={"api_url": "http://192.0.2.1", "dns_host": "192.0.2.1"},
        secrets={"api_key": "k"},
    )

    with pytest.raises(PermissionDenied):
        simulator.set_fault(actor=bob, binding=practice, fault="down", value=True)
    with pytest.raises(NotPractice):
        simulator.set_fault(actor=alice, binding=real, fault="down", value=True)
    with pytest.raises(InvalidInput):
        simulator.set_fault(actor=alice, binding=practice, fault="gremlins", value=True)
    with in_beta(), pytest.raises(PermissionDenied):
        simulator.set_fault(actor=charlie, binding=practice, fault="down", value=True)
    assert simulator.faults_of(actor=alice, binding=practice) == {}


def test_bob_may_look_but_not_switch_and_charlie_sees_nothing(
    network: Network, box: Service, bob: Actor, charlie: Actor, in_beta: Callable[[], Any]
) -> None:
    with scoping.realm_transaction(network.realm.pk):
        for verb in (provisioning.suspend, provisioning.terminate, provisioning.activate):
            with pytest.raises(PermissionDenied):
                verb(actor=bob, service=box)
        with pytest.raises(PermissionDenied):
            provisioning.switch(actor=bob, service=box, switched_off=["pop"])
        assert selectors.get_service(bob, box.public_id) == box
        assert Service.objects.get(pk=box.pk).revision == 1
    with in_beta():
        with pytest.raises(NotFound):
            selectors.get_service(charlie, box.public_id)
        assert list(selectors.list_driver_calls(charlie)) == []


def test_a_subscriber_sees_his_own_services_only(network: Network, box: Service) -> None:
    stranger = make_user(network.realm, "sam@home.example", "Sam Stranger", "subscriber", kind="subscriber", own=True)
    maria = make_user(network.realm, "maria@home.example", "Maria Ortiz", "subscriber", kind="subscriber", own=True)
    with scoping.realm_transaction(network.realm.pk):
        account = network.subscription.account
        account.user = maria
        account.save(update_fields=["user"])

    with scoping.realm_transaction(network.realm.pk):
        assert box in list(selectors.list_services_for_account(actor_of(maria), account))
        assert list(selectors.list_services(actor_of(stranger))) == []
