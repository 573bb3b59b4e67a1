"""A key acts for whoever made it: it ends when that person is deactivated, by whichever way."""

from __future__ import annotations

import pytest
from django.test import Client

from boss.core import audit, scoping
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.tenancy import selectors
from boss.tenancy.models import ApiKey, User
from boss.tenancy.services import api_keys, realms, users
from tests.cast import make_user


def again(user):
    """The person read afresh: the cast is shared by all tests and must not be changed in memory."""
    return User.objects.get(pk=user.pk)


def works(plain):
    return selectors.find_actor_for_api_key(plain) is not None


def test_the_keys_of_somebody_deactivated_end_and_it_is_on_record(alpha, cast, alice, system):
    key, plain = api_keys.create(actor=alice, name="Shop")
    _other, others = api_keys.create(actor=system, name="Machine's own")
    assert works(plain) and works(others)
    users.deactivate(actor=system, user=again(cast.alice))
    assert not works(plain) and works(others)
    entry = audit.list_for(key).filter(action="api_key.revoked").get()
    assert entry.after == {"because": "user.deactivated"} and entry.actor_label == "BOSS"


def test_they_do_not_come_back_with_the_person(alpha, cast, alice, system):
    _key, plain = api_keys.create(actor=alice, name="Shop")
    users.deactivate(actor=system, user=again(cast.alice))
    User.objects.filter(pk=cast.alice.pk).update(is_active=True)
    assert not works(plain)


def test_a_key_made_with_a_key_ends_with_the_person_behind_both(alpha, cast, alice, system):
    _key, plain = api_keys.create(actor=alice, name="First", role_key="realm_admin")
    program = selectors.find_actor_for_api_key(plain)[1]
    second, plain_second = api_keys.create(actor=program, name="Second")
    assert second.created_by == cast.alice and works(plain_second)
    users.deactivate(actor=system, user=again(cast.alice))
    assert not works(plain_second)


def test_a_key_of_somebody_made_inactive_by_another_way_does_not_work_either(alpha, cast, alice):
    _key, plain = api_keys.create(actor=alice, name="Shop")
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    assert not works(plain)


def test_bob_deactivates_nobody_and_the_key_goes_on(alpha, cast, alice, bob):
    _key, plain = api_keys.create(actor=alice, name="Shop")
    with pytest.raises(PermissionDenied):
        users.deactivate(actor=bob, user=again(cast.alice))
    assert works(plain) and User.objects.get(pk=cast.alice.pk).is_active
    assert not AuditEntry.objects.filter(action="api_key.revoked").exists()


def test_the_back_office_deactivates_through_the_same_service(real_db, cast):
    platform = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    operator = make_user(platform, "op@platform.example", "Olga Operator")
    client = Client(headers={"host": "platform.localhost"})
    with scoping.realm_transaction(platform.pk):
        client.force_login(operator)
    with scoping.realm_transaction(cast.alpha.pk):
        api_keys.create(actor=selectors.actor_for_user(cast.alice), name="Shop")
    form = {"full_name": "Alice Able", "phone": "", "language": "en"}
    assert client.post(f"/admin/tenancy/user/{cast.alice.pk}/change/", form).status_code == 302
    with scoping.realm_transaction(cast.alpha.pk):
        assert not User.objects.get(pk=cast.alice.pk).is_active
        assert ApiKey.objects.get().revoked_at is not None
        assert set(AuditEntry.objects.filter(actor_label__contains="Olga").values_list("action", flat=True)) == {
            "user.deactivated", "api_key.revoked",
        }  # fmt: skip
