from __future__ import annotations

from django.apps import AppConfig


class TicketingConfig(AppConfig):
    name = "ticketing"
    label = "ticketing"
    default_auto_field = "django.db.models.BigAutoField"
