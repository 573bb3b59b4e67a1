"""The outbox in the back office: read-only."""

from __future__ import annotations

from django.contrib import admin

from boss.core.admin import ReadOnlyAdmin
from boss.notify.models import Delivery, Message
from boss.notify.selectors import shown_text


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "template", "subject", "sent_by", "sealed")
    list_filter = ("template",)
    ordering = ("-id",)
    fields = ("created_at", "key", "template", "language", "subject", "sealed", "sent_by", "readable")
    readonly_fields = fields

    @admin.display(description="text")
    def readable(self, message: Message) -> str:
        return shown_text(message)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("address", "state", "attempts", "due_at", "sent_at", "error")
    list_filter = ("state",)
    ordering = ("-id",)
