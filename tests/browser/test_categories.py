"""A provider builds the category "Wi-Fi complaint" with his own clicks, and the portal shows its form at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from tests.browser.portal_look import Look
from tests.cast import PASSWORD, Cast, make_user
from ticketing.models import Ticket

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UNDER = 300.0
"""Seconds in which a provider has built it."""


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Another person's browser."""
    contexts = []

    def page() -> Page:
        context = browser.new_context()
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.new_page()

    yield page
    for context in contexts:
        context.close()


def sign_in(page: Page, home: str, email: str, then: str) -> None:
    page.goto(f"{home}/login/?next={then}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def add_field(page: Page, question: str, kind: str, **more: str) -> None:
    page.get_by_role("link", name="Add a field").click()
    page.get_by_label("Question").fill(question)
    page.get_by_label("Type", exact=True).select_option(label=kind)
    if options := more.get("options"):
        page.get_by_label("Options (optional)").fill(options)
    if more.get("customers"):
        page.get_by_label("Customers", exact=True).select_option(label=more["customers"])
    if needed := more.get("needed"):
        page.get_by_label(needed, exact=True).check()
    if shown := more.get("only_if"):
        page.get_by_text("When it is shown").click()
        page.get_by_label("Shown only if (optional)").select_option(label=shown)
        page.get_by_label("This value (optional)").fill(more["value"])
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_role("link", name=question, exact=True).wait_for()


def test_a_provider_builds_the_wifi_complaint_and_the_portal_shows_its_form(
    cast: Cast, live_url: str, page: Page, fresh: Callable[[], Page]
) -> None:
    home = live_url.replace("localhost", "alpha.localhost").rstrip("/")
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    look = Look(page, "console-categories")
    look.desktop()
    began = time.monotonic()
    sign_in(page, home, cast.alice.email, "/console/categories/")
    page.get_by_role("link", name="New category").click()
    page.get_by_label("Name", exact=True).fill("Wi-Fi complaint")
    page.get_by_label("Customers may open tickets of it").check()
    page.get_by_label("A new talent pool (optional)").fill("Wi-Fi desk")
    page.get_by_label("First reply within (optional)").fill("30 min")
    page.get_by_label("Resolved within (optional)").fill("1 d")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("heading", name="Wi-Fi complaint").wait_for()

    options = "one = One room\nall = Everywhere"
    add_field(page, "Where is it slow", "One choice", options=options, customers="fill it in")
    add_field(page, "Which room", "Text", customers="fill it in", only_if="Where is it slow", value="one")
    add_field(page, "Since when", "Date", customers="fill it in")
    add_field(page, "Router address", "IPv4 address", needed="Resolved")
    add_field(page, "Our verdict", "Text", customers="read it")
    page.get_by_label("Customer", exact=True).check()
    page.get_by_text("Only read: Our verdict").wait_for()
    page.locator("#preview").get_by_label("Where is it slow").select_option("one")
    page.locator("#preview").get_by_label("Which room").wait_for()
    look.at("editor")
    look.desktop()
    page.get_by_role("button", name="Move Our verdict up").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Kept in the draft.").first.wait_for()
    page.get_by_role("link", name="Dry run").click()
    page.get_by_role("heading", name="Dry run on recent tickets").wait_for()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Version 1 is in use.").first.wait_for()
    assert time.monotonic() - began < UNDER

    hers = fresh()
    portal = Look(hers, "portal-categories")
    sign_in(hers, home, dana.email, "/my/tickets/new/")
    hers.get_by_label("What is it about?").select_option(label="Wi-Fi complaint")
    hers.get_by_label("Where is it slow").select_option("one")
    hers.get_by_label("Which room").fill("Kitchen")
    assert hers.get_by_label("Router address").count() == hers.get_by_label("Our verdict").count() == 0
    portal.at("form")
    hers.get_by_label("In a few words").fill("Slow")
    hers.get_by_label("Tell us more").fill("Very slow")
    hers.get_by_role("button", name="Send to us").click()
    hers.get_by_role("heading", name="Slow").wait_for()
    assert "Kitchen" in hers.content()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        found = Ticket.objects.select_related("pool").get()
        assert found.data == {"where_is_it_slow": "one", "which_room": "Kitchen"} and found.pool is not None
        assert found.pool.name == "Wi-Fi desk"

    page.goto(f"{home}/console/tickets/{found.public_id}/")
    page.locator("#resolve").get_by_role("button", name="Resolve").click()
    page.locator("#resolve").get_by_text("Please fill this in.").first.wait_for()
    look.at("refused")
    look.desktop()
    page.locator("#resolve .error-summary a").first.click()
    assert page.evaluate("document.activeElement.labels[0].innerText").startswith("Router address")
