"""API keys: bound to networks, no longer than a year, rotated with an overlap, used under what their role gives now."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from boss.core import audit, clock
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy import selectors
from boss.tenancy.errors import GrantExceedsOwn, KeyHasEnded
from boss.tenancy.models import ApiKey
from boss.tenancy.services import api_keys, roles
from tests.cast import make_user

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.mark.parametrize(
    ("address", "welcome"),
    [
        ("203.0.113.9", True), ("203.0.114.9", False), ("::ffff:203.0.113.9", True), ("2001:db8::1", True),
        ("2001:db9::1", False), ("", False), ("not an address", False), (None, False),
    ],
)  # fmt: skip
def test_a_key_works_from_its_networks_only(alice, address, welcome):
    _key, plain = api_keys.create(actor=alice, name="Shop", source_networks=["203.0.113.0/24", "2001:db8::/32"])
    assert (selectors.find_actor_for_api_key(plain, address=address) is not None) is welcome


def test_so_it_is_over_http(alice):
    _key, plain = api_keys.create(actor=alice, name="Shop", source_networks=["203.0.113.9"])
    client = Client(headers={"host": "alpha.localhost", "authorization": f"Bearer {plain}"})
    assert client.get("/api/v1/me/", REMOTE_ADDR="203.0.113.9").status_code == 200
    assert client.get("/api/v1/me/", REMOTE_ADDR="203.0.113.10").status_code == 401


@pytest.mark.parametrize(
    ("field", "given"),
    [("days", {"days": 0}), ("days", {"days": 366}), ("source_networks", {"source_networks": ["203.0.113.9/24"]}),
     ("scopes", {"scopes": ["tenancy.become_king"]}), ("role_key", {"role_key": "king"}), ("name", {"name": " "})],
)  # fmt: skip
def test_what_cannot_be_is_refused_beside_its_field(alice, field, given):
    with pytest.raises(InvalidInput) as caught:
        api_keys.create(actor=alice, **{"name": "Shop", **given})
    assert field in caught.value.fields and not ApiKey.objects.exists()


def test_a_rotated_key_and_its_successor_work_side_by_side_for_the_overlap(alice):
    key, old = api_keys.create(actor=alice, name="Shop", days=90, scopes=["tenancy.view_site"])
    successor, new = api_keys.rotate(actor=alice, key=key, overlap_hours=24)
    assert new != old and successor.scopes == ["tenancy.view_site"] and successor.rotated_from == key
    assert selectors.find_actor_for_api_key(old) and selectors.find_actor_for_api_key(new)
    left = ApiKey.objects.get(pk=key.pk).expires_at - clock.now()
    assert dt.timedelta(hours=23) < left <= dt.timedelta(hours=24)
    assert dt.timedelta(days=89) < successor.expires_at - clock.now() <= dt.timedelta(days=90)
    assert audit.list_for(key).get(action="api_key.rotated").after["successor"] == successor.public_id


def test_without_an_overlap_the_old_key_ends_at_once_and_an_ended_key_has_no_successor(alice):
    key, old = api_keys.create(actor=alice, name="Shop")
    api_keys.rotate(actor=alice, key=key, overlap_hours=0)
    assert selectors.find_actor_for_api_key(old) is None
    with pytest.raises(KeyHasEnded):
        api_keys.rotate(actor=alice, key=key)
    with pytest.raises(InvalidInput):
        api_keys.rotate(actor=alice, key=ApiKey.objects.exclude(pk=key.pk).get(), overlap_hours=169)
    assert ApiKey.objects.count() == 2


def test_nobody_rotates_a_key_that_may_do_more_than_he(cast, alice):
    key, _plain = api_keys.create(actor=alice, name="All", role_key="realm_admin")
    roles.create(actor=alice, name="Keys", permissions=["tenancy.add_apikey", "tenancy.revoke_apikey"])
    keeper = selectors.actor_for_user(make_user(cast.alpha, "kim@alpha.example", "Kim", "keys"))
    with pytest.raises(GrantExceedsOwn):
        api_keys.rotate(actor=keeper, key=key)
    assert ApiKey.objects.count() == 1


def test_a_key_of_a_role_that_was_narrowed_may_do_less(alice):
    role = roles.create(actor=alice, name="Shop", permissions=["tenancy.view_site", "tenancy.view_user"])
    _key, plain = api_keys.create(actor=alice, name="Shop", role_key="shop")
    roles.edit(actor=alice, role=role, name="Shop", permissions=["tenancy.view_site"])
    program = selectors.find_actor_for_api_key(plain)[1]
    assert program.holds("tenancy.view_site") and not program.holds("tenancy.view_user")


def test_its_last_use_is_noted_once_a_minute(alice):
    key, _plain = api_keys.create(actor=alice, name="Shop")
    api_keys.note_use(key)
    first = ApiKey.objects.get().last_used_at
    api_keys.note_use(key)
    assert first is not None and ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    api_keys.note_use(key)
    assert ApiKey.objects.get().last_used_at >= first


def test_bob_makes_and_rotates_none(alice, bob):
    key, plain = api_keys.create(actor=alice, name="Shop")
    for attempt in (lambda: api_keys.create(actor=bob, name="Mine"), lambda: api_keys.rotate(actor=bob, key=key)):
        with pytest.raises(PermissionDenied):
            attempt()
    assert ApiKey.objects.count() == 1 and selectors.find_actor_for_api_key(plain)
