"""What a realm switched off is not there for people and programs, and all its rows are there when it comes back."""

from __future__ import annotations

import re

import pytest
from django.urls import URLPattern

from boss.core import audit
from boss.core.permissions import PermissionDenied
from boss.tenancy import components, selectors
from boss.tenancy.models import Realm
from boss.tenancy.services import realms
from tests.architecture.test_url_matrix import addresses, declarations
from tests.cast import make_user
from ticketing.models import Category, Ticket
from ticketing.services import tickets

pytestmark = pytest.mark.usefixtures("alpha")
PAGES = (
    "/console/",
    "/console/people/",
    "/console/orders/",
    "/console/tickets/",
    "/console/runs/",
    "/console/services/",
)


def room_of(route: str) -> str:
    found = re.match(r"api/v1/(\w+)/", route)
    return found[1] if found else ""


def of_component(key: str) -> list[tuple[str, URLPattern]]:
    """The addresses that belong to a component, asked from outside: by their names and what they declare."""
    component, spaces = components.COMPONENTS[key], {"signup": "signup/", "selfhelp": "my/", "owner": "owner/"}
    found = []
    for route, pattern in addresses():
        asked = {each.partition(".")[0] for each in declarations(pattern)} if not route.startswith("admin/") else set()
        mine = asked & set(component.apps) or room_of(route) in component.apps
        if mine or any(route.startswith(spaces[page]) for page in component.pages):
            found.append((route, pattern))
    return found


def concrete(route: str) -> str:
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)|<(?:\w+:)?\w+>", "abcdefghjkmn", route)


@pytest.mark.parametrize("key", sorted(components.COMPONENTS))
def test_its_pages_and_routes_are_gone_for_everybody_its_rights_too_and_no_page_leads_there(
    key, cast, alice, browser_of
):
    dora = make_user(cast.alpha, "dora@alpha.example", "Dora", "subscriber", kind="subscriber", own=True)
    admin, subscriber, stranger = browser_of(cast.alice), browser_of(dora), browser_of()
    realms.switch(actor=alice, component=key, on=False)
    gone = of_component(key)
    assert gone
    for route, _pattern in gone:
        assert admin.get(concrete(route)).status_code == 404, route
    for client in (subscriber, stranger):
        assert client.get(concrete(gone[0][0])).status_code == 404
    held = admin.get("/api/v1/me/").json()["permissions"]
    component = components.COMPONENTS[key]
    assert not [each for each in held if each.partition(".")[0] in component.apps or each in component.doors]
    shapes = [re.compile(re.sub("abcdefghjkmn", r"[^/]+", concrete(route)) + r"(?:\?|$)") for route, _pattern in gone]
    for path in PAGES:
        answer = admin.get(path)
        if answer.status_code == 200:
            links = re.findall(r'(?:href|action|hx-get)="(/[^"#]*)"', answer.content.decode())
            assert [link for link in links if any(shape.match(link) for shape in shapes)] == [], path


def test_its_rows_stay_and_come_back(alice, cast, system, browser_of):
    Category.objects.create(key="it", name="It")
    ticket = tickets.open(actor=system, category_key="it", title="Stays")
    client = browser_of(cast.alice)
    realms.switch(actor=alice, component="ticketing", on=False)
    assert client.get(f"/console/tickets/{ticket.public_id}/").status_code == 404
    assert Ticket.objects.filter(pk=ticket.pk).exists()
    tickets.open(actor=system, category_key="it", title="The machine goes on")
    realms.switch(actor=alice, component="ticketing", on=True)
    assert client.get(f"/console/tickets/{ticket.public_id}/").status_code == 200


def test_it_is_on_record_once_and_for_administrators(alice, bob, cast):
    realms.switch(actor=alice, component="workflow", on=False)
    realms.switch(actor=alice, component="workflow", on=False)
    entry = audit.list_for(cast.alpha).get(action="component.switched_off")
    assert "workflow" in entry.before["components"] and "workflow" not in entry.after["components"]
    with pytest.raises(PermissionDenied):
        realms.switch(actor=bob, component="workflow", on=True)
    assert "workflow" not in Realm.objects.get(pk=cast.alpha.pk).components


def test_another_realm_goes_on_with_it(alice, cast, in_beta):
    realms.switch(actor=alice, component="ticketing", on=False)
    with in_beta():
        assert selectors.actor_for_user(cast.charlie).holds("ticketing.view_ticket")
    assert not selectors.actor_for_user(cast.alice).holds("ticketing.view_ticket")


def test_roles_are_given_as_before_meanwhile(alice, cast):
    from boss.tenancy.services import roles

    realms.switch(actor=alice, component="ticketing", on=False)
    assert roles.grant(actor=selectors.actor_for_user(cast.alice), user=cast.bob, role_key="dispatcher").pk
