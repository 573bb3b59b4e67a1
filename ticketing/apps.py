from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketingConfig(AppConfig):
    name = "ticketing"
    label = "ticketing"
    verbose_name = _("Ticketing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import functools

        from boss.core import files, sealed
        from boss.core.events import handle  # models are loaded only now
        from boss.tenancy.addresses import address_rules
        from ticketing import conditions, desk_addresses, events, handlers, references, subjects
        from ticketing.models import MailGrant, MailKey, MailSource
        from ticketing.registry import condition_kinds, macro_steps, reference_kinds, subject_kinds
        from ticketing.reports import running  # noqa: F401 - the desk's own reports register themselves
        from ticketing.services import macro_steps as desk_steps
        from ticketing.services.mail import grants, keys, sources

        sealed.register(MailKey, "secret_sealed", keys.place)
        sealed.register(MailSource, "password_sealed", sources.place)
        for secret in grants.SEALED:
            bound_to = functools.partial(grants.place, name=secret)
            sealed.register(MailGrant, f"{secret}_sealed", bound_to, related=("source",))

        address_rules.register(desk_addresses.SUPPORT_DOMAINS.key, desk_addresses.SUPPORT_DOMAINS)
        for kind in references.KINDS:
            reference_kinds.register(kind.key, kind)
        for condition in conditions.KINDS:
            condition_kinds.register(condition.key, condition)
        subject_kinds.register(subjects.SITE.key, subjects.SITE)
        for step in desk_steps.KINDS:
            macro_steps.register(step.key, step)
        handle("ticketing.acknowledge", events.TicketOpened, handlers.acknowledge)
        handle("ticketing.pass_on_answer", events.MessageAdded, handlers.pass_on_answer)
        handle("ticketing.note_scan", files.FileScanned, handlers.note_scan)
        handle("ticketing.copy_values", events.CategoryPublished, handlers.copy_values)
        handle("ticketing.place_new", events.TicketOpened, handlers.place_new)
        handle("ticketing.place_waiting", events.TicketWaits, handlers.place_waiting)
        handle("ticketing.use_room", events.RoomMade, handlers.use_room)
        handle("ticketing.obey_rules", events.TicketChanged, handlers.obey_rules)
        handle("ticketing.tell_moved", events.TicketMoved, handlers.tell_moved)
        handle("ticketing.tell_resolved", events.TicketResolved, handlers.tell_resolved)
