"""What a report is asked: which tickets, which days (of the realm's time zone), and the same days before."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Trunc
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import clock, permissions
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.core.scoping import ScopedQuerySet
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from ticketing import by_values
from ticketing.choices import OPEN_STATES, MessageChannel, Priority
from ticketing.fields import REFERENCES, FieldDef, as_kept, typed
from ticketing.lists import FIELD
from ticketing.lists import LONGEST as LONGEST_TEXT
from ticketing.models import Category, Message, TalentPool, Ticket

SPANS = (7, 30, 90, 365)
LONGEST = dt.timedelta(days=2 * 366)
CHANNELS = {"web": gettext_lazy("By customers on the web"), "mail": gettext_lazy("By e-mail"),
            "desk": gettext_lazy("By staff or the system")}  # fmt: skip
"""How a ticket came: by its first message."""

PLAIN = ("category", "pool", "channel", "organization", "site", "group")
NAMES = ("days", "since", "until", *PLAIN, "priority")


def filters_in(given: Mapping[str, Any]) -> dict[str, str]:
    """What of an address or a form are filters of reports, those by a category's own fields among them."""
    texts = {str(name): str(value) for name, value in given.items() if value}
    return {name: text for name, text in texts.items() if name in NAMES or name.startswith(FIELD)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters as they stand in an address, all checked. ``since`` and ``until`` are days, both of them included;
    without them it is the last ``days`` days, today among them.

    ``fields``: keys of the category's own fields with the value they are to hold; ``group``: the key of the one by
    whose values a report counts that does so (``Report.by_field``). Both mean the category alone, none below it.
    """

    days: int = 30
    since: dt.date | None = None
    until: dt.date | None = None
    category: str = ""
    pool: str = ""
    channel: str = ""
    organization: str = ""
    site: str = ""
    priority: int | None = None
    group: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    def named(self) -> dict[str, str]:
        """What is not as usual, as :meth:`of` reads it."""
        found = {"days": "" if self.since else str(self.days)}
        found |= {"since": self.since.isoformat() if self.since else ""}
        found |= {"until": self.until.isoformat() if self.until else ""}
        found |= {name: getattr(self, name) for name in PLAIN}
        found |= {f"{FIELD}{key}": value for key, value in self.fields}
        found["priority"] = str(self.priority or "")
        return {name: value for name, value in found.items() if value}

    @staticmethod
    def of(given: Mapping[str, Any], *, today: dt.date) -> Wanted:
        """Read filters. Raises :class:`InvalidInput` with the fields that cannot be."""
        texts = {name: str(given.get(name) or "").strip() for name in NAMES}
        errors: dict[str, list[str]] = {}
        days, priority = 30, None
        if texts["days"]:
            if texts["days"].isascii() and texts["days"].isdigit() and 1 <= int(texts["days"][:6]) <= LONGEST.days:
                days = int(texts["days"])
            else:
                errors["days"] = [_("From 1 to %(n)s days.") % {"n": LONGEST.days}]
        since = _day(texts["since"], "since", errors)
        until = _day(texts["until"], "until", errors)
        if until and not since and "since" not in errors:
            errors["since"] = [_("Give the first day as well.")]
        if since:
            last = until or today
            if last < since:
                errors["until"] = [_("The last day lies before the first.")]
            elif last - since >= LONGEST:
                errors["since"] = [_("At most two years at once.")]
        if texts["channel"] and texts["channel"] not in CHANNELS:
            errors["channel"] = [_("There is no such way.")]
        if texts["priority"]:
            priority = next((each.value for each in Priority if str(each.value) == texts["priority"]), None)
            if priority is None:
                errors["priority"] = [_("There is no such priority.")]
        if errors:
            raise InvalidInput(fields=errors)
        return Wanted(
            days, since, until, texts["category"][:40], texts["pool"][:40], texts["channel"],
            texts["organization"][:12], texts["site"][:12], priority, texts["group"][:60],
            tuple(
                (name.removeprefix(FIELD), value.strip()[:LONGEST_TEXT])
                for name, value in sorted(filters_in(given).items()) if name.startswith(FIELD) and value.strip()
            ),
        )  # fmt: skip


def _day(text: str, name: str, errors: dict[str, list[str]]) -> dt.date | None:
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        errors[name] = [_("A day is written like 2026-11-30.")]
        return None
    if not 2000 <= day.year <= 2100:
        errors[name] = [_("A day between 2000 and 2100, please.")]
        return None
    return day


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day, a week (from Monday) or a month, as far as the period reaches into it: instants [since, until)."""

    key: str
    label: str
    since: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class ByField:
    """One field of one category, by whose values is counted."""

    category: Category
    field: FieldDef


@dataclass(frozen=True)
class Question:
    """A report's question of one person. ``since`` and ``until`` are instants, half-open, at midnights of ``zone``.
    ``by``: what is counted by, where the question names it."""

    actor: Actor
    wanted: Wanted
    zone: ZoneInfo
    now: dt.datetime
    first: dt.date
    last: dt.date
    narrowed: Q
    by: ByField | None = None

    @functools.cached_property
    def since(self) -> dt.datetime:
        return self._midnight(self.first)

    @functools.cached_property
    def until(self) -> dt.datetime:
        return self._midnight(self.last + dt.timedelta(days=1))

    def _midnight(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), self.zone)

    @property
    def span(self) -> int:
        """Days of the period."""
        return (self.last - self.first).days + 1

    def before(self) -> Question:
        """The same about as many days just before."""
        moved = dt.timedelta(days=self.span)
        first, last = self.first - moved, self.last - moved
        return replace(self, first=first, last=last, wanted=replace(self.wanted, since=first, until=last))

    def rows(self) -> ScopedQuerySet:
        """The tickets that are asked about, as far as this person may see them; of any time."""
        return self.on(Ticket.objects.visible_to(self.actor))

    def on(self, rows: ScopedQuerySet) -> ScopedQuerySet:
        """Tickets narrowed by the filters."""
        wanted = self.wanted
        rows = rows.filter(self.narrowed)
        if wanted.priority:
            rows = rows.filter(priority=wanted.priority)
        if wanted.channel:
            rows = _came_by(rows, wanted.channel)
        found: ScopedQuerySet = rows.order_by()
        return found

    def among(self, rows: ScopedQuerySet) -> ScopedQuerySet:
        """Rows that hang on tickets (promises, time) narrowed to those of the tickets asked about."""
        if self.is_whole:  # every ticket of the realm: nothing to look up
            return rows.order_by()
        found: ScopedQuerySet = rows.filter(ticket__in=self.rows()).order_by()
        return found

    @functools.cached_property
    def is_whole(self) -> bool:
        """No filter but the period, and a person who sees every ticket."""
        filtered = self.narrowed or self.wanted.priority or self.wanted.channel
        return not filtered and permissions.may(self.actor, "ticketing.view_ticket")

    # Periods

    def within(self, field: str, part: Bucket | None = None) -> Q:
        """The instant in ``field`` lies in the period, or in this part of it."""
        at: Any = part or self
        return Q(**{f"{field}__gte": at.since, f"{field}__lt": at.until})

    @functools.cached_property
    def step(self) -> str:
        return "day" if self.span <= 31 else "week" if self.span <= 26 * 7 else "month"

    @functools.cached_property
    def buckets(self) -> list[Bucket]:
        """The parts of the period in order; the first and the last may be cut short by it."""
        found, day = [], self.first
        while day <= self.last:
            end = min(_next(day, self.step), self.last + dt.timedelta(days=1))
            label = formats.date_format(day, "M Y" if self.step == "month" else "M j")
            found.append(Bucket(day.isoformat(), label, self._midnight(day), self._midnight(end)))
            day = end
        return found

    def bucket(self, key: str) -> Bucket | None:
        return next((each for each in self.buckets if each.key == key), None)

    def cut(self, field: str) -> Trunc:
        """The bucket of an instant, in SQL. Read it with :meth:`key_of`."""
        return Trunc(field, self.step, tzinfo=self.zone)

    def key_of(self, cut: dt.datetime) -> str:
        return max(cut.astimezone(self.zone).date(), self.first).isoformat()


