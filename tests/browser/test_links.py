"""Bob merges, splits and links tickets by his own clicks, and Dana is led to the request that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boss.core import scoping
from boss.core.actors import Actor
from tests.browser.portal_look import Look
from tests.browser.test_categories import sign_in
from tests.cast import Cast, actor_of, make_user
from ticketing.models import Ticket
from ticketing.services import categories, tickets

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_bob_merges_two_tickets_splits_off_a_third_and_links_it(cast: Cast, live_url: str, page: Page) -> None:
    home = live_url.replace("localhost", "alpha.localhost").rstrip("/")
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        system = Actor.system(cast.alpha.pk)
        categories.create(actor=system, key="fault", name="Fault", portal_visible=True)
        categories.create(actor=system, key="office", name="Office", kind="office")
        first, second = (
            tickets.open(actor=actor_of(dana), category_key="fault", title=title, body=body)
            for title, body in (("No internet", "Since noon"), ("Still nothing", "And my bill is wrong, too"))
        )
    look = Look(page, "console-links")
    look.desktop()
    sign_in(page, home, cast.bob.email, f"/console/tickets/{second.public_id}/")

    page.get_by_text("Nothing is linked yet.").wait_for()
    page.get_by_role("link", name="Merge", exact=True).click()
    page.get_by_label("Number or words").fill(first.number.lower())
    page.get_by_role("link", name=f"{first.number} No internet").click()
    page.get_by_text(f"{second.number} goes into {first.number}").wait_for()
    look.at("merge")
    look.desktop()
    page.get_by_role("button", name="Merge").click()
    page.get_by_role("heading", name="No internet").wait_for()
    page.get_by_text("And my bill is wrong, too").wait_for()
    page.get_by_role("button", name=f"Undo {second.number}").wait_for()

    page.get_by_role("link", name="Split", exact=True).click()
    page.get_by_label("And my bill is wrong, too").check()
    page.get_by_label("Title").fill("Look at her bill")
    page.get_by_label("Category").select_option(label="Office")
    look.at("split")
    look.desktop()
    page.get_by_role("button", name="Split").click()
    page.get_by_role("heading", name="Look at her bill").wait_for()

    page.get_by_role("link", name="Link", exact=True).click()
    page.get_by_label("Number, name or words").fill("internet")
    page.locator("#found[data-q=internet]").get_by_label(f"{first.number} No internet").check()
    page.get_by_label("This ticket").select_option(label="Blocks")
    look.at("link")
    look.desktop()
    page.get_by_role("button", name="Link").click()
    page.locator("#links").get_by_text("Blocks").wait_for()
    look.at("linked")
    look.desktop()

    page.goto(f"{home}/console/tickets/{second.public_id}/")
    page.get_by_role("heading", name="No internet").wait_for()
    page.locator("#links").get_by_text("Blocked by").wait_for()
    page.get_by_role("button", name=f"Undo {second.number}").click()
    page.get_by_role("heading", name="Still nothing").wait_for()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Ticket.objects.get(pk=second.pk).merged_into is None
        assert Ticket.objects.get(title="Look at her bill").requester is None
    assert look.errors == []
