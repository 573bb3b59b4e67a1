"""A change of a brand leaves an audit row with before and after, through whichever door it came."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from boss.core import audit, scoping
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.tenancy import selectors
from boss.tenancy.models import Brand
from boss.tenancy.services import realms
from tests.cast import make_user


def trail(realm):
    return list(audit.list_for(Brand.objects.get(realm_id=realm.pk)).filter(action="brand.changed"))


def test_alices_change_is_on_record_with_before_and_after(alpha, alice):
    realms.change_brand(actor=alice, colour="#0ca678", name="Alpha Cable", phone="+1 555 555 0100")
    entry = trail(alpha)[0]
    assert entry.actor_label == "Alice Able"
    assert entry.before == {"colour": "#206bc4", "phone": ""}
    assert entry.after == {"colour": "#0ca678", "phone": "+1 555 555 0100"}


def test_a_picture_is_on_record_by_its_fingerprint(alpha, alice):
    realms.change_brand(actor=alice, logo=b"\x89PNG\r\n\x1a\nxyz")
    entry = trail(alpha)[0]
    assert entry.before == {"logo": None} and entry.after["logo"].startswith("11 bytes, sha256 ")


def test_what_is_so_already_leaves_no_row(alpha, alice):
    realms.change_brand(actor=alice, name="Alpha Cable")
    assert trail(alpha) == []


def test_bob_changes_nothing_and_leaves_no_row(alpha, bob):
    with pytest.raises(PermissionDenied):
        realms.change_brand(actor=bob, name="Bob Cable")
    assert selectors.get_brand(alpha.pk).name == "Alpha Cable" and trail(alpha) == []


def test_a_colour_that_is_none_changes_nothing(alpha, alice):
    with pytest.raises(ValidationError):
        realms.change_brand(actor=alice, colour="red;}")
    assert selectors.get_brand(alpha.pk).colour == "#206bc4" and trail(alpha) == []


def test_the_back_offices_change_is_on_record_in_the_brands_own_realm(real_db, cast):
    platform = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    operator = make_user(platform, "op@platform.example", "Olga Operator")
    client = Client(headers={"host": "platform.localhost"})
    with scoping.realm_transaction(platform.pk):
        client.force_login(operator)
    with scoping.realm_transaction(cast.alpha.pk):
        brand = Brand.objects.get(realm_id=cast.alpha.pk)
    form = {"name": "Alpha Fibre", "colour": brand.colour, "phone": "", "email": "", "tagline": ""}
    assert client.post(f"/admin/tenancy/brand/{brand.pk}/change/", form).status_code == 302
    with scoping.realm_transaction(cast.alpha.pk):
        entry = AuditEntry.objects.get(action="brand.changed")
        assert entry.before == {"name": "Alpha Cable"} and entry.after == {"name": "Alpha Fibre"}
        assert "Olga Operator" in entry.actor_label and entry.realm_id == cast.alpha.pk
        assert Brand.objects.get(pk=brand.pk).name == "Alpha Fibre"
