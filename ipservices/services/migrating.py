"""Moving many services from one server to another: looked at first, then moved in batches, each service by itself.

A durable task of its own and not a run of the engine for each service: a run would be started, kept and shown 100,000
times for three fixed steps whose place is one number (ADR 0126). What one service refuses stops no other; when several
in a row fail for the same want, the migration pauses itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, Problem
from boss.core.scoping import ScopedQuerySet
from boss.core.services import service as transactional
from ipservices.choices import MigrationState, MoveState, MoveStep
from ipservices.errors import MigrationWrongState, MoveRefused
from ipservices.models import Binding, Migration, MigrationItem, Service
from ipservices.services import calls, carrying, moves, turns
from ipservices.services.moves import Road
from ipservices.services.places import may_be_one_server

TASK = "ipservices.migrate"
PICKED = 500
MOST_TRIES = 3
FAILED_IN_A_ROW = 5
_TURN = turns.TURN_SECONDS + 240.0 + turns.MARGIN_SECONDS
"""A turn and the longest that one service begun at its end may take."""


@transactional
def prepare(
    *,
    actor: Actor,
    source: Binding,
    target: Binding,
    kinds: Sequence[str] = (),
    most: int | None = None,
    batch_size: int = 100,
    pause_seconds: int = 0,
    renew_secrets: bool = False,
    content_moved: bool = False,
) -> Migration:
    """Look what moving the services of ``source`` to ``target`` would do; nothing is moved until it is started.

    ``kinds`` ("mail.mailbox") and ``most`` choose which services. Raises InvalidInput with the wrong fields.
    """
    require(actor, "ipservices.manage_bindings")

    if source.family != target.family:
        raise InvalidInput(fields={"target": [_("Choose a server for the same kind of services.")]})
    if may_be_one_server(source, target):
        raise InvalidInput(fields={"target": [_("This is the same server.")]})
    if not target.enabled:
        raise InvalidInput(fields={"target": [_("This server is switched off.")]})

    migration: Migration = Migration.objects.create(
        source=source,
        target=target,
        kinds=list(kinds),
        most=most,
        batch_size=batch_size,
        pause_seconds=pause_seconds,
        renew_secrets=renew_secrets,
        content_moved=content_moved,
        asked_by=actor.label[:200],
        due_at=clock.now(),
    )
    turns.ring(TASK, actor.realm_id, migration.pk)

    audit.record(
        actor=actor, action="migration.prepared", subject=migration,
        after={"kinds": list(kinds), "most": most, "batch_size": batch_size, "renew_secrets": renew_secrets},
    )  # fmt: skip
    return migration


@transactional
def start(*, actor: Actor, migration: Migration) -> Migration:
    """Start it, or go on after a pause. Raises :class:`MigrationWrongState`."""
    row = _lock(actor, migration, MigrationState.READY, MigrationState.PAUSED)

    row.state, row.error, row.in_batch = MigrationState.RUNNING, "", 0
    row.started_at = row.started_at or clock.now()
    _wake(row)

    audit.record(actor=actor, action="migration.started", subject=row)
    return row


@transactional
def pause(*, actor: Actor, migration: Migration) -> Migration:
    """Stop after the service that is being moved now. Raises :class:`MigrationWrongState`."""
    row = _lock(actor, migration, MigrationState.RUNNING)

    row.state, row.due_at = MigrationState.PAUSED, None
    row.save(update_fields=["state", "due_at"])

    audit.record(actor=actor, action="migration.paused", subject=row)
    return row


@transactional
def drop(*, actor: Actor, migration: Migration) -> Migration:
    """End it without moving what is not moved yet; what was moved stays there. Raises :class:`MigrationWrongState`."""
    row = _lock(actor, migration, MigrationState.READY, MigrationState.PAUSED)

    waiting = MigrationItem.objects.filter(migration=row, state__in=(MoveState.READY, MoveState.PENDING))
    waiting.update(state=MoveState.REFUSED, reason=_("The migration was ended before."))
    MigrationItem.objects.filter(migration=row, state__in=(MoveState.MOVING, MoveState.RETURNING)).update(
        state=MoveState.FAILED, reason=_("The migration was ended in the middle of it.")
    )
    row.state, row.finished_at, row.due_at = MigrationState.OVER, clock.now(), None
    row.save(update_fields=["state", "finished_at", "due_at"])

    audit.record(actor=actor, action="migration.dropped", subject=row)
    return row


@transactional
def retry(*, actor: Actor, migration: Migration, service: Service | None = None) -> int:
    """Try failed moves again, all or that of one service; how many."""
    row = _lock(actor, migration, MigrationState.RUNNING, MigrationState.PAUSED, MigrationState.OVER)

    items = _of(row, service).filter(state=MoveState.FAILED)
    count: int = items.update(state=MoveState.MOVING, tries=0, reason="")
    if count:
        row.state = MigrationState.RUNNING
        _wake(row)
        audit.record(actor=actor, action="migration.retried", subject=row, after={"services": count})
    return count


@transactional
def roll_back(*, actor: Actor, migration: Migration, service: Service | None = None) -> int:
    """Bring what was moved back to the old server exactly as it was, all or one service; how many.

    What failed in the middle goes back, too. What has not been begun is not begun any more when all goes back.
    """
    row = _lock(actor, migration, MigrationState.RUNNING, MigrationState.PAUSED, MigrationState.OVER)

    items = _of(row, service)
    if service is None:
        items.filter(state=MoveState.READY).update(
            state=MoveState.REFUSED, reason=_("The migration was rolled back before.")
        )
    count: int = items.filter(state__in=(MoveState.DONE, MoveState.FAILED, MoveState.MOVING)).update(
        state=MoveState.RETURNING, tries=0, reason=""
    )
    if count:
        row.state = MigrationState.RUNNING
        _wake(row)
        audit.record(actor=actor, action="migration.rolled_back", subject=row, after={"services": count})
    return count


def _lock(actor: Actor, migration: Migration, *states: MigrationState) -> Migration:
    row: Migration = Migration.objects.select_for_update(of=("self",)).get(pk=migration.pk)
    require(actor, "ipservices.manage_bindings")
    if row.state not in states:
        raise MigrationWrongState(state=row.state)
    return row


def _wake(row: Migration) -> None:
    row.finished_at, row.due_at = None, clock.now()
    row.save(update_fields=["state", "error", "in_batch", "started_at", "finished_at", "due_at"])
    turns.ring(TASK, row.realm_id, row.pk)


def _of(row: Migration, service: Service | None) -> ScopedQuerySet:
    items: ScopedQuerySet = MigrationItem.objects.filter(migration=row)
    return items if service is None else items.filter(service=service)


# The workers' part


def go_on(*, realm_id: int, migration_id: int) -> bool:
    """Go on for one turn. True when there is nothing more to do now. May be called at any time, by any number."""
    calls.refuse_inside_transaction()
    token = turns.take(Migration, realm_id, migration_id, seconds=_TURN)
    if not token:
        return False
    actor = Actor.system(realm_id)
    ends = time.monotonic() + turns.TURN_SECONDS
    failed = 0
    with scoping.realm_transaction(realm_id, "migration"):
        road = Road.of(actor, _migration(migration_id))
    road = replace(
        road.looked_up(),
        prolong=lambda seconds: turns.prolong(Migration, realm_id, migration_id, token, seconds=seconds),
    )
    while time.monotonic() < ends:
        with scoping.realm_transaction(realm_id, "migration"):
            if not turns.is_held(Migration, migration_id, token):
                return False
            migration = _migration(migration_id)
            if migration.state == MigrationState.CHECKING and not _pick(migration):
                continue
            item = _next(migration)
            if item is None:
                _nothing_left(migration)
        if migration.state not in (MigrationState.CHECKING, MigrationState.RUNNING) or item is None:
            turns.leave(Migration, realm_id, migration_id, token, again_in=None)
            return True
        if migration.state == MigrationState.CHECKING:
            _look(road, item)
            continue
        failed = 0 if _go(road, item) else failed + 1
        if failed >= FAILED_IN_A_ROW:
            return _pause_itself(road, token, item)
        if _batch_is_full(road, token, item):
            return False
    turns.leave(Migration, realm_id, migration_id, token, again_in=0)
    turns.ring_now(TASK, realm_id, migration_id)
    return False


def _migration(migration_id: int) -> Migration:
    row: Migration = Migration.objects.select_related("source", "target").get(pk=migration_id)
    return row


def _pick(migration: Migration) -> bool:
    """Write down the next services to be moved; True when all are picked."""
    rows = Service.objects.filter(binding=migration.source, state__in=moves.IN_USE, pk__gt=migration.cursor)
    if migration.kinds:
        rows = rows.filter(kind__in=[kind.partition(".")[2] for kind in migration.kinds])
    count = PICKED
    if migration.most is not None:
        count = min(count, migration.most - MigrationItem.objects.filter(migration=migration).count())
    picked = list(rows.order_by("pk").values_list("pk", flat=True)[: max(0, count)])
    if not picked:
        return True
    busy = set(
        MigrationItem.objects.filter(service__in=picked, state__in=_OPEN_STATES).values_list("service_id", flat=True)
    )
    MigrationItem.objects.bulk_create(
        MigrationItem(
            migration=migration,
            service_id=pk,
            state=MoveState.REFUSED if pk in busy else MoveState.PENDING,
            reason=_("Another migration has it.") if pk in busy else "",
        )
        for pk in picked
    )
    migration.cursor = picked[-1]
    migration.save(update_fields=["cursor"])
    return False


_OPEN_STATES = (MoveState.PENDING, MoveState.READY, MoveState.MOVING, MoveState.FAILED, MoveState.RETURNING)


def _next(migration: Migration) -> MigrationItem | None:
    """The next to be done: what was begun, first; what failed a moment ago, last."""
    items = MigrationItem.objects.select_related("service").filter(migration=migration)
    if migration.state == MigrationState.CHECKING:
        found: MigrationItem | None = items.filter(state=MoveState.PENDING).order_by("tries", "id").first()
        return found
    first = [items.filter(state=state).order_by("tries", "id").first() for state in _IN_TURN]
    return min((item for item in first if item is not None), key=lambda item: item.tries, default=None)


_IN_TURN = (MoveState.RETURNING, MoveState.MOVING, MoveState.READY)


def _nothing_left(migration: Migration) -> None:
    if migration.state == MigrationState.CHECKING:
        migration.state = MigrationState.READY
        migration.save(update_fields=["state"])
    elif migration.state == MigrationState.RUNNING:
        migration.state, migration.finished_at = MigrationState.OVER, clock.now()
        migration.save(update_fields=["state", "finished_at"])


def _look(road: Road, item: MigrationItem) -> None:
    try:
        found = moves.check(road, item)
    except Problem as error:
        again = getattr(error, "retryable", False) and item.tries + 1 < MOST_TRIES
        _write(road, item, MoveState.PENDING if again else MoveState.REFUSED, str(error))
        return
    note = f"{found.note} {_('It gets a new password.')}" if found.way == "renewed" else found.note
    item.note, item.carries = note.strip()[:200], found.carries
    item.tries = -1  # what it took to look does not count for moving
    _write(road, item, MoveState.READY, "")


def _go(road: Road, item: MigrationItem) -> bool:
    """Move one service, or bring it back; False when that failed."""
    back = item.state == MoveState.RETURNING
    if not back and item.state != MoveState.MOVING:
        with scoping.realm_transaction(road.actor.realm_id, "migration"):
            item.state = MoveState.MOVING
            item.save(update_fields=["state", "changed_at"])
    try:
        carrying.go_back(road, item) if back else carrying.move(road, item)
    except MoveRefused as error:
        begun = item.step != MoveStep.NOTHING
        _write(road, item, MoveState.FAILED if begun or back else MoveState.REFUSED, str(error))
        return True  # a matter of this one service
    except Problem as error:
        again = getattr(error, "retryable", False) and item.tries + 1 < MOST_TRIES
        _write(road, item, item.state if again else MoveState.FAILED, str(error))
        return False
    return True


def _write(road: Road, item: MigrationItem, state: str, reason: str) -> None:
    with scoping.realm_transaction(road.actor.realm_id, "migration"):
        item.state, item.reason, item.tries = state, reason[:500], item.tries + 1
        item.save(update_fields=["state", "reason", "note", "carries", "tries", "changed_at"])


def _pause_itself(road: Road, token: str, item: MigrationItem) -> bool:
    """Several in a row failed: that is no matter of a service, and a person looks first."""
    pk = road.migration.pk
    with scoping.realm_transaction(road.actor.realm_id, "migration"):
        if turns.is_held(Migration, pk, token):
            Migration.objects.filter(pk=pk, state=MigrationState.RUNNING).update(
                state=MigrationState.PAUSED,
                error=_("%(count)s moves in a row failed: %(reason)s")
                % {"count": FAILED_IN_A_ROW, "reason": item.reason},
            )
    turns.leave(Migration, road.actor.realm_id, pk, token, again_in=None)
    return True


def _batch_is_full(road: Road, token: str, item: MigrationItem) -> bool:
    """Count it; after a batch leave for the pause, and have somebody come again then."""
    pk, pause_ = road.migration.pk, float(road.migration.pause_seconds)
    with scoping.realm_transaction(road.actor.realm_id, "migration"):
        row: Migration = Migration.objects.select_for_update(of=("self",)).get(pk=pk)
        full = row.in_batch + 1 >= row.batch_size
        row.in_batch = 0 if full else row.in_batch + 1
        row.save(update_fields=["in_batch"])
    if not full or not pause_:
        return False
    turns.leave(Migration, road.actor.realm_id, pk, token, again_in=pause_)
    turns.ring_now(TASK, road.actor.realm_id, pk, after_seconds=pause_)
    return True
