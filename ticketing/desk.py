"""Reads of what makes answering quick: texts to insert, macros, and what one has typed and not sent."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from boss.core import clock, permissions
from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from boss.tenancy.models import User
from boss.tenancy.selectors import get_realm
from ticketing import selectors
from ticketing.models import Macro, MacroVersion, PoolMember, Snippet, StaffNotice, TextDraft, Ticket
from ticketing.models.thread import VIEW_INTERNAL

MANAGE = "ticketing.manage_macros"
KEEP = VIEW_INTERNAL
"""Who is told of others, and whose texts are kept: staff who read what staff write."""
DRAFTS_KEPT = dt.timedelta(days=14)
MOST_OFFERED = 30


def languages_of(realm_id: int) -> list[str]:
    """The languages texts are written in, the first is taken where the customer's is none of them."""
    return list(get_realm(realm_id).languages) or ["en"]


def list_snippets(actor: Actor) -> ScopedQuerySet:
    """Texts the person may insert: everybody's, those of his pools, his own. Whoever manages them sees every pool's."""
    rows = Snippet.objects.visible_to(actor, VIEW_INTERNAL).select_related("pool", "owner")
    shown = Q(owner=None) if permissions.may(actor, MANAGE) else Q(owner=None) & _in_my_pools(actor)
    if actor.user_id is not None:
        shown |= Q(owner_id=actor.user_id)
    found: ScopedQuerySet = rows.filter(shown, is_archived=False).order_by("name", "id")
    return found


def search_snippets(actor: Actor, words: str) -> list[Snippet]:
    """The first of those with all of ``words`` in their name or text."""
    rows = list_snippets(actor).annotate(said=Cast("texts", TextField()))
    for word in words.split()[:5]:
        rows = rows.filter(Q(name__icontains=word) | Q(said__icontains=word))
    return list(rows[:MOST_OFFERED])


def get_snippet(actor: Actor, public_id: str) -> Snippet:
    """Raises :class:`boss.core.problems.NotFound`."""
    snippet: Snippet | None = list_snippets(actor).filter(public_id=public_id).first()
    if snippet is None:
        raise NotFound(snippet=public_id)
    return snippet


def list_macros(actor: Actor) -> ScopedQuerySet:
    """Macros the person may run: everybody's and those of his pools; whoever manages them sees all."""
    rows = Macro.objects.visible_to(actor, VIEW_INTERNAL).select_related("pool", "current")
    if not permissions.may(actor, MANAGE):
        rows = rows.filter(_in_my_pools(actor))
    found: ScopedQuerySet = rows.filter(is_archived=False).order_by("name", "id")
    return found


def get_macro(actor: Actor, public_id: str) -> Macro:
    """Raises :class:`boss.core.problems.NotFound`."""
    macro: Macro | None = list_macros(actor).filter(public_id=public_id).first()
    if macro is None:
        raise NotFound(macro=public_id)
    return macro


def list_macro_versions(macro: Macro) -> ScopedQuerySet:
    """What was kept of it, newest first."""
    versions: ScopedQuerySet = MacroVersion.objects.filter(macro=macro).order_by("-number")
    return versions


def list_text_drafts(actor: Actor) -> ScopedQuerySet:
    """What this person has typed on tickets he still sees and not sent, oldest first. Nobody else's is ever read."""
    rows = TextDraft.objects.visible_to(actor, VIEW_INTERNAL).select_related("ticket")
    if actor.user_id is None:
        nothing: ScopedQuerySet = rows.none()
        return nothing
    own = rows.filter(user_id=actor.user_id, kept_at__gte=clock.now() - DRAFTS_KEPT)
    drafts: ScopedQuerySet = own.filter(ticket__in=Ticket.objects.visible_to(actor)).order_by("id")
    return drafts


def find_text_drafts(actor: Actor, ticket: Ticket) -> dict[str, TextDraft]:
    """What this person has typed on this ticket and not sent, by kind."""
    return {draft.kind: draft for draft in list_text_drafts(actor).filter(ticket=ticket)}


def language_for(snippet: Snippet, requester: User | None, realm_id: int) -> str:
    """The language of a text for this customer: his own, else the realm's first one it is written in."""
    wanted = [requester.language] if requester is not None else []
    every = [*wanted, *(tag.split("-")[0] for tag in wanted), *languages_of(realm_id), *sorted(snippet.texts)]
    return next((tag for tag in every if snippet.texts.get(tag)), "")


def _in_my_pools(actor: Actor) -> Q:
    if actor.user_id is None:
        return Q(pool=None)
    return Q(pool=None) | Q(pool_id__in=PoolMember.objects.filter(user_id=actor.user_id).values("pool_id"))


def list_notices(actor: Actor) -> ScopedQuerySet:
    """What stands in the console for this person, newest first, of tickets he may still see."""
    rows: ScopedQuerySet = StaffNotice.objects.filter(
        user_id=actor.user_id or 0, in_app=True, ticket__in=selectors.list_tickets(actor).order_by().values("pk")
    )
    return rows.select_related("ticket").order_by("-id")  # type: ignore[return-value]
