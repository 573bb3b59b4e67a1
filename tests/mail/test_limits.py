"""Rule E3 as the provider sets it: what is read of a mail, and how what was too large comes all the same."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import replace

import pytest
from django.core import mail as outbox
from django.core import signing

from boss.core import clock
from boss.core.files import Upload
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.services import deliveries
from tests.portals.visiting import hidden, message_beside, words
from ticketing import mail_limits, upload_links
from ticketing.errors import BadUploadLink, TicketClosed, TooManyUploads
from ticketing.mail_limits import USUAL
from ticketing.models import Attachment, InboundMail, Message, OutboundMail, Participant, TicketEvent
from ticketing.services import attaching, tickets
from ticketing.services.mail import limiting, uploading, wording

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
HEAD = """Authentication-Results: mx.alpha.example; dmarc=pass
From: Dana Dean <dana@home.example>
To: help@alpha.example
Subject: Photos of the mast
Message-ID: <%s@home.example>
MIME-Version: 1.0
Content-Type: %s

%s
"""


def mail(number: str, body: str = "Words.", kind: str = "text/plain") -> bytes:
    return (HEAD % (number, kind, body)).encode()


def with_files(number: str, count: int, size: int = 30) -> bytes:
    part = "--mark\nContent-Type: text/plain\nContent-Disposition: attachment; filename=%d.txt\n\n%s\n"
    parts = "".join(part % (n, f"{n}" * size) for n in range(count))
    return mail(number, f"--mark\n\nLook\n{parts}--mark--\n", 'multipart/mixed; boundary="mark"')


def large(number: str) -> bytes:
    return mail(number, "x" * (1024 * 1024 + 1))


@pytest.fixture
def small(post, system) -> None:
    """The provider takes no more than one MiB."""
    limiting.set_limits(actor=system, wanted=replace(USUAL, raw_mib=1, attachment_mib=1))


def notice(sent: OutboundMail) -> str:
    outbox.outbox.clear()
    deliveries.deliver(sent.realm_id, sent.delivery_id)
    return str(outbox.outbox[0].body)


def link_in(text: str) -> str:
    found = re.search(r"/upload/[^\s/]+/", text)
    assert found is not None, text
    return found[0]


@pytest.fixture
def link(small, post, dana) -> str:
    """The path in the notice about Dana's large mail, which opened a ticket of its own."""
    post.take(large("big"))
    return link_in(notice(OutboundMail.objects.get(kind="too_large")))


