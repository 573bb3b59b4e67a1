"""The pages of held mail and mailboxes."""

from __future__ import annotations

import pytest

from tests.mail.conftest import make_post
from ticketing.models import BlockedSender, InboundMail, Mailbox, MailSource, Ticket
from ticketing.services.mail import intake, sources

SCRIPT = b"From: Robot <no-reply@shop.example>\nSubject: <script>alert(1)</script>\n\n<script>alert(2)</script>\n"


@pytest.fixture
def held(alpha, system) -> InboundMail:
    """A program's mail in quarantine, with a script where one can be."""
    make_post(system)
    return intake.receive(SCRIPT, envelope_from="no-reply@shop.example", envelope_to="help@alpha.example")


def test_the_list_says_why_each_mail_waits(held, cast, browser_of):
    text = browser_of(cast.bob).get("/console/mail/").content.decode()
    assert "no-reply@shop.example" in text and "Mail of programs opens no tickets here." in text


def test_the_raw_mail_is_shown_as_text_and_nothing_of_it_is_rendered(held, cast, browser_of):
    text = browser_of(cast.bob).get(f"/console/mail/{held.public_id}/").content.decode()
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in text and "<script>alert" not in text


def test_a_mail_becomes_a_ticket_by_a_button(held, cast, browser_of):
    answer = browser_of(cast.bob).post(f"/console/mail/{held.public_id}/settle/", {"deed": "split"})
    held.refresh_from_db()
    assert answer.status_code == 302 and held.state == "applied" and Ticket.objects.get(pk=held.ticket_id)


def test_a_sender_is_blocked_by_a_button_and_nonsense_does_nothing(held, cast, browser_of):
    bob = browser_of(cast.bob)
    bob.post(f"/console/mail/{held.public_id}/settle/", {"deed": "explode"})
    held.refresh_from_db()
    assert held.state == "quarantined"
    bob.post(f"/console/mail/{held.public_id}/settle/", {"deed": "block"})
    assert BlockedSender.objects.get().address == "no-reply@shop.example"
    assert "no-reply@shop.example" in bob.get("/console/mail/").content.decode()
    bob.post("/console/mailboxes/unblock/", {"address": "no-reply@shop.example"})
    assert not BlockedSender.objects.exists()


def test_a_mailbox_is_added_and_a_wrong_address_is_told_beside_its_field(held, cast, browser_of):
    alice = browser_of(cast.alice)
    wrong = alice.post("/console/mailboxes/new/", {"address": "nonsense", "category": "care", "is_active": "on"})
    assert wrong.status_code == 422 and "Enter an e-mail address." in wrong.content.decode()
    taken = alice.post("/console/mailboxes/new/", {"address": "help@alpha.example", "category": "care"})
    assert taken.status_code == 409 and Mailbox.objects.count() == 2
    right = alice.post(
        "/console/mailboxes/new/", {"address": "sales@alpha.example", "category": "care", "is_active": "on"}
    )
    assert right.status_code == 302 and Mailbox.objects.get(address="sales@alpha.example").is_active


def test_a_mail_of_another_provider_is_not_there(held, cast, browser_of):
    assert browser_of(cast.charlie).get(f"/console/mail/{held.public_id}/").status_code == 404


FETCHED = {
    "host": "imap.old.example", "security": "tls", "port": "993", "username": "help", "sign_in": "password",
    "password": "tulip-9-harbour",
    "folder": "INBOX", "after": "seen", "move_to": "", "every_seconds": "60", "is_active": "on",
}  # fmt: skip


@pytest.fixture
def box(alpha, system) -> Mailbox:
    return make_post(system).help


def test_a_mailbox_elsewhere_is_set_up_and_its_password_is_sealed_and_never_shown(box, cast, browser_of):
    alice, place = browser_of(cast.alice), f"/console/mailboxes/of/{box.public_id}/fetching/"
    assert alice.post(place, FETCHED).status_code == 302
    source = MailSource.objects.get()
    assert "tulip" not in source.password_sealed and sources.password_of(source) == FETCHED["password"]
    assert "tulip" not in alice.get(place).content.decode()

    # Left empty it stays; for another user at the server it does not.
    assert alice.post(place, FETCHED | {"password": "", "folder": "Support"}).status_code == 302
    source.refresh_from_db()
    assert (source.folder, sources.password_of(source)) == ("Support", FETCHED["password"])
    refused = alice.post(place, FETCHED | {"password": "", "username": "other"})
    assert refused.status_code == 422 and "Enter the password at the mail server." in refused.content.decode()
    source.refresh_from_db()
    assert source.username == "help"

    assert alice.post(f"{place}end/").status_code == 302
    assert not MailSource.objects.exists()


def test_what_goes_wrong_in_fetching_stands_on_the_mailboxs_page(box, cast, browser_of, system):
    sources.define(actor=system, mailbox=box, host="imap.old.example", username="help", password="x")
    MailSource.objects.update(error="imap.old.example: no connection")
    alice = browser_of(cast.alice)
    assert "imap.old.example: no connection" in alice.get(f"/console/mailboxes/of/{box.public_id}/").content.decode()
    assert "cannot be fetched" in alice.get("/console/mailboxes/").content.decode()


def test_who_may_not_set_up_mailboxes_sets_up_no_fetching(box, cast, browser_of):
    answer = browser_of(cast.bob).post(f"/console/mailboxes/of/{box.public_id}/fetching/", FETCHED)
    assert answer.status_code == 403 and not MailSource.objects.exists()
