"""Every address × every built-in role, and × those who stand near a thing without its being theirs.

Nothing is listed here. What must be refused follows from what the view declares, what the role holds and where the
model's rows are reached from, so an address, a role or a model of tomorrow is asked by itself. What the people of
``url_matrix.txt`` get is written down there, answer by answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern

from boss.core import permissions, scoping, views
from boss.core.actors import Actor, Grant
from boss.core.api.permissions import PUBLIC, declared
from boss.tenancy import policies, sessions
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Site, User
from boss.tenancy.services import roles, sites, users
from tests.architecture import world as worlds
from tests.architecture.test_url_matrix import addresses, fill, taken_back, written
from tests.cast import PASSWORD, sign_in

ROLES = {"visitor": policies.VISITOR, **{key: policy.permissions for key, policy in policies.BUILT_IN.items()}}
VERBS = {"GET": "retrieve", "PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}


def gates() -> Iterator[tuple[str, str, str, Callable[..., Any]]]:
    """(route, method, the permission declared for it, the view) of every address but the back office's."""
    for route, pattern in addresses():
        if route.startswith("admin/"):
            continue
        view: Any = pattern.callback
        viewset = getattr(view, "cls", None)
        if viewset is None:
            for method in ("GET", "POST"):
                yield route, method, PUBLIC if getattr(view, "public", False) else view.permission, view
            continue
        routed = type("Routed", (viewset,), view.initkwargs)
        actions = getattr(view, "actions", None) or {
            verb: None for verb in ("get", "post", "put", "delete") if hasattr(viewset, verb)
        }
        for method, action in list(actions.items()):  # the first request adds one
            if method != "head":
                yield route, method.upper(), declared(routed, action), view


class Person:
    """Somebody signed in, as far as a page asks before it asks what he may."""

    is_authenticated = True
    is_active = False  # DRF's session authentication passes him by; the actor of the request stays


def asked_as(realm: Any, role: str, method: str, path: str) -> HttpRequest:
    request: Any = RequestFactory(headers={"host": "alpha.localhost"}).generic(method, path, b"{}", "application/json")
    kind = "visitor" if role == "visitor" else "user"
    request.realm, request.id = realm, "leak-matrix"
    request.user = AnonymousUser() if role == "visitor" else Person()
    request.actor = Actor(realm.pk, kind, role, None, (Grant(ROLES[role], "realm"),))  # type: ignore[arg-type]
    request.session, request.htmx, request.csrf_processing_done = {}, False, True
    return request  # type: ignore[no-any-return]


def refusal(view: Callable[..., HttpResponse], request: HttpRequest, route: str) -> int:
    parts = dict.fromkeys(re.findall(r"\(\?P<(\w+)>|<(?:\w+:)?(\w+)>", route))
    try:
        return view(request, **{first or second: "0" * 12 for first, second in parts}).status_code
    except Http404:
        return 404


def test_every_address_refuses_every_role_that_does_not_hold_what_it_declares(alpha, monkeypatch, capsys):
    """Called at the gate itself, with the host's realm and the role's actor; that the gate is in force over HTTP is
    what the matrix of people shows. A role that holds the permission is told apart by rows, see below."""
    monkeypatch.setattr(views, "render", lambda request, *args, status=200, **kwargs: HttpResponse(status=status))
    before, asked, let_in = written(), 0, []
    for route, method, permission, view in gates():
        for role, held in ROLES.items():
            own = permission == views.SIGNED_IN and role != "visitor"  # whatever his role, about himself
            if permission == PUBLIC or own or permission in held:
                continue
            asked += 1
            status = refusal(view, asked_as(alpha, role, method, "/" + route), route)
            if status == 405 and method == "GET" and permission == views.SIGNED_IN:
                continue  # there is nothing to read: a page of one's own that only takes what is sent
            if status != (401 if role == "visitor" and route.startswith("api/") else 302 if role == "visitor" else 403):
                let_in.append(f"{method} /{route} as {role}: {status}")
    assert let_in == []
    assert written() == before, "somebody who was refused changed something"
    assert asked > 1500
    with capsys.disabled():
        print(f"\nleak matrix: {asked} refusals of {len(ROLES)} roles at {len(list(gates()))} addresses and methods")


@dataclass
class Neighbours:
    """People who may ask for a thing of Sam's, each with a reason to think that it concerns him, and a browser each."""

    world: worlds.World
    browsers: dict[str, tuple[User, Client]]


def near(system: Actor, name: str, role: str, organization: Organization | None, site: Site | None = None) -> User:
    user = users.create(
        actor=system, email=f"{name}@mail.example", full_name=name.title(), kind="subscriber", site=site,
        password=PASSWORD,
    )  # fmt: skip
    if site is None:
        roles.grant(actor=system, user=user, role_key=role, organization=organization)
    else:
        roles.grant(actor=system, user=user, role_key=role, own=True)
    return user


