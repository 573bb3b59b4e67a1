"""A category's own fields: who is asked what and when, what nobody else reads, and what versions keep."""

from __future__ import annotations

import pytest

from boss.core.actors import Actor, Grant
from boss.core.problems import InvalidInput
from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing import selectors
from ticketing.errors import CategoryRefused
from ticketing.models import Ticket, TicketEvent
from ticketing.services import categories, pools, tickets

WIFI = [
    {"key": "rooms", "type": "choice", "choices": [["one", "One room"], ["all", "Every room"]], "required": True},
    {"key": "which", "type": "text", "label": "Which room", "required": True,
     "visible_when": {"==": [{"var": "fields.rooms"}, "one"]}},
    {"key": "router_ip", "type": "ipv4", "required_in": ["resolved"], "end_user": "none", "site_owner": "none"},
    {"key": "verdict", "type": "text", "end_user": "read", "site_owner": "none"},
    {"key": "speed", "type": "decimal", "unit": "Mbit/s", "filterable": True},
    {"key": "slow", "type": "computed", "compute": {"<": [{"var": "fields.speed"}, 10]}, "end_user": "none"},
]  # fmt: skip


@pytest.fixture
def wifi(desk, system):
    return categories.create(actor=system, key="wifi", name="Wi-Fi", portal_visible=True, fields=WIFI)


@pytest.fixture
def danas(wifi, dana) -> Ticket:
    return tickets.open(
        actor=actor_of(dana), category_key="wifi", title="Wi-Fi is slow", body="Look",
        data={"rooms": "one", "which": "Kitchen", "speed": "4.5"},
    )  # fmt: skip


def refusal(call, **arguments) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as caught:
        call(**arguments)
    return caught.value.fields


def test_a_question_is_asked_only_where_its_condition_holds(wifi, dana):
    ask = {"actor": actor_of(dana), "category_key": "wifi", "title": "Wi-Fi is slow"}
    assert set(refusal(tickets.open, **ask, data={"rooms": "one"})) == {"data.which"}
    hidden = tickets.open(**ask, data={"rooms": "all", "which": "typed before the answer changed"})
    assert hidden.data == {"rooms": "all", "slow": False}


def test_a_computed_field_comes_from_the_others_and_follows_them(danas, bob):
    assert danas.data["slow"] is True
    assert tickets.fill(actor=bob, ticket=danas, data={"speed": 80}).data["slow"] is False
    assert set(refusal(tickets.fill, actor=bob, ticket=danas, data={"slow": True})) == {"data.slow"}


def test_what_a_customer_may_read_he_may_not_write(wifi, danas, dana, bob, browser_of):
    sent = {"category": "wifi", "title": "Slow", "data": {"rooms": "all", "verdict": "free month"}}
    assert Person(browser_of(dana)).post("tickets/", **sent).json()["fields"].keys() == {"data.verdict"}
    tickets.fill(actor=bob, ticket=danas, data={"verdict": "Old router", "router_ip": "192.0.2.1"})
    read = Person(browser_of(dana)).get(f"tickets/{danas.public_id}/").json()["data"]
    assert read == {"rooms": "one", "which": "Kitchen", "speed": 4.5, "verdict": "Old router"}


def test_a_property_owner_has_an_audience_of_his_own(wifi, danas, alpha):
    grant = Grant(frozenset({"ticketing.view_ticket"}), "building", 5)
    viewer = selectors.viewer_of(Actor(alpha.pk, "user", "Olga Owner", 1, (grant,)))
    danas.data |= {"verdict": "Old router", "router_ip": "192.0.2.1"}
    read = selectors.known(wifi).data_for(danas, viewer)
    assert set(read) == {"rooms", "which", "speed", "slow"}


def test_a_field_of_a_pool_is_read_and_filled_by_its_people_alone(desk, system, nora, fred, bob, browser_of):
    fields = [{"key": "authority", "type": "text", "pools": ["noc"], "end_user": "none", "site_owner": "none"}]
    categories.create(actor=system, key="legal", name="Legal request", fields=fields)
    found = tickets.open(actor=system, category_key="legal", title="Who held it", data={"authority": "Sheriff"})
    read = {
        person: Person(browser_of(person)).get(f"tickets/{found.public_id}/").json()["data"] for person in (nora, fred)
    }
    assert read == {nora: {"authority": "Sheriff"}, fred: {}}
    assert set(refusal(tickets.fill, actor=actor_of(fred), ticket=found, data={"authority": "Me"})) == {
        "data.authority"
    }
    tickets.fill(actor=actor_of(nora), ticket=found, data={"authority": "Court"})
    told = TicketEvent.objects.get(ticket=found, type="filled")
    assert "Court" not in str(told.after) and "Sheriff" not in str(told.before)


