"""One thing done to many runs: asked once, done run by run by the workers, each with its own outcome."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from boss.core import audit, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import InvalidInput, Problem
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from workflow.choices import CLAIMABLE, NEEDS_PEOPLE, BulkKind, BulkOutcome, RunState
from workflow.engine import bell, graphs, ledger, moving, reversal
from workflow.engine.ledger import Book
from workflow.errors import NothingFailed
from workflow.models import Bulk, BulkItem, DefinitionVersion, Run, TaskRun
from workflow.services import runs, tasks

log = structlog.get_logger(__name__)

MOST_RUNS = 500
LONGEST_TURN_SECONDS = 20.0
RING_AGAIN_SECONDS = 30.0

RIGHTS = {
    BulkKind.RETRY: "workflow.retry_task",
    BulkKind.REVERSE: "workflow.reverse_run",
    BulkKind.MOVE: "workflow.move_run",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would do to the chosen runs now. ``able`` of ``chosen`` runs can take it.

    For a retry ``tasks`` are those that would be tried again. For a reversal they are those that would be undone,
    ``kept`` those past their point of no return, and ``people`` the work it gives, by pool ("" is no pool). For a move
    ``obstacles`` are what stands in the way, with how many runs it stops.
    """

    kind: str
    chosen: int
    able: int
    tasks: int = 0
    kept: int = 0
    people: tuple[tuple[str, int], ...] = ()
    obstacles: tuple[tuple[str, int], ...] = ()


@service
def preview(*, actor: Actor, kind: str, public_ids: Sequence[str], version: int | None = None) -> Preview:
    """Sum up what :func:`begin` would do, in a few statements for any number of runs. Changes nothing."""
    chosen = _runs(actor, kind, public_ids)

    found: dict[int, list[TaskRun]] = {}
    for task in TaskRun.objects.filter(run__in=[run.pk for run in chosen]).order_by("position"):
        found.setdefault(task.run_id, []).append(task)
    if kind == BulkKind.RETRY:
        failed = [sum(_has_failed(task) for task in found.get(run.pk, [])) for run in chosen]
        return Preview(kind, len(chosen), sum(count > 0 for count in failed), tasks=sum(failed))
    if kind == BulkKind.MOVE:
        return _preview_move(actor, chosen, found, _target(chosen, version))
    able = [run for run in chosen if run.state == RunState.RUNNING]
    steps = [step for run in able for step in reversal.plan(found.get(run.pk, []), graphs.of_run(run).tasks).steps]
    people = Counter(step.pool for step in steps if step.how == "people" or (step.how == "kept" and step.follow_up))
    return Preview(
        kind, len(chosen), len(able),
        tasks=sum(step.how in ("undone", "people", "after_attempt") for step in steps),
        kept=sum(step.how == "kept" for step in steps),
        people=tuple(sorted(people.items())),
    )  # fmt: skip


def _preview_move(
    actor: Actor, chosen: list[Run], found: dict[int, list[TaskRun]], target: DefinitionVersion
) -> Preview:
    graph = graphs.of_version(actor.realm_id, target.pk)
    stopped: Counter[str] = Counter()
    able = 0
    for run in chosen:
        if run.state != RunState.RUNNING or run.taken_back is not None:
            continue
        tasks_ = found.get(run.pk, [])
        for task in tasks_:
            task.run = run
        obstacles = moving.obstacles(Book(run, graphs.of_run(run), tasks_, run.started_at), graph)
        stopped.update(f"{run.version.definition.title} › {key}: {' '.join(said)}" for key, said in obstacles.items())
        able += not obstacles
    return Preview(BulkKind.MOVE, len(chosen), able, obstacles=tuple(stopped.most_common(20)))


def _target(chosen: list[Run], number: int | None) -> DefinitionVersion:
    """The version all of them are to go on by; they must be runs of one workflow."""
    definitions = {run.version.definition_id for run in chosen}
    if len(definitions) > 1:
        raise InvalidInput(fields={"runs": [_("Choose runs of one workflow to move them to one of its versions.")]})
    version: DefinitionVersion | None = DefinitionVersion.objects.filter(
        definition__in=definitions, number=number
    ).first()
    if version is None:
        raise InvalidInput(fields={"version": [_("Choose a version.")]})
    return version


@service
def begin(
    *,
    actor: Actor,
    kind: str,
    public_ids: Sequence[str],
    reason: str = "",
    version: int | None = None,
    key: str = "",
) -> Bulk:
    """Ask for something to be done to each of the runs, at most 500. Workers do it after commit, run by run.

    The same ``key`` of the same actor is the same action: asking again gives the first. What one run refuses is
    written down as its outcome and stops no other. Raises :class:`InvalidInput` with fields ``action``, ``runs``,
    ``reason``, ``version``.
    """
    known = _known(actor, key)
    if known is not None:
        return known
    chosen = _runs(actor, kind, public_ids)

    if kind == BulkKind.REVERSE and not reason.strip():
        raise InvalidInput(fields={"reason": [_("Please say why.")]})
    if kind == BulkKind.MOVE:
        _target(chosen, version)

    locks.hold(f"workflow.bulk:{actor.kind}:{actor.number}")
    twin: Bulk | None = _known(actor, key)
    if twin is not None:
        return twin
    now = ledger.database_now()
    bulk: Bulk = Bulk.objects.create(
        kind=kind,
        reason=reason.strip(),
        version=version if kind == BulkKind.MOVE else None,
        key=key,
        asked_by=actor.label[:200],
        asked_by_kind=actor.kind,
        asked_by_number=actor.number,
        total=len(chosen),
        due_at=now + dt.timedelta(seconds=RING_AGAIN_SECONDS),
    )
    BulkItem.objects.bulk_create(
        BulkItem(bulk=bulk, run=run, position=position) for position, run in enumerate(chosen, start=1)
    )
    bell.ring_bulk(actor.realm_id, bulk.pk)

    audit.record(
        actor=actor, action=f"bulk.{kind}", subject=bulk, after={"runs": len(chosen), "reason": reason.strip()}
    )
    return bulk


