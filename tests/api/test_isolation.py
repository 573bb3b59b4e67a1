"""No row of another realm, ever: the whole API, read with keys of two realms in every role.

The addresses come from the URL map, so a new resource is asked from the day it is there. Both realms hold the same
world; whose row an answer shows is told by the marks it carries: public ids, and names for what has none.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from pypdf import PdfReader

from boss.api.urls import ROOMS
from boss.core import scoping, walls
from boss.core.actors import Actor
from boss.core.scoping import Addressable, Scope
from boss.tenancy.models import Role
from subscribers.models import Order
from subscribers.services import charges
from tests.api.conftest import minted
from tests.architecture import world as worlds
from tests.architecture.test_url_matrix import addresses, fill
from tests.cast import sign_in
from ticketing.models import Category, TalentPool, Ticket
from ticketing.services import tickets

WITHOUT_ROWS = ("api/v1/schema/", "api/v1/me/")
"""What shows no rows, only the caller and the code."""
WITHOUT_MARKS = (
    "api/v1/ticketing/presence/", "api/v1/ticketing/reports/", "api/v1/ticketing/file-limits/",
    "api/v1/ticketing/mail-limits/",
)  # fmt: skip
"""Says where the caller is, or how many; nothing by which a row is known."""
WITHOUT_LIST = frozenset({"api/v1/ticketing/attachments/"})
"""Its rows are listed by what they hang on, and by nothing else."""
BY_KEY = (
    "api/v1/ticketing/categories/", "api/v1/ticketing/pools/", "api/v1/ticketing/reports/", "api/v1/tenancy/roles/",
)  # fmt: skip
"""Addressed by keys that every realm may have: each is given its own."""
PERSONAL = tuple(f"api/v1/ticketing/{name}/" for name in ("views", "bulks", "text-drafts", "saved-reports"))
"""Shown to the person who made them, and to no other, were he the administrator."""
ROLES = ("realm_admin", "csr", "noc", "field_technician", "auditor", "subscriber", "api_client")
RESOURCE = re.compile(r"api/v1/(?:overview/)?[\w-]+/[\w-]+/(?:\(\?P<\w+>[^)]*\)/)?|api/v1/search/")
"""A list or one of its rows; what is read below a row may have nothing to say."""
QUERIES = {"search/": "?q=Sam", "accounts/search/": "?q=Sam"}


@dataclass(frozen=True)
class Side:
    """One realm: where it is asked, one thing of every kind, what its rows are known by, a key in each role."""

    host: str
    ids: dict[str, str]
    marks: frozenset[str]
    keys: dict[str, str]
    people: tuple[Client, ...]
    """Signed in as those who made what is somebody's own."""

    def get(self, path: str, key: str) -> Any:
        client = Client(raise_request_exception=False)
        return client.get(path, headers={"host": self.host, "authorization": f"Bearer {key}"})

    def shown_in(self, answer: Any, but: str = "") -> list[str]:
        """The marks of this side that the answer carries, those in ``but`` left out."""
        text = _read(answer)
        return [mark for mark in self.marks if mark in text and mark not in but]


def _read(answer: Any) -> str:
    if answer.headers.get("Content-Type") == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    return str(answer.content.decode())


def side(realm: Any, host: str) -> Side:
    with scoping.enter(Scope(realm.pk, "test")):
        world = worlds.build(Actor.system(realm.pk))
        charges.start(actor=Actor.system(realm.pk), order=Order.objects.get())
        for ticket in Ticket.objects.all():
            tickets.add_message(actor=Actor.system(realm.pk), ticket=ticket, body="Hello")
        for model in (Category, TalentPool):
            model.objects.update(name=f"{model.__name__} of {realm.name}")
        Role.objects.filter(built_in=False).update(name=f"Role of {realm.name}")
        keys = {role: minted(realm.pk, role) for role in ROLES}
        marks = {f"{model.__name__} of {realm.name}" for model in (Category, TalentPool, Role)}
        marks.add(f"world-of-realm-{realm.pk}")
        for model in walls.scoped_models():
            if issubclass(model, Addressable):
                marks |= set(model.objects.values_list("public_id", flat=True))
        people = tuple(Client(headers={"host": host}, raise_request_exception=False) for _each in range(2))
        for client, user in zip(people, (world.tom, world.mona), strict=True):
            sign_in(client, user)
    return Side(host, world.ids, frozenset(marks), keys, people)


