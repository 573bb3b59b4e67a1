"""The demo realms: built through the services, twice without harm, and blind to one another."""

from __future__ import annotations

import time

import pytest

from boss.core import scoping
from boss.platform.demo.highprairie import seed as highprairie
from boss.platform.demo.keystone import seed as keystone
from boss.platform.demo.platform_realm import minimum as make_platform
from boss.platform.demo.trilakes import people, places
from boss.platform.demo.trilakes import seed as trilakes
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site, User
from catalog import selectors as catalog
from subscribers.models import Account
from ticketing.models import Category, CategoryNeed, PolicyVersion, PoolMember, Skill
from workflow.models import DefinitionVersion


@pytest.fixture
def realm_id(real_db):
    tenancy.forget_cached()
    trilakes.minimum()
    with scoping.system_transaction("test"):
        return tenancy.find_realm_id_by_host("localhost")


def test_the_minimum_is_quick_and_can_be_repeated(realm_id):
    def picture():
        with scoping.realm_transaction(realm_id):
            counted = (User, Site, Category, PoolMember, DefinitionVersion, Skill, CategoryNeed, PolicyVersion)
            return {model.__name__: model.objects.count() for model in counted}

    before, began = picture(), time.monotonic()
    trilakes.minimum()
    assert picture() == before
    assert before["User"] == len(people.STAFF) and before["Site"] == len(places.FREE)
    assert time.monotonic() - began < 10


def test_every_plan_of_the_catalog_is_on_sale_at_a_free_address(realm_id):
    with scoping.realm_transaction(realm_id):
        site = tenancy.suggest_sites(tenancy.visitor(realm_id), "14 Elm Street")[0]
        keys = {version.plan.key for version in catalog.list_plans_on_sale(tenancy.visitor(realm_id), site)}
    assert {"triple-300", "triple-gig", "duo-300", "internet-100", "gig", "tv-choice", "voice", "business-300"} <= keys


def test_there_are_420_addresses_of_which_some_are_free():
    assert len(list(places.occupied())) == 400
    assert len(set(places.occupied()) | set(places.FREE)) == 400 + len(places.FREE) >= 420


def test_400_subscribers_have_addresses_of_their_own():
    assert len({people.subscriber(index)[1] for index in range(400)}) == 400


def test_the_second_provider_sees_nothing_of_the_first(realm_id):
    highprairie.minimum()
    charlies = tenancy.find_realm_id_by_host(highprairie.HOST)
    assert charlies and charlies != realm_id
    with scoping.realm_transaction(charlies):
        assert not User.objects.filter(email_norm__endswith=people.DOMAIN).exists()
        assert Site.objects.count() == len(highprairie.SITES)


def test_the_third_provider_has_owners_who_pay_and_see_their_own(real_db):
    tenancy.forget_cached()
    keystone.minimum()
    keystone.minimum()
    list(keystone.rest())
    realm_id = tenancy.find_realm_id_by_host(keystone.HOST)
    with scoping.realm_transaction(realm_id):
        assert Site.objects.count() == len(keystone.OWNERS) * keystone.UNITS_EACH
        assert Account.objects.filter(state="active", organization__kind="property_owner").count() == 6
        manager = tenancy.actor_for_user(tenancy.find_user_by_email("manager@alder.example"))
        seen = set(Site.objects.visible_to(manager).values_list("organization__name", flat=True))
        assert seen == {"Alder Residential"}


def test_the_platform_has_a_realm_of_its_own(real_db):
    make_platform()
    make_platform()
    realm_id = tenancy.find_realm_id_by_host("platform.localhost")
    with scoping.realm_transaction(realm_id):
        assert tenancy.get_realm(realm_id).is_platform
        assert User.objects.get().is_platform_operator