def _known(actor: Actor, key: str) -> Bulk | None:
    """The action this actor asked for with this key."""
    mine = Bulk.objects.filter(asked_by_kind=actor.kind, asked_by_number=actor.number)
    found: Bulk | None = mine.filter(key=key).first() if key else None
    return found


def _runs(actor: Actor, kind: str, public_ids: Sequence[str]) -> list[Run]:
    """The chosen runs in the order they were named, after the action and the right to it were looked at."""
    if kind not in BulkKind.values:
        raise InvalidInput(fields={"action": [_("Choose what is to be done.")]})
    require(actor, RIGHTS[BulkKind(kind)])
    wanted = list(dict.fromkeys(public_ids))
    if not wanted:
        raise InvalidInput(fields={"runs": [_("Choose at least one run.")]})
    if len(wanted) > MOST_RUNS:
        raise InvalidInput(fields={"runs": [_("At most %(n)s runs at once.") % {"n": MOST_RUNS}]})
    rows = Run.objects.visible_to(actor).select_related("version__definition").defer("version__document")
    seen = {run.public_id: run for run in rows.filter(public_id__in=wanted)}
    if len(seen) < len(wanted):
        raise InvalidInput(fields={"runs": [_("One of these runs is not there.")]})
    return [seen[public_id] for public_id in wanted]


# The workers' part


def go_on(realm_id: int, bulk_id: int) -> int:
    """Do the next runs of an action until all are done or the turn is over. Returns how many were done.

    Any number of workers may do it at once: each run is locked with its outcome, and both are one transaction.
    """
    with scoping.realm_transaction(realm_id, "workflow.bulk"):
        again = ledger.database_now() + dt.timedelta(seconds=RING_AGAIN_SECONDS)
        Bulk.objects.filter(pk=bulk_id, ended_at=None).update(due_at=again)
    until = time.monotonic() + LONGEST_TURN_SECONDS
    done = 0
    while time.monotonic() < until:
        with scoping.realm_transaction(realm_id, "workflow.bulk"):
            item = (
                BulkItem.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("bulk")
                .filter(bulk_id=bulk_id, outcome=BulkOutcome.PENDING)
                .order_by("position")
                .first()
            )
            if item is None:
                _close(bulk_id)
                return done
            item.outcome, item.text = _do(item)
            item.ended_at = ledger.database_now()
            item.save(update_fields=["outcome", "text", "ended_at"])
        done += 1
    bell.ring_bulk_now(realm_id, bulk_id)
    return done


def _close(bulk_id: int) -> None:
    """Write down that it is over, unless another worker is still at one of its runs."""
    open_items = BulkItem.objects.filter(bulk_id=bulk_id, outcome=BulkOutcome.PENDING)
    if not open_items.exists():
        Bulk.objects.filter(pk=bulk_id, ended_at=None).update(ended_at=ledger.database_now(), due_at=None)


def _do(item: BulkItem) -> tuple[str, str]:
    actor = tenancy.find_actor(item.bulk.asked_by_kind, item.bulk.asked_by_number)
    try:
        if actor is None:
            raise PermissionDenied
        with transaction.atomic(using=scoping.alias()):
            return BulkOutcome.DONE, _ACTIONS[BulkKind(item.bulk.kind)](actor, item)
    except Problem as problem:
        places = [f"{place}: {' '.join(said)}" for place, said in problem.fields.items()]
        return BulkOutcome.REFUSED, " ".join([str(problem), *places])
    except OperationalError:
        raise
    except Exception as error:
        log.exception("bulk_item_failed", bulk=item.bulk_id, run=item.run_id)
        return BulkOutcome.FAILED, str(error)[:1000] or type(error).__name__


def _retry(actor: Actor, item: BulkItem) -> str:
    ledger.lock_run(item.run_id)
    failed = [task for task in TaskRun.objects.filter(run=item.run_id).order_by("position") if _has_failed(task)]
    if not failed:
        raise NothingFailed
    for task in failed:
        tasks.retry(actor=actor, task=task)
    return ""


def _reverse(actor: Actor, item: BulkItem) -> str:
    runs.reverse(actor=actor, run=Run.objects.get(pk=item.run_id), reason=item.bulk.reason)
    return ""


def _move(actor: Actor, item: BulkItem) -> str:
    runs.move(actor=actor, run=Run.objects.get(pk=item.run_id), number=item.bulk.version or 0)
    return ""


_ACTIONS: dict[BulkKind, Callable[[Actor, BulkItem], str]] = {
    BulkKind.RETRY: _retry,
    BulkKind.REVERSE: _reverse,
    BulkKind.MOVE: _move,
}


def _has_failed(task: TaskRun) -> bool:
    return task.state in NEEDS_PEOPLE or (task.state in CLAIMABLE and task.not_before is not None)


def sweep() -> int:
    """Ring for actions that nobody has been at for a while: a message was lost, or a worker died."""
    with scoping.dispatch_transaction("workflow.bulk"):
        now = ledger.database_now()
        stuck = list(
            Bulk.objects.select_for_update(skip_locked=True).filter(due_at__lte=now).values_list("pk", "realm_id")[:100]
        )
        if stuck:
            again = now + dt.timedelta(seconds=RING_AGAIN_SECONDS)
            Bulk.objects.filter(pk__in=[pk for pk, _realm in stuck]).update(due_at=again)
    for bulk_id, realm_id in stuck:
        bell.ring_bulk_now(realm_id, bulk_id)
    return len(stuck)
