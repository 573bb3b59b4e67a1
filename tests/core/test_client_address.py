"""Whose request it is: behind our proxy what the proxy says, without one what the connection says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.http import HttpResponse

from boss.core.middleware import ClientAddressMiddleware
from boss.tenancy.models import SignInFailure


@pytest.fixture
def seen(rf):
    def ask(forwarded=None):
        found = []
        view = ClientAddressMiddleware(lambda request: found.append(request.META["REMOTE_ADDR"]) or HttpResponse())
        view(rf.get("/", REMOTE_ADDR="10.0.0.9", **({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})))
        return found[0]

    return ask


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.1, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1,  2001:DB8::0:7 ", "2001:db8::7"),
        ("fe80::1%" + "x" * 200, "fe80::1"),
        (None, "10.0.0.9"),
        ("", "10.0.0.9"),
        ("198.51.100.7,", "10.0.0.9"),
        ("198.51.100.7, somebody", "10.0.0.9"),
    ],
)
def test_behind_a_proxy_the_last_address_is_the_clients(settings, seen, forwarded, client):
    settings.BOSS_BEHIND_PROXY = True
    assert seen(forwarded) == client


def test_without_a_proxy_nobody_may_say_who_he_is(settings, seen):
    settings.BOSS_BEHIND_PROXY = False
    assert seen("198.51.100.7") == "10.0.0.9"


@pytest.mark.parametrize(("behind", "counted"), [(True, "198.51.100.7"), (False, "127.0.0.1")])
@pytest.mark.asvs("15.3.4", "6.3.1")
def test_sign_in_limits_count_the_address_that_is_believed(settings, alpha, browser_of, behind, counted):
    settings.BOSS_BEHIND_PROXY = behind
    browser_of().post(
        "/login/",
        {"email": "alice@alpha.example", "password": "wrong"},
        headers={"x-forwarded-for": "203.0.113.1, 198.51.100.7"},
    )
    assert SignInFailure.objects.get().address == counted


@pytest.mark.parametrize(
    ("module", "given", "expected"),
    [("prod", {}, "True"), ("prod", {"BOSS_BEHIND_PROXY": "no"}, "False"), ("dev", {}, "False")],
)
def test_production_stands_behind_a_proxy_unless_told_otherwise(monkeypatch, module, given, expected):
    monkeypatch.delenv("BOSS_BEHIND_PROXY", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    code = f"from boss.settings import {module} as s; print(s.BOSS_BEHIND_PROXY)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