def named(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


# What is read


def test_a_mail_over_the_providers_limit_is_a_stub_and_one_below_is_read(small, post, dana):
    got, whole = post.take(large("one")), post.take(mail("two"))
    assert "too large to be taken in" in got.message.body and bytes(got.raw.content) == large("one")
    assert whole.message.body == "Words."


def test_a_provider_may_take_more_and_fewer_files_than_usual_and_never_more_than_its_pages_do(post, dana, system):
    limiting.set_limits(actor=system, wanted=replace(USUAL, attachments=2))
    got = post.take(with_files("one", 3))
    assert [each.name for each in got.message.attachments.order_by("id")] == ["0.txt", "1.txt"]
    assert "[2.txt, text/plain, 30 bytes, not kept: too many files]" in got.message.body
    limiting.set_limits(actor=system, wanted=replace(USUAL, attachments=40))
    assert post.take(with_files("two", 25)).message.attachments.count() == 20
    attaching.set_limits(actor=system, count=25, file_mib=15, total_mib=25, mail_mib=15)
    assert post.take(with_files("three", 25)).message.attachments.count() == 25


def test_what_the_provider_lets_be_read_is_also_put_on_the_ticket(post, dana, system):
    """The parts are counted twice: when a mail is read, and when its files are taken out."""
    limiting.set_limits(actor=system, wanted=replace(USUAL, parts=300, attachments=2))
    got = post.take(with_files("many", 250))
    assert got.state == "applied" and got.message.attachments.count() == 2
    limiting.set_limits(actor=system, wanted=replace(USUAL, parts=100))
    assert post.take(with_files("too many", 250)).state == "quarantined"


def test_only_who_sets_up_mailboxes_sets_limits_and_within_the_houses_own(post, bob, system, alpha):
    with pytest.raises(PermissionDenied):
        limiting.set_limits(actor=bob, wanted=replace(USUAL, raw_mib=1))
    with pytest.raises(InvalidInput) as refused:
        limiting.set_limits(actor=system, wanted=replace(USUAL, raw_mib=500, depth=1000, parts=0))
    assert set(refused.value.fields) == {"raw_mib", "depth", "parts"}
    with pytest.raises(InvalidInput) as refused:
        limiting.set_limits(actor=system, wanted=replace(USUAL, raw_mib=2))
    assert set(refused.value.fields) == {"attachment_mib"}
    assert mail_limits.of_realm(alpha.pk) == USUAL


def test_limits_are_set_on_a_page_and_on_the_api_and_recorded(post, cast, alpha, browser_of):
    admin = browser_of(cast.alice)
    typed = replace(USUAL, raw_mib=10, attachment_mib=5).to_json()
    assert admin.post("/console/mailboxes/limits/", typed).status_code == 302
    assert mail_limits.of_realm(alpha.pk).to_json() == typed
    row = AuditEntry.objects.get(action="realm.mail_limits_changed")
    assert row.before["raw_mib"] == 25 and row.after["raw_mib"] == 10
    refused = admin.post("/console/mailboxes/limits/", typed | {"raw_mib": 900})
    assert refused.status_code == 422 and 'value="900"' in refused.content.decode()
    address = "/api/v1/ticketing/mail-limits/"
    set_again = admin.post(address, typed | {"raw_mib": 12}, content_type="application/json")
    assert set_again.json()["raw_mib"] == 12 == admin.get(address).json()["raw_mib"]
    assert browser_of(cast.bob).get("/console/mailboxes/limits/").status_code == 403


# How what was too large comes all the same


def test_the_notice_says_the_limit_and_carries_a_link_by_which_files_are_put_on_the_ticket(link, browser_of):
    text = str(outbox.outbox[0].body)
    assert "larger than we can take in (1 MB)" in text and "good for 7 days" in text
    visitor = browser_of()
    page = visitor.get(link)
    assert page.status_code == 200 and "Photos of the mast" in words(page) and "noindex" in page["X-Robots-Tag"]
    assert Message.objects.count() == 1  # looking does nothing
    form = hidden(page) | {"body": "Here they are", "files": [named("mast.png", PNG), named("log.txt", b"down")]}
    sent = visitor.post(link, form)
    assert sent.status_code == 200 and "We have: mast.png, log.txt" in words(sent)
    message = Message.objects.latest("id")
    assert (message.body, message.from_customer, message.author_label) == ("Here they are", True, "Dana Dean")
    assert {each.name for each in message.attachments.all()} == {"mast.png", "log.txt"}
    assert TicketEvent.objects.latest("id").after["files"] == 2
    # The button clicked twice sends once.
    visitor.post(link, form | {"files": [named("mast.png", PNG)]})
    assert Message.objects.count() == 2


def test_files_reopen_a_ticket_as_an_answer_does_and_a_closed_one_takes_none(link, system, browser_of):
    ticket = InboundMail.objects.get().ticket
    tickets.resolve(actor=system, ticket=ticket)
    browser_of().post(link, {"files": [named("a.png", PNG)]})
    ticket.refresh_from_db()
    assert ticket.state == "open"
    tickets.close(actor=system, ticket=tickets.resolve(actor=system, ticket=ticket))
    page = browser_of().get(link)
    assert "is closed and takes no files any more" in words(page) and 'type="file"' not in page.content.decode()
    token = link.split("/")[2]
    with pytest.raises(TicketClosed):
        uploading.upload(presented=token, files=[Upload.made("b.png", PNG)])
    assert Attachment.objects.count() == 1


def test_bad_input_is_refused_beside_the_box_and_nothing_is_written(link, system, browser_of):
    visitor = browser_of()
    none = visitor.post(link, {"body": "Here"})
    assert none.status_code == 422 and "choose at least one file" in message_beside(none, "files")
    assert ">Here</textarea>" in none.content.decode().replace("\n", "")
    program = visitor.post(link, {"files": [named("setup.exe", b"MZ")]})
    assert program.status_code == 422 and "is a program" in message_beside(program, "files")
    assert Message.objects.count() == 1 and not Attachment.objects.exists()


def test_a_link_is_good_for_a_week_for_one_ticket_and_for_nothing_else(
    link, post, dana, browser_of, in_beta, monkeypatch
):
    token, visitor = link.split("/")[2], browser_of()
    mine = Participant.objects.get(email="dana@home.example")
    others = [
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        signing.dumps([mine.realm_id, mine.public_id, 2**40], salt="outage"),
        signing.dumps([mine.realm_id + 1, mine.public_id, 2**40], salt="ticketing.upload"),
        signing.dumps("nonsense", salt="ticketing.upload"),
    ]
    for wrong in others:
        assert visitor.post(f"/upload/{wrong}/", {"files": [named("a.png", PNG)]}).status_code == 404
    with in_beta(), pytest.raises(BadUploadLink):
        uploading.get_invited(token)
    assert visitor.get(f"/my/tickets/{mine.ticket.public_id}/").status_code == 302  # it signs nobody in
    late = clock.now() + dt.timedelta(days=7)
    monkeypatch.setattr(clock, "now", lambda: late)
    gone = visitor.get(link)
    assert gone.status_code == 404 and "not valid any more" in words(gone)
    assert not Attachment.objects.exists()


def test_who_takes_part_no_longer_has_no_link_any_more(link, browser_of):
    Participant.objects.update(state="removed")
    assert browser_of().get(link).status_code == 404


def test_files_are_sent_so_often_a_day_and_no_more(link, monkeypatch):
    monkeypatch.setattr(uploading, "MOST_A_DAY", 1)
    token = link.split("/")[2]
    one = [Upload.made("a.png", PNG)]
    uploading.upload(presented=token, files=one)
    with pytest.raises(TooManyUploads):
        uploading.upload(presented=token, files=one)
    assert Attachment.objects.count() == 1


def test_the_staff_are_sent_to_the_console_and_given_no_link(small, post, thread, filled, system):
    post.take(large("staff").replace(b"dana@home.example", b"alice@alpha.example"), "alice@alpha.example")
    assert all("/upload/" not in notice(each) for each in OutboundMail.objects.filter(kind="too_large"))


def test_the_providers_own_words_may_carry_the_link(small, post, dana, system):
    body = "Too much, {{ customer_name }}. Send it here: {{ upload_link }}"
    wording.keep(actor=system, place=wording.Place("too_large", "en"), body=body)
    post.take(large("big"))
    text = notice(OutboundMail.objects.get(kind="too_large"))
    assert "Too much, Dana" in text and upload_links.read(link_in(text).split("/")[2]) is not None
