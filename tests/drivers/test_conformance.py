"""The conformance kit: what every driver promises, on every server at hand. See ``docs/how-to/add-a-driver.md``."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connections

from ipservices.contracts import AuthFailed, Conflict, Desired, DriverError, Invalid, Observed, Restriction, Unverified
from ipservices.families import kinds
from ipservices.services import leases
from tests.drivers.benches import Bench, SimulatorBench
from tests.drivers.conftest import REAL, SIMULATED

every = pytest.mark.parametrize("bench", SIMULATED + REAL, indirect=True)


def _kind(label: str) -> str:
    product, _space, kind = label.partition(" ")
    return kind if product == "simulator" else f"dns.{kind}"


def among(fits: Callable[[str], object], labels: list[str] = SIMULATED + REAL) -> pytest.MarkDecorator:
    """The servers for which the promise means something."""
    return pytest.mark.parametrize("bench", [label for label in labels if fits(_kind(label))], indirect=True)


with_switches = among(lambda kind: kinds.get(kind).switches)
with_sessions = among(lambda kind: kinds.get(kind).has_sessions, SIMULATED)
with_usage = among(lambda kind: kinds.get(kind).metrics, SIMULATED)


def establish(bench: Bench, desired: Desired, key: str = "kit") -> Observed:
    with bench.driver() as driver:
        return driver.establish(desired, key=key)


def observe(bench: Bench, desired: Desired) -> Observed | None:
    with bench.driver() as driver:
        return driver.observe(desired)


def differences(bench: Bench, desired: Desired) -> list[str]:
    with bench.driver() as driver:
        return [str(difference) for difference in driver.compare(desired, driver.observe(desired))]


@every
def test_create_twice_is_as_good_as_once(bench: Bench) -> None:
    first = establish(bench, bench.desired())
    second = establish(bench, bench.desired())

    assert first == second
    assert bench.works(bench.desired())


@every
def test_change_twice_is_as_good_as_once(bench: Bench) -> None:
    establish(bench, bench.desired())
    wanted = bench.changed(bench.desired())

    first = establish(bench, wanted, "kit:change")
    second = establish(bench, wanted, "kit:change")

    assert first == second
    assert differences(bench, wanted) == []
    assert bench.works(wanted)


@every
def test_what_is_read_back_equals_what_was_desired(bench: Bench) -> None:
    establish(bench, bench.desired())

    found = observe(bench, bench.desired())

    assert found is not None
    assert differences(bench, bench.desired()) == []
    assert found.service_ref == bench.desired().service_ref
    assert found.restriction is Restriction.NONE
    assert found.switched_off == frozenset()


@every
def test_a_change_past_boss_is_found_and_repaired(bench: Bench) -> None:
    establish(bench, bench.desired())
    bench.tamper(bench.desired())

    assert differences(bench, bench.desired()) != []

    establish(bench, bench.desired(), "kit:repair")
    assert differences(bench, bench.desired()) == []


@every
def test_suspending_closes_every_door_and_keeps_what_is_behind_it(bench: Bench) -> None:
    establish(bench, bench.desired())
    assert all(bench.works(bench.desired(), switch) for switch in ("", *bench.switches))

    suspended = replace(bench.desired(), restriction=Restriction.BLOCKED, reason="non-payment")
    found = establish(bench, suspended, "kit:suspend")

    assert found.restriction is Restriction.BLOCKED
    assert not any(bench.works(suspended, switch) for switch in ("", *bench.switches))
    open_again = establish(bench, bench.desired(), "kit:resume")
    assert open_again.restriction is Restriction.NONE
    assert all(bench.works(bench.desired(), switch) for switch in ("", *bench.switches))


@with_sessions
def test_open_sessions_are_cut_when_a_service_is_suspended(bench: SimulatorBench) -> None:
    establish(bench, bench.desired())
    assert bench.connect(bench.desired())
    assert bench.sessions(bench.desired()) == 1

    establish(bench, replace(bench.desired(), restriction=Restriction.BLOCKED), "kit:suspend")

    assert bench.sessions(bench.desired()) == 0
    assert not bench.connect(bench.desired())


@with_switches
def test_resuming_never_switches_on_what_the_owner_switched_off(bench: Bench) -> None:
    switch = bench.switches[0]
    own = replace(bench.desired(), switched_off=frozenset({switch}))
    establish(bench, own)
    assert not bench.works(own, switch)

    establish(bench, replace(own, restriction=Restriction.BLOCKED), "kit:suspend")
    found = observe(bench, own)
    assert found is not None and found.switched_off == {switch}

    resumed = establish(bench, own, "kit:resume")
    assert resumed.restriction is Restriction.NONE
    assert resumed.switched_off == {switch}
    assert not bench.works(own, switch)

    establish(bench, bench.desired(), "kit:owner")
    assert bench.works(bench.desired(), switch)


@every
def test_deleting_twice_is_as_good_as_once(bench: Bench) -> None:
    establish(bench, bench.desired())

    for _time in range(2):
        with bench.driver() as driver:
            driver.take_away(bench.desired(), key="kit:delete")

    assert observe(bench, bench.desired()) is None
    assert not bench.works(bench.desired())


@every
def test_what_belongs_to_another_service_is_neither_changed_nor_removed(bench: Bench) -> None:
    establish(bench, bench.desired())
    stranger = replace(bench.changed(bench.desired()), service_ref="svc-stranger0001")

    with pytest.raises(Conflict):
        establish(bench, stranger, "kit:stranger")
    with pytest.raises(Conflict), bench.driver() as driver:
        driver.take_away(stranger, key="kit:stranger")

    assert differences(bench, bench.desired()) == []


@every
def test_undo_removes_what_was_not_there_and_restores_what_was(bench: Bench) -> None:
    with bench.driver() as driver:
        nothing = driver.observe(bench.desired())
        driver.establish(bench.desired(), key="kit:make")
        before = driver.observe(bench.desired())
        driver.establish(bench.changed(bench.desired()), key="kit:change")

        driver.restore(bench.desired(), before, key="kit:undo change")
        assert driver.observe(bench.desired()) == before

        driver.restore(bench.desired(), nothing, key="kit:undo make")
        assert driver.observe(bench.desired()) is None


@every
def test_everything_that_carries_our_id_is_listed(bench: Bench) -> None:
    establish(bench, bench.desired())

    with bench.driver() as driver:
        held = [(one.service_ref, one.kind, one.name) for one in driver.list_all()]

    wanted = bench.desired()
    assert (wanted.service_ref, wanted.kind, wanted.name) in held


@with_usage
def test_usage_moves_and_a_reset_counter_is_survived(bench: SimulatorBench) -> None:
    establish(bench, bench.desired())
    bench.connect(bench.desired())
    metrics = set(kinds.get(bench.full_kind).metrics)

    with bench.driver() as driver:
        first = driver.usage({})
        again = driver.usage(first.cursor)
    assert {sample.metric for sample in first.samples} == metrics
    assert all(sample.amount == 1000 for sample in first.samples)
    assert again.samples == ()

    bench.restart()
    bench.connect(bench.desired())
    bench.connect(bench.desired())
    with bench.driver() as driver:
        after = driver.usage({key: dict.fromkeys(value, 9000) for key, value in again.cursor.items()})
    assert {sample.amount for sample in after.samples} == {2000}


@every
def test_twenty_parallel_changes_leave_exactly_one_of_them(bench: Bench) -> None:
    establish(bench, bench.desired())
    wanted = [bench.changed(bench.desired(), number) for number in range(1, 21)]

    def change(desired: Desired) -> str:
        try:
            driver = bench.driver()
            with leases.hold(bench.binding, driver.lock_key(desired)), driver:
                driver.establish(desired, key=f"kit:{desired.attributes}")
        except DriverError as error:
            return repr(error)
        finally:
            connections.close_all()
        return ""

    with concurrent.futures.ThreadPoolExecutor(20) as crowd:
        faults = [fault for fault in crowd.map(change, wanted) if fault]

    assert faults == []
    assert sum(differences(bench, one) == [] for one in wanted) == 1


@every
def test_a_server_that_dies_in_the_middle_is_right_after_the_next_attempt(bench: Bench) -> None:
    wanted = bench.desired()
    with bench.dying_in_the_middle(), pytest.raises(DriverError) as caught:
        for number in range(200):
            wanted = bench.changed(bench.desired(), number % 200 + 1)
            establish(bench, wanted, f"kit:dying {number}")

    assert caught.value.retryable
    number = wanted.attributes.get("note")
    establish(bench, wanted, f"kit:dying {int(number) - 1}" if number is not None else "kit:after")
    assert differences(bench, wanted) == []
    if isinstance(bench, SimulatorBench):
        assert bench.real_changes(f"kit:dying {int(number or 1) - 1}") == 1


@every
def test_a_wrong_secret_is_said_to_be_one_and_changes_nothing(bench: Bench) -> None:
    establish(bench, bench.desired())

    with pytest.raises(AuthFailed) as caught, bench.driver(right_secret=False) as driver:
        driver.establish(bench.changed(bench.desired()), key="kit:wrong")

    assert not caught.value.retryable
    assert differences(bench, bench.desired()) == []


@every
def test_health_is_red_when_only_the_service_plane_is_dead(bench: Bench) -> None:
    establish(bench, bench.desired())

    with bench.driver() as driver:
        good = driver.health()
    with bench.driver(service_plane=False) as driver:
        bad = driver.health()

    assert good.is_good, good.detail
    assert bad.control
    assert not bad.service
    assert bad.detail


@every
def test_health_never_raises(bench: Bench) -> None:
    with bench.driver(right_secret=False) as driver:
        found = driver.health()

    assert not found.control
    assert found.detail


@every
def test_what_can_never_be_accepted_is_refused_before_the_server_is_asked(bench: Bench) -> None:
    with bench.driver() as driver, pytest.raises(Invalid):
        driver.establish(replace(bench.desired(), name=""), key="kit:invalid")
    with bench.driver() as driver, pytest.raises(Invalid):
        driver.validate(replace(bench.desired(), family="nonsense"))


@among(lambda kind: True, SIMULATED[:1])
def test_a_server_that_says_yes_and_does_nothing_is_found_out(bench: SimulatorBench) -> None:
    bench.fault(wrong=True)

    with pytest.raises(Unverified):
        establish(bench, bench.desired())
