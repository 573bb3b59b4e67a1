"""Merging, splitting and linking by hand; the panel beside a ticket, and where a merged ticket leads."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from boss.tenancy.services import sites
from tests.cast import Cast, actor_of, make_user
from ticketing.mail.neutral import Address
from ticketing.models import Message, Ticket, TicketLink, TicketMerge, TicketRelation
from ticketing.services import categories, tickets
from ticketing.services.mail import participants


@pytest.fixture
def sue(cast: Cast) -> Any:
    return make_user(cast.alpha, "sue@home.example", "Sue Snow", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def two(alpha: Any, system: Actor, sue: Any) -> tuple[Ticket, Ticket]:
    """Sue has asked twice."""
    categories.create(
        actor=system, key="fault", name="Fault", portal_visible=True,
        fields=[Characteristic("symptom", "choice", required=True, choices=(("slow", "Slow"), ("dead", "Dead")))],
    )  # fmt: skip
    categories.create(actor=system, key="office", name="Office", kind="office")
    first, second = (
        tickets.open(actor=actor_of(sue), category_key="fault", title=title, body=f"{title}!", data={"symptom": "slow"})
        for title in ("Slow internet", "Really slow internet")
    )
    return first, second


@pytest.fixture
def alpha_site(alpha: Any, system: Actor) -> Any:
    return sites.create(actor=system, street="14 Elm Street", city="Lake")


def address(ticket: Ticket, verb: str = "") -> str:
    return f"/console/tickets/{ticket.public_id}/{verb}"


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_bob_finds_the_other_ticket_reads_what_it_means_and_merges(two: Any, cast: Cast, browser_of: Any) -> None:
    first, second = two
    bob = browser_of(cast.bob)
    offered = text_of(bob.get(address(second, "merge/"), {"q": first.number.lower()}))
    assert f"?other={first.public_id}" in offered and second.title in offered
    preview = text_of(bob.get(address(second, "merge/"), {"other": first.public_id}))
    assert f"{second.number} goes into {first.number}" in preview
    answer = bob.post(address(second, "merge/"), {"other": first.public_id, "way": "into_other"})
    assert answer.status_code == 302 and answer["Location"] == address(first)

    page = text_of(bob.get(address(first)))
    assert "Really slow internet!" in page and f"From the customer · {second.number}" in page
    answer = bob.get(address(second))
    assert answer.status_code == 302 and answer["Location"] == address(first)
    assert "This ticket was merged" in text_of(bob.get(address(second), {"here": "1"}))

    panel = text_of(bob.get(address(first, "links/"), headers={"HX-Request": "true"}))
    assert address(second, "unmerge/") in panel
    bob.post(address(second, "unmerge/"))
    assert Ticket.objects.get(pk=second.pk).state == "new" and bob.get(address(second)).status_code == 200


def test_the_customer_is_led_to_the_request_that_goes_on(two: Any, sue: Any, bob: Actor, browser_of: Any) -> None:
    first, second = two
    tickets.merge(actor=bob, tickets=[second], into=first)
    hers = browser_of(sue)
    answer = hers.get(f"/my/tickets/{second.public_id}/")
    assert answer.status_code == 302 and answer["Location"] == f"/my/tickets/{first.public_id}/"
    assert "Really slow internet!" in text_of(hers.get(answer["Location"]))
    assert "Goes on in another request" in text_of(hers.get("/my/tickets/"))
    hers.post(f"/my/tickets/{second.public_id}/", {"body": "From an old page"})
    assert Message.objects.get(body="From an old page").ticket == first


def test_who_would_read_more_is_named_and_must_be_confirmed(
    two: Any, bob: Actor, system: Actor, cast: Cast, browser_of: Any
) -> None:
    first, _second = two
    note = tickets.open(actor=bob, category_key="office", title="Mast")
    participants.join(note, Address("leo@else.example"), actor=system, role="cc")
    typed = {"other": first.public_id, "way": "into_other"}
    answer = browser_of(cast.bob).post(address(note, "merge/"), typed)
    assert answer.status_code == 409 and "leo@else.example takes part" in text_of(answer)
    assert not TicketMerge.objects.exists()
    assert browser_of(cast.bob).post(address(note, "merge/"), {**typed, "confirmed": "on"}).status_code == 302
    assert TicketMerge.objects.get().target == first


def test_charlie_reaches_none_of_it_and_nothing_changes(two: Any, cast: Cast, browser_of: Any) -> None:
    first, second = two
    charlie = browser_of(cast.charlie)
    for verb in ("links/", "link/", "merge/", "split/"):
        assert charlie.get(address(first, verb)).status_code == 404
    for verb in ("link/", "unlink/", "merge/", "unmerge/", "split/"):
        assert charlie.post(address(first, verb), {"other": second.public_id}).status_code == 404
    assert not TicketMerge.objects.exists() and not TicketRelation.objects.exists() and Ticket.objects.count() == 2


def test_a_ticket_is_linked_to_another_and_to_a_site_and_unlinked(
    two: Any, cast: Cast, alpha_site: Any, browser_of: Any
) -> None:
    first, second = two
    bob = browser_of(cast.bob)
    offered = text_of(bob.get(address(first, "link/"), {"what": "ticket", "q": "really"}))
    assert f'value="{second.public_id}"' in offered
    assert bob.post(address(first, "link/"), {"what": "ticket", "type": "blocks"}).status_code == 422
    bob.post(address(first, "link/"), {"what": "ticket", "type": "duplicate_of", "chosen": second.public_id})
    what = {"what": "tenancy.site", "q": alpha_site.label[:4]}
    assert alpha_site.label in text_of(bob.get(address(first, "link/"), what))
    bob.post(address(first, "link/"), {**what, "type": "about", "chosen": alpha_site.public_id})

    panel = text_of(bob.get(address(first, "links/")))
    assert "Duplicate of" in panel and second.number in panel and alpha_site.label in panel
    bob.post(address(first, "unlink/"), {"link": TicketRelation.objects.get().public_id})
    bob.post(address(first, "unlink/"), {"kind": "tenancy.site", "thing": alpha_site.public_id})
    assert not TicketRelation.objects.exists() and not TicketLink.objects.exists()


def test_what_was_chosen_becomes_a_ticket_whose_fields_are_asked_for(two: Any, cast: Cast, browser_of: Any) -> None:
    first, _second = two
    bob = browser_of(cast.bob)
    message = Message.objects.get(ticket=first)
    typed = {"messages": message.public_id, "title": "Her router", "category_key": "fault"}
    answer = bob.post(address(first, "split/"), typed)
    assert answer.status_code == 422 and 'name="data.symptom"' in text_of(answer)
    assert 'value="Her router"' in text_of(answer) and Ticket.objects.count() == 2
    answer = bob.post(address(first, "split/"), {**typed, "data.symptom": "dead"})
    new = Ticket.objects.get(title="Her router")
    assert answer["Location"] == address(new) and new.data == {"symptom": "dead"}
    assert "Slow internet!" in text_of(bob.get(address(new)))


def test_ending_a_parent_asks_about_its_children_on_the_page(two: Any, bob: Actor, cast: Cast, browser_of: Any) -> None:
    first, second = two
    tickets.link(actor=bob, ticket=first, type="parent_of", other=second)
    answer = browser_of(cast.bob).post(address(first, "resolve/"), {"note": "Done"})
    assert answer.status_code == 422 and 'name="children"' in text_of(answer) and second.number in text_of(answer)
    assert set(Ticket.objects.values_list("state", flat=True)) == {"new"}
    browser_of(cast.bob).post(address(first, "resolve/"), {"note": "Done", "children": "close"})
    assert set(Ticket.objects.values_list("state", flat=True)) == {"resolved"}


def test_the_panel_asks_as_much_for_ten_links_as_for_one(
    two: Any, bob: Actor, cast: Cast, browser_of: Any, statements_of: Any, alpha_site: Any
) -> None:
    first, second = two
    browser = browser_of(cast.bob)
    tickets.link(actor=bob, ticket=first, type="about", other=second)
    tickets.link_thing(actor=bob, ticket=first, kind="tenancy.site", public_id=alpha_site.public_id)
    few = statements_of(browser, address(first, "links/"))
    for number in range(9):
        other = tickets.open(actor=bob, category_key="office", title=f"Work {number}")
        tickets.link(actor=bob, ticket=first, type="parent_of", other=other)
    assert len(statements_of(browser, address(first, "links/"))) == len(few) <= 14, "\n".join(few)
