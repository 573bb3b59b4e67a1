"""Categories and pools are configuration: versioned, two levels deep, and in the hands of those who may."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, transaction

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from ticketing import selectors
from ticketing.errors import KeyTaken
from ticketing.models import Category, CategorySchema, PoolMember, TalentPool
from ticketing.services import categories, pools, tickets

SERIAL = {"key": "serial", "type": "text", "required": True}


def test_a_category_has_a_parent_and_no_grandparent(desk, alice):
    child = categories.create(actor=alice, key="tv", name="TV", parent=desk.trouble)
    with pytest.raises(InvalidInput) as refused:
        categories.create(actor=alice, key="tv-guide", name="TV guide", parent=child)
    assert list(refused.value.fields) == ["parent"]


def test_fields_have_versions_and_tickets_keep_theirs(desk, alice, bob):
    old = tickets.open(actor=bob, category_key="trouble", title="old", data={"symptom": "slow"})
    categories.publish_fields(actor=alice, category=desk.trouble, fields=[SERIAL])
    new = tickets.open(actor=bob, category_key="trouble", title="new", data={"serial": "X1"})
    assert (old.schema_version, new.schema_version) == (1, 2)
    kept = selectors.find_schema(old.category, old.schema_version)
    assert [field.key for field in kept.fields()] == ["symptom"]


def test_a_key_never_changes_its_type(desk, alice):
    with pytest.raises(InvalidInput, match="marked below") as refused:
        categories.publish_fields(actor=alice, category=desk.trouble, fields=[Characteristic("symptom", "integer")])
    assert "symptom" in refused.value.fields["fields"][0]
    assert CategorySchema.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [[{"key": "Bad Key"}], [{"key": "x", "type": "colour"}], [SERIAL, SERIAL], [{"key": "pin", "type": "secret"}]],
)
def test_bad_fields_are_refused_before_anything_is_written(desk, alice, fields):
    with pytest.raises(InvalidInput):
        categories.create(actor=alice, key="modem", name="Modem", fields=fields)
    assert not Category.objects.filter(key="modem").exists()


def test_published_fields_cannot_be_rewritten(desk):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        CategorySchema.objects.update(characteristics=[])


def test_keys_are_used_once_and_look_like_keys(desk, alice):
    with pytest.raises(KeyTaken):
        categories.create(actor=alice, key="trouble", name="Trouble again")
    with pytest.raises(KeyTaken):
        pools.create(actor=alice, key="noc", name="Network again")
    with pytest.raises(ValidationError):
        pools.create(actor=alice, key="not a key", name="Spaces")


def test_bob_configures_nothing(desk, bob, nora):
    with pytest.raises(PermissionDenied):
        categories.create(actor=bob, key="mine", name="Mine")
    with pytest.raises(PermissionDenied):
        categories.publish_fields(actor=bob, category=desk.trouble, fields=[])
    with pytest.raises(PermissionDenied):
        categories.archive(actor=bob, category=desk.trouble)
    with pytest.raises(PermissionDenied):
        pools.create(actor=bob, key="mine", name="Mine")
    with pytest.raises(PermissionDenied):
        pools.add_member(actor=bob, pool=desk.field, user=nora)
    with pytest.raises(PermissionDenied):
        pools.remove_member(actor=bob, pool=desk.noc, user=nora)
    assert PoolMember.objects.filter(user=nora).get().pool == desk.noc
    assert Category.objects.count() == 3 and TalentPool.objects.count() == 2


def test_joining_a_pool_twice_is_joining_it_once(desk, alice, nora):
    pools.add_member(actor=alice, pool=desk.noc, user=nora)
    assert PoolMember.objects.filter(user=nora).count() == 1
