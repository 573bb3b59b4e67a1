from __future__ import annotations

import structlog
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)


class PrivacyConfig(AppConfig):
    name = "boss.privacy"
    label = "privacy"
    verbose_name = _("Privacy")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kombu.exceptions import OperationalError

        from boss.core import lanes, reads
        from boss.privacy import declarations, retained, tasks
        from boss.privacy.services import copies, erasures

        declarations.declare_all()
        retained.declare_all()
        reads.sensitive.register("privacy.export_fetched", reads.SensitiveRead(_("A copy of a person's data")))

        def wake(name: str, realm_id: int, row_id: int) -> None:
            task = tasks.write_copy if name == "copy" else tasks.erase
            try:
                task.apply_async((realm_id, row_id), queue=lanes.of_realm("slow", realm_id))
            except OperationalError as error:  # the sweep finds it
                log.warning("privacy_not_woken", error=str(error))

        copies.ring.append(wake)
        erasures.ring.append(wake)
