"""Every refusal is a problem document: one shape, a stable code, the fields concerned."""

from __future__ import annotations

import pytest

ELM = {"street": "14 Elm Street", "city": "Lakeview"}
SITES = "tenancy/sites/"


def problem(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status and document["code"] == code
    assert document["type"] == f"urn:boss:problem:{code}"
    assert document["title"] and document["instance"].startswith("/api/")
    return document


def test_a_missing_field_is_named(api):
    document = problem(api.post(SITES, {"city": "Lakeview"}), 422, "core.invalid_input")
    assert document["fields"] == {"street": ["This field is required."]}


def test_a_rule_of_the_service_is_named_like_a_rule_of_the_form(api):
    api.post(SITES, ELM)
    document = problem(api.post(SITES, ELM), 409, "tenancy.site_exists")
    assert "street" in document["fields"]


@pytest.mark.parametrize("body", [b"{", b'{"street": "a\\u0000b", "city": "x"}', b'{"street": "\\ud800", "city": "x"}'])
def test_a_body_that_cannot_be_read(api, body):
    problem(api.post(SITES, body), 400, "core.malformed")


def nested(levels):
    return b'{"street": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize("levels", [65, 500, 100_000])
def test_a_body_nested_without_end(api, levels):
    problem(api.post(SITES, nested(levels)), 400, "core.malformed")
    problem(api.post(SITES, b'{"a":' * levels + b"1" + b"}" * levels), 400, "core.malformed")
    assert api.get(SITES).json()["results"] == []


def test_a_body_nested_as_deep_as_is_read_is_judged_by_its_fields(api):
    document = problem(api.post(SITES, nested(64)), 422, "core.invalid_input")
    assert "street" in document["fields"]


def test_a_body_that_is_too_large(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'{"street": "' + b"x" * 1000 + b'"}'
    problem(api.post(SITES, body, idempotency_key="k"), 413, "core.too_large")
    problem(api.post(SITES, body), 413, "core.too_large")
    assert api.get(SITES).json()["results"] == []


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"9" * 400, b"9" * 5000])
@pytest.mark.parametrize("shape", [b'{"street": %b, "city": "x"}', b'{"street": [{"deep": %b}]}', b"%b"])
def test_a_number_that_is_none_cannot_be_read(api, number, shape):
    problem(api.post(SITES, shape % number), 400, "core.malformed")
    assert api.get(SITES).json()["results"] == []


@pytest.mark.parametrize("body", [[], "text", 7, None, [1]])
def test_a_body_of_another_shape(api, body):
    response = api.post(SITES, b"null" if body is None else body)
    assert response.status_code in (400, 422) and response["Content-Type"] == "application/problem+json"


def test_without_a_key_the_answer_is_401(strangers_api):
    refused = strangers_api.get("tenancy/api-keys/")
    problem(refused, 401, "core.not_authenticated")
    assert refused["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_key_is_401_even_where_strangers_may_read(api):
    api.headers["authorization"] = "Bearer boss_000000000000_" + "x" * 43
    problem(api.get("tenancy/sites/"), 401, "core.not_authenticated")


def test_charlies_key_is_unknown_on_alices_host(api, charlies_api):
    charlies_api.headers["host"] = "alpha.localhost"
    problem(charlies_api.get("tenancy/sites/"), 401, "core.not_authenticated")


def test_a_key_without_the_right_is_403_and_nothing_is_written(api_with, api):
    reader = api_with(role_key="auditor")
    document = problem(reader.post(SITES, ELM), 403, "core.permission_denied")
    assert document["data"]["permission"] == "tenancy.add_site"
    assert api.get(SITES).json()["results"] == []


def test_scopes_narrow_a_key(api_with):
    narrow = api_with(scopes=["tenancy.view_site"])
    assert narrow.get(SITES).status_code == 200
    problem(narrow.get("tenancy/users/"), 403, "core.permission_denied")


@pytest.mark.parametrize("path", ["tenancy/sites/zzzzzzzzzzzz/", "tenancy/sites/-1/", "nowhere/"])
def test_what_is_not_there_is_404(api, path):
    problem(api.get(path), 404, "core.not_found")


def test_what_is_charlies_is_404(api, charlies_api):
    theirs = charlies_api.post(SITES, ELM).json()["public_id"]
    problem(api.get(f"{SITES}{theirs}/"), 404, "core.not_found")
    assert api.get(SITES).json()["results"] == []


def test_a_method_that_is_not_there_is_405(api):
    site = api.post(SITES, ELM).json()["public_id"]
    refused = api.post(f"{SITES}{site}/", {})
    problem(refused, 405, "core.method_not_allowed")
    assert "GET" in refused["Allow"]


def test_another_media_type_is_415(api):
    from django.test import Client

    refused = Client().post("/api/v1/tenancy/sites/", "street=x", content_type="text/plain", headers=api.headers)
    problem(refused, 415, "core.unsupported_media_type")


@pytest.mark.parametrize("cursor", ["x", "cD1h", "bz0tMQ==", "cD0lMDA="])
def test_a_forged_cursor_is_bad_input(api, cursor):
    response = api.get(f"{SITES}?cursor={cursor}")
    assert response.status_code in (200, 422), response.content


def test_a_filter_of_the_wrong_kind_is_named(api):
    document = problem(api.get("subscribers/accounts/?state=%00x"), 422, "core.invalid_input")
    assert "state" in document["fields"]


def test_a_session_needs_the_forgery_token(browser_of, cast):
    from django.test import Client

    signed_in = browser_of(cast.alice)
    strict = Client(enforce_csrf_checks=True, headers={"host": "alpha.localhost"})
    strict.cookies = signed_in.cookies
    refused = strict.post("/api/v1/tenancy/sites/", ELM, content_type="application/json")
    problem(refused, 403, "core.permission_denied")
    strict.get("/api/docs/")
    token = strict.cookies["csrftoken"].value
    made = strict.post("/api/v1/tenancy/sites/", ELM, content_type="application/json", headers={"x-csrftoken": token})
    assert made.status_code == 201


def test_too_many_requests_are_told_when_to_come_back(api, settings):
    settings.BOSS_API_REQUESTS_PER_MINUTE = {"api_key": 3, "user": 3, "visitor": 3, "system": 3}
    answers = [api.get("me/") for _ in range(8)]
    problem(answers[-1], 429, "core.throttled")
    assert 0 < int(answers[-1]["Retry-After"]) <= 61


def test_a_failure_of_ours_is_500_without_its_insides(api, monkeypatch):
    from django.test import Client

    from boss.tenancy.services import sites

    def fail(**given):
        raise RuntimeError("secret insides")

    monkeypatch.setattr(sites, "create", fail)
    client = Client(raise_request_exception=False)
    answer = client.post("/api/v1/tenancy/sites/", ELM, content_type="application/json", headers=api.headers)
    problem(answer, 500, "core.unexpected")
    assert b"insides" not in answer.content
