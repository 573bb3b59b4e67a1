"""The same person or the same address added twice at once: the second is told beside the field, as if it came later."""

from __future__ import annotations

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.errors import EmailTaken, SiteExists
from boss.tenancy.models import Site, User
from boss.tenancy.services import sites, users
from tests.racing import overlapping


def test_one_address_signs_in_once_however_it_is_spelled(real_db, cast):
    system = Actor.system(cast.alpha.pk)

    def add(email):
        return lambda: users.create(actor=system, email=email, full_name="Dora", kind="subscriber")

    refused = overlapping(cast.alpha.pk, add("dora@alpha.example"), add("DORA@alpha.example"))
    assert isinstance(refused, EmailTaken) and "email" in refused.fields
    with scoping.realm_transaction(cast.alpha.pk):
        assert User.objects.filter(email_norm="dora@alpha.example").count() == 1


def test_two_people_are_added_side_by_side_and_so_is_one_to_two_realms(real_db, cast):
    def add(realm, email):
        return lambda: users.create(actor=Actor.system(realm.pk), email=email, full_name="D", kind="subscriber")

    made = overlapping(cast.alpha.pk, add(cast.alpha, "dora@alpha.example"), add(cast.alpha, "emil@alpha.example"))
    assert isinstance(made, User)
    with scoping.realm_transaction(cast.beta.pk):
        assert add(cast.beta, "dora@alpha.example")().realm_id == cast.beta.pk


def test_one_address_is_one_site_however_it_is_spelled(real_db, cast):
    system = Actor.system(cast.alpha.pk)

    def add(street):
        return lambda: sites.create(actor=system, street=street, city="Lakeview")

    refused = overlapping(cast.alpha.pk, add("14 Elm Street"), add("14 elm st"))
    assert isinstance(refused, SiteExists) and "street" in refused.fields
    with scoping.realm_transaction(cast.alpha.pk):
        assert Site.objects.count() == 1
