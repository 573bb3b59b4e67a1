"""Everybody × every ticket × every address where a ticket is found: who may see it sees it, nobody else learns of it.

What each may see is written down here, by hand. The addresses are not: every page and every list on which Alice finds
a ticket is asked by everybody, so that a page of tomorrow is asked by itself. Whatever a ticket says, and is said on
it, carries a word of its own, and each answer is searched for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from boss.core import clock, scoping
from boss.core.files import Upload
from boss.tenancy import sessions
from boss.tenancy.models import User
from boss.tenancy.services import api_keys, roles, sites, users
from tests.architecture.test_url_matrix import addresses, methods_of
from tests.cast import PASSWORD, actor_of, make_user, sign_in
from ticketing.fields import FieldDef
from ticketing.models import Attachment, Ticket
from ticketing.services import categories, tickets, time

COMMON = "Quagga"
"""Stands in every title: what people search for."""
ORDINAL = {
    "title": "t", "said": "p", "note": "n", "open field": "g", "staff field": "f", "worked": "z", "file": "h",
    "note file": "k",
}  # fmt: skip
FOR_CUSTOMERS = ("title", "said", "open field", "file")
STAFF = ("realm_admin", "manager", "csr", "noc", "dispatcher", "field_technician", "billing", "porting", "auditor")

# Who, of those who are no staff, sees what. Staff see every ticket of their realm.
MAY_SEE = {
    "nobody": set(),
    "dana, who lives at Elm Court": {"dana's", "dana's, shared"},
    "dana's sub-account": {"leo's"},
    "erin, her neighbour": {"erin's"},
    "the contact of Elm Court's owner": {"dana's, shared", "the owner's", "the lobby's", "another house's"},
    "the owner's property manager": {"dana's, shared", "the owner's", "the lobby's", "another house's"},
    "the owner's janitor of Elm Court": {"dana's, shared", "the lobby's"},
    "the owner's partner": {"dana's, shared", "the owner's", "the lobby's", "another house's"},
    "another owner's contact": {"another owner's"},
    "the catalog manager": set(),
    "Charlie, who owns the other realm": {"charlie's"},
}
NO_STAFF = frozenset(MAY_SEE) - {"Charlie, who owns the other realm"}


FILE_DOORS = ("console/tickets/files/{}/", "my/tickets/files/{}/", "owner/tickets/files/{}/",
              "api/v1/ticketing/attachments/{}/content/")  # fmt: skip


def paper(word: str) -> Upload:
    """A file that is called as what stands in it."""
    return Upload.made(f"{word}.txt", word.encode())


def word(ticket: str, part: str) -> str:
    """What stands in one part of one ticket and nowhere else."""
    return ORDINAL[part] + "qx" + re.sub(r"\W", "", ticket).lower() + "xq"


@dataclass
class Matrix:
    tickets: dict[str, Ticket]
    browsers: dict[str, Client]
    files: dict[tuple[str, str], str]

    def words_in(self, page: str) -> set[tuple[str, str]]:
        """Which parts of which tickets an answer tells."""
        text = page.lower()
        return {(name, part) for name in self.tickets for part in ORDINAL if word(name, part) in text}

    def allowed(self, who: str) -> set[tuple[str, str]]:
        seen = MAY_SEE.get(who)
        parts: Any = FOR_CUSTOMERS if who in NO_STAFF else ORDINAL
        everything = set(self.tickets) - {"charlie's"}
        if who.startswith("Charlie"):
            parts = ("title", "said", "note")
        return {(name, part) for name in (everything if seen is None else seen) for part in parts}


@pytest.fixture
def matrix(cast, desk, alpha, system, in_beta, settings, monkeypatch) -> Matrix:
    monkeypatch.setattr(sessions, "SECONDS_BETWEEN_NOTES", 3600)
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    owner = sites.create_organization(actor=system, name="Alder Homes", kind="owner")
    stranger = sites.create_organization(actor=system, name="Pinecrest", kind="owner")
    flat = sites.create(actor=system, street="1 Elm St", unit="3", city="Springfield", organization=owner)
    next_door = sites.create(actor=system, street="1 Elm St", unit="4", city="Springfield", organization=owner)
    elsewhere = sites.create(actor=system, street="9 Oak Rd", unit="1", city="Springfield", organization=owner)
    categories.create(
        actor=system, key="wide", name="Wide", default_pool=desk.noc, portal_visible=True,
        fields=[
            FieldDef("seen", "text", label="Seen", end_user="read", site_owner="read", filterable=True),
            FieldDef("hidden", "text", label="Hidden", end_user="none", site_owner="none", filterable=True),
        ],
    )  # fmt: skip

    def resident(name: str, role: str, site: Any) -> User:
        user = users.create(
            actor=system, email=f"{name}@home.example", full_name=name.title(), kind="subscriber", site=site,
            password=PASSWORD,
        )  # fmt: skip
        roles.grant(actor=system, user=user, role_key=role, own=True)
        return user

    def contact(name: str, role: str, organization: Any, site: Any = None) -> User:
        user = users.create(
            actor=system, email=f"{name}@owner.example", full_name=name.title(), kind="contact",
            organization=organization, password=PASSWORD,
        )  # fmt: skip
        where = {"site": site} if site is not None else {"organization": organization}
        roles.grant(actor=system, user=user, role_key=role, **where)
        return user

    dana, leo = resident("dana", "subscriber", flat), resident("leo", "subaccount", flat)
    erin = resident("erin", "subscriber", next_door)
    people = {
        "nobody": None,
        "dana, who lives at Elm Court": dana,
        "dana's sub-account": leo,
        "erin, her neighbour": erin,
        "the contact of Elm Court's owner": contact("otto", "organization_contact", owner),
        "the owner's property manager": contact("olga", "property_owner", owner),
        "the owner's janitor of Elm Court": contact("jan", "property_owner", owner, flat),
        "the owner's partner": contact("paula", "partner", owner),
        "another owner's contact": contact("hana", "organization_contact", stranger),
        "the catalog manager": make_user(cast.alpha, "cat@alpha.example", "Cat Log", "catalog_manager"),
        **{key: make_user(cast.alpha, f"{key}@alpha.example", key.title(), key) for key in STAFF},
        "Charlie, who owns the other realm": cast.charlie,
    }
    bob, worker = actor_of(cast.bob), actor_of(people["noc"])

    def opened(name: str, category: str = "wide", worked: bool = True, **more: Any) -> Ticket:
        ticket = tickets.open(
            actor=system, category_key=category, title=f"{COMMON} {word(name, 'title')}",
            data={"seen": word(name, "open field"), "hidden": word(name, "staff field")} if worked else None, **more,
        )  # fmt: skip
        tickets.add_message(
            actor=bob, ticket=ticket, body=f"{COMMON} {word(name, 'said')}", files=[paper(word(name, "file"))]
        )
        tickets.add_message(actor=bob, ticket=ticket, body=word(name, "note"), kind="internal",
                            files=[paper(word(name, "note file"))])  # fmt: skip
        time.add(actor=worker, ticket=ticket, seconds=60, note=word(name, "worked"))
        return ticket

    found = {
        "dana's": opened("dana's", requester=dana),
        "dana's, shared": opened("dana's, shared", requester=dana),
        "leo's": opened("leo's", requester=leo),
        "erin's": opened("erin's", requester=erin),
        "the owner's": opened("the owner's", organization=owner),
        "the lobby's": opened("the lobby's", organization=owner, site=flat),
        "another house's": opened("another house's", organization=owner, site=elsewhere),
        "another owner's": opened("another owner's", organization=stranger),
        "the machine's": opened("the machine's"),
    }
    tickets.share(actor=actor_of(dana), ticket=found["dana's, shared"])
    with in_beta():
        theirs = actor_of(cast.charlie)
        categories.create(actor=theirs, key="theirs", name="Theirs")
        found["charlie's"] = tickets.open(
            actor=theirs,
            category_key="theirs",
            title=COMMON + word("charlie's", "title"),
            body=word("charlie's", "said"),
        )
        tickets.add_message(actor=theirs, ticket=found["charlie's"], body=word("charlie's", "note"), kind="internal")
    browsers = {}
    for who, user in people.items():
        host = "beta.localhost" if user is cast.charlie else "alpha.localhost"
        browsers[who] = Client(headers={"host": host}, raise_request_exception=False)
        if user is not None:
            with scoping.realm_transaction(user.realm_id):
                sign_in(browsers[who], user)
    _made, plain = api_keys.create(actor=system, name="ERP")
    browsers["a program of the provider"] = Client(
        headers={"host": "alpha.localhost", "authorization": f"Bearer {plain}"}, raise_request_exception=False
    )
    files = {
        (name, part): file.public_id
        for name, ticket in found.items()
        for file in Attachment.objects.filter(ticket_id=ticket.pk)
        for part in ("file", "note file")
        if file.name == f"{word(name, part)}.txt"
    }
    assert len(files) == 18
    return Matrix(found, browsers, files)


def routes() -> Iterator[tuple[str, bool]]:
    """(address without ids, whether it names one ticket) of every page and list that may tell of tickets."""
    for route, pattern in addresses():
        if route.startswith("admin/") or "GET" not in methods_of(pattern):
            continue
        one = bool(re.search(r"tickets/(\(\?P<public_id>[^)]*\)|<\w+:public_id>)/", route))
        if one:
            yield re.sub(r"\(\?P<public_id>[^)]*\)|<\w+:public_id>", "{}", route, count=1), True
        elif "<" not in route and not re.search(r"events|stream|sign-out|openapi|docs/", route):
            yield route, False


def asked(client: Client, path: str) -> tuple[int, str]:
    answer = client.get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return answer.status_code, body.decode(errors="replace")


def test_everybody_finds_his_own_tickets_and_nobody_learns_of_anothers(matrix, capsys):
    lists: list[str] = []
    singles: list[str] = []
    told_too_much: list[str] = []
    not_told: list[str] = []
    asked_for = 0
    year = clock.now().year
    with scoping.enter(None):
        for route, one in routes():
            if one and "<" not in route:
                asks = matrix.browsers["realm_admin"].get("/" + route.format(matrix.tickets["dana's"].public_id))
                if asks.status_code != 405 or route.startswith(("my/", "owner/")):
                    singles.append(route)
            elif not one:
                path = f"/{route}?q={COMMON}&limit=200&from={year}-01-01"
                if route.startswith(("my/", "owner/")) or matrix.words_in(
                    asked(matrix.browsers["realm_admin"], path)[1]
                ):
                    lists.append(path)
        for who, client in matrix.browsers.items():
            allowed, seen = matrix.allowed(who), set()
            for path in lists:
                asked_for += 1
                status, page = asked(client, path)
                assert status < 500, f"{who}: {path}"
                told = matrix.words_in(page)
                seen |= told
                told_too_much += [f"{who}: {path}: {each}" for each in told - allowed]
            # Staff see all alike: one of their realm's and one of another's are enough.
            names = matrix.tickets if who in MAY_SEE else ("dana's", "charlie's")
            for name in names:
                ticket, sees = matrix.tickets[name], (name, "title") in allowed
                for route in singles:
                    asked_for += 1
                    path = "/" + route.format(ticket.public_id)
                    status, page = asked(client, path)
                    told = matrix.words_in(page)
                    seen |= told
                    told_too_much += [f"{who}: {path}: {each}" for each in told - allowed]
                    if not sees and (status == 200 or status >= 500):
                        told_too_much.append(f"{who}: {path} of {name}: {status}")
            for (name, part), file in matrix.files.items():
                if name not in names:
                    continue
                for door in FILE_DOORS:
                    asked_for += 1
                    status, page = asked(client, "/" + door.format(file))
                    told_too_much += [f"{who}: {door}: {each}" for each in matrix.words_in(page) - allowed]
                    if (name, part) not in allowed and (status == 200 or status >= 500):
                        told_too_much.append(f"{who}: {door} of {name}: {status}")
            not_told += [f"{who}: {each}" for each in allowed - seen if each[0] in names]
    assert told_too_much == []
    assert not_told == []
    assert len(lists) > 15 and len(singles) > 8
    with capsys.disabled():
        print(f"\nwho sees what: {asked_for} answers to {len(matrix.browsers)} people, {len(lists)} lists")


def test_nobody_filters_out_what_he_is_not_shown(matrix):
    """A filter by a hidden field, or by who works on it, must not tell by its count what the ticket says."""
    for who in ("dana, who lives at Elm Court", "the owner's property manager"):
        client = matrix.browsers[who]
        for asking in ("field.hidden=" + word("dana's, shared", "staff field"), "pool=noc", "status=new"):
            with scoping.enter(None):
                answer = client.get(f"/api/v1/ticketing/tickets/?category=wide&{asking}")
            assert answer.status_code == 422 or answer.json()["results"] == [], (who, asking)
