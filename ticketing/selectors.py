"""Reads of the desk. What a person may see is decided here and nowhere above."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import Now

from boss.core.actors import Actor
from boss.core.permissions import may
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing.choices import OPEN_STATES, UNSETTLED_STATES
from ticketing.contracts import Outcome, SubjectCard
from ticketing.errors import MailNotFound, TicketNotFound
from ticketing.models import (
    BlockedSender,
    Category,
    CategorySchema,
    InboundMail,
    Mailbox,
    Message,
    OutboundMail,
    PoolMember,
    RawMail,
    TalentPool,
    Ticket,
    TicketEvent,
    TicketLink,
)
from ticketing.registry import subject_kinds

DUE_FIRST = (F("due_at").asc(nulls_last=True), "priority", "id")


def _rows() -> ScopedQuerySet:
    rows: ScopedQuerySet = Ticket.objects.select_related("category", "pool", "assignee", "requester").order_by("-id")
    return rows


# Tickets


def list_tickets(actor: Actor) -> ScopedQuerySet:
    """Every ticket the actor may see, newest first."""
    return _rows().visible_to(actor)


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


def list_for_subject(kind: str, subject_id: int) -> ScopedQuerySet:
    """Tickets about one thing, newest first. Narrow it with ``.visible_to(actor)`` before showing it to people."""
    links = TicketLink.objects.filter(ticket_id=OuterRef("pk"), subject_kind=kind, subject_id=subject_id)
    return _rows().filter(Exists(links))


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


def list_messages(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """The thread in order; internal notes only for those who may read them."""
    messages: ScopedQuerySet = Message.objects.filter(ticket=ticket).visible_to(actor).order_by("seq")
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


# Mail


def list_inbound_mail(actor: Actor) -> ScopedQuerySet:
    """All mail that came, newest first, with what it belongs to."""
    rows: ScopedQuerySet = InboundMail.objects.visible_to(actor).select_related("mailbox", "ticket", "hint")
    return rows.order_by("-id")  # type: ignore[return-value]


def get_inbound_mail(actor: Actor, public_id: str) -> InboundMail:
    """Raises :class:`MailNotFound`."""
    mail: InboundMail | None = list_inbound_mail(actor).filter(public_id=public_id).first()
    if mail is None:
        raise MailNotFound
    return mail


def raw_of(mail: InboundMail) -> bytes:
    """The mail as it came. The caller has found ``mail`` among what he may see."""
    return bytes(RawMail.objects.get(mail=mail).content)


def list_held_mail(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """Mail that waits at a ticket for somebody's decision."""
    rows: ScopedQuerySet = list_inbound_mail(actor).filter(ticket=ticket, state__in=UNSETTLED_STATES)
    return rows


def list_undelivered(actor: Actor, ticket: Ticket) -> ScopedQuerySet:
    """Mails of a ticket that did not arrive, newest first."""
    rows: ScopedQuerySet = OutboundMail.objects.visible_to(actor, "ticketing.view_internal_message").filter(
        ticket=ticket, delivery__state__in=["failed", "bounced"]
    )
    return rows.select_related("delivery").order_by("-id")  # type: ignore[return-value]


def list_blocked_senders(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = BlockedSender.objects.visible_to(actor, "ticketing.view_inboundmail").order_by("address")
    return rows


def list_mailboxes(actor: Actor) -> ScopedQuerySet:
    rows: ScopedQuerySet = Mailbox.objects.visible_to(actor).select_related("category")
    return rows.order_by("address")  # type: ignore[return-value]


def get_mailbox(actor: Actor, public_id: str) -> Mailbox:
    """Raises :class:`NotFound`."""
    mailbox: Mailbox | None = list_mailboxes(actor).filter(public_id=public_id).first()
    if mailbox is None:
        raise NotFound(mailbox=public_id)
    return mailbox


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


def staff_only_keys(category: Category) -> frozenset[str]:
    """The keys of fields that are the staff's in any version of the category's fields."""
    versions = CategorySchema.objects.filter(category=category) if category.schema_version else ()
    return frozenset(field.key for version in versions for field in version.fields() if field.staff_only)


def find_schema(category: Category, version: int | None = None) -> CategorySchema | None:
    """The fields of a category, by default those of its present version. None when it has none (no query then)."""
    wanted = category.schema_version if version is None else version
    if wanted == 0:
        return None
    published: CategorySchema | None = CategorySchema.objects.filter(category=category, version=wanted).first()
    return published
