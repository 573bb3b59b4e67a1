"""A morning with the list of tickets, by keyboard alone: views, many at once, the board, the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.schema import Characteristic
from tests.browser.portal_look import Look
from tests.cast import PASSWORD, Cast, actor_of
from ticketing.models import Ticket
from ticketing.services import categories, pools, tickets, views

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def waiting(real_db: str, cast: Cast) -> int:
    """Bob sells: five leads wait in his pool, and an offer wants its sum."""
    realm_id: int = cast.alpha.pk
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        sales = pools.create(actor=system, key="sales", name="Sales")
        pools.add_member(actor=system, pool=sales, user=cast.bob)
        total = {
            **Characteristic("sum", "integer", label="Sum").to_json(),
            "filterable": True,
            "required_in": ["offer"],
        }
        categories.create(
            actor=system, key="lead", name="Lead", kind="lead", default_pool=sales, fields=[total],
            statuses=[
                {"key": "call", "label": "To call", "state": "new"},
                {"key": "offer", "label": "Offer made", "state": "open"},
                {"key": "won", "label": "Won", "state": "resolved"},
            ],
        )  # fmt: skip
        for number in range(5):
            tickets.open(actor=system, category_key="lead", title=f"House {number}", data={})
        views.create(actor=actor_of(cast.bob), name="Leads", filters={"category": "lead"}, columns=["state", "owner"])
        views.create(actor=actor_of(cast.alice), name="Nobody's", filters={"owner": "nobody"}, shared_with="staff")
    return realm_id


def test_a_list_is_worked_through_by_keyboard_alone(waiting: int, cast: Cast, live_url: str, page: Page) -> None:
    home = live_url.replace("localhost", "alpha.localhost").rstrip("/")
    look = Look(page, "ticket-lists")
    look.desktop()
    keys = page.keyboard
    page.goto(f"{home}/login/?next=/console/tickets/")
    page.get_by_label("E-mail").fill(cast.bob.email)
    page.get_by_label("Password").fill(PASSWORD)
    keys.press("Enter")
    page.get_by_role("heading", name="Tickets", exact=True).wait_for()
    page.wait_for_load_state()
    # The counts come after the page.
    page.get_by_role("navigation", name="Views").get_by_text("5").first.wait_for()
    look.at("list")
    look.desktop()

    # Two lines chosen and given to Bob.
    for key in ("j", "x", "j", "x"):
        keys.press(key)
    assert page.locator("td.pick input:checked").count() == 2
    keys.press("a")
    page.get_by_role("heading", name="Give to somebody").wait_for()
    page.wait_for_load_state()
    look.at("bulk")
    look.desktop()
    page.get_by_label("Who gets them").focus()
    keys.type("Bob")
    keys.press("Tab")
    keys.press("Enter")
    page.get_by_text("2 of 2 done").wait_for()
    look.at("bulk-done")
    look.desktop()
    with scoping.realm_transaction(waiting):
        assert Ticket.objects.filter(assignee=cast.bob).count() == 2

    # Nothing chosen: what is asked is asked of the line that has the focus.
    page.goto(f"{home}/console/tickets/?owner=nobody")
    page.wait_for_load_state()
    keys.press("j")
    keys.press("s")
    page.get_by_text("1 ticket chosen").wait_for()

    # A card that may not go there is where it was, with the reason, and keeps the focus; its neighbour goes.
    page.goto(f"{home}/console/tickets/?category=lead&shape=board")
    page.wait_for_load_state()
    look.at("board")
    look.desktop()
    keys.press("j")
    keys.press("Shift+ArrowRight")
    page.locator("#board-said", has_text="Please fill this in.").wait_for()
    assert page.evaluate("document.activeElement.closest('[data-column]').dataset.column") == "call"
    keys.press("m")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    keys.type("Won")
    keys.press("Tab")
    keys.press("Enter")
    page.locator("[data-column=won] [data-card]").wait_for()
    page.locator("#board-said", has_text="moved").wait_for()
    assert page.evaluate("document.activeElement.closest('[data-column]').dataset.column") == "won"

    # Dragged to where it may not go, it comes back.
    card = page.locator("[data-column=call] [data-card]").first
    card.drag_to(page.locator("[data-column=offer]"))
    page.locator("#board-said", has_text="Please fill this in.").wait_for()
    page.locator("[data-column=call] [data-card]").first.wait_for()

    page.goto(f"{home}/console/tickets/views/mine/")
    page.wait_for_load_state()
    look.at("views")
    look.desktop()
    page.goto(f"{home}/console/tickets/?state=unresolved")
    page.wait_for_load_state()
    keys.press("n")
    page.get_by_text("is yours.").wait_for()
    assert look.errors == []
