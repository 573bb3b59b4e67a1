"""Which tickets a list shows and in which order: filters as plain texts, read here, applied here, kept in saved views.

What a filter names may be gone when it is applied (a category's field, a pool, a person). It is left out then and said
in ``Found.gone``, so that an old view still opens; nobody may act on "all that match" of such a list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, IntegerField, Q, Value
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from boss.core import clock, walls
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.core.scoping import ScopedQuerySet
from boss.tenancy.models import Site, User
from ticketing import by_values, fields, selectors
from ticketing.choices import OPEN_STATES, Priority, TicketState
from ticketing.fields import FieldDef
from ticketing.models import Category, CategorySchema, PoolMember, TalentPool, Ticket
from ticketing.selectors import DUE_FIRST
from ticketing.statuses import StatusDef, effective

FIELD = "field."
LONGEST = 200
SHORTEST = 3
"""What is shorter no index finds."""
MOST_FOUND_BY_TEXT = 1000
"""A text is looked for in titles; of what holds it the newest so many are listed."""
SORTS: Mapping[str, tuple[Any, ...]] = {
    "due": DUE_FIRST,
    "priority": ("priority", F("due_at").asc(nulls_last=True), "id"),
    "oldest": ("id",),
}
COLUMNS = ("state", "priority", "category", "pool", "owner", "requester", "site", "due", "opened")
FIRST_COLUMNS = ("state", "category", "pool", "owner", "due")
DUES = ("late", "soon", "today", "never")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters and order as people and programs name them. Empty: every one.

    ``state``: a state, "unresolved" or "all"; ``status``: a category's own; ``pool``: its key, or "mine" for all one is
    in; ``owner``: "me", "nobody" or a public id; ``due``: one of ``DUES``; ``site``, ``requester``: public ids;
    ``opened_from``, ``opened_until``: days, both included; ``fields``: keys of the category's with a value; ``sort``:
    newest first when empty, else one of ``SORTS`` or ``field.<key>`` with a minus for falling.
    """

    state: str = "unresolved"
    status: str = ""
    category: str = ""
    pool: str = ""
    owner: str = ""
    priority: str = ""
    due: str = ""
    site: str = ""
    requester: str = ""
    text: str = ""
    opened_from: str = ""
    opened_until: str = ""
    sort: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    def as_texts(self) -> dict[str, str]:
        """The same as :func:`read` takes it, without what is empty: for addresses, and as a view keeps it."""
        plain = {name: getattr(self, name) for name in PLAIN}
        named = {f"{FIELD}{key}": value for key, value in self.fields}
        return {key: value for key, value in {**plain, **named}.items() if value}


PLAIN = tuple(name for name in Wanted.__dataclass_fields__ if name != "fields")


def read(given: Mapping[str, Any]) -> Wanted:
    """Filters of an address or a view. Names it does not know are passed over; a lone ``field`` and ``value`` are the
    older way to name one field."""
    texts = {str(key): str(value).strip()[:LONGEST] for key, value in given.items()}
    plain = {name: texts[name] for name in PLAIN if texts.get(name)}
    named = {key.removeprefix(FIELD): value for key, value in texts.items() if key.startswith(FIELD) and value}
    if texts.get("field") and texts.get("value"):
        named.setdefault(texts["field"], texts["value"])
    if (sort := plain.get("sort", "").lstrip("-")) and sort not in SORTS and not sort.startswith(FIELD):
        plain["sort"] = plain["sort"].replace(sort, FIELD + sort)
    return Wanted(**plain, fields=tuple(named.items()))


def strange(given: Mapping[str, Any]) -> list[str]:
    """The names in ``given`` that are no filters."""
    return [name for name in given if name not in PLAIN and not str(name).startswith(FIELD)]


@dataclass(slots=True)
class Found:
    """A list. ``category`` and its ``fields`` where it is of one. ``is_sorted``: it is not simply newest first, so only
    its beginning is shown. ``whatever_state``: its tickets with those in other states and statuses, in no order, for
    columns by them. ``gone``: what is asked for and not there. ``names``: of the
    people and the site asked for. ``errors``: by filter, what cannot be read."""

    rows: ScopedQuerySet
    wanted: Wanted
    whatever_state: ScopedQuerySet
    category: Category | None = None
    fields: list[FieldDef] = field(default_factory=list)
    statuses: list[StatusDef] = field(default_factory=list)
    is_sorted: bool = False
    gone: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """It is what was asked for, nothing left out."""
        return not self.gone and not self.errors


