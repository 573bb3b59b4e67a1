"""A subscriber helps herself on a phone, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import User
from catalog.selectors import get_plan_version
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from tests.browser.portal_look import Look
from tests.cast import PASSWORD, Cast, actor_of, make_user
from tests.portals.conftest import open_shop
from ticketing.models import Ticket
from ticketing.services import tickets

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def maria(cast: Cast) -> User:
    """A subscriber whose order is on its way."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        shop = open_shop(cast.alpha)
        order = orders.submit(
            actor=Actor.system(cast.alpha.pk),
            site=shop.elm_1,
            plan_version=get_plan_version("internet-100"),
            contact=ContactDetails("Maria Ortiz", "maria@example.com", "+15125550142"),
            payment=PaymentChoice("card", "tok_ok"),
        )
    user = make_user(cast.alpha, "maria@example.com", "Maria Ortiz", "subscriber", kind="subscriber", own=True)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        order = Order.objects.select_related("account").get(pk=order.pk)
        order.account.user = user
        order.account.save()
    return user


@pytest.fixture
def home(cast: Cast, maria: User, live_url: str) -> str:
    return live_url.replace("localhost", "alpha.localhost")


def sign_in(page: Page, home: str, email: str) -> None:
    page.goto(f"{home}/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_from_signing_in_to_an_answered_request(home: str, cast: Cast, maria: User, page: Page):
    look = Look(page, "selfhelp")
    page.goto(f"{home}/my/")
    page.get_by_role("heading", name="Sign in").wait_for()
    look.at("sign-in")
    page.get_by_label("E-mail").fill(maria.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("E-mail or password is not right").wait_for()
    assert page.get_by_label("E-mail").input_value() == maria.email
    look.at("sign-in-refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("heading", name="Hello Maria").wait_for()
    page.get_by_text("Being set up").wait_for()
    look.at("home")
    page.get_by_role("link", name=re.compile("^Details")).click()
    page.get_by_role("heading", name="What you ordered").wait_for()
    look.at("order")

    page.get_by_role("link", name="Help").click()
    page.get_by_text("No requests yet").wait_for()
    look.at("no-requests")
    page.get_by_role("link", name="New request").click()
    page.get_by_label("What is it about?").select_option("internet")
    page.get_by_label("Modem light").wait_for()
    page.get_by_role("button", name="Send to us").click()
    page.locator("#id_title_error").wait_for()
    look.at("request-refused")
    page.get_by_label("Modem light").select_option("red")
    page.get_by_label("In a few words").fill("No internet since this morning")
    page.get_by_label("Tell us more").fill("The light is red. I have switched it off and on again.")
    page.get_by_role("button", name="Send to us").dblclick()
    page.get_by_role("heading", name="No internet since this morning").wait_for()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        ticket = Ticket.objects.get()
    bob = actor_of(cast.bob)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        tickets.add_message(actor=bob, ticket=ticket, body="Secret note", kind="internal")
        tickets.add_message(actor=bob, ticket=ticket, body="We see your box again. Does it work now?")
    page.reload()
    page.get_by_text("Does it work now?").wait_for()
    assert page.get_by_text("Secret note").count() == 0
    page.get_by_label("Your message").fill("Yes, thank you!")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Yes, thank you!").wait_for()
    look.at("conversation")
    page.get_by_role("link", name="All requests").click()
    page.get_by_text("We are working on it").wait_for()
    look.at("requests")


def test_the_way_out_and_the_forgotten_password(home: str, maria: User, page: Page):
    look = Look(page, "doors")
    sign_in(page, home, maria.email)
    page.get_by_role("heading", name="Hello Maria").wait_for()
    page.get_by_label("Your menu").click()
    look.at("menu")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_role("link", name=re.compile("forgotten")).click()
    look.at("forgotten")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_role("button", name="Send me the link").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    look.at("link-sent")
    page.goto(f"{home}/invitation/made-up/")
    page.get_by_role("heading", name=re.compile("does not work any more")).wait_for()
    page.goto(f"{home}/my/orders/000000000000/")
    page.get_by_role("heading", name="Sign in").wait_for()
