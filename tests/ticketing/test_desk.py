"""Texts to insert, macros and texts not sent yet: all or nothing, own rights, and nothing typed is lost."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import clock
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.tenancy.models import Brand
from boss.tenancy.selectors import forget_cached
from tests.cast import actor_of
from tests.workflow.workshop import chain
from ticketing import desk as reads
from ticketing import selectors
from ticketing.choices import MessageKind, TicketState
from ticketing.errors import MacroChanged, MacroRefused, OnlyPeopleWrite, SnippetChanged, TicketChanged
from ticketing.models import ChecklistItem, Macro, Message, TextDraft, TicketEvent
from ticketing.services import drafts_of_text, macros, snippets, tickets
from workflow.models import Run
from workflow.services import definitions

GREETING = "Hello {customer_name}, this is {my_name} about {ticket_number}."


@pytest.fixture
def greeting(desk, cast):
    return snippets.create(actor=actor_of(cast.alice), name="Greeting", texts={"en": GREETING})


def macro_of(cast, *steps, key="visit", **more):
    return macros.create(actor=actor_of(cast.alice), key=key, name="Send a technician", steps=steps, **more)


# Texts to insert


def test_a_text_is_inserted_with_the_tickets_values(greeting, hers, nora):
    told = snippets.insertion(actor=actor_of(nora), snippet=greeting, ticket=hers)
    assert told.text == f"Hello Dana Dean, this is Nora North about {hers.number}."
    assert told.missing == ()


def test_a_value_nobody_knows_is_said_and_not_made_up(desk, fallen, nora, cast):
    text = snippets.create(
        actor=actor_of(cast.alice), name="Call us", texts={"en": "{customer_name}, call {provider_phone}"}
    )
    told = snippets.insertion(actor=actor_of(nora), snippet=text, ticket=fallen)
    assert told.missing == ("the customer's name", "the provider's phone")
    assert told.text == "{customer_name}, call {provider_phone}"
    Brand.objects.update_or_create(defaults={"name": "Alpha Cable", "phone": "+1 555 0100"})
    assert "+1 555 0100" in snippets.insertion(actor=actor_of(nora), snippet=text, ticket=fallen).text


def test_a_name_that_is_not_of_the_list_is_refused_at_its_language(desk, cast):
    with pytest.raises(InvalidInput) as refusal:
        snippets.create(actor=actor_of(cast.alice), name="Bad", texts={"en": "Dear {customer_password}"})
    assert list(refusal.value.fields) == ["texts.en"]
    assert not reads.list_snippets(actor_of(cast.alice)).exists()


def test_braces_twice_are_the_same_and_nothing_else_of_a_template_language_is_followed(greeting, hers, nora):
    snippets_text = "{{ customer_name }} {% if x %}"
    with pytest.raises(InvalidInput):
        snippets.create(
            actor=actor_of(nora), name="Tags", texts={"en": "{ticket.requester.password}x{evil}"}, is_own=True
        )
    kept = snippets.create(actor=actor_of(nora), name="Tags", texts={"en": snippets_text}, is_own=True)
    told = snippets.insertion(actor=actor_of(nora), snippet=kept, ticket=hers)
    assert told.text == "Dana Dean {% if x %}"


def test_the_customers_language_is_taken_where_the_text_has_it(alpha, desk, hers, dana, nora, cast):
    alpha.languages = ["en", "es"]
    alpha.save()
    forget_cached()
    both = snippets.create(actor=actor_of(cast.alice), name="Thanks", texts={"en": "Thank you", "es": "Gracias"})
    dana.language = "es"
    dana.save()
    fresh = selectors.get_ticket(actor_of(nora), hers.public_id)
    assert snippets.insertion(actor=actor_of(nora), snippet=both, ticket=fresh).language == "es"
    dana.language = "pl"
    dana.save()
    fresh = selectors.get_ticket(actor_of(nora), hers.public_id)
    assert snippets.insertion(actor=actor_of(nora), snippet=both, ticket=fresh).text == "Thank you"


def test_ones_own_text_is_seen_by_nobody_else_and_a_pools_by_its_members_alone(desk, nora, fred, cast):
    own = snippets.create(actor=actor_of(nora), name="Mine", texts={"en": "Mine alone"}, is_own=True)
    pools_text = snippets.create(actor=actor_of(cast.alice), name="Noc", texts={"en": "Of the noc"}, pool=desk.noc)
    assert set(reads.list_snippets(actor_of(nora))) == {own, pools_text}
    assert set(reads.list_snippets(actor_of(fred))) == set()
    assert set(reads.list_snippets(actor_of(cast.alice))) == {pools_text}
    with pytest.raises(NotFound):
        snippets.change(actor=actor_of(cast.alice), snippet=own, name="Hers now", texts={"en": "x"})
    own.refresh_from_db()
    assert own.name == "Mine"


def test_who_may_not_manage_them_writes_no_text_for_all(desk, nora):
    with pytest.raises(PermissionDenied):
        snippets.create(actor=actor_of(nora), name="For all", texts={"en": "x"})
    assert not reads.list_snippets(actor_of(nora)).exists()


def test_two_who_change_a_text_do_not_overwrite_one_another(greeting, cast):
    alice = actor_of(cast.alice)
    snippets.change(actor=alice, snippet=greeting, name="Greeting", texts={"en": "First"}, revision=1)
    with pytest.raises(SnippetChanged):
        snippets.change(actor=alice, snippet=greeting, name="Greeting", texts={"en": "Second"}, revision=1)
    assert reads.get_snippet(alice, greeting.public_id).texts == {"en": "First"}


def test_words_find_a_text_by_its_name_and_by_what_it_says(greeting, nora):
    assert reads.search_snippets(actor_of(nora), "greet") == [greeting]
    assert reads.search_snippets(actor_of(nora), "hello about") == [greeting]
    assert reads.search_snippets(actor_of(nora), "hello goodbye") == []


# Macros


def test_a_macro_takes_all_its_steps_in_order_and_the_audit_trail_names_it(greeting, desk, hers, cast):
    macro = macro_of(
        cast,
        {"do": "assignee", "value": "me"},
        {"do": "priority", "value": "2"},
        {"do": "note", "text": "Booked for {customer_name}"},
        {"do": "checklist", "text": "Call ahead\nBring a box"},
        {"do": "reply", "value": greeting.public_id},
        {"do": "status", "value": "waiting_customer"},
    )
    done = macros.run(actor=actor_of(cast.bob), macro=macro, ticket=hers)
    assert (done.assignee, done.priority, done.state) == (cast.bob, 2, TicketState.WAITING_CUSTOMER)
    said = {m.kind: m.body for m in Message.objects.filter(ticket=hers, author_label=cast.bob.full_name)}
    assert said[MessageKind.INTERNAL] == "Booked for Dana Dean"
    assert said[MessageKind.PUBLIC].startswith("Hello Dana Dean, this is Bob Baker")
    points = ChecklistItem.objects.filter(ticket=hers).order_by("position")
    assert [(p.text, p.source, p.is_required) for p in points] == [
        ("Call ahead", "macro", False), ("Bring a box", "macro", False),
    ]  # fmt: skip
    entry = AuditEntry.objects.get(action="ticket.macro_run")
    assert (entry.after["macro"], entry.after["version"], entry.actor_label) == ("visit", 1, "Bob Baker")


def test_when_a_step_is_refused_none_was_taken_and_the_refusal_says_which(greeting, hers, cast):
    macro = macro_of(
        cast,
        {"do": "priority", "value": "1"},
        {"do": "note", "text": "On its way"},
        {"do": "status", "value": "closed"},
    )
    before = (hers.version, Message.objects.count(), TicketEvent.objects.count())
    with pytest.raises(MacroRefused) as refusal:
        macros.run(actor=actor_of(cast.bob), macro=macro, ticket=hers)
    assert refusal.value.data["step"] == 3
    hers.refresh_from_db()
    assert (hers.version, Message.objects.count(), TicketEvent.objects.count()) == before
    assert hers.priority == 3


def test_each_step_needs_the_right_it_needs_by_hand(desk, hers, nora, cast):
    """Network operations may not give tickets to others, with a macro neither."""
    macro = macro_of(cast, {"do": "note", "text": "x"}, {"do": "assignee", "value": cast.bob.public_id})
    with pytest.raises(MacroRefused) as refusal:
        macros.run(actor=actor_of(nora), macro=macro, ticket=hers)
    assert refusal.value.data == {"step": 2, "because": "core.permission_denied"}
    hers.refresh_from_db()
    assert hers.assignee is None and not Message.objects.filter(kind="internal").exists()


def test_the_preview_says_what_would_happen_and_what_stands_in_the_way_and_changes_nothing(
    greeting, hers, fallen, cast
):
    macro = macro_of(
        cast,
        {"do": "priority", "value": "2"},
        {"do": "reply", "value": greeting.public_id},
        {"do": "pool", "value": "field"},
    )
    bob = actor_of(cast.bob)
    told = macros.preview(actor=bob, macro=macro, ticket=hers)
    assert [step.refusal for step in told] == ["", "", ""]
    assert told[0].words == "Priority: High" and "Hello Dana Dean" in told[1].detail

    told = macros.preview(actor=bob, macro=macro, ticket=fallen)  # nobody has asked for this one
    assert "the customer's name" in told[1].refusal and not told[2].is_tried
    for ticket in (hers, fallen):
        version, priority = ticket.version, ticket.priority
        ticket.refresh_from_db()
        assert (ticket.version, ticket.priority) == (version, priority)
    assert not AuditEntry.objects.filter(action="ticket.macro_run").exists()


def test_a_macro_cannot_end_a_ticket_that_must_end_by_an_outcome(fallen, cast):
    macro = macro_of(cast, {"do": "status", "value": "resolved"})
    with pytest.raises(MacroRefused) as refusal:
        macros.run(actor=actor_of(cast.alice), macro=macro, ticket=fallen)
    assert refusal.value.data["because"] == "ticketing.outcome_required"
    fallen.refresh_from_db()
    assert fallen.is_open


def test_a_changed_macro_is_another_version_and_one_looked_at_before_is_not_run(hers, cast):
    macro = macro_of(cast, {"do": "priority", "value": "2"})
    macros.change(actor=actor_of(cast.alice), macro=macro, name="Other", steps=[{"do": "priority", "value": "1"}])
    with pytest.raises(MacroChanged):
        macros.run(actor=actor_of(cast.bob), macro=macro, ticket=hers, version=1)
    hers.refresh_from_db()
    assert hers.priority == 3
    assert [v.number for v in reads.list_macro_versions(macro)] == [2, 1]
    assert macros.run(actor=actor_of(cast.bob), macro=macro, ticket=hers, version=2).priority == 1


def test_a_macro_is_not_run_on_a_ticket_that_changed_meanwhile(hers, cast):
    macro = macro_of(cast, {"do": "priority", "value": "2"})
    seen = hers.version
    tickets.add_message(actor=actor_of(cast.bob), ticket=hers, body="Quick", kind="internal")
    with pytest.raises(TicketChanged):
        macros.run(actor=actor_of(cast.bob), macro=macro, ticket=hers, expected_version=seen)


def test_faulty_steps_are_refused_each_at_its_place(desk, cast):
    with pytest.raises(InvalidInput) as refusal:
        macro_of(
            cast, {"do": "pool", "value": "nowhere"}, {"do": "note"}, {"do": "explode"}, {"do": "note", "text": "{x}"}
        )
    assert set(refusal.value.fields) == {"steps.1.value", "steps.2.text", "steps.3.do", "steps.4.text"}
    assert not Macro.objects.exists()


def test_only_who_may_manage_them_writes_macros(desk, nora):
    with pytest.raises(PermissionDenied):
        macros.create(actor=actor_of(nora), key="k", name="n", steps=[{"do": "priority", "value": "1"}])
    assert not Macro.objects.exists()


def test_a_pools_macro_is_run_by_its_people_alone(desk, hers, nora, fred, cast):
    macro = macro_of(cast, {"do": "priority", "value": "2"}, pool=desk.noc)
    with pytest.raises(NotFound):
        macros.run(actor=actor_of(fred), macro=macro, ticket=hers)
    assert macros.run(actor=actor_of(nora), macro=macro, ticket=hers).priority == 2


def test_a_macro_starts_a_workflow_only_for_who_may_start_one(hers, cast, system, nora):
    definitions.publish(actor=system, document={"key": "visit", "title": "Visit", "tasks": chain("a")})
    macro = macro_of(cast, {"do": "workflow", "value": "visit"})
    with pytest.raises(MacroRefused):
        macros.run(actor=actor_of(nora), macro=macro, ticket=hers)
    assert not Run.objects.exists()
    macros.run(actor=actor_of(cast.alice), macro=macro, ticket=hers)
    assert Run.objects.get().inputs["ticket"] == hers.public_id


# Texts not sent yet


def test_what_is_typed_is_kept_for_each_person_reply_and_note_apart(hers, nora, cast):
    drafts_of_text.keep(actor=actor_of(nora), ticket=hers, kind="public", body="Dear Da")
    drafts_of_text.keep(actor=actor_of(nora), ticket=hers, kind="public", body="Dear Dana")
    drafts_of_text.keep(actor=actor_of(nora), ticket=hers, kind="internal", body="Hm.")
    kept = reads.find_text_drafts(actor_of(nora), hers)
    assert {kind: draft.body for kind, draft in kept.items()} == {"public": "Dear Dana", "internal": "Hm."}
    assert reads.find_text_drafts(actor_of(cast.alice), hers) == {}


def test_sending_it_ends_it_and_leaves_the_other_kind(hers, nora):
    for kind in ("public", "internal"):
        drafts_of_text.keep(actor=actor_of(nora), ticket=hers, kind=kind, body="Text")
    tickets.add_message(actor=actor_of(nora), ticket=hers, body="Text", kind="public")
    assert list(reads.find_text_drafts(actor_of(nora), hers)) == ["internal"]


def test_a_refused_answer_leaves_the_draft(hers, nora):
    drafts_of_text.keep(actor=actor_of(nora), ticket=hers, kind="public", body="Text")
    with pytest.raises(TicketChanged):
        tickets.add_message(actor=actor_of(nora), ticket=hers, body="Text", expected_version=hers.version - 1)
    assert reads.find_text_drafts(actor_of(nora), hers)["public"].body == "Text"


def test_an_emptied_text_is_gone_and_an_old_one_after_fourteen_days(hers, nora):
    nora_ = actor_of(nora)
    drafts_of_text.keep(actor=nora_, ticket=hers, kind="public", body="Text")
    assert drafts_of_text.keep(actor=nora_, ticket=hers, kind="public", body="  ") is None
    assert reads.find_text_drafts(nora_, hers) == {}
    with clock.moved(-dt.timedelta(days=15)):
        drafts_of_text.keep(actor=nora_, ticket=hers, kind="internal", body="Old")
    assert reads.find_text_drafts(nora_, hers) == {}


def test_customers_and_programs_keep_no_texts(hers, dana, system):
    with pytest.raises(PermissionDenied):
        drafts_of_text.keep(actor=actor_of(dana), ticket=hers, kind="public", body="x")
    with pytest.raises(OnlyPeopleWrite):
        drafts_of_text.keep(actor=system, ticket=hers, kind="public", body="x")
    assert not TextDraft.objects.exists()
