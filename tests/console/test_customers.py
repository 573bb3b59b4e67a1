"""Accounts, orders, services, servers and the search box: everything of one's own realm, nothing of another's."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from ipservices.models import DriverCall, Service
from ipservices.services import bindings, simulator
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from tests.cast import Cast
from tests.portals.conftest import SET_UP, Shop, shop
from tests.portals.visiting import words
from tests.workflow.driving import drive
from ticketing.models import Ticket
from workflow.services import definitions

__all__ = ["shop"]


@pytest.fixture
def order(alpha: Any, shop: Shop, system: Actor) -> Order:
    """Maria's order of Internet 100, delivered."""
    placed = orders.submit(
        actor=system,
        site=shop.elm_1,
        plan_version=catalog.get_plan_version("internet-300"),
        options=[OptionChoice("self-install")],
        chosen={"mail.mailbox": {"address": "maria"}},
        contact=ContactDetails("Maria Ortiz", "maria@home.example", "+1 512 555 0142"),
        payment=PaymentChoice("card", "tok_ok"),
        channel="portal",
    )
    drive(alpha.pk)
    return Order.objects.select_related("account").get(pk=placed.pk)


@pytest.fixture
def service(order: Order, system: Actor) -> Service:
    """A mailbox of Maria's with one call on record."""
    binding = bindings.create(actor=system, family="mail", driver_key="simulator", name="Mail server")
    subscription = order.items.get().subscription
    made: Service = Service.objects.create(
        account=order.account,
        subscription=subscription,
        site=subscription.site,
        feature_key="mail.mailbox",
        title="Mailbox",
        family="mail",
        kind="mailbox",
        name="maria@alpha.example",
        binding=binding,
        desired={"address": "maria@alpha.example", "quota_mb": 5000},
    )
    DriverCall.objects.create(
        service=made,
        binding=binding,
        operation="establish",
        sentence="Set up the mailbox maria@alpha.example at Mail server in 12 ms.",
        outcome="done",
        milliseconds=12,
        request={"name": "maria@alpha.example"},
    )
    return made


def test_the_account_page_shows_everything_of_the_customer(
    service: Service, order: Order, cast: Cast, browser_of: Any
) -> None:
    text = browser_of(cast.bob).get(f"/console/accounts/{order.account.public_id}/").content.decode()
    for told in ("Maria Ortiz", order.account.number, "Internet 300", "Mailbox", order.number, "14 Elm St"):
        assert told in text, told


def test_the_account_shows_the_drawn_run_of_an_order_under_way_and_nothing_once_it_is_closed(
    alpha: Any, shop: Shop, system: Actor, cast: Cast, browser_of: Any
) -> None:
    placed = orders.submit(
        actor=system,
        site=shop.elm_1,
        plan_version=catalog.get_plan_version("internet-300"),
        options=[OptionChoice("self-install")],
        chosen={"mail.mailbox": {"address": "maria"}},
        contact=ContactDetails("Maria Ortiz", "maria@home.example", "+1 512 555 0142"),
        payment=PaymentChoice("card", "tok_ok"),
    )
    bob = browser_of(cast.bob)
    address = f"/console/accounts/{placed.account.public_id}/"
    assert f"{address}graph/" in bob.get(address).content.decode()
    text = bob.get(f"{address}graph/").content.decode()
    assert '<g class="graph-node' in text and placed.number in text
    seen = text.split("?seen=")[1].split('"')[0]
    assert bob.get(f"{address}graph/?seen={seen}").status_code == 204
    assert browser_of(cast.charlie).get(f"{address}graph/").status_code == 404
    drive(alpha.pk)
    assert bob.get(f"{address}graph/").content == b""
    assert f"{address}graph/" not in bob.get(address).content.decode()


def test_the_timeline_tells_the_order_its_run_and_the_charges(order: Order, cast: Cast, browser_of: Any) -> None:
    text = browser_of(cast.bob).get(f"/console/accounts/{order.account.public_id}/timeline/").content.decode()
    assert f"Order {order.number} placed" in text and "Charges started" in text and "Attempt 1 of" not in text


CARD = {
    "key": "card",
    "title": "Hold an amount on the card",
    "kind": "automated",
    "handler": "subscribers.preauthorize_card",
    "with": {"order_id": {"var": "inputs.order_id"}, "amount": 25},
    "after": ["verify"],
}


@pytest.fixture
def stuck(alpha: Any, shop: Shop, system: Actor) -> Order:
    """Erin's order, whose card was declined: a person has to look."""
    definitions.publish(actor=system, document={**SET_UP, "tasks": [*SET_UP["tasks"], CARD]})
    placed = orders.submit(
        actor=system,
        site=shop.elm_2,
        plan_version=catalog.get_plan_version("internet-100"),
        contact=ContactDetails("Erin Eads", "erin@home.example", "+1 512 555 0143"),
        payment=PaymentChoice("card", "tok_declined"),
    )
    drive(alpha.pk)
    return Order.objects.select_related("account").get(pk=placed.pk)


