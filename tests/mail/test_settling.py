"""Held mail and quarantine: what people decide, and who may."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of, make_user
from ticketing.errors import KeyTaken, MailSettled
from ticketing.models import BlockedSender, InboundMail, Mailbox, Participant, Ticket
from ticketing.services.mail import mailboxes, settling

STRANGER = b"From: Greta Green <greta@farm.example>\nSubject: Re: slow\nMessage-ID: <g%d@farm.example>\n\nMe, too.\n"


@pytest.fixture
def held(post, thread, filled) -> InboundMail:
    """A stranger's mail to Dana's signed address."""
    got = post.take(STRANGER % 1, "greta@farm.example", filled("%%REPLY_TO%%"))
    assert got.state == "held"
    return got


def test_accepted_mail_is_on_the_ticket_in_its_senders_name(held, thread, bob):
    settling.accept(actor=bob, mail=held)
    held.refresh_from_db()
    assert (held.state, held.message.body, held.message.kind) == ("applied", "Me, too.", "public")
    assert held.message.author_label == "Greta Green <greta@farm.example>"
    assert not Participant.objects.filter(email="greta@farm.example").exists()


def test_accepted_as_participant_the_next_mail_comes_through(held, thread, post, bob, filled):
    settling.accept(actor=bob, mail=held, as_participant=True)
    again = post.take(STRANGER % 2 + b"More.", "greta@farm.example", filled("%%REPLY_TO%%"))
    assert (again.state, again.ticket_id) == ("applied", thread.ticket.pk)


def test_split_mail_is_a_ticket_of_its_own(held, thread, bob):
    version = Ticket.objects.get(pk=thread.ticket.pk).version
    settling.split(actor=bob, mail=held)
    held.refresh_from_db()
    assert held.ticket_id != thread.ticket.pk and held.state == "applied"
    assert Ticket.objects.get(pk=thread.ticket.pk).version == version


def test_a_blocked_senders_next_mail_is_in_quarantine(held, post, bob):
    settling.block(actor=bob, mail=held)
    assert post.take(STRANGER % 3, "greta@farm.example").state == "quarantined"
    settling.unblock(actor=bob, address="greta@farm.example")
    assert post.take(STRANGER % 4, "greta@farm.example").state == "applied"


def test_a_mail_is_decided_once(held, bob):
    settling.discard(actor=bob, mail=held)
    with pytest.raises(MailSettled):
        settling.accept(actor=bob, mail=held)


def test_accepting_never_speaks_in_the_name_of_staff(post, thread, filled, bob, cast):
    raw = b"Authentication-Results: mx.alpha.example; dmarc=fail\nFrom: Alice <alice@alpha.example>\nSubject: x\n\nHi\n"
    got = post.take(raw, "x@bad.example", filled("%%REPLY_TO%%"))
    assert got.state == "quarantined"
    settling.accept(actor=bob, mail=got)
    got.refresh_from_db()
    assert (got.message.author_kind, got.message.author_id) == ("visitor", None)


@pytest.mark.parametrize("deed", [settling.accept, settling.split, settling.block, settling.discard])
def test_who_may_only_read_it_decides_nothing(held, cast, deed):
    fred = actor_of(make_user(cast.alpha, "fred@alpha.example", "Fred Field", "field_technician"))
    before = Ticket.objects.count()
    with pytest.raises(PermissionDenied):
        deed(actor=fred, mail=held)
    held.refresh_from_db()
    assert held.state == "held" and Ticket.objects.count() == before and not BlockedSender.objects.exists()


def test_mail_at_no_ticket_cannot_be_accepted(post, bob):
    got = post.take(b"From: no-reply@x.example\nSubject: x\n\nx\n", "no-reply@x.example")
    with pytest.raises(InvalidInput):
        settling.accept(actor=bob, mail=got)


def test_an_address_belongs_to_one_provider_only(post, in_beta, charlie):
    from ticketing.services import categories

    with in_beta():
        theirs = categories.create(actor=charlie, key="care", name="Care")
        with pytest.raises(KeyTaken):
            mailboxes.define(actor=charlie, address="help@alpha.example", category=theirs)
        assert not Mailbox.objects.exists()


def test_only_who_sets_up_mailboxes_defines_one(post, bob):
    with pytest.raises(PermissionDenied):
        mailboxes.define(actor=bob, address="more@alpha.example", category=post.help.category)
    assert Mailbox.objects.count() == 2
