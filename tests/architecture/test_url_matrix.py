"""Every address × everybody of the cast. A new address without a row fails, and so does a row that no longer fits.

The rows stand in ``url_matrix.txt``, one line an address and method, with the answer for each: V a visitor, S Sam the
subscriber, T Tom the technician, B Bob the CSR, A Alice the administrator, C Charlie of the other realm who knows
Alice's ids. Admin addresses have rules of their own at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from boss.core import scoping
from boss.core.api.permissions import declared
from boss.tenancy import selectors as tenancy
from boss.tenancy import sessions
from boss.tenancy.services import realms
from tests.architecture import world as worlds
from tests.cast import make_user, sign_in

ROWS = Path(__file__).with_name("url_matrix.txt")
WHO = "VSTBAC"


def addresses(resolver: Any = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield re.sub(r"[\^$]", "", route), pattern


def methods_of(pattern: URLPattern) -> list[str]:
    """What the address answers to: the viewset's methods; GET for pages, POST where a page refuses GET."""
    actions = getattr(pattern.callback, "actions", None)
    if actions:
        return sorted(method.upper() for method in actions if method != "head")  # DRF adds it at the first request
    return ["GET", "POST"]


def declarations(pattern: URLPattern) -> list[str]:
    """What the view declares, once for each of its actions."""
    view: Any = pattern.callback
    viewset = getattr(view, "cls", None)
    if viewset is None:
        return ["public" if getattr(view, "public", False) else getattr(view, "permission", "")]
    routed = type("Routed", (viewset,), view.initkwargs)
    return [declared(routed, action) for action in getattr(view, "actions", {"get": None}).values()]


def test_every_view_declares_a_permission_or_says_public():
    undeclared = [
        route for route, pattern in addresses() if not route.startswith("admin/") and not all(declarations(pattern))
    ]
    assert undeclared == []


def fill(route: str, ids: dict[str, str]) -> str:
    """An address with the ids of the world in it."""
    inner = (
        r"workflows/drafts|network/findings|network/migrations|tickets/views|tickets/bulk|tickets/files|tickets/reports/saved"
        r"|tickets/reports|[\w-]+"
    )
    room = re.match(rf"api/v1/(?:overview/)?([\w-]+/[\w-]+)/|(?:console|my|owner)/({inner})/", route)
    kinds = {
        "accounts": "subscribers/accounts", "orders": "subscribers/orders", "runs": "workflow/runs",
        "services": "ipservices/services", "network": "ipservices/bindings",
        "network/findings": "ipservices/findings", "network/migrations": "ipservices/migrations",
        "tickets/views": "ticketing/views", "tickets/bulk": "ticketing/bulks",
        "tickets/reports": "ticketing/reports", "tickets/reports/saved": "ticketing/saved-reports",
        "tickets/files": "ticketing/attachments",
        "tickets": "ticketing/tickets", "time": "ticketing/time-entries", "mail": "ticketing/mails",
        "mailboxes": "ticketing/mailboxes", "outages": "ipservices/outages",
        "mail-texts": "ticketing/mail-texts",
        "workflows": "workflow/definitions", "workflows/drafts": "workflow/drafts",
        "bulks": "workflow/bulks", "tasks": "ticketing/tickets", "subscriptions": "subscribers/subscriptions",
        "plans": "console/plans", "limits": "workflow/limits", "calendars": "console/calendars",
        "categories": "ticketing/categories",
        "pools": "ticketing/pools",
        "policies": "ticketing/policies", "texts": "ticketing/snippets", "macros": "ticketing/macros",
        "people": "tenancy/users", "roles": "tenancy/roles", "keys": "tenancy/api-keys", "buildings": "tenancy/sites",
        "audit": "core/audit-exports", "copies": "privacy/copies", "data": "privacy/copies",
        "scripts": "automation/scripts", "endpoints": "automation/endpoints",
        "sign-in": "tenancy/sign-in-providers",
    }  # fmt: skip
    resource = ""
    if room:
        resource = room[1] or kinds.get(room[2], "")
        resource = kinds["accounts"] if route.startswith("api/v1/overview/") else resource

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        addressed = resource.startswith(("ticketing/", "tenancy/", "console/"))
        if name in ("public_id", "address") or (name == "key" and addressed):
            return ids[resource]
        return ids.get(name, {"version": "1", "number": "1"}.get(name, "none"))

    return "/" + re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", value, route).replace(r"[\s\S]*", "nowhere/")


