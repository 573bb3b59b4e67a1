"""The desk in the back office. Tickets, categories and pools change through services, so all of it is read-only."""

from __future__ import annotations

from django.contrib import admin

from boss.core.admin import ReadOnlyAdmin
from ticketing.models import (
    Category,
    CategorySchema,
    Message,
    Policy,
    PoolMember,
    SlaClock,
    TalentPool,
    Ticket,
    TicketEvent,
    TicketLink,
)


@admin.register(Category)
class CategoryAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "kind", "parent", "default_pool", "portal_visible", "is_archived")
    list_filter = ("kind", "portal_visible", "is_archived")
    list_select_related = ("parent", "default_pool")


@admin.register(CategorySchema)
class CategorySchemaAdmin(ReadOnlyAdmin):
    list_display = ("category", "version", "published_at")
    list_select_related = ("category",)


@admin.register(TalentPool)
class TalentPoolAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "description")


@admin.register(PoolMember)
class PoolMemberAdmin(ReadOnlyAdmin):
    list_display = ("pool", "user", "since")
    list_select_related = ("pool", "user")


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "category", "state", "priority", "pool", "assignee", "due_at")
    list_filter = ("state", "priority")
    list_select_related = ("category", "pool", "assignee")
    search_fields = ("=number",)
    ordering = ("-id",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("ticket", "seq", "kind", "author_label", "at")
    list_filter = ("kind",)
    list_select_related = ("ticket",)
    ordering = ("-id",)


@admin.register(TicketEvent)
class TicketEventAdmin(ReadOnlyAdmin):
    list_display = ("ticket", "seq", "type", "actor_label", "at")
    list_select_related = ("ticket",)
    ordering = ("-id",)


@admin.register(TicketLink)
class TicketLinkAdmin(ReadOnlyAdmin):
    list_display = ("ticket", "subject_kind", "subject_id", "account_id")
    list_select_related = ("ticket",)
    ordering = ("-id",)


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "kind", "is_archived")
    list_filter = ("kind",)


@admin.register(SlaClock)
class SlaClockAdmin(ReadOnlyAdmin):
    list_display = ("ticket", "kind", "round", "state", "started_at", "due_at")
    list_filter = ("kind", "state")
    list_select_related = ("ticket",)
    ordering = ("-id",)
