"""An outage: whom it concerns, that each of them is told once, and whether it is back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss.core import clock, scoping
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery, DeliveryState, Message
from boss.notify.services import messages
from ipservices import outages as reads
from ipservices.choices import BackAnswer, CameBy, NoticeState
from ipservices.errors import AnswerTooLate, BadAnswerLink, OutageIsOpen, OutageIsOver, OutageNotFound
from ipservices.models import Binding, Outage, OutageMember, OutageNotice, OutageUpdate, Service
from ipservices.services import outages
from ipservices.services.outages import answering, telling
from subscribers.models import Subscription
from tests.cast import Cast, actor_of
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT, Street
from ticketing.models import Message as Said
from ticketing.models import Ticket, TicketRelation
from ticketing.services import tickets
from ticketing.services.mail import returning

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


def _mails(template: str = "") -> Counter[str]:
    rows = Delivery.objects.filter(message__template__startswith=template or "outage")
    return Counter(rows.values_list("address", flat=True))


def _names(outage: Outage) -> set[str]:
    return set(OutageMember.objects.filter(outage=outage).values_list("account__name", flat=True))


# Whom it concerns


def test_everybody_at_the_node_is_a_member_and_the_neighbour_is_not(street: Street) -> None:
    outage = street.open()
    assert _names(outage) == {"Maria", "Ned", "Olga"}
    assert outage.ticket is not None and outage.ticket.category.kind == "incident"
    assert reads.count(outage, live=True).affected_now == 3


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ([("postal_code", "55001")], {"Maria", "Ned", "Olga", "Pia"}),
        ([("city", "Lakeview")], {"Maria", "Ned", "Olga", "Pia"}),
        ([("site", "2 Elm Street")], {"Ned"}),
        ([("site", "2 elm st, lakeview"), ("node", "node-18")], {"Ned", "Pia"}),
    ],
)
def test_what_is_out_may_be_named_in_several_ways(street: Street, scope: Any, names: set[str]) -> None:
    assert _names(street.open(scopes=scope)) == names


def test_who_is_served_by_a_server_that_is_out_is_concerned_wherever_he_lives(street: Street) -> None:
    assert street.neighbour is not None
    server = Binding.objects.create(name="Mail 1", driver_key="simulator", family="mail")
    held = Subscription.objects.get(account=street.neighbour)
    Service.objects.create(
        account=street.neighbour, subscription=held, site=held.site, feature_key="mail.mailbox", title="Mailbox",
        family="mail", kind="mailbox", binding=server, state="active",
    )  # fmt: skip
    assert _names(street.open(scopes=[("server", server.public_id)])) == {"Pia"}
    assert _known(street, street.neighbour) == [TEXT]
    assert _known(street, street.homes[0]) == []


def test_what_is_not_known_is_said_by_name_and_nothing_is_opened(street: Street) -> None:
    with pytest.raises(InvalidInput) as refused:
        street.open(scopes=[("node", "node-17"), ("node", "node-99")])
    assert "node-99" in refused.value.fields["scopes"][0]
    assert not Outage.objects.exists() and not Ticket.objects.exists() and not Message.objects.exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"category_key": "internet"}, "category"),
        ({"text": " "}, "text"),
        ({"scopes": []}, "scopes"),
        ({"eta_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, "eta_at"),
    ],
)
def test_an_outage_needs_a_category_a_text_and_something_that_is_out(street: Street, more: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        street.open(**more)
    assert field in refused.value.fields
    assert not Outage.objects.exists()


def test_who_has_ended_is_not_concerned(street: Street) -> None:
    Subscription.objects.filter(account=street.homes[0]).update(state="terminated")
    assert _names(street.open()) == {"Ned", "Olga"}


def test_bob_may_add_to_an_outage_and_not_open_or_end_one(street: Street, bob: Any) -> None:
    with pytest.raises(PermissionDenied):
        outaging.open_outage(bob)
    outage = street.open()
    with pytest.raises(PermissionDenied):
        outages.update(actor=bob, outage=outage, text="Hello")
    with pytest.raises(PermissionDenied):
        outages.restore(actor=bob, outage=outage, text="Hello")
    assert OutageUpdate.objects.count() == 1 and Outage.objects.get().is_open
    assert street.neighbour is not None
    outages.add_account(actor=bob, outage=outage, account=street.neighbour)
    assert _names(outage) == {"Maria", "Ned", "Olga", "Pia"}


def test_charlie_sees_no_outage_of_alpha(street: Street, charlie: Any, in_beta: Any) -> None:
    outage = street.open()
    with in_beta():
        assert not reads.list_outages(charlie).exists()
        with pytest.raises(OutageNotFound):
            reads.get_outage(charlie, outage.public_id)


def test_who_comes_later_is_taken_in_before_the_next_telling_and_nobody_is_struck_off(street: Street) -> None:
    outage = street.open()
    street.move_in("Quin", 5, "node-17")
    Subscription.objects.filter(account=street.homes[0]).update(state="terminated")
    outages.update(actor=street.noc, outage=outage, text="Still at it.")
    assert _names(outage) == {"Maria", "Ned", "Olga", "Quin"}
    assert reads.count(outage, live=True).affected_now == 3


# Telling


def test_each_member_gets_one_mail_an_update_and_the_neighbour_none(street: Street) -> None:
    outage = street.open()
    street.tell()
    assert _mails() == {"maria@home.example": 1, "ned@home.example": 1, "olga@home.example": 1}
    outages.update(actor=street.noc, outage=outage, text="Back at four.", eta_at=clock.now() + dt.timedelta(hours=2))
    street.tell()
    street.tell()
    assert set(_mails().values()) == {2} and len(_mails()) == 3
    newest = Message.objects.filter(template="outage_update").latest("id")
    assert "Back at four." in newest.text and "We expect it to be back at" in newest.text
    assert "Ned" not in newest.text and "node-17" not in newest.text
    assert reads.count(outage).told == 6


def test_an_update_can_be_said_without_mail(street: Street) -> None:
    street.open(by_mail=False)
    street.tell()
    assert not _mails()
    assert set(OutageNotice.objects.values_list("state", flat=True)) == {NoticeState.TOLD}


def test_who_has_no_address_is_noted_and_keeps_nobody_waiting(street: Street) -> None:
    street.homes[1].user = None
    street.homes[1].email = ""
    street.homes[1].save()
    outage = street.open()
    street.tell()
    assert set(_mails()) == {"maria@home.example", "olga@home.example"}
    counts = reads.count(outage)
    assert (counts.told, counts.no_address) == (2, 1)


def test_mail_that_came_back_is_counted(street: Street) -> None:
    outage = street.open()
    street.tell()
    Delivery.objects.filter(address="ned@home.example").update(state=DeliveryState.BOUNCED)
    assert reads.count(outage).bounced == 1
    assert [row.account.name for row in reads.list_members(outage) if row.is_lost] == ["Ned"]


class Killed(BaseException):
    """The worker is gone: no handler of ours sees it."""


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(kills=st.lists(st.integers(min_value=0, max_value=8), max_size=4), page=st.integers(min_value=1, max_value=4))
def test_a_worker_that_dies_anywhere_leaves_nobody_forgotten_and_nobody_told_twice(
    kills: list[int], page: int, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    for old in OutageUpdate.objects.filter(finished_at=None):
        telling.go_on(realm_id=street.realm.pk, update_id=old.pk)
    outage = street.open(scopes=[("city", "Lakeview")])
    update = OutageUpdate.objects.get(outage=outage)
    send = messages.send
    with monkeypatch.context() as patched:
        patched.setattr(telling, "PAGE", page)
        for after in kills:
            left = [after]

            def dies(left: list[int] = left, **given: Any) -> Message:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return send(**given)

            patched.setattr(returning.messages, "send", dies)
            try:
                telling.go_on(realm_id=street.realm.pk, update_id=update.pk)
            except Killed:
                # Its lease runs out, as it does after a kill.
                OutageUpdate.objects.filter(pk=update.pk).update(until=None)
        patched.setattr(returning.messages, "send", send)
        telling.go_on(realm_id=street.realm.pk, update_id=update.pk)
    told = Delivery.objects.filter(message__key__startswith=f"outage:{update.public_id}:")
    assert Counter(told.values_list("address", flat=True)) == {
        f"{name}@home.example": 1 for name in ("maria", "ned", "olga", "pia")
    }
    assert OutageNotice.objects.filter(update=update).count() == 4
    update.refresh_from_db()
    assert update.finished_at is not None


def test_only_one_worker_is_at_an_update_and_a_later_update_waits_for_the_earlier(street: Street) -> None:
    outage = street.open()
    outages.update(actor=street.noc, outage=outage, text="Second.")
    first, second = OutageUpdate.objects.order_by("seq")
    telling.go_on(realm_id=street.realm.pk, update_id=first.pk)
    OutageUpdate.objects.filter(pk=second.pk).update(holder="another", until=clock.now() + dt.timedelta(minutes=1))
    assert not telling.go_on(realm_id=street.realm.pk, update_id=second.pk)
    assert OutageNotice.objects.filter(update=second).count() == 0


def test_a_page_asks_a_number_of_statements_that_grows_by_the_member(street: Street) -> None:
    def asked(outage: Outage) -> int:
        update = OutageUpdate.objects.select_related("outage__ticket").get(outage=outage)
        with CaptureQueriesContext(connection) as seen:
            telling._page(update)
        return len(seen)

    few = asked(street.open(scopes=[("site", "1 Elm Street")]))
    many = asked(street.open())
    assert few == 19  # two of a page: who reads what comes back, and where it has come back from
    assert many - few == 2 * 10


# Tickets


def test_a_ticket_becomes_a_child_is_told_what_is_known_and_its_owner_is_not_mailed_twice(street: Street) -> None:
    outage = street.open()
    street.tell()
    asked = street.ask(street.homes[0])
    place = outages.add_ticket(actor=street.noc, outage=outage, ticket=asked)
    assert outages.add_ticket(actor=street.noc, outage=outage, ticket=asked) == place
    assert place.member.account == street.homes[0] and place.member.reported_at is not None
    assert TicketRelation.objects.get(type="parent_of").other == asked
    outages.update(actor=street.noc, outage=outage, text="The splicers are there.")
    street.tell()
    said = [row.body for row in Said.objects.filter(ticket=asked, kind="public").order_by("id")]
    assert len(said) == 3 and TEXT in said[1] and said[2] == "The splicers are there."
    assert _mails()["maria@home.example"] == 2


def test_a_ticket_from_outside_the_scope_makes_its_owner_a_member(street: Street) -> None:
    assert street.neighbour is not None
    outage = street.open()
    outages.add_ticket(actor=street.noc, outage=outage, ticket=street.ask(street.neighbour))
    assert OutageMember.objects.get(account=street.neighbour).came_by == CameBy.TICKET


def test_a_ticket_of_nobody_s_account_is_a_member_by_itself_and_its_requester_is_told(street: Street, bob: Any) -> None:
    outage = street.open()
    foreign = tickets.open(actor=bob, category_key="internet", title="From a visitor")
    member = outages.add_ticket(actor=street.noc, outage=outage, ticket=foreign).member
    assert member.account is None
    street.tell()
    assert OutageNotice.objects.get(member=member).state == NoticeState.NO_ADDRESS


def test_a_ticket_belongs_to_one_outage_only(street: Street) -> None:
    one, two = street.open(), street.open(scopes=[("node", "node-18")])
    asked = street.ask(street.homes[0])
    outages.add_ticket(actor=street.noc, outage=one, ticket=asked)
    with pytest.raises(InvalidInput):
        outages.add_ticket(actor=street.noc, outage=two, ticket=asked)
    assert reads.count(two).tickets == 0


def test_the_outage_s_own_ticket_does_not_end_before_it(street: Street) -> None:
    outage = street.open()
    assert outage.ticket is not None
    with pytest.raises(OutageIsOpen):
        tickets.resolve(actor=street.noc, ticket=outage.ticket, outcome="restored", children="leave")
    outage.ticket.refresh_from_db()
    assert outage.ticket.is_open and Outage.objects.get().is_open


# What subscribers know


def _known(street: Street, account: Any) -> list[str]:
    return [each.text for each in reads.known_to(actor_of(account.user))]


def test_a_member_knows_the_public_text_and_the_neighbour_nothing(street: Street) -> None:
    street.open(note="The excavator of Mr Smith.")
    assert _known(street, street.homes[0]) == [TEXT]
    assert _known(street, street.neighbour) == []


def test_who_came_into_scope_later_knows_before_he_is_written_down(street: Street) -> None:
    street.open()
    assert _known(street, street.move_in("Quin", 5, "node-17")) == [TEXT]


def test_somebody_asks_to_be_told_only_where_it_concerns_him(street: Street) -> None:
    outage = street.open()
    assert street.neighbour is not None and street.neighbour.user is not None and street.homes[0].user is not None
    with pytest.raises(OutageNotFound):
        outages.ask_to_be_told(actor=actor_of(street.neighbour.user), public_id=outage.public_id)
    assert reads.count(outage).reported == 0
    for _again in range(2):
        outages.ask_to_be_told(actor=actor_of(street.homes[0].user), public_id=outage.public_id)
    counts = reads.count(outage)
    assert (counts.members, counts.reported) == (3, 1)


def test_while_nothing_is_out_it_costs_one_statement_to_know_that(street: Street) -> None:
    maria = street.homes[0]
    assert maria.user is not None
    actor = actor_of(maria.user)
    with CaptureQueriesContext(connection) as seen:
        assert reads.known_to(actor) == [] and reads.covering(maria) == []
    assert len(seen) == 2
    street.open()
    with CaptureQueriesContext(connection) as seen:
        assert len(reads.covering(maria)) == 1
    assert len(seen) <= 5


# Is it back?


@pytest.fixture
def over(street: Street) -> Outage:
    """Maria had a ticket; service is back, all were asked."""
    outage = street.open()
    street.tell()
    outages.add_ticket(actor=street.noc, outage=outage, ticket=street.ask(street.homes[0]))
    found = outages.restore(actor=street.noc, outage=outage, text=BACK, answer_hours=24)
    street.tell()
    return found


def _token(outage: Outage, name: str) -> str:
    return telling.token(OutageMember.objects.get(outage=outage, account__name=name))


def _ticket() -> Ticket:
    found: Ticket = Ticket.objects.get(category__key="internet", title="No internet")
    return found


def test_all_are_asked_once_tickets_are_resolved_and_no_second_mail_says_so(street: Street, over: Outage) -> None:
    assert _mails("outage_over") == {"maria@home.example": 1, "ned@home.example": 1, "olga@home.example": 1}
    assert _ticket().state == "resolved"
    assert over.ticket is not None
    over.ticket.refresh_from_db()
    assert over.ticket.state == "resolved"
    assert not Message.objects.filter(template="ticket_resolved").exists()
    counts = reads.count(over)
    assert (counts.asked, counts.waiting, counts.open_tickets) == (3, 3, 0)
    assert _known(street, street.homes[0]) == []


def test_the_mail_with_the_link_is_shown_to_nobody(over: Outage) -> None:
    mail = Message.objects.filter(template="outage_over").first()
    assert mail is not None and mail.sealed and "outage/" not in mail.text


def test_yes_closes_the_ticket_and_stands(over: Outage) -> None:
    token = _token(over, "Maria")
    outages.answer(presented=token, is_back=True)
    assert _ticket().state == "closed"
    assert outages.answer(presented=token, is_back=False).answer == BackAnswer.YES
    assert _ticket().state == "closed"


def test_no_opens_the_ticket_again_and_tells_staff(over: Outage) -> None:
    outages.answer(presented=_token(over, "Maria"), is_back=False)
    ticket = _ticket()
    assert ticket.state == "open" and ticket.reopen_count == 1
    assert Said.objects.filter(ticket=over.ticket, kind="internal", body__contains=ticket.number).exists()
    assert reads.count(over).no == 1


def test_no_of_somebody_without_a_ticket_opens_one_as_a_child(over: Outage) -> None:
    outages.answer(presented=_token(over, "Ned"), is_back=False)
    made = Ticket.objects.get(title="Still not working after the outage")
    assert made.category.key == "internet" and made.requester is not None and made.requester.full_name == "Ned"
    assert TicketRelation.objects.filter(ticket=over.ticket, type="parent_of", other=made).exists()


def test_no_answer_in_time_closes_and_an_answer_after_it_is_refused(street: Street, over: Outage) -> None:
    outages.answer(presented=_token(over, "Ned"), is_back=False)
    assert answering.settle(realm_id=street.realm.pk, outage_id=over.pk) == 0
    assert _ticket().state == "resolved"
    with clock.moved(dt.timedelta(hours=25)):
        assert answering.settle(realm_id=street.realm.pk, outage_id=over.pk) == 2
        assert answering.settle(realm_id=street.realm.pk, outage_id=over.pk) == 0
        with pytest.raises(AnswerTooLate):
            outages.answer(presented=_token(over, "Maria"), is_back=False)
    assert _ticket().state == "closed"
    counts = reads.count(over)
    assert (counts.none, counts.no, counts.waiting) == (2, 1, 0)
    assert Outage.objects.get().settled_at is not None


def test_what_somebody_opened_again_meanwhile_is_not_closed(street: Street, over: Outage) -> None:
    tickets.reopen(actor=street.noc, ticket=_ticket())
    with clock.moved(dt.timedelta(hours=25)):
        answering.settle(realm_id=street.realm.pk, outage_id=over.pk)
    assert _ticket().state == "open"


@pytest.mark.parametrize("bad", ["", "nonsense", "WzEsIngiXQ:1abc:def"])
def test_a_link_that_was_not_signed_here_opens_nothing(over: Outage, bad: str) -> None:
    with pytest.raises(BadAnswerLink):
        outages.answer(presented=bad, is_back=True)
    assert reads.count(over).yes == 0


def test_a_link_of_alpha_opens_nothing_in_beta(cast: Cast, over: Outage) -> None:
    token = _token(over, "Maria")
    with scoping.realm_transaction(cast.beta.pk), pytest.raises((BadAnswerLink, ObjectDoesNotExist)):
        outages.answer(presented=token, is_back=True)
    assert reads.count(over).yes == 0


def test_before_anybody_was_asked_a_link_opens_nothing(street: Street) -> None:
    outage = street.open()
    with pytest.raises(BadAnswerLink):
        outages.answer(presented=_token(outage, "Maria"), is_back=True)


def test_an_outage_that_is_over_takes_nothing_more(street: Street, over: Outage) -> None:
    for act in (
        lambda: outages.update(actor=street.noc, outage=over, text="More"),
        lambda: outages.restore(actor=street.noc, outage=over, text="More"),
        lambda: outages.add_account(actor=street.noc, outage=over, account=street.homes[0]),
    ):
        with pytest.raises(OutageIsOver):
            act()
    assert OutageUpdate.objects.count() == 2
