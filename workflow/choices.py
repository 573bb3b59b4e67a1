"""The closed lists of the engine: kinds of tasks, states, outcomes of attempts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TaskKind(models.TextChoices):
    AUTOMATED = "automated", _("Automated")
    MANUAL = "manual", _("Manual")
    WAIT = "wait", _("Wait")
    SUBFLOW = "subflow", _("Sub-workflow")
    EACH = "each", _("For each")


STARTS_RUNS = (TaskKind.SUBFLOW, TaskKind.EACH)
"""Kinds of tasks whose work is done by runs of their own."""


class RunState(models.TextChoices):
    RUNNING = "running", _("Running")
    COMPLETED = "completed", _("Completed")
    REVERSING = "reversing", _("Reversing")
    REVERSED = "reversed", _("Reversed")


CLOSED_RUN_STATES = (RunState.COMPLETED, RunState.REVERSED)


class TaskState(models.TextChoices):
    PENDING = "pending", _("Not yet due")
    READY = "ready", _("Ready")
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting")
    ATTENTION = "attention", _("Needs people")
    DONE = "done", _("Done")
    SKIPPED = "skipped", _("Skipped")
    UNDO_READY = "undo_ready", _("To be undone")
    UNDOING = "undoing", _("Being undone")
    UNDO_WAITING = "undo_waiting", _("Undo waits")
    UNDO_ATTENTION = "undo_attention", _("Undo needs people")
    UNDONE = "undone", _("Undone")
    KEPT = "kept", _("Kept")


FORWARD_END = (TaskState.DONE, TaskState.SKIPPED)
REVERSE_END = (TaskState.SKIPPED, TaskState.UNDONE, TaskState.KEPT)
CLAIMED = (TaskState.RUNNING, TaskState.UNDOING)
CLAIMABLE = (TaskState.READY, TaskState.UNDO_READY)
RESTING = (TaskState.WAITING, TaskState.ATTENTION, TaskState.UNDO_WAITING, TaskState.UNDO_ATTENTION)
"""Waiting for something outside the engine, for minutes or months."""
NEEDS_PEOPLE = (TaskState.ATTENTION, TaskState.UNDO_ATTENTION)


class AttemptOutcome(models.TextChoices):
    DONE = "done", _("Done")
    WAIT = "wait", _("Waits")
    RETRY = "retry", _("Failed, tried again")
    FAILED = "failed", _("Failed for good")
    LOST = "lost", _("Worker lost")


class EndKind(models.TextChoices):
    """How a run closed, as told to the room its subject belongs to."""

    COMPLETED = "completed", _("Completed")
    REVERSED = "reversed", _("Reversed")


class BulkKind(models.TextChoices):
    """What can be done to many runs at once."""

    RETRY = "retry", _("Try failed tasks again")
    REVERSE = "reverse", _("Undo everything")
    MOVE = "move", _("Move to another version")


class BulkOutcome(models.TextChoices):
    PENDING = "pending", _("To be done")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
