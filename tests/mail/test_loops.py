"""Rules L1 to L6: two machines never talk for long, whatever they say of themselves."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import clock
from tests.cast import actor_of
from tests.mail.conftest import pass_on
from ticketing.models import InboundMail, MailBreaker, OutboundMail, Ticket
from ticketing.services import telling, tickets
from ticketing.services.mail import limits


def mail(
    n: int, *, sender: str = "robot@loop.example", subject: str = "Hello", more: str = "", body: str = ""
) -> bytes:
    return (
        f"From: Robot <{sender}>\nTo: help@alpha.example\nSubject: {subject}\nMessage-ID: <{n}@loop.example>\n{more}"
        f"\n{body or f'Words number {n}'}\n"
    ).encode()


def automatic(address: str) -> int:
    return OutboundMail.objects.filter(address=address, is_automatic=True).count()


def test_L1_own_mail_that_comes_back_is_recorded_and_moves_nothing(post, thread, filled):
    raw = filled("From: help@alpha.example\nX-BOSS-Origin: %%ORIGIN%%\nSubject: x\n\nx\n").encode()
    before = Ticket.objects.count()
    assert post.take(raw).state == "own"
    assert Ticket.objects.count() == before


def test_L3_automatic_mail_reopens_nothing_and_stops_no_clock(post, thread, system, filled, cast):
    tickets.resolve(actor=actor_of(cast.bob), ticket=thread.ticket)
    raw = mail(1, sender="dana@home.example", more="Auto-Submitted: auto-replied\n")
    got = post.take(raw, "", filled("%%REPLY_TO%%"))
    thread.ticket.refresh_from_db()
    assert (got.state, thread.ticket.state, thread.ticket.reopen_count) == ("applied", "resolved", 0)
    assert got.message.kind == "system"


def test_L4_a_sender_is_acknowledged_once_a_day_for_each_category(post):
    for n in range(3):
        post.take(mail(n), "robot@loop.example")
    assert automatic("robot@loop.example") == 1
    with clock.moved(dt.timedelta(hours=25)):
        post.take(mail(9), "robot@loop.example")
    assert automatic("robot@loop.example") == 2


def test_L4_fifty_looping_mails_get_one_answer_and_are_all_kept(post):
    for n in range(50):
        post.take(mail(n), "robot@loop.example")
    assert automatic("robot@loop.example") == 1
    states = InboundMail.objects.filter(sender="robot@loop.example").values_list("state", flat=True)
    assert len(states) == 50 and set(states) == {"applied", "held"}


def test_L4_fifty_answers_to_our_answers_get_none(post, thread, filled):
    sent = OutboundMail.objects.count()
    address = filled("%%REPLY_TO%%")
    for n in range(50):
        post.take(mail(n, sender="dana@home.example", subject=f"Re: {n}"), "dana@home.example", address)
    assert OutboundMail.objects.count() == sent


def test_L4_too_much_automatic_mail_opens_the_breaker_once_and_says_so(post, thread, system):
    for n in range(limits.PER_QUARTER + 5):
        ticket = tickets.open(actor=system, category_key="care", title=f"T{n}", requester=thread.ticket.requester)
        telling.resolved(tickets.resolve(actor=system, ticket=ticket))
    assert automatic("dana@home.example") == limits.PER_QUARTER
    assert MailBreaker.objects.get().address == "dana@home.example"
    assert Ticket.objects.filter(title="Mail loop: dana@home.example").count() == 1


def test_L4_people_still_reach_an_address_whose_breaker_is_open(post, thread, system, cast):
    limits.trip(system, "dana@home.example", "too_many_automatic", None)
    message = tickets.add_message(actor=actor_of(cast.bob), ticket=thread.ticket, body="A person writes.")
    pass_on(message)
    assert OutboundMail.objects.filter(message=message, address="dana@home.example").exists()


def test_L4_a_ticket_is_reopened_by_mail_five_times_a_day_and_then_somebody_looks(post, thread, filled, cast):
    states = []
    for n in range(limits.REOPENS_PER_DAY + 1):
        tickets.resolve(actor=actor_of(cast.bob), ticket=thread.ticket)
        got = post.take(mail(n, sender="dana@home.example"), "dana@home.example", filled("%%REPLY_TO%%"))
        states.append(got.state)
    assert states == ["applied"] * limits.REOPENS_PER_DAY + ["held"]


def test_L5_more_than_twenty_tickets_an_hour_become_one_and_the_rest_is_held(post):
    got = [post.take(mail(n, sender="burst@loop.example"), "burst@loop.example") for n in range(24)]
    assert [each.state for each in got] == ["applied"] * 20 + ["held"] * 4
    assert len({each.ticket_id for each in got[20:]}) == 1


def test_L6_the_same_words_a_third_time_in_ten_minutes_are_held(post, thread, filled):
    address = filled("%%REPLY_TO%%")
    got = [post.take(mail(n, sender="dana@home.example", body="ping"), "dana@home.example", address) for n in range(4)]
    assert [each.state for each in got] == ["applied", "applied", "held", "held"]


@pytest.mark.parametrize(
    "header", ["Precedence: bulk", "X-Autoresponder: x", "List-Id: <a.b>", "Auto-Submitted: auto-x"]
)
def test_L2_what_says_it_is_automatic_is_never_acknowledged(post, header):
    got = post.take(mail(1, more=f"{header}\n"), "robot@loop.example")
    assert got.state == "quarantined" and automatic("robot@loop.example") == 0
