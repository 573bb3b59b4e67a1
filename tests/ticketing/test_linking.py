"""Tickets name one another and the things they are about; families end together or are asked; parts become tickets."""

from __future__ import annotations

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, Problem
from tests.cast import actor_of
from tests.ticketing.test_races import at_once, realm_id  # noqa: F401
from ticketing import links, selectors
from ticketing.contracts import LiveCard, SubjectCard, SubjectKind
from ticketing.errors import LinkLoops, MergeRefused, OpenChildren, TicketMerged
from ticketing.models import Message, Participant, Ticket, TicketEvent, TicketLink, TicketRelation
from ticketing.registry import subject_kinds
from ticketing.services import tickets

SHUT = 13
"""A tank that nobody but the machine may see."""


def live(actor, ids):
    asked.append(list(ids))
    return {
        pk: LiveCard(f"tank{pk}", f"Tank {pk}", state="Half full", tone="ok")
        for pk in ids
        if pk != SHUT or actor.is_system
    }


asked: list[list[int]] = []
subject_kinds.register(
    "tests.tank",
    SubjectKind(
        key="tests.tank",
        title="Tank",
        describe=lambda pk: SubjectCard(f"Tank {pk}"),
        account_id=lambda pk: 1000 + pk,
        live=live,
        search=lambda actor, text: [LiveCard("tank7", "Tank 7")] if text in "tank 7" else [],
        identify=lambda actor, public_id: int(public_id.removeprefix("tank") or 0) or None,
    ),
)


@pytest.fixture
def three(desk, bob) -> list[Ticket]:
    return [tickets.open(actor=bob, category_key="office", title=title) for title in ("Mast", "Ladder", "Paint")]


def pairs(actor: Actor, ticket: Ticket) -> list[tuple[str, str]]:
    return [(each.sentence, each.other.title) for each in links.list_related(actor, ticket)]


def test_a_link_is_read_from_both_ends_and_stands_in_both_logs(three, bob):
    mast, ladder, _paint = three
    tickets.link(actor=bob, ticket=mast, type="blocks", other=ladder)
    assert pairs(bob, mast) == [("Blocks", "Ladder")] and pairs(bob, ladder) == [("Blocked by", "Mast")]
    assert TicketEvent.objects.filter(ticket=mast).latest("seq").type == "linked"
    assert TicketEvent.objects.filter(ticket=ladder).latest("seq").after["from"] == mast.number


def test_said_twice_it_is_there_once_and_taken_away_it_is_gone(three, bob):
    mast, ladder, _paint = three
    once = tickets.link(actor=bob, ticket=mast, type="duplicate_of", other=ladder)
    assert tickets.link(actor=bob, ticket=mast, type="duplicate_of", other=ladder) == once
    tickets.unlink(actor=bob, relation=links.get_relation(bob, ladder, once.public_id))
    tickets.unlink(actor=bob, relation=once)
    assert not TicketRelation.objects.exists() and pairs(bob, mast) == []


@pytest.mark.parametrize("type_", ["parent_of", "blocks"])
def test_parents_and_blockers_lead_in_no_circle(type_, three, bob):
    mast, ladder, paint = three
    tickets.link(actor=bob, ticket=mast, type=type_, other=ladder)
    tickets.link(actor=bob, ticket=ladder, type=type_, other=paint)
    for above, below in ((paint, mast), (paint, ladder), (ladder, mast)):
        with pytest.raises(Problem) as refused:
            tickets.link(actor=bob, ticket=above, type=type_, other=below)
        # A child has one parent, so for parents that may be what is said first.
        assert isinstance(refused.value, (LinkLoops, InvalidInput))
    assert TicketRelation.objects.count() == 2
    tickets.link(actor=bob, ticket=paint, type="caused_by", other=mast)


def test_a_merge_closes_no_circle_either(three, bob):
    mast, ladder, paint = three
    tickets.link(actor=bob, ticket=mast, type="blocks", other=ladder)
    tickets.link(actor=bob, ticket=ladder, type="blocks", other=paint)
    with pytest.raises(MergeRefused, match="third ticket"):
        tickets.merge(actor=bob, tickets=[mast], into=paint)
    tickets.merge(actor=bob, tickets=[mast], into=ladder)
    assert pairs(bob, ladder) == [("Blocks", "Paint")]
    with pytest.raises(LinkLoops):
        tickets.link(actor=bob, ticket=paint, type="blocks", other=Ticket.objects.get(pk=mast.pk))


def test_a_child_has_one_parent_and_a_ticket_is_not_linked_to_itself(three, bob):
    mast, ladder, paint = three
    tickets.link(actor=bob, ticket=mast, type="parent_of", other=paint)
    with pytest.raises(InvalidInput):
        tickets.link(actor=bob, ticket=ladder, type="parent_of", other=paint)
    with pytest.raises(InvalidInput):
        tickets.link(actor=bob, ticket=mast, type="about", other=mast)
    with pytest.raises(InvalidInput):
        tickets.link(actor=bob, ticket=mast, type="split_from", other=ladder)
    assert TicketRelation.objects.count() == 1


