"""Scenario 5: a second version of a category's questions takes an option away and asks something new."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from boss.core import scoping
from boss.core.actors import Actor
from tests.browser.portal_look import Look
from tests.cast import Cast
from ticketing.models import Ticket
from ticketing.services import categories, tickets

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_an_old_ticket_keeps_its_answer_until_it_is_changed(cast: Cast, here: str, person: Callable[..., Page]) -> None:
    realm_id, system = cast.alpha.pk, Actor.system(cast.alpha.pk)
    where = {
        "key": "where", "label": "Where is it slow", "type": "choice",
        "choices": [["one", "One room"], ["all", "Everywhere"]],
    }  # fmt: skip
    with scoping.realm_transaction(realm_id, "test"):
        categories.create(actor=system, key="wifi", name="Wi-Fi complaint", fields=[where])
        old = tickets.open(actor=system, category_key="wifi", title="Slow", data={"where": "all"})
        tickets.open(actor=system, category_key="wifi", title="Slow elsewhere", data={"where": "one"})

    page = person(cast.alice.email, "/console/categories/of/wifi/")
    look = Look(page, "scene-questions")
    look.desktop()
    page.get_by_role("link", name="Where is it slow").click()
    page.get_by_label("Options (optional)").fill("one = One room\nsome = Several rooms")
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_role("link", name="Add a field").click()
    page.get_by_label("Question").fill("Channel")
    page.get_by_label("Type", exact=True).select_option(label="Whole number")
    page.get_by_text("What it is used for").click()
    page.get_by_label("Lists can be filtered and sorted by it").check()
    page.get_by_role("button", name="Keep in the draft").click()
    page.get_by_role("link", name="Dry run").click()
    page.locator("#try").get_by_text("Its option is not offered any more").wait_for()
    page.goto(f"{here}/console/categories/of/wifi/?try=1")  # as it is above the place it was scrolled to
    look.at("dry-run")
    look.desktop()
    page.get_by_role("button", name="Publish").click()
    page.get_by_text("Version 2 is in use.").first.wait_for()

    page.goto(f"{here}/console/tickets/{old.public_id}/")
    facts = page.locator("section[aria-labelledby=facts-h]")
    facts.get_by_text("Everywhere").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        assert Ticket.objects.get(pk=old.pk).schema_version == 1
    page.get_by_text("Fill in its fields").click()
    fields = page.locator("details", has_text="Fill in its fields")
    fields.get_by_label("Where is it slow").select_option(label="Several rooms")
    fields.get_by_label("Channel").fill("11")
    fields.get_by_role("button", name="Keep").click()
    facts.get_by_text("Several rooms").wait_for()
    with scoping.realm_transaction(realm_id, "test"):
        fresh = Ticket.objects.get(pk=old.pk)
        assert (fresh.schema_version, fresh.data) == (2, {"where": "some", "channel": 11})

    page.goto(f"{here}/console/tickets/?category=wifi")
    page.get_by_text("Due, priority, fields, order").click()
    page.get_by_role("textbox", name="Channel").fill("11")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("1 ticket").or_(page.locator("[data-row]")).first.wait_for()
    assert [each.split()[-1] for each in page.locator("[data-row]").all_inner_texts()] == ["Slow"]
    look.at("filtered")
    assert look.errors == []
