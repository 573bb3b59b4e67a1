"""Two agents in one ticket, in real browsers: each sees the other, nobody answers unawares, nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.tenancy import selectors as tenancy
from tests.browser.portal_look import Look
from tests.browser.test_console import open_ticket, sign_in
from tests.furniture import TRI_LAKES
from ticketing import desk
from ticketing.models import Message, TextDraft, Ticket
from ticketing.services import drafts_of_text, snippets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from boss.platform.testing.databases import Furniture


@pytest.fixture
def furniture() -> Furniture:
    """Tri-Lakes Cable: Alice of customer service, Dana of dispatch."""
    return TRI_LAKES


@pytest.fixture
def realm_id(real_db: str) -> int:
    tenancy.forget_cached()
    found = tenancy.find_realm_id_by_host("localhost")
    assert found is not None
    return found


@pytest.fixture
def ticket(realm_id: int) -> Ticket:
    with scoping.realm_transaction(realm_id, "test"):
        text = {"en": "We are looking into {ticket_number}."}
        snippets.create(actor=Actor.system(realm_id, "Demo"), name="Looking into it", texts=text)
    return open_ticket(realm_id)


@pytest.fixture
def machines(browser: Browser) -> Iterator[list[BrowserContext]]:
    """Two machines, each with a browser of its own."""
    contexts = [browser.new_context(), browser.new_context()]
    for context in contexts:
        context.set_default_timeout(30_000)
    yield contexts
    for context in contexts:
        context.close()


def opened(context: BrowserContext, live_url: str, who: str, ticket: Ticket) -> Page:
    page = context.new_page()
    sign_in(page, live_url, who)
    page.goto(f"{live_url.rstrip('/')}/console/tickets/{ticket.public_id}/")
    page.wait_for_load_state()
    return page


def text_of(page: Page) -> Locator:
    return page.get_by_label("Text", exact=True)


def kept(page: Page) -> None:
    page.locator("[data-kept-line]", has_text="Kept").wait_for()


@pytest.mark.timeout(300)
def test_two_agents_see_one_another_and_neither_answers_unawares(
    realm_id: int, ticket: Ticket, live_url: str, machines: list[BrowserContext]
) -> None:
    alice = opened(machines[0], live_url, "alice", ticket)
    alice.get_by_label("The customer", exact=True).check()
    text_of(alice).press_sequentially("A technician comes.\n")
    alice.keyboard.press("/")
    alice.get_by_role("button", name=re.compile("Looking into it")).click()
    assert text_of(alice).input_value() == f"A technician comes.\nWe are looking into {ticket.number}."
    kept(alice)

    dana = opened(machines[1], live_url, "dana", ticket)
    dana.get_by_text(re.compile("Alice .* is (writing|looking)")).wait_for()
    alice.get_by_text(re.compile("Dana .* is looking")).wait_for()

    dana.get_by_label("The customer", exact=True).check()
    text_of(dana).fill("We have mended it from here.")
    dana.get_by_role("button", name="Send", exact=True).click()
    dana.locator(".talk", has_text="We have mended it from here.").wait_for()

    # She sets it aside without having seen that: she is shown it first, and nothing has changed.
    alice.get_by_text("Put it aside").click()
    alice.get_by_label("Waiting for").select_option("customer")
    alice.get_by_role("button", name="Put aside").click()
    alice.locator(".changed", has_text="We have mended it from here.").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        assert Ticket.objects.get(pk=ticket.pk).state != "waiting_customer"
    assert text_of(alice).input_value().startswith("A technician comes.")

    dana.get_by_label("The customer", exact=True).check()
    text_of(dana).fill("It was the cable.")
    dana.get_by_role("button", name="Send", exact=True).click()
    dana.locator(".talk", has_text="It was the cable.").wait_for()
    alice.get_by_role("button", name="Send", exact=True).click()
    said = alice.locator(".changed", has_text="It was the cable.")
    said.wait_for()
    Look(alice, "composer").judge("an answer that crossed another")
    assert text_of(alice).input_value().startswith("A technician comes.")
    alice.get_by_role("link", name="Look again").click()
    alice.wait_for_load_state()
    assert text_of(alice).input_value().startswith("A technician comes.")
    with scoping.realm_transaction(realm_id, "test"):
        assert Message.objects.filter(ticket=ticket, kind="public").count() == 2


@pytest.mark.timeout(300)
def test_what_was_typed_outlives_the_browser_and_the_session(
    realm_id: int, ticket: Ticket, live_url: str, machines: list[BrowserContext]
) -> None:
    first = opened(machines[0], live_url, "alice", ticket)
    text_of(first).fill("He called twice.")
    kept(first)
    first.get_by_label("The customer", exact=True).check()
    assert text_of(first).input_value() == ""
    text_of(first).fill("Dear Maria,")
    kept(first)
    machines[0].close()  # without a goodbye

    page = opened(machines[1], live_url, "alice", ticket)
    assert text_of(page).input_value() == "Dear Maria,"
    page.get_by_label("Colleagues only").check()
    assert text_of(page).input_value() == "He called twice."

    text_of(page).fill("He called three times.")
    machines[1].clear_cookies()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("You have been signed out.").wait_for()
    assert text_of(page).input_value() == "He called three times."
    sign_in(machines[1].new_page(), live_url, "alice")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".talk", has_text="He called three times.").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        assert [draft.body for draft in TextDraft.objects.filter(ticket=ticket)] == ["Dear Maria,"]
    assert drafts_of_text.sweep() == 0
    with scoping.realm_transaction(realm_id, "test"):
        TextDraft.objects.update(kept_at=clock.now() - desk.DRAFTS_KEPT)
    assert drafts_of_text.sweep() == 1  # not sent for fourteen days
