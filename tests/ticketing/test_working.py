"""People take tickets, hand them over and talk on them; two never hold the same one."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from ticketing import selectors
from ticketing.errors import (
    AlreadyClaimed,
    NotInPool,
    OnlyPeopleClaim,
    OutcomeIsFinal,
    TicketChanged,
    TicketWrongState,
)
from ticketing.models import Message, TicketEvent
from ticketing.services import pools, tickets


def test_nora_claims_from_her_pool_and_the_ticket_is_open(hers, nora, bob):
    ticket = tickets.claim(actor=actor_of(nora), ticket=hers)
    assert (ticket.assignee, ticket.state) == (nora, "open")
    last = selectors.list_events(bob, hers).last()
    assert (last.type, last.actor_label) == ("claimed", "Nora North")
    assert (last.before, last.after) == (
        {"assignee": None, "state": "new"},
        {"assignee": "Nora North", "state": "open"},
    )


def test_claiming_ones_own_again_changes_nothing(hers, nora):
    once = tickets.claim(actor=actor_of(nora), ticket=hers)
    again = tickets.claim(actor=actor_of(nora), ticket=hers)
    assert once.version == again.version


def test_what_nora_has_bob_cannot_claim_but_may_reassign(hers, nora, bob, cast):
    tickets.claim(actor=actor_of(nora), ticket=hers)
    with pytest.raises(AlreadyClaimed, match="Nora North"):
        tickets.claim(actor=bob, ticket=hers)
    assert tickets.assign(actor=bob, ticket=hers, user=cast.bob).assignee == cast.bob


def test_fred_of_another_pool_cannot_claim_it_until_he_joins(hers, fred, desk, system):
    with pytest.raises(NotInPool):
        tickets.claim(actor=actor_of(fred), ticket=hers)
    pools.add_member(actor=system, pool=desk.noc, user=fred)
    assert tickets.claim(actor=actor_of(fred), ticket=hers).assignee == fred


def test_a_machine_claims_nothing(hers, system):
    with pytest.raises(OnlyPeopleClaim):
        tickets.claim(actor=system, ticket=hers)


def test_nora_puts_hers_back_but_not_bobs(hers, nora, bob, cast):
    tickets.claim(actor=actor_of(nora), ticket=hers)
    assert tickets.release(actor=actor_of(nora), ticket=hers).assignee is None
    tickets.assign(actor=bob, ticket=hers, user=cast.bob)
    with pytest.raises(PermissionDenied):
        tickets.release(actor=actor_of(nora), ticket=hers)


def test_work_goes_to_active_staff_only(hers, bob, dana, nora, system):
    with pytest.raises(InvalidInput):
        tickets.assign(actor=bob, ticket=hers, user=dana)
    nora.is_active = False
    with pytest.raises(InvalidInput):
        tickets.assign(actor=bob, ticket=hers, user=nora)
    with pytest.raises(InvalidInput):
        pools.add_member(actor=system, pool=hers.pool, user=dana)


def test_nobody_hands_a_ticket_to_charlie_of_another_realm(hers, bob, cast):
    with pytest.raises(InvalidInput):
        tickets.assign(actor=bob, ticket=hers, user=cast.charlie)


def test_a_ticket_that_has_changed_is_not_overwritten(hers, bob, nora):
    seen = hers.version
    tickets.claim(actor=actor_of(nora), ticket=hers)
    with pytest.raises(TicketChanged):
        tickets.resolve(actor=bob, ticket=hers, expected_version=seen)
    assert tickets.resolve(actor=bob, ticket=hers, expected_version=seen + 1).state == "resolved"


def test_an_answer_takes_a_new_ticket_up_and_a_note_does_not(hers, bob):
    tickets.add_message(actor=bob, ticket=hers, body="hm", kind="internal")
    hers.refresh_from_db()
    assert hers.state == "new"
    tickets.add_message(actor=bob, ticket=hers, body="We look into it")
    hers.refresh_from_db()
    assert hers.state == "open"


def test_an_empty_message_and_a_forged_system_message_are_refused(hers, bob):
    with pytest.raises(InvalidInput) as refused:
        tickets.add_message(actor=bob, ticket=hers, body=" \n ")
    assert list(refused.value.fields) == ["body"]
    for kind in ("system", "shout"):
        with pytest.raises(InvalidInput):
            tickets.add_message(actor=bob, ticket=hers, body="x", kind=kind)


def test_a_ticket_waits_and_is_resolved_closed_and_reopened(hers, bob):
    assert tickets.wait(actor=bob, ticket=hers, waiting_for="other", reason="A part").state == "waiting_other"
    assert tickets.wait(actor=bob, ticket=hers, waiting_for="customer").state == "waiting_customer"
    assert tickets.resolve(actor=bob, ticket=hers, note="New cable").state == "resolved"
    assert tickets.close(actor=bob, ticket=hers).state == "closed"
    ticket = tickets.reopen(actor=bob, ticket=hers, reason="Again")
    assert (ticket.state, ticket.reopen_count, ticket.resolved_at, ticket.closed_at) == ("open", 1, None, None)
    assert Message.objects.get(body="New cable").kind == "internal"


@pytest.mark.parametrize("verb", ["resolve", "claim", "release"])
def test_what_has_ended_is_not_worked_on(hers, bob, verb):
    tickets.resolve(actor=bob, ticket=hers)
    with pytest.raises(TicketWrongState):
        getattr(tickets, verb)(actor=bob, ticket=hers)


def test_only_what_has_ended_reopens_and_only_what_is_resolved_closes(hers, bob):
    with pytest.raises(TicketWrongState):
        tickets.reopen(actor=bob, ticket=hers)
    with pytest.raises(TicketWrongState):
        tickets.close(actor=bob, ticket=hers)


def test_a_cancelled_ticket_says_why(hers, bob):
    with pytest.raises(InvalidInput):
        tickets.cancel(actor=bob, ticket=hers, reason=" ")
    ticket = tickets.cancel(actor=bob, ticket=hers, reason="Opened twice")
    assert ticket.state == "cancelled"
    assert selectors.list_events(bob, hers).last().after["reason"] == "Opened twice"


def test_events_and_messages_share_one_unbroken_sequence(hers, bob, nora):
    tickets.claim(actor=actor_of(nora), ticket=hers)
    tickets.add_message(actor=bob, ticket=hers, body="Hello")
    tickets.resolve(actor=bob, ticket=hers, note="Done")
    hers.refresh_from_db()
    assert list(TicketEvent.objects.filter(ticket=hers).order_by("seq").values_list("seq", "type")) == [
        (1, "opened"),
        (2, "claimed"),
        (3, "message_added"),
        (4, "resolved"),
    ]
    assert hers.version == 4


def test_the_application_can_neither_change_nor_delete_what_was_said(hers):
    from django.db import ProgrammingError, transaction

    for attempt in (
        lambda: Message.objects.update(body="never said"),
        lambda: Message.objects.all().delete(),
        lambda: TicketEvent.objects.update(type="never happened"),
        lambda: TicketEvent.objects.all().delete(),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            attempt()


def test_a_customers_answer_does_not_reopen_what_ended_by_an_outcome(fallen, bob, dana, system):
    from ticketing.models import Ticket

    tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})
    Ticket.objects.filter(pk=fallen.pk).update(requester=dana)
    with pytest.raises(OutcomeIsFinal):
        tickets.add_message(actor=actor_of(dana), ticket=fallen, body="But")
