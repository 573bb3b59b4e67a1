"""Reads of the desk. What a person may see is decided here and nowhere above."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import Now

from boss.core import clock
from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing import fields, statuses
from ticketing.choices import OPEN_STATES
from ticketing.contracts import Outcome, SubjectCard
from ticketing.errors import TicketNotFound
from ticketing.fields import SYSTEM, FieldDef, Situation, Viewer
from ticketing.models import (
    Category,
    CategoryDraft,
    CategorySchema,
    ChecklistItem,
    Message,
    PoolMember,
    TalentPool,
    Ticket,
    TicketEvent,
    TicketLink,
)
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.registry import subject_kinds
from ticketing.statuses import StatusDef

ORPHANS = "_orphan"
"""Where a ticket's ``data`` keeps what its present category has no field for. No key begins with an underscore."""
DUE_FIRST = (F("due_at").asc(nulls_last=True), "priority", "id")


def list_rows() -> ScopedQuerySet:
    """Tickets with what every list of them shows. Narrow it with ``.visible_to(actor)``, or by ids so narrowed."""
    rows: ScopedQuerySet = Ticket.objects.select_related("category", "pool", "assignee", "requester").order_by("-id")
    return rows


# Tickets


def list_tickets(actor: Actor) -> ScopedQuerySet:
    """Every ticket the actor may see, newest first."""
    return list_rows().visible_to(actor)


def get_ticket(actor: Actor, public_id: str) -> Ticket:
    """One ticket the actor may see. Raises :class:`TicketNotFound`."""
    ticket: Ticket | None = list_tickets(actor).filter(public_id=public_id).first()
    if ticket is None:
        raise TicketNotFound
    return ticket


def find_by_number(actor: Actor, number: str) -> Ticket | None:
    """The ticket of a human number, as people type it (" tl-1042 ")."""
    ticket: Ticket | None = list_tickets(actor).filter(number=number.strip().upper()).first()
    return ticket


def list_inbox(actor: Actor) -> ScopedQuerySet:
    """What the actor should do: his own open tickets and the unclaimed ones of his pools, due first.

    Unclaimed tickets of no pool are in the inbox of everybody who may assign them, so that none waits unseen.
    """
    if actor.user_id is None:
        return list_tickets(actor).none()
    my_pools = PoolMember.objects.filter(user_id=actor.user_id).values("pool_id")
    unclaimed = Q(pool_id__in=my_pools)
    if may(actor, "ticketing.assign_ticket"):
        unclaimed |= Q(pool_id=None)
    mine = Q(assignee_id=actor.user_id) | Q(unclaimed, assignee_id=None)
    return list_tickets(actor).filter(mine, state__in=OPEN_STATES).order_by(*DUE_FIRST)


def only_due(rows: ScopedQuerySet, when: str) -> ScopedQuerySet:
    """Of these the open ones that are ``late``, or (``soon``) due within the hour and not late yet."""
    now = clock.now()
    if when == "late":
        late: ScopedQuerySet = rows.filter(state__in=OPEN_STATES, due_at__lt=now)
        return late
    soon: ScopedQuerySet = rows.filter(
        state__in=OPEN_STATES, due_at__gte=now, due_at__lt=now + dt.timedelta(hours=1)
    )  # fmt: skip
    return soon


def list_for_subject(kind: str, subject_id: int) -> ScopedQuerySet:
    """Tickets about one thing, newest first. Narrow it with ``.visible_to(actor)`` before showing it to people."""
    links = TicketLink.objects.filter(ticket_id=OuterRef("pk"), subject_kind=kind, subject_id=subject_id)
    return list_rows().filter(Exists(links))


def list_for_account(actor: Actor, account_id: int) -> ScopedQuerySet:
    """Tickets about anything of an account, newest first."""
    links = TicketLink.objects.filter(ticket_id=OuterRef("pk"), account_id=account_id)
    return list_tickets(actor).filter(Exists(links))


def list_for_requester(actor: Actor) -> ScopedQuerySet:
    """The actor's own tickets, newest first: the self-help portal's list."""
    if actor.user_id is None:
        return list_tickets(actor).none()
    return list_tickets(actor).filter(requester_id=actor.user_id)


# What is on a ticket


def whole_of(ticket: Ticket) -> ScopedQuerySet:
    """Ids of a ticket and of those that were merged into it, for a question about what is on them. No actor is asked:
    what is on them is narrowed by its own rights."""
    ids: ScopedQuerySet = Ticket.objects.filter(Q(pk=ticket.pk) | Q(merged_into=ticket.pk)).order_by().values("pk")
    return ids


