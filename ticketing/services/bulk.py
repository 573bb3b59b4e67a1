"""One thing done to many tickets: asked once, done ticket by ticket, each with its own result.

Every ticket is asked about anew when its turn comes: whether the asker still sees it, may do this to it, and whether it
is as it was when it was chosen. Few are done at once; many are done by the workers after commit.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from celery import current_app
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu.exceptions import KombuError

from boss.core import audit, clock, lanes, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import InvalidInput, Problem
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from ticketing import columns, selectors
from ticketing.choices import OPEN_STATES, BulkResult, BulkVerb, MessageKind, Priority, TicketState
from ticketing.errors import TicketNotFound
from ticketing.models import Ticket, TicketBulk, TicketBulkItem
from ticketing.services import notices, tickets

log = structlog.get_logger(__name__)

TASK = "ticketing.bulk"
MOST = 500
AT_ONCE = 50
"""So many tickets are done in the request itself."""
LONGEST_TURN_SECONDS = 20.0
RING_AGAIN_SECONDS = 30.0

RIGHTS: Mapping[str, str] = {
    BulkVerb.TAKE: "ticketing.claim_ticket",
    BulkVerb.ASSIGN: "ticketing.assign_ticket",
    BulkVerb.RELEASE: "ticketing.claim_ticket",
    BulkVerb.POOL: "ticketing.assign_ticket",
    BulkVerb.PRIORITY: "ticketing.change_ticket",
    BulkVerb.STATUS: "ticketing.change_ticket",
    BulkVerb.NOTE: "ticketing.add_internal_message",
    BulkVerb.RESOLVE: "ticketing.resolve_ticket",
    BulkVerb.CLOSE: "ticketing.resolve_ticket",
}
ASKS: Mapping[str, str] = {
    BulkVerb.ASSIGN: "user",
    BulkVerb.POOL: "pool",
    BulkVerb.PRIORITY: "priority",
    BulkVerb.STATUS: "status",
    BulkVerb.NOTE: "note",
}
"""What a verb cannot do without."""
WRITTEN = ("note", "reason")
"""What people write in their own words: it belongs on the tickets and is kept nowhere else."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A ticket by its public id, and the version it was seen in; None: whatever it is now."""

    public_id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """``able`` of the ``chosen`` tickets stand where this can be done to them; the others will be refused."""

    chosen: int
    able: int


@service
def preview(*, actor: Actor, verb: str, chosen: Sequence[Chosen]) -> Preview:
    """Sum up what :func:`begin` would do. Changes nothing. Raises :class:`InvalidInput`, :class:`PermissionDenied`."""
    rows = _tickets(actor, verb, chosen)
    if verb == BulkVerb.NOTE or verb == BulkVerb.STATUS:
        able = len(rows)
    elif verb == BulkVerb.CLOSE:
        able = sum(ticket.state == TicketState.RESOLVED for ticket in rows)
    else:
        able = sum(ticket.state in OPEN_STATES for ticket in rows)
    return Preview(len(rows), able)


@service
def begin(
    *, actor: Actor, verb: str, chosen: Sequence[Chosen], given: Mapping[str, Any] | None = None, key: str = ""
) -> TicketBulk:
    """Do something to each of the tickets, at most 500: up to 50 at once, more by workers after commit.

    ``given``: "user" (public id), "pool" (key), "priority", "status" (a key, or "state:" and a state) with "reason",
    "note", as the verb asks. The same ``key`` of the same actor is the same action: asking again gives the first. What
    one ticket refuses is its own result and stops no other. Raises :class:`InvalidInput` with fields ``action``,
    ``tickets`` or the name of what is given.
    """
    known = _known(actor, key)
    if known is not None:
        return known
    rows = _tickets(actor, verb, chosen)
    kept = _given(actor, verb, given or {})

    locks.hold(f"ticketing.bulk:{actor.kind}:{actor.number}")
    twin = _known(actor, key)
    if twin is not None:
        return twin
    seen = {each.public_id: each.version for each in chosen}
    bulk: TicketBulk = TicketBulk.objects.create(
        verb=verb,
        given=kept,
        key=key,
        asked_by=actor.label[:200],
        asked_by_kind=actor.kind,
        asked_by_number=actor.number,
        total=len(rows),
        due_at=clock.now() + dt.timedelta(seconds=RING_AGAIN_SECONDS),
    )
    items = []
    for position, ticket in enumerate(rows, start=1):
        version = seen[ticket.public_id]
        version = ticket.version if version is None else version
        items.append(TicketBulkItem(bulk=bulk, ticket=ticket, version=version, position=position))
    TicketBulkItem.objects.bulk_create(items)

    told = {name: value for name, value in kept.items() if name not in WRITTEN}
    after = {"verb": verb, "tickets": len(rows), **told}
    audit.record(actor=actor, action="tickets.bulk_asked", subject=bulk, after=after)
    if len(rows) <= AT_ONCE:
        go_on(actor.realm_id, bulk.pk)
        bulk.refresh_from_db()
    else:
        transaction.on_commit(lambda: _ring(actor.realm_id, bulk.pk), using=scoping.alias())
    return bulk


