"""A mailbox is read by OAuth 2: tokens come from a server asked over HTTP, are kept sealed and shown to nobody."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from boss.core import clock
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from tests.cast import Cast, actor_of
from tests.mail.authorization_server import CLIENT_ID, SECRET, AuthorizationServer, open_server
from tests.mail.conftest import make_post
from ticketing.mail.oauth import NoToken
from ticketing.mail.sasl import Bearer
from ticketing.models import Mailbox, MailGrant, MailSource
from ticketing.services.mail import grants, sources

OLD_BOX = "dana@homes.example"
PLACE = {
    "host": "imap.old.example", "port": 993, "security": "tls", "username": OLD_BOX, "sign_in": "oauth",
    "folder": "INBOX", "after": "seen", "every_seconds": 60, "is_active": "on",
}  # fmt: skip


@pytest.fixture
def server(settings) -> Iterator[AuthorizationServer]:
    settings.BOSS_DRIVER_NETWORKS = ["127.0.0.0/8"]
    with open_server() as opened:
        yield opened


@pytest.fixture
def box(alpha, system, server) -> Mailbox:
    found = make_post(system).help
    server.redirect_uri = grants.redirect_uri(found)
    return found


@pytest.fixture
def set_up(box, system, server) -> Callable[..., MailSource]:
    """The mailbox at a mail server, and BOSS as a client of the one that guards it; ``set_up(refresh_token=…)``."""

    def stand(**more: Any) -> MailSource:
        source = sources.define(actor=system, mailbox=box, **PLACE | {"is_active": True})
        grants.arrange(actor=system, mailbox=box, **server.arranged(**more))
        return source

    return stand


def sign_in(browser: Client, server: AuthorizationServer, box: Mailbox, **way: bool) -> Any:
    """From the button to the authorization server and back: the answer to the browser that came back."""
    there = browser.get(f"/console/mailboxes/of/{box.public_id}/sign-in/begin/")
    back = server.visit(there["Location"], OLD_BOX, **way)
    return browser.get(back.removeprefix("https://alpha.localhost"))


def page_of(browser: Client, box: Mailbox) -> str:
    return browser.get(f"/console/mailboxes/of/{box.public_id}/").content.decode()


def test_somebody_signs_in_once_and_what_came_of_it_is_sealed_and_never_shown(
    box, cast: Cast, browser_of, server, caplog
) -> None:
    alice, place = browser_of(cast.alice), f"/console/mailboxes/of/{box.public_id}"
    answer = alice.post(f"{place}/fetching/", PLACE)
    assert answer["Location"] == f"{place}/sign-in/"
    shown = alice.get(f"{place}/sign-in/").content.decode()
    assert f"https://alpha.localhost{reverse('console:mail_grant_back', args=[box.public_id])}" in shown
    kept = alice.post(f"{place}/sign-in/", server.arranged(secret_in_body="on"))
    assert kept.status_code == 302 and "Nobody has signed in for this mailbox yet." in page_of(alice, box)

    assert sign_in(alice, server, box)["Location"] == f"{place}/"
    grant = MailGrant.objects.get()
    assert (grant.state, grant.granted_by) == ("held", actor_of(cast.alice).label)
    [access], [refresh] = server.access_tokens, server.refresh_tokens
    assert grants.token_for(cast.alpha.pk, grant.source_id) == access
    assert grants.secret_of(grant, "refresh_token") == refresh

    told = json.dumps([list(MailGrant.objects.values()), list(AuditEntry.objects.values())], default=str)
    told += alice.get(f"{place}/sign-in/").content.decode() + page_of(alice, box) + caplog.text
    told += alice.get(f"/api/v1/ticketing/mailboxes/{box.public_id}/").content.decode()
    assert [secret for secret in (access, refresh, SECRET, server.asked[0]["code_verifier"]) if secret in told] == []
    assert "Signed in by" in told and AuditEntry.objects.filter(action="mail_grant.signed_in").count() == 1


def test_a_token_is_used_until_it_nears_its_end_and_the_next_refresh_token_is_kept(set_up, server, cast) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    first = grants.token_for(cast.alpha.pk, source.pk)
    assert grants.token_for(cast.alpha.pk, source.pk) == first and len(server.asked) == 1
    with clock.moved(dt.timedelta(minutes=59)):
        second = grants.token_for(cast.alpha.pk, source.pk)
    assert second != first and [each["grant_type"] for each in server.asked] == ["refresh_token"] * 2
    assert grants.token_for(cast.alpha.pk, source.pk, not_this=second) not in (first, second)


def test_a_server_that_changes_no_refresh_tokens_is_asked_with_the_same_again(set_up, server, cast) -> None:
    server.manners.rotates = False
    source = set_up(refresh_token=(given := server.grant(OLD_BOX)))
    for hours in (0, 2, 4):
        with clock.moved(dt.timedelta(hours=hours)):
            grants.token_for(cast.alpha.pk, source.pk)
    assert [each["refresh_token"] for each in server.asked] == [given] * 3


def test_access_that_was_withdrawn_is_told_and_not_asked_for_until_somebody_signs_in_again(
    set_up, box, server, cast, browser_of
) -> None:
    source, alice = set_up(refresh_token=server.grant(OLD_BOX)), browser_of(cast.alice)
    server.withdraw()
    for _look in range(2):
        with pytest.raises(NoToken, match="Sign in again"):
            grants.token_for(cast.alpha.pk, source.pk)
    assert len(server.asked) == 1
    assert AuditEntry.objects.filter(action="mail_grant.lost").count() == 1
    assert "No mail comes from it until somebody signs in again." in page_of(alice, box)
    assert "sign in again" in alice.get("/console/mailboxes/").content.decode()

    sign_in(alice, server, box)
    assert MailGrant.objects.get().state == "held" and grants.token_for(cast.alpha.pk, source.pk)
    assert "sign in again" not in alice.get("/console/mailboxes/").content.decode()


def test_a_server_that_is_away_or_says_nonsense_for_a_while_loses_nothing(set_up, server, cast) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    server.manners.refuses, server.manners.status = "temporarily_unavailable", 503
    with pytest.raises(NoToken, match="temporarily_unavailable"):
        grants.token_for(cast.alpha.pk, source.pk)
    server.manners.refuses = ""
    assert MailGrant.objects.get().state == "held" and grants.token_for(cast.alpha.pk, source.pk)


@pytest.mark.parametrize(
    "nonsense", [{"access_token": None}, {"access_token": "a\r\nb"}, {"access_token": "a b"}, {"token_type": "mac"}]
)
def test_an_answer_that_is_no_bearer_token_is_refused(set_up, server, cast, nonsense) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    server.manners.answer = nonsense
    with pytest.raises(NoToken, match="no bearer token"):
        grants.token_for(cast.alpha.pk, source.pk)
    assert MailGrant.objects.get().access_token_sealed == ""


def test_what_a_server_repeats_of_our_secrets_is_told_to_nobody(set_up, server, cast) -> None:
    source = set_up(refresh_token=(given := server.grant(OLD_BOX)))
    server.manners.refuses, server.manners.repeats = "invalid_request", True
    with pytest.raises(NoToken) as refusal:
        grants.token_for(cast.alpha.pk, source.pk)
    assert "invalid_request" in str(refusal.value)
    assert given not in str(refusal.value) and SECRET not in str(refusal.value)


@pytest.mark.parametrize("in_body", [True, False])
def test_with_a_right_of_its_own_boss_needs_nobody_to_sign_in(set_up, server, cast, in_body) -> None:
    source = set_up(way="client", authorization_endpoint="", scope=f"mailbox:{OLD_BOX}", secret_in_body=in_body)
    token = grants.token_for(cast.alpha.pk, source.pk)
    assert server.access_tokens[token] == OLD_BOX and server.asked[0]["grant_type"] == "client_credentials"
    assert ("client_secret" in server.asked[0]) is in_body


def test_a_secret_that_has_run_out_is_told_as_that(set_up, box, server, cast, system) -> None:
    own = {"way": "client", "authorization_endpoint": "", "scope": f"mailbox:{OLD_BOX}"}
    source = set_up(**own, client_secret="old")
    with pytest.raises(NoToken, match="a secret may have run out"):
        grants.token_for(cast.alpha.pk, source.pk)
    assert MailGrant.objects.get().state == "held", "it is the secret that has to be changed"
    grants.arrange(actor=system, mailbox=box, **server.arranged(**own))
    assert grants.token_for(cast.alpha.pk, source.pk)


def test_only_what_was_begun_in_this_browser_for_this_mailbox_and_not_long_ago_is_answered(
    set_up, box, server, cast, browser_of, system
) -> None:
    set_up()
    alice = browser_of(cast.alice)
    begin, back = (f"/console/mailboxes/of/{box.public_id}/{part}/" for part in ("sign-in/begin", "signed-in"))
    coming = server.visit(alice.get(begin)["Location"], OLD_BOX).partition("?")[2]

    other = browser_of(cast.alice)
    assert other.get(f"{back}?{coming}").status_code == 302
    alarms = Mailbox.objects.get(address="alarms@alpha.example")
    assert alice.get(f"/console/mailboxes/of/{alarms.public_id}/signed-in/?{coming}").status_code == 302
    assert alice.get(f"{back}?code=x&state=forged").status_code == 302
    with clock.moved(dt.timedelta(minutes=16)):
        assert alice.get(f"{back}?{coming}").status_code == 302
    assert server.asked == [] and MailGrant.objects.get().state == "missing"

    late = server.visit(alice.get(begin)["Location"], OLD_BOX).partition("?")[2]
    grants.arrange(actor=system, mailbox=box, **server.arranged(token_endpoint=f"{server.root}/other"))
    assert "settings were changed" in alice.get(f"{back}?{late}", follow=True).content.decode()
    assert server.asked == [], "a code goes to the server it was begun with, and to no other"


def test_who_says_no_at_the_authorization_server_changes_nothing(set_up, box, server, cast, browser_of) -> None:
    set_up()
    alice = browser_of(cast.alice)
    sign_in(alice, server, box, declines=True)
    assert "Access to the mailbox was not given." in page_of(alice, box)
    assert MailGrant.objects.get().state == "missing" and server.asked == []


def test_a_server_that_gives_no_refresh_token_is_told_at_once_and_not_within_the_hour(
    set_up, box, server, cast, browser_of
) -> None:
    set_up()
    server.manners.answer = {"refresh_token": None}
    alice = browser_of(cast.alice)
    sign_in(alice, server, box)
    assert "gave no refresh token" in page_of(alice, box) and MailGrant.objects.get().state == "missing"


@pytest.mark.parametrize("other", [{"host": "imap.evil.example"}, {"username": "boss@homes.example"}])
def test_what_was_given_for_one_mailbox_is_sent_to_no_other(set_up, box, server, cast, system, other) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    grants.token_for(cast.alpha.pk, source.pk)

    MailSource.objects.update(**other)  # by whoever changes the row past the service
    with pytest.raises(NoToken):
        grants.token_for(cast.alpha.pk, source.pk)
    MailSource.objects.update(host=PLACE["host"], username=PLACE["username"])
    assert grants.token_for(cast.alpha.pk, source.pk)

    sources.define(actor=system, mailbox=box, **PLACE | {"is_active": True} | other)
    grant = MailGrant.objects.get()
    assert {getattr(grant, f"{name}_sealed") for name in grants.SEALED} == {""} and grant.state == "missing"
    assert len(server.asked) == 1


def test_another_token_address_gets_no_secret_it_was_not_meant_for(set_up, box, server, system) -> None:
    set_up()
    moved = server.arranged(token_endpoint=f"{server.root}/other", client_secret="")
    with pytest.raises(InvalidInput) as refusal:
        grants.arrange(actor=system, mailbox=box, **moved)
    assert list(refusal.value.fields) == ["client_secret"]
    assert MailGrant.objects.get().token_endpoint == f"{server.root}/token"


def test_a_mailbox_that_goes_back_to_a_password_keeps_no_token(set_up, box, server, system) -> None:
    set_up(refresh_token=server.grant(OLD_BOX))
    with pytest.raises(InvalidInput) as refusal:
        sources.define(actor=system, mailbox=box, **PLACE | {"is_active": True, "sign_in": "password"})
    assert list(refusal.value.fields) == ["password"] and MailGrant.objects.exists()
    sources.define(actor=system, mailbox=box, **PLACE | {"is_active": True, "sign_in": "password", "password": "x"})
    assert not MailGrant.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token_endpoint", "ftp://old.example/token"),
        ("token_endpoint", "https://old.example/token#x"),
        ("token_endpoint", "https://me:pw@old.example/token"),
        ("token_endpoint", "https://old.example:port/token"),
        ("token_endpoint", "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"),
        ("authorization_endpoint", ""),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "http://old.example/authorize"),
        ("client_id", " "),
        ("scope", "é"),
        ("way", "magic"),
    ],
)
def test_what_cannot_be_right_is_told_beside_its_field(box, system, server, field, value) -> None:
    sources.define(actor=system, mailbox=box, **PLACE | {"is_active": True})
    safe = {name: f"https://old.example/{name}" for name in ("authorization_endpoint", "token_endpoint")}
    with pytest.raises(InvalidInput) as refusal:
        grants.arrange(actor=system, mailbox=box, **server.arranged(**safe | {field: value}))
    assert list(refusal.value.fields) == [field] and not MailGrant.objects.exists()


def test_a_network_the_operator_has_not_listed_is_not_asked(set_up, server, cast, settings) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    settings.BOSS_DRIVER_NETWORKS = []
    with pytest.raises(NoToken, match="may not be reached from here"):
        grants.token_for(cast.alpha.pk, source.pk)
    assert server.asked == [] and MailGrant.objects.get().state == "held"


def test_one_process_asks_and_the_others_use_what_it_got(set_up, server, cast, monkeypatch) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    claim = grants._kept_or_claimed(cast.alpha.pk, source.pk, "")
    assert isinstance(claim, grants._Claim)
    waits: list[float] = []

    def meanwhile(seconds: float) -> None:
        waits.append(seconds)
        grants._asked(claim)

    monkeypatch.setattr(grants.time, "sleep", meanwhile)
    assert grants.token_for(cast.alpha.pk, source.pk) in server.access_tokens
    assert len(waits) == 1 and len(server.asked) == 1


def test_a_process_that_died_while_it_asked_holds_nobody_up_for_long(set_up, server, cast) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    assert grants._kept_or_claimed(cast.alpha.pk, source.pk, "") is not None  # and it is never heard of again
    MailGrant.objects.update(asking_until="2026-01-01T00:00:00Z")
    assert grants.token_for(cast.alpha.pk, source.pk) in server.access_tokens


def test_a_token_that_comes_after_the_settings_were_changed_is_not_kept(set_up, box, server, cast, system) -> None:
    source = set_up(refresh_token=server.grant(OLD_BOX))
    claim = grants._kept_or_claimed(cast.alpha.pk, source.pk, "")
    grants.arrange(actor=system, mailbox=box, **server.arranged(scope="imap"))
    with pytest.raises(NoToken, match="changed meanwhile"):
        grants._asked(claim)
    grant = MailGrant.objects.get()
    assert (grant.state, grant.access_token_sealed) == ("missing", "")


def test_the_api_sets_it_up_and_shows_how_it_stands(box, cast, browser_of, server) -> None:
    alice, place = browser_of(cast.alice), f"/api/v1/ticketing/mailboxes/{box.public_id}"

    def post(verb: str, body: dict[str, Any], who: Client = alice) -> Any:
        return who.post(f"{place}/{verb}/", json.dumps(body), content_type="application/json")

    early = post("grant", server.arranged())
    assert early.status_code == 422 and not MailGrant.objects.exists()
    assert post("fetch_from", {"host": "imap.old.example", "username": OLD_BOX, "sign_in": "oauth"}).status_code == 200
    assert post("grant", server.arranged(), browser_of(cast.bob)).status_code == 403
    assert post("grant", server.arranged(), browser_of(cast.charlie)).status_code == 404
    assert not MailGrant.objects.exists()

    answer = post("grant", server.arranged(refresh_token=server.grant(OLD_BOX)))
    shown = answer.json()["source"]["grant"]
    assert (shown["state"], shown["client_id"]) == ("held", CLIENT_ID)
    assert SECRET not in answer.content.decode() and not any("secret_sealed" in name for name in shown)


def test_who_may_not_set_up_mailboxes_signs_in_for_none(set_up, box, server, cast, browser_of) -> None:
    set_up()
    place = f"/console/mailboxes/of/{box.public_id}"
    for who, status in ((cast.bob, 403), (cast.charlie, 404)):
        browser = browser_of(who)
        assert browser.post(f"{place}/sign-in/", server.arranged(client_id="other")).status_code == status
        assert browser.get(f"{place}/sign-in/begin/").status_code == status
        assert browser.get(f"{place}/signed-in/?code=x&state=y").status_code == status
    assert MailGrant.objects.get().client_id == CLIENT_ID and server.asked == []


@pytest.mark.parametrize("preset", ["microsoft", "google"])
def test_the_big_providers_are_filled_in(box, cast, browser_of, preset) -> None:
    alice, place = browser_of(cast.alice), f"/console/mailboxes/of/{box.public_id}"
    source_page = alice.get(f"{place}/fetching/?preset={preset}").content.decode()
    assert {"microsoft": "outlook.office365.com", "google": "imap.gmail.com"}[preset] in source_page
    answer = alice.post(f"{place}/fetching/?preset={preset}", PLACE)
    assert answer["Location"] == f"{place}/sign-in/?preset={preset}"
    shown = alice.get(answer["Location"]).content.decode()
    assert {"microsoft": "IMAP.AccessAsUser.All offline_access", "google": "https://mail.google.com/"}[preset] in shown


def test_tokens_are_shown_to_mail_servers_as_the_standards_write_it() -> None:
    spoken = Bearer(
        "OAUTHBEARER", username="user@example.com", host="server.example.com", port=143,
        token="vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
    )  # fmt: skip
    assert spoken(b"") == (  # RFC 7628, 4.1
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )
    assert spoken(b'{"status":"invalid_token","scope":"example_scope"}') == b"\x01"  # 4.3
    assert spoken.refusal == "invalid_token"
    older = Bearer("XOAUTH2", username="someuser@example.com", host="x", port=1, token="ya29.x")
    assert older(b"") == b"user=someuser@example.com\x01auth=Bearer ya29.x\x01\x01"
    assert older(b'{"status":"401"}') == b"" and older.refusal == "401"
    with pytest.raises(ValueError, match="cannot be sent"):
        Bearer("XOAUTH2", username="a\x01auth=Bearer b", host="x", port=1, token="t")
