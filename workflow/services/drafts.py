"""Working copies of definitions: kept however faulty, checked when they are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from workflow import documents, selectors, shapes
from workflow.errors import DraftExists
from workflow.models import DefinitionDraft


@service
def create(*, actor: Actor, key: str, title: str, document: Mapping[str, Any] | None = None) -> DefinitionDraft:
    """Begin a working copy: of ``document``, else of what is published under the key, else of nothing.

    Raises :class:`DraftExists` and :class:`boss.core.problems.InvalidInput`.
    """
    published = selectors.find_definition(key)
    draft = DefinitionDraft(key=key, title=title.strip(), updated_by=actor.label[:200])

    require(actor, "workflow.publish_definition")

    if not shapes.DEFINITION_KEY.fullmatch(key):
        raise InvalidInput(fields={"key": [shapes.key_rule()]})
    if not draft.title:
        raise InvalidInput(fields={"title": [_("Please fill this in.")]})
    if document is not None:
        draft.document = _storable(document)
    elif published is not None and published.current is not None:
        draft.document = published.current.document
    else:
        draft.document = {"key": key, "title": draft.title, "tasks": []}
    # The unique key decides, not a look before: two people may begin at the same moment.
    made: DefinitionDraft
    made, is_new = DefinitionDraft.objects.get_or_create(
        key=key, defaults={"title": draft.title, "document": draft.document, "updated_by": draft.updated_by}
    )
    if not is_new:
        raise DraftExists(key=key, draft=made.public_id)

    audit.record(actor=actor, action="draft.created", subject=made, after={"key": key})
    return made


@service
def save(
    *, actor: Actor, draft: DefinitionDraft, document: Mapping[str, Any], title: str | None = None
) -> DefinitionDraft:
    """Keep the working copy as it is now. Whoever calls has made sure that nobody else saved meanwhile."""
    draft = DefinitionDraft.objects.select_for_update().get(pk=draft.pk)

    require(actor, "workflow.publish_definition", draft)

    if title is not None and not title.strip():
        raise InvalidInput(fields={"title": [_("Please fill this in.")]})
    kept = _storable(document)

    before = draft.revision
    draft.document, draft.revision = kept, draft.revision + 1
    draft.title = draft.title if title is None else title.strip()
    draft.updated_by = actor.label[:200]
    draft.save(update_fields=["document", "revision", "title", "updated_by", "updated_at"])

    audit.record(
        actor=actor, action="draft.saved", subject=draft, before={"revision": before}, after={"revision": before + 1}
    )
    return draft


@service
def discard(*, actor: Actor, draft: DefinitionDraft) -> None:
    """Throw the working copy away. What is published stays."""
    draft = DefinitionDraft.objects.select_for_update().get(pk=draft.pk)

    require(actor, "workflow.publish_definition", draft)

    audit.record(actor=actor, action="draft.discarded", subject=draft, before={"revision": draft.revision})
    draft.delete()


def _storable(document: Mapping[str, Any]) -> Any:
    try:
        return documents.plain(document)
    except documents.Unreadable as error:
        raise InvalidInput(fields={"document": [str(error)]}) from None
