"""The room on the API: an integrator places and follows orders; nobody reaches another realm's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from boss.core.schema import Characteristic
from catalog.services import plans
from catalog.services.features import define
from catalog.services.plans import FeaturePart
from subscribers import ports
from subscribers.models import Account, Order
from tests.api.conftest import Api, minted
from tests.cast import make_user
from tests.catalog.conftest import small
from tests.subscribers.test_orders import document
from workflow.services import definitions


@pytest.fixture
def api(cast: Any) -> Api:
    return Api("alpha.localhost", minted(cast.alpha.pk))


@pytest.fixture
def charlies(cast: Any) -> Api:
    return Api("beta.localhost", minted(cast.beta.pk))


@pytest.fixture
def shop(alpha, system, plan, site) -> dict[str, Any]:
    """A body that places an order."""
    definitions.publish(actor=system, document=document())
    return {
        "plan": "internet-100",
        "site": site.public_id,
        "options": [{"key": "self-install"}],
        "chosen": {"mail.mailbox": {"address": "maria"}},
        "contact": {"full_name": "Maria Ortiz", "email": "maria@home.example", "phone": "+1 555 555 0100"},
        "payment": {"method": "card", "token": "tok_ok"},
    }


def test_an_integrator_places_an_order_and_reads_it_back(api, shop):
    answer = api.post("subscribers/orders/", shop)
    assert answer.status_code == 201, answer.json()
    placed = answer.json()
    assert (placed["state"], placed["account_number"], placed["channel"]) == ("inProgress", "A-10001", "api")
    assert placed["items"][0]["monthly"] == "54.95"
    assert placed["run"]
    assert "tok_ok" not in json.dumps(placed)
    assert api.get(f"subscribers/orders/{placed['public_id']}/").json() == placed
    assert answer["Location"].endswith(f"/subscribers/orders/{placed['public_id']}/")


def test_a_visitor_places_an_order_without_signing_in_but_reads_none(shop):
    stranger = Api("alpha.localhost")
    placed = stranger.post("subscribers/orders/", shop)
    assert placed.status_code == 201
    assert stranger.get(f"subscribers/orders/{placed.json()['public_id']}/").status_code == 401
    assert stranger.get("subscribers/accounts/").status_code == 401


def test_the_same_key_makes_one_order(api, shop):
    first = api.post("subscribers/orders/", shop, idempotency_key="k-1")
    second = api.post("subscribers/orders/", shop, idempotency_key="k-1")
    assert first.json() == second.json()
    assert Order.objects.count() == 1


def test_wrong_fields_are_named_as_in_the_body(api, shop):
    shop["contact"]["email"] = "no"
    shop["options"] = [{"key": "mailbox", "quantity": 9}]
    shop["chosen"] = {"mail.mailbox": {"address": "No spaces!"}}
    shop["payment"] = {"method": "card"}
    answer = api.post("subscribers/orders/", shop)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {
        "contact.email",
        "options.mailbox",
        "choice.installation",
        "chosen.mail.mailbox.address",
        "payment.token",
    }
    assert not Account.objects.exists()


def test_a_card_the_provider_does_not_know_is_refused_before_anything_is_written(api, shop):
    answer = api.post("subscribers/orders/", {**shop, "payment": {"method": "card", "token": "tok_okay"}})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"payment.token"})
    assert not Order.objects.exists()


def test_a_provider_that_cannot_tell_at_once_is_asked_by_the_run(api, shop, monkeypatch):
    class Silent:
        """A provider that must be asked."""

        preauthorize = void = lambda self, **asked: pytest.fail("asked too early")

    monkeypatch.setattr(ports, "payment_port", lambda realm_id: Silent())
    answer = api.post("subscribers/orders/", {**shop, "payment": {"method": "card", "token": "tok_okay"}})
    assert answer.status_code == 201


@pytest.mark.parametrize("field", ["site", "plan", "contact", "payment"])
def test_what_is_missing_is_said(api, shop, field):
    del shop[field]
    answer = api.post("subscribers/orders/", shop)
    assert (answer.status_code, [name.split(".")[0] for name in answer.json()["fields"]][:1]) == (422, [field])


def test_a_plan_or_a_site_that_is_not_there_is_a_wrong_field(api, shop):
    assert set(api.post("subscribers/orders/", {**shop, "plan": "nope"}).json()["fields"]) == {"plan"}
    assert set(api.post("subscribers/orders/", {**shop, "site": "nope"}).json()["fields"]) == {"site"}


@pytest.fixture
def lines(alpha, system, shop) -> dict[str, Any]:
    """A plan with a line whose profile only the staff choose, and a body that orders it."""
    asked = [Characteristic("name"), Characteristic("profile", staff_only=True)]
    define(actor=system, key="own.line", family="access", title="Line", characteristics=asked)
    sold = small(features=[FeaturePart("own.line", choosable=("name", "profile"))], options=[])
    plans.publish_version(actor=system, key="line", title="Line", version=sold)
    return {**shop, "plan": "line", "options": [], "chosen": {"own.line": {"name": "one"}}}


def test_what_the_staff_choose_is_refused_from_visitors_and_customers_like_what_is_not_there(
    lines, site, customer, cast, browser_of
):
    sam = make_user(cast.alpha, "sam@home.example", "Sam Sole", "subscriber", kind="subscriber", own=True)
    sam.site = site
    sam.save()
    account = customer("Sam Sole", email=sam.email)
    account.user = sam
    account.save()
    body = {**lines, "chosen": {"own.line": {"profile": "vip", "made_up": "vip"}}}
    path = "/api/v1/subscribers/orders/"
    answers = [
        Api("alpha.localhost").post("subscribers/orders/", body),
        browser_of(sam).post(path, json.dumps({**body, "account": account.public_id}), content_type="application/json"),
    ]
    for answer in answers:
        assert answer.status_code == 422
        told = answer.json()["fields"]
        assert told["chosen.own.line.profile"] == told["chosen.own.line.made_up"]
    assert not Order.objects.exists()


def test_staff_choose_it_and_see_it_and_the_customer_does_not(api, lines, cast, browser_of):
    body = {**lines, "chosen": {"own.line": {"name": "one", "profile": "vip"}}}
    placed = api.post("subscribers/orders/", body).json()
    assert placed["items"][0]["chosen"] == {"own.line": {"name": "one", "profile": "vip"}}
    account = Account.objects.get()
    maria = make_user(cast.alpha, "maria@home.example", "Maria", "subscriber", kind="subscriber", own=True)
    account.user = maria
    account.save()
    hers = browser_of(maria)
    seen = hers.get(f"/api/v1/subscribers/orders/{placed['public_id']}/").json()
    assert seen["items"][0]["chosen"] == {"own.line": {"name": "one"}}
    held = hers.get("/api/v1/subscribers/subscriptions/").json()["results"][0]
    assert held["features"][0]["characteristics"] == {"name": "one"}
    assert api.get("subscribers/subscriptions/").json()["results"][0]["features"][0]["characteristics"] == {
        "name": "one",
        "profile": "vip",
    }


def test_plans_ask_customers_nothing_that_is_the_staffs(api, lines):
    def asked(of: Api) -> tuple[list[str], list[str]]:
        plan = next(plan for plan in of.get("catalog/plans/").json()["results"] if plan["key"] == "line")
        return [question["key"] for question in plan["questions"]["own.line"]], plan["features"][0]["choosable"]

    assert asked(api) == (["name", "profile"], ["name", "profile"])
    assert asked(Api("alpha.localhost")) == (["name"], ["name"])


def test_a_quote_writes_nothing(api, shop):
    body = {"plan": "internet-100", "options": [{"key": "install"}, {"key": "mailbox", "quantity": 2}]}
    answer = api.post("subscribers/orders/quote/", body).json()
    assert (answer["monthly"], answer["once"], answer["currency"]) == ("57.95", "59.95", "USD")
    assert not Order.objects.exists()
    wrong = api.post("subscribers/orders/quote/", {"plan": "internet-100", "options": [{"key": "nope"}]})
    assert set(wrong.json()["fields"]) == {"options.nope"}


def test_plans_on_sale_are_public_and_say_what_to_choose(shop):
    plans = Api("alpha.localhost").get("catalog/plans/?technology=hfc").json()["results"]
    assert [plan["key"] for plan in plans] == ["internet-100"]
    assert [question["key"] for question in plans[0]["questions"]["mail.mailbox"]] == ["address"]
    assert Api("alpha.localhost").get("catalog/plans/?technology=wireless").json()["results"] == []
    assert Api("alpha.localhost").get("catalog/plan-versions/").status_code == 401


def test_staff_read_features_and_versions(api, shop):
    feature = api.get("catalog/features/?key=voice.voicemail").json()["results"][0]
    assert feature["depends_on"] == ["voice.line"]
    assert api.get("catalog/plan-versions/").json()["results"][0]["state"] == "published"


def test_accounts_are_opened_searched_and_changed(api, alpha, site):
    person = {"full_name": "Zoë Müller", "email": "zoe@home.example", "phone": "555-555-0123"}
    opened = api.post("subscribers/accounts/", {**person, "site": site.public_id})
    assert opened.status_code == 201, opened.json()
    address = f"subscribers/accounts/{opened.json()['public_id']}/"
    found = api.get("subscribers/accounts/search/?q=muler").json()
    assert [(row["name"], row["address"]) for row in found] == [("Zoë Müller", site.label)]
    tag = api.get(address)["ETag"]

    def change(**headers: str) -> Any:
        body = json.dumps({**person, "full_name": "Zoë Vega"})
        return Client().put(
            f"/api/v1/{address}", body, content_type="application/json", headers={**api.headers, **headers}
        )

    assert change().status_code == 428
    assert change(**{"if-match": '"old"'}).status_code == 412
    assert change(**{"if-match": tag}).json()["name"] == "Zoë Vega"
    assert [row["name"] for row in api.get("subscribers/accounts/search/?q=vega").json()] == ["Zoë Vega"]


def test_charlie_gets_404_for_everything_of_alice_s(api, charlies, shop):
    placed = api.post("subscribers/orders/", shop).json()
    item = placed["items"][0]
    for address in (
        f"subscribers/orders/{placed['public_id']}/",
        f"subscribers/accounts/{placed['account']}/",
        f"subscribers/subscriptions/{item['subscription']}/",
    ):
        assert api.get(address).status_code == 200
        assert charlies.get(address).status_code == 404
    for listed in ("orders", "accounts", "subscriptions", "charges"):
        assert charlies.get(f"subscribers/{listed}/").json()["results"] == []
    assert charlies.get("subscribers/accounts/search/?q=maria").json() == []
    assert set(charlies.post("subscribers/orders/", shop).json()["fields"]) == {"site"}


@pytest.mark.parametrize("room", ["orders", "accounts", "subscriptions", "charges"])
def test_lists_cost_the_same_statements_however_long(api, shop, room, django_assert_max_num_queries):
    for number in range(3):
        shop["contact"]["email"] = f"maria{number}@home.example"
        assert api.post("subscribers/orders/", shop).status_code == 201
    with django_assert_max_num_queries(9):
        assert api.get(f"subscribers/{room}/").status_code == 200


@pytest.mark.parametrize("typed", ["", "%", "a" * 5000, "\x00", "A-", "+", "@@", "' OR 1=1 --"])
def test_odd_searches_are_answered(api, alpha, typed):
    answer = Client().get("/api/v1/subscribers/accounts/search/", {"q": typed}, headers=api.headers)
    assert (answer.status_code, answer.json()) == (200, [])
