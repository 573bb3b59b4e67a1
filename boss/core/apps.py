from __future__ import annotations

import structlog
from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from boss.core import lanes

log = structlog.get_logger(__name__)


class CoreConfig(AppConfig):
    name = "boss.core"
    label = "core"
    verbose_name = _("Records and facts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.core import checks, events, exports, files, tasks, walls  # noqa: F401 - models are loaded only now

        def wake_relay(realm_id: int) -> None:
            try:
                tasks.relay_facts.delay(realm_id)
            except OperationalError as error:  # the broker is only a bell; the sweep delivers
                log.warning("relay_not_woken", error=str(error))

        def wake_exporter(realm_id: int, export_id: int) -> None:
            try:
                tasks.write_export.apply_async((realm_id, export_id), queue=lanes.of_realm("slow", realm_id))
            except OperationalError as error:  # the sweep writes it
                log.warning("exporter_not_woken", error=str(error))

        def wake_scanner(realm_id: int, file_id: int) -> None:
            try:
                tasks.scan_file.apply_async((realm_id, file_id), queue=lanes.of_realm("slow", realm_id))
            except OperationalError as error:  # the sweep has it scanned
                log.warning("scanner_not_woken", error=str(error))

        events.wake.append(wake_relay)
        files.ring.append(wake_scanner)
        exports.ring.append(wake_exporter)
        post_migrate.connect(walls.after_migrate, dispatch_uid="boss.core.walls")