@pytest.fixture
def sides(cast: Any, db: None, settings: Any) -> tuple[Side, Side]:
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    return side(cast.alpha, "alpha.localhost"), side(cast.beta, "beta.localhost")


def readable() -> Iterator[tuple[str, type | None]]:
    """Every address of the API that is read and shows rows, with its viewset."""
    for route, pattern in addresses():
        view: Any = pattern.callback
        if not route.startswith("api/v1/") or route.startswith(WITHOUT_ROWS):
            continue
        viewset = getattr(view, "cls", None)
        if "get" in (getattr(view, "actions", None) or ()) or hasattr(viewset, "get"):
            yield route, viewset


def names_one(route: str) -> bool:
    return "(?P<" in route


def own(route: str, mine: Side) -> str:
    """The address as its own realm asks for its rows."""
    query = next((text for end, text in QUERIES.items() if route.endswith(end)), "")
    return fill(route, mine.ids) + (query if names_one(route) else query or "?limit=200")


def filtered(route: str, viewset: Any, theirs: Side) -> Iterator[str]:
    """A list narrowed to what belongs to a thing of the other realm, by each filter that names things."""
    for name in getattr(getattr(viewset, "filterset_class", None), "base_filters", {}):
        nouns = {"assignee": "users", "requester": "users"}
        for resource, value in theirs.ids.items():
            if resource.partition("/")[2].startswith(nouns.get(name, name)):
                yield f"{fill(route, theirs.ids)}?{name}={value}"


def attempts(route: str, viewset: Any, mine: Side, theirs: Side, role: str) -> list[str]:
    """What is tried first is the list, or the thing of the other realm; filters are the same for every role."""
    if names_one(route):
        first, others = fill(route, theirs.ids), [own(route, mine)]
    else:
        first, others = own(route, mine), [*filtered(route, viewset, theirs), own(route, mine) + "&ordering=id"]
    return [first, *others] if role == "realm_admin" else [first]


def test_the_url_map_is_read_whole():
    """A resource that cannot be listed would be missed without a word."""
    routes = {route for route, _viewset in readable()}
    listed = {f"api/v1/{room}/{resource.prefix}/" for room, resources in ROOMS.items() for resource in resources}
    assert listed - WITHOUT_LIST <= routes
    assert not WITHOUT_LIST & routes
    assert sum(names_one(route) for route in routes) >= len(listed)


def test_no_key_of_any_role_is_shown_a_row_of_another_realm(sides):
    shown, there, failed = [], [], []
    for (mine, theirs), role in itertools.product((sides, sides[::-1]), ROLES):
        for route, viewset in readable():
            one = names_one(route)
            for number, path in enumerate(attempts(route, viewset, mine, theirs, role)):
                answer = mine.get(path, mine.keys[role])
                line = f"{mine.host} {role} GET {path}: {answer.status_code}"
                # A refusal repeats the address, and a list its filters in the links to its pages.
                if theirs.shown_in(answer, but="" if one and answer.status_code < 400 else path):
                    shown.append(line)
                if one and number == 0 and answer.status_code not in (403, 404) and not route.startswith(BY_KEY):
                    there.append(line)
                if answer.status_code >= 500:
                    failed.append(line)
    assert shown == []
    assert there == []
    assert failed == []


def test_the_administrators_of_both_see_their_own_in_every_list_and_at_every_row(sides):
    """Otherwise the others would prove nothing."""
    empty = []
    for mine in sides:
        for route in [route for route, _viewset in readable() if RESOURCE.fullmatch(route)]:
            if route.startswith(WITHOUT_MARKS):
                continue
            path = own(route, mine)
            answer = mine.get(path, mine.keys["realm_admin"])
            if route.startswith(PERSONAL):
                answers = [client.get(path) for client in mine.people]
                answer = next((each for each in answers if each.status_code == 200 and mine.shown_in(each)), answer)
            if answer.status_code != 200 or not mine.shown_in(answer):
                empty.append(f"{mine.host} GET {path}: {answer.status_code} {answer.content[:200]!r}")
    assert "\n".join(empty) == ""


def test_a_key_is_unknown_on_the_other_realms_host(sides):
    for mine, theirs in (sides, sides[::-1]):
        for route, _viewset in readable():
            assert theirs.get(fill(route, theirs.ids), mine.keys["realm_admin"]).status_code == 401, route
