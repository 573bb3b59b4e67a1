from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowConfig(AppConfig):
    name = "workflow"
    label = "workflow"
    verbose_name = _("Workflow")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.core.events import handle
        from workflow import events, fallbacks, macros, registry, tickets
        from workflow.engine import parts

        registry.load_entry_points()
        tickets.register()
        macros.register()
        fallbacks.register()
        handle("workflow.part_closed", events.PartClosed, parts.closed)
