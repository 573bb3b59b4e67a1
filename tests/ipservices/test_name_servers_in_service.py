"""An order's host name at each real name server: written and answered, suspended, undone, down and up again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from boss.core import scoping
from boss.platform import lab as platform_lab
from ipservices.choices import CallOutcome
from ipservices.contracts import Invalid, Unreachable
from ipservices.drivers.dns_bench import answers
from ipservices.drivers.dns_lab import DnsLab
from ipservices.labs import LabBinding, Names
from ipservices.models import Binding, DriverCall, Service
from ipservices.services import bindings, provisioning, reconciling
from tests.ipservices.conftest import Network
from tests.labs import Labs

NAME = "a-10001.subs.alpha.example"
REVERSE = "2.113.0.203.in-addr.arpa"


@dataclass(frozen=True)
class NameServer:
    """A real name server and how Alpha is bound to it."""

    lab: DnsLab
    bound: LabBinding

    def ask(self, name: str, kind: str = "A") -> list[str]:
        return answers(self.lab, name, kind)


@pytest.fixture(params=["dns_powerdns", "dns_bind"])
def server(request: pytest.FixtureRequest, labs: Labs, settings: Any) -> NameServer:
    lab = labs.empty(request.param)
    settings.BOSS_DRIVER_DIRECTORIES = [str(lab.directory)]
    names = Names("subs.alpha.example", "alpha.example", "sip.alpha.example")
    [bound] = platform_lab.modules()[request.param].bindings(lab.facts(), names)
    return NameServer(lab, bound)


def bind(network: Network, server: NameServer, **settings: str) -> Network:
    """Alpha's names go to the real server from now on, and its order is planned."""
    with scoping.realm_transaction(network.realm.pk):
        network.bindings["dns"] = bindings.create(
            actor=network.system,
            family="dns",
            driver_key=server.bound.driver_key,
            name="The name server",
            settings={**server.bound.settings, **settings},
            secrets=server.bound.secrets,
            position=1,
        )
    network.run("design_services")
    network.run("reserve_address")
    return network


@pytest.fixture
def bound(network: Network, server: NameServer) -> Network:
    return bind(network, server)


def test_the_host_name_of_an_order_resolves_and_is_gone_after_the_reversal(bound: Network, server: NameServer) -> None:
    assert server.ask(NAME) == []

    bound.run("activate_family", family="dns")
    assert server.ask(NAME) == ["203.0.113.2"]

    bound.undo("activate_family", family="dns")
    assert server.ask(NAME) == []


def test_where_the_realm_has_reverse_zones_an_assigned_address_is_named_back(
    network: Network, server: NameServer
) -> None:
    bind(network, server, reverse_zones="113.0.203.in-addr.arpa 100.51.198.in-addr.arpa")

    network.run("activate_family", family="dns")

    assert (server.ask(NAME), server.ask(REVERSE, "PTR")) == (["203.0.113.2"], [f"{NAME}."])
    with scoping.realm_transaction(network.realm.pk):
        record = Service.objects.get(family="dns", kind="ptr")
        assert (record.name, record.drift, str(record.state)) == ("203.0.113.2", [], "active")
    network.undo("activate_family", family="dns")
    assert (server.ask(NAME), server.ask(REVERSE, "PTR")) == ([], [])


def test_a_suspended_name_is_not_answered_and_resumes(bound: Network, server: NameServer) -> None:
    bound.run("activate_family", family="dns")
    realm_id = bound.realm.pk
    with scoping.realm_transaction(realm_id):
        host = Service.objects.get(family="dns")

    found: list[Any] = []
    for verb in (provisioning.suspend, provisioning.resume):
        with scoping.realm_transaction(realm_id):
            verb(actor=bound.system, service=host)
        reconciling.reconcile(realm_id=realm_id, service_id=host.pk)
        found.append(server.ask(NAME))
    bound.undo("activate_family", family="dns")

    assert found == [[], ["203.0.113.2"]]


def test_a_name_server_that_is_down_is_tried_again_and_no_key_is_in_any_record(
    bound: Network, server: NameServer
) -> None:
    server.lab.kill()
    with pytest.raises(Unreachable) as caught:
        bound.run("activate_family", family="dns")
    assert caught.value.retryable
    server.lab.restart()

    bound.run("activate_family", family="dns", attempt=2)

    assert server.ask(NAME) == ["203.0.113.2"]
    with scoping.realm_transaction(bound.realm.pk):
        made = list(DriverCall.objects.order_by("id"))
        assert [call.outcome for call in made] == [CallOutcome.FAILED, CallOutcome.DONE]
        assert made[0].sentence.startswith(f"Could not set up the host name {NAME} at The name server: no connection")
        said = [f"{call.request} {call.answer} {call.error}" for call in made]
        assert not any(secret in one for one in said for secret in server.bound.secrets.values())
        assert any("203.0.113.2" in str(step["request"]) for step in made[1].answer)
    bound.undo("activate_family", family="dns")


def test_a_driver_reaches_only_networks_it_may(bound: Network, server: NameServer, settings: Any) -> None:
    settings.BOSS_DRIVER_NETWORKS = []

    with pytest.raises(Invalid) as caught:
        bound.run("activate_family", family="dns")

    assert "may not be reached from here" in str(caught.value)
    assert server.ask(NAME) == []
    health = bindings.check_health(realm_id=bound.realm.pk, binding_id=bound.bindings["dns"].pk)
    assert not health.is_good
    with scoping.realm_transaction(bound.realm.pk):
        assert Binding.objects.get(pk=bound.bindings["dns"].pk).healthy is False
