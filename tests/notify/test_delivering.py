"""A mail reaches the server in the end, is not sent twice by two workers, and says so on its row when it cannot be."""

from __future__ import annotations

import datetime as dt
import smtplib

import pytest
from django.core import mail
from django.db.models.functions import Now

from boss.core.models import AuditEntry
from boss.notify.models import Delivery
from boss.notify.services import deliveries, messages
from tests.notify.conftest import WELCOME

REFUSED = smtplib.SMTPRecipientsRefused({"dana@home.example": (550, b"No such user")})
BUSY = smtplib.SMTPRecipientsRefused({"dana@home.example": (451, b"Try again later")})


@pytest.fixture
def delivery(alpha, say, mail_server) -> Delivery:
    return say().deliveries.get()


def attempt(delivery: Delivery) -> Delivery:
    """Make the delivery due and attempt it."""
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now())
    assert deliveries.deliver(delivery.realm_id, delivery.pk)
    delivery.refresh_from_db()
    return delivery


def test_a_mail_goes_out_in_the_brands_name_with_both_parts(delivery, cast):
    attempt(delivery)
    assert (delivery.state, delivery.attempts, delivery.error) == ("sent", 1, "")
    sent = mail.outbox[0]
    assert sent.subject == "[AL-1001] Internet is slow"
    assert sent.from_email == "Alpha Cable <no-reply@alpha.localhost>"
    assert sent.to == ["Dana Dean <dana@home.example>"]
    assert "AL-1001" in sent.body and sent.alternatives[0][1] == "text/html"
    headers = sent.message()
    assert headers["Message-ID"] == f"<boss.notify.{delivery.public_id}@alpha.localhost>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert AuditEntry.objects.filter(action="delivery.sent", subject_id=delivery.pk).exists()


def test_what_is_sent_is_not_sent_again(delivery):
    attempt(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now())
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)
    assert len(mail.outbox) == 1


def test_what_is_not_due_waits(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(due_at=Now() + dt.timedelta(minutes=1))
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)
    assert not mail.outbox


@pytest.mark.parametrize(
    "trouble",
    [BUSY, ConnectionRefusedError("refused"), TimeoutError("slow"), smtplib.SMTPAuthenticationError(535, b"who?")],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_passing_trouble_is_tried_again_after_a_pause(delivery, mail_server, trouble):
    mail_server.refusals = [trouble]
    attempt(delivery)
    assert (delivery.state, delivery.attempts) == ("queued", 1) and delivery.error
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)  # not before the pause is over
    attempt(delivery)
    assert (delivery.state, delivery.attempts, delivery.error, len(mail.outbox)) == ("sent", 2, "", 1)


def test_a_final_no_ends_it_at_once_with_the_servers_words(delivery, mail_server):
    mail_server.refusals = [REFUSED]
    attempt(delivery)
    assert (delivery.state, delivery.attempts, delivery.error) == ("failed", 1, "550 No such user")
    assert AuditEntry.objects.filter(action="delivery.failed", subject_id=delivery.pk).exists()


def test_attempts_are_used_up_in_the_end(delivery, mail_server):
    mail_server.refusals = [BUSY] * deliveries.MOST_ATTEMPTS
    for _number in range(deliveries.MOST_ATTEMPTS):
        attempt(delivery)
    assert (delivery.state, delivery.attempts) == ("failed", deliveries.MOST_ATTEMPTS)


def test_pauses_double_up_to_an_hour_and_are_spread():
    seconds = [deliveries.pause_after(n).total_seconds() for n in (1, 2, 3, 12)]
    for actual, middle in zip(seconds, (30, 60, 120, 3600), strict=True):
        assert 0.75 * middle <= actual <= 1.25 * middle


def test_a_worker_that_died_leaves_a_lease_that_runs_out(delivery):
    assert deliveries._begin(delivery.realm_id, delivery.pk) is not None  # and is heard of no more
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)
    attempt(delivery)
    assert (delivery.state, delivery.attempts) == ("sent", 2)


def test_a_late_result_of_an_earlier_attempt_changes_nothing(delivery, system):
    deliveries._begin(delivery.realm_id, delivery.pk)
    attempt(delivery)
    late = deliveries.record(actor=system, delivery_id=delivery.pk, attempt=1, error=OSError("late"))
    assert late.state == "sent"


def test_after_the_last_attempt_died_nothing_more_is_sent(delivery):
    deliveries._begin(delivery.realm_id, delivery.pk)
    Delivery.objects.filter(pk=delivery.pk).update(attempts=deliveries.MOST_ATTEMPTS, due_at=Now())
    assert not deliveries.deliver(delivery.realm_id, delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "failed" and not mail.outbox


def test_the_logo_travels_inside_the_mail(alpha, system, alice, mail_server, png):
    from boss.tenancy.services import realms

    realms.change_brand(actor=alice, logo=png)
    message = messages.send(
        actor=system, template="welcome", to=[("dana@home.example", "Dana")], context=WELCOME, key="w"
    )
    attempt(message.deliveries.get())
    parts = list(mail.outbox[0].message().walk())
    assert [part.get_content_type() for part in parts] == [
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]
    assert parts[-1]["Content-ID"] == "<logo>" and 'src="cid:logo"' in parts[3].get_payload(decode=True).decode()


def test_the_sealed_link_is_in_the_mail_that_leaves(alpha, system, mail_server):
    message = messages.send(
        actor=system, template="welcome", to=[("dana@home.example", "Dana")], context=WELCOME, key="w"
    )
    attempt(message.deliveries.get())
    assert WELCOME["link"] in mail.outbox[0].body
