from __future__ import annotations

from django.apps import AppConfig


class TicketingConfig(AppConfig):
    name = "ticketing"
    label = "ticketing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ticketing import events  # noqa: F401 - names the facts, in every process
