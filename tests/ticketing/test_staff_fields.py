"""Fields that are the staff's: customers are not asked, are not shown them, and cannot send them."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing.errors import TicketChanged, TicketWrongState
from ticketing.models import Ticket, TicketEvent
from ticketing.services import categories, tickets


@pytest.fixture
def billing(desk, system):
    return categories.create(
        actor=system,
        key="billing",
        name="Billing",
        portal_visible=True,
        fields=[
            Characteristic("reason", "text", "Reason"),
            Characteristic("credit", "decimal", "Credit given", minimum=0, unit="USD", staff_only=True),
        ],
    )


@pytest.fixture
def danas(billing, dana) -> Ticket:
    return tickets.open(
        actor=actor_of(dana), category_key="billing", title="Charged twice", body="Look", data={"reason": "Twice"}
    )


def test_danas_own_credit_is_refused_like_a_field_that_is_not_there(billing, dana, browser_of):
    sent = {"category": "billing", "title": "Charged twice", "body": "Look"}
    answers = [
        Person(browser_of(dana)).post("tickets/", **sent, data={key: 50}).json() for key in ("credit", "made_up")
    ]
    assert answers[0]["fields"] == {"data.credit": answers[1]["fields"]["data.made_up"]}
    assert not Ticket.objects.exists()


def test_a_visitor_cannot_send_one_with_a_lead(desk, system, visitor):
    fields = [Characteristic("source"), Characteristic("value", "decimal", staff_only=True)]
    categories.create(actor=system, key="lead", name="Lead", kind="lead", portal_visible=True, fields=fields)
    with pytest.raises(InvalidInput) as caught:
        tickets.open(actor=visitor, category_key="lead", title="Service wanted", data={"value": 5})
    assert set(caught.value.fields) == {"data.value"}
    assert tickets.open(actor=visitor, category_key="lead", title="Service wanted", data={"source": "radio"})


def test_bob_opens_a_ticket_with_it(billing, cast, browser_of):
    opened = Person(browser_of(cast.bob)).post(
        "tickets/", category="billing", title="Charged twice", data={"reason": "Twice", "credit": "12.50"}
    )
    assert opened.json()["data"] == {"reason": "Twice", "credit": 12.5}


def test_bob_puts_it_in_and_sees_it_while_dana_does_not(danas, cast, dana, browser_of):
    as_bob, as_dana = Person(browser_of(cast.bob)), Person(browser_of(dana))
    filled = as_bob.post(f"tickets/{danas.public_id}/fill/", data={"credit": 12.5})
    assert filled.json()["data"] == {"reason": "Twice", "credit": 12.5}
    assert as_dana.get(f"tickets/{danas.public_id}/").json()["data"] == {"reason": "Twice"}
    assert as_dana.get("tickets/").json()["results"][0]["data"] == {"reason": "Twice"}
    event = TicketEvent.objects.get(type="filled")
    assert (event.before, event.after) == ({"data": {"credit": None}}, {"data": {"credit": 12.5}})


def test_a_list_asks_once_for_a_category_what_to_hide(billing, dana, browser_of, django_assert_max_num_queries):
    as_dana = Person(browser_of(dana))
    as_dana.get("tickets/")

    def statements() -> int:
        with django_assert_max_num_queries(100) as asked:
            as_dana.get("tickets/")
        return len(asked)

    tickets.open(actor=actor_of(dana), category_key="billing", title="One", body="Look")
    one = statements()
    for title in ("Two", "Three"):
        tickets.open(actor=actor_of(dana), category_key="billing", title=title, body="Look")
    assert statements() == one


def test_a_field_that_became_the_staffs_is_hidden_on_older_tickets_too(danas, system, billing, dana, browser_of):
    fields = [Characteristic("reason", "text", "Reason", staff_only=True)]
    categories.publish_fields(actor=system, category=billing, fields=fields)
    assert Person(browser_of(dana)).get(f"tickets/{danas.public_id}/").json()["data"] == {}


def test_an_empty_value_empties_and_a_wrong_one_changes_nothing(danas, bob):
    tickets.fill(actor=bob, ticket=danas, data={"credit": 5})
    with pytest.raises(InvalidInput) as caught:
        tickets.fill(actor=bob, ticket=danas, data={"credit": -5, "made_up": 1})
    assert set(caught.value.fields) == {"data.credit", "data.made_up"}
    emptied = tickets.fill(actor=bob, ticket=danas, data={"credit": None})
    assert emptied.data == {"reason": "Twice"}
    version = emptied.version
    assert tickets.fill(actor=bob, ticket=danas, data={"reason": "Twice"}).version == version


def test_only_staff_fill_and_only_what_they_have_seen_and_what_is_open(danas, dana, bob):
    with pytest.raises(PermissionDenied):
        tickets.fill(actor=actor_of(dana), ticket=danas, data={"reason": "Thrice"})
    with pytest.raises(TicketChanged):
        tickets.fill(actor=bob, ticket=danas, data={"credit": 5}, expected_version=danas.version + 1)
    tickets.resolve(actor=bob, ticket=danas)
    with pytest.raises(TicketWrongState):
        tickets.fill(actor=bob, ticket=danas, data={"credit": 5})
