"""The console in a real browser: found by keyboard, watched while it happens, finished from the inbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo.trilakes import people
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from ipservices.models import Binding, Finding, Service
from ipservices.services import bindings, comparing, conforming, migrating
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order, Subscription
from subscribers.services import orders
from tests.browser.portal_look import Look
from tests.furniture import TRI_LAKES
from ticketing.models import Message, Ticket
from ticketing.services import tickets

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from boss.platform.testing.databases import Furniture
    from boss.platform.testing.processes import Workers


@pytest.fixture
def furniture() -> Furniture:
    """Tri-Lakes Cable: staff, pools, servers, plans and the workflow with its manual tasks."""
    return TRI_LAKES


@pytest.fixture
def realm_id(real_db: str) -> int:
    """Tri-Lakes Cable."""
    tenancy.forget_cached()
    found = tenancy.find_realm_id_by_host("localhost")
    assert found is not None
    return found


@pytest.fixture
def console(realm_id: int, live_url: str, page: Page) -> Page:
    """Alice of customer service, signed in, on her home page."""
    sign_in(page, live_url, "alice")
    return page


@pytest.fixture
def colleague(realm_id: int, live_url: str, browser: Browser) -> Iterator[Page]:
    """A second browser."""
    context = browser.new_context()
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, url: str, who: str) -> None:
    page.goto(f"{url.rstrip('/')}/login/?next=/console/")
    page.get_by_label("E-mail").fill(f"{who}@{people.DOMAIN}")
    page.get_by_label("Password").fill(people.PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile("^Hello")).wait_for()
    page.wait_for_load_state()  # keys are heard when the scripts are there


def place_order(realm_id: int) -> Order:
    with scoping.realm_transaction(realm_id, "test"):
        actor = Actor.system(realm_id, "Sign-up")
        return orders.submit(
            actor=actor,
            site=Site.objects.order_by("id").first(),
            plan_version=catalog.get_plan_version("triple-300"),
            options=[OptionChoice("install")],
            contact=ContactDetails(
                "Maria Ortiz", "maria.ortiz.of.the.last.house.on.elm.street@mail.example", "+1 555 555 0142"
            ),
            payment=PaymentChoice("card", "tok_ok"),
            channel="portal",
        )


def open_ticket(realm_id: int, title: str = "No internet since the storm") -> Ticket:
    with scoping.realm_transaction(realm_id, "test"):
        return tickets.open(
            actor=Actor.system(realm_id, "Demo"),
            category_key="workflow-work",
            title=title,
            body="The box is dark.",
        )


def finish_next(page: Page, fields: dict[str, str], title: str) -> None:
    """One turn of the assembly line: take the next task, give its results, finish it."""
    page.goto(re.sub(r"/console/.*", "/console/inbox/", page.url))
    page.get_by_role("button", name="Next task").click()
    page.get_by_role("heading", name=title, level=1).wait_for()
    # The ticket's own fields stand on the page as well, and may have the same labels.
    results = page.locator("form", has=page.get_by_role("button", name="Finish, next task"))
    for label, value in fields.items():
        control = results.get_by_label(re.compile(f"^{re.escape(label)}"))
        if control.evaluate("element => element.tagName") == "SELECT":
            control.select_option(label=value)
        else:
            control.fill(value)
    page.get_by_role("button", name="Finish, next task").click()
    page.locator(".toast-line", has_text="is done.").wait_for()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_csr_watches_the_graph_fill_while_colleagues_finish_their_work(
    console: Page, colleague: Page, realm_id: int, workers: Workers, live_url: str
) -> None:
    workers(1)
    workers.beat()
    order = place_order(realm_id)
    look = Look(console, "console")
    look.desktop()
    base = live_url.rstrip("/")
    console.goto(f"{base}/console/orders/{order.public_id}/")
    done = console.locator(".graph-node.graph-ok")
    console.get_by_text("“Book install window” waits for people.").wait_for(timeout=60_000)
    done.nth(11).wait_for(timeout=60_000)
    look.at("order-open")

    with scoping.realm_transaction(realm_id, "test"):
        fresh = Order.objects.select_related("account").get(pk=order.pk)
        service = Service.objects.filter(family="mail").first()
        ticket = Ticket.objects.get()
    assert service is not None
    for name, path in (
        ("home", ""),
        ("inbox", "inbox/"),
        ("tickets", "tickets/"),
        ("ticket", f"tickets/{ticket.public_id}/?from=inbox"),
        ("ticket-undo", f"tickets/{ticket.public_id}/?outcome=undo"),
        ("orders", "orders/"),
        ("account", f"accounts/{fresh.account.public_id}/"),
        ("accounts", "accounts/"),
        ("run-task", f"runs/{fresh.run_public_id}/?task=create_mailboxes"),
        ("runs", "runs/"),
        ("runs-narrowed", "runs/?state=waiting&definition=new-triple-play&q=ortiz"),
        ("tasks", "tasks/"),
        ("task", f"tasks/{ticket.public_id}/"),
        ("amend", f"orders/{fresh.public_id}/amend/"),
        ("money", f"accounts/{fresh.account.public_id}/money/"),
        ("insight", "insight/"),
        ("insight-of", "insight/new-triple-play/"),
        ("reverse", f"runs/{fresh.run_public_id}/reverse/"),
        ("services", "services/"),
        ("service", f"services/{service.public_id}/"),
        ("search", "search/?q=ortiz"),
        ("search-nothing", "search/?q=nobody+at+all"),
    ):
        console.goto(f"{base}/console/{path}")
        console.wait_for_load_state("networkidle") if name != "run-task" else None
        look.at(name)

    look.desktop()
    console.goto(f"{base}/console/orders/{order.public_id}/")
    sign_in(colleague, live_url, "alice")
    finish_next(colleague, {"Day of the visit": "2026-11-30", "Window": "8 to 12"}, "Book install window")
    colleague.get_by_text("Nothing is waiting for you").first.wait_for()
    console.get_by_text("“Pick equipment” waits for people.").wait_for(timeout=30_000)


def test_runs_and_my_tasks_are_reached_on_a_phone_behind_more(console: Page) -> None:
    look = Look(console, "more")
    more = console.locator(".more > summary")
    more.click()
    sheet = console.locator(".more-sheet")
    for mode in ("light", "dark"):
        console.emulate_media(color_scheme=mode, reduced_motion="reduce")
        look.judge(f"the sheet, {mode}")
    for title in ("My tasks", "Runs"):
        sheet.get_by_role("link", name=title).click()
        console.get_by_role("heading", name=title, exact=True).wait_for()
        console.locator(".more").get_by_text("More", exact=True).click()
        assert sheet.get_by_role("link", name=title).get_attribute("aria-current") == "page"
    console.keyboard.press("Escape")
    assert sheet.is_hidden() and console.evaluate("document.activeElement.tagName") == "SUMMARY"
    look.desktop()
    assert more.is_hidden() and console.locator(".console-rail").get_by_role("link", name="Runs").is_visible()


def test_an_account_is_found_and_opened_by_keyboard_alone(console: Page, realm_id: int) -> None:
    place_order(realm_id)
    console.keyboard.press("Control+k")
    console.keyboard.type("maria")
    console.get_by_role("option", name=re.compile("Maria Ortiz")).wait_for()
    console.keyboard.press("Escape")
    assert console.locator("#search-list").is_hidden() and console.locator("#search").input_value() == "maria"
    console.keyboard.press("ArrowDown")
    assert console.locator("#search").get_attribute("aria-activedescendant") == "so-1-1"
    console.keyboard.press("Enter")
    console.get_by_role("heading", name="Maria Ortiz").wait_for()


def test_single_letters_go_places_unless_one_is_typing_or_has_switched_them_off(console: Page) -> None:
    console.keyboard.press("g")
    console.keyboard.press("t")
    console.get_by_role("heading", name="Tickets").wait_for()
    console.keyboard.press("?")
    keys = console.get_by_role("dialog")
    keys.wait_for()
    keys.get_by_label(re.compile("Switch off single-character keys")).check()
    console.keyboard.press("Escape")
    console.keyboard.press("g")
    console.keyboard.press("h")
    console.keyboard.press("/")
    assert console.evaluate("document.activeElement.id") != "search"
    assert console.url.endswith("/console/tickets/")


def test_a_double_click_sends_one_message(console: Page, realm_id: int, live_url: str) -> None:
    ticket = open_ticket(realm_id)
    console.goto(f"{live_url.rstrip('/')}/console/tickets/{ticket.public_id}/")
    console.get_by_label("Text", exact=True).fill("Called her; the modem shows no light.")
    console.get_by_role("button", name="Send").dblclick()
    console.locator(".talk").get_by_text("Called her").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        assert Message.objects.filter(ticket=ticket, body__startswith="Called her").count() == 1


def test_an_error_takes_the_focus_and_leads_to_its_field(console: Page, realm_id: int, live_url: str) -> None:
    ticket = open_ticket(realm_id)
    console.goto(f"{live_url.rstrip('/')}/console/tickets/{ticket.public_id}/")
    console.get_by_role("button", name="Send").click()
    console.locator(".error-summary").wait_for()
    assert console.evaluate("document.activeElement.className") == "error-summary"
    console.keyboard.press("Tab")
    console.keyboard.press("Enter")
    assert console.evaluate("document.activeElement.id") == "id_body"


def test_a_chosen_mode_is_remembered_and_the_system_followed_otherwise(console: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    console.emulate_media(color_scheme="dark")
    dark = console.evaluate(ground)
    console.emulate_media(color_scheme="light")
    assert console.evaluate(ground) != dark
    console.get_by_label("Your menu").click()
    console.get_by_role("button", name="Dark").click()
    assert console.evaluate(ground) == dark
    console.reload()
    assert console.evaluate(ground) == dark
    console.get_by_label("Your menu").click()
    console.get_by_role("button", name="As the system").click()
    assert console.evaluate(ground) != dark


def test_the_way_back_to_the_shortcuts_stays_when_they_are_switched_off(console: Page) -> None:
    console.keyboard.press("?")
    console.get_by_label(re.compile("^Switch off single-character keys")).check()
    console.keyboard.press("Escape")
    console.keyboard.press("?")
    assert not console.get_by_role("dialog").is_visible()
    console.get_by_label("Your menu").click()
    console.get_by_role("button", name="Keyboard shortcuts").click()
    console.get_by_label(re.compile("^Switch off single-character keys")).uncheck()
    console.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert console.evaluate("document.activeElement.tagName") == "SUMMARY"
    console.keyboard.press("?")
    assert console.get_by_role("dialog").is_visible()


def test_the_reference_is_dark_when_the_system_is_or_the_console_was_told_so(console: Page, live_url: str) -> None:
    def is_dark(wanted: bool) -> None:  # the page hears of the system's change a moment later
        console.wait_for_function(
            "wanted => (getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)') === wanted",
            arg=wanted,
        )

    console.emulate_media(color_scheme="light")
    console.goto(f"{live_url.rstrip('/')}/api/docs/")
    is_dark(False)
    console.emulate_media(color_scheme="dark")
    is_dark(True)
    console.evaluate("localStorage.setItem('boss-theme', 'light')")
    console.reload()
    is_dark(False)
    console.emulate_media(color_scheme="light")
    console.evaluate("localStorage.setItem('boss-theme', 'dark')")
    console.reload()
    is_dark(True)


def test_a_long_title_without_a_gap_scrolls_no_page_sideways(console: Page, realm_id: int) -> None:
    ticket = open_ticket(realm_id, title="ERR_" + "0123456789abcdef" * 9)
    base = re.sub(r"/console/.*", "/console/", console.url)
    for path in ("", "tickets/", "inbox/", f"tickets/{ticket.public_id}/", f"search/?q={ticket.number}"):
        console.goto(f"{base}{path}")
        console.get_by_text(ticket.number).first.wait_for()
        for width in (390, 768, 1024, 1440):
            console.set_viewport_size({"width": width, "height": 900})
            wide = console.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} scrolls sideways by {wide} px at {width}"


def test_the_network_page_is_clean_with_its_sliders_open(realm_id: int, live_url: str, page: Page) -> None:
    sign_in(page, live_url, "nate")
    look = Look(page, "console-network")
    page.goto(f"{live_url.rstrip('/')}/console/network/")
    page.get_by_text("Failure sliders").first.click()
    look.at("network")
    page.get_by_label(re.compile(r"^Slow")).first.fill("9999")
    page.get_by_role("button", name="Set").first.click()
    page.locator(".error-summary").wait_for()
    assert page.get_by_label(re.compile(r"^Slow")).first.input_value() == "9999"
    look.at("network-refused")


def test_servers_findings_and_migrations_are_clean_pages(realm_id: int, live_url: str, page: Page) -> None:
    place_order(realm_id)
    with scoping.realm_transaction(realm_id, "test"):
        old = Binding.objects.get(family="mail")
        box = Service.objects.filter(family="mail").first() or _box(old)
        new = bindings.create(
            actor=Actor.system(realm_id), family="mail", driver_key="simulator", name="The new mail server",
            settings={"server": "new"},
        )  # fmt: skip
        Service.objects.filter(pk=box.pk).update(state="active", binding=old, revision=1, applied_revision=1)
        comparison = comparing.start(actor=Actor.system(realm_id), binding=old)
        moving = migrating.prepare(actor=Actor.system(realm_id), source=old, target=new)
    assert comparing.go_on(realm_id=realm_id, comparison_id=comparison.pk)
    assert migrating.go_on(realm_id=realm_id, migration_id=moving.pk)
    with scoping.realm_transaction(realm_id, "test"):
        found = Finding.objects.filter(kind="missing").get()
        trial = conforming.ask(actor=Actor.system(realm_id), binding=new, now=True)
    conforming.run(realm_id=realm_id, report_id=trial.pk)
    with scoping.realm_transaction(realm_id, "test"):
        trial.refresh_from_db()
        trial.results[3] |= {"outcome": "broken", "detail": f"the server said {'yes-' * 40}and shows something else"}
        trial.passed, trial.broken = trial.passed - 1, 1
        trial.save()
    sign_in(page, live_url, "nate")
    look = Look(page, "network")
    network = f"{live_url.rstrip('/')}/console/network/"
    for name, path, shows in (
        ("server", f"{old.public_id}/", old.name),
        ("server-tried", f"{new.public_id}/", new.name),
        ("server-edit", f"{old.public_id}/edit/", old.name),
        ("server-kind", "new/", "New server"),
        ("server-new", "new/?driver=dns_bind+dns", "New server: BIND 9"),
        ("findings", "findings/", "Differences"),
        ("finding", f"findings/{found.public_id}/", box.name),
        ("migrations", "migrations/", "Migrations"),
        ("migration", f"migrations/{moving.public_id}/", new.name),
    ):
        page.goto(network + path)
        page.get_by_role("heading", level=1).filter(has_text=shows).wait_for()
        look.at(name)


def _box(binding: Binding) -> Service:
    """A mailbox of the newest subscription."""
    sold = Subscription.objects.select_related("account", "site").latest("id")
    made: Service = Service.objects.create(
        account=sold.account, subscription=sold, site=sold.site, feature_key="mail.mailbox", title="Mailbox",
        family="mail", kind="mailbox", name="maria@trilakes.example", binding=binding,
        desired={"address": "maria@trilakes.example", "quota_mb": 2048},
    )  # fmt: skip
    return made
