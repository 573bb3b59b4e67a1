"""Services move from one server to another, each by itself: in one place at the end, whatever happens on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from ipservices import tasks
from ipservices.contracts import Restriction
from ipservices.drivers.simulator import client, store
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.errors import MigrationWrongState
from ipservices.models import Binding, DriverCall, Migration, MigrationItem, Service
from ipservices.services import bindings, establishing, findings, migrating, moves, provisioning, simulator
from tests.cast import actor_of, make_user
from tests.ipservices.comparing import BOX, box_of, compare_binding, do, on_server, served
from tests.ipservices.conftest import Network, subscribe


@pytest.fixture
def other(network: Network) -> Binding:
    """A second mail server."""
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        return bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="new mail", settings={"server": "new"},
            deadline_seconds=2,
        )  # fmt: skip


def prepared(network: Network, other: Binding, **how: Any) -> Migration:
    with scoping.realm_transaction(network.realm.pk):
        migration = migrating.prepare(
            actor=network.system, source=network.bindings["mail"], target=other, **{"content_moved": True, **how}
        )
    return turn(network, migration)


def turn(network: Network, migration: Migration) -> Migration:
    """What workers do until there is nothing more to do now."""
    for _turn in range(50):
        if migrating.go_on(realm_id=network.realm.pk, migration_id=migration.pk):
            break
    return fresh(network, migration)


def fresh(network: Network, migration: Migration) -> Migration:
    with scoping.realm_transaction(network.realm.pk):
        return Migration.objects.select_related("source", "target").get(pk=migration.pk)


def ask(network: Network, verb: Callable[..., Any], migration: Migration, **how: Any) -> Migration:
    with scoping.realm_transaction(network.realm.pk):
        verb(actor=network.system, migration=migration, **how)
    return turn(network, migration)


def items(network: Network, migration: Migration) -> list[tuple[str, str]]:
    with scoping.realm_transaction(network.realm.pk):
        return list(MigrationItem.objects.filter(migration=migration).order_by("id").values_list("state", "reason"))


def lives_at(network: Network) -> str:
    with scoping.realm_transaction(network.realm.pk):
        return str(Service.objects.select_related("binding").get(pk=box_of(network).pk).binding.name)


def test_a_service_moves_with_its_values_password_and_switches_and_is_in_one_place(
    network: Network, other: Binding
) -> None:
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.switch(actor=network.system, service=box, switched_off=["pop"])
    establishing.bring_up(actor=network.system, service_id=box.pk, key="s", keep_former=False)
    before = on_server(network, "mail")

    migration = prepared(network, other)
    assert (migration.state, items(network, migration)) == ("ready", [("ready", "")])
    assert on_server(network, "mail") == before
    assert on_server(network, "new") is None

    migration = ask(network, migrating.start, migration)

    assert (migration.state, items(network, migration)) == ("over", [("done", "")])
    assert on_server(network, "mail") is None
    assert on_server(network, "new") == before
    assert lives_at(network) == "new mail"
    assert compare_binding(network, other) == compare_binding(network, network.bindings["mail"]) == []
    with scoping.realm_transaction(network.realm.pk):
        told = DriverCall.objects.filter(service=box, key__startswith="move-").order_by("id")
        assert [(call.operation, call.binding.name) for call in told] == [
            ("establish", "new mail"),
            ("remove", "mail server"),
        ]
        provisioning.suspend(actor=network.system, service=box)
    establishing.bring_up(actor=network.system, service_id=box.pk, key="t", keep_former=False)
    assert on_server(network, "new")["restriction"] == "blocked"  # type: ignore[index]


def test_a_suspended_service_stays_shut_on_the_way(network: Network, other: Binding) -> None:
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=network.system, service=box, restriction=Restriction.WALLED)
    establishing.bring_up(actor=network.system, service_id=box.pk, key="s", keep_former=False)

    ask(network, migrating.start, prepared(network, other))

    assert on_server(network, "new")["restriction"] == "walled"  # type: ignore[index]
    assert box_of(network).state == "suspended"


def test_the_preview_says_of_each_service_why_it_cannot_move(
    network: Network, other: Binding, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reason(**how: Any) -> str:
        migration = prepared(network, other, **how)
        ((state, why),) = items(network, migration)
        assert state == "refused"
        with scoping.realm_transaction(network.realm.pk):
            migrating.drop(actor=network.system, migration=migration)
        return why

    assert "does not come along" in reason(content_moved=False)
    client.plant(network.realm.pk, "new", "mail.mailbox", BOX, "theirs")
    assert "name is taken" in reason()
    client.lose(network.realm.pk, "new", "mail.mailbox", BOX)
    client.plant(network.realm.pk, "new", "mail.mailbox", BOX, box_of(network).service_ref)
    assert "already" in reason()
    client.lose(network.realm.pk, "new", "mail.mailbox", BOX)
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 3})
    noted = prepared(network, other)
    with scoping.realm_transaction(network.realm.pk):
        assert "differs" in MigrationItem.objects.get(migration=noted).note
        migrating.drop(actor=network.system, migration=noted)
    capable = SimulatorDriver.capabilities()
    monkeypatch.setattr(
        SimulatorDriver, "capabilities",
        classmethod(lambda cls: type(capable)(capable.kinds - {"mail.mailbox"}, capable.restrictions)),
    )  # fmt: skip
    assert "does not provide" in reason()
    assert on_server(network, "new") is None


def test_a_server_that_cannot_keep_a_service_shut_is_refused(
    network: Network, other: Binding, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=network.system, service=box)
    establishing.bring_up(actor=network.system, service_id=box.pk, key="s", keep_former=False)
    capable = SimulatorDriver.capabilities()
    monkeypatch.setattr(
        SimulatorDriver, "capabilities",
        classmethod(lambda cls: type(capable)(capable.kinds, frozenset({Restriction.NONE}))),
    )  # fmt: skip

    assert [state for state, _why in items(network, prepared(network, other))] == ["refused"]


def forget_password(network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        Service.objects.filter(pk=box_of(network).pk).update(sealed_secrets="")


def test_a_password_boss_does_not_know_comes_along_between_servers_of_one_product(
    network: Network, other: Binding
) -> None:
    before = on_server(network, "mail")
    forget_password(network)

    ask(network, migrating.start, prepared(network, other))

    assert on_server(network, "new") == before


def test_without_a_way_for_the_password_it_is_refused_or_renewed_as_was_said(
    network: Network, other: Binding, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_server(network, "mail")
    forget_password(network)
    with scoping.realm_transaction(network.realm.pk):
        row = Service.objects.get(pk=box_of(network).pk)
        source = network.bindings["mail"]
        monkeypatch.setattr(moves, "_way_of_secrets", lambda migration, row, secrets: (
            "known" if secrets else "renewed" if migration.renew_secrets else "refused"
        ))  # fmt: skip
    refused = prepared(network, other)
    assert "does not know its password" in items(network, refused)[0][1]

    migration = prepared(network, other, renew_secrets=True)
    migration = ask(network, migrating.start, migration)

    assert items(network, migration) == [("done", "")]
    after = on_server(network, "new")
    assert after is not None
    assert after["secret_digests"]["password"] != before["secret_digests"]["password"]  # type: ignore[index]
    with scoping.realm_transaction(network.realm.pk):
        assert MigrationItem.objects.get(migration=migration).note == "It has a new password."
    ask(network, migrating.roll_back, migration)
    assert on_server(network, "mail") == before
    assert (row.pk, source.pk) == (box_of(network).pk, box_of(network).binding_id)


def test_rolling_back_gives_the_old_server_exactly_what_it_held(network: Network, other: Binding) -> None:
    client.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 3, "extra": "by hand"})
    before = on_server(network, "mail")
    migration = ask(network, migrating.start, prepared(network, other))
    assert on_server(network, "mail") is None

    migration = ask(network, migrating.roll_back, migration)

    assert (migration.state, items(network, migration)) == ("over", [("returned", "")])
    assert on_server(network, "mail") == before
    assert on_server(network, "new") is None
    assert lives_at(network) == "mail server"


def test_what_was_changed_since_the_move_is_brought_to_the_old_server_after_the_roll_back(
    network: Network, other: Binding
) -> None:
    migration = ask(network, migrating.start, prepared(network, other))
    box = box_of(network)
    with scoping.realm_transaction(network.realm.pk):
        provisioning.suspend(actor=network.system, service=box)
    establishing.bring_up(actor=network.system, service_id=box.pk, key="s", keep_former=False)

    ask(network, migrating.roll_back, migration)
    assert box_of(network).is_behind
    tasks.reconcile(network.realm.pk, box.pk)

    assert on_server(network, "mail")["restriction"] == "blocked"  # type: ignore[index]
    assert on_server(network, "new") is None


class PowerCut(BaseException):
    """The worker dies here."""


@pytest.mark.parametrize("back", [False, True])
def test_a_worker_killed_anywhere_is_succeeded_and_the_service_is_in_one_place(
    network: Network, other: Binding, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    before = on_server(network, "mail")
    migration = prepared(network, other)
    if back:
        migration = ask(network, migrating.start, migration)
        verb: Callable[..., Any] = migrating.roll_back
    else:
        verb = migrating.start
    with scoping.realm_transaction(network.realm.pk):
        verb(actor=network.system, migration=migration)
    deaths = 0
    for cut in range(1, 60):
        passed = 0

        def dying(honest: Callable[..., Any], cut: int = cut) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                nonlocal passed
                for when in ("before", "after"):
                    passed += 1
                    if passed == cut:
                        raise PowerCut(when)
                    result = honest(*given, **named) if when == "before" else result  # noqa: F821
                return result

            return call

        with monkeypatch.context() as patch:
            patch.setattr(moves, "step", dying(moves.step))
            patch.setattr(moves, "settle", dying(moves.settle))
            for name in ("apply", "remove", "observe"):
                patch.setattr(SimulatorDriver, name, dying(getattr(SimulatorDriver, name)))
            try:
                migrating.go_on(realm_id=network.realm.pk, migration_id=migration.pk)
            except PowerCut:
                deaths += 1
                with scoping.realm_transaction(network.realm.pk):
                    Migration.objects.update(until=migration.asked_at)  # its time is over
                    from ipservices.models import ContainerLock

                    ContainerLock.objects.all().delete()
                # The service is never nowhere.
                assert on_server(network, "mail") is not None or on_server(network, "new") is not None
                continue
        break
    assert deaths >= 6
    assert fresh(network, migration).state == "over"
    here, there = ("mail", "new") if back else ("new", "mail")
    assert on_server(network, here) == before
    assert on_server(network, there) is None
    assert lives_at(network) == ("mail server" if back else "new mail")


def test_a_server_that_is_down_pauses_the_migration_and_what_failed_is_tried_again(
    network: Network, other: Binding, alice: Actor
) -> None:
    more = [another(network, number) for number in range(2, 8)]
    migration = prepared(network, other)
    with scoping.realm_transaction(network.realm.pk):
        simulator.set_fault(actor=alice, binding=other, fault="refuses", value="busy")

    migration = ask(network, migrating.start, migration)

    assert migration.state == "paused"
    assert "in a row failed" in migration.error
    assert lives_at(network) == "mail server"
    with scoping.realm_transaction(network.realm.pk):
        simulator.clear_faults(actor=alice, binding=other)
    migration = ask(network, migrating.start, migration)
    assert [state for state, _why in items(network, migration)] == ["done"] * (1 + len(more))


def another(network: Network, number: int) -> Service:
    """One more customer with a mailbox."""
    with scoping.realm_transaction(network.realm.pk):
        first = box_of(network)
        subscription = subscribe(network.realm, network.plan, number)
        name = f"m{number}@alpha.example"
        row = Service.objects.create(
            account=subscription.account, subscription=subscription, site=subscription.site, family="mail",
            kind="mailbox", feature_key="mail.mailbox", title="Mailbox", name=name,
            desired={"address": name, "quota_mb": 10, "aliases": []}, binding=first.binding,
        )  # fmt: skip
        from ipservices import sealing

        row.sealed_secrets = sealing.seal_secrets(row, {"password": f"secret-{number}"})
        row.save()
    establishing.bring_up(actor=network.system, service_id=row.pk, key=f"a{number}", keep_former=False)
    return row


def test_a_failure_stays_with_its_service_and_is_rolled_back_alone(
    network: Network, other: Binding, alice: Actor
) -> None:
    second = another(network, 2)
    migration = prepared(network, other)
    client.plant(network.realm.pk, "new", "mail.mailbox", second.name, "theirs")

    migration = ask(network, migrating.start, migration)

    assert [state for state, _why in items(network, migration)] == ["done", "refused"]
    assert on_server(network, "mail", name=second.name) is not None
    migration = ask(network, migrating.roll_back, migration, service=box_of(network))
    assert [state for state, _why in items(network, migration)] == ["returned", "refused"]


def test_batches_have_a_pause_between_them_and_somebody_may_stop_it(network: Network, other: Binding) -> None:
    for number in range(2, 5):
        another(network, number)
    migration = prepared(network, other, batch_size=2, pause_seconds=3600)
    with scoping.realm_transaction(network.realm.pk):
        migrating.start(actor=network.system, migration=migration)

    migrating.go_on(realm_id=network.realm.pk, migration_id=migration.pk)

    assert [state for state, _why in items(network, migration)] == ["done", "done", "ready", "ready"]
    waiting = fresh(network, migration)
    assert waiting.due_at is not None
    assert (waiting.due_at - waiting.asked_at).total_seconds() > 3000
    with scoping.realm_transaction(network.realm.pk):
        migrating.pause(actor=network.system, migration=migration)
        with pytest.raises(MigrationWrongState):
            migrating.pause(actor=network.system, migration=migration)
    assert turn(network, migration).state == "paused"
    with scoping.realm_transaction(network.realm.pk):
        migrating.drop(actor=network.system, migration=migration)
    assert [state for state, _why in items(network, migration)] == ["done", "done", "refused", "refused"]


def test_a_service_that_changes_in_the_middle_is_moved_as_it_is_then(
    network: Network, other: Binding, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = box_of(network)
    migration = prepared(network, other)
    honest = moves.ask_the_service
    changed = []

    def meanwhile(driver: Any, desired: Any) -> None:
        honest(driver, desired)
        if not changed:
            changed.append(True)
            with scoping.realm_transaction(network.realm.pk):
                provisioning.suspend(actor=network.system, service=box)
            establishing.bring_up(actor=network.system, service_id=box.pk, key="m", keep_former=False)

    monkeypatch.setattr(moves, "ask_the_service", meanwhile)

    migration = ask(network, migrating.start, migration)

    assert items(network, migration) == [("done", "")]
    assert on_server(network, "new")["restriction"] == "blocked"  # type: ignore[index]
    assert on_server(network, "mail") is None


def test_what_stayed_behind_is_noticed_and_can_be_removed(network: Network, other: Binding, alice: Actor) -> None:
    ask(network, migrating.start, prepared(network, other))
    client.plant(network.realm.pk, "mail", "mail.mailbox", BOX, box_of(network).service_ref, address=BOX, quota_mb=1)

    (stray,) = compare_binding(network, network.bindings["mail"])
    assert "its service lives at new mail" in stray.reason
    do(network, alice, findings.repair, stray)

    assert on_server(network, "mail") is None
    assert on_server(network, "new") is not None


def test_one_server_under_two_names_and_other_families_are_refused(network: Network, other: Binding) -> None:
    with scoping.realm_transaction(network.realm.pk):
        twin = bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="twin", settings={"server": "mail"}
        )
        for target in (twin, network.bindings["dns"]):
            with pytest.raises(InvalidInput):
                migrating.prepare(actor=network.system, source=network.bindings["mail"], target=target)
        assert not Migration.objects.exists()


def test_who_may_not_set_up_servers_moves_nothing(network: Network, other: Binding) -> None:
    migration = prepared(network, other)
    with scoping.realm_transaction(network.realm.pk):
        bob = actor_of(make_user(network.realm, "look@alpha.example", "Lou", "manager"))
        with pytest.raises(PermissionDenied):
            migrating.prepare(actor=bob, source=network.bindings["mail"], target=other)
        for verb in (migrating.start, migrating.retry, migrating.roll_back, migrating.drop, migrating.pause):
            with pytest.raises(PermissionDenied):
                verb(actor=bob, migration=migration)  # type: ignore[operator]
    assert fresh(network, migration).state == "ready"
    assert lives_at(network) == "mail server"


def test_a_worker_moves_services(worker: Any, network: Network, other: Binding) -> None:
    with scoping.realm_transaction(network.realm.pk):
        migration = migrating.prepare(
            actor=network.system, source=network.bindings["mail"], target=other, content_moved=True
        )

    def until(state: str) -> None:
        ends = time.monotonic() + 20
        while fresh(network, migration).state != state and time.monotonic() < ends:
            time.sleep(0.1)
        assert fresh(network, migration).state == state

    until("ready")
    with scoping.realm_transaction(network.realm.pk):
        migrating.start(actor=network.system, migration=migration)
    until("over")
    assert lives_at(network) == "new mail"


def test_the_old_server_is_not_cleaned_before_the_new_one_answers(network: Network, other: Binding) -> None:
    with store.request(network.realm.pk, "new") as server:
        server.faults = {"wrong": True}  # says yes and holds nothing
        server.save()
    migration = prepared(network, other)

    migration = ask(network, migrating.start, migration)

    assert [state for state, _why in items(network, migration)] == ["failed"]
    assert on_server(network, "mail") is not None
    assert lives_at(network) == "mail server"
