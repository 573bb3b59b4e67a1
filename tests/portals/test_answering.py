"""A request that ended: its page says what an answer does, by the rule that mail and the API keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from boss.core import clock
from boss.core.actors import Actor
from boss.tenancy.models import Site, User
from boss.tenancy.services import roles, sites, users
from tests.cast import PASSWORD, Cast, actor_of, make_user
from tests.portals.visiting import hidden, words
from ticketing.models import Message, Ticket
from ticketing.services import categories, policies, tickets

BOX = 'name="body"'


@pytest.fixture
def dana(cast: Cast) -> User:
    return make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def closed(alpha: object, system: Actor, dana: User) -> Ticket:
    """Dana's request, closed; a customer's message opens it again for fourteen days."""
    categories.create(actor=system, key="trouble", name="Trouble", portal_visible=True)
    policy = policies.create(actor=system, kind="closing", key="end", name="End")
    policies.draft(actor=system, policy=policy, rules={"reopen_within": 14})
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=None)
    ticket = tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", body="Since this morning")
    return tickets.close(actor=system, ticket=tickets.resolve(actor=system, ticket=ticket))


def age(ticket: Ticket, **ago: float) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(closed_at=clock.now() - dt.timedelta(**ago))


def test_on_a_closed_request_the_box_says_until_when_an_answer_opens_it_again_and_it_does(
    closed: Ticket, dana: User, browser_of: Callable[..., Client]
) -> None:
    client, address = browser_of(dana), f"/my/tickets/{closed.public_id}/"
    age(closed, days=13)
    page = client.get(address)
    until = (clock.now() + dt.timedelta(days=1)).date().isoformat()
    assert "Your answer opens it again until" in words(page) and f'datetime="{until}' in page.content.decode()
    assert BOX in page.content.decode() and "Open a new one" not in words(page)
    assert client.post(address, hidden(page) | {"body": "It is slow again"}).status_code == 302
    closed.refresh_from_db()
    assert closed.state == "open" and closed.reopen_count == 1
    assert "opens it again" not in words(client.get(address))


def test_after_those_days_there_is_no_box_and_the_way_to_a_new_request_names_the_old_one(
    closed: Ticket, dana: User, browser_of: Callable[..., Client]
) -> None:
    client, address = browser_of(dana), f"/my/tickets/{closed.public_id}/"
    age(closed, days=14, seconds=1)
    page = client.get(address)
    assert BOX not in page.content.decode() and "An answer could open it again until" in words(page)
    assert f'href="/my/tickets/new/?title=Slow&amp;body=This+goes+on+from+{closed.number}.' in page.content.decode()
    late = client.post(address, {"body": "It is slow again"})
    assert late.status_code == 422 and Message.objects.count() == 1
    closed.refresh_from_db()
    assert closed.state == "closed"


def test_what_was_called_off_is_not_opened_again(
    closed: Ticket, system: Actor, dana: User, browser_of: Callable[..., Client]
) -> None:
    other = tickets.open(actor=actor_of(dana), category_key="trouble", title="A mistake", body="Never mind")
    tickets.cancel(actor=system, ticket=other, reason="Asked to")
    page = browser_of(dana).get(f"/my/tickets/{other.public_id}/")
    assert BOX not in page.content.decode() and "Open a new one" in words(page)


@pytest.fixture
def elm(closed: Ticket, system: Actor) -> Site:
    pinecrest = sites.create_organization(actor=system, name="Pinecrest", kind="property_owner")
    return sites.create(actor=system, street="1 Elm", unit="1", city="Lake", organization=pinecrest)


def test_who_looks_after_the_house_and_a_second_person_of_it_are_told_the_same(
    closed: Ticket, elm: Site, system: Actor, cast: Cast, browser_of: Callable[..., Client]
) -> None:
    olga = users.create(
        actor=system, email="olga@pinecrest.example", full_name="Olga", kind="contact", password=PASSWORD,
        organization=elm.organization,
    )  # fmt: skip
    roles.grant(actor=system, user=olga, role_key="property_owner", organization=elm.organization)
    theirs = tickets.open(actor=system, category_key="trouble", title="Riser", site=elm, organization=elm.organization)
    tickets.close(actor=system, ticket=tickets.resolve(actor=system, ticket=theirs))
    client, address = browser_of(olga), f"/owner/tickets/{theirs.public_id}/"
    assert "Your answer opens it again until" in words(client.get(address))
    age(theirs, days=15)
    page = client.get(address)
    assert BOX not in page.content.decode() and 'href="/owner/tickets/new/?title=Riser' in page.content.decode()


def test_who_may_read_a_request_and_not_answer_has_no_box(
    closed: Ticket, elm: Site, system: Actor, cast: Cast, browser_of: Callable[..., Client]
) -> None:
    onlooker = roles.create(
        actor=system, name="Onlooker", audience="organization", permissions=["core.use_owner", "ticketing.view_ticket"]
    )
    lee = users.create(
        actor=system, email="lee@pinecrest.example", full_name="Lee", kind="contact", password=PASSWORD,
        organization=elm.organization,
    )  # fmt: skip
    roles.grant(actor=system, user=lee, role_key=onlooker.key, organization=elm.organization)
    theirs = tickets.open(actor=system, category_key="trouble", title="Riser", site=elm, organization=elm.organization)
    page = browser_of(lee).get(f"/owner/tickets/{theirs.public_id}/")
    assert BOX not in page.content.decode() and "You can read this request and not answer it." in words(page)
    assert "Open a new one" not in words(page)
