from __future__ import annotations

import structlog
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

log = structlog.get_logger(__name__)


class IpServicesConfig(AppConfig):
    name = "ipservices"
    label = "ipservices"
    verbose_name = _("IP services")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kombu.exceptions import OperationalError

        from ipservices import handlers, registry, subjects, tasks
        from ipservices.drivers.dns_powerdns.driver import PowerDnsDriver
        from ipservices.drivers.simulator.driver import SimulatorDriver
        from ipservices.services import provisioning
        from ticketing.registry import subject_kinds
        from workflow.registry import task_handlers

        for driver in (SimulatorDriver, PowerDnsDriver):
            registry.register(driver)
        registry.register_entry_points()
        for handler in handlers.EVERY:
            task_handlers.register(handler.key, handler)
        subject_kinds.register(subjects.SERVICE.key, subjects.SERVICE)

        def wake_worker(realm_id: int, service_id: int) -> None:
            try:
                tasks.wake(realm_id, service_id)
            except OperationalError as error:  # the broker is only a bell; the sweep finds it
                log.warning("service_not_woken", service=service_id, error=str(error))

        provisioning.wake.append(wake_worker)
