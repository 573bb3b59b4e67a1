"""Finding tickets by words of their titles: the search box. Lists narrow by text themselves (`lists`)."""

from __future__ import annotations

from boss.core import walls
from boss.core.actors import Actor
from ticketing import selectors
from ticketing.lists import MOST_FOUND_BY_TEXT, SHORTEST
from ticketing.models import Ticket
from ticketing.models.thread import VIEW_INTERNAL


def find_by_title(actor: Actor, text: str, limit: int = 10) -> list[Ticket]:
    """Tickets whose title holds every word of ``text`` in whatever order, newest first, for staff. Two statements.

    The longest word, which the fewest titles hold, is looked for by the index; the others only in what it finds. A
    text without a word of :data:`SHORTEST` letters finds nothing, and of a word that very many titles hold the newest
    :data:`MOST_FOUND_BY_TEXT` are looked at.
    """
    words = sorted(set(text.replace("\x00", "").split()), key=len, reverse=True)
    if not words or len(words[0]) < SHORTEST or not actor.holds(VIEW_INTERNAL):
        return []
    ids = walls.found_by_part(Ticket, words[0], MOST_FOUND_BY_TEXT)
    if not ids:
        return []
    rows = selectors.list_tickets(actor).filter(pk__in=ids)
    for word in words[1:]:
        rows = rows.filter(title__icontains=word)
    return list(rows[:limit])