def test_customers_link_nothing_and_see_no_links(hers, three, dana, bob):
    with pytest.raises(PermissionDenied):
        tickets.link(actor=actor_of(dana), ticket=hers, type="about", other=hers)
    tickets.link(actor=bob, ticket=hers, type="caused_by", other=three[0])
    assert links.list_related(actor_of(dana), hers) == [] and links.list_things(actor_of(dana), hers) == []


def test_a_parent_asks_what_becomes_of_its_open_children(three, bob):
    mast, ladder, paint = three
    tickets.link(actor=bob, ticket=mast, type="parent_of", other=ladder)
    tickets.link(actor=bob, ticket=ladder, type="parent_of", other=paint)
    for end in (
        lambda: tickets.resolve(actor=bob, ticket=mast),
        lambda: tickets.move(actor=bob, ticket=mast, status="resolved"),
        lambda: tickets.cancel(actor=bob, ticket=mast, reason="Not wanted"),
    ):
        with pytest.raises(OpenChildren) as refused:
            end()
        assert ladder.number in refused.value.fields["children"][0]
    assert set(Ticket.objects.values_list("state", flat=True)) == {"new"}

    tickets.resolve(actor=bob, ticket=mast, children="close")
    assert set(Ticket.objects.values_list("state", flat=True)) == {"resolved"}


def test_a_parent_may_leave_its_children_and_takes_them_along_when_it_is_not_wanted(three, bob):
    mast, ladder, paint = three
    tickets.link(actor=bob, ticket=mast, type="parent_of", other=ladder)
    tickets.link(actor=bob, ticket=ladder, type="parent_of", other=paint)
    tickets.move(actor=bob, ticket=mast, status="resolved", children="leave")
    tickets.cancel(actor=bob, ticket=ladder, reason="No paint needed", children="close")
    states = dict(Ticket.objects.values_list("title", "state"))
    assert states == {"Mast": "resolved", "Ladder": "cancelled", "Paint": "cancelled"}


def test_children_that_end_by_their_own_work_do_not_end_with_their_parent(three, fallen, bob):
    tickets.link(actor=bob, ticket=three[0], type="parent_of", other=fallen)
    with pytest.raises(OpenChildren):
        tickets.resolve(actor=bob, ticket=three[0], children="close")
    assert set(Ticket.objects.values_list("state", flat=True)) == {"new"}
    tickets.resolve(actor=bob, ticket=three[0], children="leave")


# Things


def test_a_ticket_is_linked_to_things_which_show_how_they_stand(three, bob):
    mast = three[0]
    for tank in ("tank7", "tank8", "tank7"):
        tickets.link_thing(actor=bob, ticket=mast, kind="tests.tank", public_id=tank, type="caused_by")
    asked.clear()
    things = links.list_things(bob, mast)
    assert [(each.sentence, each.card.label, str(each.card.state)) for each in things] == [
        ("Caused by", "Tank 7", "Half full"), ("Caused by", "Tank 8", "Half full"),
    ]  # fmt: skip
    assert asked == [[7, 8]]  # one question for a kind, however many there are
    assert mast in selectors.list_for_account(bob, 1007)


def test_what_somebody_may_not_see_is_not_there_for_him_its_name_neither(three, bob, system):
    mast = three[0]
    TicketLink.objects.create(ticket=mast, subject_kind="tests.tank", subject_id=SHUT)
    assert links.list_things(bob, mast) == []
    assert [each.card.label for each in links.list_things(system, mast)] == ["Tank 13"]


def test_a_thing_is_unlinked_unless_it_is_what_the_ticket_is_about(desk, bob):
    ticket = tickets.open(actor=bob, category_key="office", title="Tank leaks", subject=("tests.tank", 7))
    tickets.link_thing(actor=bob, ticket=ticket, kind="tests.tank", public_id="tank8")
    with pytest.raises(InvalidInput):
        tickets.unlink_thing(actor=bob, ticket=ticket, kind="tests.tank", public_id="tank7")
    tickets.unlink_thing(actor=bob, ticket=ticket, kind="tests.tank", public_id="tank8")
    assert [each.card.public_id for each in links.list_things(bob, ticket)] == ["tank7"]


def test_what_is_not_there_is_not_linked(three, bob):
    for kind, public_id in (("tests.tank", "tank"), ("tests.pump", "5"), ("no.such", "1")):
        with pytest.raises(InvalidInput):
            tickets.link_thing(actor=bob, ticket=three[0], kind=kind, public_id=public_id)
    assert not TicketLink.objects.exists()


def test_tickets_are_found_by_number_and_by_words(three, bob, charlie):
    mast, ladder, _paint = three
    digits = mast.number.rpartition("-")[2]
    for typed in (mast.number.lower(), digits, f"[{mast.number.replace('-', ' #')}]", "mas"):
        assert links.search_tickets(bob, typed) == [mast], typed
    assert links.search_tickets(bob, "mas", without=[mast.pk]) == []
    assert ladder in links.search_tickets(bob, "")


