"""Self-help shows a subscriber what is hers, in plain words, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import User
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Service
from ipservices.services import bindings
from subscribers.models import Order
from tests.cast import Cast, make_user
from tests.portals.visiting import Visitor, hidden, message_beside, text, words
from ticketing.models import Message, Ticket
from ticketing.services import tickets

pytestmark = pytest.mark.usefixtures("shop")


@dataclass
class Subscriber:
    """A person with an order of her own, signed in."""

    user: User
    client: Client
    order: Order


@pytest.fixture
def subscriber(cast: Cast, browser_of: Callable[..., Client]) -> Callable[[str, str], Subscriber]:
    """``subscriber("maria@example.com", "Maria Ortiz")`` has ordered and can sign in."""

    def make(email: str, name: str) -> Subscriber:
        visitor = Visitor(cast.alpha.pk)
        visitor.until("you").send(
            "/signup/you/", full_name=name, email=email, phone="512 555 0142", method="card", card_token="tok_ok"
        )
        assert visitor.send("/signup/review/", agree="on").status_code == 302
        user = make_user(cast.alpha, email, name, "subscriber", kind="subscriber", own=True)
        with scoping.realm_transaction(cast.alpha.pk, "test"):
            order = Order.objects.select_related("account").get(contact_email=email)
            order.account.user = user
            order.account.save()
        return Subscriber(user, browser_of(user), order)

    return make


@pytest.fixture
def maria(subscriber: Callable[[str, str], Subscriber]) -> Subscriber:
    return subscriber("maria@example.com", "Maria Ortiz")


@pytest.fixture
def neighbour(subscriber: Callable[[str, str], Subscriber]) -> Subscriber:
    return subscriber("noah@example.com", "Noah Nash")


@pytest.fixture
def charlies_customer(cast: Cast, browser_of: Callable[..., Client]) -> Client:
    user = make_user(cast.beta, "zoe@example.com", "Zoe Zane", "subscriber", kind="subscriber", own=True)
    return browser_of(user)


def ask(person: Subscriber, **typed: str):
    form = {"category": "internet", "title": "No internet", "body": "Since this morning", "data.light": "red"}
    page = person.client.get("/my/tickets/new/")
    return person.client.post("/my/tickets/new/", hidden(page) | form | typed)


def only_ticket(cast: Cast) -> Ticket:
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        return Ticket.objects.get()


PAGES = ["/my/", "/my/services/", "/my/tickets/", "/my/tickets/new/"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_a_visitor_to_sign_in(cast: Cast, path: str):
    assert Visitor(cast.alpha.pk).get(path)["Location"].startswith("/login/?next=%2Fmy%2F")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_a_subscriber_with_nothing_yet(cast: Cast, browser_of: Callable[..., Client], path: str):
    user = make_user(cast.alpha, "new@example.com", "Nina New", "subscriber", kind="subscriber", own=True)
    assert browser_of(user).get(path).status_code == 200


def test_home_says_how_the_service_is_and_how_far_the_order(maria: Subscriber):
    page = words(maria.client.get("/my/"))
    assert "Hello Maria" in page
    assert "Being set up" in page
    assert maria.order.number in page
    assert "Internet 300" in page


def test_the_order_is_told_in_plain_words(maria: Subscriber):
    page = words(maria.client.get(f"/my/orders/{maria.order.public_id}/"))
    assert "Ordered" in page
    assert "Checked" in page
    assert "Verify address" not in page, "titles of tasks are for the people who work on them"


def test_settings_are_shown_from_a_closed_list_and_secrets_never(maria: Subscriber, cast: Cast):
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        held = maria.order.items.get().subscription
        Service.objects.create(
            account=maria.order.account,
            subscription=held,
            site=held.site,
            feature_key="data.access",
            title="Internet access",
            family="access",
            kind="account",
            desired={"login": "svc-login", "down_mbps": 300, "cap_gb": 0, "vlan": 4711, "password": "hunter2hunter2"},
            sealed_secrets="k0:sealed-away",
        )
    page = text(maria.client.get("/my/services/"))
    assert "300 Mbit/s" in page
    for hidden_away in ("svc-login", "4711", "hunter2", "sealed-away", "GB a month"):
        assert hidden_away not in page


def test_one_click_opens_her_mail_and_nobody_elses(
    maria: Subscriber, neighbour: Subscriber, cast: Cast, browser_of: Callable[..., Client], monkeypatch: Any
):
    monkeypatch.setattr(SimulatorDriver, "signs_in", classmethod(lambda cls, settings: bool(settings)))
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        system, held = Actor.system(cast.alpha.pk), maria.order.items.get().subscription
        server = bindings.create(
            actor=system, family="mail", driver_key="simulator", name="Mail", settings={"server": "mail"}
        )
        box = Service.objects.create(
            account=maria.order.account, subscription=held, site=held.site, feature_key="mail.mailbox", title="Mailbox",
            family="mail", kind="mailbox", name="maria@alpha.example", desired={"address": "maria@alpha.example"},
            binding=server, state="active",
        )  # fmt: skip
    link = f"/my/services/{box.public_id}/webmail/"

    assert f'href="{link}"' in maria.client.get("/my/services/").content.decode()
    answer = maria.client.get(link)
    assert (answer.status_code, answer["Location"].split("&")[0]) == (
        302, "https://webmail.invalid/sign-in?box=maria@alpha.example",
    )  # fmt: skip
    assert "no-store" in answer["Cache-Control"]
    assert neighbour.client.get(link).status_code == 404
    # Staff see that she has a mailbox, and never what is in it.
    assert browser_of(cast.alice).get(link).status_code == 403
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        Service.objects.update(state="suspended")
    assert link not in maria.client.get("/my/services/").content.decode()
    assert maria.client.get(link).status_code == 404


def test_neighbour_sees_no_service_of_hers(maria: Subscriber, neighbour: Subscriber):
    assert "Internet 300" in words(maria.client.get("/my/services/"))
    assert maria.order.account.number not in words(neighbour.client.get("/my/"))


def test_neighbour_and_charlie_get_404_for_an_order_that_is_not_theirs(
    maria: Subscriber, neighbour: Subscriber, charlies_customer: Client
):
    for path in (f"/my/orders/{maria.order.public_id}/", f"/my/orders/{maria.order.public_id}/state/"):
        assert maria.client.get(path).status_code == 200
        assert neighbour.client.get(path).status_code == 404
        assert charlies_customer.get(path).status_code == 404


def test_neighbour_and_charlie_get_404_for_a_ticket_and_cannot_write_on_it(
    maria: Subscriber, neighbour: Subscriber, charlies_customer: Client, cast: Cast
):
    path = ask(maria)["Location"]
    for stranger in (neighbour.client, charlies_customer):
        assert stranger.get(path).status_code == 404
        assert stranger.post(path, {"body": "Hello"}).status_code == 404
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Message.objects.count() == 1


def test_what_belongs_to_others_is_in_no_list(maria: Subscriber, neighbour: Subscriber):
    ask(maria, title="My very own trouble")
    for path in PAGES:
        page = words(neighbour.client.get(path))
        assert "My very own trouble" not in page
        assert maria.order.number not in page


# Tickets


def test_a_request_is_opened_in_her_own_name_with_the_topics_answers(maria: Subscriber, cast: Cast):
    response = ask(maria)
    ticket = only_ticket(cast)
    assert response["Location"] == f"/my/tickets/{ticket.public_id}/"
    assert ticket.requester_id == maria.user.pk
    assert ticket.data == {"light": "red"}
    page = words(maria.client.get(response["Location"]))
    assert "We have received it" in page
    assert "Since this morning" in page


def test_the_questions_of_a_topic_come_with_the_topic_and_nothing_typed_is_lost(maria: Subscriber):
    assert "Modem light" not in words(maria.client.get("/my/tickets/new/"))
    page = maria.client.post("/my/tickets/new/", {"choose": "1", "category": "internet", "title": "No internet"})
    assert page.status_code == 200
    assert "Modem light" in words(page)
    assert 'value="No internet"' in text(page)
    assert "There is something to correct" not in words(page)


def test_a_question_for_the_staff_is_never_put_to_the_customer(maria: Subscriber, cast: Cast):
    page = maria.client.post("/my/tickets/new/", {"choose": "1", "category": "internet"})
    assert "Modem light" in words(page)
    assert "Credit given" not in words(page)
    assert ask(maria, **{"data.credit": "50"}).status_code == 302
    assert only_ticket(cast).data == {"light": "red"}


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("category", {"category": ""}),
        ("category", {"category": "lead"}),
        ("category", {"category": "made-up"}),
        ("title", {"title": " "}),
        ("title", {"title": "x" * 201}),
        ("body", {"body": ""}),
        ("data.light", {"data.light": ""}),
        ("data.light", {"data.light": "blue"}),
    ],
)
def test_a_bad_request_is_answered_beside_the_field_and_kept_and_opens_nothing(
    maria: Subscriber, cast: Cast, field: str, typed: dict[str, str]
):
    response = ask(maria, **typed)
    assert response.status_code == 422
    assert message_beside(response, field)
    for kept in {"title": "No internet", "body": "Since this morning"} | typed:
        assert f'name="{kept}"' in text(response)
    if "body" not in typed:
        assert "Since this morning" in text(response)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert not Ticket.objects.exists()


def test_a_request_sent_twice_is_one_ticket(maria: Subscriber, cast: Cast):
    page = maria.client.get("/my/tickets/new/")
    form = hidden(page) | {"category": "internet", "title": "No internet", "body": "Help", "data.light": "red"}
    maria.client.post("/my/tickets/new/", form)
    assert maria.client.post("/my/tickets/new/", form).status_code == 302
    assert only_ticket(cast).title == "No internet"


def test_an_answer_sent_twice_is_said_once(maria: Subscriber, cast: Cast):
    path = ask(maria)["Location"]
    form = hidden(maria.client.get(path)) | {"body": "It is back"}
    maria.client.post(path, form)
    maria.client.post(path, form)
    assert words(maria.client.get(path)).count("It is back") == 1


def test_internal_notes_never_reach_the_customer(maria: Subscriber, cast: Cast, bob: Actor):
    path = ask(maria)["Location"]
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        ticket = Ticket.objects.get()
        tickets.add_message(actor=bob, ticket=ticket, body="She always complains", kind="internal")
        tickets.add_message(actor=bob, ticket=ticket, body="We are looking into it", kind="public")
    page = words(maria.client.get(path))
    assert "We are looking into it" in page
    assert "She always complains" not in page
    assert "Bob Baker" not in page
    assert "We are working on it" in page


def test_an_empty_answer_is_refused_beside_the_field(maria: Subscriber, cast: Cast):
    path = ask(maria)["Location"]
    response = maria.client.post(path, {"body": "  "})
    assert response.status_code == 422
    assert message_beside(response, "body")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Message.objects.count() == 1


def test_words_of_a_message_stay_words(maria: Subscriber):
    path = ask(maria, body="<img src=x onerror=alert(1)>")["Location"]
    assert "<img src=x" not in maria.client.get(path).content.decode()
