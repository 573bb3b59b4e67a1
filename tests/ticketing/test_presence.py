"""Who else has a ticket open: told to staff who see it, for seconds, and never in the way."""

from __future__ import annotations

import time

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as CacheIsAway

from boss.core.permissions import PermissionDenied
from tests.cast import actor_of
from ticketing import presence


@pytest.fixture(autouse=True)
def _empty():
    cache.clear()
    yield
    cache.clear()


def see(user, ticket, typing=False):
    return [(one.name, one.is_typing) for one in presence.here(actor=actor_of(user), ticket=ticket, is_typing=typing)]


def test_each_sees_the_others_and_never_himself(hers, nora, cast):
    assert see(nora, hers) == []
    assert see(cast.bob, hers, typing=True) == [("Nora North", False)]
    assert see(nora, hers) == [("Bob Baker", True)]


def test_nobody_is_seen_on_another_ticket(hers, fallen, nora, cast):
    see(nora, hers)
    assert see(cast.bob, fallen) == []


def test_whoever_stops_telling_is_gone_soon(hers, nora, cast, monkeypatch):
    see(nora, hers)
    now = time.time()
    monkeypatch.setattr(presence.time, "time", lambda: now + presence.KEPT_SECONDS + 1)
    assert see(cast.bob, hers) == []


def test_customers_do_not_learn_who_works_on_their_tickets(hers, nora, dana):
    see(nora, hers)
    with pytest.raises(PermissionDenied):
        presence.others(actor=actor_of(dana), ticket=hers)
    with pytest.raises(PermissionDenied):
        see(dana, hers)
    assert [one.name for one in presence.others(actor=actor_of(nora), ticket=hers)] == []


def test_without_the_cache_nobody_is_seen_and_nothing_fails(hers, nora, cast, monkeypatch):
    see(nora, hers)

    def away(*_given, **_named):
        raise CacheIsAway

    monkeypatch.setattr("redis.client.Pipeline.execute", away)
    assert see(cast.bob, hers) == []
