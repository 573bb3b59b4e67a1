"""Comparing what is sold, planned and on the servers: all that differs is listed with its reason, nothing repaired."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from ipservices import tasks
from ipservices.choices import ComparisonStage
from ipservices.contracts import Desired, Held, Observed
from ipservices.drivers.simulator import client
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Comparison, Finding, Service
from ipservices.services import bindings, comparing, design, establishing, leases, provisioning, simulator, turns
from subscribers.models import Subscription
from tests.ipservices.comparing import BOX, again, box_of, compare, compare_binding, on_server, served
from tests.ipservices.conftest import Network


def test_servers_that_hold_what_is_sold_give_no_finding(network: Network) -> None:
    served(network)

    assert [compare(network, family) for family in network.bindings] == [[]] * len(network.bindings)

    with scoping.realm_transaction(network.realm.pk):
        counts = Comparison.objects.get(binding=network.bindings["mail"]).counts
        assert (counts["held"], counts["services"], counts["subscriptions"]) == (1, 1, 1)


def test_a_changed_object_is_listed_with_both_values_and_left_as_it_is(network: Network) -> None:
    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    before = network.held()

    (finding,) = compare(network)

    assert (finding.kind, finding.name, finding.service_id) == ("drift", BOX, box_of(network).pk)
    assert finding.differences == [{"field": "quota_mb", "wanted": 2048, "found": 1}]
    assert finding.reason == f"The mailbox {BOX} at mail server is not as wanted: quota mb."
    assert box_of(network).drift == finding.differences
    assert network.held() == before


def test_what_is_found_again_keeps_its_first_day_and_what_is_gone_closes_by_itself(network: Network) -> None:
    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    (first,) = compare(network)

    (second,) = compare(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 2048})
    assert compare(network) == []

    assert (second.pk, second.first_seen_at) == (first.pk, first.first_seen_at)
    assert second.last_seen_at > first.last_seen_at
    closed = again(network, first)
    assert (closed.resolution, closed.resolved_at is not None) == ("gone", True)
    assert box_of(network).drift == []


def test_what_is_gone_from_its_server_is_missing(network: Network) -> None:
    served(network)
    client.lose(network.realm.pk, "mail", "mail.mailbox", BOX)

    (finding,) = compare(network)

    assert finding.kind == "missing"
    assert finding.reason == f"The mailbox {BOX} is in service and is not there at mail server."


def test_what_no_service_of_the_server_has_is_left_over(real_db: str, network: Network) -> None:
    served(network)
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.terminate(actor=network.system, service=box)
    establishing.take_down(actor=network.system, service_id=box.pk, key="k")
    client.plant(network.realm.pk, "mail", "mail.mailbox", "old@alpha.example", box.service_ref)
    client.plant(network.realm.pk, "mail", "mail.mailbox", "nobody@alpha.example", "svc-000000000000")
    client.plant(network.realm.pk, "mail", "mail.mailbox", "theirs@alpha.example", "something else's")

    found = {finding.name: finding for finding in compare(network) if finding.kind == "orphan"}

    assert set(found) == {"old@alpha.example", "nobody@alpha.example"}
    assert found["old@alpha.example"].service_id == box.pk
    assert "its service has ended" in found["old@alpha.example"].reason
    assert "BOSS knows no service svc-000000000000" in found["nobody@alpha.example"].reason


def test_what_belongs_to_another_provider_on_the_same_server_is_not_spoken_of(
    real_db: str, network: Network, cast: Any
) -> None:
    served(network)
    box = box_of(network)
    with scoping.realm_transaction(cast.beta.pk):
        theirs = bindings.create(
            actor=Actor.system(cast.beta.pk), family="mail", driver_key="simulator", settings={"server": "mail"}
        )
    client.plant(cast.beta.pk, "mail", "mail.mailbox", BOX, box.service_ref)

    with scoping.realm_transaction(cast.beta.pk):
        comparison = comparing.start(actor=Actor.system(cast.beta.pk), binding=theirs)
    assert comparing.go_on(realm_id=cast.beta.pk, comparison_id=comparison.pk)

    with scoping.realm_transaction(cast.beta.pk):
        assert Comparison.objects.get().counts["held"] == 1
        assert not Finding.objects.exists()


def test_what_is_sold_no_more_what_was_never_planned_and_what_is_not_as_sold_are_told_apart(network: Network) -> None:
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        row = Subscription.objects.get(pk=network.subscription.pk)
        for feature in row.features:
            if feature["key"] == "data.access":
                feature["characteristics"]["down"] = 900
        row.features = [feature for feature in row.features if feature["key"] != "mail.mailbox"]
        row.save()
        Service.objects.filter(family="dns").update(state="terminated", name="gone")

    assert [(one.kind, one.name) for one in compare(network, "mail")] == [("unsold", BOX)]
    (outdated,) = compare(network, "access")
    assert (outdated.kind, outdated.differences) == (
        "outdated",
        [{"field": "down_mbps", "wanted": 900, "found": 300}],
    )
    unplanned = [one for one in compare(network, "dns") if one.kind == "unplanned"]
    assert [(one.full_kind, one.subscription_id) for one in unplanned] == [("dns.host", network.subscription.pk)]


def test_a_subscription_that_an_order_is_changing_is_left_alone(network: Network) -> None:
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        from subscribers.models import Order, OrderItem

        order = Order.objects.create(
            number="O-1", account=network.subscription.account, site=network.subscription.site,
            contact_name="M", contact_email="m@home.example", contact_phone="+15555550001",
        )  # fmt: skip
        Order.objects.filter(pk=order.pk).update(state="inProgress")
        OrderItem.objects.create(
            order=order, action="modify", subscription=network.subscription,
            plan_version=network.subscription.plan_version, monthly=0, once=0, currency="USD",
        )  # fmt: skip
        row = Subscription.objects.get(pk=network.subscription.pk)
        row.features = [feature for feature in row.features if feature["key"] != "mail.mailbox"]
        row.save()

    assert compare(network, "mail") == []


def test_what_is_being_changed_at_that_moment_is_no_finding_and_closes_none(network: Network) -> None:
    served(network)
    box = box_of(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    (finding,) = compare(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 2})

    with leases.hold(network.bindings["mail"], f"mail.mailbox:{BOX}"):
        (still,) = compare(network)
    assert (still.pk, still.differences) == (finding.pk, finding.differences)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=network.system, service=box)
    (still,) = compare(network)
    assert (still.pk, still.differences) == (finding.pk, finding.differences)


def test_asking_while_a_comparison_is_under_way_gives_that_one(network: Network, alice: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        first = comparing.start(actor=alice, binding=network.bindings["mail"])
        assert comparing.start(actor=alice, binding=network.bindings["mail"]) == first
        assert Comparison.objects.count() == 1
        assert AuditEntry.objects.filter(action="comparison.started").count() == 1
    token = turns.take(Comparison, network.realm.pk, first.pk, seconds=60)
    assert token
    assert not comparing.go_on(realm_id=network.realm.pk, comparison_id=first.pk)  # somebody is at it
    turns.leave(Comparison, network.realm.pk, first.pk, token, again_in=None)
    assert comparing.go_on(realm_id=network.realm.pk, comparison_id=first.pk)


def test_who_may_not_look_at_servers_compares_none(network: Network, charlie: Actor) -> None:
    with scoping.realm_transaction(network.realm.pk):
        stranger = Actor(realm_id=network.realm.pk, kind="user", user_id=charlie.user_id, label="Charlie", grants=())
        with pytest.raises(PermissionDenied):
            comparing.start(actor=stranger, binding=network.bindings["mail"])
        assert not Comparison.objects.exists()


def test_a_server_that_is_down_is_tried_again_and_then_said_to_be_and_no_finding_closes(
    network: Network, alice: Actor
) -> None:
    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    (finding,) = compare(network)
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=alice, binding=network.bindings["mail"], fault="down", value=True)
        comparison = comparing.start(actor=alice, binding=network.bindings["mail"])

    ends = [
        comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk) for _ in range(comparing.MOST_TRIES)
    ]

    assert ends == [False] * (comparing.MOST_TRIES - 1) + [True]
    with scoping.realm_transaction(network.realm.pk):
        ended = Comparison.objects.get(pk=comparison.pk)
        assert (ended.error, ended.finished_at is not None, ended.due_at) == ("no connection to mail", True, None)
        assert Finding.objects.get(pk=finding.pk).resolved_at is None


def test_a_comparison_killed_in_the_middle_goes_on_from_the_last_batch(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(network)
    monkeypatch.setattr(comparing, "BATCH", 1)
    client.tamper(network.realm.pk, "ip", "ip.assignment", "203.0.113.2", {"address_kind": "other"})
    binding = network.bindings["ip"]
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=binding)
    looks: list[str] = []
    honest = SimulatorDriver.observe_many

    def dying(driver: SimulatorDriver, desireds: Sequence[Desired], **how: Any) -> Iterator[Observed | None]:
        if "max_age" in how:  # the first look; what differs is looked at again
            looks.extend(desired.name for desired in desireds)
            if len(looks) == 2:
                raise KeyboardInterrupt
        return honest(driver, desireds, **how)

    monkeypatch.setattr(SimulatorDriver, "observe_many", dying)
    with scoping.realm_transaction(network.realm.pk):
        count = Service.objects.filter(binding=binding).count()
        made = Service.objects.filter(binding=binding).first()
        for number in range(2):  # more rows than one batch
            Service.objects.create(
                account=made.account, subscription=made.subscription, site=made.site, feature_key=f"extra.{number}",
                title="x", family="ip", kind="assignment", name=f"203.0.113.{10 + number}", binding=binding,
                desired={"address": f"203.0.113.{10 + number}", "address_kind": "address"}, revision=1,
                applied_revision=1,
            )  # fmt: skip
        Service.objects.filter(binding=binding).update(state="active")
    with pytest.raises(KeyboardInterrupt):
        comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)
    with scoping.realm_transaction(network.realm.pk):
        halfway = Comparison.objects.get(pk=comparison.pk)
        assert (halfway.stage, halfway.counts["services"]) == (ComparisonStage.SERVICES, 1)
        assert halfway.due_at is not None  # the sweep will ring
    assert not comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)  # its lease still holds
    with scoping.realm_transaction(network.realm.pk):
        Comparison.objects.filter(pk=comparison.pk).update(until=halfway.started_at)

    assert comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)

    with scoping.realm_transaction(network.realm.pk):
        assert Comparison.objects.get(pk=comparison.pk).counts["services"] == count + 2
    assert len(looks) == count + 2 + 1  # the one it died at was looked at again, none else


def test_earlier_subscriptions_of_an_account_are_counted_each_by_each(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        first = Subscription.objects.get(pk=network.subscription.pk)
        rows = [first]
        for number in range(3):
            new = copy.copy(first)
            new._state = copy.copy(first._state)
            new._state.adding, new.pk, new.public_id = True, None, f"copy{number:08d}"
            new.save()
            rows.append(new)

        picked = design.settings_of([rows[3], rows[1]])

        handle = design.setting_of(first).handle
        assert {pk: setting.handle for pk, setting in picked.items()} == {
            rows[3].pk: f"{handle}-4", rows[1].pk: f"{handle}-2",
        }  # fmt: skip


def test_a_list_that_was_broken_off_goes_on_where_it_was(
    real_db: str, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(network)
    monkeypatch.setattr(comparing, "BATCH", 2)
    for number in range(5):
        client.plant(
            network.realm.pk, "mail", "mail.mailbox", f"nobody{number}@alpha.example", f"svc-00000000000{number}"
        )
    binding, honest, asked = network.bindings["mail"], SimulatorDriver.list_after, list[str]()

    def dying(driver: SimulatorDriver, place: str, *, most: int) -> tuple[list[Held], str]:
        asked.append(place)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return honest(driver, place, most=most)

    monkeypatch.setattr(SimulatorDriver, "list_after", dying)
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=binding)
    with pytest.raises(KeyboardInterrupt):
        comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)
    with scoping.realm_transaction(network.realm.pk):
        halfway = Comparison.objects.get(pk=comparison.pk)
        assert (halfway.stage, halfway.counts["held"], halfway.place) == (ComparisonStage.HELD, 4, asked[2])
        Comparison.objects.filter(pk=comparison.pk).update(until=halfway.started_at)

    assert comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)

    assert asked[3] == asked[2] and len(set(asked)) == 4
    with scoping.realm_transaction(network.realm.pk):
        done = Comparison.objects.get(pk=comparison.pk)
        assert (done.counts["held"], done.place) == (6, "")
        assert Finding.objects.filter(kind="orphan").count() == 5


def test_the_nightly_clock_compares_every_server_and_the_sweep_finds_what_was_lost(
    real_db: str, network: Network
) -> None:
    assert tasks.compare_all() == len(network.bindings)
    with scoping.realm_transaction(network.realm.pk):
        Comparison.objects.update(due_at=network.subscription.created_at)

    assert tasks.sweep_turns() == len(network.bindings)
    with scoping.realm_transaction(network.realm.pk):
        ids = list(Comparison.objects.values_list("pk", flat=True))
    assert all(tasks.compare(network.realm.pk, pk) for pk in ids)


def test_a_worker_compares_on_demand(worker: Any, network: Network) -> None:
    import time

    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=network.bindings["mail"])

    ends = time.monotonic() + 20
    finished = None
    while finished is None and time.monotonic() < ends:
        time.sleep(0.1)
        with scoping.realm_transaction(network.realm.pk):
            finished = Comparison.objects.get(pk=comparison.pk).finished_at
    with scoping.realm_transaction(network.realm.pk):
        assert Finding.objects.get().kind == "drift"


def test_no_secret_is_in_what_was_found(network: Network) -> None:
    served(network)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1, "password": "hunter2"})

    (finding,) = compare(network)

    assert "hunter2" not in str(finding.differences)
    assert "hunter2" not in str(box_of(network).drift)


def test_two_bindings_of_one_server_do_not_call_each_others_objects_left_over(network: Network) -> None:
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        twin = bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="twin", settings={"server": "mail"}
        )
        other = bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="other", settings={"server": "other"}
        )
    client.plant(network.realm.pk, "other", "mail.mailbox", BOX, box_of(network).service_ref)

    assert compare_binding(network, twin) == []
    (stray,) = compare_binding(network, other)

    assert (stray.kind, stray.reason) == (
        "orphan", f"The mailbox {BOX} is at other too, and its service lives at mail server.",
    )  # fmt: skip
    assert on_server(network, "other") is not None
