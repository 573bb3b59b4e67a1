"""How tickets end: by an outcome where the subject asks for one, freely elsewhere, or because nobody needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import clock, crypto, events, schema
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import selectors, statuses
from ticketing.choices import OPEN_STATES, MessageKind, TicketState
from ticketing.contracts import Outcome
from ticketing.errors import ConfirmationRequired, OutcomeIsFinal, OutcomeRequired, TicketWrongState
from ticketing.events import TicketResolved
from ticketing.models import CategorySchema, Ticket
from ticketing.registry import subject_kinds
from ticketing.services import clocks, obstacles
from ticketing.services.tickets import entering, families, filling, journal, projecting, waiting
from ticketing.statuses import StatusDef


@service
def resolve(
    *,
    actor: Actor,
    ticket: Ticket,
    outcome: str = "",
    values: Mapping[str, Any] | None = None,
    note: str = "",
    confirmed: bool = False,
    status: str = "",
    data: Mapping[str, Any] | None = None,
    children: str = "",
    told: bool = False,
    resolution_code: str = "",
    expected_version: int | None = None,
) -> Ticket:
    """Resolve an open ticket; in the same transaction its subject takes note, and may refuse.

    Where the subject offers outcomes, one must be chosen and its results given (``values``, cleaned against the
    outcome's characteristics; error fields are ``values.<key>``). ``note`` becomes an internal message.
    ``status``: which of the category's resolved ones, the first when empty; what it requires must be in ``data`` or on
    the ticket. ``children``: whether its open children end with it ("close") or go on ("leave"); must be said when it
    has some. ``told``: the caller lets the requester know himself. ``resolution_code``: one of the closing rules of its
    category. Raises :class:`ClosingHeld` by those rules, :class:`OutcomeRequired`, :class:`ConfirmationRequired`,
    :class:`OpenChildren`, :class:`InvalidInput`, and whatever the subject raises.
    """
    ticket = journal.locked(ticket, expected_version=expected_version, with_subject=True)

    require(actor, "ticketing.resolve_ticket", ticket)

    journal.refuse_unless_open(ticket)
    chosen = _choose(ticket, outcome)
    cleaned = schema.validate(chosen.characteristics if chosen else (), dict(values or {}), prefix="values.")
    if chosen and chosen.needs_confirmation and not confirmed:
        raise ConfirmationRequired(outcome=outcome)
    with_it = families.ending_with(ticket, actor=actor, children=children)
    before = dict(ticket.data)
    published = filling.upgrade(ticket)
    target = _target(published, status)
    obstacles.refuse(ticket, actor=actor, code=resolution_code, given=data or {}, children=children)
    entering.prepare(ticket, published, actor=actor, target=target, data=data or {})

    settle(
        ticket, actor=actor, target=target, before=before, outcome=outcome,
        values=cleaned, kept=_without_secrets(chosen, cleaned), note=note, told=told,
    )  # fmt: skip
    if ticket.data != before:
        projecting.copy(ticket)
    end_children(with_it, actor=actor, state=TicketState.RESOLVED)
    return ticket


def settle(
    ticket: Ticket,
    *,
    actor: Actor,
    target: StatusDef,
    before: Mapping[str, Any],
    outcome: str = "",
    values: Mapping[str, Any] | None = None,
    kept: dict[str, Any] | None = None,
    note: str = "",
    told: bool = False,
) -> None:
    """Resolve a locked ticket for which everything was found in order; ``before``: what its fields held."""
    was: dict[str, Any] = {"state": ticket.state}
    ticket.resolve()
    ticket.status = target.key
    ticket.outcome = outcome
    ticket.outcome_values = kept or {}
    ticket.resolved_at, ticket.resolved_by = clock.now(), actor.label[:200]
    if ticket.assignee_id is None and actor.kind == "user":
        ticket.assignee = User.objects.filter(pk=actor.user_id).first()
    after = {"state": ticket.state, "outcome": outcome, "values": ticket.outcome_values}
    if ticket.resolution_code:
        after["resolution_code"] = ticket.resolution_code
    after |= told_of(clocks.resolved(ticket))
    if ticket.data != before:
        changed = filling.changes(ticket, before)
        was, after = {**was, **changed["before"]}, {**after, **changed["after"]}
    journal.write(ticket, actor=actor, event="resolved", before=was, after=after)
    if note.strip():
        journal.say(ticket, actor=actor, body=note.strip(), kind=MessageKind.INTERNAL)
    if ticket.subject_kind:
        subject_kinds.get(ticket.subject_kind).resolved(actor, ticket, outcome, values or {})

    events.publish(TicketResolved(ticket_id=ticket.pk, outcome=outcome, told=told))
    waiting.moved(ticket, was_open=True)


def _target(published: CategorySchema | None, key: str) -> StatusDef:
    known = published.status_defs() if published else statuses.effective(())
    if not key:
        return statuses.first_of(known, TicketState.RESOLVED)
    target = statuses.find(known, key)
    if target is None or target.state != TicketState.RESOLVED:
        raise InvalidInput(fields={"status": [_("There is no such status.")]})
    return target


@service
def reopen(*, actor: Actor, ticket: Ticket, reason: str = "", expected_version: int | None = None) -> Ticket:
    """Take a resolved or closed ticket up again. One that ended by an outcome stays ended: its effect has happened."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.resolve_ticket", ticket)

    if ticket.state not in (TicketState.RESOLVED, TicketState.CLOSED):
        raise TicketWrongState(_("Only a resolved or closed ticket can be reopened."))
    if ticket.outcome:
        raise OutcomeIsFinal

    before = {"state": ticket.state}
    ticket.reopen()
    ticket.reopen_count += 1
    ticket.resolved_at, ticket.resolved_by, ticket.closed_at, ticket.resolution_code = None, "", None, ""
    after = {"state": ticket.state, "reason": reason.strip()} | told_of(clocks.reopened(ticket))
    journal.write(ticket, actor=actor, event="reopened", before=before, after=after)
    waiting.moved(ticket, was_open=False)
    return ticket


