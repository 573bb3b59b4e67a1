"""Is a mailbox's domain set up? Each answer comes from a real name server over a real socket."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured

from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.settings import env
from ipservices.services.calls import refuse_inside_transaction
from tests.cast import actor_of
from tests.mail.name_server import FAILS, NOISE, SILENT, Zone, serving
from ticketing.mail.domain import Finding, RecordState, Wanted
from ticketing.models import Mailbox, MailSource
from ticketing.services.mail import domains

BOX, DOMAIN = "help@alpha.example", "alpha.example"
MX, OURS, KEY, POLICY = (
    (DOMAIN, "MX"),
    (DOMAIN, "TXT"),
    (f"mail._domainkey.{DOMAIN}", "TXT"),
    (f"_dmarc.{DOMAIN}", "TXT"),
)


def key(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    text = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    record = f"v=DKIM1; k=rsa; p={text}"
    return " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200))


GOOD_KEY = key(2048)


@pytest.fixture
def zone(settings) -> Iterator[Zone]:
    """A domain that is set up, on the name server that is asked."""
    said: Zone = {
        MX: ["10 mx.provider.example."],
        OURS: ['"v=spf1 ip4:192.0.2.0/24 include:spf.provider.example ~all"', '"something else"'],
        ("spf.provider.example", "TXT"): ['"v=spf1 ip4:198.51.100.7 -all"'],
        KEY: [GOOD_KEY],
        POLICY: ['"v=DMARC1; p=quarantine"'],
    }
    settings.BOSS_MAIL_MX, settings.BOSS_MAIL_SPF = ["mx.provider.example"], "ip4:198.51.100.7"
    with serving(said) as port:
        settings.BOSS_MAIL_NAME_SERVERS = [("127.0.0.1", port)]
        yield said


@pytest.fixture
def look(post, cast, zone) -> Callable[[], dict[str, Finding]]:
    def now() -> dict[str, Finding]:
        report = domains.check(actor=actor_of(cast.alice), mailbox=post.help, selector=" Mail ")
        assert report.is_right == all(each.state == RecordState.RIGHT for each in report.findings)
        return {each.kind.value: each for each in report.findings}

    return now


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {kind: each.state.value for kind, each in found.items()}


ALL_RIGHT = dict.fromkeys(("mx", "spf", "dkim", "dmarc"), "right")


def test_O5_a_domain_that_is_set_up_is_right_in_all_four_and_nothing_is_to_be_set(look):
    found = look()
    assert states(found) == ALL_RIGHT
    assert {each.value for each in found.values()} == {""}
    assert found["mx"].found == ("10 mx.provider.example.",) and len(found["spf"].found) == 1


def test_O5_what_is_missing_is_shown_with_the_record_to_set(look, zone):
    zone.clear()
    found = look()
    assert set(states(found).values()) == {"missing"}
    assert (found["mx"].name, found["mx"].value) == (DOMAIN, "10 mx.provider.example.")
    assert found["spf"].value == "v=spf1 ip4:198.51.100.7 ~all"
    assert found["dkim"].name == f"mail._domainkey.{DOMAIN}" and found["dkim"].value.startswith("v=DKIM1; k=rsa; p=")
    assert (found["dmarc"].name, found["dmarc"].value) == (f"_dmarc.{DOMAIN}", "v=DMARC1; p=none")


WRONG = [
    (MX, ["5 other.example.", "10 mx.provider.example."], "mx", "wrong", "other.example first"),
    (MX, ["10 mx.provider.example.", "10 other.example."], "mx", "wrong", "other.example first"),
    (MX, ["0 ."], "mx", "wrong", "no mail at all"),
    (MX, ["10 MX.provider.example.", "20 spare.example."], "mx", "right", "spare.example"),
    (OURS, ['"v=spf1 ip4:203.0.113.1 -all"'], "spf", "wrong", "before “all”"),
    (OURS, ['"v=spf1 ip4:203.0.113.1 -all ip4:198.51.100.7"'], "spf", "wrong", "before “all”"),
    (OURS, ['"v=spf1 -ip4:198.51.100.7 ~all"'], "spf", "wrong", "may not send"),
    (OURS, ['"v=spf1 +all"'], "spf", "wrong", "anybody"),
    (OURS, ['"v=spf1 -all"', '"v=spf1 ip4:198.51.100.7 -all"'], "spf", "wrong", "more than one"),
    (OURS, ['"v=spf1 ipv4:198.51.100.7 -all"'], "spf", "wrong", "ipv4:198.51.100.7"),
    (OURS, ['"v=spf1 include:nowhere.example -all"'], "spf", "wrong", "nowhere.example"),
    (OURS, [f'"v=spf1 include:{DOMAIN} -all"'], "spf", "wrong", "more than ten"),
    (OURS, ['"v=spf1 mx -all"'], "spf", "unjudged", "may be covered"),
    (OURS, ['"v=spf1 redirect=spf.provider.example"'], "spf", "right", "may send"),
    (OURS, ['"v=spf10 ip4:198.51.100.7"'], "spf", "missing", "does not say"),
    (KEY, ['"v=DKIM1; k=rsa; p="'], "dkim", "wrong", "withdrawn"),
    (KEY, ['"v=DKIM1; k=rsa; p=bm8ga2V5"'], "dkim", "wrong", "not a key"),
    (KEY, ['"v=DKIM1; k=ed25519; p=bm8ga2V5"'], "dkim", "wrong", "not a key"),
    (KEY, [f'"k=ed25519; p={base64.b64encode(b"k" * 32).decode()}"'], "dkim", "right", "There is a key"),
    (KEY, [GOOD_KEY, GOOD_KEY.replace("rsa", "ed25519")], "dkim", "wrong", "more than one"),
    (KEY, ['"hello"'], "dkim", "wrong", "not a key"),
    (KEY, [key(1024)], "dkim", "right", "2048 bits would be better; this one has 1024"),
    (POLICY, ['"v=DMARC1; p=nonsense"'], "dmarc", "wrong", "p="),
    (POLICY, ['"v=DMARC1"'], "dmarc", "wrong", "p="),
    (POLICY, ['"v=DMARC1; p=none"'], "dmarc", "right", "only report"),
    (POLICY, ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], "dmarc", "wrong", "more than one"),
    (POLICY, ['"dmarc please"'], "dmarc", "missing", "does not say"),
]


def test_O5_each_wrong_record_is_told_in_its_own_words_and_spoils_no_other(look, zone):
    right = dict(zone)
    for place, said, kind, state, words in WRONG:
        zone.clear()
        zone.update(right | {place: said})
        found = look()
        assert states(found) == ALL_RIGHT | {kind: state}, (said, found[kind])
        assert words in found[kind].detail, (said, found[kind].detail)


def test_O5_no_answer_is_not_taken_for_no_record(look, zone):
    right = dict(zone)
    for place, kind in (
        (MX, "mx"),
        (OURS, "spf"),
        (("spf.provider.example", "TXT"), "spf"),
        (KEY, "dkim"),
        (POLICY, "dmarc"),
    ):
        zone.update(right | {place: FAILS})
        found = look()
        assert states(found) == ALL_RIGHT | {kind: "unanswered"} and "Try again" in found[kind].detail


def test_O5_a_server_that_says_nothing_or_nonsense_holds_nobody_longer_than_promised(look, zone, monkeypatch):
    monkeypatch.setattr(domains, "SECONDS", 0.4)
    for fault in (SILENT, NOISE):
        zone.update(dict.fromkeys((MX, OURS, KEY, POLICY), fault))
        before = time.monotonic()
        assert set(states(look()).values()) == {"unanswered"}
        assert time.monotonic() - before < 2


def test_O5_hostile_records_are_cut_and_shown_without_a_byte_that_is_not_text(look, zone):
    bell = '"v=spf1 \\007\\255<script>alert(1)</script>"'
    long = " ".join(['"' + "v=spf1 include:a.example " * 10 + '"'] * 200)
    for said in ([bell], [long], [f'"{n} \\000"' for n in range(300)], ['"v=spf1 ' + "%{i}" * 60 + '"']):
        zone.update({OURS: said, KEY: said, POLICY: said, MX: [r"10 \000\255\"<b>.example."]})
        found = look()
        assert found["spf"].state in ("wrong", "missing") and found["dkim"].state == "wrong"
        for each in found.values():
            assert len(each.found) <= 10 and all(len(text) <= 601 and text.isprintable() for text in each.found)
            assert each.detail.isprintable() and len(each.detail) < 400


def test_O5_a_domain_below_another_has_the_policy_of_the_one_above(look, post, zone):
    Mailbox.objects.filter(pk=post.help.pk).update(address="help@care.alpha.net")
    post.help.refresh_from_db()
    zone["_dmarc.alpha.net", "TXT"] = ['"v=DMARC1; p=reject; sp=none"']
    said = look()["dmarc"]
    assert said.state == "right" and "only report" in said.detail and "of alpha.net." in said.detail


def test_O5_what_nobody_has_told_is_left_to_people_and_never_called_right(look, settings, zone):
    settings.BOSS_MAIL_MX, settings.BOSS_MAIL_SPF = [], ""
    assert states(look()) == ALL_RIGHT | {"mx": "unjudged", "spf": "unjudged"}
    zone.clear()
    missing = look()
    assert "BOSS_MAIL_MX" in missing["mx"].detail and "BOSS_MAIL_SPF" in missing["spf"].detail


def test_O5_a_mailbox_that_is_fetched_may_have_any_server(look, post, zone):
    zone[MX] = ["10 imap.old.example."]
    assert look()["mx"].state == "wrong"
    MailSource.objects.create(mailbox=post.help, host="imap.old.example", username="help", password_sealed="-")
    assert look()["mx"].state == "right"


def test_O5_the_button_shows_what_was_found_and_the_api_says_the_same(post, cast, browser_of, zone):
    zone[MX] = ["10 <b>other.example."]
    alice = browser_of(cast.alice)
    page = alice.post(f"/console/mailboxes/of/{post.help.public_id}/domain/", {"selector": "mail"})
    api = alice.post(
        f"/api/v1/ticketing/mailboxes/{post.help.public_id}/check_domain/", {"selector": "mail"}, "application/json"
    )
    text = page.content.decode()
    assert page.status_code == api.status_code == 200
    assert "10 mx.provider.example." in text and "&lt;b&gt;other.example." in text and "<b>other" not in text
    said = api.json()
    assert (said["domain"], said["is_right"]) == (DOMAIN, False)
    assert [each["state"] for each in said["findings"]] == ["wrong", "right", "right", "right"]


def test_O5_a_selector_that_is_none_is_told_beside_its_field_and_nothing_is_asked(post, cast, browser_of, zone):
    alice = browser_of(cast.alice)
    for wrong in ("a b", "-", "x" * 64, "a..b", "ä", "mail;"):
        answer = alice.post(f"/console/mailboxes/of/{post.help.public_id}/domain/", {"selector": wrong})
        assert answer.status_code == 422 and "A selector is made of" in answer.content.decode(), wrong
        assert f'value="{wrong}"' in answer.content.decode()


def test_O5_who_may_not_set_up_mailboxes_asks_nothing_and_nothing_changes(post, cast, browser_of, monkeypatch):
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("DNS was asked")

    monkeypatch.setattr(domains, "Asked", asked)
    before = AuditEntry.objects.count(), list(Mailbox.objects.values())
    with pytest.raises(PermissionDenied):
        domains.check(actor=actor_of(cast.bob), mailbox=post.help, selector="mail")
    page = f"/console/mailboxes/of/{post.help.public_id}/domain/"
    assert browser_of(cast.bob).post(page, {"selector": "mail"}).status_code == 403
    assert browser_of(cast.charlie).post(page, {"selector": "mail"}).status_code == 404
    assert (AuditEntry.objects.count(), list(Mailbox.objects.values())) == before


def test_O5_no_transaction_is_open_while_names_are_asked(post, cast, browser_of, monkeypatch):
    asked = list[str]()

    def look(_names: object, wanted: Wanted) -> list[Finding]:
        refuse_inside_transaction()
        asked.append(wanted.domain)
        return []

    monkeypatch.setattr(domains.records, "look", look)
    alice, given = browser_of(cast.alice), {"selector": "mail"}
    page = alice.post(f"/console/mailboxes/of/{post.help.public_id}/domain/", given)
    api = alice.post(f"/api/v1/ticketing/mailboxes/{post.help.public_id}/check_domain/", given, "application/json")
    assert (page.status_code, api.status_code, asked) == (200, 200, [DOMAIN] * 2)


def test_O5_name_servers_are_addresses_or_refused_by_name(monkeypatch):
    monkeypatch.setenv("NAMED", "192.0.2.53, 192.0.2.54:5353,2001:db8::1,[2001:db8::1]:54")
    assert env.name_servers("NAMED") == [
        ("192.0.2.53", 53), ("192.0.2.54", 5353), ("2001:db8::1", 53), ("2001:db8::1", 54)
    ]  # fmt: skip
    monkeypatch.setenv("NAMED", "dns.example:53")
    with pytest.raises(ImproperlyConfigured, match="NAMED"):
        env.name_servers("NAMED")
