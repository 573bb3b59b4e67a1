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

        from boss.core import events, reads, sealed
        from ipservices import handlers, outage_subjects, porting, registry, sealing, subjects, tasks
        from ipservices.adapters.sandbox_porting import SandboxPorting
        from ipservices.models import Binding, Finding, FormerState, MigrationItem, PortRequest, Service
        from ipservices.services import conforming, networks, provisioning
        from ipservices.services import porting as port_requests
        from subscribers.events import OrderAmended, SubscriptionEnded
        from ticketing.registry import reference_kinds, subject_kinds
        from workflow.registry import run_subject_kinds, task_handlers

        reads.sensitive.register("driver_call.read", reads.SensitiveRead(_("What was said to servers, and answered")))
        registry.register_own()
        registry.register_entry_points()
        for handler in handlers.EVERY:
            task_handlers.register(handler.key, handler)
        for kind in (subjects.SERVICE, subjects.PORT_REQUEST, subjects.FINDING, outage_subjects.OUTAGE):
            subject_kinds.register(kind.key, kind)
        reference_kinds.register(subjects.SERVICE_REFERENCE.key, subjects.SERVICE_REFERENCE)
        reference_kinds.register(subjects.DEVICE_REFERENCE.key, subjects.DEVICE_REFERENCE)
        run_subject_kinds.register(subjects.FINDING_RUNS.key, subjects.FINDING_RUNS)
        porting.porting_ports.register(porting.DEFAULT, SandboxPorting())
        sealed.register(Binding, "sealed_secrets", sealing.secrets_place)
        sealed.register(Service, "sealed_secrets", sealing.secrets_place)
        sealed.register(FormerState, "sealed_observed", sealing.former_place, related=("service",))
        sealed.register(Finding, "sealed_former", sealing.held_place)
        sealed.register(MigrationItem, "sealed_former", sealing.held_place)
        sealed.register(PortRequest, "sealed_pin", port_requests.place)
        events.handle("ipservices.give_back", SubscriptionEnded, tasks.give_back)
        events.handle("ipservices.plan_less", OrderAmended, tasks.plan_less)

        def wake_worker(realm_id: int, service_id: int) -> None:
            try:
                tasks.wake(realm_id, service_id)
            except OperationalError as error:  # the broker is only a bell; the sweep finds it
                log.warning("service_not_woken", service=service_id, error=str(error))

        provisioning.wake.append(wake_worker)
        conforming.wake.append(tasks.wake_for_report)
        networks.wake.append(tasks.wake_for_networks)
