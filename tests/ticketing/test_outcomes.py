"""Where the subject asks how it ended, a ticket ends by an answer and in no other way, together with its subject."""

from __future__ import annotations

import pytest

from boss.core.models import AuditEntry, Fact
from boss.core.problems import InvalidInput
from tests.ticketing.conftest import Jammed, pump
from ticketing import selectors
from ticketing.errors import ConfirmationRequired, OutcomeIsFinal, OutcomeRequired, TicketWrongState
from ticketing.models import Ticket, TicketEvent
from ticketing.services import tickets


def untouched(ticket: Ticket) -> bool:
    ticket.refresh_from_db()
    return ticket.state == "new" and ticket.version == 1 and not pump.told and ticket.outcome == ""


def test_the_outcome_reaches_its_subject_with_clean_values(fallen, bob):
    ticket = tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": " 4 "}, note="By hand")
    assert pump.told == [(ticket.number, "done", {"pressure": 4})]
    assert (ticket.state, ticket.outcome, ticket.outcome_values) == ("resolved", "done", {"pressure": 4})
    assert (ticket.resolved_by, ticket.assignee_id) == ("Bob Baker", bob.user_id)
    assert Fact.objects.get(name="ticketing.ticket_resolved").payload == {
        "ticket_id": ticket.pk, "outcome": "done", "told": False,
    }  # fmt: skip
    assert AuditEntry.objects.get(action="ticket.resolved").after["outcome"] == "done"


@pytest.mark.parametrize("outcome", ["", "explode"])
def test_without_one_of_the_outcomes_nothing_ends(fallen, bob, outcome):
    with pytest.raises(OutcomeRequired) as refused:
        tickets.resolve(actor=bob, ticket=fallen, outcome=outcome)
    assert refused.value.data["outcomes"] == ["done", "scrap"]
    assert list(refused.value.fields) == ["outcome"]
    assert untouched(fallen)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "values.pressure"),
        ({"pressure": 11}, "values.pressure"),
        ({"pressure": "high"}, "values.pressure"),
        ({"pressure": 4, "colour": "red"}, "values.colour"),
    ],
)
def test_results_are_typed(fallen, bob, values, field):
    with pytest.raises(InvalidInput) as refused:
        tickets.resolve(actor=bob, ticket=fallen, outcome="done", values=values)
    assert list(refused.value.fields) == [field]
    assert untouched(fallen)


def test_a_dangerous_outcome_is_confirmed_first(fallen, bob):
    with pytest.raises(ConfirmationRequired):
        tickets.resolve(actor=bob, ticket=fallen, outcome="scrap")
    assert untouched(fallen)
    tickets.resolve(actor=bob, ticket=fallen, outcome="scrap", confirmed=True)
    assert pump.told == [(fallen.number, "scrap", {})]


def test_when_the_subject_refuses_nothing_has_happened(fallen, bob):
    pump.jammed = True
    with pytest.raises(Jammed):
        tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})
    assert untouched(fallen)
    assert not Fact.objects.filter(name="ticketing.ticket_resolved").exists()
    assert TicketEvent.objects.count() == 1


def test_closing_or_cancelling_it_in_any_other_way_is_refused(fallen, bob):
    with pytest.raises(OutcomeRequired):
        tickets.close(actor=bob, ticket=fallen)
    with pytest.raises(OutcomeRequired):
        tickets.cancel(actor=bob, ticket=fallen, reason="Tired of it")
    assert untouched(fallen)


def test_what_took_effect_does_not_reopen(fallen, bob):
    tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})
    with pytest.raises(OutcomeIsFinal):
        tickets.reopen(actor=bob, ticket=fallen)


def test_secrets_go_to_the_subject_and_stay_out_of_ticket_event_and_audit(fallen, bob):
    ticket = tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4, "pin": "hush-1234"})
    assert pump.told[0][2]["pin"] == "hush-1234"
    written = [ticket.outcome_values, TicketEvent.objects.last().after, AuditEntry.objects.last().after]
    assert "hush-1234" not in repr(written)


def test_the_subject_is_locked_before_the_ticket(fallen, bob):
    with pytest.raises(OutcomeRequired):
        tickets.resolve(actor=bob, ticket=fallen)
    assert pump.locked == [5]


def test_a_ticket_of_a_free_subject_resolves_freely_and_still_tells_it(desk, bob, system):
    ticket = tickets.open(actor=system, category_key="office", title="Drip", subject=("tests.leak", 2))
    with pytest.raises(InvalidInput):
        tickets.resolve(actor=bob, ticket=ticket, outcome="done")
    tickets.resolve(actor=bob, ticket=ticket)
    assert pump.told == [(ticket.number, "", {})]


def test_a_ticket_whose_task_was_reversed_closes_itself_once(fallen, system, bob):
    ticket = tickets.close_obsolete(actor=system, dedupe_key="pump:5", reason="The run was reversed")
    assert ticket == fallen and ticket.state == "cancelled" and not pump.told
    assert selectors.list_events(bob, fallen).last().after == {"state": "cancelled", "reason": "The run was reversed"}
    assert tickets.close_obsolete(actor=system, dedupe_key="pump:5", reason="again") is None
    with pytest.raises(TicketWrongState):
        tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})


def test_no_key_closes_no_ticket(hers, system):
    assert tickets.close_obsolete(actor=system, dedupe_key="", reason="oops") is None
    hers.refresh_from_db()
    assert hers.state == "new"


def test_resolving_costs_a_fixed_number_of_queries(fallen, bob, django_assert_num_queries):
    # savepoint, lock, may, children, fields, category and its parent, how it may end, checklist, user, clocks, save,
    # event, audit, rules, three facts (it moved; it is resolved; its owner has room) and their deliveries, release
    with django_assert_num_queries(20):
        tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})
