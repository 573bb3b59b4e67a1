"""Working copies of definitions, notes, versions that come and go."""

from __future__ import annotations

import pytest

from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.services import ForeignActor
from tests.workflow.workshop import chain
from workflow import selectors
from workflow.errors import DraftExists, NoSuchDefinition
from workflow.models import Definition, DefinitionDraft, DefinitionVersion
from workflow.services import definitions, drafts, runs

DOCUMENT = {"key": "x", "title": "X", "tasks": chain("a", "b")}


def test_a_draft_begins_with_what_is_published_or_with_nothing(alpha, alice):
    definitions.publish(actor=alice, document=DOCUMENT)
    assert drafts.create(actor=alice, key="x", title="X").document == DOCUMENT
    assert drafts.create(actor=alice, key="y", title="Y").document == {"key": "y", "title": "Y", "tasks": []}
    given = {"key": "z", "nonsense": [1]}
    assert drafts.create(actor=alice, key="z", title="Z", document=given).document == given


def test_a_draft_may_be_faulty_and_counts_its_revisions(alpha, alice):
    draft = drafts.create(actor=alice, key="x", title="X")
    saved = drafts.save(actor=alice, draft=draft, document={"tasks": "none yet"}, title=" New ")
    assert (saved.revision, saved.title, saved.updated_by) == (2, "New", alice.label)
    assert DefinitionDraft.objects.get().document == {"tasks": "none yet"}
    assert AuditEntry.objects.filter(action="draft.saved").get().after == {"revision": 2}
    drafts.discard(actor=alice, draft=draft)
    assert not DefinitionDraft.objects.exists()


def test_there_is_one_draft_of_a_definition(alpha, alice):
    first = drafts.create(actor=alice, key="x", title="X")
    with pytest.raises(DraftExists) as refused:
        drafts.create(actor=alice, key="x", title="Another")
    assert refused.value.data == {"key": "x", "draft": first.public_id}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"key": "No Key"}, "key"), ({"title": "  "}, "title"), ({"document": {"a": "\x00"}}, "document")],
)
def test_what_cannot_be_kept_is_refused_at_its_field(alpha, alice, wrong, field):
    with pytest.raises(InvalidInput) as refused:
        drafts.create(actor=alice, **{"key": "x", "title": "X", **wrong})
    assert list(refused.value.fields) == [field]
    assert not DefinitionDraft.objects.exists()


def test_bob_reads_drafts_and_changes_none(alpha, alice, bob):
    draft = drafts.create(actor=alice, key="x", title="X")
    assert list(selectors.list_drafts(bob)) == [draft]
    for act in (
        lambda: drafts.create(actor=bob, key="y", title="Y"),
        lambda: drafts.save(actor=bob, draft=draft, document={}),
        lambda: drafts.discard(actor=bob, draft=draft),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert DefinitionDraft.objects.get().revision == 1


def test_charlie_sees_no_draft_of_another_realm(alpha, alice, charlie, in_beta):
    draft = drafts.create(actor=alice, key="x", title="X")
    with pytest.raises(ForeignActor):
        drafts.discard(actor=charlie, draft=draft)
    with in_beta():
        assert not selectors.list_drafts(charlie).exists()
        with pytest.raises(DefinitionDraft.DoesNotExist):
            drafts.save(actor=charlie, draft=draft, document={})
        drafts.create(actor=charlie, key="x", title="His own")
    assert DefinitionDraft.objects.get() == draft


def test_a_version_keeps_the_note_of_what_changed(alpha, alice):
    definitions.publish(actor=alice, document=DOCUMENT, note=" First. ")
    version = definitions.publish(actor=alice, document={**DOCUMENT, "tasks": chain("a")}, note="Without b.")
    assert [row.note for row in selectors.list_versions(version.definition)] == ["Without b.", "First."]
    found = definitions.difference(actor=alice, definition=version.definition, before=1, after=2)
    assert [gone.key for gone in found.tasks_removed] == ["b"]
    with pytest.raises(NoSuchDefinition):
        definitions.difference(actor=alice, definition=version.definition, before=1, after=3)


def test_an_archived_definition_comes_back_on_the_version_it_had(alpha, alice, bob):
    definitions.publish(actor=alice, document=DOCUMENT)
    definition = Definition.objects.get()
    definitions.archive(actor=alice, definition=definition)
    with pytest.raises(PermissionDenied):
        definitions.restore(actor=bob, definition=definition)
    definitions.restore(actor=alice, definition=definition)
    assert runs.start(actor=alice, definition_key="x").version.number == 1
    assert DefinitionVersion.objects.count() == 1


def test_checking_says_what_publishing_would_and_changes_nothing(alpha, bob, visitor):
    report = definitions.check(
        actor=bob, document="key: x\ntitle: X\ntasks: [{key: a, title: A, kind: manual, pool: p}]"
    )
    assert set(report.faults) == {"tasks.a.undo", "tasks.a.pool"}
    assert set(report.warnings) == {"tasks.a.target_seconds"}
    assert not Definition.objects.exists()
    with pytest.raises(PermissionDenied):
        definitions.check(actor=visitor, document=DOCUMENT)
