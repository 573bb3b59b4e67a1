"""Lists narrowed and sorted by what tickets' own fields hold: after any write, by the index, for staff alone."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing import by_values, selectors
from ticketing.events import CategoryPublished
from ticketing.handlers import copy_values
from ticketing.models import TicketFieldValue
from ticketing.services import categories, tickets

FIELDS = [
    {"key": "speed", "type": "decimal", "filterable": True},
    {"key": "rooms", "type": "multi_choice", "choices": ["hall", "attic"], "filterable": True},
    {"key": "serial", "type": "text", "searchable": True, "end_user": "read"},
    {"key": "secretive", "type": "text", "filterable": True, "pools": ["noc"]},
    {"key": "plain", "type": "text"},
]


@pytest.fixture
def wifi(desk, system):
    return categories.create(actor=system, key="wifi", name="Wi-Fi", portal_visible=True, fields=FIELDS)


@pytest.fixture
def three(wifi, bob):
    data = [
        {"speed": 4.5, "rooms": ["hall", "attic"]},
        {"speed": 80, "serial": "AB-1", "plain": "x"},
        {"rooms": ["hall"]},
    ]
    return [
        tickets.open(actor=bob, category_key="wifi", title=f"No. {n}", data=values) for n, values in enumerate(data)
    ]


def titles(answer) -> list[str]:
    return [row["title"] for row in answer.json()["results"]]


def test_tickets_are_found_and_sorted_by_their_fields(three, cast, browser_of):
    as_bob = Person(browser_of(cast.bob))
    assert titles(as_bob.get("tickets/?category=wifi&field.speed=4.50")) == ["No. 0"]
    assert titles(as_bob.get("tickets/?category=wifi&field.rooms=hall")) == ["No. 2", "No. 0"]
    page = browser_of(cast.bob)
    for sort, order in (("speed", "012"), ("-speed", "102")):
        shown = page.get("/console/tickets/", {"category": "wifi", "sort": sort}).content.decode()
        places = {number: shown.index(f"No. {number}") for number in "012"}
        assert "".join(sorted(places, key=places.__getitem__)) == order
    narrow = page.get("/console/tickets/", {"category": "wifi", "field": "speed", "value": "4.5"}).content.decode()
    assert "No. 0" in narrow and "No. 1" not in narrow
    wrong = page.get("/console/tickets/", {"category": "wifi", "field": "speed", "value": "fast"}).content.decode()
    assert "Enter a number." in wrong


def test_the_copy_follows_the_ticket(three, bob):
    tickets.fill(actor=bob, ticket=three[0], data={"speed": 7, "rooms": []})
    held = TicketFieldValue.objects.filter(ticket=three[0]).values_list("field", "v_num")
    assert list(held) == [("speed", 7)]


def test_nobody_filters_by_what_is_not_marked_or_not_his_to_read(three, cast, fred, dana, browser_of):
    for person, name in ((cast.bob, "plain"), (cast.bob, "nowhere"), (fred, "secretive"), (dana, "serial")):
        answer = Person(browser_of(person)).get(f"tickets/?category=wifi&field.{name}=x")
        assert answer.status_code in (404, 422), name
        if person is not dana:
            assert set(answer.json()["fields"]) == {f"field.{name}"}


def test_a_new_mark_and_the_handler_bring_old_tickets_into_the_copy(wifi, three, system):
    newer = [{**field, "filterable": True} if field["key"] == "plain" else field for field in FIELDS]
    published = categories.publish_fields(actor=system, category=wifi, fields=newer)
    assert not TicketFieldValue.objects.filter(field="plain").exists()
    copy_values(CategoryPublished(category_id=wifi.pk, version=published.version))
    assert TicketFieldValue.objects.get(field="plain").ticket == three[1]


def test_the_copy_can_be_made_anew_at_any_time(wifi, three, system):
    rows = TicketFieldValue.objects.order_by("ticket", "field", "ordinal").values_list("field", "v_text", "v_num")
    before = list(rows)
    TicketFieldValue.objects.all().delete()
    assert categories.copy_values(actor=system, category=wifi) == 3
    assert list(rows.all()) == before != []


def test_a_searchable_value_finds_its_ticket(three, bob, dana):
    assert by_values.find_by_value(bob, " ab-1 ") == [three[1]]
    assert by_values.find_by_value(actor_of(dana), "ab-1") == []
    assert by_values.find_by_value(bob, "x") == []


def test_a_list_by_fields_is_one_statement_by_the_index(wifi, three, bob, django_assert_num_queries):
    speed = selectors.find_schema(wifi).fields()[0]
    rows = by_values.narrow(selectors.list_tickets(bob), wifi, {"speed": (speed, 4.5)})
    with django_assert_num_queries(1):
        assert [row.title for row in rows] == ["No. 0"]
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a handful of rows is read whole otherwise
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "ticketing_by_v_num" in plan
