"""What every answer says to a browser: walked over the whole URL map, signed in and not, found and not found."""

from __future__ import annotations

from collections import defaultdict

import pytest
from django.test import Client

from boss.core import scoping
from tests.architecture.test_url_matrix import addresses, fill
from tests.cast import sign_in

CSP = {
    "default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'",
    "frame-ancestors 'none'", "form-action 'self'",
}  # fmt: skip


def client_of(user=None) -> Client:
    client = Client(headers={"host": "alpha.localhost"}, raise_request_exception=False)
    if user is not None:
        with scoping.realm_transaction(user.realm_id):
            sign_in(client, user)
    return client


@pytest.mark.asvs("3.4.3", "3.4.4", "3.4.5", "3.4.6", "14.3.2", "3.2.1")
def test_every_address_answers_with_every_header(cast, alpha, settings):
    settings.BOSS_API_REQUESTS_PER_MINUTE = dict.fromkeys(("api_key", "user", "visitor", "system"), 1_000_000)
    seen, of_nothing = 0, defaultdict(lambda: "0" * 12)
    with scoping.enter(None):
        clients = [client_of(), client_of(cast.alice)]
        for route, _pattern in addresses():
            for client in clients:
                if "logout" in route:
                    continue
                answer = client.get(fill(route, of_nothing))
                seen += 1
                where = f"{route} {answer.status_code}"
                assert answer["X-Content-Type-Options"] == "nosniff", where
                assert answer["Referrer-Policy"] == "same-origin", where
                assert answer["X-Frame-Options"] == "DENY", where
                assert answer["Cross-Origin-Opener-Policy"] == "same-origin", where
                assert answer["Cross-Origin-Resource-Policy"] == "same-origin", where
                assert "camera=()" in answer["Permissions-Policy"], where
                policy = answer["Content-Security-Policy"]
                assert {part.strip() for part in policy.split(";")} >= CSP, where
                assert "unsafe" not in policy and "nonce" not in policy and "*" not in policy, where
                assert answer["Cache-Control"], where
                if client is clients[1] and not route.startswith(("brand/", "api/docs")):
                    assert "public" not in answer["Cache-Control"], where
    assert seen > 300


@pytest.mark.asvs("3.4.1", "3.3.1", "3.3.2", "3.3.4", "13.4.2")
def test_production_speaks_tls_only_and_keeps_its_cookies_to_itself(monkeypatch):
    monkeypatch.setenv("BOSS_SECRET_KEY", "x" * 60)
    from boss.settings import prod

    assert prod.SECURE_HSTS_SECONDS >= 31_536_000 and prod.SECURE_HSTS_INCLUDE_SUBDOMAINS and prod.SECURE_SSL_REDIRECT
    assert prod.SESSION_COOKIE_SECURE and prod.CSRF_COOKIE_SECURE and prod.SESSION_COOKIE_HTTPONLY
    assert prod.SESSION_COOKIE_NAME.startswith("__Host-") and prod.CSRF_COOKIE_NAME.startswith("__Host-")
    assert prod.SESSION_COOKIE_SAMESITE == "Lax" and prod.DEBUG is False


@pytest.mark.asvs("14.3.1")
def test_signing_out_takes_along_what_the_browser_kept(cast, alpha):
    client = client_of(cast.alice)
    with scoping.enter(None):
        assert "Clear-Site-Data" not in client.get("/console/").headers
        assert client.post("/logout/")["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.asvs("13.4.4")
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
def test_methods_that_only_echo_are_refused(cast, alpha, method):
    with scoping.enter(None):
        answer = client_of().generic(method, "/login/", headers={"Cookie": "a=secret"})
    assert answer.status_code == 405 and b"secret" not in answer.content
