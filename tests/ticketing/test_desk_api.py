"""Texts to insert, macros, texts not sent, presence and checklists on the API: what the pages do, and no more."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.cast import actor_of
from tests.ticketing.test_api import Person
from ticketing.models import Message, Snippet, TextDraft
from ticketing.services import drafts_of_text, tickets


@pytest.fixture
def as_alice(browser_of, cast):
    return Person(browser_of(cast.alice))


@pytest.fixture
def as_bob(browser_of, cast):
    return Person(browser_of(cast.bob))


def test_a_text_is_written_filled_changed_and_taken_away(as_alice, as_bob, hers):
    made = as_alice.post("snippets/", name="Hello", texts={"en": "Hello {customer_name}"})
    assert made.status_code == 201, made.content
    at = f"snippets/{made.json()['public_id']}/"
    told = as_bob.get(f"{at}insertion/?ticket={hers.public_id}").json()
    assert told == {"text": "Hello Dana Dean", "language": "en", "missing": []}
    assert as_bob.post(f"{at}change/", name="Mine now", texts={"en": "x"}).status_code == 403
    assert as_alice.post(f"{at}change/", name="Hi", texts={"en": "Hi"}, revision=1).json()["revision"] == 2
    assert as_alice.post(f"{at}change/", name="Hi", texts={"en": "Ho"}, revision=1).status_code == 409
    assert as_alice.post(f"{at}archive/").status_code == 204
    assert as_bob.get("snippets/").json()["results"] == [] and Snippet.objects.get().texts == {"en": "Hi"}


def test_a_macro_is_written_looked_at_and_run(as_alice, as_bob, hers):
    made = as_alice.post(
        "macros/", key="quick", name="Quick", steps=[{"do": "priority", "value": "2"}, {"do": "note", "text": "Seen"}]
    )
    assert made.status_code == 201, made.content
    at = f"macros/{made.json()['public_id']}/"
    told = as_bob.post(f"{at}preview/", ticket=hers.public_id).json()
    assert [(step["words"], step["refusal"]) for step in told] == [("Priority: High", ""), ("Internal note", "")]
    ran = as_bob.post(f"{at}run/", ticket=hers.public_id, version=1, expected_version=hers.version)
    assert ran.status_code == 200 and ran.json()["version"] == hers.version + 3
    assert as_bob.post(f"{at}run/", ticket=hers.public_id, expected_version=hers.version).status_code == 409
    refused = as_alice.post("macros/", key="bad", name="Bad", steps=[{"do": "pool", "value": "nowhere"}])
    assert refused.status_code == 422 and "steps.1.value" in refused.json()["fields"]


def test_ones_own_texts_are_listed_and_nobody_elses(as_alice, as_bob, hers, cast):
    drafts_of_text.keep(actor=actor_of(cast.alice), ticket=hers, kind="public", body="Of Alice")
    kept = as_bob.post("text-drafts/", ticket=hers.public_id, kind="internal", body="Of Bob ")
    assert kept.status_code == 200, kept.content
    assert [draft["body"] for draft in as_bob.get("text-drafts/").json()["results"]] == ["Of Bob "]
    assert as_bob.post("text-drafts/", ticket=hers.public_id, kind="internal", body="").status_code == 204
    assert [draft.body for draft in TextDraft.objects.all()] == ["Of Alice"]


def test_an_answer_with_an_old_version_is_refused_and_one_without_is_sent(as_bob, hers, nora):
    seen = hers.version
    tickets.add_message(actor=actor_of(nora), ticket=hers, body="Quick", kind="internal")
    at = f"tickets/{hers.public_id}/messages/"
    answer = as_bob.post(at, body="Hello", expected_version=seen)
    assert (answer.status_code, answer.json()["code"]) == (409, "ticketing.ticket_changed")
    assert not Message.objects.filter(body="Hello").exists()
    assert as_bob.post(at, body="Hello").status_code == 201


def test_presence_is_told_and_learned(as_alice, as_bob, hers):
    cache.clear()
    at = f"tickets/{hers.public_id}/presence/"
    assert as_bob.post(at, typing=True).json() == []
    assert as_alice.get(at).json() == [{"name": "Bob Baker", "is_typing": True}]


def test_points_are_added_and_done(as_bob, hers):
    made = as_bob.post("checklist-items/", ticket=hers.public_id, text="Call ahead").json()
    done = as_bob.post(f"checklist-items/{made['public_id']}/check/").json()
    assert done["done_by"] == "Bob Baker" and done["source"] == "hand"
    assert as_bob.get(f"checklist-items/?ticket={hers.public_id}").json()["results"] == [done]
    assert as_bob.post(f"checklist-items/{made['public_id']}/remove/").status_code == 204
