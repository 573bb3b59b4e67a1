"""Rules of tickets and working time in a real browser: a rule is built with boxes, and every page is clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from tests.browser.portal_look import Look
from tests.browser.test_console import open_ticket, sign_in
from tests.furniture import TRI_LAKES
from ticketing.models import RuleBreaker, Ticket
from ticketing.services import tickets, time

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from boss.platform.testing.databases import Furniture


@pytest.fixture
def furniture() -> Furniture:
    """Tri-Lakes Cable."""
    return TRI_LAKES


@pytest.fixture
def realm_id(real_db: str) -> int:
    tenancy.forget_cached()
    found = tenancy.find_realm_id_by_host("localhost")
    assert found is not None
    return found


def test_rosa_builds_a_rule_and_the_pages_of_rules_places_and_time_are_clean(
    realm_id: int, live_url: str, page: Page
) -> None:
    ticket = open_ticket(realm_id)
    _work_on(ticket, realm_id)
    sign_in(page, live_url, "rosa")
    look = Look(page, "console-rules")
    base = f"{live_url.rstrip('/')}/console"
    page.goto(f"{base}/policies/new/")
    page.get_by_role("textbox", name="Name").fill("Rules of the desk")
    page.get_by_role("textbox", name="Key").fill("rules")
    page.get_by_label("What it decides").select_option(label="Automation")
    page.get_by_role("button", name="Go on to its rules").click()
    page.get_by_role("link", name="New rule").first.click()
    page.get_by_role("textbox", name="Name").fill("Urgent: leave a note")
    page.get_by_role("combobox", name="When", exact=True).select_option(label="Its priority has changed")
    page.get_by_role("combobox", name="If").first.select_option(label="Priority")
    page.get_by_role("textbox", name="value").first.fill("high")
    page.get_by_label("What is done").first.select_option(label="Internal note (Note)")
    page.get_by_role("textbox", name="Text").first.fill("Call ahead.")
    page.get_by_role("button", name="Keep as draft").click()
    page.locator(".error-summary").wait_for()
    look.at("rule-refused")
    page.get_by_role("textbox", name="value").first.fill("1")
    page.get_by_role("button", name="Keep as draft").click()
    page.get_by_text("Urgent: leave a note").first.wait_for()
    look.at("policy")
    address = f"{base}/tickets/{ticket.public_id}/"
    page.goto(address)
    page.get_by_role("button", name="Let rules act again").wait_for()
    look.at("ticket-stopped")
    page.keyboard.press("c")
    page.get_by_role("heading", name=ticket.title).wait_for()
    page.get_by_role("combobox", name="Category").select_option(index=1)
    page.get_by_role("button", name="Show what happens").click()
    page.get_by_role("button", name="Move it there").wait_for()
    look.at("recategorise")
    for name, path in (("time", "time/"), ("totals", "time/totals/?by=category"), ("priority", f"{address}priority/")):
        page.goto(path if path.startswith("http") else f"{base}/{path}")
        look.at(name)


def _work_on(ticket: Ticket, realm_id: int) -> None:
    with scoping.realm_transaction(realm_id, "test"):
        rosa = tenancy.find_actor("user", User.objects.get(email__startswith="rosa@").pk)
        assert rosa is not None
        time.add(actor=rosa, ticket=ticket, seconds=5400)
        tickets.prioritize(actor=Actor.system(realm_id), ticket=ticket, priority=2)
        RuleBreaker.objects.create(ticket=ticket, opened_at=clock.now(), opened_by="Rule: Echo")
