"""Reads of what binds tickets together: merges, links between tickets, and the things they are linked to, live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import Q
from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.problems import NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors
from ticketing.choices import OPEN_STATES, TICKET_LINKS, LinkType, ParticipantState
from ticketing.contracts import LiveCard, SubjectKind
from ticketing.mail.matching import number_in
from ticketing.models import Participant, Ticket, TicketLink, TicketMerge, TicketRelation
from ticketing.registry import subject_kinds

MOST_FOUND = 12
MOST_SHOWN = 100
"""Relations and links that a panel shows of each; a parent with more is read as a list."""
_LOOKED_THROUGH = 300
"""The newest tickets whose titles are looked through for words: a title has no index of its parts."""


# Merges


def find_survivor(actor: Actor, ticket: Ticket) -> Ticket | None:
    """The ticket that goes on in its place, when it was merged and the actor may see that one."""
    if ticket.merged_into_id is None:
        return None
    found: Ticket | None = selectors.list_tickets(actor).filter(pk=ticket.merged_into_id).first()
    return found


def goes_on_as(ticket: Ticket) -> Ticket:
    """The same for the machine: the ticket itself, or the one it was merged into."""
    if ticket.merged_into_id is None:
        return ticket
    found: Ticket = Ticket.objects.select_related("category").get(pk=ticket.merged_into_id)
    return found


def list_merged(actor: Actor, ticket: Ticket) -> list[TicketMerge]:
    """The merges by which tickets came to be part of this one, with the tickets, first merged first."""
    merges = TicketMerge.objects.visible_to(actor, "ticketing.view_ticket").filter(
        undone_at=None, ticket__merged_into=ticket
    )
    return list(merges.select_related("ticket", "target").order_by("id"))


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against a merge: with ``forbids`` it is refused, else somebody must confirm it."""

    kind: str
    text: str
    forbids: bool = False


def doubts(ticket: Ticket, into: Ticket) -> list[Doubt]:
    """Who would get to see, read by mail, or lose sight of something if ``ticket`` were merged into ``into``.

    Messages themselves stay under the rights of the ticket they were said on; this is about what is said from then on.
    """
    found: list[Doubt] = []
    names = {"one": ticket.number, "two": into.number}
    asked, asks = ticket.requester, into.requester
    if asked is not None and asks is None:
        told = _("%(name)s asked for %(one)s and would not see %(two)s. Merge them the other way round.")
        found.append(Doubt("requester", told % {**names, "name": asked.full_name}, forbids=True))
    elif asked is not None and asks is not None and asked.pk != asks.pk:
        told = _(
            "%(name)s asked for %(one)s and %(other)s for %(two)s: neither may read what the other wrote. "
            "Link them as duplicates instead."
        )
        found.append(Doubt("requester", told % {**names, "name": asked.full_name, "other": asks.full_name}, True))
    if ticket.organization_id != into.organization_id:
        told = _("%(one)s and %(two)s are not shared with the same organization. Link them as duplicates instead.")
        found.append(Doubt("organization", told % names, forbids=True))
    if into.site is not None and ticket.site_id != into.site_id:
        told = _(
            "They are about different places: whoever sees the tickets of %(site)s reads what is said from now on."
        )
        found.append(Doubt("site", told % {"site": into.site.label}))
    if _accounts_differ(ticket, into):
        found.append(Doubt("account", _("%(one)s and %(two)s are about different accounts.") % names))
    for each in newcomers(ticket, into):
        told = _("%(email)s takes part in %(one)s and will be sent what is answered on %(two)s from now on.")
        found.append(Doubt("participant", told % {**names, "email": each.email}))
    return found


def newcomers(ticket: Ticket, into: Ticket) -> list[Participant]:
    """Who is written to on ``ticket`` and does not take part in ``into`` in any way; its requester is no stranger."""
    known = set(Participant.objects.filter(ticket=into).values_list("email", flat=True))
    if into.requester is not None:
        known.add(into.requester.email.lower())
    rows = Participant.objects.filter(ticket=ticket, state=ParticipantState.ACCEPTED).order_by("id")
    return [each for each in rows if each.email not in known]


def _accounts_differ(ticket: Ticket, into: Ticket) -> bool:
    rows = TicketLink.objects.filter(ticket__in=[ticket, into], account_id__isnull=False)
    accounts: dict[int, set[int]] = {ticket.pk: set(), into.pk: set()}
    for ticket_id, account_id in rows.values_list("ticket_id", "account_id"):
        accounts[ticket_id].add(account_id)
    one, two = accounts.values()
    return bool(one and two and not one & two)


# Links between tickets


@dataclass(frozen=True, slots=True)
class Related:
    """Another ticket, as seen from one: with ``backwards`` it is ``other`` that has the link."""

    relation: TicketRelation
    other: Ticket
    backwards: bool

    @property
    def sentence(self) -> str:
        """How the ticket stands to the other one."""
        return str(_BACKWARDS[LinkType(self.relation.type)]() if self.backwards else LinkType(self.relation.type).label)


_BACKWARDS = {
    LinkType.ABOUT: lambda: _("Is the subject of"),
    LinkType.PARENT_OF: lambda: _("Child of"),
    LinkType.DUPLICATE_OF: lambda: _("Has the duplicate"),
    LinkType.CAUSED_BY: lambda: _("Cause of"),
    LinkType.BLOCKS: lambda: _("Blocked by"),
    LinkType.FOLLOW_UP_OF: lambda: _("Goes on in"),
    LinkType.SPLIT_FROM: lambda: _("Split off"),
}


