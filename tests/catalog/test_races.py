"""The same key taken twice at once: the second is told beside the field."""

from __future__ import annotations

from boss.core import scoping
from boss.core.actors import Actor
from catalog.errors import KeyTaken
from catalog.models import Feature
from catalog.services import features
from tests.racing import overlapping


def test_one_key_names_one_feature(real_db, cast):
    system = Actor.system(cast.alpha.pk)

    def define(title):
        return lambda: features.define(actor=system, key="mail.fax", family="mail", title=title)

    refused = overlapping(cast.alpha.pk, define("Fax"), define("Other fax"))
    assert isinstance(refused, KeyTaken) and "key" in refused.fields
    with scoping.realm_transaction(cast.alpha.pk):
        assert Feature.objects.get(key="mail.fax").title == "Fax"
