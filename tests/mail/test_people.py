"""Rules E7 and M7: who takes part in a ticket is decided by the staff, and nobody signs in as the desk itself."""

from __future__ import annotations

import pytest
from django.core import mail as outbox

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.portals.signup.forms import YouForm
from boss.tenancy.errors import BadInvitation
from boss.tenancy.models import Organization, User
from boss.tenancy.services import email_addresses, users
from subscribers.contact import ContactDetails
from subscribers.models import Account
from subscribers.services import accounts
from tests.cast import actor_of
from tests.mail.conftest import pass_on
from ticketing.errors import ParticipantSettled
from ticketing.mail import tokens
from ticketing.mailroom import list_waiting_people
from ticketing.models import Message, OutboundMail, Participant, Ticket
from ticketing.selectors import list_messages
from ticketing.services import tickets
from ticketing.services.mail import keys, letting_in

PASSED = b"Authentication-Results: mx.alpha.example; dmarc=pass\n"
FORWARD = (
    PASSED
    + b"From: bob@alpha.example\nSubject: Fwd: no dial tone\nMessage-ID: <fwd@alpha.example>\n\n"
    + b"She is never polite.\n\nFrom: Greta Green <greta@farm.example>\n\nThe phone is dead.\n"
)


def offered(post) -> Participant:
    got = post.take(FORWARD, "bob@alpha.example")
    return Participant.objects.select_related("ticket").get(ticket=got.ticket)


@pytest.mark.parametrize("kind", ["subscriber", "contact"])
def test_E7_nobody_gets_a_portal_account_with_an_address_of_the_desk(post, alice, cast, kind):
    before, given = User.objects.count(), {}
    if kind == "contact":
        given = {"organization": Organization.objects.create(name="Oaks", kind="owner")}
    with pytest.raises(InvalidInput) as refused:
        users.create(actor=alice, email="Help+x@ALPHA.example", full_name="Mallory", kind=kind, **given)
    assert list(refused.value.fields) == ["email"] and User.objects.count() == before


def test_E7_staff_may_have_an_address_of_the_desk_and_so_may_customers_of_another_provider(
    post, alice, in_beta, charlie
):
    assert users.create(actor=alice, email="new@alpha.example", full_name="Nora", kind="staff").pk
    with in_beta():
        assert users.create(actor=charlie, email="x@alpha.example", full_name="Xaver", kind="subscriber").pk


def test_E7_nobody_changes_his_address_into_one_of_the_desk(post, dana, alice):
    with pytest.raises(InvalidInput):
        users.change_email(actor=alice, user=dana, email="any@alpha.example")
    presented = email_addresses.link(dana, "any@alpha.example").rstrip("/").rpartition("/")[2]
    with pytest.raises(BadInvitation):
        email_addresses.change(actor=actor_of(dana), presented=presented)
    dana.refresh_from_db()
    assert dana.email == "dana@home.example"


def test_E7_no_link_that_lets_somebody_in_is_mailed_to_the_desk(post, dana, browser_of):
    outbox.outbox.clear()
    answer = browser_of(dana).post("/account/email/", {"email": "help@alpha.example"})
    assert answer.status_code == 422 and "This address belongs to us" in answer.content.decode()
    assert outbox.outbox == []


def test_E7_sign_up_says_beside_the_field_that_the_address_is_the_desks(post, alpha, system):
    typed = {"full_name": "Mallory", "email": "help@alpha.example", "phone": "+1 555 555 0100", "method": "cash"}
    form = YouForm(typed, realm_id=alpha.pk)
    assert not form.is_valid() and list(form.errors) == ["email"]
    with pytest.raises(InvalidInput):
        accounts.open(actor=system, contact=ContactDetails("Mallory", "help@alpha.example", "+1 555 555 0100"))
    assert not Account.objects.exists()