class Reader:
    """Turns filters into rows for one actor. What many lists ask for is read once: a reader is for one request."""

    def __init__(self, actor: Actor, *, wanted: Sequence[Wanted] = ()) -> None:
        self.actor = actor
        self._keys = {each.category for each in wanted if each.category}
        self._categories: dict[str, Category] | None = None
        self._pools: dict[str, TalentPool] | None = None
        self._schemas: dict[int, CategorySchema] | None = None

    @property
    def categories(self) -> dict[str, Category]:
        """By key, archived ones too. One statement."""
        if self._categories is None:
            self._categories = {one.key: one for one in selectors.list_all_categories(self.actor)}
        return self._categories

    @property
    def pools(self) -> dict[str, TalentPool]:
        if self._pools is None:
            self._pools = {pool.key: pool for pool in selectors.list_pools(self.actor)}
        return self._pools

    def find(self, wanted: Wanted, rows: ScopedQuerySet | None = None, *, counting: bool = False) -> Found:
        """The tickets of ``rows`` (all that the actor sees) that are wanted. ``counting`` asks no questions that only
        words depend on, and leaves the order away."""
        rows = selectors.list_tickets(self.actor) if rows is None else rows
        found = Found(rows, wanted, rows)
        self._by_people(found, counting=counting)
        self._by_moments(found)
        self._by_category(found)
        if 0 < len(wanted.text) < SHORTEST:
            found.errors["text"] = [_("Enter at least %(n)s letters.") % {"n": SHORTEST}]
        elif wanted.text:
            found.rows = found.rows.filter(self._holds(wanted.text))
        found.whatever_state = found.rows.order_by()
        self._by_state(found)
        self._by_status(found)
        if not counting and wanted.sort:
            self._sort(found)
        return found

    def _holds(self, text: str) -> Q:
        ids = walls.found_by_part(Ticket, text, MOST_FOUND_BY_TEXT)
        return Q(pk__in=ids) | Q(number=text.upper())

    def _by_state(self, found: Found) -> None:
        wanted = found.wanted
        if wanted.state == "unresolved":
            found.rows = found.rows.filter(state__in=OPEN_STATES)
        elif wanted.state in TicketState.values:
            found.rows = found.rows.filter(state=wanted.state)
        elif wanted.state != "all":
            found.gone.append(_("There is no state “%(key)s”.") % {"key": wanted.state})
        if wanted.priority:
            if wanted.priority.isdigit() and int(wanted.priority) in Priority.values:
                found.rows = found.rows.filter(priority=int(wanted.priority))
            else:
                found.gone.append(_("There is no priority “%(key)s”.") % {"key": wanted.priority})

    def _by_people(self, found: Found, *, counting: bool) -> None:
        wanted, rows = found.wanted, found.rows
        if wanted.pool == "mine":
            rows = rows.filter(pool_id__in=PoolMember.objects.filter(user_id=self.actor.user_id).values("pool_id"))
        elif wanted.pool:
            pool = self.pools.get(wanted.pool)
            if pool is not None:
                rows = rows.filter(pool=pool)
            else:
                found.gone.append(_("There is no pool “%(key)s” any more.") % {"key": wanted.pool})
        if wanted.owner == "me":
            rows = rows.filter(assignee_id=self.actor.user_id) if self.actor.user_id else rows.none()
        elif wanted.owner == "nobody":
            rows = rows.filter(assignee=None)
        named = (
            ("owner", "" if wanted.owner in ("me", "nobody") else wanted.owner, User, "assignee", _("owner")),
            ("requester", wanted.requester, User, "requester", _("requester")),
            ("site", wanted.site, Site, "site", _("site")),
        )
        for name, public_id, model, path, word in named:
            if not public_id:
                continue
            thing = None if counting else model.objects.visible_to(self.actor).filter(public_id=public_id).first()
            if counting or thing is not None:
                rows = rows.filter(**{f"{path}__public_id": public_id})
                found.names[name] = str(thing)
            else:
                found.gone.append(_("The %(word)s asked for is not there any more.") % {"word": word})
        found.rows = rows

    def _by_moments(self, found: Found) -> None:
        wanted, rows = found.wanted, found.rows
        if wanted.due in ("late", "soon"):
            rows = selectors.only_due(rows, wanted.due)
        elif wanted.due == "today":
            rows = rows.filter(state__in=OPEN_STATES, due_at__lt=_midnight(timezone.localdate(clock.now()), 1))
        elif wanted.due == "never":
            rows = rows.filter(due_at=None)
        elif wanted.due:
            found.gone.append(_("Nothing is due “%(key)s”.") % {"key": wanted.due})
        for name, days, lookup in (("opened_from", 0, "opened_at__gte"), ("opened_until", 1, "opened_at__lt")):
            text = getattr(wanted, name)
            try:
                day = parse_date(text) if text else None
            except ValueError:
                day = None
            if day is not None:
                rows = rows.filter(**{lookup: _midnight(day, days)})
            elif text:
                found.errors[name] = [_("Enter a day as 2026-11-30.")]
        found.rows = rows

    def _by_category(self, found: Found) -> None:
        wanted = found.wanted
        if not wanted.category:
            if wanted.fields:
                found.gone.append(_("Fields are those of a category, and none is chosen."))
            return
        category = self.categories.get(wanted.category)
        if category is None:
            found.gone.append(_("There is no category “%(key)s” any more.") % {"key": wanted.category})
            return
        found.category = category
        if category.is_archived:
            found.gone.append(_("The category %(name)s is archived.") % {"name": category.name})
        published = self._schema(category)
        found.statuses = published.status_defs() if published else effective(())
        every = [each for each in (published.fields() if published else ()) if each.filterable]
        found.fields = by_values.readable(self.actor, every)
        known = {each.key: each for each in found.fields}
        asked: dict[str, tuple[FieldDef, Any]] = {}
        for key, text in wanted.fields:
            if key not in known:
                found.gone.append(
                    _("%(category)s has no field “%(key)s” to look by any more.")
                    % {"category": category.name, "key": key}
                )
                continue
            try:
                asked[key] = (known[key], fields.as_kept(known[key], text))
            except InvalidInput as refused:
                found.errors[FIELD + key] = refused.fields[key]
        found.rows = by_values.narrow(found.rows, category, asked)

    def _by_status(self, found: Found) -> None:
        key = found.wanted.status
        if key and found.category is not None and key not in {status.key for status in found.statuses}:
            found.gone.append(
                _("%(category)s has no status “%(key)s” any more.") % {"category": found.category.name, "key": key}
            )
        elif key:
            found.rows = found.rows.filter(status=key)

    def _sort(self, found: Found) -> None:
        sort = found.wanted.sort
        if sort in SORTS:
            found.rows, found.is_sorted = found.rows.order_by(*SORTS[sort]), True
            return
        key = sort.lstrip("-").removeprefix(FIELD)
        by = next((each for each in found.fields if each.key == key), None)
        if found.category is None or by is None:
            found.gone.append(_("There is no “%(key)s” to sort by any more.") % {"key": key})
            return
        found.rows = by_values.sort_by(found.rows, found.category, by, falling=sort.startswith("-"))
        found.is_sorted = True

    def _schema(self, category: Category) -> CategorySchema | None:
        if not category.schema_version:
            return None
        if not self._keys:
            return selectors.find_schema(category)
        if self._schemas is None:
            # The present versions of all categories that are asked about: one statement for any number of views.
            asked = [self.categories[key].pk for key in self._keys if key in self.categories]
            present = CategorySchema.objects.filter(category__in=asked, version=F("category__schema_version"))
            self._schemas = {each.category_id: each for each in present}
        return self._schemas.get(category.pk)


