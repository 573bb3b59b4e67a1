"""Small pieces everything rests on."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from boss.core import audit, crypto, locks, numbers, scoping
from boss.core.actors import Actor
from boss.core.calendars import BusinessCalendar
from boss.core.registry import Registry, UnknownKey
from boss.core.services import service
from boss.tenancy.models import Site
from boss.tenancy.services import sites


def test_a_secret_opens_only_where_it_belongs():
    sealed = crypto.seal("hunter2", bound_to="binding:1:7")
    assert "hunter2" not in sealed
    assert crypto.open_sealed(sealed, bound_to="binding:1:7") == "hunter2"
    with pytest.raises(crypto.CannotOpen):
        crypto.open_sealed(sealed, bound_to="binding:2:7")


def test_old_keys_still_open_after_rotation(settings):
    sealed = crypto.seal("hunter2", bound_to="x")
    settings.BOSS_DATA_KEYS = {"k1": b"1" * 32, **settings.BOSS_DATA_KEYS}
    assert crypto.open_sealed(sealed, bound_to="x") == "hunter2"
    assert crypto.seal("new", bound_to="x").startswith("k1:")


def test_secrets_are_masked_at_any_depth():
    shown = crypto.masked({"user": "ann", "auth": [{"password": "p", "API_KEY": "k"}]})
    assert shown == {"user": "ann", "auth": [{"password": crypto.MASK, "API_KEY": crypto.MASK}]}


def test_a_registry_names_what_is_doubled_and_lists_what_it_has():
    registry: Registry[int] = Registry("ints", int)
    registry.register("a", 1)
    registry.register("a", 2)
    registry.register("b", "two")  # type: ignore[arg-type]
    Registry.every.remove(registry)
    assert registry.get("a") == 1
    assert registry.faults == ["ints: 'a' is registered twice", "ints: 'b' is not a int"]
    with pytest.raises(UnknownKey, match="there are a"):
        registry.get("c")


def test_numbers_are_never_given_twice_even_at_once(real_db, cast):
    def take(_n: int) -> int:
        try:
            with scoping.realm_transaction(cast.alpha.pk):
                return numbers.draw("order", first=100)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(take, range(40)))
    assert sorted(drawn) == list(range(100, 140))


def test_each_realm_counts_for_itself(cast, alpha, in_beta):
    assert [numbers.draw("t"), numbers.draw("t")] == [1, 2]
    with in_beta():
        assert numbers.draw("t") == 1


def test_a_lock_is_held_to_the_end_of_the_transaction(real_db, cast):
    def try_elsewhere() -> bool:
        try:
            with scoping.realm_transaction(cast.alpha.pk):
                return locks.try_hold("zone:example.com")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with scoping.realm_transaction(cast.alpha.pk):
            locks.hold("zone:example.com")
            assert pool.submit(try_elsewhere).result() is False
        assert pool.submit(try_elsewhere).result() is True


def test_a_refused_service_leaves_nothing_half_written(alpha, system):
    @service
    def half(*, actor: Actor) -> None:
        sites.create(actor=actor, street="1 Elm", city="Lake")
        raise ValueError

    with pytest.raises(ValueError):
        half(actor=system)
    assert not Site.objects.exists()


def test_the_audit_trail_says_who_did_what(alpha, alice):
    site = sites.create(actor=alice, street="1 Elm", city="Lake")
    entry = audit.list_for(site).get()
    assert (entry.actor_label, entry.action, entry.after) == ("Alice Able", "site.created", {"address": "1 Elm, Lake"})


NINE_TO_FIVE = BusinessCalendar(
    "America/Chicago",
    {day: [(dt.time(9), dt.time(12)), (dt.time(13), dt.time(17))] for day in range(5)},
    frozenset({dt.date(2026, 11, 26)}),
)


def _chicago(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=ZoneInfo("America/Chicago"))


def test_working_time_skips_lunch_nights_weekends_and_holidays():
    due = NINE_TO_FIVE.add(_chicago(2026, 11, 25, 16), dt.timedelta(hours=2))
    assert due == _chicago(2026, 11, 27, 10)


def test_a_day_of_changing_clocks_is_as_long_as_it_is():
    around = BusinessCalendar("America/Chicago", {6: [(dt.time(0), dt.time(4))]})
    spring = around.between(_chicago(2026, 3, 8, 0), _chicago(2026, 3, 9, 0))
    assert spring == dt.timedelta(hours=3)


@given(
    st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2027, 1, 1)),
    st.integers(min_value=1, max_value=5000),
)
def test_the_time_between_start_and_due_is_the_working_time_asked(naive, minutes):
    start = naive.replace(tzinfo=dt.UTC)
    due = NINE_TO_FIVE.add(start, dt.timedelta(minutes=minutes))
    assert NINE_TO_FIVE.between(start, due) == dt.timedelta(minutes=minutes)
