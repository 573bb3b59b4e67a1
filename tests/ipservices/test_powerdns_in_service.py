"""An order's host name at a real PowerDNS: written and answered, suspended, undone, down and up again."""

from __future__ import annotations

from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from boss.core import scoping
from ipservices.choices import CallOutcome
from ipservices.contracts import Invalid, Unreachable
from ipservices.drivers.dns_powerdns.lab import Lab
from ipservices.models import Binding, DriverCall, Service
from ipservices.services import bindings, provisioning, reconciling
from tests.ipservices.conftest import Network

NAME = "a-10001.subs.alpha.example"


def ask(lab: Lab, name: str, kind: str = "A") -> list[str]:
    reply = dns.query.udp(dns.message.make_query(name, kind), lab.dns_host, port=lab.dns_port, timeout=3)
    return sorted(str(record) for rrset in reply.answer for record in rrset) if reply.rcode() == 0 else []


@pytest.fixture
def at_powerdns(network: Network, powerdns_lab: Lab) -> Network:
    with scoping.realm_transaction(network.realm.pk):
        network.bindings["dns"] = bindings.create(
            actor=network.system,
            family="dns",
            driver_key="dns_powerdns",
            name="PowerDNS",
            settings={
                "api_url": powerdns_lab.api_url,
                "dns_host": powerdns_lab.dns_host,
                "dns_port": powerdns_lab.dns_port,
                "zone": "subs.alpha.example",
            },
            secrets={"api_key": powerdns_lab.api_key},
            position=1,
        )
    network.run("design_services")
    network.run("reserve_address")
    return network


def test_the_host_name_of_an_order_resolves_and_is_gone_after_the_reversal(
    at_powerdns: Network,
    powerdns_lab: Lab,
) -> None:
    assert ask(powerdns_lab, NAME) == []

    at_powerdns.run("activate_family", family="dns")
    assert ask(powerdns_lab, NAME) == ["203.0.113.2"]

    at_powerdns.undo("activate_family", family="dns")
    assert ask(powerdns_lab, NAME) == []


def test_a_suspended_name_is_refused_and_resumes(at_powerdns: Network, powerdns_lab: Lab) -> None:
    at_powerdns.run("activate_family", family="dns")
    realm_id = at_powerdns.realm.pk
    with scoping.realm_transaction(realm_id):
        host = Service.objects.get(family="dns")

    answers: list[Any] = []
    for verb in (provisioning.suspend, provisioning.resume):
        with scoping.realm_transaction(realm_id):
            verb(actor=at_powerdns.system, service=host)
        reconciling.reconcile(realm_id=realm_id, service_id=host.pk)
        answers.append(ask(powerdns_lab, NAME))
    at_powerdns.undo("activate_family", family="dns")

    assert answers == [[], ["203.0.113.2"]]


def test_a_name_server_that_is_down_is_tried_again_and_the_key_is_in_no_record(
    at_powerdns: Network,
    powerdns_lab: Lab,
) -> None:
    powerdns_lab.kill()
    with pytest.raises(Unreachable) as caught:
        at_powerdns.run("activate_family", family="dns")
    assert caught.value.retryable
    powerdns_lab.restart()

    at_powerdns.run("activate_family", family="dns", attempt=2)

    assert ask(powerdns_lab, NAME) == ["203.0.113.2"]
    with scoping.realm_transaction(at_powerdns.realm.pk):
        made = list(DriverCall.objects.order_by("id"))
        assert [call.outcome for call in made] == [CallOutcome.FAILED, CallOutcome.DONE]
        assert made[0].sentence == f"Could not set up the host name {NAME} at PowerDNS: no connection"
        assert not any(powerdns_lab.api_key in f"{call.request} {call.answer} {call.error}" for call in made)
        assert any(step["request"]["method"] == "PATCH" for step in made[1].answer)
    at_powerdns.undo("activate_family", family="dns")


def test_a_driver_reaches_only_networks_it_may(at_powerdns: Network, settings: Any) -> None:
    settings.BOSS_DRIVER_NETWORKS = []

    with pytest.raises(Invalid) as caught:
        at_powerdns.run("activate_family", family="dns")

    assert "may not be reached from here" in str(caught.value)
    health = bindings.check_health(realm_id=at_powerdns.realm.pk, binding_id=at_powerdns.bindings["dns"].pk)
    assert not health.is_good
    with scoping.realm_transaction(at_powerdns.realm.pk):
        assert Binding.objects.get(pk=at_powerdns.bindings["dns"].pk).healthy is False
