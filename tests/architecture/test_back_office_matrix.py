"""The leak matrix of the back office: every address of it × every built-in role, on both kinds of hosts.

Asked at the gate, as in ``test_leak_matrix``: no HTTP, a few milliseconds each. The addresses and the roles are found,
so a model that gets a page there tomorrow is asked by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, resolve

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy import policies
from boss.tenancy.models import Realm, User
from boss.tenancy.services import realms, roles, sites, users
from tests.architecture.test_url_matrix import addresses

METHODS = ("GET", "POST")
KINDS = {"staff": "staff", "organization": "contact", "subscriber": "subscriber", "program": "staff"}
"""What kind of person gets a role that is meant for them."""

MAY_BE_CHANGED = {"realm", "brand", "calendar", "organization", "site", "user"}
"""What operators change there; everything else is to be looked at."""


@dataclass
class House:
    """A provider's realm and the platform's, with a person for each built-in role in both."""

    alpha: Realm
    platform: Realm
    people: dict[tuple[str, str], User]


@pytest.fixture
def house(real_db: str, cast: Any) -> House:
    platform = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    people = {}
    for realm in (cast.alpha, platform):
        with scoping.realm_transaction(realm.pk):
            system = Actor.system(realm.pk)
            own = sites.create_organization(actor=system, name="Pinecrest")
            for key, policy in policies.BUILT_IN.items():
                kind = KINDS[policy.audience]
                user = users.create(
                    actor=system, email=f"{key}@mail.example", full_name=key, kind=kind,
                    organization=own if kind == "contact" else None,
                )  # fmt: skip
                where = {"contact": {"organization": own}, "subscriber": {"own": True}}.get(kind, {})
                if policy.audience != "program":
                    roles.grant(actor=system, user=user, role_key=key, **where)
                people[realm.key, key] = user
    return House(cast.alpha, platform, people)


def back_office() -> Iterator[tuple[str, URLPattern]]:
    for route, pattern in addresses():
        if route.startswith("admin/"):
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", "1", route).replace(".*", "x"), pattern


def request_of(realm: Realm, user: Any, method: str, path: str) -> HttpRequest:
    """As the middlewares hand it on; the form's own key is not what refuses here."""
    request: Any = RequestFactory(headers={"host": realm.canonical_host}).generic(
        method, path, b"_save=1", "application/x-www-form-urlencoded"
    )
    request.realm, request.user, request.session, request.id = realm, user, {}, "matrix"
    request._dont_enforce_csrf_checks = True
    request._messages = CookieStorage(request)
    return request  # type: ignore[no-any-return]


def answer(request: HttpRequest) -> int:
    match = resolve(request.path_info)
    try:
        given: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except Http404:
        return 404
    except PermissionDenied:
        return 403
    if hasattr(given, "render"):
        given.render()
    return int(given.status_code)


def written(alias: str) -> int:
    """Rows this transaction of ``alias`` has written so far, whether they were taken back or not."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)"
            " + pg_stat_get_xact_tuples_deleted(oid)), 0)"
            " FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        return int(cursor.fetchone()[0])


def test_on_a_providers_host_no_role_finds_the_back_office_and_nothing_is_written(house, capsys):
    """404 to everybody, whatever he holds: the realm's administrator as much as a visitor."""
    asked, found = 0, []
    with scoping.realm_transaction(house.alpha.pk):
        before = written("default")
        everybody = {key: user for (realm, key), user in house.people.items() if realm == "alpha"}
        for path, _pattern in back_office():
            for role, user in {"visitor": AnonymousUser(), **everybody}.items():
                for method in METHODS:
                    asked += 1
                    status = answer(request_of(house.alpha, user, method, path))
                    if status != 404:
                        found.append(f"{role}: {method} {path}: {status}")
        assert written("default") == before
    assert found == []
    assert asked > 5000
    with capsys.disabled():
        print(f"\nback office: {asked} refusals of {len(everybody) + 1} roles on a provider's host")


def test_on_the_platforms_host_whoever_is_no_operator_is_led_away_and_nothing_is_written(house, capsys):
    """Roles meant for customers, and a visitor: to the sign-in page, which is not there for who is signed in already.
    A provider's people are visitors on this host: their session is another realm's."""
    customers = {
        key: user for (realm, key), user in house.people.items() if realm == "platform" and user.kind != "staff"
    }
    assert {"subscriber", "property_owner", "organization_contact"} <= set(customers)
    asked, let_in = 0, []
    with scoping.enter(scoping.Scope(house.platform.pk, "test", system=True)), scoping.system_transaction("test"):
        before = written("system")
        for path, _pattern in back_office():
            for role, user in {"visitor": AnonymousUser(), **customers}.items():
                for method in METHODS:
                    asked += 1
                    status = answer(request_of(house.platform, user, method, path))
                    if status != (404 if path == "/admin/login/" and role != "visitor" else 302):
                        let_in.append(f"{role}: {method} {path}: {status}")
        assert written("system") == before
    assert let_in == []
    assert asked > 2000
    with capsys.disabled():
        print(f"\nback office: {asked} refusals of {len(customers) + 1} roles on the platform's host")


def test_an_operator_looks_at_every_page_makes_and_deletes_nothing_and_changes_six_kinds(house, capsys):
    """The platform's own staff, whatever role they hold. What a page does not offer is refused when it is sent."""
    operators = [user for (realm, _key), user in house.people.items() if realm == "platform" and user.kind == "staff"]
    wrong, asked, changed = [], 0, []
    with scoping.system_transaction("test"):
        assert all(admin.site.has_permission(request_of(house.platform, each, "GET", "/admin/")) for each in operators)
        operator = operators[0]
        for model in admin.site._registry:
            label, name = model._meta.app_label, model._meta.model_name
            there = model._default_manager.order_by("pk").first()
            for page in (
                "",
                "add/",
                *([f"{there.pk}/change/", f"{there.pk}/delete/", f"{there.pk}/history/"] if there else []),
            ):
                for method in METHODS:
                    if method == "POST" and page.endswith("change/") and name in MAY_BE_CHANGED:
                        continue
                    asked += 1
                    before = written("system")
                    status = answer(request_of(house.platform, operator, method, f"/admin/{label}/{name}/{page}"))
                    refused = "add" in page or "delete" in page or (method == "POST" and "change" in page)
                    if status != (403 if refused else 200) and not (method == "POST" and page == "" and status == 302):
                        wrong.append(f"{method} {label}/{name}/{page}: {status}")
                    if written("system") != before:
                        changed.append(f"{method} {label}/{name}/{page}")
        assert {m._meta.model_name for m in admin.site._registry if editable(m, house, operator)} == MAY_BE_CHANGED
    assert wrong == []
    assert changed == []
    assert asked > 250
    with capsys.disabled():
        print(f"\nback office: {asked} answers to an operator")


def editable(model: Any, house: House, operator: User) -> bool:
    page: Any = admin.site._registry[model]
    return bool(page.has_change_permission(request_of(house.platform, operator, "GET", "/admin/")))


def test_every_page_of_the_back_office_is_about_a_model_of_ours():
    """Django's own users and groups have no page: rights come from grants alone."""
    assert {model._meta.app_label for model in admin.site._registry} <= {
        config.label for config in apps.get_app_configs() if not config.name.startswith("django")
    }