def _next(day: dt.date, step: str) -> dt.date:
    if step == "day":
        return day + dt.timedelta(days=1)
    if step == "week":
        return day + dt.timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def today_of(actor: Actor) -> dt.date:
    """The day it is where the provider is."""
    return clock.now().astimezone(ZoneInfo(tenancy.get_realm(actor.realm_id).time_zone)).date()


def ask(actor: Actor, wanted: Wanted) -> Question:
    """Make a question of checked filters. What a filter names and this person does not see is InvalidInput."""
    zone = ZoneInfo(tenancy.get_realm(actor.realm_id).time_zone)
    now = clock.now()
    last = wanted.until if wanted.since and wanted.until else now.astimezone(zone).date()
    first = wanted.since or last - dt.timedelta(days=wanted.days - 1)
    return Question(actor, wanted, zone, now, first, last, *_narrowed(actor, wanted))


def _narrowed(actor: Actor, wanted: Wanted) -> tuple[Q, ByField | None]:
    """What is named, as ids, so that every statement of a report has constants to plan with; and what is counted by."""
    found, categories = Q(), list[Category]()
    by: ByField | None = None
    errors: dict[str, list[str]] = {}
    if wanted.category:
        of_it = Q(key=wanted.category) | Q(parent__key=wanted.category)
        categories = list(Category.objects.filter(of_it))
        found &= Q(category_id__in=[category.pk for category in categories])
        if not categories:
            errors["category"] = [_("There is no such category.")]
    if wanted.fields or wanted.group:
        category = next((each for each in categories if each.key == wanted.category), None)
        narrowed, by, wrong = _by_fields(actor, wanted, category)
        found &= narrowed
        errors = wrong | errors
    if wanted.pool:
        pool = TalentPool.objects.filter(key=wanted.pool).first()
        found &= Q(pool_id=pool.pk if pool else None)
        if pool is None:
            errors["pool"] = [_("There is no such talent pool.")]
    if wanted.organization:
        organization = tenancy.find_organization(actor, wanted.organization)
        if organization is None:
            errors["organization"] = [_("There is no such organization.")]
        else:
            at_its_sites = Site.objects.filter(organization=organization).values("pk")
            found &= Q(organization_id=organization.pk) | Q(site_id__in=at_its_sites)
    if wanted.site:
        site = Site.objects.visible_to(actor).filter(public_id=wanted.site).first()
        found &= Q(site_id=site.pk if site else None)
        if site is None:
            errors["site"] = [_("There is no such site.")]
    if errors:
        raise InvalidInput(fields=errors)
    return found, by


