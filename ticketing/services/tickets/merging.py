"""Several tickets about one matter become one, and how that is undone (ADR 0151).

Nothing is moved: messages and time stay on the ticket they were written on and are shown on the one that goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import links, selectors
from ticketing.choices import OPEN_STATES, CategoryKind, LinkType, ParticipantState, TicketState
from ticketing.errors import MergeIsOver, MergeRefused, MergeUnconfirmed, TicketMerged, TicketWrongState
from ticketing.links import Doubt
from ticketing.mail.neutral import Address
from ticketing.models import Participant, Ticket, TicketEvent, TicketMerge
from ticketing.registry import subject_kinds
from ticketing.services import clocks
from ticketing.services.mail import participants
from ticketing.services.tickets import ending, journal, linking, waiting

MOST_AT_ONCE = 20


@service
def merge(
    *,
    actor: Actor,
    tickets: Sequence[Ticket],
    into: Ticket,
    confirmed: bool = False,
    expected_version: int | None = None,
) -> Ticket:
    """Let ``into`` go on in the place of ``tickets``; all of them or none.

    Each keeps its number and leads to ``into``. Its clocks stop as not needed, and who takes part in it takes part
    there. ``confirmed``: somebody has read what :func:`ticketing.links.doubts` says.
    Raises :class:`MergeRefused`, :class:`MergeUnconfirmed`, :class:`TicketMerged`, :class:`TicketWrongState`.
    """
    linking.hold()
    rows = journal.locked_all([*tickets, into])
    target = rows.pop(into.pk)
    chosen = list(rows.values())

    for each in (target, *chosen):
        require(actor, "ticketing.resolve_ticket", each)

    if not chosen or len(chosen) > MOST_AT_ONCE or any(each.pk == into.pk for each in tickets):
        told = _("Choose other tickets, %(n)s at most.") % {"n": MOST_AT_ONCE}
        raise InvalidInput(fields={"tickets": [told]})
    refuse_merged(target)
    if expected_version is not None:
        target = journal.locked(target, expected_version=expected_version)
    journal.refuse_unless_open(target)
    found = [doubt for each in chosen for doubt in examined(each, target)]
    if forbidding := [doubt.text for doubt in found if doubt.forbids]:
        raise MergeRefused(" ".join(forbidding), reasons=forbidding)
    if found and not confirmed:
        raise MergeUnconfirmed(reasons=[doubt.text for doubt in found])

    for each in chosen:
        _merge(each, target, actor=actor)
    return target


def examined(ticket: Ticket, into: Ticket) -> list[Doubt]:
    """Everything that speaks against a merge, what the tickets are included: for the service and its preview."""
    found = []
    if ticket.merged_into_id is not None:
        found.append(Doubt("merged", _("%(number)s was merged already.") % {"number": ticket.number}, forbids=True))
    elif ticket.state not in (*OPEN_STATES, TicketState.RESOLVED):
        found.append(Doubt("state", _("%(number)s is closed.") % {"number": ticket.number}, forbids=True))
    kind = subject_kinds.find(ticket.subject_kind) if ticket.subject_kind else None
    if ticket.outcome or ticket.category.kind == CategoryKind.FALLOUT or (kind is not None and kind.decides_ends):
        told = _("%(number)s ends by the work it is about, so it stays a ticket of its own.")
        found.append(Doubt("outcome", told % {"number": ticket.number}, forbids=True))
    for type_ in (LinkType.PARENT_OF, LinkType.BLOCKS):
        if linking.is_between(ticket, into, type_):
            told = _("A third ticket stands between %(one)s and %(two)s.")
            found.append(Doubt("links", told % {"one": ticket.number, "two": into.number}, forbids=True))
    return found + links.doubts(ticket, into)


@service
def unmerge(*, actor: Actor, ticket: Ticket) -> Ticket:
    """Take a ticket out of the one it was merged into, as long as that one is not closed.

    It is again what it was, with its promises counted from when they were made. Who joined by the merge leaves; what
    was said on the other ticket since stays there. Raises :class:`MergeIsOver`.
    """
    linking.hold()
    last: TicketMerge | None = TicketMerge.objects.filter(ticket=ticket, undone_at=None).first()
    if last is None:
        raise MergeIsOver(_("This ticket is merged into no other."))
    rows = journal.locked_all([ticket, last.target])
    ticket, target = rows[last.ticket_id], rows[last.target_id]

    require(actor, "ticketing.resolve_ticket", ticket)
    require(actor, "ticketing.resolve_ticket", target)

    if target.merged_into_id is not None:
        told = _("%(number)s was merged further. Undo that first.")
        raise MergeIsOver(told % {"number": target.number}, merged_into=target.public_id)
    if target.state in (TicketState.CLOSED, TicketState.CANCELLED):
        raise MergeIsOver(_("%(number)s is closed.") % {"number": target.number})
    if ticket.dedupe_key and Ticket.objects.filter(dedupe_key=ticket.dedupe_key, state__in=OPEN_STATES).exists():
        raise MergeIsOver(_("Another ticket has been opened about the same since."))

    inner = _within(ticket)
    ticket.take_out(last.state_before)
    ticket.status, ticket.merged_into, ticket.closed_at = last.status_before, None, None
    last.undone_at = clock.now()
    last.save(update_fields=["undone_at"])
    changes = clocks.resumed(ticket, _stopped_by(ticket))
    journal.write(
        ticket, actor=actor, event="unmerged", before={"state": TicketState.MERGED.value, "into": target.number},
        after={"state": ticket.state} | ending.told_of(changes),
    )  # fmt: skip
    waiting.moved(ticket, was_open=False)
    Ticket.objects.filter(pk__in=inner).update(merged_into=ticket)
    _leave(target, last, actor=actor)
    target.excerpts = [each for each in target.excerpts if each not in set(last.excerpts)]
    journal.write(target, actor=actor, event="merge_undone", after={"number": ticket.number})
    return ticket


def refuse_merged(ticket: Ticket) -> None:
    """For verbs that another ticket has taken over."""
    if ticket.merged_into_id is not None:
        goes_on = links.goes_on_as(ticket)
        told = _("%(number)s was merged into %(other)s.") % {"number": ticket.number, "other": goes_on.number}
        raise TicketMerged(told, merged_into=goes_on.public_id)


def _merge(ticket: Ticket, target: Ticket, *, actor: Actor) -> None:
    if not ticket.is_open and ticket.state != TicketState.RESOLVED:
        raise TicketWrongState
    merged = TicketMerge(ticket=ticket, target=target, state_before=ticket.state, status_before=ticket.status)
    before, was_open = {"state": ticket.state, "status": ticket.status}, ticket.is_open
    ticket.merge_away()
    ticket.merged_into, ticket.closed_at = target, clock.now()
    after: dict[str, Any] = {"state": ticket.state, "into": target.number} | ending.told_of(clocks.voided(ticket))
    journal.write(ticket, actor=actor, event="merged", before=before, after=after)
    waiting.moved(ticket, was_open=was_open)
    # Those merged into it before: nobody walks a chain.
    Ticket.objects.filter(merged_into=ticket).update(merged_into=target)

    merged.joined = _join(ticket, target, actor=actor)
    merged.excerpts = [each for each in ticket.excerpts if each not in set(target.excerpts)]
    target.excerpts = [*target.excerpts, *merged.excerpts]
    merged.save()
    journal.write(target, actor=actor, event="merged_in", after={"number": ticket.number, "title": ticket.title})


def _join(ticket: Ticket, target: Ticket, *, actor: Actor) -> list[int]:
    """Who takes part in the one takes part in the other, held where he was held. Who was sent away there stays away."""
    known = set(Participant.objects.filter(ticket=target).values_list("email", flat=True))
    rows = Participant.objects.filter(ticket=ticket).exclude(state=ParticipantState.REMOVED).order_by("id")
    joined = []
    for each in rows:
        if each.email not in known:
            address = Address(each.email, each.name)
            there = participants.join(
                target, address, actor=actor, role=each.role, state=each.state, user=each.user
            )  # fmt: skip
            joined.append(there.pk)
    return joined


def _leave(target: Ticket, last: TicketMerge, *, actor: Actor) -> None:
    for each in Participant.objects.filter(ticket=target, pk__in=last.joined):
        before = {"state": each.state}
        each.state = ParticipantState.REMOVED
        each.save(update_fields=["state"])
        audit.record(
            actor=actor, action="participant.removed", subject=each, before=before, after={"state": each.state}
        )  # fmt: skip


def _stopped_by(ticket: Ticket) -> list[str]:
    """Kinds of the clocks that the last merge of a ticket stopped, as its journal says."""
    last = TicketEvent.objects.filter(ticket=ticket, type="merged").order_by("-seq").first()
    return list(last.after.get("clocks", {})) if last is not None else []


def _within(ticket: Ticket) -> set[int]:
    """Ids of the tickets that were merged into this one before it was merged itself, at any depth."""
    found: set[int] = set()
    level = {ticket.pk}
    while level:
        inner = TicketMerge.objects.filter(target__in=level, undone_at=None).values_list("ticket_id", flat=True)
        level = set(inner) - found
        found |= level
    return found


def list_choices(actor: Actor, ticket: Ticket, text: str) -> list[Ticket]:
    """Open tickets this one could go into, by number or words."""
    whole = set(selectors.whole_of(ticket).values_list("pk", flat=True))
    return [each for each in links.search_tickets(actor, text, without=whole) if each.is_open]
