"""The engine in the back office. History and running work: to be looked at, changed by services only."""

from __future__ import annotations

from django.contrib import admin

from boss.core.admin import ReadOnlyAdmin
from workflow.models import (
    Attempt,
    Bulk,
    BulkItem,
    Definition,
    DefinitionDraft,
    DefinitionVersion,
    Limit,
    Run,
    RunEvent,
    Signal,
    TaskRun,
)


@admin.register(Definition)
class DefinitionAdmin(ReadOnlyAdmin):
    list_display = ("title", "key", "current", "is_archived")
    list_filter = ("is_archived",)
    list_select_related = ("current__definition",)


@admin.register(DefinitionVersion)
class DefinitionVersionAdmin(ReadOnlyAdmin):
    list_display = ("definition", "number", "published_at", "published_by")
    list_select_related = ("definition",)
    ordering = ("-id",)


@admin.register(DefinitionDraft)
class DefinitionDraftAdmin(ReadOnlyAdmin):
    list_display = ("title", "key", "revision", "updated_at", "updated_by")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "version", "subject_kind", "subject_id", "state", "started_at", "ended_at")
    list_filter = ("state", "subject_kind")
    list_select_related = ("version__definition",)
    search_fields = ("=public_id",)
    ordering = ("-id",)


@admin.register(Limit)
class LimitAdmin(ReadOnlyAdmin):
    list_display = ("key", "most_at_once", "most_per_minute")
    search_fields = ("key",)


@admin.register(TaskRun)
class TaskRunAdmin(ReadOnlyAdmin):
    list_display = ("key", "run", "kind", "state", "attempt", "failures", "due_at", "worker", "error")
    list_filter = ("state", "kind")
    list_select_related = ("run__version__definition",)
    ordering = ("-id",)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("task", "number", "is_undo", "outcome", "started_at", "ended_at", "worker", "error")
    list_filter = ("outcome", "is_undo")
    list_select_related = ("task",)
    ordering = ("-id",)


@admin.register(RunEvent)
class RunEventAdmin(ReadOnlyAdmin):
    list_display = ("run", "sequence", "at", "kind", "task", "who")
    list_select_related = ("run__version__definition", "task")
    ordering = ("-id",)


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    list_display = ("run", "name", "key", "sent_at", "sent_by", "taken_by")
    list_select_related = ("run__version__definition", "taken_by")
    ordering = ("-id",)


@admin.register(Bulk)
class BulkAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "kind", "total", "asked_by", "asked_at", "ended_at")
    list_filter = ("kind",)
    ordering = ("-id",)


@admin.register(BulkItem)
class BulkItemAdmin(ReadOnlyAdmin):
    list_display = ("bulk", "run", "outcome", "text", "ended_at")
    list_filter = ("outcome",)
    list_select_related = ("bulk", "run__version__definition")
    ordering = ("-id",)