@service
def close(*, actor: Actor, ticket: Ticket, expected_version: int | None = None) -> Ticket:
    """Make a resolution final. An open ticket is resolved or cancelled first."""
    ticket = journal.locked(ticket, expected_version=expected_version)

    require(actor, "ticketing.resolve_ticket", ticket)

    if ticket.is_open and selectors.outcomes_of(ticket):
        raise OutcomeRequired(fields={"outcome": [_("Choose one of the outcomes.")]})
    if ticket.state != TicketState.RESOLVED:
        raise TicketWrongState(_("Only a resolved ticket can be closed."))

    before = {"state": ticket.state}
    ticket.close()
    ticket.closed_at = clock.now()
    journal.write(ticket, actor=actor, event="closed", before=before, after={"state": ticket.state})
    return ticket


@service
def cancel(
    *, actor: Actor, ticket: Ticket, reason: str, children: str = "", expected_version: int | None = None
) -> Ticket:
    """End a ticket whose work is not wanted. Refused where the subject asks for an outcome. ``children`` as in
    :func:`resolve`."""
    ticket = journal.locked(ticket, expected_version=expected_version, with_subject=True)

    require(actor, "ticketing.resolve_ticket", ticket)

    journal.refuse_unless_open(ticket)
    if selectors.outcomes_of(ticket):
        raise OutcomeRequired(fields={"outcome": [_("Choose one of the outcomes.")]})
    if not reason.strip():
        raise InvalidInput(fields={"reason": [_("Please say why.")]})
    with_it = families.ending_with(ticket, actor=actor, children=children)

    _cancel(ticket, actor=actor, event="cancelled", reason=reason)
    end_children(with_it, actor=actor, state=TicketState.CANCELLED, reason=reason)
    return ticket


def end_children(with_it: Iterable[Ticket], *, actor: Actor, state: str, reason: str = "") -> None:
    """The open children end as their parent did, in the transaction in which it did."""
    for child in with_it:
        if state == TicketState.CANCELLED:
            cancel(actor=actor, ticket=child, reason=reason, children="close")
        else:
            resolve(actor=actor, ticket=child, children="close")


@service
def close_obsolete(*, actor: Actor, dedupe_key: str, reason: str) -> Ticket | None:
    """The room above says that the open ticket of ``dedupe_key`` has lost its purpose (its task was reversed).

    For the owner of the subject only: its outcomes are not asked for and its hook is not called. None when no such
    ticket is open. The caller holds the subject's lock already, so the order subject, then ticket, is kept.
    """
    if not dedupe_key:
        return None
    found: Ticket | None = Ticket.objects.filter(dedupe_key=dedupe_key, state__in=OPEN_STATES).first()
    if found is None:
        return None
    ticket = journal.locked(found)

    require(actor, "ticketing.resolve_ticket", ticket)

    if not ticket.is_open:  # resolved while we waited for its lock
        return None

    _cancel(ticket, actor=actor, event="obsolete", reason=reason)
    return ticket


def _choose(ticket: Ticket, key: str) -> Outcome | None:
    offered = selectors.outcomes_of(ticket)
    if not offered:
        if key:
            raise InvalidInput(fields={"outcome": [_("This ticket has no outcomes to choose from.")]})
        return None
    chosen = next((outcome for outcome in offered if outcome.key == key), None)
    if chosen is None:
        raise OutcomeRequired(
            fields={"outcome": [_("Choose one of the outcomes.")]}, outcomes=[outcome.key for outcome in offered]
        )
    return chosen


def told_of(changes: clocks.Changes) -> dict[str, Any]:
    """What the journal says of clocks that became others."""
    return {"clocks": changes} if changes else {}


def _without_secrets(outcome: Outcome | None, values: dict[str, Any]) -> dict[str, Any]:
    secret = {item.key for item in outcome.characteristics if item.type == "secret"} if outcome else set()
    return {key: crypto.MASK if key in secret else value for key, value in values.items()}


def _cancel(ticket: Ticket, *, actor: Actor, event: str, reason: str) -> None:
    before = {"state": ticket.state}
    ticket.cancel()
    ticket.closed_at = clock.now()
    after = {"state": ticket.state, "reason": reason.strip()} | told_of(clocks.voided(ticket))
    journal.write(ticket, actor=actor, event=event, before=before, after=after)
    waiting.moved(ticket, was_open=True)
