"""An owner of three buildings is invited, signs in and sees exactly these; her colleague sees one: in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import User
from boss.tenancy.services import invitations, sites
from tests.browser.portal_look import Look
from tests.cast import PASSWORD, Cast, make_user
from ticketing.models import Category
from ticketing.services import tickets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OWNED = ("1 Elm Street", "2 Oak Avenue", "3 Pine Road")


@pytest.fixture
def home(cast: Cast, live_url: str) -> str:
    """Three buildings of Pinecrest and one of somebody else, with a shared ticket and a resident's own."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        system = Actor.system(cast.alpha.pk)
        pinecrest = sites.create_organization(actor=system, name="Pinecrest Homes", kind="property_owner")
        bayfront = sites.create_organization(actor=system, name="Bayfront", kind="property_owner")
        for street in OWNED:
            for unit in ("1", "2", "3"):
                site = sites.create(actor=system, street=street, unit=unit, city="Lakeview", organization=pinecrest)
        sites.create(actor=system, street="9 Bay Street", unit="1", city="Lakeview", organization=bayfront)
        Category.objects.create(key="building", name="Building")
        tickets.open(actor=system, category_key="building", title="New riser", site=site, organization=pinecrest)
    dora = make_user(cast.alpha, "dora@mail.example", "Dora Dane", "subscriber", kind="subscriber", own=True)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        User.objects.filter(pk=dora.pk).update(site=site)
        dora.site = site
        tickets.open(actor=system, category_key="building", title="My private quarrel", requester=dora)
    return live_url.replace("localhost", "alpha.localhost").rstrip("/")


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


def accept(page: Page, home: str, cast: Cast, email: str) -> None:
    """Follow the link of the invitation and choose a password."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        token = invitations.token(User.objects.get(email_norm=email))
    page.goto(f"{home}/invitation/{token}/")
    page.get_by_label("New password").fill(PASSWORD)
    page.locator("form button[type=submit]").last.click()


def buildings(page: Page, home: str) -> list[str]:
    page.goto(f"{home}/owner/")
    return sorted(page.locator(".building-card h2").all_inner_texts())


def test_the_owner_of_three_buildings_and_her_colleague(
    home: str, cast: Cast, page: Page, fresh: Callable[[], Page]
) -> None:
    Look(page, "console-people").desktop()
    page.goto(f"{home}/login/?next=/console/people/")
    page.get_by_label("E-mail").fill(cast.alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="People").wait_for()
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Name", exact=True).fill("Olga Owner")
    page.get_by_label("E-mail").fill("olga@pinecrest.example")
    page.get_by_label("A contact of an organization").check()
    page.get_by_label("Organization (optional)").select_option(label="Pinecrest Homes")
    page.get_by_label("Role").select_option(label="Property owner")
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("heading", name="Olga Owner").wait_for()

    hers = fresh()
    owner = Look(hers, "owner")
    accept(hers, home, cast, "olga@pinecrest.example")
    hers.get_by_role("heading", name="Pinecrest Homes").wait_for()
    assert hers.url.endswith("/owner/")
    assert buildings(hers, home) == sorted(OWNED)
    assert "New riser" in hers.content() and "quarrel" not in hers.content() and "Dora" not in hers.content()
    owner.at("home")
    hers.get_by_role("link", name="1 Elm Street").click()
    hers.get_by_text("0 of 3 units connected").wait_for()
    hers.get_by_role("link", name="People").click()
    hers.get_by_role("link", name="Invite a colleague").click()
    hers.get_by_label("Name", exact=True).fill("Kurt Keeper")
    hers.get_by_label("E-mail").fill("kurt@pinecrest.example")
    hers.get_by_label("Role").select_option(label="Property owner")
    hers.get_by_label("2 Oak Avenue").check()
    hers.get_by_role("button", name="Invite").click()
    hers.get_by_text("Kurt Keeper").first.wait_for()
    owner.at("people")

    his = fresh()
    accept(his, home, cast, "kurt@pinecrest.example")
    his.get_by_role("heading", name="Pinecrest Homes").wait_for()
    assert buildings(his, home) == ["2 Oak Avenue"]
    assert his.goto(f"{home}/owner/people/invite/").status == 404  # type: ignore[union-attr]
    assert his.goto(f"{home}/console/").status == 403  # type: ignore[union-attr]


def test_roles_and_keys_and_looking_on_as_a_subscriber(home: str, cast: Cast, page: Page) -> None:
    look = Look(page, "console-rights")
    page.goto(f"{home}/login/?next=/console/roles/")
    page.get_by_label("E-mail").fill(cast.alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Roles", exact=True).wait_for()
    page.get_by_role("link", name="New role").click()
    page.get_by_label("Name").fill("Night shift")
    page.get_by_label("See tickets").check()
    page.get_by_label("Use the console").check()
    look.at("role-form")
    page.get_by_role("button", name="Make the role").click()
    page.get_by_role("heading", name="Night shift").wait_for()

    page.goto(f"{home}/console/keys/new/")
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Networks it may be used from").fill("203.0.113.0/24")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Your new key").wait_for()
    assert page.get_by_label("Shop").input_value().startswith("boss_")
    page.get_by_role("link", name="I have it").click()
    page.get_by_text("203.0.113.0/24").wait_for()
    look.at("keys")
    page.goto(f"{home}/console/components/")

    page.goto(f"{home}/console/people/?q=dora")
    page.get_by_role("link", name="Dora Dane").click()
    page.get_by_label("Why?").fill("TL-1042")
    look.at("subscriber")
    page.get_by_role("button", name="Open self-help").click()
    page.get_by_text("you see what Dora Dane sees").wait_for()
    look.at("visit")
    page.get_by_role("button", name="End the visit").click()
    page.get_by_text("You are yourself again").wait_for()