def list_related(actor: Actor, ticket: Ticket) -> list[Related]:
    """Tickets linked to this one or to what was merged into it, children first. Only those the actor may see.

    Three statements, however many there are.
    """
    whole = set(selectors.whole_of(ticket).values_list("pk", flat=True))
    rows = TicketRelation.objects.visible_to(actor, "ticketing.view_ticket").filter(
        Q(ticket__in=whole) | Q(other__in=whole)
    )
    relations = [each for each in rows.order_by("id") if not {each.ticket_id, each.other_id} <= whole]
    ends = {each.other_id if each.ticket_id in whole else each.ticket_id for each in relations}
    seen = {each.pk: each for each in selectors.list_tickets(actor).filter(pk__in=ends)}
    found = []
    for each in relations:
        backwards = each.ticket_id not in whole
        other = seen.get(each.ticket_id if backwards else each.other_id)
        if other is not None:
            found.append(Related(each, other, backwards))
    order = [*TICKET_LINKS, LinkType.SPLIT_FROM]
    return sorted(found, key=lambda one: (order.index(LinkType(one.relation.type)), one.backwards, one.other.pk))


def open_children(ticket: Ticket) -> ScopedQuerySet:
    """The children of a ticket, and of what was merged into it, that somebody still works on."""
    whole = selectors.whole_of(ticket)
    rows: ScopedQuerySet = Ticket.objects.filter(
        pk__in=TicketRelation.objects.filter(ticket__in=whole, type=LinkType.PARENT_OF).values("other"),
        state__in=OPEN_STATES,
    )
    return rows.exclude(pk=ticket.pk).order_by("pk")  # type: ignore[return-value]


def get_relation(actor: Actor, ticket: Ticket, public_id: str) -> TicketRelation:
    """A link of this ticket, whichever end it is. Raises :class:`NotFound`."""
    for each in list_related(actor, ticket):
        if each.relation.public_id == public_id:
            return each.relation
    raise NotFound(link=public_id)


def search_tickets(actor: Actor, text: str, *, without: Iterable[int] = ()) -> list[Ticket]:
    """What people mean by a number ("1042", "tl-1042", "[TL #1042]") or by words of the title, newest first."""
    text = " ".join(text.split())[:120]
    rows = selectors.list_tickets(actor).exclude(pk__in=list(without))
    if not text:
        return list(rows.filter(state__in=OPEN_STATES)[:MOST_FOUND])
    tagged = number_in(text) or text.upper()
    by_number = list(rows.filter(number=tagged)[:MOST_FOUND])
    if not by_number and text.isdigit():
        prefixes = {each.rpartition("-")[0] for each in rows.values_list("number", flat=True)[:_LOOKED_THROUGH]}
        by_number = list(rows.filter(number__in=[f"{prefix}-{text}" for prefix in prefixes])[:MOST_FOUND])
    if by_number:
        return by_number
    words = text.casefold().split()
    newest = rows[:_LOOKED_THROUGH]
    return [each for each in newest if all(word in each.title.casefold() for word in words)][:MOST_FOUND]


# Things


@dataclass(frozen=True, slots=True)
class LinkedThing:
    """A thing a ticket is linked to, as it stands now."""

    link: TicketLink
    kind: SubjectKind
    card: LiveCard
    is_main: bool

    @property
    def sentence(self) -> str:
        return str(LinkType(self.link.type).label)


def list_things(actor: Actor, ticket: Ticket) -> list[LinkedThing]:
    """The things the ticket, and what was merged into it, is linked to, its main subject first.

    Only those the actor may see: what he may not see is not there, its name neither. One statement, and for each kind
    those of its ``live``.
    """
    links = list(TicketLink.objects.filter(ticket_id__in=selectors.whole_of(ticket)).order_by("id")[:MOST_SHOWN])
    by_kind: dict[str, list[int]] = {}
    for link in links:
        by_kind.setdefault(link.subject_kind, []).append(link.subject_id)
    live = {
        key: kind.live(actor, list(dict.fromkeys(ids)))
        for key, ids in by_kind.items()
        if (kind := subject_kinds.find(key)) is not None
    }
    found: dict[tuple[str, int], LinkedThing] = {}
    main = (ticket.subject_kind, ticket.subject_id)
    for link in links:
        card = live.get(link.subject_kind, {}).get(link.subject_id)
        place = (link.subject_kind, link.subject_id)
        if card is not None and place not in found:
            found[place] = LinkedThing(link, subject_kinds.get(link.subject_kind), card, place == main)
    return sorted(found.values(), key=lambda each: (not each.is_main, each.link.pk))


def linkable_kinds() -> list[SubjectKind]:
    """The kinds of things people may link tickets to."""
    return [kind for _key, kind in subject_kinds if kind.is_linkable]


def search_things(actor: Actor, kind_key: str, text: str) -> Sequence[LiveCard]:
    """What of one kind people mean by a number or by words; nothing for a kind that is not offered."""
    kind = subject_kinds.find(kind_key)
    text = " ".join(text.split())[:120]
    if kind is None or not kind.is_linkable or not text:
        return []
    return list(kind.search(actor, text))[:MOST_FOUND]


Children = Literal["", "close", "leave"]
"""What becomes of a parent's open children: nobody has said, they end with it, or they go on."""
