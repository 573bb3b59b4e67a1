"""An address is never given twice, and none is ever lost."""

from __future__ import annotations

import concurrent.futures
import ipaddress
import itertools
import multiprocessing
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss.core import audit, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from ipservices import selectors
from ipservices.choices import AddressKind
from ipservices.errors import AddressPoolExhausted, AddressTaken, PrefixOverlaps
from ipservices.models import AddressAssignment, FreeRange, LeaseHistory, Prefix
from ipservices.services import addresses, prefixes
from tests.exchanges import exchanges

_tables = itertools.count()


def sound(prefix: Prefix) -> None:
    """Free and used make up the whole, and nothing is both; call it in a transaction."""
    ranges = [(row.lo, row.hi) for row in FreeRange.objects.filter(prefix=prefix).order_by("hi")]
    assert all(ranges[i][1] < ranges[i + 1][0] for i in range(len(ranges) - 1)), "free ranges overlap"
    used = list(AddressAssignment.objects.filter(prefix=prefix).values_list("offset", flat=True))
    assert len(used) == len(set(used))
    assert not any(lo <= offset <= hi for offset in used for lo, hi in ranges), "an address is free and used"
    assert selectors.count_free(prefix) + len(used) == prefix.size
    network = prefix.ip_network
    rows = AddressAssignment.objects.filter(prefix=prefix).values_list("address", flat=True)
    assert all(ipaddress.ip_address(address) in network for address in rows)


def test_every_address_of_a_range_is_given_once_and_then_it_is_full(alpha: Any, system: Actor) -> None:
    prefix = prefixes.create(actor=system, network="203.0.113.0/29", gateway="203.0.113.1")

    given_out = [str(addresses.assign(actor=system).address) for _ in range(5)]

    assert given_out == [f"203.0.113.{last}" for last in range(2, 7)]
    with pytest.raises(AddressPoolExhausted):
        addresses.assign(actor=system)
    sound(prefix)


def test_the_same_key_gets_the_same_address_again(alpha: Any, system: Actor) -> None:
    prefixes.create(actor=system, network="203.0.113.0/28")

    first = addresses.assign(actor=system, key="order 1")

    assert addresses.assign(actor=system, key="order 1") == first
    assert addresses.assign(actor=system, key="order 2") != first


def test_a_released_address_is_free_again_and_who_had_it_is_known(alpha: Any, system: Actor) -> None:
    prefix = prefixes.create(actor=system, network="203.0.113.0/29")
    row = addresses.assign(actor=system)

    addresses.release(actor=system, assignment=row)
    addresses.release(actor=system, assignment=row)

    sound(prefix)
    past = LeaseHistory.objects.get()
    assert past.address == row.address
    assert past.valid_from < past.valid_to
    assert addresses.assign(actor=system).address == row.address


def test_one_particular_address_can_be_had_once(alpha: Any, system: Actor) -> None:
    prefix = prefixes.create(actor=system, network="203.0.113.0/28")

    addresses.assign_exactly(actor=system, prefix=prefix, address="203.0.113.7")

    for taken in ("203.0.113.7", "203.0.113.0", "192.0.2.1"):
        with pytest.raises(AddressTaken):
            addresses.assign_exactly(actor=system, prefix=prefix, address=taken)
    sound(prefix)


def test_ipv6_delegations_and_blocks_come_in_whole_units(alpha: Any, system: Actor) -> None:
    delegations = prefixes.create(actor=system, network="2001:db8::/32", unit_length=56)
    blocks = prefixes.create(actor=system, network="198.51.100.0/25", unit_length=29, purpose="static")

    first = addresses.assign(actor=system, kind=AddressKind.DELEGATION, version=6)
    second = addresses.assign(actor=system, kind=AddressKind.DELEGATION, version=6)
    block = addresses.assign(actor=system, kind=AddressKind.BLOCK, purpose="static", unit_length=29)

    assert [str(first), str(second), str(block)] == ["2001:db8::/56", "2001:db8:0:100::/56", "198.51.100.0/29"]
    assert delegations.size == 2**24
    sound(delegations)
    sound(blocks)


def test_prefixes_may_not_overlap(alpha: Any, system: Actor) -> None:
    prefixes.create(actor=system, network="203.0.113.0/24")

    with pytest.raises(PrefixOverlaps):
        prefixes.create(actor=system, network="203.0.113.128/25")
    prefixes.create(actor=system, network="203.0.113.128/25", vrf="other")


