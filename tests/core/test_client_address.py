"""Whose request it is: behind our proxy what the proxy says, without one what the connection says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from boss.core.middleware import ClientAddressMiddleware
from boss.core.proxies import TrustedProxies, network_of
from boss.settings import env
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
    settings.BOSS_TRUSTED_PROXIES = TrustedProxies(count=1)
    assert seen(forwarded) == client


def test_without_a_proxy_nobody_may_say_who_he_is(settings, seen):
    settings.BOSS_TRUSTED_PROXIES = TrustedProxies()
    assert seen("198.51.100.7") == "10.0.0.9"


@pytest.mark.parametrize(("behind", "counted"), [(True, "198.51.100.7"), (False, "127.0.0.1")])
@pytest.mark.asvs("15.3.4", "6.3.1")
def test_sign_in_limits_count_the_address_that_is_believed(settings, alpha, browser_of, behind, counted):
    settings.BOSS_TRUSTED_PROXIES = TrustedProxies(count=1 if behind else 0)
    browser_of().post(
        "/login/",
        {"email": "alice@alpha.example", "password": "wrong"},
        headers={"x-forwarded-for": "203.0.113.1, 198.51.100.7"},
    )
    assert SignInFailure.objects.get().address == counted


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("2", "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("2", "198.51.100.7", "10.0.0.9"),  # fewer hops than proxies: somebody came round them
        ("10.0.0.0/8", "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.0/8", "10.1.1.1", "10.1.1.1"),
        ("10.0.0.0/8", "203.0.113.1, somebody, 10.0.0.2", "10.0.0.9"),
        ("192.0.2.0/24, fd00::/8", "198.51.100.7", "10.0.0.9"),  # the peer is no proxy of ours: a forged header
    ],
)
def test_proxies_are_counted_or_known_by_their_networks(settings, seen, trusted, forwarded, client):
    settings.BOSS_TRUSTED_PROXIES = TrustedProxies.parse(trusted)
    assert seen(forwarded) == client


@pytest.mark.parametrize(
    ("trusted", "kept"), [("10.0.0.0/8", True), ("1", True), ("192.0.2.0/24", False), ("0", False)]
)
def test_only_a_trusted_proxy_says_that_the_connection_is_safe(settings, rf, trusted, kept):
    settings.BOSS_TRUSTED_PROXIES = TrustedProxies.parse(trusted)
    request = rf.get("/", REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_PROTO="https")
    ClientAddressMiddleware(lambda request: HttpResponse())(request)
    assert ("HTTP_X_FORWARDED_PROTO" in request.META) is kept


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("somebody", ""),
    ],
)
def test_addresses_are_counted_by_their_networks_too(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("module", "given", "expected"),
    [
        ("prod", {}, "1"),
        ("prod", {"BOSS_BEHIND_PROXY": "no"}, "0"),
        ("prod", {"BOSS_BEHIND_PROXY": "no", "BOSS_TRUSTED_PROXIES": "2"}, "2"),
        ("dev", {}, "0"),
    ],
)
def test_production_stands_behind_a_proxy_unless_told_otherwise(monkeypatch, module, given, expected):
    for name in ("BOSS_BEHIND_PROXY", "BOSS_TRUSTED_PROXIES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    code = f"from boss.settings import {module} as s; print(s.BOSS_TRUSTED_PROXIES.count)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_a_value_that_is_neither_number_nor_networks_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("BOSS_TRUSTED_PROXIES", "the one in the cellar")
    with pytest.raises(ImproperlyConfigured, match="BOSS_TRUSTED_PROXIES"):
        env.proxies("BOSS_TRUSTED_PROXIES", "0")
