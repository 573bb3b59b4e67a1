"""Servers of several machines, and trying a driver on somebody's own server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from ipservices.choices import CallOutcome
from ipservices.conformance import CHECKS
from ipservices.contracts import Unreachable
from ipservices.drivers.simulator import store
from ipservices.models import Binding, BindingNode, ConformanceReport, DriverCall, SimulatedObject
from ipservices.services import bindings, calls, conforming
from tests.cast import actor_of, make_user
from tests.ipservices.conftest import Network

NODES = [{"name": "first", "settings": {"server": "mail-a"}}, {"name": "second", "settings": {"server": "mail-b"}}]


def slide(network: Network, server: str, **faults: Any) -> None:
    with store.request(network.realm.pk, server) as row:
        row.faults = faults
        row.save()


@pytest.fixture
def two_nodes(network: Network) -> Network:
    """The mail server has two machines."""
    with scoping.realm_transaction(network.realm.pk):
        bindings.change(actor=network.system, binding=network.bindings["mail"], nodes=NODES)
    network.run("design_services")
    return network


def dead(network: Network) -> list[str]:
    with scoping.realm_transaction(network.realm.pk):
        return list(BindingNode.objects.exclude(failed_at=None).values_list("name", flat=True))


def made(network: Network) -> list[tuple[str, int]]:
    with scoping.realm_transaction(network.realm.pk):
        return list(DriverCall.objects.filter(service__family="mail").order_by("id").values_list("outcome", "attempt"))


def test_a_dead_node_costs_no_attempt_and_is_asked_last_until_it_answers_again(two_nodes: Network) -> None:
    slide(two_nodes, "mail-a", down=True)

    two_nodes.run("activate_family", family="mail")

    assert made(two_nodes) == [(CallOutcome.DONE, 1)]
    assert dead(two_nodes) == ["first"]
    with scoping.realm_transaction(two_nodes.realm.pk):
        binding = Binding.objects.get(pk=two_nodes.bindings["mail"].pk)
        assert [str(road.node) for road in calls.roads_of(binding)] == ["second", "first"]

    slide(two_nodes, "mail-a")
    found = bindings.check_health(realm_id=two_nodes.realm.pk, binding_id=two_nodes.bindings["mail"].pk)
    assert found.is_good
    assert dead(two_nodes) == []


def test_what_both_nodes_were_asked_is_on_record(two_nodes: Network) -> None:
    slide(two_nodes, "mail-a", down=True)
    two_nodes.run("activate_family", family="mail")

    with scoping.realm_transaction(two_nodes.realm.pk):
        answers = DriverCall.objects.get(service__family="mail").answer
    assert [("error" in step["answer"]) for step in answers][:2] == [True, False]


def test_with_every_node_dead_the_task_fails_and_is_tried_again(two_nodes: Network) -> None:
    slide(two_nodes, "mail-a", down=True)
    slide(two_nodes, "mail-b", down=True)

    with pytest.raises(Unreachable) as caught:
        two_nodes.run("activate_family", family="mail")

    assert caught.value.retryable
    assert made(two_nodes) == [(CallOutcome.FAILED, 1)]
    assert dead(two_nodes) == ["first", "second"]


def test_an_answer_that_is_no_silence_is_not_asked_for_elsewhere(two_nodes: Network) -> None:
    slide(two_nodes, "mail-a", refuses="invalid")

    with pytest.raises(Exception, match="refuses"):
        two_nodes.run("activate_family", family="mail")

    assert dead(two_nodes) == []
    with scoping.realm_transaction(two_nodes.realm.pk):
        assert not SimulatedObject.objects.filter(server__name="mail-b").exists()


@pytest.mark.parametrize(
    "nodes",
    [
        [{"name": "a", "settings": {"nonsense": 1}}],
        [{"name": "a", "settings": {}}],
        [{"name": "a", "settings": {"server": "x"}}, {"name": "a", "settings": {"server": "y"}}],
        [{"name": str(n), "settings": {"server": "x"}} for n in range(21)],
    ],
)
def test_nodes_that_make_no_sense_are_refused_and_nothing_changes(network: Network, nodes: Any) -> None:
    with scoping.realm_transaction(network.realm.pk):
        bindings.change(actor=network.system, binding=network.bindings["mail"], nodes=NODES)
    with pytest.raises(InvalidInput) as caught, scoping.realm_transaction(network.realm.pk):
        bindings.change(actor=network.system, binding=network.bindings["mail"], nodes=nodes)

    assert "nodes" in caught.value.fields
    with scoping.realm_transaction(network.realm.pk):
        assert [node.name for node in BindingNode.objects.order_by("position")] == ["first", "second"]


# The conformance kit on one's own server


def outcomes(report: ConformanceReport) -> dict[str, str]:
    return {f"{one['kind']} {one['check']}": one["outcome"] for one in report.results}


def tried(network: Network, family: str = "mail") -> ConformanceReport:
    with scoping.realm_transaction(network.realm.pk):
        report = conforming.ask(actor=network.system, binding=network.bindings[family], now=True)
    return conforming.run(realm_id=network.realm.pk, report_id=report.pk)


@pytest.mark.usefixtures("real_db")
def test_a_good_server_keeps_what_its_driver_can_prove_and_nothing_is_left_there(network: Network) -> None:
    report = tried(network)

    found = outcomes(report)
    assert len(found) == len(CHECKS)
    assert report.broken == 0
    assert found["mail.mailbox suspend_closes"] == "kept"
    assert found["mail.mailbox twenty_parallel"] == "kept"
    assert found["mail.mailbox dies_in_the_middle"] == "not_asked"
    assert report.passed == list(found.values()).count("kept") >= 10
    assert network.held() == []


@pytest.mark.usefixtures("real_db")
def test_a_server_that_lies_is_found_out(network: Network) -> None:
    slide(network, "mail", wrong=True)

    report = tried(network)

    assert outcomes(report)["mail.mailbox create_twice"] == "broken"
    assert report.broken > 5


def test_only_who_sets_servers_up_may_try_them(network: Network, cast: Any) -> None:
    with scoping.realm_transaction(network.realm.pk):
        clerk = actor_of(make_user(network.realm, "clerk@alpha.example", "csr"))
        for refused in (conforming.ask, bindings.test):
            with pytest.raises(PermissionDenied):
                refused(actor=clerk, binding=network.bindings["mail"])
        assert not ConformanceReport.objects.exists()
        assert not AuditEntry.objects.filter(action__in=["binding.tested", "binding.conformance_asked"]).exists()


@pytest.mark.usefixtures("real_db")
def test_an_author_runs_the_kit_at_the_command_line(network: Network, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("driver", "check", "--realm", network.realm.key, "mail server")
    said = capsys.readouterr().out
    assert "ok     mail.mailbox" in said
    assert "0 broken" in said

    slide(network, "mail", wrong=True)
    with pytest.raises(CommandError):
        call_command("driver", "check", "--realm", network.realm.key, network.bindings["mail"].public_id)

    call_command("driver", "list")
    assert "simulator" in capsys.readouterr().out


@pytest.mark.usefixtures("real_db")
def test_the_health_of_a_server_is_told_at_the_command_line(
    network: Network, capsys: pytest.CaptureFixture[str], in_alpha: Callable[[], Any]
) -> None:
    call_command("driver", "health", "--realm", network.realm.key, "mail server")
    assert "yes  serves" in capsys.readouterr().out
    slide(network, "mail", service_dead=True)
    with pytest.raises(CommandError):
        call_command("driver", "health", "--realm", network.realm.key, "mail server")
    capsys.readouterr()
    with pytest.raises(CommandError, match="Not healthy: mail server"):
        call_command("driver", "health", "--realm", network.realm.key)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(network.bindings)
    assert [line.split()[1] for line in told if "mail server" in line] == ["NOT"]
    with pytest.raises(CommandError, match=r"no server nonsense(?s:.)*mail server"):
        call_command("driver", "health", "--realm", network.realm.key, "nonsense")
    with pytest.raises(CommandError, match=rf"no realm nonsense; there are .*{network.realm.key}"):
        call_command("driver", "health", "--realm", "nonsense", "mail server")
    with in_alpha():
        assert Binding.objects.get(name="mail server").healthy is False


def test_a_nodes_settings_take_the_place_of_the_bindings(network: Network, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        bindings.change(actor=alice, binding=network.bindings["mail"], nodes=NODES, placement="hosted")
        binding = Binding.objects.get(pk=network.bindings["mail"].pk)
        assert binding.placement == "hosted"
        assert [road.connection.settings["server"] for road in calls.roads_of(binding)] == ["mail-a", "mail-b"]
