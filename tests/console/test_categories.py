"""The category editor: what a provider sets up there holds at once, and nothing holds before it is published."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.actors import Actor
from tests.cast import Cast, make_user
from ticketing import selectors
from ticketing.models import Category, CategoryDraft, CategorySchema, Ticket
from ticketing.services import categories, drafts, tickets

BASE = "/console/categories/"
HERE = f"{BASE}of/wi-fi-complaint/"
FIELDS = [
    {"label": "Where is it slow?", "key": "where", "type": "choice", "choices": "one = One room\nall = Everywhere",
     "required": "on", "end_user": "write"},
    {"label": "Which room?", "key": "room", "type": "text", "end_user": "write", "when_field": "where",
     "when_operator": "==", "when_value": "one"},
    {"label": "Since when?", "key": "since", "type": "date", "end_user": "write"},
    {"label": "Router address", "key": "router", "type": "ipv4", "required_in": ["resolved"]},
    {"label": "Floor plan", "key": "plan", "type": "url", "end_user": "read"},
]  # fmt: skip


@pytest.fixture
def alices(cast: Cast, browser_of: Any, alpha: Any) -> Any:
    return browser_of(cast.alice)


def build(client: Any, fields: list[dict[str, Any]]) -> None:
    """What a provider does with his mouse: the category with a pool and targets, its fields one by one."""
    made = client.post(f"{BASE}new/", {
        "name": "Wi-Fi complaint", "kind": "support", "priority": "3", "portal_visible": "on", "new_pool": "Wi-Fi desk",
        "first_reply": "30 min", "resolve": "1 d",
    })  # fmt: skip
    assert made.status_code == 302 and made["Location"] == HERE
    for field in fields:
        levels = {"site_owner": "none", "staff": "write", "end_user": "none"}
        revision = getattr(CategoryDraft.objects.first(), "revision", 0)
        answer = client.post(f"{HERE}field/", {**levels, "revision": revision, **field})
        assert answer.status_code == 302, answer.content.decode()


def publish(client: Any) -> None:
    revision = CategoryDraft.objects.get().revision
    client.post(f"{HERE}act/", {"do": "publish", "revision": revision, "note": "First"})


def test_a_provider_builds_the_wifi_complaint_and_the_portal_asks_for_it_at_once(
    alices: Any, cast: Cast, browser_of: Any
) -> None:
    dana = make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)
    portal = browser_of(dana)
    build(alices, FIELDS)
    assert "Where is it slow?" not in portal.get("/my/tickets/new/?category=wi-fi-complaint").content.decode()

    publish(alices)

    form = portal.get("/my/tickets/new/?category=wi-fi-complaint").content.decode()
    assert "Where is it slow?" in form and "Since when?" in form
    assert "Which room?" not in form and "Router address" not in form and "Floor plan" not in form
    sent = {"category": "wi-fi-complaint", "title": "Slow", "body": "Very", "data.where": "one", "form_key": ""}
    asked = portal.post("/my/tickets/new/", {**sent, "choose": "1"}).content.decode()
    assert "Which room?" in asked
    assert portal.post("/my/tickets/new/", {**sent, "data.room": "Kitchen"}).status_code == 302
    found = Ticket.objects.get()
    assert found.data == {"where": "one", "room": "Kitchen"}
    assert found.pool is not None and found.pool.name == "Wi-Fi desk" and found.resolve_due_at is not None

    refused = alices.post(f"/console/tickets/{found.public_id}/resolve/", {"note": ""})
    assert refused.status_code == 422 and 'id="field-data.router"' in refused.content.decode()
    assert Ticket.objects.get().state == "new"
    alices.post(f"/console/tickets/{found.public_id}/resolve/", {"note": "", "data.router": "192.0.2.1"})
    assert (Ticket.objects.get().state, Ticket.objects.get().data["router"]) == ("resolved", "192.0.2.1")


def test_the_preview_shows_each_his_own_form(alices: Any) -> None:
    build(alices, FIELDS)
    seen = {
        role: alices.get(f"{HERE}preview/", {"as": role, "data.where": "one"}).content.decode()
        for role in ("staff", "end_user", "site_owner")
    }
    assert all(field["label"] in seen["staff"] for field in FIELDS)
    assert "Which room?" in seen["end_user"] and "Router address" not in seen["end_user"]
    assert "Only read: Floor plan" in " ".join(seen["end_user"].split())
    assert not any(field["label"] in seen["site_owner"] for field in FIELDS)
    everywhere = alices.get(f"{HERE}preview/", {"as": "end_user", "data.where": "all"}).content.decode()
    assert "Which room?" not in everywhere


def test_a_faulty_draft_says_where_and_is_not_published(alices: Any) -> None:
    build(alices, FIELDS[:2])
    revision = CategoryDraft.objects.get().revision
    alices.post(f"{HERE}act/", {"do": "remove", "field": "where", "revision": revision})
    page = alices.get(HERE).content.decode()
    assert "This draft cannot be published yet." in page and "fields.where" in page
    publish(alices)
    assert not CategorySchema.objects.filter(category__key="wi-fi-complaint").exists()


def test_who_comes_second_is_told_and_nothing_is_lost(alices: Any) -> None:
    build(alices, FIELDS[:1])
    late = {**FIELDS[2], "site_owner": "none", "staff": "write", "revision": "0"}
    answer = alices.post(f"{HERE}field/", late)
    text = answer.content.decode()
    assert answer.status_code == 409 and "Somebody has changed this draft" in text and "Since when?" in text
    assert [field["key"] for field in CategoryDraft.objects.get().characteristics] == ["where"]


def test_fields_move_up_and_down_and_a_choice_needs_options(alices: Any) -> None:
    build(alices, FIELDS[:3])
    revision = CategoryDraft.objects.get().revision
    alices.post(f"{HERE}act/", {"do": "up", "field": "since", "revision": revision})
    assert [field["key"] for field in CategoryDraft.objects.get().characteristics] == ["where", "since", "room"]
    bare = {"label": "Pick", "type": "choice", "end_user": "none", "site_owner": "none", "staff": "write"}
    answer = alices.post(f"{HERE}field/", bare)
    assert answer.status_code == 422 and "a choice needs choices" in answer.content.decode()


def test_a_status_of_ones_own_the_dry_run_and_the_way_back(alices: Any, system: Actor) -> None:
    build(alices, FIELDS[:1])
    publish(alices)
    opened = tickets.open(actor=system, category_key="wi-fi-complaint", title="Slow", data={"where": "one"})
    category = Category.objects.get(key="wi-fi-complaint")
    alices.post(f"{HERE}status/", {"label": "With the vendor", "state": "waiting_other", "revision": "0"})
    drafts.save(actor=system, category=category, fields=[{"key": "note"}])
    tried = alices.get(f"{HERE}?try=1").content.decode()
    assert opened.number in tried and "No field shows any more:" in tried and "With the vendor" in tried
    assert CategorySchema.objects.filter(category=category).count() == 1

    publish(alices)
    alices.post(f"{HERE}act/", {"do": "revert", "version": "1"})
    versions = list(CategorySchema.objects.filter(category=category).order_by("version"))
    assert [version.version for version in versions] == [1, 2, 3]
    assert versions[2].characteristics == versions[0].characteristics and versions[2].statuses == []
    assert [status["key"] for status in versions[1].statuses] == ["with_the_vendor"]


def test_a_removed_option_survives_the_form_that_edits_the_ticket(alices: Any, system: Actor) -> None:
    build(alices, FIELDS[:1])
    publish(alices)
    opened = tickets.open(actor=system, category_key="wi-fi-complaint", title="Slow", data={"where": "one"})
    fields = [{"key": "where", "type": "choice", "choices": [["all", "Everywhere"]]}, {"key": "note"}]
    categories.publish_fields(actor=system, category=Category.objects.get(key="wi-fi-complaint"), fields=fields)
    page = f"/console/tickets/{opened.public_id}/"
    assert "One room (no longer offered)" in alices.get(page).content.decode()
    alices.post(f"{page}fill/", {"data.where": "one", "data.note": "Called"})
    assert Ticket.objects.get().data == {"where": "one", "note": "Called"}


def test_bob_and_charlie_change_nothing(alices: Any, cast: Cast, browser_of: Any) -> None:
    build(alices, FIELDS[:1])
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        answer = browser_of(person).post(f"{HERE}act/", {"do": "discard"})
        assert answer.status_code == status
    assert CategoryDraft.objects.count() == 1
    assert not selectors.list_schemas(Category.objects.get(key="wi-fi-complaint"))


def test_the_editor_asks_a_fixed_number_of_questions(alices: Any, statements_of: Any, system: Actor) -> None:
    build(alices, FIELDS[:1])
    few = len(statements_of(alices, HERE))
    fields = [{"key": f"f{n}", "type": "text"} for n in range(20)]
    categories.publish_fields(actor=system, category=Category.objects.get(key="wi-fi-complaint"), fields=fields)
    assert len(statements_of(alices, HERE)) <= few + 2


def test_the_api_does_the_same(alices: Any, cast: Cast, browser_of: Any) -> None:
    build(alices, [])
    base = "/api/v1/ticketing/categories/wi-fi-complaint/"
    alices.get("/api/v1/me/")
    body = {"fields": [{"key": "where", "type": "text"}], "statuses": [], "revision": 0}
    kept = alices.put(f"{base}draft/", body, content_type="application/json").json()
    assert kept["revision"] == 1 and kept["faults"] == {}
    assert alices.put(f"{base}draft/", body, content_type="application/json").status_code == 409
    assert alices.post(f"{base}publish/", {"revision": 1}, content_type="application/json").json()["version"] == 1
    assert [row["version"] for row in alices.get(f"{base}versions/").json()] == [1]
    shown = alices.get(base).json()
    assert shown["fields_schema"]["properties"]["where"]["x-boss"]["audience"]["end_user"] == "write"
    assert next(status["key"] for status in shown["statuses"]) == "new"
    assert alices.post(f"{base}revert/", {"version": 1}, content_type="application/json").json()["version"] == 2
    assert alices.get(f"{base}dry_run/").json() == []
    assert alices.delete(f"{base}draft/").status_code == 204
