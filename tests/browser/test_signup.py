"""A visitor signs up on a phone, in a real browser, until the service is active."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from subscribers.models import Order
from tests.browser.portal_look import Look
from tests.cast import Cast
from tests.portals.conftest import Shop, open_shop
from ticketing.models import Ticket

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

    from boss.platform.testing.processes import Workers


@pytest.fixture
def shop(cast: Cast) -> Shop:
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        return open_shop(cast.alpha)


@pytest.fixture
def home(cast: Cast, shop: Shop, live_url: str) -> str:
    """The address of Alice's realm."""
    return live_url.replace("localhost", "alpha.localhost")


def test_from_the_address_to_an_active_service(home: str, cast: Cast, workers: Workers, page: Page):
    look = Look(page, "signup")
    page.goto(f"{home}/signup/")
    look.at("address")

    page.get_by_label("Street address").press_sequentially("14 elm", delay=20)
    page.get_by_role("button", name=re.compile("14 Elm St 1")).wait_for()
    look.at("suggestions")
    page.get_by_role("button", name=re.compile("14 Elm St 1")).click()

    page.get_by_role("heading", name="Choose your plan").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name=re.compile("Please choose a plan")).wait_for()
    assert page.evaluate("document.activeElement.className") == "error-summary"
    look.at("plan-refused")
    page.get_by_label("Internet 300").check()
    page.get_by_text("First month in total $84.90").wait_for()
    page.get_by_text("Compare all details").click()
    look.at("plan")
    page.get_by_role("button", name="Continue").click()

    page.get_by_role("heading", name="Make Internet 300 yours").wait_for()
    page.get_by_label(re.compile("Self-installation kit")).check()
    page.get_by_label(re.compile("Extra outlet")).fill("3")
    page.get_by_text("First month in total $159.90").wait_for()
    look.at("options")
    page.get_by_label(re.compile("Extra outlet")).fill("9")
    page.get_by_role("button", name="Continue").click()
    page.locator("#id_option\\.outlet_error").wait_for()
    assert page.get_by_label(re.compile("Extra outlet")).input_value() == "9"
    look.at("options-refused")
    page.get_by_label(re.compile("Extra outlet")).fill("1")
    page.get_by_role("button", name="Continue").click()

    page.get_by_role("heading", name="You and payment").wait_for()
    look.at("you-empty")
    page.get_by_label("Full name").fill("Ana Duarte")
    page.get_by_label("E-mail").fill("ana@")
    page.get_by_label("Phone").fill("512 555 0142")
    page.get_by_label(re.compile("^Card:")).check()
    page.get_by_label("Card token").fill("4242 4242 4242 4242")
    page.get_by_role("button", name="Continue").click()
    page.locator("#id_email_error").wait_for()
    assert page.get_by_label("Card token").input_value() == ""
    assert page.get_by_label("Full name").input_value() == "Ana Duarte"
    look.at("you-refused")
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_label("Card token").fill("tok_ok")
    page.get_by_role("button", name="Continue").click()

    page.get_by_role("heading", name="Review your order").wait_for()
    page.go_back()
    page.wait_for_url("**/you/")
    assert page.get_by_label("Full name").input_value() == "Ana Duarte"
    page.goto(f"{home}/signup/review/")
    look.at("review")
    page.get_by_label(re.compile("I have read")).check()
    page.get_by_role("button", name="Place order").dblclick()

    page.get_by_role("heading", name=re.compile("Your order O-")).wait_for()
    look.at("placed")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Order.objects.count() == 1
    workers(1)
    page.get_by_text("Your service is active.").wait_for(timeout=60_000)
    look.at("active")

    page.get_by_role("button", name="Create a password").click()
    page.get_by_role("heading", name="Choose your password").wait_for()
    look.at("password")
    page.get_by_label("New password").fill("a few good words")
    page.get_by_role("button", name="Save and sign in").click()
    page.get_by_role("heading", name="Hello Ana").wait_for()
    look.at("home")
    page.get_by_role("link", name="My services").click()
    page.get_by_role("heading", name="Internet 300").wait_for()
    look.at("services")


def test_no_service_leads_to_a_friendly_waiting_list(home: str, cast: Cast, page: Page):
    look = Look(page, "waitlist")
    page.goto(f"{home}/signup/")
    page.get_by_label("Street address").fill("1 Nowhere Lane")
    page.get_by_role("button", name="Check this address").click()
    page.get_by_role("heading", name="We are not there yet").wait_for()
    page.get_by_role("button", name="Tell me when").click()
    page.locator("#id_email_error").wait_for()
    look.at("refused")
    page.get_by_label("Full name").fill("Ana Duarte")
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_role("button", name="Tell me when").click()
    page.get_by_role("heading", name=re.compile("Thank you")).wait_for()
    look.at("thanks")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Ticket.objects.get().category.key == "lead"


def test_sign_up_needs_no_script(home: str, cast: Cast, browser: Browser):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{home}/signup/")
    page.get_by_label("Street address").fill("14 Elm St, unit 2")
    page.get_by_label("Street address").press("Enter")
    page.get_by_label("Internet 100").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Make Internet 100 yours").wait_for()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Full name").fill("Ben Ode")
    page.get_by_label("E-mail").fill("ben@example.com")
    page.get_by_label("Phone").fill("512 555 0143")
    page.get_by_label(re.compile("^Cash")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label(re.compile("I have read")).check()
    page.get_by_role("button", name="Place order").click()
    page.get_by_role("heading", name=re.compile("Your order O-")).wait_for()
    context.close()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Order.objects.get().payment_method == "cash"


def test_the_keyboard_alone_gets_through_the_address(home: str, page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{home}/signup/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "boss-skip"
    page.get_by_label("Street address").focus()
    page.keyboard.type("14 elm st", delay=20)
    page.get_by_role("button", name=re.compile("14 Elm St 2")).wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Choose your plan").wait_for()


def test_the_first_page_is_light(home: str, page: Page):
    """At most 60 kB of compressed script and few things that keep the first paint waiting."""
    scripts: dict[str, int] = {}
    waited_for: list[str] = []

    def note(answer: Response) -> None:
        if answer.request.resource_type == "script":
            scripts[answer.url] = len(gzip.compress(answer.body()))
        if answer.request.resource_type in ("script", "stylesheet"):
            waited_for.append(answer.url)

    page.on("response", note)
    page.goto(f"{home}/signup/", wait_until="load")
    assert sum(scripts.values()) <= 60_000
    assert not any("tabler" in url for url in scripts)
    assert len(waited_for) <= 12
