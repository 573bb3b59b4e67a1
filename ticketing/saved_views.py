"""Reads of saved views: those one person has, in the order he has put them in, and how many tickets each holds."""

from __future__ import annotations

from collections.abc import Iterable

from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.scoping import ScopedQuerySet
from ticketing import lists
from ticketing.choices import SharedWith
from ticketing.errors import ViewNotFound
from ticketing.lists import Wanted
from ticketing.models import SavedView, ViewPreference

SHARE = "ticketing.share_savedview"
MOST_SHOWN = 30
"""So many views stand beside the list, and are counted."""


def list_views(actor: Actor) -> ScopedQuerySet:
    """The actor's own and those shared with him, by name."""
    rows: ScopedQuerySet = SavedView.objects.visible_to(actor).select_related("owner", "pool").order_by("name", "id")
    return rows


def arranged(actor: Actor) -> tuple[list[SavedView], SavedView | None]:
    """The views as this person has arranged them, what he has not placed last, and the one his list begins with. Two
    statements."""
    preference = find_preference(actor)
    places = {public_id: place for place, public_id in enumerate(preference.arranged if preference else ())}
    views = sorted(list_views(actor)[:200], key=lambda view: places.get(view.public_id, len(places)))
    first = preference.default_view_id if preference else None
    return views[:MOST_SHOWN], next((view for view in views if view.pk == first), None)


def find_preference(actor: Actor) -> ViewPreference | None:
    if actor.user_id is None:
        return None
    preference: ViewPreference | None = ViewPreference.objects.filter(user_id=actor.user_id).first()
    return preference


def get_view(actor: Actor, public_id: str) -> SavedView:
    """Raises :class:`ViewNotFound`."""
    view: SavedView | None = list_views(actor).filter(public_id=public_id).first()
    if view is None:
        raise ViewNotFound
    return view


def wanted_of(view: SavedView) -> Wanted:
    return lists.read(view.filters)


def counts(actor: Actor, views: Iterable[SavedView]) -> dict[str, int]:
    """By public id: how many tickets the actor would see in each, counted to ``lists.MOST_COUNTED``."""
    return lists.count(actor, {view.public_id: wanted_of(view) for view in views})


def may_change(actor: Actor, view: SavedView) -> bool:
    """His own; and what all staff share, for those who may share so."""
    if actor.user_id is not None and view.owner_id == actor.user_id:
        return True
    return view.shared_with == SharedWith.STAFF and may(actor, SHARE)