@pytest.mark.parametrize("wrong", ["", "203.0.113", "203.0.113.1/24", "2001:db8::/129"])
def test_what_is_no_network_is_refused_beside_the_field(alpha: Any, system: Actor, wrong: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        prefixes.create(actor=system, network=wrong)
    assert "network" in caught.value.fields


def test_only_who_may_hands_out_addresses(alpha: Any, bob: Actor, alice: Actor) -> None:
    prefix = prefixes.create(actor=alice, network="203.0.113.0/28")

    for refused in (
        lambda: prefixes.create(actor=bob, network="192.0.2.0/24"),
        lambda: addresses.assign(actor=bob),
        lambda: addresses.assign_exactly(actor=bob, prefix=prefix, address="203.0.113.3"),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert not AddressAssignment.objects.exists()
    assert Prefix.objects.count() == 1


def test_another_provider_neither_sees_nor_uses_the_range(
    alpha: Any, system: Actor, charlie: Actor, in_beta: Callable[[], Any]
) -> None:
    prefixes.create(actor=system, network="203.0.113.0/28")

    with in_beta():
        assert not Prefix.objects.exists()
        with pytest.raises(AddressPoolExhausted):
            addresses.assign(actor=charlie)
        prefixes.create(actor=charlie, network="203.0.113.0/28")
        assert str(addresses.assign(actor=charlie).address) == "203.0.113.1"


def test_the_database_itself_refuses_a_second_row_for_an_address(alpha: Any, system: Actor) -> None:
    prefixes.create(actor=system, network="203.0.113.0/28")
    row = addresses.assign(actor=system)
    again = AddressAssignment(prefix=row.prefix, vrf=row.vrf, address=row.address, length=32, offset=99)

    with pytest.raises(IntegrityError):
        again.save()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_whatever_is_given_out_and_back_free_and_used_make_up_the_whole(
    alpha: Any, system: Actor, moves: list[int]
) -> None:
    """A small number assigns, a large one releases one of those held; sometimes it is compacted."""
    prefix = prefixes.create(actor=system, network="203.0.113.0/27", vrf=f"vrf {next(_tables)}")
    held: list[AddressAssignment] = []
    for move in moves:
        if move < 24:
            try:
                held.append(addresses.assign(actor=system, prefix=prefix))
            except AddressPoolExhausted:
                assert len(held) == prefix.size
        elif held:
            addresses.release(actor=system, assignment=held.pop(move % len(held)))
        if move == 40:
            prefixes.compact(prefix=prefix)
        sound(prefix)

    for row in held:
        addresses.release(actor=system, assignment=row)
    prefixes.compact(prefix=prefix)
    sound(prefix)
    assert FreeRange.objects.filter(prefix=prefix).count() == 1


def _churn(realm_id: int, prefix_id: int, seed: int, rounds: int) -> list[str]:
    """Assign, keep some, give some back; every step its own transaction. What went wrong, if anything."""
    choice = random.Random(seed)
    held: list[AddressAssignment] = []
    system = Actor.system(realm_id)
    faults: list[str] = []
    for _round in range(rounds):
        try:
            with scoping.realm_transaction(realm_id):
                prefix = Prefix.objects.get(pk=prefix_id)
                if len(held) > 10 and choice.random() < 0.6:
                    addresses.release(actor=system, assignment=held.pop(choice.randrange(len(held))))
                else:
                    held.append(addresses.assign(actor=system, prefix=prefix))
        except AddressPoolExhausted:
            pass
        except Exception as error:
            faults.append(repr(error))
    connections.close_all()
    return faults


def _churn_alone(realm_id: int, prefix_id: int, seed: int, rounds: int) -> list[str]:
    """The same in a forked child, over connections of its own.

    Closing the parent's before the fork is not enough: while a browser test's event loop runs in the parent, Django
    keeps those of before apart, and the child, which has no loop, finds them again.
    """
    for connection in connections.all(initialized_only=True):
        connection.connection = None
    return _churn(realm_id, prefix_id, seed, rounds)


@pytest.mark.parametrize("network", ["203.0.113.0/24", "203.0.113.0/26"])
def test_eight_at_once_never_get_the_same_address_and_nothing_fails(real_db: str, cast: Any, network: str) -> None:
    """The /26 has fewer addresses than are wanted, so exhaustion is part of it."""
    with scoping.realm_transaction(cast.alpha.pk):
        prefix = prefixes.create(actor=Actor.system(cast.alpha.pk), network=network)

    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        jobs = [crowd.submit(_churn, cast.alpha.pk, prefix.pk, seed, 30) for seed in range(8)]
        faults = [fault for job in jobs for fault in job.result()]

    assert faults == []
    system = Actor.system(cast.alpha.pk)
    with scoping.realm_transaction(cast.alpha.pk):
        sound(prefix)
        prefixes.compact(prefix=prefix)
        sound(prefix)
    with scoping.realm_transaction(cast.alpha.pk):  # what they gave back is to be had again, to the last address
        free = selectors.count_free(prefix)
        more = {str(addresses.assign(actor=system, prefix=prefix)) for _unit in range(free)}
        assert len(more) == free
        with pytest.raises(AddressPoolExhausted):
            addresses.assign(actor=system, prefix=prefix)
        sound(prefix)


@pytest.mark.parametrize(
    ("network", "unit_length"),
    [("198.51.96.0/22", 29), ("2001:db8::/40", 56)],
    ids=["blocks of /29", "/56 delegations"],
)
def test_eight_processes_at_once_never_get_the_same_block_or_prefix(
    real_db: str, cast: Any, network: str, unit_length: int
) -> None:
    with scoping.realm_transaction(cast.alpha.pk):
        prefix = prefixes.create(
            actor=Actor.system(cast.alpha.pk), network=network, unit_length=unit_length, purpose="static"
        )
    connections.close_all()  # a forked child must not share a socket with us

    with concurrent.futures.ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("fork")) as crowd:
        jobs = [crowd.submit(_churn_alone, cast.alpha.pk, prefix.pk, seed, 25) for seed in range(8)]
        faults = [fault for job in jobs for fault in job.result()]

    assert faults == []
    with scoping.realm_transaction(cast.alpha.pk):
        sound(prefix)
        units = [ipaddress.ip_network(str(row)) for row in AddressAssignment.objects.filter(prefix=prefix)]
        assert units
        assert {unit.prefixlen for unit in units} == {unit_length}
        assert not any(one.overlaps(other) for one, other in itertools.combinations(units, 2))


def test_eight_processes_at_once_never_get_the_same_address(real_db: str, cast: Any) -> None:
    with scoping.realm_transaction(cast.alpha.pk):
        prefix = prefixes.create(actor=Actor.system(cast.alpha.pk), network="203.0.113.0/25")
    connections.close_all()  # a forked child must not share a socket with us

    with concurrent.futures.ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("fork")) as crowd:
        jobs = [crowd.submit(_churn_alone, cast.alpha.pk, prefix.pk, seed, 25) for seed in range(8)]
        faults = [fault for job in jobs for fault in job.result()]

    assert faults == []
    with scoping.realm_transaction(cast.alpha.pk):
        sound(prefix)


