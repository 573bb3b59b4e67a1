"""Accounts and orders in Django's admin, for looking: changes go through the services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from subscribers.models import (
    Account,
    AccountContact,
    CardHold,
    Charge,
    Collection,
    Lease,
    Order,
    OrderItem,
    Payment,
    Statement,
    Subscription,
)


class ReadOnly:
    """No button that would go past the services."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ContactInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = AccountContact
    extra = 0
    fields = ("name", "email", "phone", "part")


class ItemInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = OrderItem
    extra = 0


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "number", "name", "state", "email", "opened_at")
    list_filter = ("state",)
    exclude = ("pin_hash",)
    inlines = (ContactInline,)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "account", "plan_version", "state", "created_at")
    list_filter = ("state",)
    list_select_related = ("account", "plan_version__plan")


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "number", "account", "state", "channel", "submitted_at")
    list_filter = ("state",)
    list_select_related = ("account",)
    exclude = ("card_token_sealed",)
    inlines = (ItemInline,)


@admin.register(Charge)
class ChargeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "account", "title", "total", "currency", "state", "starts_on")
    list_filter = ("state", "kind")
    list_select_related = ("account",)


@admin.register(CardHold)
class CardHoldAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "order", "amount", "currency", "state", "asked_at")
    list_filter = ("state",)
    list_select_related = ("order",)


@admin.register(Statement)
class StatementAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "account", "period_from", "due_on", "total", "currency")
    list_select_related = ("account",)


@admin.register(Payment)
class PaymentAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "account", "amount", "currency", "paid_by", "received_at")
    list_filter = ("paid_by",)
    list_select_related = ("account",)


@admin.register(Collection)
class CollectionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "account", "state", "overdue_since", "amount", "currency")
    list_filter = ("state",)
    list_select_related = ("account",)


@admin.register(Lease)
class LeaseAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("realm_id", "organization", "reference", "site", "state", "starts_on")
    list_filter = ("state",)
    list_select_related = ("organization", "site")