def written() -> int:
    """Rows this transaction has written so far, whether they were taken back or not: the server counts them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
                              + pg_stat_get_xact_tuples_deleted(oid)), 0)
              FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
            """
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def found(cast: Any, alpha: Any, system: Any, settings: Any, monkeypatch: Any) -> dict[str, str]:
    """What each address answers to each of the cast."""
    # The note of a visit is due once a minute, whatever was asked: it would count as written by the refused.
    monkeypatch.setattr(sessions, "SECONDS_BETWEEN_NOTES", 3600)
    # Nobody asks so much in a minute but a test like this one.
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    world = worlds.build(system)

    def signed_in(user: Any, host: str) -> Client:
        client = Client(headers={"host": host}, raise_request_exception=False)
        if user is not None:
            with scoping.realm_transaction(user.realm_id):
                sign_in(client, user)
        return client

    people = {
        "V": signed_in(None, "alpha.localhost"),
        "S": signed_in(world.sam, "alpha.localhost"),
        "T": signed_in(world.tom, "alpha.localhost"),
        "B": signed_in(cast.bob, "alpha.localhost"),
        "A": signed_in(cast.alice, "alpha.localhost"),
        "C": signed_in(cast.charlie, "beta.localhost"),
    }
    seen, changed = {}, []
    with scoping.enter(None):  # each request finds its own realm
        for route, pattern in addresses():
            if route.startswith("admin/"):
                continue
            for method in methods_of(pattern):
                answers = []
                for who in WHO:
                    status, rows = ask(people[who], method, fill(route, world.ids))
                    answers.append(f"{who}={status}")
                    if rows and (
                        status in (401, 403, 404, 405) or (status == 302 and who == "V" and to_sign_in(route))
                    ):
                        changed.append(f"{who} {method} /{route}: {status}, {rows} rows")
                seen[f"{method} /{route}"] = " ".join(answers)
    seen["refused, and yet something was written"] = "; ".join(changed)
    return seen


def to_sign_in(route: str) -> bool:
    """Where a visitor's 302 leads to the sign-in page and nothing else."""
    return route.startswith(("console/", "my/"))


def taken_back() -> Any:
    """A transaction of the test's, which does not count as one of the request's (``scoping.between_transactions``)."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    return block


def ask(client: Client, method: str, path: str) -> tuple[int, int]:
    """How it is answered and how many rows it wrote; what it did is taken back, a sign-out too."""
    cookies = client.cookies.copy()
    with taken_back():
        before = written() if method != "GET" else 0
        if method == "GET":
            status = client.get(path).status_code
        else:
            body = {"content_type": "application/json"} if path.startswith("/api/") else {}
            status = getattr(client, method.lower())(path, {}, **body).status_code
        rows = written() - before if method != "GET" else 0
        transaction.set_rollback(True)
    client.cookies = cookies
    if rows:
        tenancy.forget_cached()  # what was written was taken back
    return int(status), rows


@pytest.mark.asvs("8.2.1", "8.2.2", "8.4.1")
@pytest.mark.timeout(600)
def test_everybody_gets_what_the_matrix_says(found):
    written_though_refused = found.pop("refused, and yet something was written")
    lines = [line for line in ROWS.read_text().splitlines() if line and not line.startswith("#")]
    rows = {route.strip(): answers for route, answers in (line.split(" | ", 1) for line in lines)}
    assert [route for route in found if route not in rows] == [], "addresses without a row"
    assert [route for route in rows if route not in found] == [], "rows without an address"
    assert {route: (rows[route], answers) for route, answers in found.items() if rows[route] != answers} == {}
    assert written_though_refused == ""


def test_the_matrix_itself_gives_charlie_nothing_and_nobody_a_failure():
    """Whatever address names one thing of Alice's is 404 for Charlie, or no method of it at all."""
    for line in ROWS.read_text().splitlines():
        route, _bar, answers = line.partition(" | ")
        if not answers or line.startswith("#"):
            continue
        given = dict(answer.split("=") for answer in answers.split())
        assert all(int(status) < 500 for status in given.values()), line
        of_alices = re.search(r"P<(public_id|address)>|:public_id>|order/<str:token>", route)
        if of_alices and not route.split()[1].startswith(("/my/", "/owner/")):
            assert given["C"] in ("404", "405"), line
        if route.split()[1].startswith(("/console/", "/my/", "/owner/")):
            assert given["V"] in ("302", "405"), line  # to the sign-in page


def test_the_back_office_is_not_there_on_a_providers_host(cast, browser_of):
    """Not even for its administrator, and whatever of it: 404, so that nobody learns that it exists."""
    client = browser_of(cast.alice)
    for route, _pattern in addresses():
        if route.startswith("admin/"):
            path = "/" + re.sub(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", "1", route).replace(".*", "x")
            assert client.get(path).status_code in (404, 301), path  # 301: adds the slash, then 404


def test_the_back_office_is_for_operators_on_the_platforms_host(real_db):
    platform = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    operator = make_user(platform, "op@platform.example", "Olga Operator")
    stranger = Client(headers={"host": "platform.localhost"})
    assert stranger.get("/admin/").status_code == 302
    signed_in = Client(headers={"host": "platform.localhost"})
    with scoping.realm_transaction(platform.pk):
        signed_in.force_login(operator)
    assert signed_in.get("/admin/").status_code == 200
    assert signed_in.get("/admin/tenancy/realm/").status_code == 200
