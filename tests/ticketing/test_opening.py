"""Everything opens tickets, exactly once where it says so, and never with half of what was given."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction

from boss.core import clock
from boss.core.models import AuditEntry, Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.scoping import Scope, enter
from tests.cast import actor_of
from tests.ticketing.conftest import PUMP_ACCOUNT
from ticketing import selectors
from ticketing.models import Message, Ticket, TicketEvent, TicketLink
from ticketing.registry import subject_kinds
from ticketing.services import categories, tickets


def test_a_ticket_has_a_number_a_pool_an_event_an_audit_row_and_a_fact(desk, bob):
    ticket = tickets.open(actor=bob, category_key="trouble", title=" No  picture ", data={"symptom": "dead"})
    assert (ticket.number, ticket.title, ticket.state, ticket.pool) == ("AL-1001", "No picture", "new", desk.noc)
    assert [event.type for event in selectors.list_events(bob, ticket)] == ["opened"]
    assert AuditEntry.objects.filter(action="ticket.opened", subject_id=ticket.pk, actor_label="Bob Baker").exists()
    assert Fact.objects.get(name="ticketing.ticket_opened").payload == {"ticket_id": ticket.pk}


def test_numbers_run_by_prefix(desk, bob, system):
    data = {"symptom": "dead"}
    numbers = [
        tickets.open(actor=bob, category_key="trouble", title="one", data=data).number,
        tickets.open(actor=system, category_key="fallout", title="two").number,
        tickets.open(actor=bob, category_key="trouble", title="three", data=data).number,
    ]
    assert numbers == ["AL-1001", "OF-1001", "AL-1002"]


def test_the_realm_may_choose_its_letters(desk, bob, alpha, monkeypatch):
    monkeypatch.setitem(alpha.settings, "ticket_prefix", "nf")
    monkeypatch.setattr("ticketing.services.tickets.opening.get_realm", lambda realm_id: alpha)
    assert tickets.open(actor=bob, category_key="office", title="Stapler").number == "NF-1001"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"category_key": "nonsense"}, "category"),
        ({"pool_key": "nonsense"}, "pool"),
        ({"subject": ("tests.unicorn", 1)}, "subject"),
        ({"data": {}}, "data.symptom"),
        ({"data": {"symptom": "loud"}}, "data.symptom"),
        ({"data": {"symptom": "slow", "colour": "red"}}, "data.colour"),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(desk, bob, wrong, field):
    given = {"category_key": "trouble", "title": "No picture", "data": {"symptom": "dead"}}
    with pytest.raises(InvalidInput) as refused:
        tickets.open(actor=bob, **{**given, **wrong})
    assert list(refused.value.fields) == [field]
    assert not Ticket.objects.exists() and not TicketEvent.objects.exists() and not Fact.objects.exists()


def test_the_same_dedupe_key_gives_the_open_ticket_and_adds_nothing(fallen, system):
    again = tickets.open(actor=system, category_key="office", title="Other words", dedupe_key="pump:5")
    assert again == fallen and again.title == "Pump 5 does not answer"
    assert Ticket.objects.count() == 1 and Fact.objects.count() == 1


def test_after_the_end_the_same_dedupe_key_opens_a_new_ticket(fallen, system, bob):
    tickets.resolve(actor=bob, ticket=fallen, outcome="done", values={"pressure": 4})
    second = tickets.open(actor=system, category_key="fallout", title="Again", dedupe_key="pump:5")
    assert second != fallen and Ticket.objects.count() == 2


def test_the_dedupe_key_of_another_realm_is_another_key(fallen, system, charlie, cast):
    with enter(Scope(cast.beta.pk)), transaction.atomic():
        categories.create(actor=charlie, key="fallout", name="Fallout")
        theirs = tickets.open(actor=charlie, category_key="fallout", title="Theirs", dedupe_key="pump:5")
    assert theirs.pk != fallen.pk


def test_links_find_the_ticket_by_subject_and_by_account(fallen, bob, desk, system):
    other = tickets.open(
        actor=system, category_key="office", title="Two pumps", links=[("tests.pump", 5), ("tests.leak", 2)]
    )
    assert set(selectors.list_for_subject("tests.pump", 5)) == {fallen, other}
    assert set(selectors.list_for_account(bob, PUMP_ACCOUNT)) == {fallen, other}
    assert list(selectors.list_for_subject("tests.leak", 2)) == [other]
    assert [card.label for card in selectors.list_cards(other)] == ["Pump 5", "Leak 2"]
    assert TicketLink.objects.filter(account_id=None).get().subject_kind == "tests.leak"


def test_what_the_machine_says_is_for_staff_and_what_people_say_is_public(fallen, hers):
    assert Message.objects.get(ticket=fallen).kind == "system"
    assert Message.objects.get(ticket=hers).kind == "public"


def test_the_engine_is_never_stopped_by_a_long_title_or_a_new_mandatory_field(desk, system):
    ticket = tickets.open(actor=system, category_key="trouble", title="x" * 500)
    assert len(ticket.title) == 200 and ticket.data == {}


def test_the_next_promise_is_the_first_reply_and_then_the_resolution(desk, system, bob):
    categories.create(
        actor=system,
        key="urgent",
        name="Urgent",
        first_reply_target=dt.timedelta(minutes=30),
        resolve_target=dt.timedelta(hours=4),
    )
    start = clock.now()
    ticket = tickets.open(actor=bob, category_key="urgent", title="Fire")
    assert abs(ticket.due_at - start - dt.timedelta(minutes=30)) < dt.timedelta(minutes=1)
    tickets.add_message(actor=bob, ticket=ticket, body="note", kind="internal")
    ticket.refresh_from_db()
    assert ticket.first_response_at is None
    tickets.add_message(actor=bob, ticket=ticket, body="We are on our way")
    ticket.refresh_from_db()
    assert ticket.first_response_at is not None
    assert abs(ticket.due_at - start - dt.timedelta(hours=4)) < dt.timedelta(minutes=1)


def test_nobody_opens_in_an_archived_category(desk, system, bob):
    categories.archive(actor=system, category=desk.office)
    with pytest.raises(InvalidInput):
        tickets.open(actor=bob, category_key="office", title="Stapler")


def test_an_auditor_opens_nothing(desk, cast):
    from tests.cast import make_user

    auditor = actor_of(make_user(cast.alpha, "ada@alpha.example", "Ada Audit", "auditor"))
    with pytest.raises(PermissionDenied):
        tickets.open(actor=auditor, category_key="office", title="Stapler")
    assert not Ticket.objects.exists()


def test_opening_costs_a_fixed_number_of_queries(desk, system, django_assert_num_queries):
    # savepoint, lock, key, category, number, policy, ticket, event, audit, rules, message, link, fact, delivery,
    # release
    with django_assert_num_queries(15):
        tickets.open(
            actor=system,
            category_key="fallout",
            title="Pump 6",
            body="why",
            subject=("tests.pump", 6),
            dedupe_key="pump:6",
        )


def test_every_kind_in_the_registry_can_describe_a_subject_that_is_gone(alpha):
    for _key, kind in subject_kinds:
        assert str(kind.describe(0).label)