def _midnight(day: dt.date, days: int) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=days), dt.time.min))


MOST_COUNTED = 100
"""Counts stop here: "99+"."""


def count(actor: Actor, wanted: Mapping[Any, Wanted]) -> dict[Any, int]:
    """How many tickets each of these lists has, counted no further than ``MOST_COUNTED``: one statement for all of them
    together, besides what a reader asks once and one for each text that is looked for."""
    reader = Reader(actor, wanted=list(wanted.values()))
    lists = [reader.find(each, counting=True).rows for each in wanted.values()]
    return dict(zip(wanted, counted(lists), strict=True))


def counted(lists: Iterable[ScopedQuerySet]) -> list[int]:
    """The length of each list up to ``MOST_COUNTED``, in one statement."""
    return [len(pks) for pks in first_of([rows.order_by() for rows in lists], MOST_COUNTED)]


def first_of(lists: Sequence[ScopedQuerySet], most: int) -> list[set[int]]:
    """The ids of the first ``most`` of each list, in one statement."""
    found: list[set[int]] = [set() for _each in lists]
    branches = [
        rows.annotate(place=Value(place, output_field=IntegerField())).values_list("place", "pk")[:most]
        for place, rows in enumerate(lists)
    ]
    if branches:
        told = branches[0].union(*branches[1:], all=True) if len(branches) > 1 else branches[0]
        for place, pk in told:
            found[place].add(pk)
    return found
