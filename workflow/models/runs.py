"""A run and its tasks, with every state they can be in. The hot path writes the same moves in SQL (``engine.sql``)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition

from boss.core.scoping import Addressable, RealmScoped
from ticketing.models import Ticket
from workflow.choices import RunState, TaskKind, TaskState
from workflow.models.columns import ClockTimestamp
from workflow.models.definitions import DefinitionVersion

S = TaskState


def _is_part(run: Any) -> bool:
    return run.parent_id is not None


class Run(FSMModelMixin, Addressable):
    """One execution of a definition for one subject. Its row is the lock and the memory of the whole run.

    ``outputs`` holds each finished task's outputs by task key. ``open_tasks`` counts tasks not yet decided,
    ``sequence`` the events written. ``parent`` is the task of another run that started it, ``index`` its place among
    that task's runs. ``taken_back`` holds the positions of tasks that are being undone to be done again; mostly None.
    ``revision`` counts how often the run was amended or sent back: a claim from before goes the careful way.
    No narrower grants reach a run (``scope_paths`` is empty): a subscriber sees his order's progress through the
    order, which the room above shows.
    """

    realm_only = "the engine knows no customer: he sees the stages of his order"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"
    dispatch_reads = ("id", "realm_id", "version_id")

    version = models.ForeignKey(
        DefinitionVersion, models.PROTECT, related_name="runs", db_index=False, db_constraint=False
    )
    subject_kind = models.CharField(max_length=60, blank=True, default="")
    subject_id = models.BigIntegerField(null=True, blank=True)
    inputs: Any = models.JSONField(_("inputs"), default=dict)
    outputs: Any = models.JSONField(_("outputs"), default=dict)
    state: Any = FSMField(_("state"), max_length=10, choices=RunState.choices, default=RunState.RUNNING, protected=True)
    open_tasks = models.PositiveSmallIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(_("started"), db_default=ClockTimestamp())
    started_by = models.CharField(_("started by"), max_length=200)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reversal_reason = models.TextField(_("reason for reversal"), blank=True, default="")
    parent = models.ForeignKey(
        "workflow.TaskRun", models.CASCADE, null=True, blank=True, related_name="children", db_index=False,
        db_constraint=False, verbose_name=_("part of"),
    )  # fmt: skip
    index = models.PositiveIntegerField(_("number in its parent"), null=True, blank=True)
    taken_back = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    revision = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta(Addressable.Meta):
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [
            ("start_run", "Can start a workflow by hand"),
            ("reverse_run", "Can reverse a run"),
            ("move_run", "Can move a run to another version"),
            ("signal_run", "Can send a signal to a run"),
        ]
        constraints = [
            models.UniqueConstraint(
                # A child that was reversed may be started again; two that stand would do the work twice.
                fields=["realm_id", "parent", "index"],
                condition=models.Q(parent__isnull=False) & ~models.Q(state="reversed"),
                name="workflow_run_one_child",
            ),
        ]
        indexes = [
            models.Index(fields=["realm_id", "subject_kind", "subject_id", "-id"], name="workflow_run_subject"),
            models.Index(fields=["realm_id", "-id"], name="workflow_run_newest"),
            models.Index(
                fields=["realm_id", "-id"],
                # Counting what is under way never reads the table.
                include=["version", "state"],
                condition=models.Q(state__in=[RunState.RUNNING, RunState.REVERSING]),
                name="workflow_run_under_way",
            ),
            models.Index(
                fields=["realm_id", "parent", "index"],
                condition=models.Q(parent__isnull=False),
                name="workflow_run_children",
            ),
            models.Index(fields=["realm_id", "version", "-id"], name="workflow_run_version"),
            # What is learned from the past looks at the newest ended runs of each version.
            models.Index(
                fields=["realm_id", "version", "-ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="workflow_run_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} #{self.public_id}"

    @property
    def subject(self) -> tuple[str, int] | None:
        return (self.subject_kind, self.subject_id) if self.subject_id is not None else None

    @property
    def is_closed(self) -> bool:
        return self.state in (RunState.COMPLETED, RunState.REVERSED)

    @transition(field="state", source=RunState.RUNNING, target=RunState.COMPLETED)
    def complete(self) -> None:
        """Every task is done or skipped."""

    @transition(field="state", source=RunState.RUNNING, target=RunState.REVERSING)
    def begin_reversal(self) -> None:
        """From here there is no way forward any more."""

    @transition(
        field="state", source=RunState.COMPLETED, target=RunState.REVERSING,
        conditions=[_is_part],
    )  # fmt: skip
    def reopen_to_reverse(self) -> None:
        """The run it is a part of is reversed: only the end of the whole is the end of its parts."""

    @transition(field="state", source=RunState.REVERSING, target=RunState.REVERSED)
    def end_reversal(self) -> None:
        """Everything this run made is undone or kept past its point of no return."""


class TaskRun(FSMModelMixin, RealmScoped):
    """One task of one run.

    ``attempt`` counts claims and is the fencing token: a result counts only while the row still has the attempt it
    was claimed with. ``failures`` counts what the retry rule counts. ``undecided`` counts incoming edges not yet
    decided, ``taken`` those that were taken. ``not_before`` is the earliest next attempt. ``due_at`` is when the
    sweeper must look at the row: a message may be lost (ready), a lease ends (running), a time comes (waiting).
    ``generation`` counts how often the task was taken back to be done again: what it does then is another effect.
    """

    realm_only = "the engine knows no customer: he sees the stages of his order"
    # A task that has not begun goes when its run is moved to a version that does without it.
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE, DELETE"
    dispatch_reads = ("id", "realm_id", "run_id", "key", "state", "attempt", "not_before", "due_at")
    dispatch_writes = ("due_at",)

    run = models.ForeignKey(Run, models.CASCADE, related_name="tasks", db_index=False, db_constraint=False)
    position = models.PositiveSmallIntegerField()
    key = models.CharField(_("key"), max_length=60)
    kind = models.CharField(_("kind"), max_length=10, choices=TaskKind.choices)
    state: Any = FSMField(
        _("state"), max_length=14, choices=TaskState.choices, default=TaskState.PENDING, protected=True
    )
    undecided = models.PositiveSmallIntegerField(default=0)
    taken = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    generation = models.PositiveSmallIntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=120, blank=True, default="")
    inputs: Any = models.JSONField(_("inputs"), default=dict)
    waiting_for = models.CharField(_("waiting for signal"), max_length=80, blank=True, default="")
    woken_by: Any = models.JSONField(null=True, blank=True)
    error = models.TextField(_("last error"), blank=True, default="")
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )

    class Meta(RealmScoped.Meta):
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        permissions = [
            ("retry_task", "Can have a task tried again"),
            ("complete_task", "Can complete a task by hand"),
            ("skip_task", "Can skip a task"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["realm_id", "run", "position"], name="workflow_task_position"),
            models.CheckConstraint(
                # What no message reaches the sweeper must find.
                condition=~models.Q(state__in=[S.READY, S.RUNNING, S.UNDO_READY, S.UNDOING])
                | models.Q(due_at__isnull=False),
                name="workflow_active_is_due",
            ),
        ]
        indexes = [
            # The sweeper looks through the realms in turn, so that one's flood does not hide another's task.
            models.Index(
                fields=["realm_id", "due_at"], condition=models.Q(due_at__isnull=False), name="workflow_task_due_turn"
            ),
            models.Index(
                # What the board shows and counts. Moving tasks pass too quickly to be worth an entry each: those are
                # found by ``due_at``.
                fields=["realm_id", "state", "run"],
                condition=models.Q(state__in=[S.WAITING, S.ATTENTION, S.UNDO_WAITING, S.UNDO_ATTENTION]),
                name="workflow_task_resting",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def address(self) -> str:
        """How the task is named from outside: the run's public id and the task's key."""
        return f"{self.run.public_id}-{self.key}"

    @property
    def is_undo(self) -> bool:
        return self.state in (S.UNDO_READY, S.UNDOING, S.UNDO_WAITING, S.UNDO_ATTENTION)

    # Forward

    @transition(field="state", source=S.PENDING, target=S.READY)
    def make_ready(self) -> None:
        """All incoming edges are decided and one at least is taken."""

    @transition(field="state", source=[S.PENDING, S.READY], target=S.RUNNING)
    def begin(self) -> None:
        """Claimed under a lease: by a message, or in the same breath by the worker that finished its predecessor."""

    @transition(field="state", source=S.RUNNING, target=S.DONE)
    def finish(self) -> None:
        """Its handler says so."""

    @transition(field="state", source=[S.WAITING, S.ATTENTION], target=S.DONE)
    def finish_waiting(self) -> None:
        """A person, a signal or the time says so."""

    @transition(field="state", source=[S.RUNNING, S.WAITING, S.ATTENTION], target=S.READY)
    def try_again(self) -> None:
        """After a failure, at the end of a wait, or because a person asks for it."""

    @transition(field="state", source=S.RUNNING, target=S.WAITING)
    def wait(self) -> None:
        """For a person's work, a time or a signal. Holds no worker and no message."""

    @transition(field="state", source=[S.RUNNING, S.WAITING], target=S.ATTENTION)
    def ask_people(self) -> None:
        """Attempts are used up or trying again is pointless: its ticket is open."""

    @transition(field="state", source=[S.PENDING, S.READY, S.RUNNING, S.WAITING, S.ATTENTION], target=S.SKIPPED)
    def skip(self) -> None:
        """Not to be done: by its condition, by its predecessors, by a person, or because the run is reversed."""

    # In reverse

    @transition(
        field="state", source=[S.DONE, S.READY, S.RUNNING, S.WAITING, S.ATTENTION, S.SKIPPED], target=S.UNDO_READY
    )
    def prepare_undo(self) -> None:
        """It had effects, or may have had, and nothing that built on it is left."""

    @transition(field="state", source=S.UNDO_READY, target=S.UNDOING)
    def begin_undo(self) -> None:
        """Claimed under a lease."""

    @transition(field="state", source=S.UNDOING, target=S.UNDO_READY)
    def undo_again(self) -> None:
        """After a failure."""

    @transition(field="state", source=[S.UNDO_WAITING, S.UNDO_ATTENTION], target=S.UNDO_READY)
    def resume_undo(self) -> None:
        """At the end of a wait, or because a person asks for it."""

    @transition(field="state", source=S.UNDOING, target=S.UNDO_WAITING)
    def wait_undo(self) -> None:
        """For a person's work or a time."""

    @transition(field="state", source=S.UNDOING, target=S.UNDO_ATTENTION)
    def ask_people_undo(self) -> None:
        """Its undo failed for good and its ticket is open."""

    @transition(field="state", source=[S.UNDOING, S.UNDO_WAITING, S.UNDO_ATTENTION], target=S.UNDONE)
    def finish_undo(self) -> None:
        """Its effects are gone."""

    @transition(field="state", source=S.DONE, target=S.UNDONE)
    def nothing_to_undo(self) -> None:
        """It had no effects."""

    @transition(field="state", source=[S.UNDONE, S.SKIPPED], target=S.PENDING)
    def begin_again(self) -> None:
        """It was taken back while its run goes on, and is decided anew."""

    @transition(field="state", source=S.DONE, target=S.KEPT)
    def keep(self) -> None:
        """Past its point of no return; the follow-up it names goes to people."""
