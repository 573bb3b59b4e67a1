"""Saved views: keeping a list under a name, sharing it, putting them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, may, require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import lists, saved_views
from ticketing.choices import SharedWith
from ticketing.errors import OnlyPeopleKeepViews, ViewNotFound
from ticketing.models import PoolMember, SavedView, TalentPool, ViewPreference

MOST = 50
VIEW = "ticketing.view_savedview"


@service
def create(
    *,
    actor: Actor,
    name: str,
    filters: Mapping[str, Any],
    columns: Sequence[str] = (),
    shared_with: str = SharedWith.NOBODY,
    pool: TalentPool | None = None,
    is_board: bool = False,
) -> SavedView:
    """Keep a list under a name. Sharing with a pool is for its members, sharing with all staff for those with the right
    to it (who may share with any pool, too). Raises :class:`InvalidInput`, :class:`PermissionDenied`."""
    require(actor, VIEW)
    owner = _person(actor)
    if SavedView.objects.filter(owner_id=owner).count() >= MOST:
        raise InvalidInput(fields={"name": [_("At most %(n)s views of one's own.") % {"n": MOST}]})

    view = SavedView(owner_id=owner, is_board=is_board)
    _put(actor, view, name=name, filters=filters, columns=columns, shared_with=shared_with, pool=pool)
    view.save()

    audit.record(actor=actor, action="view.created", subject=view, after=_told(view))
    return view


@service
def change(
    *,
    actor: Actor,
    view: SavedView,
    name: str | None = None,
    filters: Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
    shared_with: str | None = None,
    pool: TalentPool | None = None,
    is_board: bool | None = None,
) -> SavedView:
    """Change what is given of a view; ``pool`` belongs to ``shared_with``. For its owner, and for what all staff share
    those who may share so. Raises as :func:`create` does, and :class:`ViewNotFound`."""
    fresh = _locked(actor, view)

    before = _told(fresh)
    _put(
        actor, fresh,
        name=fresh.name if name is None else name,
        filters=fresh.filters if filters is None else filters,
        columns=fresh.columns if columns is None else columns,
        shared_with=fresh.shared_with if shared_with is None else shared_with,
        pool=fresh.pool if shared_with is None else pool,
    )  # fmt: skip
    fresh.is_board = fresh.is_board if is_board is None else is_board
    fresh.save()

    audit.record(actor=actor, action="view.changed", subject=fresh, before=before, after=_told(fresh))
    return fresh


@service
def delete(*, actor: Actor, view: SavedView) -> None:
    """Throw a view away, for everybody who had it. Its tickets are not touched."""
    fresh = _locked(actor, view)

    audit.record(actor=actor, action="view.deleted", subject=fresh, before=_told(fresh), after={})
    fresh.delete()


@service
def arrange(*, actor: Actor, views: Sequence[str], default: str | None = None) -> ViewPreference:
    """Put the actor's views in the order of these public ids. ``default``: the one his list begins with, "" for none,
    None to leave it. Nobody else's list changes. Raises :class:`InvalidInput` for a view he does not see."""
    require(actor, VIEW)
    owner = _person(actor)
    seen = {view.public_id: view for view in SavedView.objects.visible_to(actor)}
    wanted = list(dict.fromkeys(views))
    if strange := [public_id for public_id in wanted if public_id not in seen]:
        raise InvalidInput(fields={"views": [_("There is no view %(ids)s.") % {"ids": ", ".join(strange)}]})
    if default and default not in seen:
        raise InvalidInput(fields={"default": [_("There is no such view.")]})

    found, _made = ViewPreference.objects.get_or_create(user_id=owner)
    preference: ViewPreference = found
    preference.arranged = wanted
    if default is not None:
        preference.default_view = seen.get(default)
    preference.save()

    first = preference.default_view
    audit.record(
        actor=actor, action="view.arranged", subject=preference,
        after={"views": wanted, "default": first.public_id if first else ""},
    )  # fmt: skip
    return preference


def _person(actor: Actor) -> int:
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleKeepViews
    return actor.user_id


def _locked(actor: Actor, view: SavedView) -> SavedView:
    require(actor, VIEW)
    fresh: SavedView | None = (
        SavedView.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=view.pk).first()
    )
    if fresh is None:
        raise ViewNotFound
    if not saved_views.may_change(actor, fresh):
        raise PermissionDenied(permission=saved_views.SHARE)
    return fresh


def _put(
    actor: Actor,
    view: SavedView,
    *,
    name: str,
    filters: Mapping[str, Any],
    columns: Sequence[str],
    shared_with: str,
    pool: TalentPool | None,
) -> None:
    wrong: dict[str, list[str]] = {}
    if not name.strip():
        wrong["name"] = [_("Enter a name.")]
    elif len(name.strip()) > 60:
        wrong["name"] = [_("At most 60 letters.")]
    if strange := lists.strange(filters):
        wrong["filters"] = [_("There is no filter %(names)s.") % {"names": ", ".join(strange)}]
    if strange := [key for key in columns if key not in lists.COLUMNS and not key.startswith(lists.FIELD)]:
        wrong["columns"] = [_("There is no column %(names)s.") % {"names": ", ".join(strange)}]
    if shared_with not in SharedWith.values:
        wrong["shared_with"] = [_("Choose with whom it is shared.")]
    elif shared_with == SharedWith.POOL and pool is None:
        wrong["pool"] = [_("Choose a talent pool.")]
    if wrong:
        raise InvalidInput(fields=wrong)
    if shared_with != view.shared_with or (pool and pool.pk != view.pool_id):
        _may_share(actor, shared_with, pool)

    view.name, view.shared_with = name.strip(), shared_with
    view.pool = pool if shared_with == SharedWith.POOL else None
    view.filters = lists.read(filters).as_texts()
    view.columns = list(dict.fromkeys(columns))[:20]


def _may_share(actor: Actor, shared_with: str, pool: TalentPool | None) -> None:
    if shared_with == SharedWith.NOBODY or may(actor, saved_views.SHARE):
        return
    if shared_with == SharedWith.POOL and PoolMember.objects.filter(pool=pool, user_id=actor.user_id).exists():
        return
    raise PermissionDenied(permission=saved_views.SHARE)


def _told(view: SavedView) -> dict[str, Any]:
    return {
        "name": view.name,
        "filters": view.filters,
        "columns": view.columns,
        "shared_with": view.shared_with,
        "pool": view.pool.key if view.pool else "",
        "is_board": view.is_board,
    }
