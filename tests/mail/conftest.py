"""A provider with two mailboxes, Dana and Erin who are known, and a ticket of Dana's that has been answered by mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from boss.core.actors import Actor
from boss.tenancy.models import User
from tests.cast import actor_of, make_user
from ticketing import handlers
from ticketing.events import MessageAdded
from ticketing.mail import tokens
from ticketing.models import InboundMail, Mailbox, Message, OutboundMail, Participant, Ticket
from ticketing.services import categories, pools, tickets
from ticketing.services.mail import intake, keys, mailboxes

EDGE = "mx.alpha.example"
"""The name of the mail server before BOSS."""


@dataclass
class Post:
    """The mail room: its boxes, and how a mail is handed in at them."""

    help: Mailbox
    alarms: Mailbox

    def take(self, raw: bytes, sender: str = "dana@home.example", to: str = "help@alpha.example") -> InboundMail:
        return intake.receive(raw, envelope_from=sender, envelope_to=to)


@pytest.fixture(autouse=True)
def _edge(settings) -> None:
    settings.BOSS_MAIL_AUTHSERV_ID = EDGE


@pytest.fixture
def post(alpha, system) -> Post:
    return make_post(system)


def make_post(system: Actor) -> Post:
    pool = pools.create(actor=system, key="noc", name="Network")
    care = categories.create(
        actor=system, key="care", name="Customer care", default_pool=pool, portal_visible=True, number_prefix="nf"
    )
    alarm = categories.create(actor=system, key="alarm", name="Alarms", kind="incident", default_pool=pool)
    return Post(
        mailboxes.define(actor=system, address="help@alpha.example", category=care),
        mailboxes.define(actor=system, address="alarms@alpha.example", category=alarm, accepts_automatic=True),
    )


@pytest.fixture
def dana(cast) -> User:
    """A subscriber of alpha."""
    return make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def erin(cast) -> User:
    """Another subscriber: Dana's neighbour."""
    return make_user(cast.alpha, "erin@home.example", "Erin Eads", "subscriber", kind="subscriber", own=True)


@dataclass
class Thread:
    """Dana's ticket, Bob's answer to it by mail, and Alice who was written to about it, too."""

    ticket: Ticket
    sent: OutboundMail
    to_alice: OutboundMail
    strange: Ticket

    def words(self) -> dict[str, str]:
        """What stands in mails that answer: signed addresses and ids."""
        ring = keys.keyring()

        def address(sent: OutboundMail) -> str:
            participant = Participant.objects.get(pk=sent.participant_id)
            return tokens.reply_address(
                ring, "help@alpha.example", ticket=self.ticket.public_id, participant=participant.public_id
            )

        stolen = address(self.sent)
        local, _at, domain = stolen.partition("@")
        return {
            "REPLY_TO": stolen,
            "ALICE_REPLY_TO": address(self.to_alice),
            "FORGED_REPLY_TO": f"{local[:-4]}aaaa@{domain}",
            "OUR_ID": self.sent.mail_id,
            "FORGED_ID": f"boss.t.{self.sent.public_id}.3.aaaaaaaaaaaaaaaa@alpha.example",
            "VERP": tokens.bounce_address(ring, "alpha.example", self.sent.public_id),
            "FORGED_VERP": f"b+{self.sent.public_id}.aaaaaaaaaaaaaaaa@alpha.example",
            "ORIGIN": tokens.origin(ring, "alpha"),
            "FIRST_ID": "first-0001@home.example",
            "NUMBER": self.ticket.number,
            "TAG": f"[{self.ticket.number.replace('-', ' #')}]",
            "OTHER_TAG": f"[{self.strange.number.replace('-', ' #')}]",
        }


FIRST = b"""From: Dana Dean <dana@home.example>
To: help@alpha.example
Subject: Internet is slow since this morning
Message-ID: <first-0001@home.example>
Date: Mon, 30 Nov 2026 08:12:44 -0600
Authentication-Results: mx.alpha.example; dmarc=pass header.from=home.example
Content-Type: text/plain; charset=utf-8

Pages take minutes to load. Cable modem shows all lights.
Dana
"""


def pass_on(message: Message) -> list[OutboundMail]:
    """What follows from the fact that it was said, and the mails that came of it."""
    handlers.pass_on_answer(MessageAdded(ticket_id=message.ticket_id, message_id=message.pk))
    return list(OutboundMail.objects.filter(message=message).order_by("pk"))


@pytest.fixture
def thread(post: Post, dana, erin, cast, system) -> Thread:
    """Dana has written, Bob has answered, Alice was put in copy; and Erin has a ticket of her own."""
    ticket = post.take(FIRST).ticket
    from ticketing.choices import ParticipantRole
    from ticketing.mail.neutral import Address
    from ticketing.services.mail import participants

    alice = Address("alice@alpha.example", "Alice Able")
    participants.join(ticket, alice, actor=system, role=ParticipantRole.STAFF, user=cast.alice)
    message = tickets.add_message(actor=actor_of(cast.bob), ticket=ticket, body="Please restart the modem.")
    sent = {each.address: each for each in pass_on(message)}
    strange = tickets.open(
        actor=system, category_key="care", title="Erin's own", body="", requester=erin, data={}
    )  # fmt: skip
    return Thread(ticket, sent["dana@home.example"], sent["alice@alpha.example"], strange)


@pytest.fixture
def filled(thread: Thread) -> Callable[[str], str]:
    """Puts the thread's signed addresses and ids where a mail says ``%%REPLY_TO%%``."""
    words = thread.words()

    def fill(text: str) -> str:
        for name, value in words.items():
            text = text.replace(f"%%{name}%%", value)
        return text

    return fill
