"""The back office is entered by the one door: it keeps count and asks for the second step, of this host alone."""

from __future__ import annotations

import pytest
from django.test import Client

from boss.core import scoping
from boss.tenancy.models import SignInFailure
from boss.tenancy.services import realms
from tests.cast import PASSWORD, make_user

EMAIL = "op@platform.example"


@pytest.fixture
def platform(real_db, cast):
    realm = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    make_user(realm, EMAIL, "Olga Operator")
    return realm


def try_in(password, address="198.51.100.7"):
    client = Client(headers={"host": "platform.localhost"}, raise_request_exception=False, REMOTE_ADDR=address)
    return client.post("/login/?next=/admin/", {"email": EMAIL, "password": password})


def test_the_back_office_has_no_door_of_its_own(platform):
    client = Client(headers={"host": "platform.localhost"})
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"
    answer = client.post("/admin/login/", {"username": EMAIL, "password": PASSWORD})
    assert answer["Location"].startswith("/login/") and client.get("/admin/").status_code == 302


def failures(realm):
    with scoping.realm_transaction(realm.pk):
        return SignInFailure.objects.count()


def test_too_many_attempts_are_told_in_the_form_even_with_the_right_password(platform):
    for _attempt in range(5):
        wrong = try_in("wrong")
        assert wrong.status_code == 422 and b"Too many attempts" not in wrong.content
    paused = try_in(PASSWORD)
    assert paused.status_code == 429 and b"Too many attempts" in paused.content
    assert "sessionid" not in paused.cookies and failures(platform) == 5
    assert try_in(PASSWORD, address="198.51.100.8").status_code == 302


def test_failures_on_a_providers_host_do_not_shut_the_platforms_door(platform, cast):
    provider = Client(headers={"host": "alpha.localhost"}, REMOTE_ADDR="198.51.100.7")
    for _attempt in range(6):
        provider.post("/login/", {"email": EMAIL, "password": "wrong"})
    assert failures(cast.alpha) == 5 and failures(platform) == 0
    assert try_in(PASSWORD).status_code == 302