# Splitting


def test_chosen_messages_become_a_ticket_and_both_name_one_another(hers, dana, bob):
    second = tickets.add_message(actor=actor_of(dana), ticket=hers, body="And my bill is wrong")
    tickets.add_message(actor=bob, ticket=hers, body="Let us see")
    before = Message.objects.count()

    bill = tickets.split(
        actor=bob, ticket=hers, category_key="trouble", title="Bill is wrong", messages=[second.public_id],
        data={"symptom": "slow"},
    )  # fmt: skip

    assert Message.objects.count() == before
    for actor in (bob, actor_of(dana)):
        assert [each.body for each in selectors.list_messages(actor, bill)] == ["And my bill is wrong"]
    assert bill.requester == dana and pairs(bob, hers) == [("Split off", "Bill is wrong")]
    assert pairs(bob, bill) == [("Split from", hers.title)]
    assert TicketEvent.objects.filter(ticket=hers).latest("seq").after["to"] == bill.number


def test_a_private_message_is_shown_to_nobody_else_by_a_split(hers, dana, erin, nora, bob):
    private = tickets.add_message(actor=actor_of(dana), ticket=hers, body="My number is 555")
    for key in ("office", "trouble"):
        new = tickets.split(
            actor=bob, ticket=hers, category_key=key, title="Call her", messages=[private.public_id],
            data={"symptom": "slow"} if key == "trouble" else None,
        )  # fmt: skip
        assert new.requester == (dana if key == "trouble" else None)
        with scoping.as_customer(actor_of(erin)):
            assert not selectors.list_messages(actor_of(erin), new).exists()
            assert new not in selectors.list_tickets(actor_of(erin))
    with scoping.as_customer(actor_of(dana)):
        mine = [each.title for each in selectors.list_tickets(actor_of(dana))]
        assert mine == ["Call her", hers.title]


def test_a_note_alone_makes_a_ticket_too_and_nothing_makes_none(hers, bob):
    new = tickets.split(actor=bob, ticket=hers, category_key="office", title="Order a router", body="Two of them")
    assert [(each.kind, each.body) for each in selectors.list_messages(bob, new)] == [("internal", "Two of them")]
    count = Ticket.objects.count()
    for wrong in ({}, {"messages": ["nosuchmessage"]}):
        with pytest.raises(InvalidInput) as refused:
            tickets.split(actor=bob, ticket=hers, category_key="office", title="Nothing", **wrong)
        assert "messages" in refused.value.fields
    assert Ticket.objects.count() == count


def test_a_split_takes_the_things_along_but_not_the_work_of_the_engine(fallen, bob):
    tickets.link_thing(actor=bob, ticket=fallen, kind="tests.tank", public_id="tank7")
    new = tickets.split(actor=bob, ticket=fallen, category_key="office", title="Order parts", body="A seal")
    assert list(TicketLink.objects.filter(ticket=new).values_list("subject_kind", "subject_id")) == [("tests.tank", 7)]
    assert new.subject_kind == "" and not selectors.outcomes_of(new)


def test_customers_and_merged_tickets_are_not_split(hers, dana, desk, bob):
    message = Message.objects.get(ticket=hers)
    with pytest.raises(PermissionDenied):
        tickets.split(
            actor=actor_of(dana), ticket=hers, category_key="trouble", title="Mine", messages=[message.public_id]
        )  # fmt: skip
    note = tickets.open(actor=bob, category_key="office", title="Mast")
    tickets.merge(actor=bob, tickets=[note], into=hers)
    with pytest.raises(TicketMerged):
        tickets.split(actor=bob, ticket=note, category_key="office", title="Mine", body="x")
    assert Ticket.objects.count() == 2 and not Participant.objects.exists()


def test_a_ticket_that_was_split_off_goes_back_by_a_merge_and_nothing_is_there_twice(hers, dana, bob):
    second = tickets.add_message(actor=actor_of(dana), ticket=hers, body="And my bill is wrong")
    new = tickets.split(
        actor=bob, ticket=hers, category_key="trouble", title="Bill", messages=[second.public_id],
        data={"symptom": "slow"},
    )  # fmt: skip
    tickets.merge(actor=bob, tickets=[new], into=hers)
    assert [each.body for each in selectors.list_messages(bob, hers)] == ["Since this morning", "And my bill is wrong"]
    tickets.unmerge(actor=bob, ticket=new)
    assert [each.body for each in selectors.list_messages(bob, Ticket.objects.get(pk=new.pk))] == [
        "And my bill is wrong"
    ]


def test_two_links_made_at_once_do_not_close_a_circle(realm_id):  # noqa: F811
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        one, two = (tickets.open(actor=system, category_key="office", title=title) for title in ("One", "Two"))
    answers = at_once(
        realm_id,
        lambda: tickets.link(actor=system, ticket=one, type="blocks", other=two),
        lambda: tickets.link(actor=system, ticket=two, type="blocks", other=one),
    )
    assert sorted(type(each).__name__ for each in answers) == ["LinkLoops", "TicketRelation"]
