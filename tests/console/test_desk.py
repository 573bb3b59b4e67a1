"""Around what somebody writes on a ticket: nothing typed is lost, no answer crosses another, many steps at a click."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from boss.core.actors import Actor
from tests.cast import Cast, actor_of
from ticketing import desk as reads
from ticketing.models import ChecklistItem, Macro, Message, Snippet, TextDraft, Ticket
from ticketing.services import categories, drafts_of_text, macros, pools, snippets, tickets


@pytest.fixture
def ticket(alpha: Any, system: Actor, cast: Cast) -> Ticket:
    cache.clear()
    pool = pools.create(actor=system, key="desk", name="Service desk")
    categories.create(actor=system, key="fault", name="Fault", default_pool=pool)
    return tickets.open(actor=system, category_key="fault", title="No internet", body="Line is dead.")


def at(ticket: Ticket, verb: str = "") -> str:
    return f"/console/tickets/{ticket.public_id}/{verb}"


def test_what_bob_typed_stands_in_the_page_again_and_nobody_else_sees_it(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    kept = bob.post(at(ticket, "beat/"), {"kind": "public", "text": "Dear customer,\r\nwe ", "version": ticket.version})
    assert kept.status_code == 200 and "Kept" in kept.content.decode()
    again = browser_of(cast.bob).get(at(ticket))
    assert again.context["message_form"]["body"].value() == "Dear customer,\nwe "
    assert again.context["message_form"]["kind"].value() == "public"
    others = browser_of(cast.alice).get(at(ticket)).content.decode()
    assert "Dear customer" not in others


def test_the_page_says_who_else_is_there_and_that_it_has_changed(
    ticket: Ticket, cast: Cast, browser_of: Any, system: Actor
) -> None:
    browser_of(cast.bob).post(at(ticket, "beat/"), {"typing": "public", "version": ticket.version})
    alice = browser_of(cast.alice)
    seen = alice.post(at(ticket, "beat/"), {"version": ticket.version}).content.decode()
    assert "Bob Baker is writing" in seen and "look again" not in seen
    tickets.add_message(actor=system, ticket=ticket, body="News", kind="system")
    assert "look again" in alice.post(at(ticket, "beat/"), {"version": ticket.version}).content.decode()


def test_an_answer_to_a_ticket_that_changed_shows_what_changed_above_the_kept_text_and_is_sent_all_the_same(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    seen = ticket.version
    alice = actor_of(cast.alice)
    tickets.add_message(actor=alice, ticket=ticket, body="We are on it already.", kind="public")
    tickets.prioritize(actor=alice, ticket=ticket, priority=1)
    bob = browser_of(cast.bob)
    page = bob.post(at(ticket, "say/"), {"kind": "public", "body": "We will look at it.", "version": seen, "once": "a"})
    text = page.content.decode()
    assert page.status_code == 409
    assert text.index("This has happened since") < text.index("Send all the same")
    assert [change.body for change in page.context["changed"]] == ["We are on it already.", ""]
    assert page.context["message_form"]["body"].value() == "We will look at it."
    assert Message.objects.filter(ticket=ticket).count() == 2

    # Looking again loses nothing.
    assert bob.get(at(ticket)).context["message_form"]["body"].value() == "We will look at it."
    form = page.context["message_form"]
    sent = {"kind": "public", "body": "We will look at it.", "version": form["version"].value(),
            "once": form["once"].value()}  # fmt: skip
    assert bob.post(at(ticket, "say/"), sent).status_code == 302
    assert Message.objects.filter(ticket=ticket, author_label="Bob Baker").count() == 1
    assert not TextDraft.objects.exists()


def test_a_note_disturbs_nobody_who_was_quicker(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    seen = ticket.version
    tickets.prioritize(actor=actor_of(cast.alice), ticket=ticket, priority=1)
    note = {"kind": "internal", "body": "Called him.", "version": seen}
    assert browser_of(cast.bob).post(at(ticket, "say/"), note).status_code == 302


def test_another_change_of_a_changed_ticket_shows_what_changed_and_keeps_what_was_chosen(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    seen = ticket.version
    tickets.add_message(actor=actor_of(cast.alice), ticket=ticket, body="Wait for the part.", kind="internal")
    asked = {"waiting_for": "other", "reason": "A date", "version": seen}
    page = browser_of(cast.bob).post(at(ticket, "wait/"), asked)
    assert page.status_code == 409 and "Wait for the part." in page.content.decode()
    assert page.context["wait_form"]["reason"].value() == "A date"
    ticket.refresh_from_db()
    assert ticket.state == "new"


def test_whoever_was_signed_out_while_sending_comes_back_to_the_page_and_not_to_a_button(
    ticket: Ticket, browser_of: Any
) -> None:
    answer = browser_of().post(
        at(ticket, "say/"), {"body": "x"}, headers={"referer": f"http://alpha.localhost{at(ticket)}?from=inbox"}
    )
    assert answer["Location"].endswith(f"next=%2Fconsole%2Ftickets%2F{ticket.public_id}%2F%3Ffrom%3Dinbox")
    stranger = browser_of().post(at(ticket, "say/"), headers={"referer": "https://evil.example/trap"})
    assert "evil" not in stranger["Location"]


def test_texts_are_found_by_their_words_with_the_values_of_this_ticket(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    snippets.create(
        actor=actor_of(cast.alice), name="Number", texts={"en": "Yours is {ticket_number}, {customer_name}"}
    )
    found = browser_of(cast.bob).get(at(ticket, "texts/"), {"q": "yours"}).content.decode()
    assert f"Yours is {ticket.number}" in found and "Nothing is known for:" in found
    assert "No text holds these words" in browser_of(cast.bob).get(at(ticket, "texts/"), {"q": "zzz"}).content.decode()


def test_what_a_text_left_open_does_not_reach_a_customer(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    page = bob.post(at(ticket, "say/"), {"kind": "public", "body": "Dear {customer_name}", "version": ticket.version})
    assert page.status_code == 422 and "Still to be filled in: the customer&#x27;s name" in page.content.decode()
    assert Message.objects.filter(ticket=ticket).count() == 1


def test_alice_writes_a_text_and_a_macro_and_bob_runs_it(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    alice, bob = browser_of(cast.alice), browser_of(cast.bob)
    answer = alice.post("/console/texts/new/", {"name": "Hello", "home": "", "texts.en": "Hello from {provider_name}"})
    assert answer.status_code == 302, answer.content
    text = Snippet.objects.get()
    steps = {
        "name": "Answer and wait", "key": "answer-wait", "pool": "", "count": "3",
        "s0_do": f"reply:{text.public_id}", "s0_text": "", "s1_do": "", "s1_text": "",
        "s2_do": "status:waiting_customer", "s2_text": "",
    }  # fmt: skip
    assert alice.post("/console/macros/new/", steps).status_code == 302
    macro = Macro.objects.get()
    assert [step["do"] for step in macro.current.steps] == ["reply", "status"]
    assert (
        alice.get("/console/macros/").status_code
        == alice.get(f"/console/macros/of/{macro.public_id}/").status_code
        == 200
    )

    assert "Answer and wait" in bob.get(at(ticket)).content.decode()
    preview = bob.get(at(ticket, f"macro/{macro.public_id}/")).content.decode()
    assert "Hello from Alpha Cable" in preview and "Run it" in preview
    ticket.refresh_from_db()
    assert ticket.state == "new"
    run = {"version": ticket.version, "macro_version": 1}
    assert bob.post(at(ticket, f"macro/{macro.public_id}/"), run).status_code == 302
    ticket.refresh_from_db()
    assert ticket.state == "waiting_customer"
    assert "Macro run: Answer and wait (version 1)" in bob.get(at(ticket)).content.decode()


def test_a_refused_step_is_said_and_nothing_was_done(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    macro = macros.create(
        actor=actor_of(cast.alice), key="m", name="M",
        steps=[{"do": "priority", "value": "1"}, {"do": "note", "text": "For {customer_name}"}],
    )  # fmt: skip
    bob = browser_of(cast.bob)
    page = bob.post(at(ticket, f"macro/{macro.public_id}/"), {"version": ticket.version, "macro_version": 1})
    assert page.status_code == 422 and "Nothing is known for: the customer&#x27;s name" in page.content.decode()
    assert "Run it" not in page.content.decode()
    ticket.refresh_from_db()
    assert ticket.priority == 3 and ticket.version == 1


def test_a_fault_in_the_editor_stands_at_its_row_and_loses_nothing(cast: Cast, alpha: Any, browser_of: Any) -> None:
    steps = {"name": "M", "key": "m", "count": "3", "s0_do": "", "s1_do": "note:", "s1_text": "", "s2_do": "priority:1"}
    page = browser_of(cast.alice).post("/console/macros/new/", steps)
    assert page.status_code == 422
    assert page.context["form"].errors["s1_text"] and page.context["form"]["s2_do"].value() == "priority:1"
    text = browser_of(cast.alice).post("/console/texts/new/", {"name": "T", "home": "", "texts.en": "Dear {nobody}"})
    assert text.status_code == 422 and "There is no {nobody}" in text.content.decode()
    assert not Macro.objects.exists() and not Snippet.objects.exists()


def test_bob_writes_texts_of_his_own_and_none_for_all(cast: Cast, alpha: Any, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    asked = {"name": "Mine", "home": "", "texts.en": "Hello"}
    assert bob.post("/console/texts/new/", asked).status_code in (403, 422)
    assert not Snippet.objects.exists()
    assert bob.post("/console/texts/new/", asked | {"home": "-own"}).status_code == 302
    assert Snippet.objects.get().owner == cast.bob
    assert not reads.list_snippets(actor_of(cast.alice)).exists()


def test_points_are_added_done_and_shown_with_who_did_them(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    bob.post(at(ticket, "checklist/"), {"do": "add", "text": "Call the neighbour"})
    point = ChecklistItem.objects.get()
    bob.post(at(ticket, "checklist/"), {"do": "check", "point": point.public_id})
    page = bob.get(at(ticket)).content.decode()
    assert "Call the neighbour" in page and "1 / 1" in page
    point.refresh_from_db()
    assert point.done_by == "Bob Baker"


def test_the_checklist_of_a_category_is_edited_as_part_of_its_draft(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    rows = {"count": "3", "p0_text": "Measure", "p0_required": "on", "p1_text": "", "p2_text": "Card", "revision": "0"}
    assert alice.post("/console/categories/of/fault/checklist/", rows).status_code == 302
    page = alice.get("/console/categories/of/fault/").content.decode()
    assert "Measure" in page and "must be done before a ticket is resolved" in page
    assert alice.post("/console/categories/of/fault/act/", {"do": "publish", "revision": "1"}).status_code == 302
    ticket = tickets.open(actor=actor_of(cast.bob), category_key="fault", title="New one")
    assert list(ChecklistItem.objects.filter(ticket=ticket).values_list("text", "is_required")) == [
        ("Measure", True), ("Card", False),
    ]  # fmt: skip
    refused = browser_of(cast.bob).post(at(ticket, "resolve/"), {"note": "Done", "version": ticket.version})
    assert refused.status_code == 409 and "To be done first: Measure" in refused.content.decode()
    ticket.refresh_from_db()
    assert ticket.is_open


def test_charlie_gets_404_for_everything_around_alices_ticket(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    charlie = browser_of(cast.charlie)
    drafts_of_text.keep(actor=actor_of(cast.bob), ticket=ticket, kind="public", body="Secret")
    assert charlie.get(at(ticket, "texts/")).status_code == 404
    for verb in ("beat/", "checklist/", "macro/nothing/"):
        assert charlie.post(at(ticket, verb), {"do": "add", "text": "x", "kind": "public"}).status_code == 404
    assert TextDraft.objects.get().body == "Secret" and not ChecklistItem.objects.exists()
