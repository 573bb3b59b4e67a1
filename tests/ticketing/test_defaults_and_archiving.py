"""What stands in a field at first, and fields and categories that are asked for no longer."""

from __future__ import annotations

import pytest

from boss.core.problems import InvalidInput
from tests.cast import actor_of
from ticketing import selectors
from ticketing.errors import CategoryRefused
from ticketing.fields import FieldDef, json_schema
from ticketing.services import categories, drafts, tickets

BOX = FieldDef("box", "choice", choices=(("old", "Old box"), ("new", "New box")), default="new")
DUE = {"if": [{"==": [{"var": "fields.box"}, "old"]}, "swap", "look"]}


def made(system, *fields: FieldDef):
    return categories.create(actor=system, key="boxes", name="Boxes", portal_visible=True, fields=fields)


def opened(who, **data):
    return tickets.open(actor=actor_of(who), category_key="boxes", title="My box", data=data)


def test_a_field_nobody_fills_in_holds_its_default_also_one_that_is_not_the_customers(desk, system, dana):
    made(system, BOX, FieldDef("queue", "text", default="first", end_user="none"))
    assert opened(dana).data == {"box": "new", "queue": "first"}
    assert opened(dana, box="old").data == {"box": "old", "queue": "first"}


def test_a_default_may_be_made_of_the_fields_above(desk, system, dana):
    made(system, BOX, FieldDef("work", "text", default_from=DUE, end_user="none"))
    assert opened(dana).data["work"] == "look"
    assert opened(dana, box="old").data["work"] == "swap"


@pytest.mark.parametrize(
    ("field", "place"),
    [
        (FieldDef("n", "integer", minimum=1, default=0), "fields.n.default"),
        (FieldDef("n", "choice", choices=(("a", "A"),), default="b"), "fields.n.default"),
        (FieldDef("n", "text", default_from={"var": "fields.below"}), "fields.n.default_from"),
        (FieldDef("n", "integer", default_from={"var": "status"}), "fields.n.default_from"),
    ],
)
def test_a_default_the_field_would_not_take_cannot_be_published(desk, system, field, place):
    with pytest.raises(CategoryRefused) as refused:
        made(system, field, FieldDef("below"))
    assert place in refused.value.fields


def test_an_archived_field_is_asked_of_nobody_and_stays_readable(desk, system, dana, nora):
    category = made(system, FieldDef("plate", required=True), FieldDef("note"))
    before = opened(dana, plate="A1")
    wanted = [FieldDef("plate", required=True, archived=True), FieldDef("note")]
    categories.publish_fields(actor=system, category=category, fields=wanted)
    category.refresh_from_db()
    assert "plate" not in opened(dana).data
    known = selectors.known(category)
    viewer = selectors.viewer_of(actor_of(dana))
    assert [field.key for field in known.readable(before, viewer)] == ["plate", "note"]
    kept = tickets.fill(actor=actor_of(nora), ticket=before, data={"note": "seen", "plate": "A1"})
    assert kept.data == {"plate": "A1", "note": "seen"}
    with pytest.raises(InvalidInput):
        tickets.fill(actor=actor_of(nora), ticket=before, data={"plate": "B2"})
    shape = json_schema(wanted)
    assert shape["properties"]["plate"]["deprecated"] and "plate" not in shape["required"]


def test_the_editor_archives_fields_and_categories_and_takes_them_up_again(desk, system, cast, browser_of):
    category = made(system, BOX)
    admin, act = browser_of(cast.alice), "/console/categories/of/boxes/act/"
    for do, archived in (("archive", True), ("restore", False)):
        admin.post(act, {"do": do, "field": "box"})
        draft = selectors.find_draft(category)
        assert draft is not None and draft.characteristics[0].get("archived", False) is archived
    drafts.discard(actor=system, category=category)
    for do, archived in (("archive_category", True), ("restore_category", False)):
        admin.post(act, {"do": do})
        category.refresh_from_db()
        assert category.is_archived is archived


def test_the_api_archives_a_category_and_offers_it_again(desk, cast, dana, browser_of):
    address, admin = "/api/v1/ticketing/categories/", browser_of(cast.alice)
    before = tickets.open(actor=actor_of(dana), category_key="trouble", title="Slow", data={"symptom": "slow"})
    assert browser_of(cast.bob).post(f"{address}trouble/archive/").status_code == 403
    desk.trouble.refresh_from_db()
    assert not desk.trouble.is_archived

    def listed(query: str = "") -> list[str]:
        return [each["key"] for each in admin.get(address + query).json()["results"]]

    assert admin.post(f"{address}trouble/archive/").json()["is_archived"] is True
    assert listed() == ["office", "fallout"] and listed("?is_archived=true") == ["trouble"]
    assert admin.get(f"{address}trouble/").json()["is_archived"] is True
    assert [each.key for each in selectors.list_portal_categories()] == []
    before.refresh_from_db()
    assert before.is_open
    assert admin.post(f"{address}trouble/restore/").json()["is_archived"] is False
    assert listed() == ["office", "fallout", "trouble"]


def test_the_editor_takes_a_default_in_the_fields_own_words(desk, system, cast, browser_of):
    category = made(system)
    admin, address = browser_of(cast.alice), "/console/categories/of/boxes/field/"
    common = {"end_user": "write", "site_owner": "write", "staff": "write"}
    wrong = admin.post(address, {"label": "Tries", "type": "integer", "default": "many", **common})
    assert wrong.status_code == 422 and "Enter a whole number." in wrong.content.decode()
    for label, kind, typed in (("Tries", "integer", "3"), ("Lamp", "boolean", "yes"), ("Time", "duration", "1 h")):
        assert admin.post(address, {"label": label, "type": kind, "default": typed, **common}).status_code == 302
    draft = selectors.find_draft(category)
    assert draft is not None
    assert [each["default"] for each in draft.characteristics] == [3, True, 3600]
    again = admin.get(f"{address}?field=time").content.decode()
    assert 'value="1 h"' in again


CONDITION = {"==": [{"var": "fields.box"}, "old"]}


def test_conditions_decide_while_somebody_types_in_the_console_too(desk, system, nora, browser_of):
    made(system, BOX, FieldDef("serial", label="Serial number", visible_when=CONDITION))
    ticket = tickets.open(actor=system, category_key="boxes", title="Box", data={"box": "new"})
    console, address = browser_of(nora), f"/console/tickets/{ticket.public_id}/fill/"
    assert "Serial number" not in console.get(f"/console/tickets/{ticket.public_id}/").content.decode()
    typed = {"data.box": "old", "on_page": "box"}
    asked = console.post(address, {**typed, "choose": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "Serial number" in asked and "<html" not in asked
    whole = console.post(address, {**typed, "choose": "1"}).content.decode()
    assert "Serial number" in whole and "<html" in whole
    ticket.refresh_from_db()
    assert ticket.data == {"box": "new"}  # nothing is kept by looking
    assert console.post(address, {**typed, "data.serial": "A1", "on_page": "box,serial"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.data == {"box": "old", "serial": "A1"}
