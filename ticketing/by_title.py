"""Finding tickets by words of their titles: the search box. Lists narrow by text themselves (`lists`)."""

from __future__ import annotations

from django.db.models import Q

from boss.core import walls
from boss.core.actors import Actor
from ticketing import selectors
from ticketing.lists import MOST_FOUND_BY_TEXT, SHORTEST
from ticketing.models import Ticket
from ticketing.models.thread import VIEW_INTERNAL

NEWEST_LOOKED_AT = 5_000
"""A word that many titles hold is among so many of the newest tickets often enough. The index would gather all of
them, every ticket with "internet" in it, before the newest could be taken."""


def find_by_title(actor: Actor, text: str, limit: int = 10) -> list[Ticket]:
    """Tickets whose title holds every word of ``text`` in whatever order, newest first, for staff.

    One statement where the newest tickets have ``limit`` such titles, else two or three: the longest word, which the
    fewest titles hold, is looked for by the index, and the others in what it finds. A text without a word of
    :data:`SHORTEST` letters finds nothing.
    """
    words = sorted(set(text.replace("\x00", "").split()), key=len, reverse=True)
    if not words or len(words[0]) < SHORTEST or not actor.holds(VIEW_INTERNAL):
        return []
    holding = Q()
    for word in words:
        holding &= Q(title__icontains=word)
    rows = selectors.list_tickets(actor).filter(holding)
    newest = Ticket.objects.visible_to(actor).order_by("-id").values("pk")[:NEWEST_LOOKED_AT]
    found = list(rows.filter(pk__in=newest)[:limit])
    if len(found) == limit:
        return found
    ids = walls.found_by_part(Ticket, words[0], MOST_FOUND_BY_TEXT)
    return list(rows.filter(pk__in=ids)[:limit]) if ids else []