def _known(actor: Actor, key: str) -> TicketBulk | None:
    mine = TicketBulk.objects.filter(asked_by_kind=actor.kind, asked_by_number=actor.number)
    found: TicketBulk | None = mine.filter(key=key).first() if key else None
    return found


def _tickets(actor: Actor, verb: str, chosen: Sequence[Chosen]) -> list[Ticket]:
    """The chosen tickets in the order they were named, after the action and the right to it were looked at."""
    if verb not in BulkVerb.values:
        raise InvalidInput(fields={"action": [_("Choose what is to be done.")]})
    require(actor, RIGHTS[verb])
    wanted = list(dict.fromkeys(each.public_id for each in chosen))
    if not wanted:
        raise InvalidInput(fields={"tickets": [_("Choose at least one ticket.")]})
    if len(wanted) > MOST:
        raise InvalidInput(fields={"tickets": [_("At most %(n)s tickets at once.") % {"n": MOST}]})
    seen = {ticket.public_id: ticket for ticket in selectors.list_tickets(actor).filter(public_id__in=wanted)}
    if len(seen) < len(wanted):
        raise InvalidInput(fields={"tickets": [_("One of these tickets is not there.")]})
    return [seen[public_id] for public_id in wanted]


def _given(actor: Actor, verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the verb wants to know, looked at once before many tickets are asked."""
    name = ASKS.get(verb, "")
    value = str(given.get(name, "")).strip() if name else ""
    kept: dict[str, Any] = {name: value} if name else {}
    wrong = ""
    if name and not value:
        wrong = _("Please fill this in.")
    elif name == "user":
        user = User.objects.visible_to(actor).filter(public_id=value, kind=User.Kind.STAFF, is_active=True).first()
        wrong = "" if user else _("Choose somebody of the staff.")
    elif name == "pool":
        wrong = "" if selectors.find_pool(value) else _("There is no such talent pool.")
    elif name == "priority":
        wrong = "" if value.isdigit() and int(value) in Priority.values else _("Choose a priority.")
    if wrong:
        raise InvalidInput(fields={name: [wrong]})
    for more, longest in (("reason", 500), ("note", 20_000)):
        if verb in (BulkVerb.STATUS, BulkVerb.RESOLVE, BulkVerb.NOTE) and given.get(more):
            kept[more] = str(given[more]).strip()[:longest]
    return kept


# Ticket by ticket


def go_on(realm_id: int, bulk_id: int) -> int:
    """Do the next tickets of an action until all are done or the turn is over. Returns how many were looked at.

    Any number of workers may do it at once: each ticket's result is locked while it is being done.
    """
    again = clock.now() + dt.timedelta(seconds=RING_AGAIN_SECONDS)
    with scoping.realm_transaction(realm_id, TASK):
        TicketBulk.objects.filter(pk=bulk_id, ended_at=None).update(due_at=again)
    until = time.monotonic() + LONGEST_TURN_SECONDS
    done = 0
    while time.monotonic() < until:
        with scoping.realm_transaction(realm_id, TASK):
            item: TicketBulkItem | None = (
                TicketBulkItem.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("bulk")
                .filter(bulk_id=bulk_id, result=BulkResult.PENDING)
                .order_by("position")
                .first()
            )
            if item is None:
                _close(bulk_id)
                return done
            item.result, item.text = _do(item)
            item.save(update_fields=["result", "text"])
        done += 1
    transaction.on_commit(lambda: _ring(realm_id, bulk_id), using=scoping.alias())
    return done


def _do(item: TicketBulkItem) -> tuple[str, str]:
    bulk = item.bulk
    actor = tenancy.find_actor(bulk.asked_by_kind, bulk.asked_by_number)
    try:
        if actor is None:
            raise PermissionDenied
        with transaction.atomic(using=scoping.alias()):
            ticket = selectors.list_tickets(actor).filter(pk=item.ticket_id).first()
            if ticket is None:
                raise TicketNotFound
            _VERBS[BulkVerb(bulk.verb)](actor, ticket, item.version, bulk.given)
            return BulkResult.DONE, ""
    except Problem as problem:
        said = [text for texts in problem.fields.values() for text in texts]
        return BulkResult.REFUSED, " ".join([str(problem), *said])
    except OperationalError:
        raise
    except Exception as error:
        log.exception("ticket_bulk_item_failed", bulk=item.bulk_id, ticket=item.ticket_id)
        return BulkResult.FAILED, type(error).__name__


def _assign(actor: Actor, ticket: Ticket, version: int, given: Mapping[str, Any]) -> None:
    user = tenancy.get_user(actor, given["user"])
    tickets.assign(actor=actor, ticket=ticket, user=user, expected_version=version)


def _pool(actor: Actor, ticket: Ticket, version: int, given: Mapping[str, Any]) -> None:
    pool = selectors.get_pool(given["pool"])
    tickets.send_to_pool(actor=actor, ticket=ticket, pool=pool, expected_version=version)


def _status(actor: Actor, ticket: Ticket, version: int, given: Mapping[str, Any]) -> None:
    status = columns.status_for(ticket, given["status"])
    reason = given.get("reason", "")
    tickets.move(actor=actor, ticket=ticket, status=status, reason=reason, expected_version=version)


_VERBS: dict[BulkVerb, Callable[[Actor, Ticket, int, Mapping[str, Any]], object]] = {
    BulkVerb.TAKE: lambda actor, ticket, version, given: tickets.claim(
        actor=actor, ticket=ticket, expected_version=version
    ),
    BulkVerb.ASSIGN: _assign,
    BulkVerb.RELEASE: lambda actor, ticket, version, given: tickets.release(
        actor=actor, ticket=ticket, expected_version=version
    ),
    BulkVerb.POOL: _pool,
    BulkVerb.PRIORITY: lambda actor, ticket, version, given: tickets.prioritize(
        actor=actor, ticket=ticket, priority=int(given["priority"]), expected_version=version
    ),
    BulkVerb.STATUS: _status,
    # A note takes nothing back that somebody else has done, so it is added whatever the version.
    BulkVerb.NOTE: lambda actor, ticket, version, given: tickets.add_message(
        actor=actor, ticket=ticket, body=given["note"], kind=MessageKind.INTERNAL
    ),
    BulkVerb.RESOLVE: lambda actor, ticket, version, given: tickets.resolve(
        actor=actor, ticket=ticket, note=given.get("note", ""), expected_version=version
    ),
    BulkVerb.CLOSE: lambda actor, ticket, version, given: tickets.close(
        actor=actor, ticket=ticket, expected_version=version
    ),
}


def _close(bulk_id: int) -> None:
    """Write down that it is over, unless another worker is still at one of its tickets; and tell whom it concerns."""
    if TicketBulkItem.objects.filter(bulk_id=bulk_id, result=BulkResult.PENDING).exists():
        return
    if TicketBulk.objects.filter(pk=bulk_id, ended_at=None).update(ended_at=clock.now(), due_at=None):
        bulk = TicketBulk.objects.get(pk=bulk_id)
        _tell(bulk)
        # What was written is on the tickets now, and goes with them when a person is forgotten.
        bulk.given = {name: value for name, value in bulk.given.items() if name not in WRITTEN}
        bulk.save(update_fields=["given"])


def _tell(bulk: TicketBulk) -> None:
    """Whoever was given tickets hears of it once, however many they are."""
    if bulk.verb != BulkVerb.ASSIGN:
        return
    user: User | None = User.objects.filter(public_id=bulk.given["user"], is_active=True).first()
    if user is None or (bulk.asked_by_kind == "user" and bulk.asked_by_number == user.pk):
        return
    theirs = Q(bulk_items__bulk=bulk, bulk_items__result=BulkResult.DONE)
    given = Ticket.objects.filter(theirs, assignee=user).order_by("bulk_items__position")
    count, first = given.count(), given.first()
    if first is None:
        return
    with translation.override(user.language):
        text = ngettext("%(who)s gave you this ticket.", "%(who)s gave you %(n)s tickets; this is the first.", count)
        notices.write(first, [user], key=f"bulk:{bulk.public_id}", text=text % {"who": bulk.asked_by, "n": count})


def _ring(realm_id: int, bulk_id: int) -> None:
    """Wake a worker. Never fails: the sweeper rings again."""
    try:
        current_app.send_task(TASK, args=[realm_id, bulk_id], queue=lanes.of_realm("quick", realm_id))
    except (KombuError, OSError) as error:
        log.warning("workers_not_woken", error=str(error))


def sweep() -> int:
    """Ring for actions that nobody has been at for a while: a message was lost, or a worker died."""
    with scoping.dispatch_transaction(TASK):
        stuck = list(
            TicketBulk.objects.filter(due_at__lte=clock.now()).order_by("due_at").values_list("pk", "realm_id")[:100]
        )
    for bulk_id, realm_id in stuck:
        _ring(realm_id, bulk_id)
    return len(stuck)
