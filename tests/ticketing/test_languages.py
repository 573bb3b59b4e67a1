"""The desk's own words in the languages of the provider: questions, options, statuses and names of categories."""

from __future__ import annotations

import pytest

from boss.core.problems import InvalidInput
from boss.tenancy.models import Realm, User
from boss.tenancy.selectors import forget_cached
from tests.cast import actor_of
from ticketing import languages, selectors
from ticketing.fields import FieldDef
from ticketing.services import categories, tickets
from ticketing.statuses import StatusDef

GERMAN = {"de": {"label": "Ihr Gerät", "help": "Steht unten", "choices": {"old": "Altes Gerät"}}}
BOX = FieldDef(
    "box", "choice", label="Your box", help="Below", choices=(("old", "Old box"), ("new", "New box")), words=GERMAN
)
LOOKED_AT = StatusDef(
    "looked_at", "Looked at", "open", customer_label="We look at it", words={"de": {"customer_label": "In Arbeit"}}
)


@pytest.fixture
def boxes(desk, alpha, system):
    Realm.objects.filter(pk=alpha.pk).update(languages=["en", "de"])
    forget_cached()
    return categories.create(
        actor=system, key="boxes", name="Boxes", names={"de": "Geräte"}, portal_visible=True, fields=[BOX],
        statuses=[LOOKED_AT],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "wanted", "spoken"),
    [
        (["en", "de"], ["de-AT", "en"], "de"),
        (["en", "de"], ["fr", "de"], "de"),
        (["en", "de"], ["en-US", "de"], ""),
        (["en", "de"], ["fr"], ""),
        (["en", "de"], [], ""),
        (["pt-BR", "en"], ["pt-br"], ""),
    ],
)
def test_the_first_language_that_both_speak_is_spoken(known, wanted, spoken):
    assert languages.fitting(known, wanted) == spoken


def test_words_without_a_translation_are_said_in_the_first_language(boxes):
    with languages.speak("de"):
        [field] = selectors.find_schema(boxes).fields()
        assert (field.label, field.help) == ("Ihr Gerät", "Steht unten")
        assert dict(field.options) == {"old": "Altes Gerät", "new": "New box"}
        assert boxes.title == "Geräte"
    with languages.speak("fr"):
        assert selectors.find_schema(boxes).fields()[0].label == "Your box" and boxes.title == "Boxes"
    assert selectors.find_schema(boxes).fields()[0].label == "Your box"


def test_dana_is_asked_and_told_in_her_language_on_the_portal(boxes, dana, cast, browser_of):
    User.objects.filter(pk=dana.pk).update(language="de")
    visitor = browser_of(dana)
    text = visitor.get("/my/tickets/new/?category=boxes").content.decode()
    assert "Geräte" in text and "Ihr Gerät" in text and "Altes Gerät" in text and "Your box" not in text
    ticket = tickets.open(actor=actor_of(dana), category_key="boxes", title="My box", data={"box": "old"})
    tickets.move(actor=actor_of(cast.bob), ticket=ticket, status="looked_at")
    told = visitor.get(f"/my/tickets/{ticket.public_id}/").content.decode()
    assert "In Arbeit" in told and "Altes Gerät" in told and "Geräte" in told


def test_programs_ask_by_accept_language_and_read_all_of_them(boxes, nora, browser_of):
    answer = browser_of(nora).get("/api/v1/ticketing/categories/boxes/", headers={"Accept-Language": "de-DE,en;q=0.5"})
    told = answer.json()
    assert (told["name"], told["names"]) == ("Geräte", {"de": "Geräte"})
    box = told["fields_schema"]["properties"]["box"]
    assert box["title"] == "Ihr Gerät" and box["x-boss"]["words"] == GERMAN
    assert browser_of(nora).get("/api/v1/ticketing/categories/boxes/").json()["name"] == "Boxes"


def test_the_editor_asks_for_every_language_of_the_provider_and_keeps_them(boxes, cast, browser_of):
    admin, address = browser_of(cast.alice), "/console/categories/of/boxes/field/"
    text = admin.get(f"{address}?field=box").content.decode()
    assert "Question (de)" in text and "Ihr Gerät" in text and "old = Altes Gerät" in text
    typed = {
        "label": "Lamp", "type": "choice", "choices": "red = Red\ngreen = Green", "end_user": "write", "staff": "write",
        "site_owner": "write", "label.de": "Lampe", "choices.de": "red = Rot",
    }  # fmt: skip
    assert admin.post(address, typed).status_code == 302
    draft = selectors.find_draft(boxes)
    assert draft is not None
    assert draft.characteristics[-1]["words"] == {"de": {"label": "Lampe", "choices": {"red": "Rot"}}}
    named = {"name": "Boxes", "name.de": "Kisten", "kind": "support", "priority": "3"}
    assert admin.post("/console/categories/of/boxes/settings/", named).status_code == 302
    boxes.refresh_from_db()
    assert boxes.names == {"de": "Kisten"}


def test_what_a_german_publishes_is_kept_in_the_first_language(boxes, system):
    with languages.speak("de"):
        wanted = [FieldDef("box", "choice", label="Your box", choices=(("new", "New box"),))]
        published = categories.publish_fields(actor=system, category=boxes, fields=wanted)
    assert published.characteristics[0]["retired"] == [["old", "Old box"]]
    assert published.statuses[0]["customer_label"] == "We look at it"


def test_a_name_in_a_language_the_provider_does_not_speak_is_refused(boxes, system):
    with pytest.raises(InvalidInput) as refused:
        categories.create(actor=system, key="x", name="X", names={"fr": "Y"})
    assert "names" in refused.value.fields
