"""A run under its lock: everything that is not the hot path changes a run through this one unit of work.

``with ledger.open_run(run_id) as book:`` locks the run's row, then its tasks, hands them over as model instances
whose named transitions are called, and at the end writes what changed: tasks, the run, its events in sequence. All
in the caller's transaction. Tasks that became ready are rung for after commit.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections

from boss.core import scoping
from boss.core.lanes import Kind
from workflow.choices import CLAIMABLE, CLAIMED, AttemptOutcome, RunState
from workflow.contracts import RunEnd
from workflow.engine import bell, closing, graphs, pace, rows, sql
from workflow.engine.claims import Claim
from workflow.engine.settings import message_grace_seconds
from workflow.errors import LeaseLost
from workflow.graph import Graph, TaskSpec, names
from workflow.models import Attempt, Run, RunEvent, TaskRun

MACHINE = "BOSS"
MOST_RUNG_AT_ONCE = 200
"""Wake-ups sent at once for runs started together."""

BEGUN_AGAIN = "task.again"
FINISHING_EVENTS = ("task.done", "task.by_hand", "task.signalled", "task.time_came", "task.parts_done")

_TASK_FIELDS = [
    "state", "undecided", "taken", "failures", "generation", "not_before", "due_at", "started_at", "ended_at", "inputs",
    "waiting_for", "woken_by", "error", "ticket",
]  # fmt: skip
_RUN_FIELDS = [
    "state", "open_tasks", "sequence", "inputs", "outputs", "ended_at", "reversal_reason", "taken_back", "version",
    "revision",
]  # fmt: skip


class Book:
    """A locked run, its graph and its tasks by position."""

    def __init__(self, run: Run, graph: Graph, tasks: list[TaskRun], now: dt.datetime) -> None:
        self.run = run
        self.graph = graph
        self.tasks = tasks
        self.now = now
        self.events: list[RunEvent] = []
        self.end: RunEnd | None = None
        self._ready = {(task.pk, task.state) for task in tasks if task.state in CLAIMABLE}
        self._before = {task.pk: _picture(task) for task in tasks if task.pk}

    def spec(self, task: TaskRun) -> TaskSpec:
        return self.graph.tasks[task.position]

    def task(self, task_id: int) -> TaskRun:
        return next(task for task in self.tasks if task.pk == task_id)

    def is_taken_back(self, task: TaskRun) -> bool:
        """Whether what is under way forward is wanted no more: it is let end, and then undone or left out."""
        reversing = self.run.state == RunState.REVERSING or task.position in (self.run.taken_back or ())
        return reversing and not task.is_undo

    def names(self) -> dict[str, Any]:
        """What expressions can name at this moment."""
        return names(self.run.inputs, self.run.outputs, self.run.subject)

    def note(self, kind: str, task: TaskRun | None = None, who: str = MACHINE, **data: Any) -> None:
        """Add an event in sequence."""
        self.run.sequence += 1
        self.events.append(
            RunEvent(
                run=self.run, sequence=self.run.sequence, at=self.now, kind=kind, task=task, who=who[:200], data=data
            )
        )

    def record_attempt(
        self, task: TaskRun, outcome: AttemptOutcome, *, error: str = "", answer: dict[str, Any] | None = None,
        retry_at: dt.datetime | None = None, is_undo: bool = False,
    ) -> None:  # fmt: skip
        """Put the attempt that just ended on record."""
        rows.add(
            Attempt(
                task=task, number=task.attempt, is_undo=is_undo, started_at=task.started_at or self.now,
                ended_at=self.now, outcome=outcome, error=error[:4000], worker=task.worker, answer=answer or {},
                retry_at=retry_at,
            )
        )  # fmt: skip

    def after(self, seconds: float) -> dt.datetime:
        return self.now + dt.timedelta(seconds=seconds)

    def exchange(self, graph: Graph, tasks: list[TaskRun]) -> None:
        """Go on with the graph and the tasks of another version."""
        self.graph = graph
        self.tasks = tasks
        for task in tasks:
            self._before.setdefault(task.pk, _picture(task))

    def hurry(self, task: TaskRun) -> None:
        """Ring for a ready task that was not to be tried before some time."""
        self._ready.discard((task.pk, task.state))

    def finish(self) -> None:
        """Write everything and ring for what became ready."""
        grace = self.after(message_grace_seconds())
        ring: list[TaskRun] = []
        for task in self.tasks:
            # Without a time it is ready anew: taken back before anybody had claimed it, it began again at once.
            fresh = (task.pk, task.state) not in self._ready or task.due_at is None
            if task.state in CLAIMABLE and fresh:
                task.due_at = max(grace, task.not_before) if task.not_before else grace
                if task.not_before is None:
                    ring.append(task)
                else:
                    # Nobody can take it before; the sweeper rings when it is time.
                    task.due_at = task.not_before
        changed = [task for task in self.tasks if _picture(task) != self._before.get(task.pk)]
        rows.write(self.run, _RUN_FIELDS, changed, _TASK_FIELDS, self.events)
        bell.ring(self.run.realm_id, self.kinds(ring))
        self.tell_of_the_end()

    def kinds(self, tasks: list[TaskRun]) -> dict[int, Kind]:
        """Tasks by number with the kind of work each is, as the bell wants them."""
        return {task.pk: pace.kind_of(self.spec(task), undo=task.is_undo) for task in tasks}

    def tell_of_the_end(self) -> None:
        if self.end is not None:
            closing.closed(self.run.realm_id, self.run.pk, self.run.subject, self.run.parent_id, self.end)


def begin(books: Sequence[Book]) -> None:
    """Write runs that have just been made, all of one version, with their tasks and first events, in one statement."""
    first = books[0].run
    tasks = [(book.run.public_id, task) for book in books for task in book.tasks]
    rows = sql.execute(
        sql.START,
        {
            "realm": first.realm_id, "version": first.version_id, "parent": first.parent_id, "who": first.started_by,
            "now": books[0].now, "grace": message_grace_seconds(),
            "runs": [
                {
                    "public_id": book.run.public_id, "subject_kind": book.run.subject_kind,
                    "subject_id": book.run.subject_id, "inputs": book.run.inputs, "outputs": book.run.outputs,
                    "state": book.run.state, "open_tasks": book.run.open_tasks, "sequence": book.run.sequence,
                    "has_ended": book.run.ended_at is not None, "index": book.run.index,
                }
                for book in books
            ],
            "of": [public_id for public_id, _task in tasks],
            "positions": [task.position for _of, task in tasks],
            "keys": [task.key for _of, task in tasks],
            "kinds": [task.kind for _of, task in tasks],
            "states": [task.state for _of, task in tasks],
            "undecided": [task.undecided for _of, task in tasks],
            "taken": [task.taken for _of, task in tasks],
            "events": [
                {
                    "of": book.run.public_id, "sequence": event.sequence, "kind": event.kind,
                    "position": event.task.position if event.task else None, "who": event.who, "data": event.data,
                }
                for book in books for event in book.events
            ],
        },
    ).fetchall()  # fmt: skip
    numbers = {public_id: (run_id, sql.loaded(task_ids)) for public_id, run_id, task_ids in rows}
    ready: dict[int, Kind] = {}
    for book in books:
        run = book.run
        run.pk, task_ids = numbers[run.public_id]
        run._state.adding, run._state.db = False, scoping.alias()
        for task in book.tasks:
            task.pk, task.run_id = task_ids[str(task.position)], run.pk
        ready |= book.kinds([task for task in book.tasks if task.state in CLAIMABLE])
        book.tell_of_the_end()
    # More would stand before what others wait for; the sweeper rings for the rest as workers come to them.
    bell.ring(first.realm_id, dict(itertools.islice(ready.items(), MOST_RUNG_AT_ONCE)))


def _picture(task: TaskRun) -> tuple[Any, ...]:
    return tuple(
        repr(value) if isinstance(value := getattr(task, "ticket_id" if name == "ticket" else name), dict) else value
        for name in _TASK_FIELDS
    )


def database_now() -> dt.datetime:
    """The database's clock, now."""
    with connections[scoping.alias()].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    at: dt.datetime = row[0]
    return at


