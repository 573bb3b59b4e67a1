from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscribersConfig(AppConfig):
    name = "subscribers"
    label = "subscribers"
    verbose_name = _("Subscribers")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from boss.core import sealed
        from subscribers import conditions, events, handlers, ports, subjects  # noqa: F401 - models are loaded only now
        from subscribers.adapters import sandbox
        from subscribers.models import Order
        from subscribers.services import orders
        from ticketing.registry import condition_kinds, reference_kinds, subject_kinds
        from workflow.registry import run_subject_kinds, task_handlers

        ports.payment_ports.register(ports.DEFAULT, sandbox.SandboxPayment())
        ports.credit_ports.register(ports.DEFAULT, sandbox.SandboxCredit())
        for kind in (
            subjects.ACCOUNT_TICKETS, subjects.ORDER_TICKETS, subjects.STATEMENT_TICKETS, subjects.CASE_TICKETS
        ):  # fmt: skip
            subject_kinds.register(kind.key, kind)
        condition_kinds.register(conditions.PLANS.key, conditions.PLANS)
        reference_kinds.register(subjects.ACCOUNT_REFERENCE.key, subjects.ACCOUNT_REFERENCE)
        for runs_about in (subjects.ORDER_RUNS, subjects.CASE_RUNS):
            run_subject_kinds.register(runs_about.key, runs_about)
        for handler in handlers.EVERY:
            task_handlers.register(handler.key, handler)
        sealed.register(Order, "card_token_sealed", orders.token_place)