def _by_fields(
    actor: Actor, wanted: Wanted, category: Category | None
) -> tuple[Q, ByField | None, dict[str, list[str]]]:
    """What the category's own fields are to hold, and what is counted by: of those that reports may use and the actor
    may read."""
    if category is None:
        names = [*(f"{FIELD}{key}" for key, _value in wanted.fields), *(["group"] if wanted.group else [])]
        return Q(), None, {name: [_("Name the category whose fields are meant.")] for name in names}
    found = Q(category_id=category.pk)
    by: ByField | None = None
    errors: dict[str, list[str]] = {}
    known = {field.key: field for field in by_values.reportable_fields(actor, category)}
    for key, text in wanted.fields:
        if key not in known:
            errors[f"{FIELD}{key}"] = [_("There is no such field that reports may use.")]
            continue
        try:
            value = as_kept(known[key], text)
        except InvalidInput as refused:
            errors[f"{FIELD}{key}"] = refused.fields[key]
        else:
            found &= Q(by_values.has(category, known[key], **typed(known[key], value)))
    if wanted.group in known and known[wanted.group].type in REFERENCES:
        errors["group"] = [_("Tickets are not counted by what a field refers to: narrow them by it.")]
    elif wanted.group in known:
        by = ByField(category, known[wanted.group])
    elif wanted.group:
        errors["group"] = [_("There is no such field that reports may use.")]
    return found, by, errors


def _came_by(rows: ScopedQuerySet, channel: str) -> ScopedQuerySet:
    said = Message.objects.filter(ticket_id=OuterRef("pk")).order_by("seq")
    first = rows.annotate(
        first_channel=Subquery(said.values("channel")[:1]), first_of_customer=Subquery(said.values("from_customer")[:1])
    )
    by_mail = Q(first_channel=MessageChannel.MAIL)
    on_the_web = Q(first_channel=MessageChannel.WEB, first_of_customer=True)
    if channel == "desk":
        there = Exists(Message.objects.filter(ticket_id=OuterRef("pk")))
        by_staff: ScopedQuerySet = first.filter(~there | Q(first_channel=MessageChannel.WEB, first_of_customer=False))
        return by_staff
    found: ScopedQuerySet = first.filter(by_mail if channel == "mail" else on_the_web)
    return found


# When a ticket was over

ENDED = Coalesce("resolved_at", "closed_at")
"""When it was solved, or given up. One that was opened again is not over: as if it had never been."""


def open_at(rows: ScopedQuerySet, moment: dt.datetime, now: dt.datetime) -> ScopedQuerySet:
    """Those that were open at ``moment``, as is known today. Reads the index of open ones for the present."""
    if moment >= now:
        present: ScopedQuerySet = rows.filter(state__in=OPEN_STATES)
        return present
    there = rows.annotate(ended=ENDED).filter(opened_at__lt=moment)
    found: ScopedQuerySet = there.filter(Q(ended=None) | Q(ended__gte=moment))
    return found


def ended_within(question: Question, part: Bucket | None = None) -> ScopedQuerySet:
    """Tickets that were over within the period, or a part of it."""
    found: ScopedQuerySet = question.rows().annotate(ended=ENDED).filter(question.within("ended", part))
    return found
