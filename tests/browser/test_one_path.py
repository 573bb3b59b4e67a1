"""The one path, as everybody on it sees it: visitor, customer service, dispatch, field, name server, subscriber."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo.trilakes.network import HOST_ZONE
from ipservices.services import bindings
from subscribers.models import Order
from tests.browser.test_console import (  # noqa: F401 - fixtures
    colleague,
    console,
    finish_next,
    furniture,
    realm_id,
    sign_in,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from boss.platform.testing.processes import Workers
    from ipservices.drivers.dns_powerdns.lab import Lab

MANUAL = (
    ("alice", "Book install window", {"Day of the visit": "2026-11-30", "Window": "8 to 12"}),
    (
        "dana",
        "Pick equipment",
        {"Modem MAC address": "00-11-22-aa-bb-cc", "Modem serial number": "M-1", "Set-top serial number": "S-1"},
    ),
    ("frank", "Install visit", {"Receive level": "-3.5", "Upstream SNR": "38"}),
)


@pytest.fixture
def name_server(realm_id: int, powerdns_lab: Lab) -> Lab:  # noqa: F811
    """Tri-Lakes Cable's DNS at a real PowerDNS."""
    with scoping.realm_transaction(realm_id, "test"):
        bindings.create(
            actor=Actor.system(realm_id),
            family="dns",
            driver_key="dns_powerdns",
            name="PowerDNS",
            settings={
                "api_url": powerdns_lab.api_url,
                "dns_host": powerdns_lab.dns_host,
                "dns_port": powerdns_lab.dns_port,
                "zone": HOST_ZONE,
            },
            secrets={"api_key": powerdns_lab.api_key},
            position=1,
        )
    return powerdns_lab


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_visitor_signs_up_on_a_phone_and_is_served(
    realm_id: int,  # noqa: F811
    console: Page,  # noqa: F811
    colleague: Page,  # noqa: F811
    browser: Browser,
    live_url: str,
    workers: Workers,
    name_server: Lab,
) -> None:
    workers(1)
    workers.beat()
    phone = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    phone.set_default_timeout(30_000)
    order_triple_300(phone, live_url.rstrip("/"))

    with scoping.realm_transaction(realm_id, "test"):
        order = Order.objects.select_related("account").get()
    console.goto(f"{live_url.rstrip('/')}/console/orders/{order.public_id}/")
    nodes = console.locator(".graph-node")
    settled = console.locator(".graph-node.graph-ok")
    console.get_by_text("“Book install window” waits for people.").wait_for(timeout=60_000)
    before = settled.count()
    for who, title, results in MANUAL:
        console.get_by_text(f"“{title}” waits for people.").wait_for(timeout=60_000)
        colleague.context.clear_cookies()
        sign_in(colleague, live_url, who)
        finish_next(colleague, results, title)
    phone.get_by_text("Your service is active.").wait_for(timeout=90_000)
    # All but the credit check, which a card does not need, and the three tasks that bring a number along.
    settled.nth(nodes.count() - 4 - 1).wait_for(timeout=60_000)
    assert before < settled.count()

    name = f"{order.account.number.lower()}.{HOST_ZONE}"
    query = dns.message.make_query(name, "A")
    reply = dns.query.udp(query, name_server.dns_host, port=name_server.dns_port, timeout=3)
    assert [str(record) for rrset in reply.answer for record in rrset] == ["192.0.2.1"]

    phone.get_by_role("button", name="Create a password").click()
    phone.get_by_label("New password").fill("a few good words")
    phone.get_by_role("button", name="Save and sign in").click()
    phone.get_by_role("heading", name="Hello Maria").wait_for()
    phone.get_by_role("link", name="My services").click()
    phone.get_by_role("heading", name="Triple 300").wait_for()
    phone.get_by_text("Active").first.wait_for()
    phone.context.close()


def order_triple_300(phone: Page, home: str) -> None:
    """The sign-up portal from address to order, as a visitor with a card."""
    phone.goto(f"{home}/signup/")
    phone.get_by_label("Street address").fill("14 Elm Street, Lakeview")
    phone.get_by_role("button", name="Check this address").click()
    phone.get_by_role("heading", name="Choose your plan").wait_for()
    phone.get_by_label("Triple 300").check()
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("heading", name=re.compile("Triple 300 yours")).wait_for()
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_label("Full name").fill("Maria Ortiz")
    phone.get_by_label("E-mail").fill("maria.ortiz@mail.example")
    phone.get_by_label("Phone").fill("512 555 0142")
    phone.get_by_label(re.compile("^Card:")).check()
    phone.get_by_label("Card token").fill("tok_ok")
    phone.get_by_role("button", name="Continue").click()
    phone.get_by_role("heading", name="Review your order").wait_for()
    phone.get_by_label(re.compile("I have read")).check()
    phone.get_by_role("button", name="Place order").click()
    phone.get_by_role("heading", name=re.compile("Your order O-")).wait_for()
