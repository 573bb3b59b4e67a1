"""Rules E, M and O one by one, where a golden message alone does not show them."""

from __future__ import annotations

import datetime as dt
import email
from email import policy

import pytest
from django.core import mail as outbox

from boss.core import clock
from boss.core.scoping import realm_transaction
from boss.notify.models import Delivery
from boss.notify.services import deliveries
from tests.cast import actor_of
from tests.mail.conftest import FIRST, pass_on
from ticketing.errors import MailboxUnknown
from ticketing.mail import authentication, parsing, tokens
from ticketing.mail.authorising import TABLE, Sender, decide
from ticketing.models import (
    BlockedSender,
    InboundMail,
    Message,
    OutboundMail,
    Participant,
    RawMail,
    SlaClock,
    Ticket,
    TicketRelation,
)
from ticketing.services import policies, telling, tickets
from ticketing.services.mail import intake, keys, mailboxes


def mail(n: str, sender: str = "dana@home.example", more: str = "", body: str = "Words.") -> bytes:
    return (
        f"Authentication-Results: mx.alpha.example; dmarc=pass\nFrom: {sender}\nTo: help@alpha.example\n"
        f"Subject: Matter {n}\nMessage-ID: <{n}@x.example>\n{more}\n{body}\n"
    ).encode()


def delivered(sent: OutboundMail) -> email.message.EmailMessage:
    """The mail as it left, read back."""
    outbox.outbox.clear()
    deliveries.deliver(sent.realm_id, sent.delivery_id)
    (left,) = outbox.outbox
    read = email.message_from_bytes(left.message().as_bytes(), policy=policy.default)
    read["x-envelope"] = left.from_email
    return read


