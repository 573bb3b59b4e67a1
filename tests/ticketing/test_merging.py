"""Several tickets about one matter become one: nothing is lost, nothing is seen that was not, and it can be undone."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from tests.ticketing.test_races import at_once, realm_id  # noqa: F401
from ticketing import links, selectors, timesheet
from ticketing.errors import MergeIsOver, MergeRefused, MergeUnconfirmed, TicketClosed, TicketMerged, TicketWrongState
from ticketing.mail.neutral import Address
from ticketing.models import Message, Participant, SlaClock, Ticket, TicketEvent, TicketMerge
from ticketing.services import tickets, time
from ticketing.services.mail import participants


@pytest.fixture
def again(hers, dana, desk) -> Ticket:
    """Dana has asked a second time, and is promised an answer by now."""
    desk.trouble.first_reply_target, desk.trouble.resolve_target = dt.timedelta(minutes=30), dt.timedelta(hours=4)
    desk.trouble.save()
    return tickets.open(
        actor=actor_of(dana), category_key="trouble", title="Still slow", body="Hello?", data={"symptom": "slow"}
    )


def bodies(actor: Actor, ticket: Ticket) -> list[str]:
    return [each.body for each in selectors.list_messages(actor, ticket)]


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def test_two_become_one_thread_in_the_order_in_which_things_were_said(hers, again, bob, dana):
    tickets.add_message(actor=bob, ticket=hers, body="We look into it")
    tickets.add_message(actor=bob, ticket=again, body="Only staff read this", kind="internal")
    before = Message.objects.count()

    tickets.merge(actor=bob, tickets=[again], into=hers)

    merged = fresh(again)
    assert (merged.state, merged.status, merged.merged_into, merged.number) == ("merged", "merged", hers, again.number)
    said = ["Since this morning", "Hello?", "We look into it", "Only staff read this"]
    assert bodies(bob, hers) == said
    assert bodies(actor_of(dana), hers) == said[:3]
    assert Message.objects.count() == before and bodies(bob, merged) == ["Hello?", "Only staff read this"]


def test_both_logs_say_what_happened_and_the_clocks_of_the_merged_one_end_without_a_breach(hers, again, bob):
    assert SlaClock.objects.filter(ticket=again, stopped_at=None).exists()
    tickets.merge(actor=bob, tickets=[again], into=hers)
    assert TicketEvent.objects.filter(ticket=again).latest("seq").after["into"] == hers.number
    assert TicketEvent.objects.filter(ticket=hers).latest("seq").after["number"] == again.number
    assert not SlaClock.objects.filter(ticket=again, stopped_at=None).exists()
    assert set(SlaClock.objects.filter(ticket=again).values_list("state", flat=True)) == {"void"}
    assert fresh(again).due_at is None


def test_time_stays_where_it_was_spent_and_counts_on_the_one_that_goes_on(hers, again, nora, bob):
    time.add(actor=actor_of(nora), ticket=again, seconds=1200)
    time.add(actor=actor_of(nora), ticket=hers, seconds=600)
    tickets.merge(actor=bob, tickets=[again], into=hers)
    entries = timesheet.list_for_ticket(bob, hers)
    assert timesheet.seconds_of(entries) == 30 * 60 and {each.ticket for each in entries} == {hers, again}


def test_what_is_said_to_the_merged_one_is_said_to_the_one_that_goes_on(hers, again, bob, dana):
    tickets.merge(actor=bob, tickets=[again], into=hers)
    message = tickets.add_message(actor=actor_of(dana), ticket=again, body="It works now")
    assert message.ticket == hers


def test_neighbours_are_never_made_one(hers, erin, bob):
    theirs = tickets.open(actor=actor_of(erin), category_key="trouble", title="Slow here too", data={"symptom": "slow"})
    with pytest.raises(MergeRefused, match="neither may read"):
        tickets.merge(actor=bob, tickets=[theirs], into=hers, confirmed=True)
    assert fresh(theirs).state == "new" and not TicketMerge.objects.exists()
    assert bodies(actor_of(erin), theirs) == [] and bodies(actor_of(erin), hers) == []


def test_who_asked_for_the_one_must_be_able_to_see_the_other(hers, desk, bob):
    ours = tickets.open(actor=bob, category_key="office", title="Check the mast")
    with pytest.raises(MergeRefused, match="other way round"):
        tickets.merge(actor=bob, tickets=[hers], into=ours, confirmed=True)
    tickets.merge(actor=bob, tickets=[ours], into=hers)
    assert fresh(ours).merged_into == hers


def test_what_was_said_among_staff_on_a_ticket_of_nobody_is_not_shown_to_dana_by_a_merge(hers, desk, bob, dana):
    ours = tickets.open(actor=bob, category_key="office", title="Check the mast")
    tickets.add_message(actor=bob, ticket=ours, body="To the landlord: let us in")
    tickets.merge(actor=bob, tickets=[ours], into=hers)
    assert "To the landlord: let us in" in bodies(bob, hers)
    assert bodies(actor_of(dana), hers) == ["Since this morning"]


def test_strangers_who_would_be_written_to_are_asked_about_and_then_join(hers, desk, bob, system):
    by_mail = tickets.open(actor=bob, category_key="office", title="Slow at Dana's")
    participants.join(by_mail, Address("leo@else.example", "Leo"), actor=system, role="requester")
    participants.join(by_mail, Address("cc@else.example"), actor=system, role="cc", state="held")
    with pytest.raises(MergeUnconfirmed) as asked:
        tickets.merge(actor=bob, tickets=[by_mail], into=hers)
    assert "leo@else.example" in asked.value.data["reasons"][0]
    assert fresh(by_mail).state == "new" and not Participant.objects.filter(ticket=hers).exists()

    tickets.merge(actor=bob, tickets=[by_mail], into=hers, confirmed=True)
    assert dict(Participant.objects.filter(ticket=hers).values_list("email", "state")) == {
        "leo@else.example": "accepted", "cc@else.example": "held",
    }  # fmt: skip


def test_work_of_the_engine_is_not_merged_away_but_others_go_into_it(fallen, desk, bob):
    note = tickets.open(actor=bob, category_key="office", title="Pump again")
    with pytest.raises(MergeRefused, match="ends by the work"):
        tickets.merge(actor=bob, tickets=[fallen], into=note)
    assert fresh(fallen).state == "new"
    tickets.merge(actor=bob, tickets=[note], into=fallen)
    assert fresh(note).merged_into == fallen


def test_only_who_may_end_tickets_merges_them(hers, again, dana, charlie):
    for actor in (actor_of(dana),):
        with pytest.raises(PermissionDenied):
            tickets.merge(actor=actor, tickets=[again], into=hers)
    assert fresh(again).state == "new" and fresh(hers).version == hers.version


def test_a_ticket_goes_into_another_open_one_and_not_into_itself(hers, again, bob):
    with pytest.raises(InvalidInput):
        tickets.merge(actor=bob, tickets=[hers], into=hers)
    with pytest.raises(InvalidInput):
        tickets.merge(actor=bob, tickets=[], into=hers)
    tickets.resolve(actor=bob, ticket=hers)
    with pytest.raises(TicketWrongState):
        tickets.merge(actor=bob, tickets=[again], into=hers)
    assert fresh(again).state == "new"


def test_all_or_none(hers, again, fallen, bob):
    with pytest.raises(MergeRefused):
        tickets.merge(actor=bob, tickets=[again, fallen], into=hers)
    assert fresh(again).state == "new" and fresh(hers).version == hers.version


def test_a_chain_leads_to_its_end_at_once_and_is_undone_link_by_link(hers, again, dana, bob):
    third = tickets.open(actor=actor_of(dana), category_key="trouble", title="Hello?", data={"symptom": "slow"})
    tickets.merge(actor=bob, tickets=[third], into=again)
    with pytest.raises(TicketMerged) as refused:
        tickets.merge(actor=bob, tickets=[hers], into=third)
    assert refused.value.data["merged_into"] == again.public_id
    tickets.merge(actor=bob, tickets=[again], into=hers)
    assert {fresh(again).merged_into, fresh(third).merged_into} == {hers}

    with pytest.raises(MergeIsOver, match="further"):
        tickets.unmerge(actor=bob, ticket=third)
    tickets.unmerge(actor=bob, ticket=again)
    assert (fresh(again).merged_into, fresh(third).merged_into) == (None, again)
    assert bodies(bob, hers) == ["Since this morning"]


def test_an_undone_merge_leaves_everything_as_it_was(hers, again, bob, nora, system):
    tickets.wait(actor=bob, ticket=again, waiting_for="customer")
    participants.join(again, Address("leo@else.example", "Leo"), actor=system, role="cc")
    before = fresh(again)
    tickets.merge(actor=bob, tickets=[again], into=hers, confirmed=True)
    later = tickets.add_message(actor=bob, ticket=hers, body="Said after the merge")

    tickets.unmerge(actor=bob, ticket=again)

    now = fresh(again)
    assert (now.state, now.status, now.merged_into) == (before.state, before.status, None)
    assert (now.due_at, now.resolve_due_at) == (before.due_at, before.resolve_due_at)
    assert Participant.objects.get(ticket=hers).state == "removed"
    assert bodies(bob, hers) == ["Since this morning", "Said after the merge"] and later.ticket == hers
    with pytest.raises(MergeIsOver):
        tickets.unmerge(actor=bob, ticket=again)


def test_no_merge_is_undone_once_the_other_is_closed(hers, again, bob, dana):
    tickets.merge(actor=bob, tickets=[again], into=hers)
    with pytest.raises(PermissionDenied):
        tickets.unmerge(actor=actor_of(dana), ticket=again)
    tickets.resolve(actor=bob, ticket=hers)
    tickets.close(actor=bob, ticket=hers)
    with pytest.raises(MergeIsOver, match="is closed"):
        tickets.unmerge(actor=bob, ticket=again)
    assert fresh(again).state == "merged"
    with pytest.raises(TicketClosed):
        tickets.add_message(actor=actor_of(dana), ticket=again, body="One more thing")


def test_a_merged_ticket_is_worked_on_no_more(hers, again, bob):
    tickets.merge(actor=bob, tickets=[again], into=hers)
    for verb in (tickets.resolve, tickets.claim, tickets.close, tickets.reopen):
        with pytest.raises(TicketWrongState):
            verb(actor=bob, ticket=again)
    assert again not in selectors.list_inbox(bob)


def test_two_that_are_merged_into_each_other_at_once_do_not_lead_in_a_circle(realm_id):  # noqa: F811
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        one, two = (tickets.open(actor=system, category_key="office", title=title) for title in ("One", "Two"))
    answers = at_once(
        realm_id,
        lambda: tickets.merge(actor=system, tickets=[one], into=two, confirmed=True),
        lambda: tickets.merge(actor=system, tickets=[two], into=one, confirmed=True),
    )
    assert sorted(type(each).__name__ for each in answers) in (["Ticket", "TicketMerged"],)
    with scoping.realm_transaction(realm_id):
        assert sorted(Ticket.objects.values_list("state", flat=True)) == ["merged", "new"]
        survivor = Ticket.objects.get(state="new")
        assert links.goes_on_as(Ticket.objects.get(state="merged")) == survivor
