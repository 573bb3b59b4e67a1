"""NUL is what Postgres cannot hold: refused in paths and forms, dropped from query strings, never a failure."""

from __future__ import annotations

import pytest
from django.test import Client

from boss.tenancy.models import SignInFailure
from ticketing.models import Ticket

PAGES = ["/", "/login/", "/signup/", "/invitation/a/", "/signup/order/a/", "/static/a.css", "/nowhere/"]


def surely(client):
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("path", ["/%00", "/login/%00", "/invitation/a%00b/", "/signup/order/%00/", "/static/%00.css"])
def test_in_the_path_of_a_page_it_is_a_bad_request(browser_of, path):
    answer = surely(browser_of()).get(path)
    assert answer.status_code == 400 and answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["tenancy/sites/%00/", "%00", "ticketing/categories/a%00b/"])
def test_in_a_path_of_the_api_it_is_a_bad_request_told_in_a_document(api, path):
    answer = api.get(path)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "core.malformed" and answer.json()["instance"].startswith("/api/v1/")


@pytest.mark.parametrize(
    "body", [{"email": "a\0b@x.example", "password": "x"}, {"email": "a@x.example", "password": "\0"}]
)
def test_in_a_form_it_is_a_bad_request_and_nothing_is_written(browser_of, alpha, body):
    for how in ({}, {"content_type": "application/x-www-form-urlencoded"}):
        given = "email=a%00b@x.example&password=%00" if how else body
        assert surely(browser_of()).post("/login/", given, **how).status_code == 400
    assert not SignInFailure.objects.exists()


def test_in_a_form_nobody_expects_it_is_a_bad_request(browser_of, cast, alpha):
    client = surely(browser_of(cast.bob))
    before = Ticket.objects.count()
    for body in ({"a\0b": "x"}, {"any": "\0"}):
        assert client.post("/console/tickets/new/", body).status_code == 400
    assert Ticket.objects.count() == before


@pytest.mark.parametrize("path", PAGES)
def test_in_a_query_string_it_is_dropped(browser_of, path):
    client = surely(browser_of())
    plain, odd = client.get(path + "?q=1&a=x"), client.get(path + "?q=1%00&a%00=x&%00")
    assert odd.status_code == plain.status_code < 500


def test_a_search_with_it_finds_what_it_finds_without(api):
    made = api.post("tenancy/sites/", {"street": "14 Elm Street", "city": "Lakeview"}).json()
    for query in ("?address=14%20elm%00", "?address%00=14%00%20elm"):
        assert [row["public_id"] for row in api.get("tenancy/sites/" + query).json()["results"]] == [made["public_id"]]


def test_the_console_searches_and_filters_with_it(browser_of, cast):
    client = surely(browser_of(cast.bob))
    for path in (
        "search/?q=a%00",
        "tickets/?pool=%00",
        "runs/?state=%00",
        "accounts/?after=%00",
        "services/?family=%00",
    ):
        assert client.get("/console/" + path).status_code == 200


def test_a_cookie_with_it_is_none(cast):
    client = Client(
        headers={"host": "alpha.localhost", "cookie": 'sessionid="\\000abc"'}, raise_request_exception=False
    )
    assert client.get("/login/").status_code == 200
