"""Rule O4: what mail servers report makes an address a degraded or an unreachable one, and staff see it."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from boss.core import clock
from boss.core.models import AuditEntry
from boss.notify.models import Delivery
from subscribers.contact import ContactDetails
from subscribers.services import accounts
from tests.cast import actor_of
from tests.mail.conftest import pass_on
from ticketing import standing
from ticketing.mail import tokens
from ticketing.models import OutboundMail, SoftBounce
from ticketing.services import tickets
from ticketing.services.mail import keys, limits

DANA = "dana@home.example"
HOUR = dt.timedelta(hours=1)
_numbers = itertools.count()


def report(action: str = "delayed", status: str = "4.4.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.home.example\nTo: <x@alpha.example>\nSubject: Warning\n"
        f"Message-ID: <report-{next(_numbers)}@mx.home.example>\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.home.example\n\n"
        f"Final-Recipient: rfc822; {DANA}\nAction: {action}\nStatus: {status}\n--b--\n"
    ).encode()


@pytest.fixture
def mails(thread, cast) -> list[OutboundMail]:
    """Four mails of the ticket to Dana."""
    for n in range(3):
        pass_on(tickets.add_message(actor=actor_of(cast.bob), ticket=thread.ticket, body=f"Answer {n}"))
    return list(OutboundMail.objects.filter(address=DANA, is_automatic=False).order_by("pk"))


@pytest.fixture
def returned(post):
    """Hands in the report of a mail server about one of our mails."""

    def hand_in(mail: OutboundMail, **told: str) -> None:
        to = tokens.bounce_address(keys.keyring(), "alpha.example", mail.public_id)
        assert post.take(report(**told), "", to).state == "applied"

    return hand_in


def standings() -> list[str]:
    return [each.standing.value for each in standing.of([DANA.upper(), "", "erin@home.example"])]


def test_O4_three_soft_bounces_in_72_hours_make_an_address_degraded_and_no_fewer(mails, returned):
    for mail in mails[:2]:
        returned(mail)
    assert standings() == []
    with clock.moved(71 * HOUR):
        returned(mails[2])
        assert standings() == ["degraded"]
        returned(mails[3])
    assert AuditEntry.objects.filter(action="mail_address.degraded").count() == 1


def test_O4_bounces_further_apart_than_72_hours_do_not_count_together(mails, returned):
    for hours, mail in ((0, mails[0]), (10, mails[1]), (73, mails[2])):
        with clock.moved(hours * HOUR):
            returned(mail)
            assert standings() == []
    assert SoftBounce.objects.count() == 2  # what counts no more is not kept


def test_O4_an_address_stands_well_again_once_its_bounces_are_old(mails, returned):
    for mail in mails[:3]:
        returned(mail)
    with clock.moved(73 * HOUR):
        assert standings() == []


def test_O4_one_mail_that_is_reported_again_and_again_counts_once(mails, returned):
    for _again in range(4):
        returned(mails[0])
    assert SoftBounce.objects.count() == 1 and standings() == []


def test_O4_a_degraded_address_is_still_written_to(mails, returned, thread, cast):
    for mail in mails[:3]:
        returned(mail)
    assert not limits.is_open(DANA)
    sent = pass_on(tickets.add_message(actor=actor_of(cast.bob), ticket=thread.ticket, body="Once more."))
    assert DANA in {each.address for each in sent}


def test_O4_what_came_back_for_good_is_worse_than_degraded(mails, returned):
    for mail in mails[:3]:
        returned(mail)
    returned(mails[3], action="failed", status="5.1.1")
    assert standings() == ["undeliverable"] and limits.is_open(DANA)


def test_O4_a_mail_given_up_after_days_did_not_arrive_although_its_status_is_a_soft_one(mails, returned):
    delivery = Delivery.objects.filter(pk=mails[0].delivery_id)
    delivery.update(state="sent")
    returned(mails[0], action="delayed")
    assert delivery.get().state == "sent"
    returned(mails[0], action="failed", status="4.4.7")
    assert delivery.get().state == "bounced"
    assert not limits.is_open(DANA)


def test_O4_staff_see_it_on_the_ticket_and_on_the_customers_page_and_on_the_api(
    mails, returned, thread, cast, system, browser_of
):
    account = accounts.open(actor=system, contact=ContactDetails("Dana Dean", DANA, "5555550000"), site=None)
    bob = browser_of(cast.bob)
    pages = (
        f"/console/tickets/{thread.ticket.public_id}/told/",
        f"/console/accounts/{account.public_id}/timeline/",
    )
    api = {
        f"/api/v1/ticketing/tickets/{thread.ticket.public_id}/mail_troubles/": lambda said: said,
        f"/api/v1/overview/accounts/{account.public_id}/": lambda said: said["mail_troubles"],
    }
    for page in pages:
        assert "often does not get through" not in bob.get(page).content.decode()
    for mail in mails[:3]:
        returned(mail)
    for page in pages:
        text = bob.get(page).content.decode()
        assert f"Mail to {DANA} often does not get through" in text and 'id="mail-trouble"' in text
    for path, troubles in api.items():
        assert [(each["address"], each["standing"]) for each in troubles(bob.get(path).json())] == [(DANA, "degraded")]
    charlie = browser_of(cast.charlie)
    assert {charlie.get(path).status_code for path in (*pages, *api)} == {404}