def list_messages(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """The thread in order, with what was said on tickets merged into it and what was split off from others.

    Internal notes only for those who may read them; and each message only for those who may read it on the ticket it
    was said on, so that by a merge or a split nobody sees what he could not see before.
    """
    said = Message.objects.filter(ticket_id__in=whole_of(ticket))
    if ticket.excerpts:
        elsewhere = Message.objects.filter(pk__in=ticket.excerpts).order_by().values("pk")
        said = Message.objects.filter(pk__in=said.order_by().values("pk").union(elsewhere))
    messages: ScopedQuerySet = said.visible_to(actor).select_related("ticket").order_by("at", "id")
    return messages


def list_events(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """The log in order. For staff: it names assignees and results."""
    events: ScopedQuerySet = (
        TicketEvent.objects.filter(ticket=ticket).visible_to(actor, "ticketing.view_internal_message").order_by("seq")
    )
    return events


def outcomes_of(ticket: Ticket) -> Sequence[Outcome]:
    """The ways this ticket may end; empty when resolving it is free."""
    return subject_kinds.get(ticket.subject_kind).outcomes(ticket) if ticket.subject_kind else ()


def subject_card(ticket: Ticket) -> SubjectCard | None:
    """How the thing the ticket is about is shown."""
    if not ticket.subject_kind or ticket.subject_id is None:
        return None
    return subject_kinds.get(ticket.subject_kind).describe(ticket.subject_id)


def list_cards(ticket: Ticket) -> list[SubjectCard]:
    """Cards of everything the ticket is about, its subject first."""
    links = TicketLink.objects.filter(ticket=ticket).order_by("id")
    known = [(subject_kinds.find(link.subject_kind), link.subject_id) for link in links]
    return [kind.describe(subject_id) for kind, subject_id in known if kind is not None]


def list_checklist(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """The points of a ticket in order. For staff."""
    points: ScopedQuerySet = list_all_points(actor).filter(ticket=ticket).order_by("position", "id")
    return points


def list_all_points(actor: Actor) -> ScopedQuerySet:
    """The points of every ticket the actor sees, oldest first. For staff."""
    rows = ChecklistItem.objects.visible_to(actor, VIEW_INTERNAL).select_related("ticket")
    points: ScopedQuerySet = rows.filter(ticket__in=Ticket.objects.visible_to(actor)).order_by("id")
    return points


# Pools and categories


@dataclass(frozen=True, slots=True)
class PoolCount:
    """How much waits in a pool. ``pool`` None: tickets of no pool."""

    pool: TalentPool | None
    open: int
    unclaimed: int
    overdue: int


def count_by_pool(actor: Actor) -> list[PoolCount]:
    """Open work per pool as far as the actor sees tickets, pools without work included. Two queries."""
    counted = (
        Ticket.objects.visible_to(actor)
        .filter(state__in=OPEN_STATES)
        .order_by()
        .values("pool_id")
        .annotate(
            open=Count("id"),
            unclaimed=Count("id", filter=Q(assignee_id=None)),
            overdue=Count("id", filter=Q(due_at__lt=Now())),
        )
    )
    by_pool = {row["pool_id"]: row for row in counted}
    pools: list[TalentPool | None] = list(list_pools(actor))
    if None in by_pool:
        pools.append(None)
    none = {"open": 0, "unclaimed": 0, "overdue": 0}
    rows = [(pool, by_pool.get(pool.pk if pool else None, none)) for pool in pools]
    return [PoolCount(pool, row["open"], row["unclaimed"], row["overdue"]) for pool, row in rows]


@dataclass(frozen=True, slots=True)
class PoolThroughput:
    """How the work of one kind goes in a pool: ``waiting`` that nobody has taken, the first of it since ``oldest_at``,
    ``taken`` by somebody, and what was done in the time asked about, ``done_by_me`` of it by the actor."""

    pool: TalentPool
    waiting: int
    oldest_at: dt.datetime | None
    taken: int
    done: int
    done_by_me: int


def throughput(actor: Actor, subject_kind: str, since: dt.datetime) -> list[PoolThroughput]:
    """Work about subjects of one kind in the actor's pools. One statement by the pools' own indexes."""
    if actor.user_id is None:
        return []
    pools = list(TalentPool.objects.filter(members__user_id=actor.user_id).order_by("name", "id"))
    is_open, is_done = Q(state__in=OPEN_STATES), Q(resolved_at__gte=since)
    counted = (
        Ticket.objects.visible_to(actor)
        .filter(is_open | is_done, subject_kind=subject_kind, pool__in=pools)
        .order_by()
        .values("pool_id")
        .annotate(
            waiting=Count("id", filter=is_open & Q(assignee_id=None)),
            oldest_at=Min("opened_at", filter=is_open & Q(assignee_id=None)),
            taken=Count("id", filter=is_open & Q(assignee_id__isnull=False)),
            done=Count("id", filter=is_done & ~is_open),
            done_by_me=Count("id", filter=is_done & ~is_open & Q(assignee_id=actor.user_id)),
        )
    )
    by_pool = {row.pop("pool_id"): row for row in counted}
    nothing = {"waiting": 0, "oldest_at": None, "taken": 0, "done": 0, "done_by_me": 0}
    return [PoolThroughput(pool, **by_pool.get(pool.pk, nothing)) for pool in pools]


def handling_seconds(subject_kind: str, subject_ids: Sequence[int]) -> dict[int, float]:
    """People's time on resolved tickets about these subjects: from the first taking to the resolving, summed up.

    A ticket that was resolved without being taken first took no time that is known. One statement.
    """
    rows = handled(subject_kind).filter(subject_id__in=subject_ids)
    seconds: dict[int, float] = {}
    for subject_id, taken_at, resolved_at in rows.values_list("subject_id", "taken_at", "ticket__resolved_at"):
        seconds[subject_id] = seconds.get(subject_id, 0.0) + (resolved_at - taken_at).total_seconds()
    return seconds


def handled(subject_kind: str) -> ScopedQuerySet:
    """Links of subjects of this kind to tickets that took people's time, for a question about one subject."""
    taken = (
        TicketEvent.objects.filter(ticket=OuterRef("ticket_id"), type__in=["claimed", "assigned"])
        .order_by("seq")
        .values("at")[:1]
    )
    links = TicketLink.objects.filter(subject_kind=subject_kind, ticket__resolved_at__isnull=False)
    rows: ScopedQuerySet = links.annotate(taken_at=Subquery(taken)).filter(taken_at__lt=F("ticket__resolved_at"))
    return rows


def list_pools(actor: Actor) -> ScopedQuerySet:
    pools: ScopedQuerySet = TalentPool.objects.visible_to(actor).order_by("name", "id")
    return pools


def names_of_all_pools() -> list[tuple[str, str]]:
    """Key and name of every pool, by name: for choices."""
    return list(TalentPool.objects.order_by("name", "id").values_list("key", "name"))


def find_pool(key: str) -> TalentPool | None:
    pool: TalentPool | None = TalentPool.objects.filter(key=key).first()
    return pool


def get_pool(key: str) -> TalentPool:
    pool = find_pool(key)
    if pool is None:
        raise NotFound(pool=key)
    return pool


def names_of_pools(keys: Iterable[str]) -> dict[str, str]:
    """Names by key of those pools that are there."""
    return dict(TalentPool.objects.filter(key__in=list(keys)).values_list("key", "name"))


def names_of_categories(keys: Iterable[str]) -> dict[str, str]:
    """Names by key of those categories that are there, archived or not."""
    return dict(Category.objects.filter(key__in=list(keys)).values_list("key", "name"))


def list_categories(actor: Actor) -> ScopedQuerySet:
    """The categories staff may open tickets in, with parent and default pool: one statement."""
    shown = Category.objects.visible_to(actor).select_related("parent", "default_pool")
    categories: ScopedQuerySet = shown.filter(is_archived=False).order_by("name", "id")
    return categories


def list_portal_categories() -> ScopedQuerySet:
    """The categories offered to customers: no secret in the realm, so no actor is asked."""
    categories: ScopedQuerySet = (
        Category.objects.filter(portal_visible=True, is_archived=False).select_related("parent").order_by("name", "id")
    )
    return categories


def find_category(key: str) -> Category | None:
    category: Category | None = Category.objects.select_related("default_pool").filter(key=key).first()
    return category


def get_category(actor: Actor, key: str) -> Category:
    """A category staff may see, archived or not. Raises :class:`boss.core.problems.NotFound`."""
    shown = Category.objects.visible_to(actor).select_related("parent", "default_pool")
    category: Category | None = shown.filter(key=key).first()
    if category is None:
        raise NotFound(category=key)
    return category


def list_all_categories(actor: Actor) -> ScopedQuerySet:
    """Every category, archived ones too, for whoever configures them: one statement."""
    shown = Category.objects.visible_to(actor).select_related("parent", "default_pool", "draft")
    categories: ScopedQuerySet = shown.order_by("name", "id")
    return categories


def find_schema(category: Category, version: int | None = None) -> CategorySchema | None:
    """The fields of a category, by default those of its present version. None when it has none (no query then)."""
    return _schema(category.pk, category.schema_version if version is None else version)


def find_schema_of(ticket: Ticket) -> CategorySchema | None:
    """The version a ticket has of its category, without reading the category."""
    return _schema(ticket.category_id, ticket.schema_version)


def find_newest_schema(category_id: int) -> CategorySchema | None:
    """The present version of a category, without reading the category."""
    newest = CategorySchema.objects.filter(category_id=category_id).order_by("-version")
    published: CategorySchema | None = newest.first()
    return published


def _schema(category_id: int, version: int) -> CategorySchema | None:
    if version == 0:
        return None
    published: CategorySchema | None = CategorySchema.objects.filter(category_id=category_id, version=version).first()
    return published


def list_schemas(category: Category) -> list[CategorySchema]:
    """Every version of a category, newest first (no query when there is none)."""
    if not category.schema_version:
        return []
    return list(CategorySchema.objects.filter(category=category).order_by("-version"))


def list_present_schemas(actor: Actor) -> ScopedQuerySet:
    """The present version of each category that is not archived: one statement."""
    shown = Category.objects.visible_to(actor).filter(is_archived=False)
    present = CategorySchema.objects.filter(category__in=shown, version=F("category__schema_version"))
    schemas: ScopedQuerySet = present.order_by("category__name", "id")
    return schemas


def find_draft(category: Category) -> CategoryDraft | None:
    draft: CategoryDraft | None = CategoryDraft.objects.filter(category=category).first()
    return draft


@dataclass(frozen=True, slots=True)
class Known:
    """What a category has ever called things: ``fields`` by key and ``statuses`` by key, the newest meaning of each."""

    fields: Mapping[str, FieldDef]
    statuses: Mapping[str, StatusDef]

    def readable(self, ticket: Ticket, viewer: Viewer) -> list[FieldDef]:
        """The fields whose values ``viewer`` may read of a ticket, in their order."""
        return fields.shown(self.fields.values(), ticket.data, viewer, situation(ticket))

    def data_for(self, ticket: Ticket, viewer: Viewer) -> dict[str, Any]:
        """The values ``viewer`` may read. Staff see what a condition hides as well, and what an earlier category left,
        but nothing that is kept to pools they are not in."""
        if viewer.role not in ("staff", "system"):
            readable = {field.key for field in self.readable(ticket, viewer)}
            return {key: value for key, value in ticket.data.items() if key in readable}
        shut = {key for key, field in self.fields.items() if field.level(viewer) == "none"}
        shown = {key: value for key, value in ticket.data.items() if key not in shut and key != ORPHANS}
        if apart := orphans(ticket, viewer):
            shown[ORPHANS] = apart
        return shown

    def status(self, ticket: Ticket) -> StatusDef:
        return self.statuses.get(ticket.status) or statuses.standard(ticket.state)


def known(category: Category) -> Known:
    """Fields removed since are kept at the end. A field's present audience holds for older values too: what became the
    staff's is hidden on older tickets as well. One statement."""
    found_fields: dict[str, FieldDef] = {}
    found_statuses: dict[str, StatusDef] = {}
    for version in list_schemas(category):
        for field in version.fields():
            found_fields.setdefault(field.key, field)
        for status in statuses.said(version.own_statuses()):
            found_statuses.setdefault(status.key, status)
    return Known(found_fields, found_statuses)


def orphans(ticket: Ticket, viewer: Viewer) -> dict[str, Any]:
    """What earlier categories of the ticket left, for staff, by key."""
    if viewer.role not in ("staff", "system"):
        return {}
    apart: dict[str, dict[str, Any]] = ticket.data.get(ORPHANS, {})
    return {
        key: entry
        for key, entry in apart.items()
        if viewer.role == "system" or not entry.get("pools") or viewer.pools & set(entry["pools"])
    }


def situation(ticket: Ticket) -> Situation:
    return Situation(ticket.status, ticket.state)


def viewer_of(actor: Actor, asked: Iterable[FieldDef] = ()) -> Viewer:
    """As whom ``actor`` looks at fields. His pools are asked for only where one of ``asked`` is kept to pools."""
    if actor.is_system:
        return SYSTEM
    if not actor.holds(VIEW_INTERNAL):
        owner = any(grant.kind in ("organization", "building") for grant in actor.grants)
        return Viewer("site_owner" if owner else "end_user")
    if actor.user_id is None or not any(field.pools for field in asked):
        return Viewer("staff")
    mine = PoolMember.objects.filter(user_id=actor.user_id).values_list("pool__key", flat=True)
    return Viewer("staff", frozenset(mine))


def statuses_of(ticket: Ticket) -> list[StatusDef]:
    """The statuses of the version the ticket has."""
    published = find_schema_of(ticket)
    return published.status_defs() if published else statuses.effective(())


def status_of(ticket: Ticket) -> StatusDef:
    """The ticket's present status: its words, and the clocks it pauses."""
    if ticket.status == ticket.state and ticket.schema_version == 0:
        return statuses.standard(ticket.state)
    return statuses.find(statuses_of(ticket), ticket.status) or statuses.standard(ticket.state)