def test_an_order_whose_task_has_failed_needs_a_person_wherever_it_is_shown(
    order: Order, stuck: Order, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    page = words(bob.get(f"/console/accounts/{stuck.account.public_id}/"))
    assert f"Order {stuck.number} needs a person" in page and "in progress" not in page.lower()
    ticket = Ticket.objects.get()
    story = f"/console/accounts/{stuck.account.public_id}/timeline/"
    for path in (
        "/console/",
        "/console/orders/",
        f"/console/orders/{stuck.public_id}/",
        f"/console/tickets/{ticket.public_id}/",
        story,
    ):
        page = words(bob.get(path))
        assert "Needs a person" in page and "In progress" not in page, path
    assert "Needs a person" not in words(bob.get(f"/console/accounts/{order.account.public_id}/"))


def test_a_list_of_orders_asks_once_which_need_a_person(
    order: Order, stuck: Order, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    asked = statements_of(browser_of(cast.bob), "/console/orders/")
    assert sum("workflow_taskrun" in statement for statement in asked) == 2, "for the runs, and for parts of them"


def test_the_timeline_tells_the_fallout_ticket_once(stuck: Order, cast: Cast, browser_of: Any) -> None:
    ticket = Ticket.objects.get()
    page = words(browser_of(cast.bob).get(f"/console/accounts/{stuck.account.public_id}/timeline/"))
    story = page[page.index("Ticket ") :]
    assert story.count(f"Ticket {ticket.number}") == 1
    assert f"Ticket {ticket.number} opened: “Hold an amount on the card” failed" in page


def test_whoever_sees_no_tickets_is_told_of_it_by_the_run(
    stuck: Order, cast: Cast, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Actor, "holds", _without("ticketing.view_ticket", Actor.holds))
    page = words(browser_of(cast.bob).get(f"/console/accounts/{stuck.account.public_id}/timeline/"))
    assert f"Ticket {Ticket.objects.get().number} was opened" in page


def _without(permission: str, holds: Any) -> Any:
    return lambda actor, asked: asked != permission and holds(actor, asked)


def test_nobody_is_shown_the_number_of_a_row(stuck: Order, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    ticket = Ticket.objects.get()
    for path in (f"/console/tickets/{ticket.public_id}/", f"/console/runs/{stuck.run_public_id}/?task=card"):
        page = words(bob.get(path))
        assert "order_id" not in page and "Order ID" not in page, path
        assert stuck.number in page and "amount" in page.lower(), path


def test_an_order_is_called_an_order_once(stuck: Order, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    ticket = Ticket.objects.get()
    for path in (
        f"/console/runs/{stuck.run_public_id}/",
        f"/console/runs/{stuck.run_public_id}/reverse/",
        f"/console/tickets/{ticket.public_id}/",
    ):
        page = words(alice.get(path))
        assert f"Order: {stuck.number}" in page and "Order: Order" not in page, path


def test_the_account_page_asks_at_most_twelve_statements(
    service: Service, order: Order, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    asked = statements_of(browser_of(cast.bob), f"/console/accounts/{order.account.public_id}/")
    assert len(asked) <= 12, "\n".join(asked)


def test_the_order_page_shows_what_was_ordered_and_the_run(order: Order, cast: Cast, browser_of: Any) -> None:
    page = browser_of(cast.bob).get(f"/console/orders/{order.public_id}/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Self install" in text and "$69.95 a month" in text and 'class="graph"' in text


def test_charlie_gets_404_for_every_object_of_alices_realm(
    service: Service, order: Order, cast: Cast, browser_of: Any
) -> None:
    charlie = browser_of(cast.charlie)
    for path in (
        f"/console/accounts/{order.account.public_id}/",
        f"/console/accounts/{order.account.public_id}/timeline/",
        f"/console/orders/{order.public_id}/",
        f"/console/runs/{order.run_public_id}/",
        f"/console/services/{service.public_id}/",
    ):
        assert charlie.get(path).status_code == 404, path
    faults = charlie.post(f"/console/network/{service.binding.public_id}/faults/", {"down": "on"})
    assert faults.status_code == 404
    for path in ("/console/accounts/", "/console/orders/", "/console/services/", "/console/network/", "/console/"):
        text = charlie.get(path).content.decode()
        assert "Maria" not in text and "Mail server" not in text and order.number not in text, path


@pytest.mark.parametrize("typed", ["maria", "ortiz", "0142", "5125550142", "maria@home", "14 elm", "Mario Ortiz"])
def test_the_search_box_finds_an_account_by_whatever_is_typed(
    typed: str, order: Order, cast: Cast, browser_of: Any
) -> None:
    box = browser_of(cast.bob).get("/console/search/", {"q": typed}, headers={"HX-Request": "true"})
    text = box.content.decode()
    assert 'role="listbox"' in text and 'role="option"' in text and order.account.public_id in text
    assert "<html" not in text
    other = browser_of(cast.charlie).get("/console/search/", {"q": typed}, headers={"HX-Request": "true"})
    assert "Maria" not in other.content.decode()


def test_the_search_finds_orders_and_accounts_by_number(order: Order, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert (
        f"/console/orders/{order.public_id}/"
        in bob.get("/console/search/", {"q": order.number.lower()}).content.decode()
    )
    assert order.account.public_id in bob.get("/console/search/", {"q": order.account.number}).content.decode()


@pytest.mark.parametrize(
    "typed", ["", " ", "x", "'; drop table", "<script>alert(1)</script>", "%%%", "A-", "\x00", "ü" * 300]
)
def test_whatever_is_typed_the_search_answers(typed: str, order: Order, cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.bob).get("/console/search/", {"q": typed})
    assert answer.status_code == 200 and b"<script>alert" not in answer.content


def test_the_search_box_asks_few_statements(order: Order, cast: Cast, browser_of: Any, statements_of: Any) -> None:
    assert len(asked := statements_of(browser_of(cast.bob), "/console/search/?q=maria")) <= 9, "\n".join(asked)


def test_a_service_tells_its_calls_in_sentences(service: Service, cast: Cast, browser_of: Any) -> None:
    text = browser_of(cast.bob).get(f"/console/services/{service.public_id}/").content.decode()
    assert "Set up the mailbox maria@alpha.example at Mail server in 12 ms." in text and "5000" in text


def test_sliders_are_moved_and_put_back_by_who_may(service: Service, cast: Cast, browser_of: Any, alice: Actor) -> None:
    binding = service.binding
    assert binding is not None
    path, alice_browser = f"/console/network/{binding.public_id}/faults/", browser_of(cast.alice)
    prefix = binding.public_id
    assert "Failure sliders" in alice_browser.get("/console/network/").content.decode()
    assert alice_browser.post(path, {f"{prefix}-down": "on", f"{prefix}-slow": "2.5"}).status_code == 302
    assert simulator.faults_of(actor=alice, binding=binding) == {"down": True, "slow": 2.5}
    assert "Made to fail" in alice_browser.get("/console/network/").content.decode()
    alice_browser.post(path, {"clear": "1"})
    assert simulator.faults_of(actor=alice, binding=binding) == {}


def test_a_slider_beyond_its_range_is_refused_and_moves_nothing(
    service: Service, cast: Cast, browser_of: Any, alice: Actor
) -> None:
    binding = service.binding
    assert binding is not None
    form = {f"{binding.public_id}-down": "on", f"{binding.public_id}-slow": "9999"}
    answer = browser_of(cast.alice).post(f"/console/network/{binding.public_id}/faults/", form)
    assert answer.status_code == 422 and "9999" in answer.content.decode()
    assert simulator.faults_of(actor=alice, binding=binding) == {}


def test_a_csr_moves_no_sliders(service: Service, cast: Cast, browser_of: Any, alice: Actor) -> None:
    binding = service.binding
    assert binding is not None
    answer = browser_of(cast.bob).post(
        f"/console/network/{binding.public_id}/faults/", {f"{binding.public_id}-down": "on"}
    )
    assert answer.status_code == 403
    assert simulator.faults_of(actor=alice, binding=binding) == {}


def test_a_subscriber_is_refused_in_the_console(order: Order, cast: Cast, browser_of: Any) -> None:
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        user = Order.objects.select_related("account__user").get(pk=order.pk).account.user
    assert user is not None
    answer = browser_of(user).get("/console/")
    assert answer.status_code == 403 and "core.use_console" in answer.content.decode()


def test_the_brand_stylesheet_is_kept_for_a_year_and_follows_the_colour(cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    address = bob.get("/console/").context["look"].stylesheet_url
    sheet = bob.get(address)
    assert sheet["Content-Type"].startswith("text/css") and "immutable" in sheet["Cache-Control"]
    assert "--boss-brand-text" in sheet.content.decode()
    stale = bob.get("/brand/000000000000.css")
    assert "no-cache" in stale["Cache-Control"]


def test_an_unknown_address_is_a_page_of_the_provider(cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.bob).get("/console/nothing/here/")
    assert answer.status_code == 404 and "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize("path", ["orders/?state=bogus", "tickets/?state=bogus", "services/?state=bogus&family=bogus"])
def test_a_filter_nobody_knows_is_no_filter_and_the_page_says_so(
    service: Service, path: str, cast: Cast, browser_of: Any
) -> None:
    page = browser_of(cast.bob).get(f"/console/{path}")
    text = page.content.decode()
    assert page.status_code == 200 and ("bogus" not in text or path.startswith("tickets"))
    whole = {"orders": 'state=all" aria-current="true"', "tickets": "no state “bogus”", "services": "Mailbox"}
    assert whole[path.split("/")[0]] in text


def test_tickets_of_a_pool_nobody_knows_are_those_of_every_pool(stuck: Order, cast: Cast, browser_of: Any) -> None:
    number = Ticket.objects.get().number
    for query in ("pool=bogus", "owner=bogus", "state=bogus&pool=bogus&owner=bogus"):
        assert number in words(browser_of(cast.bob).get(f"/console/tickets/?{query}")), query


def test_the_keyboard_shortcuts_stand_in_the_menu_of_every_console_page(
    order: Order, cast: Cast, browser_of: Any
) -> None:
    text = browser_of(cast.bob).get("/console/orders/").content.decode()
    assert 'data-open="keys"' in text and '<dialog id="keys"' in text