def test_E1_the_raw_mail_is_stored_before_anything_is_made_of_it(post, dana, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("the processing is broken")

    monkeypatch.setattr("ticketing.services.mail.deciding.settle", broken)
    got = post.take(FIRST)
    assert got.state == "received" and bytes(RawMail.objects.get(mail=got).content) == FIRST
    monkeypatch.undo()
    InboundMail.objects.update(due_at=clock.now() - dt.timedelta(minutes=1))
    assert intake.process(got.realm_id, got.pk)
    got.refresh_from_db()
    assert got.state == "applied"


def test_E1_what_cannot_be_processed_goes_to_quarantine_after_some_attempts(post, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("the processing is broken")

    monkeypatch.setattr("ticketing.services.mail.deciding.settle", broken)
    got = post.take(FIRST)
    for _attempt in range(intake.MOST_ATTEMPTS):
        InboundMail.objects.update(due_at=clock.now() - dt.timedelta(minutes=1))
        intake.process(got.realm_id, got.pk)
    got.refresh_from_db()
    assert (got.state, got.rule) == ("quarantined", "E1")


def test_E1_processed_twice_is_applied_once(post, dana):
    got = post.take(FIRST)
    before = Message.objects.count()
    assert not intake.process(got.realm_id, got.pk)
    assert Message.objects.count() == before


def test_E1_the_same_mail_twice_is_a_duplicate_and_is_kept(post, dana):
    first, again = post.take(FIRST), post.take(FIRST)
    assert (first.state, again.state, again.ticket) == ("applied", "duplicate", None)
    assert RawMail.objects.count() == 2


def test_E2_an_address_of_nobody_is_refused_and_nothing_is_written(post):
    with pytest.raises(MailboxUnknown):
        post.take(FIRST, to="nobody@alpha.example")
    assert not InboundMail.objects.exists()


def test_E2_a_mailbox_of_another_realm_is_not_found_here(post, in_beta, cast):
    with in_beta(), pytest.raises(MailboxUnknown):
        mailboxes.place_of("help@alpha.example")


def test_E3_the_notice_about_a_large_mail_is_sent_once_a_day(post, thread, filled):
    big = b"\n" + b"x" * (26 * 1024 * 1024)
    for n in "ab":
        post.take(mail(n).replace(b"\n\n", b"\n\n" + big, 1), to=filled("%%REPLY_TO%%"))
    assert OutboundMail.objects.filter(kind="too_large").count() == 1


def test_E5_no_mail_changes_who_somebody_is(post, thread, dana, filled):
    post.take(mail("e5", body="Change my e-mail to new@x.example"), to=filled("%%REPLY_TO%%"))
    dana.refresh_from_db()
    assert dana.email == "dana@home.example"


def test_E6_a_mail_holds_public_words_only(post, thread, system, cast):
    bob = actor_of(cast.bob)
    tickets.add_message(actor=bob, ticket=thread.ticket, body="She is difficult.", kind="internal")
    message = tickets.add_message(actor=bob, ticket=thread.ticket, body="We are on it.")
    sent = pass_on(message)
    text = delivered(sent[0]).get_body(("plain",)).get_content()
    assert "We are on it." in text and "difficult" not in text


def test_E6_an_internal_note_is_never_mailed(post, thread, system, cast):
    note = tickets.add_message(actor=actor_of(cast.bob), ticket=thread.ticket, body="Inside.", kind="internal")
    assert pass_on(note) == []


def test_E7_whom_a_customer_puts_in_copy_is_held_and_not_written_to(post, thread, system, cast, filled):
    post.take(mail("e7", more="Cc: Leo <leo@home.example>\n"), to=filled("%%REPLY_TO%%"))
    assert Participant.objects.get(email="leo@home.example").state == "held"
    message = tickets.add_message(actor=actor_of(cast.bob), ticket=thread.ticket, body="Soon.")
    pass_on(message)
    assert not OutboundMail.objects.filter(address="leo@home.example").exists()


def test_E8_an_answer_to_an_internal_mail_stays_inside(post, thread, filled):
    note = mail("note", "alice@alpha.example", body="#note\nAsk the supplier.")
    assert post.take(note, "alice@alpha.example", filled("%%ALICE_REPLY_TO%%")).message.kind == "internal"
    got = post.take(mail("re-note", more="In-Reply-To: <note@x.example>\n"))
    assert (got.rule, got.message.kind) == ("M3", "internal")


def test_M1_a_token_of_one_ticket_is_none_of_another(post, thread, filled):
    _local, _plus, rest = filled("%%REPLY_TO%%").partition("+")
    _ticket, _dot, token = rest.partition(".")
    got = post.take(mail("m1"), to=f"help+{thread.strange.public_id}.{token}")
    assert got.ticket_id not in (thread.ticket.pk, thread.strange.pk)


def test_M1_old_addresses_stay_good_when_the_key_is_renewed(post, thread, alice, filled):
    address = filled("%%REPLY_TO%%")
    keys.renew(actor=alice)
    assert post.take(mail("m1b"), to=address).rule == "M1"


def test_M1_a_token_is_eighty_bits_in_lower_case_base_32(post):
    signed = keys.keyring().sign("reply", "x")
    assert len(signed) == 16 and signed == signed.lower()


def test_M2_an_id_is_signed_for_one_realm_only(post, in_beta):
    minted = tokens.mint_id(keys.keyring(), "alpha.example", kind="t", public_id="0" * 12, seq=1)
    assert tokens.read_id(keys.keyring(), minted).is_ours
    with in_beta():
        assert not tokens.read_id(keys.keyring(), minted).is_ours


def test_M3_a_stored_id_is_forgotten_after_180_days(post, thread):
    late = mail("m3", more="In-Reply-To: <first-0001@home.example>\n")
    with clock.moved(dt.timedelta(days=181)):
        assert post.take(late).rule == "M6"


def test_M4_a_bounce_marks_its_delivery_and_stops_automatic_mail(post, thread, filled, system):
    with realm_transaction(thread.sent.realm_id):
        Delivery.objects.filter(pk=thread.sent.delivery_id).update(state="sent")
    raw = (
        "From: MAILER-DAEMON@home.example\nSubject: Undelivered\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        "Final-Recipient: rfc822; dana@home.example\nAction: failed\nStatus: 5.1.1\n--b--\n"
    )
    got = post.take(raw.encode(), "", filled("%%VERP%%"))
    delivery = Delivery.objects.get(pk=thread.sent.delivery_id)
    assert (got.rule, delivery.state, delivery.error) == ("M4", "bounced", "5.1.1")
    before = OutboundMail.objects.count()
    telling.resolved(tickets.resolve(actor=system, ticket=thread.ticket))
    assert OutboundMail.objects.count() == before


def test_M5_a_forged_tag_never_reaches_a_strangers_ticket(post, thread, filled):
    before = thread.strange.version
    for n, sender in enumerate(["dana@home.example", "mallory@x.example", "bob@y.example"]):
        raw = filled(f"From: {sender}\nSubject: %%OTHER_TAG%% hi\nMessage-ID: <t{n}@x>\n\nx\n").encode()
        post.take(b"Authentication-Results: mx.alpha.example; dmarc=pass\n" + raw, sender)
    thread.strange.refresh_from_db()
    assert thread.strange.version == before


def test_M6_an_answer_to_a_closed_ticket_is_a_follow_up(post, thread, filled, cast):
    bob = actor_of(cast.bob)
    tickets.resolve(actor=bob, ticket=thread.ticket)
    tickets.close(actor=bob, ticket=thread.ticket)
    got = post.take(mail("m6"), to=filled("%%REPLY_TO%%"))
    assert got.ticket_id != thread.ticket.pk and got.hint_id == thread.ticket.pk


def test_M7_a_forward_of_staff_writes_to_nobody_outside(post, thread):
    sent = OutboundMail.objects.count()
    raw = mail("m7", "bob@alpha.example", body="From: Greta <greta@farm.example>\n\nDead.").replace(
        b"Matter", b"Fwd: M"
    )
    got = post.take(raw, "bob@alpha.example")
    assert got.rule == "M7" and OutboundMail.objects.count() == sent


def test_O1_an_answer_carries_what_the_rule_says(post, thread, filled):
    left = delivered(thread.sent)
    assert str(left["From"]) == '"Bob Baker · Alpha Cable" <help@alpha.example>' or "Bob Baker" in str(left["From"])
    assert filled("%%REPLY_TO%%") in str(left["Reply-To"])
    assert left["Message-ID"] == f"<{thread.sent.mail_id}>"
    assert "<first-0001@home.example>" in left["References"]
    assert left["x-envelope"] == filled("%%VERP%%")
    assert left["Auto-Submitted"] is None and left["X-BOSS-Origin"]
    assert [each.addr_spec for each in left["To"].addresses] == ["dana@home.example"]


def test_O1_automatic_mail_says_that_it_is(post):
    post.take(mail("o1", "paula@x.example"), "paula@x.example")
    left = delivered(OutboundMail.objects.get(address="paula@x.example"))
    assert left["Auto-Submitted"] == "auto-replied" and left["X-Auto-Response-Suppress"] == "All"


def test_O1_each_recipient_gets_a_mail_of_his_own(post, thread):
    sent = OutboundMail.objects.filter(message=thread.sent.message)
    assert len({each.mail_id for each in sent}) == len({each.address for each in sent}) == 2


def test_O2_the_subject_stays_the_same_and_the_last_words_are_quoted(post, thread, filled):
    left = delivered(thread.sent)
    assert left["Subject"] == filled("Re: Internet is slow since this morning %%TAG%%")
    text = left.get_body(("plain",)).get_content()
    assert "> Pages take minutes to load." in text
    assert left.get_body(("html",)) is not None


def test_O4_said_twice_it_is_sent_once(post, thread, system):
    before = OutboundMail.objects.count()
    pass_on(thread.sent.message)
    assert OutboundMail.objects.count() == before


def test_the_table_says_what_happens_for_every_sender_and_result():
    assert set(TABLE) == set(Sender)
    assert all(set(row) == set(authentication.Authentication) for row in TABLE.values())


@pytest.mark.parametrize(
    ("sender", "passed", "none", "failed"),
    [
        ("staff", "staff_reply", "note_unverified", "quarantine"),
        ("staff_without_token", "note", "hold", "quarantine"),
        ("participant", "reply", "reply_unverified", "hold"),
        ("subscriber", "hold", "hold", "quarantine"),
        ("unknown", "hold", "hold", "quarantine"),
        ("nobody", "new", "new_unlinked", "new_marked"),
    ],
)
def test_the_table_of_who_may_write_is_that_of_the_rules(sender, passed, none, failed):
    results = authentication.Authentication
    for result, wanted in ((results.PASS, passed), (results.NONE, none), (results.FAIL, failed)):
        assert decide(Sender(sender), authentication.Verified(result)) == wanted


def test_the_table_of_who_may_write_leaves_what_matches_nothing_and_fails_to_its_domain():
    failed = authentication.Authentication.FAIL
    for wish, wanted in (("reject", "quarantine"), ("quarantine", "quarantine"), ("none", "new_marked")):
        assert decide(Sender.NOBODY, authentication.Verified(failed, wish)) == wanted


def test_E4_own_mail_is_told_before_blocks_and_blocks_before_anything_is_matched(post, thread, filled):
    BlockedSender.objects.create(address="dana@home.example", blocked_by="Bob")
    blocked = post.take(mail("e4"), to=filled("%%REPLY_TO%%"))
    assert (blocked.state, blocked.rule, blocked.ticket) == ("quarantined", "E4", None)
    own = post.take(mail("e4b", more=filled("X-BOSS-Origin: %%ORIGIN%%\n")))
    assert (own.state, own.rule) == ("own", "L1")


def test_a_dkim_signature_is_verified_where_the_edge_says_nothing():
    import base64

    import dkim
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    records = {
        "s1._domainkey.home.example.": f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}",
        "_dmarc.home.example": "v=DMARC1; p=reject",
    }
    raw = b"From: dana@home.example\r\nTo: help@alpha.example\r\nSubject: hi\r\n\r\nWords.\r\n"
    signed = dkim.sign(raw, b"s1", b"home.example", pem) + raw

    def result(data: bytes) -> authentication.Verified:
        return authentication.authenticate(parsing.parse(data), data, authserv_id="", resolver=records.get)

    assert result(signed).result == "pass"
    changed = result(signed.replace(b"Words.", b"Other."))
    assert (changed.result, changed.policy, changed.is_refused_by_domain) == ("fail", "reject", True)
    assert result(raw.replace(b"home.example", b"nowhere.example")).result == "none"


def test_tickets_opened_by_mail_belong_to_alpha_alone(post, in_beta, dana):
    post.take(FIRST)
    with in_beta():
        assert not Ticket.objects.exists() and not InboundMail.objects.exists()


def test_staff_without_the_right_to_answer_are_held(post, thread, cast, system, filled):
    from boss.tenancy.models import RoleGrant

    RoleGrant.objects.filter(user=cast.alice).delete()
    got = post.take(mail("noright", "alice@alpha.example"), "alice@alpha.example", filled("%%ALICE_REPLY_TO%%"))
    assert got.state == "held" and got.message is None


def test_M6_mail_that_answers_a_merged_ticket_lands_on_the_one_that_goes_on(post, thread, dana, cast, filled, system):
    goes_on = tickets.open(actor=system, category_key="care", title="The same matter", requester=dana)
    tickets.merge(actor=actor_of(cast.bob), tickets=[thread.ticket], into=goes_on, confirmed=True)
    by_address = post.take(mail("m6a", body="To the signed address"), to=filled("%%REPLY_TO%%"))
    by_id = post.take(mail("m6b", more=f"In-Reply-To: <{thread.sent.mail_id}>\n", body="To our id"))
    by_tag = post.take(mail("m6c", body="By the tag").replace(b"Matter m6c", filled("Re: %%TAG%%").encode()))
    for got, rule in ((by_address, "M1"), (by_id, "M2"), (by_tag, "M5")):
        assert (got.state, got.rule, got.ticket) == ("applied", rule, goes_on), got.trace
        assert any(row["what"] == "merged" for row in got.trace)
    stranger = post.take(mail("m6d", sender="eve@else.example"), to=filled("%%REPLY_TO%%"))
    assert (stranger.state, stranger.ticket) == ("held", goes_on)


def test_M6_an_answer_to_a_closed_ticket_is_linked_to_it_as_its_follow_up(post, thread, cast, filled):
    bob = actor_of(cast.bob)
    tickets.close(actor=bob, ticket=tickets.resolve(actor=bob, ticket=thread.ticket))
    got = post.take(mail("m6e", body="It is slow again"), to=filled("%%REPLY_TO%%"))
    assert got.state == "applied" and got.ticket != thread.ticket
    (link,) = TicketRelation.objects.all()
    assert (link.ticket, link.type, link.other) == (got.ticket, "follow_up_of", thread.ticket)


def test_S2_whoever_writes_a_mail_waits_for_an_answer_and_a_machine_does_not(post, system, cast):
    promise = policies.create(actor=system, kind="sla", key="answer", name="Answer")
    policies.draft(actor=system, policy=promise, rules={"rows": [{"calendar": "", "targets": {"first": 3600}}]})
    policies.publish(actor=system, policy=promise)
    policies.use(actor=system, policy=promise, category=None)
    asked = post.take(FIRST).ticket
    alarm = b"From: Alarm <a@net.example>\nSubject: Down\nAuto-Submitted: auto-generated\n\nDown\n"
    told = post.take(alarm, "a@net.example", "alarms@alpha.example").ticket
    assert [(each.ticket, each.kind, each.state) for each in SlaClock.objects.all()] == [(asked, "first", "running")]
    assert told is not None
    tickets.add_message(actor=actor_of(cast.bob), ticket=asked, body="Please restart it")
    assert SlaClock.objects.get().state == "met"
