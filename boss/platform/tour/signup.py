"""A stranger signs up through the public portal's own pages."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

from boss.platform.tour.stranger import Browser, NotAsExpected, Page

ADDRESSES = tuple(f"{number} Elm Street, Lakeview" for number in range(2, 42, 2))
PASSWORD_LENGTH = 16


@dataclass(frozen=True)
class Person:
    """Somebody made up for one tour: the name is nobody else's."""

    full_name: str
    email: str

    @property
    def word(self) -> str:
        """What every name made from this person's contains."""
        return self.email.partition("@")[0]


def somebody() -> Person:
    letters = "".join(random.choices(string.ascii_lowercase, k=7))  # noqa: S311 - a made-up name
    return Person(f"Toni {letters.capitalize()}", f"toni.{letters}@mail.example")


@dataclass(frozen=True)
class Placed:
    """What the stranger has in hands afterwards: the page of the order, and what was typed."""

    browser: Browser
    page: Page
    person: Person
    address: str
    plan: str


def sign_up(url: str, plan: str, person: Person, *, method: str = "card") -> Placed:
    """Address, plan, options, person and payment, review, order; sent twice at the end, as impatient people do."""
    address = random.choice(ADDRESSES)  # noqa: S311

    browser = Browser(url)
    page = browser.open("/signup/")
    page = _send(browser, page, "address", address=address)
    page = _send(browser, page, "plan", plan=plan)
    page = _options(browser, page)
    page = _send(
        browser, page, "full_name", full_name=person.full_name, email=person.email,
        phone="+1 555 555 0142", method=method,
        card_token="tok_ok" if method == "card" else "",
    )  # fmt: skip
    if plan not in _words(page):
        raise NotAsExpected(f"the review does not name the plan: {page.text[:300]}")
    review = page
    page = browser.send(review, review.form("agree"), agree="on")
    if "/signup/order/" not in page.url:
        raise NotAsExpected(f"the order was not taken ({page.status}): {page.text[:400]}")
    again = browser.send(review, review.form("agree"), agree="on")
    if again.url != page.url:
        raise NotAsExpected(f"sending the form twice led to {again.url} instead of {page.url}")
    return Placed(browser, page, person, address, plan)


def _options(browser: Browser, page: Page) -> Page:
    """Leave every option as the page proposes it; alternatives take the first."""
    form = next((each for each in page.forms if each.method == "post" and "draft" in each.fields), None)
    if form is None:
        raise NotAsExpected(f"{page.url} ({page.status}) is not the page of options: {page.text[:300]}")
    return _forward(page, browser.send(page, form))


def _send(browser: Browser, page: Page, asks: str, **typed: str) -> Page:
    return _forward(page, browser.send(page, page.form(asks), **typed))


def _forward(before: Page, after: Page) -> Page:
    if after.status != 200 or after.url == before.url:
        raise NotAsExpected(f"{before.url} refused what was typed ({after.status}): {after.text[:600]}")
    return after


def _words(page: Page) -> str:
    return page.text.lower().replace(" ", "-")
