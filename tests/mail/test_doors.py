"""The doors: what is said to be taken is kept, and what cannot be kept is not said to be taken."""

from __future__ import annotations

import smtplib
import socket

import pytest
from django.db import OperationalError

from boss.core import scoping
from boss.core.actors import Actor
from tests.mail.conftest import FIRST, make_post
from ticketing import lmtp
from ticketing.models import InboundMail, RawMail
from ticketing.services.mail import intake

ON_THE_WIRE = FIRST.replace(b"\n", b"\r\n")


@pytest.fixture
def door(real_db, cast):
    """A server on a port of its own, on a database with real commits."""
    with scoping.realm_transaction(cast.alpha.pk):
        make_post(Actor.system(cast.alpha.pk))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = lmtp.server("127.0.0.1", port)
    server.start()
    yield port
    server.stop()


def states(cast) -> list[str]:
    with scoping.realm_transaction(cast.alpha.pk):
        return sorted(InboundMail.objects.values_list("state", flat=True))


def test_lmtp_takes_a_mail_once_it_is_kept_and_answers_for_each_recipient(door, cast, monkeypatch):
    monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
    with smtplib.LMTP("127.0.0.1", door) as client:
        client.ehlo()
        assert client.mail("dana@home.example")[0] == 250
        assert client.rcpt("help@alpha.example")[0] == 250
        assert client.rcpt("nobody@alpha.example")[0] == 550
        assert client.rcpt("alarms@alpha.example")[0] == 250
        assert client.data(ON_THE_WIRE)[0] == 250
        assert client.getreply()[0] == 250  # LMTP: one answer for each recipient that was taken
    assert states(cast) == ["received", "received"]
    for realm_id, mail_id in intake.due_everywhere():
        assert intake.process(realm_id, mail_id)
    assert states(cast) == ["applied", "applied"]
    with scoping.realm_transaction(cast.alpha.pk):
        assert {bytes(row.content) for row in RawMail.objects.all()} == {ON_THE_WIRE}


def test_lmtp_puts_a_mail_off_while_the_database_is_away(door, cast, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
    with smtplib.LMTP("127.0.0.1", door) as client:
        client.ehlo()
        client.mail("dana@home.example")
        client.rcpt("help@alpha.example")
        monkeypatch.setattr("ticketing.services.mail.intake.store", away)
        assert client.data(FIRST)[0] == 451
        monkeypatch.undo()
        monkeypatch.setattr("ticketing.services.mail.bell.ring", lambda *_: None)
        assert states(cast) == []
        client.mail("dana@home.example")
        client.rcpt("help@alpha.example")
        assert client.data(FIRST)[0] == 250
    assert states(cast) == ["received"]


def test_a_database_that_goes_away_in_the_middle_loses_nothing_and_applies_once(door, cast, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database went away")

    monkeypatch.setattr("ticketing.services.mail.applying.participants.join", away)  # after the ticket was written
    taken = intake.receive(FIRST, envelope_from="dana@home.example", envelope_to="help@alpha.example")
    assert taken.state == "received"
    with scoping.realm_transaction(cast.alpha.pk):
        from ticketing.models import Ticket

        assert not Ticket.objects.exists()
        InboundMail.objects.update(due_at="2026-01-01T00:00:00Z")
    monkeypatch.undo()
    assert intake.due_everywhere() == [(cast.alpha.pk, taken.pk)]
    assert intake.process(cast.alpha.pk, taken.pk)
    with scoping.realm_transaction(cast.alpha.pk):
        assert Ticket.objects.count() == 1
    assert states(cast) == ["applied"]
