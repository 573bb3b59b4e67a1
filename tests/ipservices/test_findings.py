"""Repairing, adopting and putting back: each a run on record, and each can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from ipservices.contracts import Restriction
from ipservices.drivers.simulator import client, store
from ipservices.errors import NothingToDo
from ipservices.models import DriverCall, Finding, Service
from ipservices.services import establishing, findings, provisioning, simulator
from subscribers.models import Subscription
from tests.cast import actor_of, make_user
from tests.ipservices.comparing import BOX, again, box_of, compare, do, on_server, served
from tests.ipservices.conftest import Network
from tests.workflow.driving import drive
from ticketing.models import Ticket
from workflow.models import Attempt, Run
from workflow.services import runs


@pytest.fixture
def drifted(network: Network) -> Finding:
    """Somebody has changed the quota of Maria's mailbox at the server."""
    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    (finding,) = compare(network)
    return finding


def test_a_repair_is_a_run_on_record_with_its_calls_and_the_finding_closes_with_it(
    network: Network, drifted: Finding, alice: Actor
) -> None:
    done = do(network, alice, findings.repair, drifted)

    assert on_server(network, "mail")["attributes"]["quota_mb"] == 2048  # type: ignore[index]
    assert (done.resolution, done.asked_by) == ("repaired", alice.label)
    assert compare(network) == []
    with scoping.realm_transaction(network.realm.pk):
        run = Run.objects.get(public_id=done.run_public_id)
        assert (run.state, run.subject_kind, run.subject_id) == ("completed", "ipservices.finding", done.pk)
        call = DriverCall.objects.filter(run_public_id=run.public_id).get()
        assert call.sentence.startswith(f"Changed the mailbox {BOX} at mail server in ")
        told = AuditEntry.objects.filter(subject_kind="ipservices.finding").order_by("id")
        assert list(told.values_list("action", flat=True)) == ["finding.repair_asked", "finding.repaired"]


def test_a_repair_can_be_put_back_exactly(network: Network, drifted: Finding, alice: Actor) -> None:
    before = on_server(network, "mail")
    do(network, alice, findings.repair, drifted)

    done = do(network, alice, findings.put_back, drifted)

    assert on_server(network, "mail") == before
    assert done.resolution == "put_back"
    (anew,) = compare(network)
    assert (anew.pk != drifted.pk, anew.differences) == (True, drifted.differences)


def test_a_run_that_is_reversed_leaves_server_and_finding_as_they_were(
    network: Network, drifted: Finding, alice: Actor
) -> None:
    before = on_server(network, "mail")
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=alice, binding=network.bindings["mail"], fault="refuses", value="invalid")
    asked = do(network, alice, findings.repair, drifted)
    assert asked.is_being_resolved
    with scoping.realm_transaction(network.realm.pk):
        assert Ticket.objects.count() == 1  # a person is asked
        simulator.clear_faults(actor=alice, binding=network.bindings["mail"])
        runs.reverse(actor=alice, run=Run.objects.get(public_id=asked.run_public_id), reason="not now")

    drive(network.realm.pk)

    assert on_server(network, "mail") == before
    left = again(network, drifted)
    assert (left.resolved_at, left.run_id) == (None, None)
    assert findings.FindingWay.REPAIR in ways(network, left)


def ways(network: Network, finding: Finding) -> frozenset[Any]:
    with scoping.realm_transaction(network.realm.pk):
        return findings.ways(finding)


def test_adopting_makes_the_servers_values_the_desired_ones_and_touches_nothing_there(
    network: Network, drifted: Finding, alice: Actor
) -> None:
    before = on_server(network, "mail")

    done = do(network, alice, findings.adopt, drifted)

    box = box_of(network)
    assert (done.resolution, box.desired["quota_mb"], box.is_behind, box.drift) == ("adopted", 1, False, [])
    assert on_server(network, "mail") == before
    # The server is no finding any more; that it is not what was sold is said plainly.
    assert [one.kind for one in compare(network)] == ["outdated"]

    do(network, alice, findings.put_back, drifted)
    assert box_of(network).desired["quota_mb"] == 2048
    assert on_server(network, "mail") == before