@pytest.fixture
def neighbours(cast: Any, alpha: Any, system: Actor, settings: Any, monkeypatch: Any) -> Neighbours:
    monkeypatch.setattr(sessions, "SECONDS_BETWEEN_NOTES", 3600)  # no visit is noted here: what is written is counted
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    world = worlds.build(system)
    own = Organization.objects.get(public_id=world.ids["tenancy/organizations"])
    other = sites.create_organization(actor=system, name="Pinecrest")
    next_door = sites.create(actor=system, street="16 Elm Street", city="Lakeview", organization=own)
    far_away = sites.create(actor=system, street="1 Oak Street", city="Lakeview")
    people = {
        "a subscriber of the same organization": near(system, "nora", "subscriber", None, next_door),
        "a subscriber of the same realm": near(system, "uwe", "subscriber", None, far_away),
        "a contact of another organization": near(system, "hana", "organization_contact", other),
        "the contact of the same organization": near(system, "gus", "organization_contact", own),
    }
    browsers = {}
    for who, user in people.items():
        client = Client(headers={"host": "alpha.localhost"}, raise_request_exception=False)
        sign_in(client, user)
        browsers[who] = (user, client)
    return Neighbours(world, browsers)


def about_one_thing(route: str, pattern: URLPattern) -> bool:
    """The address names a thing by something that gives no right to it; a token of one's own order does."""
    return bool(re.search(r"P<public_id>|:public_id>", route)) and not route.startswith("console/")


def test_who_stands_near_a_thing_gets_no_more_of_it_than_the_rule_says(neighbours, capsys):
    """By every address that names one, with every method. What he does not see is 404 to him, or not his to ask for."""
    wrong, asked, changed = [], 0, []
    with scoping.enter(None):
        count = written()
        for route, pattern in addresses():
            if not about_one_thing(route, pattern):
                continue
            path = fill(route, neighbours.world.ids)
            for method in methods_there(pattern):
                for who, (user, client) in neighbours.browsers.items():
                    asked += 1
                    status = ask(client, method, path)
                    line = f"{who}: {method} {path}: {status}"
                    if sees(user, route, pattern, path):
                        if method == "GET" and status != 200 and not is_further(route):
                            wrong.append(line)
                    elif status not in (403, 404, 405):
                        wrong.append(line)
                    elif method != "GET" and (count_now := written()) != count:
                        changed.append(line)
                        count = count_now
                    if method != "GET":
                        count = written() if status < 400 else count
    assert wrong == []
    assert changed == [], "refused, and yet something was written"
    assert asked > 300
    with capsys.disabled():
        print(f"\nleak matrix: {asked} answers to {len(neighbours.browsers)} people who stand near")


def methods_there(pattern: URLPattern) -> list[str]:
    actions = getattr(pattern.callback, "actions", None)
    return sorted(method.upper() for method in actions if method != "head") if actions else ["GET", "POST"]


def is_further(route: str) -> bool:
    """What hangs below a thing has permissions of its own."""
    return not re.search(r"(public_id>[^/]*)/$", route)


def sees(user: User, route: str, pattern: URLPattern, path: str) -> bool:
    """Whether the rule gives him the thing that the address names."""
    view: Any = pattern.callback
    model = getattr(getattr(view, "cls", None), "model", None)
    with scoping.realm_transaction(user.realm_id):
        actor = tenancy.actor_for_user(user)
        if route.startswith("owner/buildings/"):  # whoever speaks for the organization sees its buildings
            sites_of_his = Site.objects.filter(permissions.rows(Site, actor))
            return actor.holds(view.permission) and sites_of_his.filter(public_id__in=path.split("/")).exists()
        if model is None:
            return False  # pages of self-help are for one's own, and none of these have anything
        permission = declared(type("Routed", (view.cls,), view.initkwargs), "retrieve")
        if permission in (PUBLIC, "catalog.view_plans_on_sale"):  # one list for everybody
            return permission == PUBLIC or actor.holds(permission)
        rows = model.objects.filter(permissions.rows(model, actor))
        return actor.holds(permission) and rows.filter(public_id__in=path.split("/")).exists()


def ask(client: Client, method: str, path: str) -> int:
    with taken_back():
        body = {} if method == "GET" else {"content_type": "application/json"}
        status = getattr(client, method.lower())(path, **body).status_code
        transaction.set_rollback(True)
    return int(status)


def test_no_list_shows_a_neighbour_a_thing_of_sams(neighbours):
    """Every list of the API and every page of self-help, searched for what Sam is known by."""
    personal = ("subscribers/", "ipservices/services", "ticketing/tickets", "tenancy/users")
    marks = {value for name, value in neighbours.world.ids.items() if name.startswith(personal)}
    marks -= {neighbours.world.ids["subscribers/leases"]}  # the contact's own feed
    marks |= {neighbours.world.sam.email, neighbours.world.sam.full_name}
    shown = []
    with scoping.enter(None):
        for route, pattern in addresses():
            if "<" in route or not route.startswith(("api/v1/", "my/")) or "GET" not in methods_there(pattern):
                continue
            for who, (_user, client) in neighbours.browsers.items():
                answer = client.get(f"/{route}?limit=200&q=Sam")
                assert answer.status_code < 500, route
                shown += [f"{who}: /{route}: {mark}" for mark in marks if mark in answer.content.decode()]
    assert shown == []