def test_a_personal_value_is_not_written_into_the_journal(desk, system, bob):
    categories.create(actor=system, key="id", name="Identity", fields=[{"key": "passport", "pii": True}])
    found = tickets.open(actor=bob, category_key="id", title="New name")
    tickets.fill(actor=bob, ticket=found, data={"passport": "X123"})
    event = TicketEvent.objects.get(ticket=found, type="filled")
    assert event.before == {"data": {"passport": None}} and "X123" not in str(event.after)


def test_what_is_named_must_be_there_and_be_seen(desk, system, bob, cast):
    categories.create(actor=system, key="visit", name="Visit", fields=[{"key": "who", "type": "user"}])
    opened = tickets.open(actor=bob, category_key="visit", title="Go", data={"who": cast.alice.public_id})
    assert opened.data == {"who": cast.alice.public_id}
    for strange in (cast.charlie.public_id, "nobody000000"):
        fields = refusal(tickets.fill, actor=bob, ticket=opened, data={"who": strange})
        assert set(fields) == {"data.who"}


def test_a_removed_option_stays_readable_and_an_edit_brings_the_ticket_up(wifi, danas, alice, bob):
    newer = [
        {**WIFI[0], "choices": [["all", "Every room"]]},
        {"key": "which"},
        *WIFI[2:],
        {"key": "floor", "type": "integer"},
    ]
    categories.publish_fields(actor=alice, category=wifi, fields=newer)
    assert Ticket.objects.get(pk=danas.pk).schema_version == 1
    edited = tickets.fill(actor=bob, ticket=danas, data={"floor": 2, "rooms": "one"})
    assert (edited.schema_version, edited.data["rooms"], edited.data["floor"]) == (2, "one", 2)
    assert selectors.known(wifi).fields["rooms"].labels["one"] == "One room"
    tickets.fill(actor=bob, ticket=danas, data={"rooms": "all"})
    assert set(refusal(tickets.fill, actor=bob, ticket=danas, data={"rooms": "one"})) == {"data.rooms"}


def test_another_category_takes_what_fits_and_keeps_the_rest_for_staff(
    wifi, danas, dana, bob, cast, system, browser_of
):
    office = categories.create(
        actor=system, key="line", name="Line", portal_visible=True,
        fields=[{"key": "speed", "type": "decimal"}, {"key": "rooms", "type": "text"}],
    )  # fmt: skip
    moved = tickets.recategorise(actor=bob, ticket=danas, category=office)
    assert moved.data["speed"] == 4.5 and "rooms" not in moved.data
    as_bob = Person(browser_of(cast.bob)).get(f"tickets/{danas.public_id}/").json()["data"]
    assert {key: entry["value"] for key, entry in as_bob["_orphan"].items()} == {"rooms": "one", "which": "Kitchen"}
    assert Person(browser_of(dana)).get(f"tickets/{danas.public_id}/").json()["data"] == {"speed": 4.5}


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ({"visible_when": {"==": [{"var": "fields.nowhere"}, 1]}}, "fields.x.visible_when"),
        ({"visible_when": {"==": [{"var": "fields.below"}, 1]}}, "fields.x.visible_when"),
        ({"visible_when": {"var": "fields.above"}}, "fields.x.visible_when"),
        ({"editable_when": {"==": [{"var": "fields.above"}, "mauve"]}}, "fields.x.editable_when"),
        ({"required_in": ["nirvana"]}, "fields.x.required_in"),
        ({"type": "computed", "compute": {"<": [{"var": "fields.above"}, 1]}}, "fields.x.compute"),
        ({"end_user": "own"}, "fields"),
    ],
)
def test_what_cannot_work_is_not_published_and_says_where(desk, alice, field, place):
    fields = [
        {"key": "above", "type": "choice", "choices": ["red", "blue"]},
        {"key": "x", **field},
        {"key": "below", "type": "integer"},
    ]
    with pytest.raises(CategoryRefused) as refused:
        categories.create(actor=alice, key="odd", name="Odd", fields=fields)
    assert set(refused.value.fields) == {place}
    assert selectors.find_category("odd") is None


def test_the_former_mark_for_staff_still_says_who_reads_a_field(desk, alice):
    categories.create(actor=alice, key="old", name="Old", fields=[{"key": "credit", "staff_only": True}])
    field = selectors.find_schema(selectors.find_category("old")).fields()[0]
    assert (field.end_user, field.site_owner, field.staff) == ("none", "none", "write")


def test_who_leaves_the_pool_reads_its_fields_no_more(desk, system, nora):
    fields = [{"key": "note", "pools": ["noc"]}]
    categories.create(actor=system, key="quiet", name="Quiet", fields=fields)
    found = tickets.open(actor=system, category_key="quiet", title="Hush", data={"note": "x"})
    pools.remove_member(actor=system, pool=desk.noc, user=nora)
    known = selectors.known(found.category)
    assert known.data_for(found, selectors.viewer_of(actor_of(nora), known.fields.values())) == {}
