"""A category's own statuses: words and ways between them, over the fixed states that promises and reports know."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing import selectors
from ticketing.choices import TicketState
from ticketing.errors import CategoryRefused, OutcomeRequired, StatusNotAllowed
from ticketing.models import Message, Ticket, TicketEvent
from ticketing.services import categories, tickets
from ticketing.statuses import REACHABLE, StatusDef, effective

OWN = [
    {"key": "fresh", "label": "Fresh", "state": "new"},
    {"key": "testing", "label": "Testing the line", "state": "open", "customer_label": "We test your line",
     "allowed_next": ["visit", "fixed"]},
    {"key": "visit", "label": "Visit planned", "state": "open", "colour": "wait", "require_fields": ["slot"]},
    {"key": "fixed", "label": "Fixed", "state": "resolved", "require_fields": ["cause"]},
]  # fmt: skip
FIELDS = [{"key": "slot", "type": "datetime"}, {"key": "cause", "type": "text", "end_user": "none"}]


@pytest.fixture
def line(desk, system):
    return categories.create(
        actor=system, key="line", name="Line", portal_visible=True, fields=FIELDS, statuses=OWN, default_pool=desk.noc
    )


@pytest.fixture
def danas(line, dana) -> Ticket:
    return tickets.open(actor=actor_of(dana), category_key="line", title="Noise", body="Crackles")


def test_tickets_of_categories_without_statuses_have_the_states_names(hers, bob, nora):
    assert hers.status == "new"
    tickets.claim(actor=actor_of(nora), ticket=hers)
    assert Ticket.objects.get(pk=hers.pk).status == "open"
    assert tickets.resolve(actor=bob, ticket=hers).status == "resolved"


def test_a_verb_leads_to_the_first_status_of_its_state(danas, nora, bob, dana):
    assert danas.status == "fresh"
    assert tickets.claim(actor=actor_of(nora), ticket=danas).status == "testing"
    waiting = tickets.wait(actor=bob, ticket=danas, waiting_for="customer")
    assert waiting.status == "waiting_customer"  # the category has no word of its own for it
    tickets.add_message(actor=actor_of(dana), ticket=danas, body="Here I am")
    assert Ticket.objects.get(pk=danas.pk).status == "testing"


def test_a_status_is_left_only_to_those_it_names(danas, bob):
    tickets.move(actor=bob, ticket=danas, status="testing")
    with pytest.raises(StatusNotAllowed):
        tickets.move(actor=bob, ticket=danas, status="waiting_other")
    assert Ticket.objects.get(pk=danas.pk).status == "testing"


def test_what_a_status_requires_is_asked_for_and_can_be_given_with_the_move(danas, bob):
    with pytest.raises(InvalidInput) as caught:
        tickets.move(actor=bob, ticket=danas, status="visit")
    assert set(caught.value.fields) == {"data.slot"}
    assert Ticket.objects.get(pk=danas.pk).status == "fresh"
    moved = tickets.move(actor=bob, ticket=danas, status="visit", data={"slot": "2026-12-01T09:00:00+00:00"})
    assert (moved.status, moved.state) == ("visit", "open")
    event = TicketEvent.objects.get(ticket=danas, type="moved")
    assert (event.before["status"], event.after["status"]) == ("fresh", "visit")


def test_resolving_without_what_its_status_requires_is_refused_and_changes_nothing(danas, bob):
    for resolve in (
        lambda: tickets.resolve(actor=bob, ticket=danas),
        lambda: tickets.move(actor=bob, ticket=danas, status="fixed"),
    ):
        with pytest.raises(InvalidInput) as caught:
            resolve()
        assert set(caught.value.fields) == {"data.cause"}
    assert Ticket.objects.get(pk=danas.pk).state == TicketState.NEW
    done = tickets.resolve(actor=bob, ticket=danas, data={"cause": "Wet joint"})
    assert (done.state, done.status, done.data["cause"]) == ("resolved", "fixed", "Wet joint")


def test_moving_to_a_resolved_status_resolves(danas, bob):
    tickets.move(actor=bob, ticket=danas, status="fixed", data={"cause": "Wet joint"})
    done = Ticket.objects.get(pk=danas.pk)
    assert done.resolved_at is not None and done.resolved_by == bob.label
    assert TicketEvent.objects.filter(ticket=danas, type="resolved").count() == 1
    again = tickets.move(actor=bob, ticket=danas, status="testing")
    assert (again.state, again.reopen_count, again.resolved_at) == ("open", 1, None)


def test_a_ticket_that_wants_an_outcome_ends_by_no_status(desk, fallen, bob, system):
    statuses = [{"key": "gone", "label": "Gone", "state": "resolved"}]
    categories.publish_fields(actor=system, category=desk.fallout, fields=[], statuses=statuses)
    for key, reason in (("gone", ""), ("cancelled", "no wish")):
        with pytest.raises(OutcomeRequired):
            tickets.move(actor=bob, ticket=fallen, status=key, reason=reason)
    assert Ticket.objects.get(pk=fallen.pk).state == TicketState.NEW
    done = tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 3})
    assert done.status == "gone"


def test_only_staff_move_tickets(danas, dana):
    with pytest.raises(PermissionDenied):
        tickets.move(actor=actor_of(dana), ticket=danas, status="testing")
    assert Message.objects.filter(ticket=danas).count() == 1
    assert Ticket.objects.get(pk=danas.pk).status == "fresh"


def test_customers_read_the_customers_word_and_not_the_key(danas, bob, dana, browser_of):
    tickets.move(actor=bob, ticket=danas, status="testing")
    shown = Person(browser_of(dana)).get(f"tickets/{danas.public_id}/").json()
    assert shown["status_label"] == "We test your line" and "status" not in shown
    page = browser_of(dana).get(f"/my/tickets/{danas.public_id}/").content.decode()
    assert "We test your line" in page and "Testing the line" not in page


def test_a_status_that_is_gone_gives_way_to_the_first_of_its_state(line, danas, bob, system):
    tickets.move(actor=bob, ticket=danas, status="testing")
    categories.publish_fields(actor=system, category=line, fields=FIELDS, statuses=[OWN[0], OWN[3]])
    assert selectors.status_of(Ticket.objects.get(pk=danas.pk)).label == "Testing the line"
    edited = tickets.fill(actor=bob, ticket=danas, data={"cause": "Rain"})
    assert (edited.status, edited.state) == ("open", "open")


@pytest.mark.parametrize(
    ("status", "place"),
    [
        ({"key": "open", "label": "Open", "state": "resolved"}, "statuses.open.key"),
        ({"key": "x", "label": "X", "state": "closed", "allowed_next": ["new"]}, "statuses.x.allowed_next"),
        ({"key": "x", "label": "X", "state": "open", "allowed_next": ["y"]}, "statuses.x.allowed_next"),
        ({"key": "x", "label": "X", "state": "open", "require_fields": ["y"]}, "statuses.x.require_fields"),
        ({"key": "x", "label": "X", "state": "open", "pauses_clocks": ["y"]}, "statuses.x.pauses_clocks"),
        ({"key": "x", "label": " ", "state": "open"}, "statuses.x.label"),
        ({"key": "x", "label": "X", "state": "asleep"}, "statuses"),
    ],
)
def test_statuses_that_cannot_work_are_not_published(desk, alice, status, place):
    with pytest.raises(CategoryRefused) as refused:
        categories.create(actor=alice, key="odd", name="Odd", statuses=[status])
    assert set(refused.value.fields) == {place}


def test_every_state_has_a_status_and_the_ways_are_the_tickets_own():
    assert {status.state for status in effective([StatusDef("x", "X", "open")])} == set(TicketState.values)
    for state, reachable in REACHABLE.items():
        moves = Ticket(state=state).get_available_state_transitions()
        # Nobody gives a ticket the state "merged", or takes it away, by a status: that is merging and undoing it.
        own = {move.target for move in moves if move.name not in ("merge_away", "take_out")}
        assert own == set(reachable)
