"""The host names the realm; a host nobody owns is answered 421 and tells nothing."""

from __future__ import annotations

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from boss.core import scoping
from boss.tenancy import selectors
from boss.tenancy.middleware import RealmMiddleware, StreamedOutsideTransaction
from boss.tenancy.models import Brand


def _call(view, host, rf=RequestFactory()):
    return RealmMiddleware(view)(rf.get("/", headers={"host": host}))


def test_each_host_enters_its_own_realm(cast):
    seen = []
    for host in ("alpha.localhost", "ALPHA.localhost:8000", "beta.localhost"):
        _call(lambda request: seen.append(scoping.current_realm_id()) or HttpResponse(), host)
    assert seen == [cast.alpha.pk, cast.alpha.pk, cast.beta.pk]


def test_an_unknown_host_is_misdirected(cast):
    response = _call(lambda request: pytest.fail("reached"), "evil.example")
    assert response.status_code == 421
    assert b"Alpha" not in response.content


@pytest.mark.parametrize("path", ["/api/v1/tenancy/sites/", "/api/", "/api/nowhere"])
@pytest.mark.parametrize(
    ("host", "status", "code"),
    [
        ("evil.example", 421, "tenancy.unknown_host"),
        ("[::1]:80", 421, "tenancy.unknown_host"),
        ("a b", 400, "core.malformed"),
    ],
)
def test_a_program_at_an_unknown_host_is_told_in_a_document(cast, path, host, status, code):
    answer = Client().post(path, {}, content_type="application/json", headers={"host": host})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["code"], answer.json()["instance"]) == (code, path)
    assert b"Alpha" not in answer.content


def test_a_person_at_an_unknown_host_is_told_on_a_page(cast):
    for host, status in (("evil.example", 421), ("a b", 400)):
        answer = Client().get("/login/", headers={"host": host})
        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (status, "text/html")


def test_a_server_error_takes_back_what_the_request_wrote(real_db, cast):
    def view(request):
        Brand.objects.update(name="Half-written")
        return HttpResponse(status=500)

    _call(view, "alpha.localhost")
    with scoping.realm_transaction(cast.alpha.pk):
        assert selectors.get_brand(cast.alpha.pk).name == "Alpha Cable"


def test_a_streaming_response_would_leave_the_realm_and_is_refused(cast):
    with pytest.raises(StreamedOutsideTransaction):
        _call(lambda request: StreamingHttpResponse(iter(["x"])), "alpha.localhost")