@contextmanager
def open_run(run_id: int) -> Iterator[Book]:
    """Lock a run of the realm that is entered and write it at the end; an exception writes nothing."""
    run: Run = Run.objects.select_for_update().get(pk=run_id)
    book = _book(run, list(TaskRun.objects.select_for_update().filter(run_id=run_id).order_by("position")))
    yield book
    book.finish()


def look_at(run: Run) -> Book:
    """The run and its tasks as they are now, without a lock; nothing is written."""
    fresh: Run = Run.objects.get(pk=run.pk)
    return _book(fresh, list(TaskRun.objects.filter(run_id=run.pk).order_by("position")))


@contextmanager
def open_run_unless_busy(run_id: int) -> Iterator[Book | None]:
    """Like :func:`open_run`, but None when somebody holds the run or one of its tasks: a frozen process may hold its
    locks for long, and who looks after all runs must not wait for one."""
    run: Run | None = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id).first()
    rows = TaskRun.objects.select_for_update(skip_locked=True).filter(run_id=run_id).order_by("position")
    tasks = list(rows) if run is not None else []
    if run is None or len(tasks) < len(graphs.of_run(run).tasks):
        yield None
        return
    book = _book(run, tasks)
    yield book
    book.finish()


def _book(run: Run, tasks: list[TaskRun]) -> Book:
    for task in tasks:
        task.run = run
    return Book(run, graphs.of_run(run), tasks, database_now())


def lock_run(run_id: int) -> None:
    """Take the run's lock before another row's, so that everybody locks in the same order."""
    Run.objects.select_for_update().filter(pk=run_id).values_list("pk", flat=True).first()


def is_claimed_as(task: TaskRun, attempt: int) -> bool:
    """The fence: whether the row still belongs to this attempt."""
    return bool(task.state in CLAIMED and task.attempt == attempt)


def claimed(book: Book, claim: Claim) -> TaskRun:
    """The claim's task, if it still is the claim's. Raises :class:`LeaseLost`."""
    task = book.task(claim.task_id)
    if not is_claimed_as(task, claim.attempt):
        raise LeaseLost(claim.spec.key)
    return task


def was_finished(task_id: int) -> bool:
    """Whether the task was done since it was last begun anew, whatever it is now."""
    events = RunEvent.objects.filter(task_id=task_id, kind__in=(*FINISHING_EVENTS, BEGUN_AGAIN))
    return events.order_by("-sequence").values_list("kind", flat=True).first() in FINISHING_EVENTS