def test_E7_mail_of_programs_on_an_unverified_senders_ticket_is_hidden_from_the_customers_side(post, dana, bob):
    ticket = post.take(b"From: dana@home.example\nSubject: Slow\nMessage-ID: <u1@home.example>\n\nSlow.\n").ticket
    assert ticket.requester is None  # not verified, so it is nobody's yet
    # The trick: somebody gives a shop the signed address he was given here, to read on the ticket what it sends.
    participant = Participant.objects.get(ticket=ticket).public_id
    address = tokens.reply_address(
        keys.keyring(), "help@alpha.example", ticket=ticket.public_id, participant=participant
    )  # fmt: skip
    code = b"From: no-reply@shop.example\nAuto-Submitted: auto-generated\nSubject: Your code\n\nYour code is 4711.\n"
    got = post.take(code, "", address)
    assert got.ticket == ticket and got.message.kind == "system"
    Ticket.objects.filter(pk=ticket.pk).update(requester=dana)  # even once somebody has said whose it is
    ticket.refresh_from_db()
    seen = [each.body for each in list_messages(actor_of(dana), ticket)]
    assert seen and not any("4711" in each for each in seen)
    assert any("4711" in each.body for each in list_messages(bob, ticket))


def held_copy(post, filled) -> Participant:
    raw = (
        b"From: dana@home.example\nTo: help@alpha.example\nCc: Leo <leo@home.example>\nMessage-ID: <cc@x>\n\nAnd Leo.\n"
    )
    post.take(PASSED + raw, to=filled("%%REPLY_TO%%"))
    return Participant.objects.select_related("ticket").get(email="leo@home.example")


def test_E7_whom_staff_let_in_is_written_to_from_the_next_answer_on(post, thread, filled, bob, system):
    leo = held_copy(post, filled)
    assert list(list_waiting_people(bob, thread.ticket)) == [leo]
    letting_in.let_in(actor=bob, participant=leo)
    assert not OutboundMail.objects.filter(address=leo.email).exists()
    message = tickets.add_message(actor=bob, ticket=thread.ticket, body="Soon.")
    pass_on(message)
    assert OutboundMail.objects.filter(address=leo.email).count() == 1
    assert not list_waiting_people(bob, thread.ticket).exists()


def test_E7_whom_staff_keep_out_stays_out_however_often_the_customer_names_him(post, thread, filled, bob):
    leo = held_copy(post, filled)
    letting_in.keep_out(actor=bob, participant=leo)
    post.take(
        PASSED + b"From: dana@home.example\nCc: leo@home.example\nMessage-ID: <cc2@x>\n\nLeo!\n",
        to=filled("%%REPLY_TO%%"),
    )
    leo.refresh_from_db()
    assert leo.state == "removed"
    with pytest.raises(ParticipantSettled):
        letting_in.let_in(actor=bob, participant=leo)


def test_E7_a_customer_lets_nobody_in(post, thread, filled, dana):
    leo, version = held_copy(post, filled), Ticket.objects.get(pk=thread.ticket.pk).version
    with pytest.raises(PermissionDenied):
        letting_in.let_in(actor=actor_of(dana), participant=leo)
    leo.refresh_from_db()
    assert leo.state == "held" and Ticket.objects.get(pk=thread.ticket.pk).version == version
    assert not list_waiting_people(actor_of(dana), thread.ticket).exists()


def test_M7_the_first_sender_of_what_staff_forward_is_offered_as_requester_and_nothing_is_sent(post, bob):
    greta = offered(post)
    assert (greta.email, greta.name, greta.role, greta.state) == (
        "greta@farm.example",
        "Greta Green",
        "requester",
        "held",
    )
    assert greta.ticket.requester is None and not OutboundMail.objects.exists() and outbox.outbox == []
    message = tickets.add_message(actor=bob, ticket=greta.ticket, body="We look into it.")
    assert pass_on(message) == []


def test_M7_made_the_requester_she_gets_the_next_answer_without_the_colleagues_words(post, bob, system):
    greta = offered(post)
    letting_in.let_in(actor=bob, participant=greta)
    message = tickets.add_message(actor=bob, ticket=greta.ticket, body="We look into it.")
    (sent,) = pass_on(message)
    assert sent.address == "greta@farm.example"
    assert "never polite" not in sent.delivery.message.text
    assert Message.objects.get(ticket=greta.ticket, seq__lt=message.seq).kind == "internal"


def test_M7_who_signs_in_with_that_address_has_the_ticket_as_his_own(post, bob, dana):
    raw = FORWARD.replace(b"Greta Green <greta@farm.example>", b"dana@home.example")
    post.take(raw, "bob@alpha.example")
    letting_in.let_in(actor=bob, participant=Participant.objects.select_related("ticket").get())
    ticket = Ticket.objects.get()
    assert ticket.requester == dana
    assert [each.body for each in list_messages(actor_of(dana), ticket)] == []
