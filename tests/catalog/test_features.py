"""What a realm can sell, and who may say so."""

from __future__ import annotations

import pytest

from boss.core import schema
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from catalog import preload, selectors
from catalog.errors import KeyTaken, UnknownFeature
from catalog.models import Feature
from catalog.services import features as services

SHARED = {
    *("data.access", "ip.static", "mail.mailbox", "web.hosting", "dns.zone", "file.share", "aaa.account"),
    *("voice.line", "voice.voicemail", "voice.intl", "voice.portin", "tv.tier", "tv.stb", "tv.dvr", "tv.premium"),
    *("cpe.router", "wifi.network", "security.monitoring", "game.boost", "telehealth.line"),
}


def test_a_new_realm_starts_with_every_standard_feature(features, alice):
    assert {feature.key for feature in selectors.list_features(alice)} >= SHARED


def test_every_standard_feature_has_characteristics_that_make_a_form(features, alice):
    for feature in selectors.list_features(alice):
        assert set(schema.form_fields(feature.schema)) == {c.key for c in feature.schema}


def test_loading_the_standard_features_twice_adds_nothing(features, system):
    assert preload.load(system) == []


def test_what_a_realm_changed_is_kept_when_the_standard_is_loaded_again(features, system):
    Feature.objects.filter(key="game.boost").update(title="Faster games")
    preload.load(system)
    assert Feature.objects.get(key="game.boost").title == "Faster games"


def test_a_realm_may_add_a_feature_of_a_family_of_its_own(features, alice):
    feature = services.define(
        actor=alice,
        key="smart.meter",
        family="metering",
        title="Smart meter",
        characteristics=[Characteristic("serial", required=True)],
        depends_on=["data.access"],
    )
    assert feature.family_label == "metering"
    assert [relation.other.key for relation in feature.relations.all()] == ["data.access"]


def test_bob_who_serves_customers_defines_no_feature(features, bob):
    with pytest.raises(PermissionDenied):
        services.define(actor=bob, key="x.y", family="data", title="X")
    assert not Feature.objects.filter(key="x.y").exists()


def test_a_key_is_given_once(features, alice):
    with pytest.raises(KeyTaken) as refused:
        services.define(actor=alice, key="data.access", family="data", title="Again")
    assert "key" in refused.value.fields


def test_a_feature_cannot_need_what_does_not_exist(features, alice):
    with pytest.raises(UnknownFeature):
        services.define(actor=alice, key="x.y", family="data", title="X", depends_on=["no.such"])


def test_a_feature_cannot_both_need_and_exclude_another(features, alice):
    with pytest.raises(InvalidInput):
        services.define(
            actor=alice, key="x.y", family="data", title="X", depends_on=["data.access"], excludes=["data.access"]
        )


def test_charlie_sees_none_of_alices_features(features, charlie, in_beta):
    with in_beta():
        assert list(selectors.list_features(charlie)) == []


def test_two_realms_may_use_the_same_key(features, charlie, in_beta):
    with in_beta():
        assert services.define(actor=charlie, key="data.access", family="data", title="Ours").title == "Ours"