@pytest.fixture
def one_range(real_db: str, cast: Any) -> Prefix:
    """A pool whose free units lie in one range, as in one that is nearly used up."""
    with scoping.realm_transaction(cast.alpha.pk):
        prefix = prefixes.create(actor=Actor.system(cast.alpha.pk), network="203.0.112.0/23")
        *others, last = FreeRange.objects.filter(prefix=prefix).order_by("hi")
        FreeRange.objects.filter(pk__in=[row.pk for row in others]).delete()
        FreeRange.objects.filter(pk=last.pk).update(lo=1)
        sound(prefix)
    return prefix


def take_one(prefix: Prefix, *, no_longer_than: str = "20s") -> str:
    """An address in a transaction of its own, which waits for no lock longer than that."""
    with scoping.realm_transaction(prefix.realm_id):
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [no_longer_than])
        row = addresses.assign(actor=Actor.system(prefix.realm_id), prefix=prefix)
    connections.close_all()
    return str(row)


def test_who_had_to_wait_cuts_the_range_so_that_nobody_waits_again(one_range: Prefix) -> None:
    system = Actor.system(one_range.realm_id)
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        with scoping.realm_transaction(one_range.realm_id):
            first = str(addresses.assign(actor=system, prefix=one_range))
            waiting = other.submit(take_one, one_range)
            until_somebody_waits()
        second = waiting.result(20)

        with scoping.realm_transaction(one_range.realm_id):
            assert FreeRange.objects.filter(prefix=one_range).count() == prefixes.PIECES
            third = str(addresses.assign(actor=system, prefix=one_range))
            fourth = other.submit(take_one, one_range, no_longer_than="1ms").result(20)

    assert len({first, second, third, fourth}) == 4
    with scoping.realm_transaction(one_range.realm_id):
        sound(one_range)
        assert prefixes.compact(prefix=one_range) == 0, "the pieces were put together again"


