"""Base of the back office's pages: look across realms, change little, make nothing.

Things are made by services, which know the rules. A row added here would land in the platform's own realm.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from boss.core.models import AuditEntry, Fact, FactDelivery


class ScopedAdmin(admin.ModelAdmin):
    """A list across realms without a full count; adding and deleting stay with the services."""

    show_full_result_count = False
    list_per_page = 50

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = list(super().get_list_display(request))
        return [*columns, "realm_id"] if "realm_id" not in columns else columns

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ScopedAdmin):
    """Nothing can be changed here: history, money, runs."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor_label", "action", "subject_kind", "subject_label")
    ordering = ("-id",)


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = ("published_at", "name")
    ordering = ("-id",)


@admin.register(FactDelivery)
class FactDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("handler", "attempts", "due_at", "delivered_at", "error")
    ordering = ("-id",)
