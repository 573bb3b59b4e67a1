"""The same key and body give the first answer; nothing happens twice, whatever dies in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from django.db import connections
from django.test import Client

from boss.core import scoping
from boss.core.models import RememberedAnswer
from boss.platform import addresses
from boss.platform.testing.processes import WebServer
from boss.tenancy.models import ApiKey, Site
from tests.api.conftest import Api, minted
from tests.architecture import world as worlds

ELM = {"street": "14 Elm Street", "city": "Lakeview", "postal_code": "60001"}
SITES = "tenancy/sites/"


def count_sites(realm):
    with scoping.realm_transaction(realm.pk):
        return Site.objects.count()


def test_the_same_request_again_gives_the_first_answer(api, cast):
    first = api.post(SITES, ELM, idempotency_key="k-1")
    again = api.post(SITES, ELM, idempotency_key="k-1")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    assert again["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first
    assert count_sites(cast.alpha) == 1


def test_json_counts_by_value_not_by_spelling(api):
    first = api.post(SITES, ELM, idempotency_key="k-1")
    spelled = b'{ "postal_code": "60001", "city": "Lakeview",\n "street": "14 Elm Street" }'
    assert api.post(SITES, spelled, idempotency_key="k-1").json() == first.json()


def test_another_body_under_the_key_is_a_conflict(api, cast):
    api.post(SITES, ELM, idempotency_key="k-1")
    other = api.post(SITES, {**ELM, "street": "15 Elm Street"}, idempotency_key="k-1")
    assert other.status_code == 409
    assert other.json()["code"] == "core.idempotency_key_reused"
    assert count_sites(cast.alpha) == 1


def test_another_address_under_the_key_is_a_conflict(api):
    api.post(SITES, ELM, idempotency_key="k-1")
    other = api.post("tenancy/organizations/", {"name": "Bank"}, idempotency_key="k-1")
    assert other.json()["code"] == "core.idempotency_key_reused"


def test_two_clients_may_choose_the_same_key_whatever_they_are_called(api, api_with, cast):
    api.post(SITES, ELM, idempotency_key="k-1")
    other = api_with().post(SITES, {**ELM, "street": "15 Elm Street"}, idempotency_key="k-1")
    assert other.status_code == 201 and "Idempotency-Replayed" not in other
    assert count_sites(cast.alpha) == 2


def test_no_client_is_given_the_answer_of_another_that_may_do_more(api, api_with, cast):
    api.post(SITES, ELM, idempotency_key="k-1")
    narrow = api_with(scopes=["tenancy.view_site"])
    assert narrow.post(SITES, ELM, idempotency_key="k-1").status_code == 403
    assert count_sites(cast.alpha) == 1


def test_two_visitors_may_choose_the_same_key_and_neither_is_given_the_others_answer(strangers_api, alpha, system):
    worlds.build(system)

    def ask(address, quantity):
        body = {"plan": "internet-100", "options": [{"key": "self-install", "quantity": quantity}]}
        with scoping.enter(None):
            return Client(REMOTE_ADDR=address).post(
                "/api/v1/subscribers/orders/quote/", body, content_type="application/json",
                headers={**strangers_api.headers, "Idempotency-Key": "order-1"},
            )  # fmt: skip

    first, other = ask("198.51.100.7", 1), ask("198.51.100.8", 0)
    assert (first.status_code, other.status_code) == (200, 200), other.content
    assert "Idempotency-Replayed" not in other and first.json() != other.json()
    assert ask("198.51.100.7", 1)["Idempotency-Replayed"] == "true"
    assert ask("198.51.100.7", 0).json()["code"] == "core.idempotency_key_reused"


def test_charlies_keys_are_his_own(api, charlies_api, cast):
    api.post(SITES, ELM, idempotency_key="k-1")
    theirs = charlies_api.post(SITES, ELM, idempotency_key="k-1")
    assert theirs.status_code == 201 and "Idempotency-Replayed" not in theirs
    assert count_sites(cast.beta) == 1


def test_a_refusal_is_not_remembered(api, cast):
    assert api.post(SITES, {**ELM, "city": ""}, idempotency_key="k-1").status_code == 422
    with scoping.realm_transaction(cast.alpha.pk):
        assert not RememberedAnswer.objects.exists()
    assert api.post(SITES, ELM, idempotency_key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
def test_an_unusable_key_is_refused(api, cast, key):
    refused = api.post(SITES, ELM, idempotency_key=key)
    assert refused.status_code == 422 and "Idempotency-Key" in refused.json()["fields"]
    assert count_sites(cast.alpha) == 0


def test_a_secret_is_not_kept_for_replays(api, cast):
    made = api.post("tenancy/api-keys/", {"name": "ERP"}, idempotency_key="k-1")
    again = api.post("tenancy/api-keys/", {"name": "ERP"}, idempotency_key="k-1")
    secret = made.json()["key"]
    assert "key" not in again.json() and again.json()["public_id"] == made.json()["public_id"]
    with scoping.realm_transaction(cast.alpha.pk):
        assert ApiKey.objects.filter(name="ERP").count() == 1
        assert not any(secret in str(body) for body in RememberedAnswer.objects.values_list("body", flat=True))


def test_eight_at_once_act_once(real_db, cast):
    api = Api("alpha.localhost", minted(cast.alpha.pk))
    together = threading.Barrier(8)

    def ask(_number: int) -> tuple[int, str, bool]:
        together.wait()
        try:
            answer = api.post(SITES, ELM, idempotency_key="k-1")
            return answer.status_code, answer.json()["public_id"], "Idempotency-Replayed" in answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {status for status, _id, _replayed in answers} == {201}
    assert len({public_id for _status, public_id, _replayed in answers}) == 1
    assert sorted(replayed for _status, _id, replayed in answers) == [False] + [True] * 7
    assert count_sites(cast.alpha) == 1


def test_a_server_killed_in_the_middle_leaves_neither_effect_nor_answer(real_db, cast, tmp_path):
    key = minted(cast.alpha.pk)

    def ask(server: WebServer, seconds: float) -> httpx.Response:
        return httpx.post(
            f"{server.url}/api/v1/{SITES}",
            json=ELM,
            headers={"host": "alpha.localhost", "authorization": f"Bearer {key}", "idempotency-key": "k-1"},
            timeout=seconds,
        )

    server = WebServer(tmp_path)
    server.start()
    with psycopg.connect(addresses.admin_dsn(real_db)) as gate:
        gate.execute("LOCK TABLE tenancy_site IN EXCLUSIVE MODE")  # the request waits here, its key claimed
        with pytest.raises(httpx.HTTPError):
            ask(server, 2)
        server.child.kill()
    assert count_sites(cast.alpha) == 0

    second = WebServer(tmp_path)
    second.start()
    try:
        assert ask(second, 30).status_code == 201
        assert ask(second, 30).headers["Idempotency-Replayed"] == "true"
    finally:
        second.stop()
    assert count_sites(cast.alpha) == 1