def until_somebody_waits() -> None:
    with connections["owner"].cursor() as cursor:
        for _look in range(2000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "taken back"])
def test_the_last_address_is_found_when_who_held_it_takes_it_back_and_not_otherwise(
    one_range: Prefix, kept: bool
) -> None:
    system = Actor.system(one_range.realm_id)
    with scoping.realm_transaction(one_range.realm_id):
        for _unit in range(one_range.size - 1):
            addresses.assign(actor=system, prefix=one_range)

    with concurrent.futures.ThreadPoolExecutor(1) as other:
        with scoping.realm_transaction(one_range.realm_id):
            last = str(addresses.assign(actor=system, prefix=one_range))
            waiting = other.submit(take_one, one_range)
            until_somebody_waits()
            transaction.set_rollback(not kept, using="default")
        if kept:
            with pytest.raises(AddressPoolExhausted):
                waiting.result(20)
        else:
            assert waiting.result(20) == last

    with scoping.realm_transaction(one_range.realm_id):
        assert selectors.count_free(one_range) == 0
        sound(one_range)


def test_the_first_prefix_is_used_up_before_the_next_even_when_others_are_at_it(one_range: Prefix) -> None:
    system = Actor.system(one_range.realm_id)
    with scoping.realm_transaction(one_range.realm_id):
        prefixes.create(actor=system, network="198.51.100.0/24", position=200)

    with concurrent.futures.ThreadPoolExecutor(8) as crowd:
        given_out = [job.result() for job in [crowd.submit(assign_any, one_range.realm_id) for _client in range(8)]]

    assert len(set(given_out)) == 8
    assert all(address.startswith("203.0.112.") for address in given_out)


def assign_any(realm_id: int) -> str:
    with scoping.realm_transaction(realm_id):
        row = addresses.assign(actor=Actor.system(realm_id))
    connections.close_all()
    return str(row)


UNITS = (("100.64.0.0/10", 32), ("198.51.0.0/16", 29), ("2001:db8::/32", 56), ("2001:db8::/64", 124), ("fd00::/8", 64))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.sampled_from(UNITS), share=st.floats(0, 1))
def test_the_database_counts_addresses_as_python_does(
    alpha: Any, system: Actor, which: tuple[str, int], share: float
) -> None:
    network, unit_length = which
    prefix = prefixes.create(actor=system, network=network, unit_length=unit_length, vrf=f"vrf {next(_tables)}")
    offset = max(1, min(int(prefix.size * share), prefix.size - 1))
    FreeRange.objects.filter(prefix=prefix).delete()
    FreeRange.objects.create(prefix=prefix, lo=offset, hi=offset)

    row = addresses.assign(actor=system, prefix=prefix)

    assert (row.offset, row.address) == (offset, prefix.address_at(offset))
    row.refresh_from_db()
    assert row.address == prefix.address_at(offset)


def test_an_address_is_handed_out_and_recorded_in_one_statement(alpha: Any, alice: Actor) -> None:
    prefix = prefixes.create(actor=alice, network="203.0.113.0/28")

    with exchanges() as asked:
        row = addresses.assign(actor=alice, key="order 1")
        again = addresses.assign(actor=alice, key="order 1")

    assert len(asked) == 2, asked
    assert row == again == AddressAssignment.objects.get()
    assert (row.prefix, row.service) == (prefix, None)
    entry = audit.list_for(prefix).filter(action="address.assigned").values().get()
    audit.record(actor=alice, action="address.assigned", subject=prefix, after={"address": str(row)})
    like = audit.list_for(prefix).filter(action="address.assigned").values()[0]
    differs = {name for name in like if entry[name] != like[name]}
    assert differs == {"id", "at"}
