"""The search box finds tickets by words of their titles: for whoever may see them, by the index, in few statements."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from tests.cast import Cast, actor_of, make_user
from ticketing import by_title
from ticketing.models import Ticket
from ticketing.services import categories, tickets


@pytest.fixture
def three(alpha: Any, system: Actor) -> list[Ticket]:
    categories.create(actor=system, key="fault", name="Fault")
    titles = ("No internet since the storm", "Storm damage at the mast", "100% loss_of signal")
    return [tickets.open(actor=system, category_key="fault", title=title) for title in titles]


def found(client: Any, text: str) -> str:
    box = client.get("/console/search/", {"q": text}, headers={"HX-Request": "true"})
    assert box.status_code == 200
    return str(box.content.decode())


def test_every_word_must_be_in_the_title_and_none_is_a_pattern(
    three: list[Ticket], cast: Cast, browser_of: Any
) -> None:
    bob = browser_of(cast.bob)
    for text, hits in (
        ("storm", {0, 1}),
        ("STORM intern", {0}),
        ("at the damage", {1}),
        ("storm signal", set()),
        ("st", set()),
        ("%", set()),
        ("100% loss", {2}),
        ("loss_of", {2}),
        ("l_ss", set()),
    ):
        box = found(bob, text)
        assert {at for at, ticket in enumerate(three) if ticket.public_id in box} == hits, text
    assert three[1].public_id in bob.get("/console/search/", {"q": "mast"}).content.decode()
    told = bob.get("/api/v1/search/", {"q": "storm damage"}).json()["tickets"]
    assert [ticket["number"] for ticket in told] == [three[1].number]


def test_what_somebody_may_not_see_is_not_found(three: list[Ticket], cast: Cast, browser_of: Any) -> None:
    own = make_user(cast.alpha, "gus@alpha.example", "Gus Gray", "csr", own=True)
    for who in (cast.charlie, own):
        assert not any(ticket.public_id in found(browser_of(who), "storm") for ticket in three), who
    three[0].requester = own
    three[0].save()
    box = found(browser_of(own), "storm")
    assert three[0].public_id in box and three[1].public_id not in box


def test_tickets_cost_the_box_at_most_three_statements(
    three: list[Ticket], cast: Cast, browser_of: Any, statements_of: Any, django_assert_num_queries: Any
) -> None:
    bob = actor_of(cast.bob)
    for text, limit, asked, titles in (("zz", 9, 0, 0), ("storm", 2, 1, 2), ("zzz", 9, 2, 0), ("storm", 9, 3, 2)):
        with django_assert_num_queries(asked):
            assert len(by_title.find_by_title(bob, text, limit)) == titles
    whole = statements_of(browser_of(cast.bob), "/console/search/?q=storm")
    assert len(whole) <= 10, "\n".join(whole)


def test_a_word_of_older_tickets_is_found_as_well(three: list[Ticket], cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(by_title, "NEWEST_LOOKED_AT", 1)
    assert [ticket.pk for ticket in by_title.find_by_title(actor_of(cast.bob), "storm")] == [three[1].pk, three[0].pk]
