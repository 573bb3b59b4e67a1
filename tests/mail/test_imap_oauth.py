"""A real Dovecot that asks an authorization server about each token: mail is fetched with tokens, no password."""

from __future__ import annotations

import contextlib
import imaplib
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from ipservices.labs import HOST
from tests.mail.authorization_server import AuthorizationServer, open_server
from tests.mail.test_imap import OLD_BOX, Box, box, raw, reload  # noqa: F401 - a fixture
from ticketing.models import MailGrant
from ticketing.services.mail import grants

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

OAUTH = """\
introspection_mode = post
introspection_url = {root}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""
DATABASES = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = nopassword=y
}}
userdb {{
  driver = static
  args = home={mail}
}}"""
"""In place of SQL: Dovecot 2.3.19's auth process dies of both together (Panic in http_client_context_close)."""


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with open_server() as opened:
        yield opened


@pytest.fixture
def guarded(request: pytest.FixtureRequest, box: Box, server: AuthorizationServer) -> Iterator[Box]:  # noqa: F811
    """The same Dovecot, which also takes tokens; by Microsoft's mechanism alone where a test asks for that."""
    mechanisms = getattr(request, "param", "xoauth2 oauthbearer")
    conf = box.lab.dovecot_home / "dovecot.conf"
    path = conf.with_name("test-oauth2.conf.ext")
    path.write_text(OAUTH.format(root=server.root))
    plain = conf.read_text()
    databases = box.lab.databases()
    assert plain.count(databases) == 1
    mail = box.lab.dovecot_home / "mail" / f"test-{secrets.token_hex(4)}"
    taking = plain.replace(databases, DATABASES.format(path=path, mail=mail))
    conf.write_text(taking.replace("auth_mechanisms = plain login", f"auth_mechanisms = plain login {mechanisms}"))
    reload(conf)
    wait_for(box, bearer="oauthbearer" in mechanisms)
    yield box
    conf.write_text(plain)
    reload(conf)


def wait_for(box: Box, *, bearer: bool) -> None:  # noqa: F811
    """Until the reloaded server offers what it should and nothing more."""
    until = time.monotonic() + 10
    offered: tuple[str, ...] = ()
    while True:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):  # it is starting anew
            client = imaplib.IMAP4(HOST, box.port, timeout=5)
            offered = client.capabilities
            client.logout()
        if "AUTH=XOAUTH2" in offered and bearer == ("AUTH=OAUTHBEARER" in offered):
            return
        assert time.monotonic() < until, (offered, said_by(box))
        time.sleep(0.05)


def said_by(box: Box) -> list[str]:  # noqa: F811
    lines = (box.lab.dovecot_home / "dovecot.log").read_text().splitlines()
    return [line[:400] for line in lines if "Fatal" in line or "Panic" in line or "Error" in line]


def arrange(box: Box, server: AuthorizationServer, **more: Any) -> None:  # noqa: F811
    box.define(sign_in="oauth", password="")
    with scoping.realm_transaction(box.realm_id):
        grants.arrange(actor=Actor.system(box.realm_id), mailbox=box.mailbox, **server.arranged(**more))


@pytest.mark.parametrize("guarded", ["xoauth2 oauthbearer", "xoauth2"], indirect=True)
def test_mail_is_fetched_with_a_token_and_a_token_the_mail_server_takes_no_more_is_replaced(
    guarded: Box, server: AuthorizationServer
) -> None:
    arrange(guarded, server, refresh_token=server.grant(OLD_BOX))
    guarded.holds(raw(1))
    assert guarded.fetch() == 1, guarded.source().error
    guarded.holds(raw(2))
    assert guarded.fetch() == 1 and len(server.asked) == 1 and server.looked_up == 2

    server.access_tokens.clear()  # ended before their time
    guarded.holds(raw(3))
    assert guarded.fetch() == 1, guarded.source().error
    assert guarded.kept() == ["1", "2", "3"] and guarded.count("UNSEEN") == 0 and len(server.asked) == 2
    assert guarded.source().password_sealed == ""


def test_access_that_was_withdrawn_stands_at_the_mailbox_and_no_mail_is_lost_by_it(
    guarded: Box, server: AuthorizationServer
) -> None:
    arrange(guarded, server, refresh_token=server.grant(OLD_BOX))
    assert guarded.fetch() == 0 and guarded.source().error == ""
    server.withdraw()
    guarded.holds(raw(1))
    assert guarded.fetch() == 0
    assert "Sign in again" in guarded.source().error and guarded.source().failures == 1

    arrange(guarded, server, refresh_token=server.grant(OLD_BOX))
    assert guarded.fetch() == 1
    assert guarded.kept() == ["1"] and guarded.source().error == ""


def test_a_token_of_somebody_else_opens_no_mailbox(guarded: Box, server: AuthorizationServer) -> None:
    arrange(guarded, server, way="client", authorization_endpoint="", scope="mailbox:erin@homes.example")
    guarded.holds(raw(1))
    assert guarded.fetch() == 0 and guarded.kept() == []
    assert f"does not let {OLD_BOX} in with the access token" in guarded.source().error
    arrange(guarded, server, way="client", authorization_endpoint="", scope=f"mailbox:{OLD_BOX}")
    assert guarded.fetch() == 1, guarded.source().error


def test_a_server_that_knows_no_tokens_is_told_and_is_sent_none(box: Box, server: AuthorizationServer) -> None:  # noqa: F811
    arrange(box, server, refresh_token=server.grant(OLD_BOX))
    assert box.fetch() == 0
    assert "offers no sign-in by OAuth 2" in box.source().error and server.looked_up == 0
    with scoping.realm_transaction(box.realm_id):
        assert MailGrant.objects.get().state == "held"
