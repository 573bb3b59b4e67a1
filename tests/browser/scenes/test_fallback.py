"""Scenario 14: a task that failed at every try comes to people, is done by hand, or is said to be impossible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from boss.core.actors import Actor
from boss.platform.demo.trilakes import people
from boss.tenancy import selectors as tenancy
from ipservices.models import Binding
from ipservices.services import simulator
from subscribers.contact import ContactDetails
from subscribers.models import Order
from tests.browser.portal_look import Look
from tests.browser.test_console import sign_in
from tests.furniture import TRI_LAKES
from tests.journeys.company import Company
from ticketing.models import Ticket
from workflow.models import Attempt

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from boss.platform.testing.databases import Furniture


@pytest.fixture
def furniture() -> Furniture:
    """Tri-Lakes Cable, with a simulated mail server."""
    return TRI_LAKES


@pytest.fixture
def lakes(real_db: str) -> Company:
    tenancy.forget_cached()
    realm_id = tenancy.find_realm_id_by_host("localhost")
    assert realm_id is not None
    company = Company(realm_id, people.DOMAIN, "rosa")
    with company.open():
        binding = Binding.objects.get(family="mail")
        simulator.set_fault(actor=Actor.system(realm_id), binding=binding, fault="down", value=True)
    return company


def fallen(company: Company, **more: Any) -> tuple[Order, Ticket]:
    """An order whose mailboxes could not be made, and the ticket that says so."""
    order = company.order("triple-300", "install", **more)
    task = company.until(order.run_id, "create_mailboxes", "attention")
    with company.open():
        assert Attempt.objects.filter(task=task).count() >= 3
        ticket = Ticket.objects.get(pk=task.ticket_id)
        return Order.objects.select_related("account").get(pk=order.pk), ticket


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_done_by_hand_the_run_goes_on_and_cannot_be_done_all_is_undone(lakes: Company, served: str, page: Page) -> None:
    order, ticket = fallen(lakes)
    look = Look(page, "scene-fallback")
    look.desktop()
    sign_in(page, served, "nate")
    page.goto(f"{served}/console/tickets/{ticket.public_id}/")
    page.get_by_role("link", name="Create mailboxes").first.wait_for()
    look.at("fallen")
    look.desktop()
    # There is no other way to end it.
    page.get_by_text("Another status").click()
    offered = page.locator("[name=status] option").all_inner_texts()
    assert not {"Resolved", "Closed", "Cancelled"} & {each.strip() for each in offered}, offered
    results = page.locator("#resolve")
    results.get_by_label(re.compile("^Services set up")).fill("1")
    results.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="How it ended").wait_for()
    assert lakes.finish(order.run_id) == "completed", lakes.stuck(order.run_id)

    second, ticket = fallen(lakes, contact=ContactDetails("Otto Other", "otto@example.com", "+15125550177"))
    page.context.clear_cookies()
    sign_in(page, served, "rosa")  # who may reverse
    page.goto(f"{served}/console/tickets/{ticket.public_id}/")
    page.get_by_role("link", name="Cannot be done: reverse everything").click()
    page.get_by_text("This reaches beyond the ticket").wait_for()
    look.at("undo")
    look.desktop()
    undo = results.get_by_role("button", name="Cannot be done: reverse everything")
    undo.click()
    results.locator(".error-summary").wait_for()  # neither a reason nor yes was said
    results.get_by_label("Reason").fill("The mail server is gone for good")
    results.locator("[type=checkbox]").check()
    undo.click()
    page.get_by_role("heading", name="How it ended").wait_for()
    assert lakes.finish(second.run_id) == "reversed", lakes.stuck(second.run_id)
    page.goto(f"{served}/console/runs/{lakes.run(second.run_id).public_id}/")
    page.get_by_text("Reversed").first.wait_for()
