"""Writing texts to insert, and putting a ticket's values into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import desk, placeholders
from ticketing.errors import OnlyPeopleWrite, SnippetChanged
from ticketing.models import Snippet, TalentPool, Ticket
from ticketing.models.thread import VIEW_INTERNAL

LONGEST = 10_000
_WRITE_NOTES = "ticketing.add_internal_message"


@dataclass(frozen=True, slots=True)
class Insertion:
    """A text as it would be inserted into this ticket; ``missing``: values nothing is known for, in words."""

    text: str
    language: str
    missing: tuple[str, ...]


@service
def create(
    *, actor: Actor, name: str, texts: Mapping[str, str], pool: TalentPool | None = None, is_own: bool = False
) -> Snippet:
    """A text for everybody, for a pool, or (``is_own``) for oneself alone.

    One's own may be written by whoever writes notes, the others by whoever manages macros. Raises InvalidInput with
    ``name``, ``pool``, ``texts`` or ``texts.<language>``: a placeholder that is not of the list, among others.
    """
    if is_own and pool is not None:
        raise InvalidInput(fields={"pool": [_("A text of one's own belongs to no pool.")]})
    owner = _person(actor) if is_own else None
    require(actor, _WRITE_NOTES if is_own else desk.MANAGE)

    snippet: Snippet = Snippet.objects.create(
        name=_name(name), texts=_texts(actor, texts), pool=pool, owner=owner, changed_by=actor.label[:200]
    )

    audit.record(
        actor=actor, action="snippet.created", subject=snippet,
        after={"name": snippet.name, "pool": pool.key if pool else "", "own": is_own},
    )  # fmt: skip
    return snippet


@service
def change(
    *, actor: Actor, snippet: Snippet, name: str, texts: Mapping[str, str], revision: int | None = None
) -> Snippet:
    """Set name and texts. With ``revision`` it refuses to overwrite another's change: :class:`SnippetChanged`."""
    snippet = _locked(actor, snippet)
    if revision is not None and revision != snippet.revision:
        raise SnippetChanged(revision=snippet.revision)

    before = {"name": snippet.name, "texts": snippet.texts}
    snippet.name, snippet.texts = _name(name), _texts(actor, texts)
    snippet.revision, snippet.changed_by = snippet.revision + 1, actor.label[:200]
    snippet.save()

    audit.record(
        actor=actor, action="snippet.changed", subject=snippet, before=before,
        after={"name": snippet.name, "texts": snippet.texts},
    )  # fmt: skip
    return snippet


@service
def archive(*, actor: Actor, snippet: Snippet) -> None:
    """Offer it no more. Macros that answer with it are refused from now on."""
    snippet = _locked(actor, snippet)
    if snippet.is_archived:
        return

    snippet.is_archived = True
    snippet.save(update_fields=["is_archived"])

    audit.record(actor=actor, action="snippet.archived", subject=snippet, after={"name": snippet.name})


def insertion(*, actor: Actor, snippet: Snippet, ticket: Ticket, known: Mapping[str, str] | None = None) -> Insertion:
    """The text in the customer's language with the ticket's values. Changes nothing. ``known``: values read before."""
    require(actor, VIEW_INTERNAL, ticket)

    language = desk.language_for(snippet, ticket.requester, actor.realm_id)
    told = placeholders.fill(
        snippet.texts.get(language, ""), placeholders.values(actor, ticket) if known is None else known
    )
    return Insertion(told.text, language, told.missing_words)


def _locked(actor: Actor, snippet: Snippet) -> Snippet:
    """A fresh copy that the actor may change: his own, or anybody's that is nobody's own."""
    fresh: Snippet = Snippet.objects.select_for_update().get(pk=snippet.pk)
    mine = fresh.owner_id is not None and fresh.owner_id == actor.user_id
    if fresh.owner_id is not None and not mine:
        desk.get_snippet(actor, fresh.public_id)  # another's own is not there for anybody else
    require(actor, _WRITE_NOTES if mine else desk.MANAGE, fresh)
    return fresh


def _person(actor: Actor) -> User:
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleWrite
    person: User = User.objects.get(pk=actor.user_id)
    return person


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80:
        raise InvalidInput(fields={"name": [_("Please give it a name of at most 80 characters.")]})
    return name


def _texts(actor: Actor, texts: Mapping[str, str]) -> dict[str, str]:
    kept = {tag: text.strip() for tag, text in texts.items() if text.strip()}
    wrong: dict[str, list[str]] = {}
    languages = desk.languages_of(actor.realm_id)
    for tag, text in kept.items():
        place = f"texts.{tag}"
        if tag not in languages:
            wrong[place] = [_("This language is not one of the provider's.")]
        elif len(text) > LONGEST:
            wrong[place] = [_("At most %(n)s characters.") % {"n": LONGEST}]
        elif strange := placeholders.unknown(text):
            wrong[place] = [
                _("There is no {%(name)s}. Known are: %(known)s.")
                % {"name": strange[0], "known": ", ".join(f"{{{name}}}" for name in placeholders.KNOWN)}
            ]
    if not kept:
        wrong["texts"] = [_("Please write the text in one language at least.")]
    if wrong:
        raise InvalidInput(fields=wrong)
    return kept