def test_what_changed_again_since_it_was_found_is_not_adopted(network: Network, drifted: Finding, alice: Actor) -> None:
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 7})

    asked = do(network, alice, findings.adopt, drifted)

    assert asked.is_being_resolved
    assert box_of(network).desired["quota_mb"] == 2048
    with scoping.realm_transaction(network.realm.pk):
        assert "Compare again" in str(list(Attempt.objects.values_list("error", flat=True)))


@pytest.mark.parametrize(
    ("family", "name", "changed"),
    [
        ("ip", "203.0.113.2", {"address": "203.0.113.9"}),
        ("mail", BOX, {"restriction": "blocked"}),
        ("mail", BOX, {"service_ref": "svc-000000000000"}),
    ],
)
def test_only_values_are_adopted_never_an_address_a_restriction_or_another_id(
    real_db: str, network: Network, alice: Actor, family: str, name: str, changed: dict[str, Any]
) -> None:
    served(network)
    with store.request(network.realm.pk, family) as server:
        row = server.objects_held.get(name=name)  # type: ignore[attr-defined]
        for key, value in changed.items():
            if key == "address":
                row.attributes = {**row.attributes, key: value}
            else:
                setattr(row, key, value)
        row.save()
    finding = next(one for one in compare(network, family) if one.kind == "drift")

    with scoping.realm_transaction(network.realm.pk), pytest.raises(NothingToDo):
        findings.adopt(actor=alice, finding=finding)

    assert again(network, finding).run_public_id == ""


def test_a_missing_mailbox_is_made_anew_with_its_password(network: Network, alice: Actor) -> None:
    served(network)
    before = on_server(network, "mail")
    client.lose(network.realm.pk, "mail", "mail.mailbox", BOX)
    (finding,) = compare(network)

    done = do(network, alice, findings.repair, finding)

    assert on_server(network, "mail") == before
    assert before is not None
    assert before["secret_digests"]
    assert (done.resolution, compare(network)) == ("repaired", [])
    do(network, alice, findings.put_back, finding)
    assert on_server(network, "mail") is None


def test_an_orphan_is_removed_once_it_is_looked_at_again_and_can_come_back(
    real_db: str, network: Network, alice: Actor
) -> None:
    served(network)
    client.plant(
        network.realm.pk,
        "mail",
        "mail.mailbox",
        "left@alpha.example",
        "svc-000000000000",
        address="left@alpha.example",
        quota_mb=9,
    )
    before = on_server(network, "mail", name="left@alpha.example")
    (finding,) = compare(network)

    done = do(network, alice, findings.repair, finding)

    assert on_server(network, "mail", name="left@alpha.example") is None
    assert done.resolution == "repaired"
    do(network, alice, findings.put_back, finding)
    assert on_server(network, "mail", name="left@alpha.example") == before


def test_what_carries_another_id_by_then_is_not_removed(real_db: str, network: Network, alice: Actor) -> None:
    served(network)
    client.plant(network.realm.pk, "mail", "mail.mailbox", "left@alpha.example", "svc-000000000000")
    (finding,) = compare(network)
    with store.request(network.realm.pk, "mail") as server:
        server.objects_held.filter(name="left@alpha.example").update(service_ref="theirs")  # type: ignore[attr-defined]

    asked = do(network, alice, findings.repair, finding)

    assert asked.is_being_resolved
    assert on_server(network, "mail", name="left@alpha.example") is not None


def test_the_object_of_a_living_service_is_never_removed_as_left_over(network: Network, alice: Actor) -> None:
    served(network)
    from ipservices.services import bindings
    from tests.ipservices.comparing import compare_binding

    with scoping.realm_transaction(network.realm.pk):
        other = bindings.create(
            actor=alice, family="mail", driver_key="simulator", name="other", settings={"server": "other"}
        )
    client.plant(network.realm.pk, "other", "mail.mailbox", BOX, box_of(network).service_ref)
    (stray,) = compare_binding(network, other)

    with scoping.realm_transaction(network.realm.pk), pytest.raises(NothingToDo):
        findings.repair(actor=alice, finding=stray)

    assert on_server(network, "other") is not None


