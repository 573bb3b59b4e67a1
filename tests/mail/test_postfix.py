"""A real Postfix before BOSS and a real Dovecot for the customers: the whole way there and back, with what goes wrong.

Postfix takes what is written to ``help@help.alpha.example`` and hands it to BOSS by LMTP; BOSS sends through the same
Postfix. Workers and the clock are played by :func:`Desk.works`, so that the test says when they run.
"""

from __future__ import annotations

import contextlib
import email
import imaplib
import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from typing import Any

import pytest
from django.db import connections

from boss.core import relay, scoping
from boss.core.actors import Actor
from boss.notify import tasks as notify
from boss.platform.servers import Servers
from ipservices.labs import HOST
from ipservices.mailing import crypt
from ipservices.mailing.lab.servers import MailLab
from tests.cast import Cast, actor_of
from tests.faults.conftest import in_a_run_of_its_own, own_servers  # noqa: F401 - a fixture
from tests.labs import Labs
from ticketing import lmtp, tasks
from ticketing.choices import ParticipantRole
from ticketing.mail.neutral import Address
from ticketing.models import InboundMail, OutboundMail, RawMail, Ticket
from ticketing.services import categories, pools, tickets
from ticketing.services.mail import intake, limits, mailboxes, participants

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

HELP = "help@help.alpha.example"
DANA = "dana@homes.example"
ROBOT = "robot@homes.example"
LEO = "leo@homes.example"
GONE = "gone@nowhere.example"
PASSWORD = "correct horse"
PATIENCE_SECONDS = 60.0


