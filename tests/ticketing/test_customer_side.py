"""A customer opens tickets and answers on his own; everything else of the desk does not exist for him."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.models import User
from boss.tenancy.services import roles, sites
from tests.cast import actor_of, make_user
from ticketing import selectors
from ticketing.errors import NobodyToShareWith, TicketClosed, TicketNotFound
from ticketing.models import Message, Ticket
from ticketing.services import categories, tickets

SLOW = {"symptom": "slow"}


def test_dana_sees_her_ticket_and_not_her_neighbours(hers, dana, erin):
    assert list(selectors.list_for_requester(actor_of(dana))) == [hers]
    assert selectors.get_ticket(actor_of(dana), hers.public_id) == hers
    assert not selectors.list_tickets(actor_of(erin)).exists()
    with pytest.raises(TicketNotFound):
        selectors.get_ticket(actor_of(erin), hers.public_id)


def test_charlie_of_another_realm_sees_nothing(hers, charlie, in_beta):
    with in_beta():
        assert not selectors.list_tickets(charlie).exists()
        with pytest.raises(TicketNotFound):
            selectors.get_ticket(charlie, hers.public_id)
        with pytest.raises(TicketNotFound):
            tickets.claim(actor=charlie, ticket=hers)


def test_the_erin_next_door_cannot_write_on_danas_ticket(hers, erin):
    with pytest.raises(PermissionDenied):
        tickets.add_message(actor=actor_of(erin), ticket=hers, body="Mine too")
    assert Message.objects.count() == 1


def test_dana_reads_what_is_said_to_her_and_no_internal_note(hers, dana, bob):
    tickets.add_message(actor=bob, ticket=hers, body="She again", kind="internal")
    tickets.add_message(actor=bob, ticket=hers, body="We look into it")
    said = [message.body for message in selectors.list_messages(actor_of(dana), hers)]
    assert said == ["Since this morning", "We look into it"]
    assert [m.body for m in selectors.list_messages(bob, hers)] == [
        "Since this morning",
        "She again",
        "We look into it",
    ]
    assert not selectors.list_events(actor_of(dana), hers).exists()


def test_dana_cannot_write_internal_notes_nor_speak_for_the_machine(hers, dana):
    for kind in ("internal", "system"):
        with pytest.raises(PermissionDenied):
            tickets.add_message(actor=actor_of(dana), ticket=hers, body="hm", kind=kind)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("verb", ["claim", "resolve", "reopen", "close", "release"])
def test_dana_does_none_of_the_staffs_verbs(hers, dana, verb):
    with pytest.raises(PermissionDenied):
        getattr(tickets, verb)(actor=actor_of(dana), ticket=hers)
    hers.refresh_from_db()
    assert (hers.state, hers.version) == ("new", 1)


def test_her_ticket_is_in_her_name_whatever_she_says(desk, dana, erin):
    with pytest.raises(PermissionDenied):
        tickets.open(actor=actor_of(dana), category_key="trouble", title="Hi", data=SLOW, requester=erin)
    ticket = tickets.open(actor=actor_of(dana), category_key="trouble", title="Hi", data=SLOW, requester=dana)
    assert ticket.requester == dana


@pytest.mark.parametrize("more", [{"pool_key": "field"}, {"priority": 1}, {"dedupe_key": "x"}])
def test_she_sets_no_pool_no_priority_and_no_key(desk, dana, more):
    with pytest.raises(PermissionDenied):
        tickets.open(actor=actor_of(dana), category_key="trouble", title="Hi", data=SLOW, **more)
    assert not Ticket.objects.exists()


def test_categories_not_offered_to_customers_do_not_exist_for_her(desk, dana):
    with pytest.raises(InvalidInput) as refused:
        tickets.open(actor=actor_of(dana), category_key="fallout", title="Hi")
    assert list(refused.value.fields) == ["category"]
    assert list(selectors.list_portal_categories()) == [desk.trouble]


def test_she_links_only_what_its_room_lets_her(desk, dana):
    for foreign in (("tests.pump", 5), ("tests.leak", 3), ("tests.unicorn", 1)):
        with pytest.raises(InvalidInput):
            tickets.open(actor=actor_of(dana), category_key="trouble", title="Hi", data=SLOW, subject=foreign)
    assert not Ticket.objects.exists()
    tickets.open(actor=actor_of(dana), category_key="trouble", title="Drip", data=SLOW, subject=("tests.leak", 2))


def test_her_answer_wakes_a_ticket_that_waits_for_her(hers, dana, bob):
    tickets.wait(actor=bob, ticket=hers, waiting_for="customer", reason="Which room?")
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="The kitchen")
    hers.refresh_from_db()
    assert hers.state == "open"


def test_her_answer_reopens_what_was_resolved_but_not_what_is_closed(hers, dana, bob):
    tickets.resolve(actor=bob, ticket=hers)
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Still slow")
    hers.refresh_from_db()
    assert (hers.state, hers.reopen_count, hers.resolved_at) == ("open", 1, None)
    tickets.resolve(actor=bob, ticket=hers)
    tickets.close(actor=bob, ticket=hers)
    with pytest.raises(TicketClosed):
        tickets.add_message(actor=actor_of(dana), ticket=hers, body="Hello?")


def test_a_building_owner_sees_his_buildings_tickets_and_not_his_residents(cast, desk, system, dana):
    owner = sites.create_organization(actor=system, name="Alder Homes", kind="owner")
    home = sites.create(actor=system, street="1 Elm St", unit="3", city="Springfield", organization=owner)
    User.objects.filter(pk=dana.pk).update(site=home)
    otto = make_user(cast.alpha, "otto@alder.example", "Otto Owner", kind="subscriber")
    roles.grant(actor=system, user=otto, role_key="organization_contact", organization=owner)
    residents = tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", data=SLOW)
    assert residents.site == home and residents.organization is None
    his = tickets.open(actor=actor_of(otto), category_key="trouble", title="Lobby is dark", data={"symptom": "dead"})
    assert his.organization == owner
    assert list(selectors.list_tickets(actor_of(otto))) == [his]
    tickets.add_message(actor=actor_of(otto), ticket=his, body="Please hurry")
    with pytest.raises(PermissionDenied):
        tickets.add_message(actor=actor_of(otto), ticket=residents, body="Hello tenant")
    assert [m.body for m in selectors.list_messages(actor_of(otto), his)] == ["Please hurry"]


def test_a_visitor_leaves_a_lead_and_nothing_else(desk, system, visitor):
    categories.create(actor=system, key="lead", name="Lead", kind="lead", portal_visible=True)
    lead = tickets.open(actor=visitor, category_key="lead", title="Service at 9 Oak Rd?", body="Call 555 0100")
    assert lead.opened_by == "Visitor" and lead.requester is None
    with pytest.raises(PermissionDenied):
        tickets.open(actor=visitor, category_key="trouble", title="Slow", data=SLOW)
    assert not selectors.list_tickets(visitor).exists()


@pytest.fixture
def housed(cast, hers, system, dana):
    """Dana lives in a house of Alder Homes, Otto is its contact, and her ticket is about her flat."""
    owner = sites.create_organization(actor=system, name="Alder Homes", kind="owner")
    home = sites.create(actor=system, street="1 Elm St", unit="3", city="Springfield", organization=owner)
    User.objects.filter(pk=dana.pk).update(site=home)
    Ticket.objects.filter(pk=hers.pk).update(site=home)
    hers.refresh_from_db()
    otto = make_user(cast.alpha, "otto@alder.example", "Otto Owner", kind="subscriber")
    roles.grant(actor=system, user=otto, role_key="organization_contact", organization=owner)
    return otto


def test_what_dana_shares_her_landlord_reads_and_answers_until_she_takes_it_back(hers, dana, housed, bob):
    tickets.add_message(actor=bob, ticket=hers, body="She again", kind="internal")
    assert not selectors.list_tickets(actor_of(housed)).exists()

    tickets.share(actor=actor_of(dana), ticket=hers)
    tickets.share(actor=actor_of(dana), ticket=hers)

    seen = selectors.get_ticket(actor_of(housed), hers.public_id)
    assert [m.body for m in selectors.list_messages(actor_of(housed), seen)] == ["Since this morning"]
    tickets.add_message(actor=actor_of(housed), ticket=seen, body="The riser is wet")
    tickets.stop_sharing(actor=actor_of(dana), ticket=hers)
    assert not selectors.list_tickets(actor_of(housed)).exists()
    kinds = [event.type for event in selectors.list_events(bob, hers)]
    assert kinds == ["opened", "message_added", "shared", "message_added", "sharing_stopped"]


def test_nobody_shares_anothers_ticket_and_none_is_shared_where_nobody_looks_after_it(hers, dana, erin, bob, housed):
    for other in (actor_of(erin), actor_of(housed), bob):
        with pytest.raises(PermissionDenied):
            tickets.share(actor=other, ticket=hers)
    Ticket.objects.filter(pk=hers.pk).update(site=None)
    hers.refresh_from_db()
    with pytest.raises(NobodyToShareWith):
        tickets.share(actor=actor_of(dana), ticket=hers)
    assert not selectors.list_tickets(actor_of(housed)).exists()


def test_an_organizations_own_ticket_is_not_taken_from_it(desk, housed, bob):
    his = tickets.open(actor=actor_of(housed), category_key="trouble", title="Lobby", data=SLOW)
    User.objects.filter(pk=housed.pk).update(kind="contact", organization=his.organization)
    tickets.stop_sharing(actor=bob, ticket=his)
    assert list(selectors.list_tickets(actor_of(housed))) == [his]


def test_dana_shares_her_request_in_self_help_as_she_opens_it_and_afterwards(
    desk, dana, housed, hers, browser_of, alpha
):
    browser = browser_of(dana)
    page = browser.get("/my/tickets/new/?category=trouble").content.decode()
    assert "Alder Homes may read and answer it too" in page
    form_key = page.split('name="form_key" value="')[1].split('"')[0]
    words = {"category": "trouble", "title": "Dark stairs", "body": "No light", "data.symptom": "dead", "share": "on"}
    assert browser.post("/my/tickets/new/", {**words, "form_key": form_key}).status_code == 302
    assert [each.title for each in selectors.list_tickets(actor_of(housed))] == ["Dark stairs"]

    place = f"/my/tickets/{hers.public_id}/"
    assert "Share with Alder Homes" in browser.get(place).content.decode()
    browser.post(f"{place}share/")
    assert "Stop sharing" in browser.get(place).content.decode()
    assert selectors.list_tickets(actor_of(housed)).count() == 2
    browser.post(f"{place}share/", {"stop": "1"})
    assert selectors.list_tickets(actor_of(housed)).count() == 1
