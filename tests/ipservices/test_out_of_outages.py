"""Out of an outage again: one member, one ticket, or everybody, because it was none."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from boss.core import clock
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery, Message
from ipservices import outages as reads
from ipservices.choices import OutageUpdateKind
from ipservices.errors import BadAnswerLink, OutageIsOver, OutageNotFound
from ipservices.models import Outage, OutageMember, OutageNotice, OutageTicket, OutageUpdate
from ipservices.services import outages
from ipservices.services.outages import answering, telling
from tests.cast import Cast, actor_of
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT, Street
from ticketing.models import Message as Said
from ticketing.models import Ticket, TicketRelation
from ticketing.services import tickets

pytestmark = pytest.mark.usefixtures("alpha")
NONE = "There was no outage at your place. Please excuse our message."


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


@pytest.fixture
def asked(street: Street) -> Ticket:
    return street.ask(street.homes[0])


@pytest.fixture
def outage(street: Street, asked: Ticket) -> Outage:
    """Node 17 is down; Maria has a ticket about it; all three have been told."""
    made = street.open()
    street.tell()
    outages.add_ticket(actor=street.noc, outage=made, ticket=asked)
    return made


def _mails(name: str) -> int:
    return Delivery.objects.filter(
        address=f"{name}@home.example", message__template__startswith="outage"
    ).count()  # fmt: skip


def _known(account: Any) -> list[str]:
    return [each.text for each in reads.known_to(actor_of(account.user))]


def _children(outage: Outage) -> list[Ticket]:
    rows = TicketRelation.objects.filter(ticket=outage.ticket, type="parent_of").select_related("other")
    return [each.other for each in rows]


# One member


def test_who_is_taken_out_is_told_nothing_more_and_his_ticket_is_one_like_others(
    street: Street, outage: Outage, asked: Ticket
) -> None:
    outages.take_out_account(actor=street.noc, outage=outage, account=street.homes[0])
    said = Said.objects.filter(ticket=asked, kind="public").count()
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    outages.restore(actor=street.noc, outage=outage, text=BACK)
    street.tell()
    assert (_mails("maria"), _mails("ned"), _mails("olga")) == (1, 3, 3)
    assert Said.objects.filter(ticket=asked, kind="public").count() == said
    assert not _children(outage) and not OutageTicket.objects.exists()
    asked.refresh_from_db()
    assert asked.is_open
    tickets.resolve(actor=street.noc, ticket=asked)
    with pytest.raises(BadAnswerLink):
        outages.answer(presented=telling.token(OutageMember.objects.get(account=street.homes[0])), is_back=False)


def test_who_is_taken_out_does_not_come_back_by_scope_and_sees_no_outage(street: Street, outage: Outage) -> None:
    maria = street.homes[0]
    for _again in range(2):
        outages.take_out_account(actor=street.noc, outage=outage, account=maria)
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    counts = reads.count(outage, live=True)
    assert (counts.members, counts.taken_out, counts.affected_now, counts.reported) == (2, 1, 2, 0)
    assert reads.count_members(outage) == 2 and reads.list_open(street.noc)[0].members_now == 2  # type: ignore[attr-defined]
    assert _known(maria) == [] and reads.covering(maria) == []
    assert _known(street.homes[1]) == ["Still at it."]
    with pytest.raises(OutageNotFound):
        outages.ask_to_be_told(actor=actor_of(maria.user), public_id=outage.public_id)
    assert OutageMember.objects.get(account=maria).taken_out_at is not None


def test_who_was_taken_out_comes_back_by_hand_alone(street: Street, outage: Outage, asked: Ticket) -> None:
    maria = street.homes[0]
    outages.take_out_account(actor=street.noc, outage=outage, account=maria)
    outages.add_ticket(actor=street.noc, outage=outage, ticket=asked)
    assert _children(outage) == [asked] and _known(maria) == [TEXT]
    outages.take_out_account(actor=street.noc, outage=outage, account=maria)
    assert outages.add_account(actor=street.noc, outage=outage, account=maria).reported_at is not None
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    street.tell()
    assert _mails("maria") == 2 and reads.count(outage).members == 3


def test_a_telling_on_its_way_leaves_out_who_is_taken_out_meanwhile(street: Street) -> None:
    outage = street.open()
    outages.take_out_account(actor=street.noc, outage=outage, account=street.homes[1])
    street.tell()
    assert (_mails("maria"), _mails("ned"), _mails("olga")) == (1, 0, 1)
    assert OutageUpdate.objects.get().finished_at is not None


def test_who_is_no_member_cannot_be_taken_out(street: Street, outage: Outage) -> None:
    assert street.neighbour is not None
    with pytest.raises(InvalidInput) as refused:
        outages.take_out_account(actor=street.noc, outage=outage, account=street.neighbour)
    assert "account" in refused.value.fields
    assert reads.count(outage).members == 3


# One ticket


def test_a_ticket_taken_out_hears_nothing_more_and_its_account_stays_a_member(
    street: Street, outage: Outage, asked: Ticket
) -> None:
    for _again in range(2):
        outages.take_out_ticket(actor=street.noc, outage=outage, ticket=asked)
    said = Said.objects.filter(ticket=asked, kind="public").count()
    outages.restore(actor=street.noc, outage=outage, text=BACK)
    street.tell()
    asked.refresh_from_db()
    assert asked.is_open and not _children(outage)
    assert Said.objects.filter(ticket=asked, kind="public").count() == said
    assert _mails("maria") == 2 and reads.count(outage).asked == 3


def test_who_belonged_to_it_by_that_ticket_alone_goes_with_it(street: Street, outage: Outage, bob: Any) -> None:
    foreign = tickets.open(actor=bob, category_key="internet", title="From a visitor")
    member = outages.add_ticket(actor=street.noc, outage=outage, ticket=foreign).member
    outages.take_out_ticket(actor=street.noc, outage=outage, ticket=foreign)
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    street.tell()
    assert not OutageNotice.objects.filter(member=member, update__seq=2).exists()
    assert reads.count(outage).members == 3


def test_a_ticket_of_another_outage_is_not_taken_out_of_this_one(street: Street, outage: Outage, asked: Ticket) -> None:
    other = street.open(scopes=[("node", "node-18")])
    with pytest.raises(InvalidInput):
        outages.take_out_ticket(actor=street.noc, outage=other, ticket=asked)
    assert _children(outage) == [asked]


# It was none


def test_a_false_alarm_is_said_once_asks_nobody_and_leaves_tickets_open(
    street: Street, outage: Outage, asked: Ticket
) -> None:
    ended = outages.call_off(actor=street.noc, outage=outage, text=NONE)
    street.tell()
    street.tell()
    assert (_mails("maria"), _mails("ned"), _mails("olga")) == (2, 2, 2)
    mail = Message.objects.filter(template="outage_false").latest("id")
    assert NONE in mail.text and "outage/" not in mail.text and "write again" not in mail.text
    asked.refresh_from_db()
    assert asked.is_open and Said.objects.filter(ticket=asked, body=NONE, kind="public").count() == 1
    assert ended.ticket is not None
    ended.ticket.refresh_from_db()
    assert ended.ticket.state == "cancelled"
    counts = reads.count(ended)
    assert (counts.asked, counts.waiting) == (0, 0) and _known(street.homes[0]) == []
    with pytest.raises(BadAnswerLink):
        outages.answer(presented=telling.token(OutageMember.objects.get(account=street.homes[0])), is_back=False)


def test_after_a_false_alarm_the_clock_closes_nothing(street: Street, outage: Outage, asked: Ticket) -> None:
    outages.call_off(actor=street.noc, outage=outage, text=NONE)
    street.tell()
    with clock.moved(dt.timedelta(days=60)):
        assert answering.settle(realm_id=street.realm.pk, outage_id=outage.pk) == 0
    asked.refresh_from_db()
    ended = Outage.objects.get()
    # What the clock looks for in all realms: those that are not settled and have an hour.
    assert asked.is_open and ended.settled_at is not None and ended.answer_until is None


def test_a_false_alarm_takes_nobody_in_and_can_be_said_without_mail(street: Street, outage: Outage) -> None:
    street.move_in("Quin", 5, "node-17")
    outages.call_off(actor=street.noc, outage=outage, text=NONE, by_mail=False)
    street.tell()
    assert (_mails("quin"), _mails("ned")) == (0, 1)
    assert OutageUpdate.objects.get(kind=OutageUpdateKind.FALSE).finished_at is not None
    assert reads.count(outage).members == 3


def test_a_ticket_of_a_false_alarm_can_be_added_to_the_outage_that_is_its_cause(
    street: Street, outage: Outage, asked: Ticket
) -> None:
    outages.call_off(actor=street.noc, outage=outage, text=NONE)
    street.tell()
    assert reads.find_place(street.noc, asked) is None
    real = street.open()
    outages.add_ticket(actor=street.noc, outage=real, ticket=asked)
    assert _children(real) == [asked] and not _children(outage)


# Who may, and when


def test_bob_takes_out_and_calls_nothing_off(street: Street, outage: Outage, bob: Any) -> None:
    with pytest.raises(PermissionDenied):
        outages.call_off(actor=bob, outage=outage, text=NONE)
    assert Outage.objects.get().is_open and OutageUpdate.objects.count() == 1
    outages.take_out_account(actor=bob, outage=outage, account=street.homes[1])
    assert reads.count(outage).taken_out == 1


def test_a_subscriber_takes_nobody_out(street: Street, outage: Outage, asked: Ticket) -> None:
    ned = actor_of(street.homes[1].user)  # type: ignore[arg-type]
    with pytest.raises(PermissionDenied):
        outages.take_out_account(actor=ned, outage=outage, account=street.homes[1])
    with pytest.raises(PermissionDenied):
        outages.take_out_ticket(actor=ned, outage=outage, ticket=asked)
    assert reads.count(outage).members == 3 and _children(outage) == [asked]


def test_from_an_outage_that_is_over_nobody_is_taken_out(street: Street, outage: Outage, asked: Ticket) -> None:
    outages.restore(actor=street.noc, outage=outage, text=BACK)
    for act in (
        lambda: outages.take_out_account(actor=street.noc, outage=outage, account=street.homes[0]),
        lambda: outages.take_out_ticket(actor=street.noc, outage=outage, ticket=asked),
        lambda: outages.call_off(actor=street.noc, outage=outage, text=NONE),
    ):
        with pytest.raises(OutageIsOver):
            act()
    assert reads.count(outage).members == 3 and not Outage.objects.get().is_false_alarm


def test_a_false_alarm_needs_words(street: Street, outage: Outage) -> None:
    with pytest.raises(InvalidInput) as refused:
        outages.call_off(actor=street.noc, outage=outage, text=" ")
    assert "text" in refused.value.fields
    assert Outage.objects.get().is_open
