"""Lists of tickets in the console: views, columns, the board, many at once, the next one."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from tests.cast import Cast, actor_of
from ticketing.choices import TicketState
from ticketing.models import Category, SavedView, Ticket, TicketBulk, ViewPreference
from ticketing.services import categories, pools, tickets, views

LIST = "/console/tickets/"


@pytest.fixture
def leads(alpha: Any, system: Actor, cast: Cast) -> Category:
    """A pipeline of leads: to call, offer made, won; an offer wants its sum."""
    pool = pools.create(actor=system, key="sales", name="Sales")
    pools.add_member(actor=system, pool=pool, user=cast.bob)
    total = {**Characteristic("sum", "integer", label="Sum").to_json(), "filterable": True, "required_in": ["offer"]}
    return categories.create(
        actor=system, key="lead", name="Lead", kind="lead", default_pool=pool, fields=[total],
        statuses=[
            {"key": "call", "label": "To call", "state": "new"},
            {"key": "offer", "label": "Offer made", "state": "open"},
            {"key": "won", "label": "Won", "state": "resolved"},
        ],
    )  # fmt: skip


@pytest.fixture
def three(leads: Category, system: Actor) -> list[Ticket]:
    return [tickets.open(actor=system, category_key="lead", title=f"House {n}", data={}) for n in range(3)]


def choice(ticket: Ticket) -> str:
    return f"{ticket.public_id}.{ticket.version}"


def columns_of(page: Any) -> dict[str, list[str]]:
    return {column.label: [card.row.title for card in column.cards] for column in page.context["board"]}


def test_a_list_is_kept_as_a_view_and_opens_again(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    query = "state=all&category=lead&owner=nobody&col=state&col=field.sum"
    kept = bob.post(f"{LIST}views/keep/", {"found": query, "name": "Free leads"})
    view = SavedView.objects.get()
    assert kept["Location"] == f"{LIST}?view={view.public_id}"
    assert view.filters == {"state": "all", "category": "lead", "owner": "nobody"}
    page = bob.get(kept["Location"])
    assert "Free leads" in page.content.decode() and len(page.context["page"]) == 3
    assert page.context["heads"] == ["State", "Sum"]
    # Narrowed further it is still based on the view, and may be kept in it.
    further = bob.get(f"{LIST}?view={view.public_id}&state=all&priority=1&shape=board")
    assert further.context["is_changed"] and further.context["as_board"]
    bob.post(f"{LIST}views/keep/", {"found": "state=all&priority=1", "view": view.public_id})
    view.refresh_from_db()
    assert view.filters == {"state": "all", "priority": "1"} and view.name == "Free leads"


def test_counts_come_after_the_page_and_stand_beside_the_names(
    three: list[Ticket], cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    for n in range(4):
        views.create(actor=actor_of(cast.bob), name=f"View {n}", filters={"owner": "nobody"})
    bob = browser_of(cast.bob)
    bar = bob.get(f"{LIST}views/")
    assert [view.count for view in bar.context["views"]] == ["3"] * 4
    # Three of the frame, views, their order, and one that counts.
    assert len(statements_of(bob, f"{LIST}views/")) <= 6


def test_the_list_begins_with_the_view_he_has_chosen(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    first, second = (views.create(actor=actor_of(cast.bob), name=name, filters={"owner": "me"}) for name in "AB")
    bob = browser_of(cast.bob)
    bob.post(f"{LIST}views/arrange/", {"move": second.public_id, "by": "up"})
    bob.post(f"{LIST}views/arrange/", {"default": second.public_id})
    page = bob.get(LIST)
    assert [view.name for view in page.context["views"]] == ["B", "A"] and page.context["view"] == second
    assert len(page.context["page"]) == 0 and len(bob.get(f"{LIST}?state=unresolved").context["page"]) == 3
    bob.post(f"{LIST}views/arrange/", {"default": ""})
    assert bob.get(LIST).context["view"] is None and first.name == "A"


def test_a_view_is_renamed_shared_and_thrown_away_by_its_owner(leads: Category, cast: Cast, browser_of: Any) -> None:
    view = views.create(actor=actor_of(cast.alice), name="Old", filters={})
    address = f"{LIST}views/{view.public_id}/"
    alice, bob = browser_of(cast.alice), browser_of(cast.bob)
    assert alice.post(address, {"name": "", "shared_with": "staff"}).status_code == 422
    assert alice.post(address, {"name": "New", "shared_with": "staff", "pool": ""}).status_code == 302
    assert "New" in bob.get(LIST).content.decode()
    assert bob.post(address, {"name": "His", "shared_with": "nobody"}).status_code == 403
    assert bob.post(address, {"delete": "1"}).status_code == 403
    view.refresh_from_db()
    assert (view.name, view.shared_with) == ("New", "staff")
    alice.post(address, {"delete": "1"})
    assert not SavedView.objects.exists() and "New" not in bob.get(f"{LIST}views/mine/").content.decode()


def test_charlie_has_none_of_alphas_views_and_changes_none(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    view = views.create(actor=actor_of(cast.alice), name="Alphas own", filters={}, shared_with="staff")
    charlie = browser_of(cast.charlie)
    assert charlie.get(f"{LIST}views/{view.public_id}/").status_code == 404
    assert charlie.post(f"{LIST}views/{view.public_id}/", {"delete": "1"}).status_code == 404
    assert charlie.post(f"{LIST}views/keep/", {"found": "", "view": view.public_id}).status_code == 404
    charlie.post(f"{LIST}views/arrange/", {"default": view.public_id})
    assert "Alphas own" not in charlie.get(f"{LIST}?view={view.public_id}").content.decode()
    view.refresh_from_db()
    assert view.name == "Alphas own" and not ViewPreference.objects.exists()


def test_what_went_away_is_said_and_all_that_match_cannot_be_chosen(
    three: list[Ticket], cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    page = bob.get(LIST, {"category": "lead", "field.colour": "red"})
    text = page.content.decode()
    assert "no field “colour”" in text and 'name="all"' not in text and len(page.context["page"]) == 3
    answer = bob.post(f"{LIST}bulk/", {"action": "take", "all": "1", "found": "category=lead&field.colour=red"})
    assert answer.status_code == 302 and not TicketBulk.objects.exists()


def test_the_board_shows_a_category_by_its_statuses(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    tickets.resolve(actor=actor_of(cast.bob), ticket=three[2])
    shown = columns_of(bob.get(LIST, {"category": "lead", "shape": "board"}))
    assert shown["To call"] == ["House 0", "House 1"] and shown["Won"] == ["House 2"] and shown["Offer made"] == []
    assert "Closed" not in shown and "Closed" in columns_of(
        bob.get(LIST, {"category": "lead", "state": "all", "shape": "board"})
    )
    assert columns_of(bob.get(LIST, {"shape": "board"}))["New"] == ["House 0", "House 1"]


def test_a_card_moves_and_a_refused_one_stays_where_it_is_with_the_reason(
    three: list[Ticket], cast: Cast, browser_of: Any
) -> None:
    bob, ticket = browser_of(cast.bob), three[0]

    def put(to: str, **more: str) -> Any:
        asked = {"to": to, "version": str(ticket.version), "found": "category=lead&shape=board", **more}
        return bob.post(f"{LIST}{ticket.public_id}/place/", asked, headers={"hx-request": "true"})

    refused = put("offer")
    assert refused.status_code == 422 and "Please fill this in." in refused.content.decode()
    assert "House 0" in columns_of(refused)["To call"]
    tickets.fill(actor=actor_of(cast.bob), ticket=ticket, data={"sum": 900})
    stale = put("offer")
    assert stale.status_code == 422 and "Somebody has changed this ticket" in stale.content.decode()
    ticket.refresh_from_db()
    assert ticket.status == "call"
    assert columns_of(put("offer"))["Offer made"] == ["House 0"]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.state) == ("offer", TicketState.OPEN)
    # Without a script the same form leads back to the board.
    answer = bob.post(f"{LIST}{ticket.public_id}/place/", {"to": "state:resolved", "found": "shape=board"})
    ticket.refresh_from_db()
    assert answer["Location"] == f"{LIST}?shape=board" and ticket.status == "won"


def test_charlie_moves_no_card_of_alpha(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.charlie).post(f"{LIST}{three[0].public_id}/place/", {"to": "won"})
    three[0].refresh_from_db()
    assert answer.status_code == 404 and three[0].status == "call"


def test_a_board_asks_a_fixed_number_of_statements_and_shows_more_on_demand(
    leads: Category, system: Actor, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    for n in range(23):
        tickets.open(actor=system, category_key="lead", title=f"House {n:02d}")
    bob = browser_of(cast.bob)
    # The list's nine without its one of tickets, the category's version, counts, first cards, cards.
    assert len(statements_of(bob, LIST, category="lead", shape="board")) <= 12
    column = bob.get(LIST, {"category": "lead", "shape": "board"}).context["board"][0]
    assert (column.count, len(column.cards), column.more) == ("23", 20, 100)
    column = bob.get(LIST, {"category": "lead", "shape": "board", "open": "call"}).context["board"][0]
    assert (len(column.cards), column.more) == (23, 0)


def test_many_are_given_to_somebody_after_a_word_of_confirmation(
    three: list[Ticket], cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    asked = {"action": "assign", "ticket": [choice(three[0]), choice(three[1])], "found": "state=all"}
    page = bob.post(f"{LIST}bulk/", asked)
    assert page.status_code == 200 and "2 tickets chosen" in page.content.decode()
    assert not Ticket.objects.exclude(assignee=None).exists()
    tickets.prioritize(actor=actor_of(cast.alice), ticket=three[1], priority=1)
    done = bob.post(f"{LIST}bulk/", {**asked, "go": "1", "user": cast.alice.public_id, "once": "k"}, follow=True)
    text = done.content.decode()
    assert "1 of 2 done" in text and "1 refused" in text and "Somebody has changed this ticket" in text
    assert [ticket.assignee_id for ticket in Ticket.objects.order_by("pk")] == [cast.alice.pk, None, None]


def test_all_that_match_are_done_at_once_and_more_than_may_be_is_said(
    three: list[Ticket], cast: Cast, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = browser_of(cast.bob)
    asked = {"action": "", "other": "priority", "all": "1", "found": "category=lead"}
    assert "3 tickets chosen" in bob.post(f"{LIST}bulk/", asked).content.decode()
    monkeypatch.setattr("ticketing.services.bulk.MOST", 2)
    page = bob.post(f"{LIST}bulk/", asked)
    assert "2 tickets chosen" in page.content.decode() and "the first 2" in page.content.decode()
    bulk = {**asked, "action": "priority", "go": "1", "priority": "1", "once": "k"}
    assert "2 of 2 done" in bob.post(f"{LIST}bulk/", bulk, follow=True).content.decode()
    assert sorted(Ticket.objects.values_list("priority", flat=True)) == [1, 1, 3]


def test_what_is_missing_is_said_beside_the_field_and_nothing_is_lost(
    three: list[Ticket], cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    asked = {"action": "note", "ticket": [choice(three[0])], "found": "state=all", "go": "1", "note": " "}
    page = bob.post(f"{LIST}bulk/", asked)
    assert page.status_code == 422 and choice(three[0]) in page.content.decode() and not TicketBulk.objects.exists()
    nothing = bob.post(f"{LIST}bulk/", {"action": "take", "found": "state=all"}, follow=True)
    assert "Choose at least one ticket." in nothing.content.decode()


def test_an_action_is_seen_by_who_asked_for_it(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    asked = {"action": "take", "ticket": [choice(three[0])], "found": "", "go": "1", "once": "k"}
    where = bob.post(f"{LIST}bulk/", asked)["Location"]
    assert bob.get(where).status_code == 200 and bob.get(f"{where}?live=1&seen=0").status_code == 200
    assert browser_of(cast.alice).get(where).status_code == 404
    assert browser_of(cast.charlie).get(where).status_code == 404


def test_the_next_ticket_is_taken_and_opened(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert bob.post(f"{LIST}next/")["Location"] == f"{LIST}{three[0].public_id}/"
    three[0].refresh_from_db()
    assert three[0].assignee_id == cast.bob.pk
    assert browser_of(cast.alice).post(f"{LIST}next/")["Location"] == LIST  # in no pool: nothing is hers
    assert Ticket.objects.exclude(assignee=None).count() == 1
