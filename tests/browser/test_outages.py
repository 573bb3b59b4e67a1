"""Scenario 13: a node goes down. Who is at it is shown and told so, a neighbour is not; at the end all are asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from boss.core import scoping
from boss.notify.models import Delivery, Message
from boss.notify.services.messages import bodies_of
from tests.browser.portal_look import Look
from tests.browser.test_categories import sign_in
from tests.cast import Cast
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT
from ticketing.models import Ticket

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_a_node_goes_down_and_comes_back(cast: Cast, live_url: str, page: Page, browser: Browser) -> None:
    home = live_url.replace("localhost", "alpha.localhost").rstrip("/")
    street = outaging.furnish(cast.alpha)
    ticket = street.ask(street.homes[0])

    look = Look(page, "console-outages")
    look.desktop()
    sign_in(page, home, "noc@alpha.example", "/console/outages/")
    page.get_by_role("link", name="New outage").click()
    page.get_by_label("Access nodes").fill("node-17")
    page.get_by_text("3 accounts are affected.").wait_for()
    page.get_by_label("Title, for staff").fill("Node 17 is down")
    page.get_by_label("What those concerned read").fill(TEXT)
    look.at("new")
    look.desktop()
    page.get_by_role("button", name="Open the outage").click()
    page.get_by_role("heading", name="Node 17 is down").wait_for()
    street.tell()

    page.goto(f"{home}/console/tickets/{ticket.public_id}/")
    look.at("ticket")
    look.desktop()
    page.get_by_role("button", name="Add to outage").click()
    page.get_by_text("Belongs to the outage AL-").wait_for()

    for account, concerned in ((street.homes[0], True), (street.neighbour, False)):
        assert account is not None
        context = browser.new_context()
        one = context.new_page()
        seen = Look(one, f"portal-outages-{account.name}")
        sign_in(one, home, account.email, "/my/")
        one.get_by_role("heading", name="Hello").wait_for()
        assert one.get_by_text(TEXT).count() == int(concerned)
        if concerned:
            seen.at("home")
        one.goto(f"{home}/my/tickets/new/")
        assert one.locator("#new-ticket").count() == int(not concerned)
        if concerned:
            seen.at("known")
            # Maria's ticket belongs to it: she need not ask to be told.
            assert one.get_by_role("button", name="Tell me when it is back").count() == 0
        context.close()

    context = browser.new_context()
    one = context.new_page()
    sign_in(one, home, street.homes[1].email, "/my/tickets/new/")
    one.get_by_role("button", name="Tell me when it is back").click()
    one.get_by_text("We write to you as soon as it is back.").wait_for()
    one.goto(f"{home}/my/tickets/new/")
    one.get_by_text("We write to you when it is back.").wait_for()
    context.close()

    page.get_by_role("link", name=re.compile("Node 17 is down")).first.click()
    news = page.locator("section", has=page.get_by_role("heading", name="Say what is new"))
    news.get_by_label("What those concerned read").fill("The splicers are there.")
    news.get_by_role("button", name="Tell 3 members").click()
    page.get_by_text("The splicers are there.").first.wait_for()
    street.tell()
    page.get_by_text("Service is back", exact=True).click()
    page.locator("#restore").get_by_label("What those concerned read").fill(BACK)
    page.get_by_role("button", name="End the outage").click()
    page.get_by_text("3 asked").or_(page.get_by_text("The outage is over.")).first.wait_for()
    street.tell()
    with scoping.realm_transaction(cast.alpha.pk):
        assert Delivery.objects.filter(address="pia@home.example", message__template__startswith="outage").count() == 0
        for name in ("maria", "ned", "olga"):
            told = Delivery.objects.filter(address=f"{name}@home.example", message__template__startswith="outage")
            assert told.count() == 3
        mail = Message.objects.get(template="outage_over", deliveries__address="maria@home.example")
        link = re.search(r"/outage/\S+", bodies_of(mail)[0])
        assert link is not None
        assert Ticket.objects.get(pk=ticket.pk).state == "resolved"

    anybody = browser.new_context()
    asked = anybody.new_page()
    question = Look(asked, "portal-is-it-back")
    asked.goto(f"{home}{link[0]}")
    question.at("question")
    asked.get_by_role("button", name="Yes, it works").click()
    asked.get_by_role("heading", name="Good. Thank you.").wait_for()
    anybody.close()
    with scoping.realm_transaction(cast.alpha.pk):
        assert Ticket.objects.get(pk=ticket.pk).state == "closed"
    page.reload()
    page.get_by_text("3 asked: 1 yes, 0 no, 0 no answer, 2 still to answer").wait_for()
    look.at("over")