def test_an_orphan_without_content_goes_to_the_service_that_has_its_name(
    real_db: str, network: Network, alice: Actor
) -> None:
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        host = Service.objects.get(family="dns")
    establishing.put_back(actor=network.system, former_key="run-1:activate_services:", key="u")
    for step in ("activate_services",):
        network.run(step, run="run-2")
    with store.request(network.realm.pk, "dns") as server:
        server.objects_held.update(service_ref="svc-000000000000")  # type: ignore[attr-defined]
    found = {one.kind: one for one in compare(network, "dns")}
    assert set(found) == {"orphan", "drift"}

    do(network, alice, findings.adopt, found["orphan"])

    held = on_server(network, "dns", "dns.host", host.name)
    assert held is not None
    assert held["service_ref"] == host.service_ref
    assert compare(network, "dns") == []


def test_a_service_that_is_sold_no_more_ends_by_the_repair_and_can_come_back(network: Network, alice: Actor) -> None:
    served(network)
    before = on_server(network, "mail")
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        row = Subscription.objects.get(pk=network.subscription.pk)
        row.features = [feature for feature in row.features if feature["key"] != "mail.mailbox"]
        row.save()
    (finding,) = compare(network)

    do(network, alice, findings.repair, finding)

    assert on_server(network, "mail") is None
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(pk=box.pk).state == "terminated"
    do(network, alice, findings.put_back, finding)
    assert on_server(network, "mail") == before
    assert box_of(network).pk == box.pk


def test_what_is_not_as_sold_is_brought_to_it(network: Network, alice: Actor) -> None:
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        row = Subscription.objects.get(pk=network.subscription.pk)
        for feature in row.features:
            if feature["key"] == "data.access":
                feature["characteristics"]["down"] = 900
        row.save()
    (finding,) = compare(network, "access")

    do(network, alice, findings.repair, finding)

    assert compare(network, "access") == []
    held = on_server(network, "access", "access.account", finding.name)
    assert held is not None
    assert held["attributes"]["down_mbps"] == 900


def test_what_was_sold_and_never_planned_is_planned_reserved_and_set_up(network: Network, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        Subscription.objects.filter(pk=network.subscription.pk).update(state="active")
    finding = next(one for one in compare(network, "voip") if one.kind == "unplanned")

    done = do(network, alice, findings.repair, finding)

    assert done.resolution == "repaired"
    assert compare(network, "voip") == []
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(family="voip").state == "active"


def test_a_suspended_service_is_repaired_as_suspended(network: Network, alice: Actor) -> None:
    served(network)
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=alice, service=box, restriction=Restriction.BLOCKED)
    establishing.bring_up(actor=network.system, service_id=box.pk, key="s", keep_former=False)
    with store.request(network.realm.pk, "mail") as server:
        server.objects_held.update(restriction="none")  # type: ignore[attr-defined]
    (finding,) = compare(network)
    assert finding.differences == [{"field": "restriction", "wanted": "blocked", "found": "none"}]

    do(network, alice, findings.repair, finding)

    assert not client.can_use(network.realm.pk, "mail", "mail.mailbox", BOX)


def test_who_may_only_look_repairs_nothing(network: Network, drifted: Finding, cast: Any) -> None:
    with scoping.realm_transaction(network.realm.pk):
        bob = actor_of(make_user(network.realm, "look@alpha.example", "Lou", "manager"))
        for verb in (findings.repair, findings.adopt, findings.put_back):
            with pytest.raises(PermissionDenied):
                verb(actor=bob, finding=drifted)
        assert not Run.objects.exists()
    assert on_server(network, "mail")["attributes"]["quota_mb"] == 1  # type: ignore[index]


def test_a_second_click_starts_no_second_run(network: Network, drifted: Finding, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        findings.repair(actor=alice, finding=drifted)
        with pytest.raises(NothingToDo):
            findings.repair(actor=alice, finding=drifted)
        assert Run.objects.count() == 1
