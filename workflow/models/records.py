"""What is only ever added: attempts, events, signals."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from boss.core.scoping import RealmScoped
from workflow.choices import AttemptOutcome
from workflow.models.columns import ClockTimestamp
from workflow.models.runs import Run, TaskRun


class Attempt(RealmScoped):
    """One try at a task that has ended, written by whoever ended it. The one under way stands in the task's row."""

    realm_only = "the engine knows no customer: he sees the stages of his order"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    task = models.ForeignKey(TaskRun, models.CASCADE, related_name="attempts", db_index=False, db_constraint=False)
    number = models.PositiveIntegerField(_("number"))
    is_undo = models.BooleanField(_("undo"), default=False)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), db_default=ClockTimestamp())
    outcome = models.CharField(_("outcome"), max_length=8, choices=AttemptOutcome.choices)
    error = models.TextField(_("error"), blank=True, default="")
    worker = models.CharField(_("worker"), max_length=120, blank=True, default="")
    answer: Any = models.JSONField(_("answer"), default=dict)
    retry_at = models.DateTimeField(_("tried again at"), null=True)

    class Meta(RealmScoped.Meta):
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [models.UniqueConstraint(fields=["realm_id", "task", "number"], name="workflow_attempt_once")]

    def __str__(self) -> str:
        return f"{self.number}"


class RunEvent(RealmScoped):
    """One change of a run, in the order of ``sequence``, which has no gaps: the run's own record, kept for ever."""

    realm_only = "the engine knows no customer: he sees the stages of his order"
    database_rights: ClassVar[str] = "SELECT, INSERT"

    run = models.ForeignKey(Run, models.CASCADE, related_name="events", db_index=False, db_constraint=False)
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=ClockTimestamp())
    kind = models.CharField(max_length=30)
    task = models.ForeignKey(
        TaskRun, models.CASCADE, null=True, related_name="events", db_index=False, db_constraint=False
    )
    who = models.CharField(max_length=200)
    data: Any = models.JSONField(default=dict)

    class Meta(RealmScoped.Meta):
        verbose_name = _("run event")
        verbose_name_plural = _("run events")
        constraints = [models.UniqueConstraint(fields=["realm_id", "run", "sequence"], name="workflow_event_sequence")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind}"


class Signal(RealmScoped):
    """Something told to a run from outside. Kept until a task takes it; the same ``key`` is told once."""

    realm_only = "the engine knows no customer: he sees the stages of his order"
    database_rights: ClassVar[str] = "SELECT, INSERT, UPDATE"

    run = models.ForeignKey(Run, models.CASCADE, related_name="signals", db_index=False, db_constraint=False)
    name = models.CharField(_("name"), max_length=80)
    key = models.CharField(_("key"), max_length=200, blank=True, default="")
    payload: Any = models.JSONField(_("payload"), default=dict)
    sent_at = models.DateTimeField(_("sent"), db_default=ClockTimestamp())
    sent_by = models.CharField(_("sent by"), max_length=200)
    taken_by = models.ForeignKey(
        TaskRun, models.CASCADE, null=True, related_name="signals_taken", db_index=False, db_constraint=False
    )

    class Meta(RealmScoped.Meta):
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        constraints = [
            models.UniqueConstraint(
                fields=["realm_id", "run", "key"], condition=~models.Q(key=""), name="workflow_signal_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["realm_id", "run", "name", "id"], condition=models.Q(taken_by=None), name="workflow_signal_kept"
            ),
        ]

    def __str__(self) -> str:
        return self.name
