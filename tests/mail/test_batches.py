"""Mails that wait are taken together: what they share is read once, and none of them pays for another."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ticketing.models import InboundMail, Ticket
from ticketing.services.mail import intake, mailboxes

MOST_FOR_AN_OPENING = 44
MOST_FOR_AN_ANSWER = 29
"""Statements a mail may take of the database from its claim on, when ten are taken together; savepoints count."""


def keep(n: int, to: str = "help@alpha.example", sender: str = "") -> InboundMail:
    sender = sender or f"guest{n}@home.example"
    raw = f"From: <{sender}>\nTo: {to}\nSubject: Matter {n}\nMessage-ID: <{n}@home.example>\n\nWords {n}\n".encode()
    return intake.store(raw, place=mailboxes.place_of(to), envelope_from=sender, envelope_to=to)


def states() -> list[str]:
    return list(InboundMail.objects.order_by("id").values_list("state", flat=True))


def test_the_ring_of_one_mail_settles_those_that_came_after_it_and_their_rings_find_nothing(post, alpha):
    mails = [keep(n) for n in range(12)]
    assert intake.process_some(alpha.pk, mails[0].pk) == 1 + intake.MATES
    assert states() == ["applied"] * 10 + ["received"] * 2
    assert intake.process_some(alpha.pk, mails[3].pk) == 0
    assert intake.process_some(alpha.pk, mails[10].pk) == 2
    assert Ticket.objects.count() == 12


def test_a_mail_that_breaks_holds_up_none_of_those_taken_with_it_and_is_then_taken_alone(post, alpha, monkeypatch):
    mails = [keep(n) for n in range(3)]
    understand = intake._understand

    def break_on_the_second(mail: InboundMail, read: object) -> None:
        if mail.pk == mails[1].pk:
            raise ValueError("hostile")
        understand(mail, read)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "_understand", break_on_the_second)
    assert intake.process_some(alpha.pk, mails[0].pk) == 2
    assert states() == ["applied", "received", "applied"]
    InboundMail.objects.filter(pk=mails[1].pk).update(due_at="2026-01-01T00:00:00Z")
    late = keep(9)
    assert intake.process_some(alpha.pk, mails[1].pk) == 0
    late.refresh_from_db()
    assert (late.state, late.attempts) == ("received", 0)


def test_a_large_mail_is_taken_alone(post, alpha, monkeypatch):
    monkeypatch.setattr(intake, "SMALL", 200)
    small, large = keep(1), keep(2, sender="x" * 120 + "@home.example")
    assert intake.process_some(alpha.pk, small.pk) == 1
    assert intake.process_some(alpha.pk, large.pk) == 1


@pytest.mark.parametrize(("answers", "most"), [(False, MOST_FOR_AN_OPENING), (True, MOST_FOR_AN_ANSWER)])
def test_a_mail_takes_few_statements(thread, filled, post, alpha, answers, most):
    to, sender = (filled("%%REPLY_TO%%"), "dana@home.example") if answers else ("help@alpha.example", "")
    mails = [keep(n, to, sender) for n in range(10)]
    with CaptureQueriesContext(connection) as statements:
        assert intake.process_some(alpha.pk, mails[0].pk) == 10
    assert len(statements) / 10 <= most, [each["sql"][:90] for each in statements[:60]]