@dataclass
class Desk:
    """Alpha's desk behind Postfix."""

    lab: MailLab
    realm_id: int
    door: lmtp.LmtpServer

    @contextlib.contextmanager
    def realm(self) -> Iterator[Actor]:
        with scoping.realm_transaction(self.realm_id):
            yield Actor.system(self.realm_id)

    def works(self) -> None:
        """What workers do: read mail, tell others what happened, send mail."""
        tasks.sweep_mail()
        relay.deliver_due(self.realm_id)
        notify.sweep()

    def until(self, holds: Callable[[], Any]) -> Any:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (found := holds()):
            assert time.monotonic() < ends, self.log()
            self.works()
            time.sleep(0.1)
        return found

    def log(self) -> str:
        return (self.lab.home / "postfix/maillog").read_text()[-3000:]

    def inbound(self, **wanted: Any) -> list[InboundMail]:
        with self.realm():
            return list(InboundMail.objects.filter(**wanted).select_related("ticket").order_by("id"))

    def letters(self, who: str) -> list[EmailMessage]:
        """What lies in somebody's mailbox, read by IMAP."""
        client = imaplib.IMAP4(HOST, self.lab.ports["imap"], timeout=10)
        try:
            client.login(who, PASSWORD)
            client.select(readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            raw: list[Any] = [client.fetch(each, "(BODY.PEEK[])")[1][0] for each in numbers]
        finally:
            client.shutdown()
        return [email.message_from_bytes(each[1], policy=policy.default) for each in raw]  # type: ignore[misc]

    def writes(self, mail: EmailMessage, who: str = DANA) -> None:
        """Somebody's mail program sends a mail, signed in at the submission port."""
        with smtplib.SMTP(HOST, self.lab.ports["submission"], timeout=20) as client:
            client.login(who, PASSWORD)
            client.send_message(mail, from_addr=who, to_addrs=[parseaddr(mail["To"])[1]])


def letter(subject: str, text: str, *, to: str = HELP, sender: str = DANA, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Dana Dean <{sender}>", to, subject
    mail["Message-ID"] = make_msgid(domain="homes.example")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


@pytest.fixture
def desk(real_db: str, cast: Cast, labs: Labs, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    lab = labs.of("mail_postfix_dovecot", "desk")
    move_in(lab)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = HOST, lab.ports["inner"]
    settings.BOSS_MAIL_VERIFY = False
    monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
    system = Actor.system(cast.alpha.pk)
    with scoping.realm_transaction(cast.alpha.pk):
        pool = pools.create(actor=system, key="noc", name="Network")
        care = categories.create(actor=system, key="care", name="Care", default_pool=pool, portal_visible=True)
        mailboxes.define(actor=system, address=HELP, category=care)
    door = lmtp.server(HOST, lab.ports["desk"])
    door.start()
    yield Desk(lab, cast.alpha.pk, door)
    door.stop()
    subprocess.run(["postsuper", "-c", f"{lab.home}/postfix/etc", "-d", "ALL"], check=True, capture_output=True)


def move_in(lab: Any) -> None:
    """Dana, a robot and Leo have mailboxes at their own provider, which is the same Postfix; they are empty. Leo's
    forwards to an address that is no more."""
    hashed = crypt.sha512_crypt(PASSWORD)
    with lab.sql.connect(lab.database) as connection:
        connection.execute("DELETE FROM mailbox WHERE domain = 'homes.example'")
        connection.execute("INSERT INTO mail_domain VALUES ('homes.example') ON CONFLICT DO NOTHING")
        for address in (DANA, ROBOT, LEO):
            place = f"{address.partition('@')[0]}-{time.time_ns()}"
            connection.execute(
                "INSERT INTO mailbox (address, domain, service_ref, password, quota_mb, forward)"
                " VALUES (%s, 'homes.example', %s, %s, 100, %s)",
                (address, place, hashed, [GONE] if address == LEO else []),
            )
            connection.execute("INSERT INTO mailbox_name VALUES (%s, %s)", (address, address))


def test_a_customers_mail_an_answer_and_the_answer_to_it_are_one_ticket(desk: Desk, cast: Cast) -> None:
    desk.writes(letter("Internet is slow", "Since this morning."))
    [first] = desk.until(lambda: desk.inbound(state="applied"))
    assert (first.sender, first.envelope_to, first.rule) == (DANA, HELP, "M6")
    with desk.realm():
        # As Postfix hands it on: with its own trace, and nothing changed in what Dana wrote.
        raw = bytes(RawMail.objects.get(mail=first).content)
    assert b"Received: from" in raw and b"mx.lab.example (Postfix)" in raw

    # She is told the number, once, by mail that no machine answers.
    [told] = desk.until(lambda: desk.letters(DANA))
    assert first.ticket.number in told["Subject"] or first.ticket.number in told.get_body().get_content()
    assert told["Auto-Submitted"] == "auto-replied" and told["Return-Path"].startswith("<b+")

    with desk.realm():
        tickets.add_message(actor=actor_of(cast.bob), ticket=first.ticket, body="Please restart the modem.")
    answer = desk.until(lambda: [each for each in desk.letters(DANA) if "restart the modem" in str(each)])[0]
    assert "Bob" in answer["From"] and HELP in answer["From"]
    assert answer["Auto-Submitted"] is None
    assert first.mail_id in answer["References"]

    reply = letter("Something else entirely", "That helped.", to=answer["Reply-To"], In_Reply_To=answer["Message-ID"])
    desk.writes(reply)
    second = desk.until(lambda: desk.inbound(state="applied", subject="Something else entirely"))[0]
    assert (second.ticket_id, second.rule) == (first.ticket_id, "M1")
    with desk.realm():
        assert Ticket.objects.count() == 1
        told_of = OutboundMail.objects.select_related("delivery")
        assert {each.delivery.state for each in told_of} == {"sent"}


def test_a_mail_that_comes_back_is_no_ticket_and_its_delivery_says_so(desk: Desk, cast: Cast) -> None:
    desk.writes(letter("Please write to Leo, too", "He has the router."))
    [mail] = desk.until(lambda: desk.inbound(state="applied"))
    with desk.realm() as system:
        for address in (LEO, GONE):
            participants.join(mail.ticket, Address(address), actor=system, role=ParticipantRole.CC)
        tickets.add_message(actor=actor_of(cast.bob), ticket=mail.ticket, body="To all of you.")

    def deliveries() -> dict[str, tuple[str, str]]:
        with desk.realm():
            rows = OutboundMail.objects.filter(kind="answer").select_related("delivery")
            return {each.address: (each.delivery.state, each.delivery.error) for each in rows}

    # Leo's mail was taken, and came back from the next server as a report; the other was refused at once.
    desk.until(lambda: deliveries().get(LEO, ("",))[0] == "bounced")
    assert "this practice server sends nothing to the outside" in deliveries()[LEO][1]
    assert (deliveries()[GONE][0], deliveries()[DANA][0]) == ("failed", "sent")
    [report] = desk.inbound(mail_class="bounce")
    assert (report.state, report.rule, report.ticket_id) == ("applied", "M4", mail.ticket_id)
    with desk.realm():
        assert limits.is_open(LEO) and not limits.is_open(DANA)
        assert Ticket.objects.count() == 1


def test_an_address_nobody_has_at_the_desk_comes_back_to_its_sender(desk: Desk) -> None:
    desk.writes(letter("Anybody?", "Hello?", to="nobody@help.alpha.example"))
    [returned] = desk.until(lambda: desk.letters(DANA))
    assert returned.get_content_type() == "multipart/report" and "5.1.1" in str(returned)
    assert desk.inbound() == []


def test_fifty_looping_mails_get_no_more_answers_than_are_allowed(desk: Desk) -> None:
    with smtplib.SMTP(HOST, desk.lab.ports["submission"], timeout=20) as client:
        client.login(ROBOT, PASSWORD)
        for n in range(50):
            client.send_message(letter(f"Ping {n}", f"Ping {n}", sender=ROBOT), from_addr=ROBOT, to_addrs=[HELP])
    desk.until(lambda: len(desk.inbound()) == 50)
    desk.until(lambda: not desk.inbound(state="received"))
    assert {each.state for each in desk.inbound()} == {"applied", "held"}
    desk.until(lambda: desk.letters(ROBOT))
    for _again in range(3):
        desk.works()
    assert len(desk.letters(ROBOT)) == 1 <= limits.PER_QUARTER


def test_after_the_database_died_in_the_middle_of_twenty_mails_each_is_settled_once() -> None:
    """In a test run of its own, which owns the PostgreSQL that it kills."""
    name = test_the_database_dies_in_the_middle_of_twenty_mails.__name__
    assert "1 passed" in in_a_run_of_its_own(f"{__file__}::{name}", seconds=240)


@pytest.mark.reliability
def test_the_database_dies_in_the_middle_of_twenty_mails(
    desk: Desk,
    own_servers: Servers,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a power cut. Postfix keeps what BOSS has not said to be kept, and brings it again."""
    postgres = own_servers.postgres
    assert postgres is not None and postgres.child is not None
    store, stored = intake.store, []

    def dies_at_the_tenth(*args: Any, **how: Any) -> InboundMail:
        stored.append(1)
        if len(stored) == 10:
            assert postgres.child is not None
            postgres.child.kill()
        return store(*args, **how)

    monkeypatch.setattr(intake, "store", dies_at_the_tenth)
    with smtplib.SMTP(HOST, desk.lab.ports["submission"], timeout=20) as client:
        client.login(DANA, PASSWORD)
        for n in range(20):
            client.send_message(letter(f"Matter {n}", f"Words {n}"), from_addr=DANA, to_addrs=[HELP])
    ends = time.monotonic() + PATIENCE_SECONDS
    while "451 4.3.0 Not now" not in desk.log():
        assert time.monotonic() < ends, desk.log()
        time.sleep(0.1)
    assert len(stored) >= 10

    postgres.launch()
    postgres.wait()
    connections.close_all()

    desk.until(lambda: len(desk.inbound(state="applied")) == 20)
    assert sorted(each.subject for each in desk.inbound()) == sorted(f"Matter {n}" for n in range(20))
    with desk.realm():
        assert sorted(Ticket.objects.values_list("title", flat=True)) == sorted(f"Matter {n}" for n in range(20))
        assert RawMail.objects.count() == 20
