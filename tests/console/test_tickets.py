"""Tickets in the console: what staff may do, what strangers never see, what happens when two are quick."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from tests.cast import Cast
from ticketing.choices import TicketState
from ticketing.models import Message, Ticket
from ticketing.services import categories, pools, tickets


@pytest.fixture
def support(alpha: Any, system: Actor, cast: Cast) -> Any:
    """A pool with Bob in it and a category that leads there."""
    pool = pools.create(actor=system, key="desk", name="Service desk")
    pools.add_member(actor=system, pool=pool, user=cast.bob)
    return categories.create(actor=system, key="fault", name="Fault", default_pool=pool)


@pytest.fixture
def ticket(support: Any, system: Actor) -> Ticket:
    return tickets.open(actor=system, category_key="fault", title="No internet since the storm", body="Line is dead.")


def address(ticket: Ticket, verb: str = "") -> str:
    return f"/console/tickets/{ticket.public_id}/{verb}"


def test_bob_reads_the_ticket_and_its_conversation(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    page = browser_of(cast.bob).get(address(ticket))
    assert page.status_code == 200
    text = page.content.decode()
    assert "No internet since the storm" in text and "Line is dead." in text and "Take it" in text


def test_charlie_gets_404_for_alices_ticket_on_every_address(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    charlie = browser_of(cast.charlie)
    assert charlie.get(address(ticket)).status_code == 404
    for verb in ("claim/", "release/", "assign/", "say/", "fill/", "wait/", "resolve/", "reopen/"):
        assert charlie.post(address(ticket, verb), {"body": "hello", "kind": "public"}).status_code == 404
    ticket.refresh_from_db()
    assert ticket.state == TicketState.NEW and ticket.assignee_id is None
    assert Message.objects.filter(ticket=ticket).count() == 1


def test_a_visitor_is_sent_to_sign_in_and_comes_back(ticket: Ticket, browser_of: Any) -> None:
    answer = browser_of().get(address(ticket))
    assert answer.status_code == 302 and answer["Location"].startswith("/login/?next=%2Fconsole%2Ftickets")


def test_taking_a_ticket_and_putting_it_back(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert bob.post(address(ticket, "claim/")).status_code == 302
    ticket.refresh_from_db()
    assert ticket.assignee_id == cast.bob.pk and ticket.state == TicketState.OPEN
    assert "Put back" in bob.get(address(ticket)).content.decode()
    bob.post(address(ticket, "release/"))
    ticket.refresh_from_db()
    assert ticket.assignee_id is None


def test_who_comes_second_is_told_who_was_quicker(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    browser_of(cast.alice).post(address(ticket, "claim/"))
    answer = browser_of(cast.bob).post(address(ticket, "claim/"), follow=True)
    assert "Alice Able has already taken this ticket." in answer.content.decode()
    ticket.refresh_from_db()
    assert ticket.assignee_id == cast.alice.pk


def test_an_empty_message_is_refused_beside_the_field_and_writes_nothing(
    ticket: Ticket, cast: Cast, browser_of: Any
) -> None:
    answer = browser_of(cast.bob).post(address(ticket, "say/"), {"kind": "internal", "body": "  "})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_body_error"' in text and "Please write something." in text
    assert 'aria-describedby="id_body_error"' in text and 'aria-invalid="true"' in text
    assert Message.objects.filter(ticket=ticket).count() == 1


def test_what_was_typed_is_kept_when_another_field_is_wrong(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.bob).post(address(ticket, "say/"), {"kind": "", "body": "Called her, no answer"})
    assert answer.status_code == 422 and "Called her, no answer" in answer.content.decode()


def test_the_same_form_sent_twice_writes_one_message(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    form = {"kind": "public", "body": "We are on it.", "once": "one-and-the-same"}
    assert bob.post(address(ticket, "say/"), form).status_code == 302
    assert bob.post(address(ticket, "say/"), form).status_code == 302
    assert Message.objects.filter(ticket=ticket, body="We are on it.").count() == 1


def test_a_free_ticket_is_resolved_with_a_note_and_reopened(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert bob.post(address(ticket, "resolve/"), {"note": "Fuse replaced"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.state == TicketState.RESOLVED
    assert Message.objects.filter(ticket=ticket, body="Fuse replaced", kind="internal").exists()
    bob.post(address(ticket, "reopen/"))
    ticket.refresh_from_db()
    assert ticket.state == TicketState.OPEN


def test_a_conflict_keeps_the_note_and_shows_the_ticket_as_it_is_now(
    ticket: Ticket, cast: Cast, alice: Actor, browser_of: Any
) -> None:
    seen = ticket.version
    tickets.wait(actor=alice, ticket=ticket, waiting_for="customer", reason="photo of the box")
    answer = browser_of(cast.bob).post(address(ticket, "resolve/"), {"note": "All done here", "version": seen})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody has changed this ticket since you opened it" in text
    assert "All done here" in text and "Waiting for customer" in text
    ticket.refresh_from_db()
    assert ticket.state == TicketState.WAITING_CUSTOMER
    # Sent once more, now knowing what the other did, it goes through.
    again = browser_of(cast.bob).post(address(ticket, "resolve/"), {"note": "All done here", "version": ticket.version})
    assert again.status_code == 302


def test_assigning_offers_only_staff_of_the_realm(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    text = bob.get(address(ticket)).content.decode()
    assert "Alice Able" in text and "Charlie Cole" not in text
    refused = bob.post(address(ticket, "assign/"), {"user": cast.charlie.public_id})
    assert refused.status_code == 422
    bob.post(address(ticket, "assign/"), {"user": cast.alice.public_id, "version": ticket.version})
    ticket.refresh_from_db()
    assert ticket.assignee_id == cast.alice.pk


def test_the_inbox_shows_mine_and_my_pools_and_leads_to_the_next(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    text = bob.get("/console/inbox/").content.decode()
    assert ticket.number in text
    assert ticket.number not in browser_of(cast.alice).get("/console/inbox/").content.decode()
    answer = bob.post("/console/inbox/next/")
    assert answer["Location"] == f"{address(ticket)}?from=inbox"
    ticket.refresh_from_db()
    assert ticket.assignee_id == cast.bob.pk
    done = bob.post(address(ticket, "resolve/"), {"note": "", "from": "inbox", "next": "inbox"}, follow=True)
    assert "Nothing is waiting for you" in done.content.decode()


def test_lists_go_on_by_cursor_and_never_count(
    support: Any, system: Actor, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    for number in range(55):
        tickets.open(actor=system, category_key="fault", title=f"Trouble {number:03d}")
    bob = browser_of(cast.bob)
    assert not [sql for sql in statements_of(bob, "/console/tickets/") if "count(*)" in sql.lower()]
    first = bob.get("/console/tickets/")
    assert "Trouble 054" in first.content.decode() and "Trouble 004" not in first.content.decode()
    older = first.context["page"].older
    second = bob.get("/console/tickets/", {"after": older})
    assert "Trouble 004" in second.content.decode() and "Trouble 054" not in second.content.decode()
    forged = bob.get("/console/tickets/", {"after": "1 OR 1=1"})
    assert forged.status_code == 200 and "Trouble 054" in forged.content.decode()


@pytest.mark.parametrize(
    ("path", "exactly"),
    [
        ("/console/", 9),
        ("/console/inbox/", 4),
        ("/console/tickets/", 9),
        ("/console/orders/", 4),
        ("/console/accounts/", 4),
    ],
)
def test_pages_ask_a_fixed_number_of_statements(
    path: str, exactly: int, support: Any, system: Actor, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    """Session, person and grants are three; the rest is the page's own, whatever the number of rows.

    The list of tickets asks for views, their order, pools, categories, colleagues and tickets."""
    for number in range(12):
        tickets.open(actor=system, category_key="fault", title=f"Trouble {number}")
    asked = statements_of(browser_of(cast.alice), path)
    assert len(asked) <= exactly, "\n".join(asked)


def test_hostile_text_in_a_ticket_is_shown_as_text(support: Any, system: Actor, cast: Cast, browser_of: Any) -> None:
    bad = "<script>alert(1)</script>"
    ticket = tickets.open(actor=system, category_key="fault", title=bad, body=f"{bad} javascript:alert(1)")
    text = browser_of(cast.bob).get(address(ticket)).content.decode()
    assert bad not in text and "&lt;script&gt;" in text and 'href="javascript' not in text


def test_every_console_page_carries_the_strict_policy(cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.alice).get("/console/")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "style-src 'self'" in policy and "unsafe" not in policy
    assert " style=" not in answer.content.decode() and "onclick" not in answer.content.decode()


def test_the_list_filters_by_state_pool_and_owner(
    ticket: Ticket, support: Any, system: Actor, cast: Cast, browser_of: Any
) -> None:
    pools.create(actor=system, key="other", name="Other desk")
    bob = browser_of(cast.bob)

    def shown(**wanted: str) -> bool:
        return ticket.title in bob.get("/console/tickets/", wanted).content.decode()

    assert shown() and shown(state="new") and shown(state="all", pool="desk") and shown(owner="nobody")
    assert not shown(state="open") and not shown(owner="me") and not shown(pool="other")
    bob.post(address(ticket, "claim/"))
    assert shown(state="open") and shown(owner="me") and not shown(owner="nobody")


def test_bob_fills_in_a_field_that_is_the_staffs(support: Any, system: Actor, cast: Cast, browser_of: Any) -> None:
    fields = [
        Characteristic("reason", "text", "Reason"),
        Characteristic("credit", "decimal", "Credit given", minimum=0, unit="USD", staff_only=True),
    ]
    categories.create(actor=system, key="billing", name="Billing", fields=fields)
    billing = tickets.open(actor=system, category_key="billing", title="Charged twice", data={"reason": "Twice"})
    bob = browser_of(cast.bob)
    assert "Credit given (USD)" in bob.get(address(billing)).content.decode()
    refused = bob.post(address(billing, "fill/"), {"data.reason": "Twice", "data.credit": "-5"})
    assert refused.status_code == 422 and "id_data.credit_error" in refused.content.decode()
    assert bob.post(address(billing, "fill/"), {"data.reason": "Twice", "data.credit": "12.5"}).status_code == 302
    shown = bob.get(address(billing)).content.decode()
    assert "<dt>Credit given</dt><dd>12.5 USD</dd>" in shown and "Fields changed" in shown


def test_a_ticket_without_fields_offers_none_to_fill_in(ticket: Ticket, cast: Cast, browser_of: Any) -> None:
    assert "Fill in its fields" not in browser_of(cast.bob).get(address(ticket)).content.decode()
