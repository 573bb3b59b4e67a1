"""The requester hears of his ticket by mail: that it was received, what was answered, that it is solved. Once each."""

from __future__ import annotations

import pytest

from boss.core import scoping
from boss.notify.models import Delivery, Message
from boss.tenancy.models import User
from tests.cast import actor_of
from ticketing import handlers
from ticketing.events import MessageAdded, TicketOpened, TicketResolved
from ticketing.services import tickets


def told() -> list[tuple[str, str]]:
    rows = Delivery.objects.order_by("id").values_list("message__template", "address")
    return [(template, address) for template, address in rows]


def test_a_customer_is_told_the_number_once(hers):
    for _delivered_twice in range(2):
        handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    assert told() == [("ticket_received", "dana@home.example")]
    assert Message.objects.get().subject == f"[{hers.number}] Internet is slow"


def test_an_answer_is_passed_on_and_notes_and_her_own_words_are_not(hers, bob, dana):
    answer = tickets.add_message(actor=bob, ticket=hers, body="We look into it")
    note = tickets.add_message(actor=bob, ticket=hers, body="She again", kind="internal")
    own = tickets.add_message(actor=actor_of(dana), ticket=hers, body="Thank you")
    for message in (answer, note, own):
        handlers.pass_on_answer(MessageAdded(ticket_id=hers.pk, message_id=message.pk))
    assert told() == [("ticket_answer", "dana@home.example")]
    text = Message.objects.get().text
    assert "We look into it" in text and f"/my/tickets/{hers.public_id}/" in text and "She again" not in text


def test_solved_is_told_unless_it_was_reopened_meanwhile(hers, bob):
    tickets.resolve(actor=bob, ticket=hers)
    tickets.reopen(actor=bob, ticket=hers)
    handlers.tell_resolved(TicketResolved(ticket_id=hers.pk, outcome=""))
    assert told() == []
    tickets.resolve(actor=bob, ticket=hers)
    handlers.tell_resolved(TicketResolved(ticket_id=hers.pk, outcome=""))
    assert told() == [("ticket_resolved", "dana@home.example")]


def test_fallout_is_nobodys_business_outside(fallen):
    handlers.acknowledge(TicketOpened(ticket_id=fallen.pk))
    assert told() == []


def test_who_has_left_is_not_written_to(hers, dana):
    User.objects.filter(pk=dana.pk).update(is_active=False)
    handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    assert told() == []


@pytest.mark.parametrize("fact", ["ticketing.ticket_opened", "ticketing.message_added", "ticketing.ticket_resolved"])
def test_the_relay_knows_who_listens(fact, alpha):
    from boss.core.events import handlers as listeners

    assert scoping.current_realm_id() == alpha.pk
    assert [listener.key for _key, listener in listeners if listener.fact == fact]
