from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AutomationConfig(AppConfig):
    name = "boss.automation"
    label = "automation"
    verbose_name = _("Scripts and endpoints")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.automation import handlers, macros, sealing, tasks  # noqa: F401 - the signal of a starting worker hangs in there
        from boss.automation.models import Endpoint
        from boss.core import sealed
        from workflow.registry import task_handlers

        for handler in handlers.EVERY:
            task_handlers.register(handler.key, handler)
        macros.register()
        sealed.register(Endpoint, "sealed_secrets", sealing.place)
