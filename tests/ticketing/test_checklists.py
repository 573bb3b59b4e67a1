"""Points are laid out by the category, done by somebody, and the required ones come before the end."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from ticketing import selectors
from ticketing.choices import TicketState
from ticketing.errors import ChecklistOpen, TicketWrongState
from ticketing.models import ChecklistItem, TicketEvent
from ticketing.services import categories, checklists, drafts, tickets

POINTS = [{"text": "Measure the line", "required": True}, {"text": "Leave a card"}]


@pytest.fixture
def listed(desk, cast):
    """The category "office" with two points, published."""
    drafts.save(actor=actor_of(cast.alice), category=desk.office, checklist=POINTS)
    drafts.publish(actor=actor_of(cast.alice), category=desk.office)
    return selectors.find_category("office")


@pytest.fixture
def visit(listed, cast):
    return tickets.open(actor=actor_of(cast.bob), category_key="office", title="Visit")


def points_of(ticket):
    return list(ChecklistItem.objects.filter(ticket=ticket).order_by("position"))


def test_a_ticket_begins_with_the_points_of_the_published_version(visit):
    assert [(p.text, p.is_required, p.source) for p in points_of(visit)] == [
        ("Measure the line", True, "category"), ("Leave a card", False, "category"),
    ]  # fmt: skip


def test_a_draft_changes_no_ticket_and_a_ticket_that_is_open_keeps_its_points(visit, listed, cast):
    alice = actor_of(cast.alice)
    drafts.save(actor=alice, category=listed, checklist=[{"text": "Something else"}])
    other = tickets.open(actor=alice, category_key="office", title="Meanwhile")
    assert len(points_of(other)) == 2
    drafts.publish(actor=alice, category=listed)
    assert [p.text for p in points_of(tickets.open(actor=alice, category_key="office", title="Now"))] == [
        "Something else"
    ]
    assert len(points_of(visit)) == 2


def test_publishing_fields_and_taking_a_version_back_keep_the_checklist_of_theirs(listed, cast):
    alice = actor_of(cast.alice)
    categories.publish_fields(actor=alice, category=listed, fields=[])
    categories.publish_fields(actor=alice, category=listed, fields=[], checklist=[])
    listed.refresh_from_db()
    checklists_ = {schema.version: len(schema.points()) for schema in selectors.list_schemas(listed)}
    assert checklists_ == {1: 2, 2: 2, 3: 0}
    assert len(categories.revert(actor=alice, category=listed, version=1).points()) == 2


@pytest.mark.parametrize("end", ["resolve", "move"])
def test_it_is_not_resolved_before_the_required_points_are_done(visit, cast, end):
    bob = actor_of(cast.bob)

    def finish():
        if end == "resolve":
            return tickets.resolve(actor=bob, ticket=visit)
        return tickets.move(actor=bob, ticket=visit, status="resolved")

    with pytest.raises(ChecklistOpen) as refusal:
        finish()
    assert refusal.value.data["open"] == ["Measure the line"]
    visit.refresh_from_db()
    assert visit.is_open
    checklists.check(actor=bob, item=points_of(visit)[0])
    assert finish().state == TicketState.RESOLVED


def test_it_is_cancelled_and_ended_by_the_machine_without_them(visit, listed, cast, system):
    tickets.cancel(actor=actor_of(cast.bob), ticket=visit, reason="Not wanted")
    other = tickets.open(actor=system, category_key="office", title="By the engine")
    assert tickets.resolve(actor=system, ticket=other).state == TicketState.RESOLVED


def test_a_point_says_who_did_it_and_when_and_the_log_keeps_that_it_was_undone(visit, cast, nora):
    point = checklists.check(actor=actor_of(cast.bob), item=points_of(visit)[0])
    assert point.done_by == "Bob Baker" and point.done_at is not None
    assert checklists.check(actor=actor_of(nora), item=point).done_by == "Bob Baker"
    checklists.uncheck(actor=actor_of(nora), item=point)
    assert points_of(visit)[0].done_at is None
    events = TicketEvent.objects.filter(ticket=visit, type__startswith="point").order_by("seq")
    assert [(e.type, e.actor_label) for e in events] == [("point_done", "Bob Baker"), ("point_open", "Nora North")]


def test_points_are_added_and_ordered_by_hand_and_only_those_are_taken_off(visit, cast):
    bob = actor_of(cast.bob)
    third = checklists.add(actor=bob, ticket=visit, texts=["  Call   the neighbour "])[0]
    checklists.shift(actor=bob, item=third, to="up")
    checklists.shift(actor=bob, item=third, to="up")
    checklists.shift(actor=bob, item=third, to="up")
    assert [p.text for p in points_of(visit)] == ["Call the neighbour", "Measure the line", "Leave a card"]
    with pytest.raises(InvalidInput):
        checklists.remove(actor=bob, item=points_of(visit)[1])
    checklists.remove(actor=bob, item=third)
    assert [p.text for p in points_of(visit)] == ["Measure the line", "Leave a card"]


def test_another_category_takes_its_points_back_and_leaves_what_was_done(visit, listed, desk, cast):
    bob = actor_of(cast.bob)
    checklists.check(actor=bob, item=points_of(visit)[0])
    tickets.recategorise(actor=bob, ticket=visit, category=desk.trouble)
    assert [p.text for p in points_of(visit)] == ["Measure the line"]
    tickets.recategorise(actor=bob, ticket=visit, category=listed)
    assert [(p.text, p.done_at is not None) for p in points_of(visit)] == [
        ("Measure the line", True), ("Leave a card", False),
    ]  # fmt: skip


def test_customers_and_closed_tickets_change_no_points(visit, hers, dana, cast):
    with pytest.raises(PermissionDenied):
        checklists.add(actor=actor_of(dana), ticket=hers, texts=["x"])
    tickets.cancel(actor=actor_of(cast.bob), ticket=visit, reason="Not wanted")
    with pytest.raises(TicketWrongState):
        checklists.check(actor=actor_of(cast.bob), item=points_of(visit)[0])
    assert points_of(visit)[0].done_at is None and not points_of(hers)
