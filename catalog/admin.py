"""The catalog in Django's admin, for looking: changes go through the services, so a version stays what it was."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from catalog.models import Feature, Plan, PlanFeature, PlanOption, PlanPrice, PlanVersion


class ReadOnly:
    """No button that would go past the services."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PartInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0


class FeatureInline(PartInline):
    model = PlanFeature


class OptionInline(PartInline):
    model = PlanOption


class PriceInline(PartInline):
    model = PlanPrice


@admin.register(Feature)
class FeatureAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "key", "title", "family", "driver_family", "fulfilment")
    list_filter = ("fulfilment",)
    show_full_result_count = False


@admin.register(Plan)
class PlanAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "key", "title", "category")
    show_full_result_count = False


@admin.register(PlanVersion)
class PlanVersionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "plan", "number", "state", "currency", "published_at")
    list_filter = ("state",)
    list_select_related = ("plan",)
    inlines = (FeatureInline, OptionInline, PriceInline)
    show_full_result_count = False
